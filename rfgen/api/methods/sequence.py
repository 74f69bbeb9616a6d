"""Sequences of trainings on several domains: exact curves and their simulation."""

__all__ = ["predict_sequence", "simulate_sequence"]

import functools
from typing import Any

import numpy as np

from rfgen.api.domain_arguments import asked_tests
from rfgen.curves.cells.content import content
from rfgen.curves.cells.precision import fewest_trials
from rfgen.curves.dataset import DESCRIPTIONS, dataset, mean_and_error
from rfgen.curves.grid import Grid
from rfgen.curves.measured import MonteCarlo
from rfgen.problems.domains.domain import Domain
from rfgen.problems.domains.domains import Domains, Law
from rfgen.problems.domains.sequence import Sequence, Stage
from rfgen.problems.trainings.spectral import AbstractTraining
from rfgen.simulation.runs.populations.sequence import sequence_runs
from rfgen.simulation.runs.trials import settings_of
from rfgen.theory.domains.chain import chain_risks
from rfgen.theory.domains.problem import DomainProblem
from rfgen.theory.domains.stages import Fitted, fitted_stage
from rfgen.theory.dynamics.spectral_filters import filter_of

Tests = tuple[dict[str, Domain], bool]


def _asked(task: Domains, sequence: Sequence, n: Any, test: Any) -> tuple[Tests, Law, Grid, list[list[dict[str, float]]]]:
    """Tests, the law of all populations, the grid, and the settings of every stage at each of its points."""
    if n is not None:
        raise ValueError(f"n must be left out: every rg.Stage says its own rows, got {n!r}")
    for stage in sequence.stages:
        for given in (stage.n, stage.weights, stage.noise, stage.labels if isinstance(stage.labels, dict) else ()):
            if unknown := [name for name in given if name not in task.names]:
                known = ", ".join(task.names)
                raise ValueError(f"stage {stage.name!r} must draw from the domains {known}, got {unknown[0]!r}")
    if any(one.examples is not None for one in task.domains.values()):
        raise ValueError("sequences need domains of moments, not of rows: use rg.Domain(covariance, weights, noise)")
    tests, single = asked_tests(task, test)
    grid = Grid(sequence.axes)
    points: list[Any] = grid.points if grid.axes else [{}]
    settings = [
        [{name: float(at.get(f"{own.name}_{name}", axis)) for name, axis in own.axes.items()} for own in sequence.stages]
        for at in points
    ]
    for point in settings:
        for stage, own in zip(sequence.stages, point, strict=True):
            if sum(value for name, value in own.items() if name.startswith("n_")) <= 0:
                raise ValueError(f"n of stage {stage.name!r} must leave at least one row, got none")
    return (tests, single), Law.of([*task.domains.values(), *tests.values()]), grid, settings


def _at(training: AbstractTraining, own: dict[str, float]) -> dict[str, float]:
    return {name: own[name] for name in training.axes}


