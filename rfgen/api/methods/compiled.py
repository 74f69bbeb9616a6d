"""Estimators written as expressions: their exact curves and their simulation."""

__all__ = ["own_numbers", "predict_compiled", "simulate_compiled"]

from collections.abc import Mapping
from typing import Any

import numpy as np

from rfgen.algebra.estimator import Estimator
from rfgen.algebra.leaves import Vector
from rfgen.algebra.macros import INPUTS, covariance
from rfgen.algebra.structure import Structure
from rfgen.curves.dataset import dataset
from rfgen.curves.grid import Grid
from rfgen.curves.measured import MonteCarlo, measured_curve
from rfgen.problems import validation
from rfgen.problems.space_tasks import TEST, SpaceTasks
from rfgen.simulation.runs.compiled import compiled_runs, trial_bytes
from rfgen.theory.compiled.flow import solve_flow
from rfgen.theory.compiled.large import LARGE, solve_large
from rfgen.theory.compiled.many import solve_many
from rfgen.theory.compiled.measures import measures, metrics_of
from rfgen.theory.compiled.numbers import numbers_of
from rfgen.theory.compiled.solver import Solved, solve
from rfgen.theory.compiled.together import solve_together

# So many points are compiled: a program takes 1 to 6 s to compile, and saves a tenth of a millisecond a point.
MANY = 2**15
# So many are solved side by side: together they take what some ten take one after the other.
SEVERAL = 8


def own_numbers(learner: Any, verb: str, numbers: Mapping[str, Any]) -> None:
    """Refuse arguments of names that the verb does not know, unless an estimator names them."""
    if numbers and not isinstance(learner, Estimator):
        raise TypeError(
            f"{verb} got an unexpected argument {next(iter(numbers))!r}: only an rg.algebra.Estimator names numbers of its "
            "own"
        )


def _checked(
    estimator: Estimator, n: Any, numbers: Mapping[str, Any]
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Axes by names, and the values of diagonal matrices."""
    given = {**({} if n is None else {"n": n}), **numbers}
    matrices = [own.name for own in estimator.diagonals]
    lines = [own.of for own in estimator.directions]
    wanted = [*estimator.names, *matrices, *lines]
    if twice := [name for name in wanted if wanted.count(name) > 1]:
        raise ValueError(f"{twice[0]} is the name of two things in the estimator: give one of them another")
    if unknown := [name for name in given if name not in wanted]:
        raise ValueError(f"{unknown[0]} is no number of the estimator, which needs {', '.join(wanted)}")
    if missing := [name for name in wanted if name not in given]:
        raise ValueError(f"{', '.join(missing)} must be given: the estimator needs {', '.join(wanted)}")
    axes = {}
    for name in estimator.names:
        rule = validation.positive if name in estimator.sizes else validation.array
        rule = validation.non_negative if rule is validation.array and name in estimator.never_negative else rule
        axes[name] = rule(name, given[name], (0, 1))
    for own in estimator.subsets:
        if axes[own.size].max() > axes[own.rows.name].min():
            raise ValueError(f"{own.size} must be at most {own.rows}, of which it is a part, got {axes[own.size].max():g}")
    for own in estimator.nodes:
        if isinstance(own, Vector) and own.kind == "signs":
            extreme = [float(own.parts[3].value(point)) for point in Grid(axes).points]
            if max(extreme, default=0.0) > 1.0:
                raise ValueError(f"{own.parts[3]} must be in [0, 1], a share of the signs {own.of}, got {max(extreme):g}")
    found = {name: _matrix(name, given[name]) for name in matrices}
    return axes, found | {name: validation.array(name, given[name], 1) for name in lines}


def _refuse_lengths(estimator: Estimator, domains: SpaceTasks, diagonals: Mapping[str, np.ndarray]) -> None:
    """Refuse values on inputs that are not one a level, and single directions where a task has several outputs."""
    levels = domains.multiplicity.size
    of_inputs = [own.name for own in estimator.diagonals if own.rows is INPUTS] + [own.of for own in estimator.directions]
    for name in of_inputs:
        if len(diagonals[name]) != levels:
            got = len(diagonals[name])
            raise ValueError(f"{name} must have {levels} values, one for each of the task's levels, got {got}")
    if estimator.single and domains.unseen(TEST).size > 1:
        raise ValueError("task must have one output beside directions, signs and intercepts: give the power of one")
    if estimator.directions and any(own.spectrum.infinite for own in domains.own.values()):
        named = estimator.directions[0].of
        raise ValueError(f"task must have finitely many modes beside the direction {named}: give modes=")


def _matrix(name: str, value: Any) -> np.ndarray:
    """Values of a diagonal matrix, or a positive semidefinite one."""
    found = validation.array(name, value, (1, 2))
    if found.ndim == 1:
        return validation.non_negative(name, found, 1)
    if found.shape[0] != found.shape[1] or not np.allclose(found, found.T):
        raise ValueError(f"{name} must be a symmetric matrix, got shape {found.shape}")
    if (lowest := float(np.linalg.eigvalsh(found)[0])) < -1e-9 * np.trace(found):
        raise ValueError(f"{name} must be positive semidefinite, got the eigenvalue {lowest:g}")
    return found


def _refuse_dense(posed: Structure, domains: SpaceTasks, dense: set[str]) -> None:
    """Refuse products of matrices that do not commute, whose order is not kept, and levels of several modes."""
    if dense and (domains.multiplicity != 1.0).any():
        raise ValueError(f"task must have single modes, without multiplicity, beside the matrix {min(dense)}")
    for names in (own.diagonals for own in (*posed.pencil.fixed, *posed.traces, *posed.places, *posed.seconds)):
        if len(names) > 1 and dense & set(names):
            raise ValueError(f"{' and '.join(names)} meet in a product, and their order is not kept: give diagonal values")


def predict_compiled(task: Any, learner: Estimator, n: Any, *, test: Any = None, **numbers: Any) -> Any:
    """Exact risk of an estimator that is written as an expression.

    Returns
    -------
    xarray.Dataset
        Over every name of the estimator that is given as an array: `test`, on inputs of the tested task, its noise
        included; `norm`, the mean squared length of the coefficients on features, or on inputs where there are none (of
        sums of fits the sum over features); `train`, the mean squared residual of rows with labels of their own; `bias`,
        `variance`, `noise` where no single vector is among the matrices; `error` of estimators whose `inputs` have classes,
        whose `test` is beside the labels +1 and -1; `amplification`, 1/(1 - r^2) with the spectral radius r of second
        moments, infinite at a peak (not along gradient flow); `residual`, `converged`.

    Notes
    -----
    Exact as all sizes and the number of modes grow together, for Gaussian rows; that other rows are like them is the user's
    claim.  A ridge of 0 is the limit of small ones.  A point without a finite limit is inf, or NaN with the reason in
    `attrs["failures"]`.

    References
    ----------
    Derived: theory (14.1) to (14.10), in the line of RMTool (Rao and Edelman 2008) and auto-fpt (arXiv 2504.10754);
    existence of the limit: arXiv 2312.09194.

    Examples
    --------
    >>> import rfgen as rg
    >>> a = rg.algebra
    >>> X, U = a.data("X", samples="n"), a.data("U", samples="m")
    >>> teacher = a.ridge_fit(X, a.labels(X))
    >>> student = a.Estimator(a.ridge_fit(U, U @ teacher, ridge="ridge2", features="k"))
    >>> task = rg.Task.power_law(alpha=1.2, beta=1.5, noise=0.2, modes=300)
    >>> curve = rg.predict(task, student, n=[64, 256], m=512, k=100, ridge=0.1, ridge2=0.01)
    >>> curve.test.dims, curve.test.values.round(4)
    (('n',), array([0.7143, 0.6164]))
    """
    axes, diagonals = _checked(learner, n, numbers)
    domains = SpaceTasks.of(task, learner.samples, test)
    leaders = domains.leaders
    test, endless = leaders[TEST], any(own.spectrum.infinite for own in domains.own.values())
    if endless and (noisy := [own.name for own in learner.isotropic if own.columns is INPUTS]):
        raise ValueError(f"task must have finitely many modes, as {noisy[0]} has noise in each: give modes=")
    _refuse_lengths(learner, domains, diagonals)
    posed = learner.posed({name: leaders[name] for name in learner.samples}, test)
    at, grid = numbers_of(learner, domains, diagonals), Grid(axes)
    metrics = metrics_of(learner, posed, covariance(test).name)
    dense = {name for name, own in diagonals.items() if own.ndim == 2}
    _refuse_dense(posed, domains, dense)
    if dense and (learner.flow is not None or posed.pencil.joined):
        raise ValueError(f"{min(dense)} must be diagonal values beside gradient flow or single vectors, got a matrix")
    points = grid.points
    least = np.array([min((float(ridge.value(point)) for ridge in learner.ridges), default=1.0) for point in points])
    if learner.flow is not None:
        solved = solve_flow(posed, learner.flow, at, points, metrics, least)
    elif len(points) >= MANY and np.all(least > 0.0) and not dense and not posed.pencil.joined:
        solved = solve_many(posed, [at(point) for point in points], metrics, least)
    elif len(points) >= SEVERAL and not dense:
        solved = solve_together(posed, [at(point) for point in points], metrics, least)
    elif len(domains.multiplicity) >= LARGE and dense and np.all(least > 0.0):
        solved = [solve_large(posed, at(point), metrics, float(low)) for point, low in zip(points, least, strict=True)]
    else:
        solved = []
        for point, lowest in zip(points, least, strict=True):
            solved.append(solve(posed, at(point), metrics, float(lowest), solved[-1].cores if solved else ()))
    found = [measures(learner, domains, metrics, own, point) for own, point in zip(solved, points, strict=True)]
    values = {name: np.array([own[name] for own in found]) for name in found[0]}
    attributes: dict[str, Any] = {"kind": "theory", "dtype": "float64", "source": "derived", "sizes": list(learner.sizes)}
    return _curve(grid, solved, values, task, attributes)


def _curve(
    grid: Grid, solved: list[Solved], values: Mapping[str, np.ndarray], task: Any, attributes: dict[str, Any]
) -> Any:
    """The Dataset."""
    radius, lost = np.array([own.radius for own in solved]), np.isnan(values["test"])
    with np.errstate(divide="ignore"):
        amplification = 1.0 / np.maximum(1.0 - radius**2, 0.0)  # a matrix and its transpose take two steps of the moments
    columns = {**values, "residual": np.array([own.residual for own in solved]), "converged": ~lost}
    if lost.all() or not np.isnan(radius).all():
        columns["amplification"] = np.where(lost, np.nan, amplification)
    if lost.any():
        reasons = dict.fromkeys(own.reason for own in solved if own.reason)
        attributes["failures"] = f"{lost.sum()} point(s) not solved: {'; '.join(reasons)}"
    return dataset(grid.axes, {name: grid.pack(own) for name, own in columns.items()}, task, attributes)


def simulate_compiled(
    task: Any, learner: Estimator, n: Any, runs: MonteCarlo, *, test: Any = None, **numbers: Any
) -> Any:
    """Measured `test` and `norm`: the matrices of the expression are drawn, and it is evaluated by solving its systems.

    Notes
    -----
    Of a level of several modes each is drawn; infinitely many modes are refused.  A singular system of a ridge of 0 is
    solved with the smallest weights.
    """
    axes, diagonals = _checked(learner, n, numbers)
    domains = SpaceTasks.of(task, learner.samples, test)
    outer, inner = ({name: axes[name] for name in axes if (name in learner.sizes) is own} for own in (True, False))
    scalars = Grid(inner)
    points = scalars.points or [{}]  # an expression may have no scalars

    def run(trials: int, seed: int, start: int, **sizes: int) -> dict[str, np.ndarray]:
        found = compiled_runs(learner, domains, diagonals, points, sizes, range(start, start + trials), seed)
        return {name: np.reshape(values, (trials, *scalars.shape)) for name, values in found.items()}

    def size(**sizes: int) -> float:
        return trial_bytes(learner, domains, sizes)

    content = (learner.program, inner, diagonals, test)
    return measured_curve(task, content, axes, run, size, runs, tuple(outer))