def predict_sequence(task: Domains, learner: Sequence, n: Any = None, test: Any = None) -> Any:
    """Exact risk of models trained in stages: transfer, fine-tuning, distillation, weak to strong, collapse.

    Returns
    -------
    xarray.Dataset
        Over the settings of stages that are arrays, as `<stage>_<name>`, and over `stage` and `test_domain`: `test`, the
        risk after each stage on each population; `irreducible`, the noise of its labels; `converged`.

    Notes
    -----
    Exact as rows, features and inputs grow together, where every stage has fresh rows and features of its own.  `start`
    with ridge pulls the weights towards the earlier model's, with gradient training begins there (weight decay pulls
    there too).

    References
    ----------
    `rfgen.theory.chain_risks`, derived: the Gaussian description of ridge regression, composed.  The settings are those of
    arXiv 2402.07712 (collapse), 2410.18837 and 2603.05691 (distillation, weak to strong), 2508.15494 (continual).

    Examples
    --------
    >>> import rfgen as rg
    >>> task = rg.Task.power_law(1.5, 1.5, noise=0.3, modes=300)
    >>> domains = rg.Domains({"old": task, "new": task.shifted(overlap=0.5)})
    >>> first = rg.Stage("first", rg.Learner(rg.Ridge(0.3)), n={"old": 200})
    >>> tuned = rg.Stage("tuned", rg.Learner(rg.GradientFlow([0, 10, 1000])), n={"new": 100}, start="first")
    >>> curve = rg.predict(domains, rg.Sequence([first, tuned]))
    >>> curve.test.sel(stage="tuned", test_domain="old").values.round(3)  # forgetting
    array([0.517, 2.095, 2.896])
    """
    (tests, single), law, grid, points = _asked(task, learner, n, test)
    risks, solved = [], []
    for settings in points:

        def fit(problem: DomainProblem, rows: np.ndarray, weight: np.ndarray, number: int, at: Any = settings) -> Fitted:
            training, own = learner.stages[number].learner.training, at[number]
            if training.clock is None:
                return fitted_stage(problem, rows, weight, own["features"], own["ridge"])
            made = filter_of(type(training).__name__, _at(training, own), float(rows.sum()))
            return fitted_stage(problem, rows, weight, own["features"], made, float(own[training.clock]))

        found, all_solved = chain_risks(law, task.names, learner, settings, fit)
        risks.append(np.where(all_solved, found, np.nan))
        solved.append(all_solved)
    values = {"test": np.stack(risks)}
    values["irreducible"] = np.broadcast_to(law.noise[len(task.names):], values["test"].shape)
    curve = _as_dataset(task, learner, grid, tests, single, values, {"kind": "theory", "source": "derived"})
    curve["converged"] = (tuple(grid.dims), np.reshape(solved, grid.shape), {"long_name": DESCRIPTIONS["converged"]})
    if not all(solved):
        curve.attrs["failures"] = f"{solved.count(False)} point(s) not solved in double precision: take a larger ridge"
    return curve


def _as_dataset(
    task: Domains, learner: Sequence, grid: Grid, tests: dict[str, Domain], single: bool, values: dict[str, np.ndarray],
    attributes: dict[str, Any],
) -> Any:
    """Variables over the axes, `stage` and `test_domain`."""
    curve = dataset(grid.axes, {}, task, {"dtype": "float64", "sequence": repr(learner), **attributes}, {})
    rows = [sum(float(np.max(count)) for count in stage.n.values()) for stage in learner.stages]
    curve = curve.assign_coords(stage=("stage", learner.names), rows=("stage", rows))
    curve = curve.assign_coords(test_domain=next(iter(tests)) if single else ("test_domain", list(tests)))
    for name, value in values.items():
        packed = grid.pack(value, *value.shape[1:])
        inner, packed = (("stage",), packed[..., 0]) if single else (("stage", "test_domain"), packed)
        said = name.removesuffix("_se")
        text = DESCRIPTIONS[said] if said == name else f"standard error of {said}"
        curve[name] = ((*grid.dims, *inner), packed, {"long_name": text})
    for name in ("stage", "test_domain"):
        curve[name].attrs["long_name"] = DESCRIPTIONS[name]
    return curve


def simulate_sequence(task: Domains, learner: Sequence, n: Any, runs: MonteCarlo, test: Any = None) -> Any:
    """Measured `test` after each stage, with its standard error: fresh Gaussian rows and features in every stage."""
    (tests, single), law, grid, points = _asked(task, learner, n, test)
    cells = []
    for settings in points:
        pairs = zip(learner.stages, settings, strict=True)
        made = [settings_of(_single(stage, own), [], "float64") for stage, own in pairs]
        if any(value != round(value) for own in settings for name, value in own.items() if name.startswith("n_")):
            raise ValueError("n must be whole numbers for a simulation, got fractions of rows in a stage")

        rows = max(int(sum(value for name, value in own.items() if name.startswith("n_"))) for own in settings)
        need = 8 * (4 * rows * task.dim + 4 * min(rows, task.dim) ** 2)
        measure = functools.partial(sequence_runs, task, law, learner, settings, made)
        cells.append(runs.cell(measure, (*content(law), *content(learner), str(settings), runs.seed), need))
    collected, attributes = runs.measured(cells, "n or inputs")
    mean, error = zip(*(mean_and_error(cell["test"]) for cell in collected), strict=True)
    values = {"test": np.stack(mean), "test_se": np.stack(error)}
    found = _as_dataset(task, learner, grid, tests, single, values, attributes)
    return found.assign_coords(trials=fewest_trials(collected))


def _single(stage: Stage, own: dict[str, float]) -> AbstractTraining:
    """The training of a stage at single settings."""
    training: AbstractTraining = stage.learner.training
    whole = {name: int(value) if name == "steps" else value for name, value in _at(training, own).items()}
    return type(training)(**whole)
