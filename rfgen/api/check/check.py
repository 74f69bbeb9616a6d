"""`check`: theory beside simulation."""

__all__ = ["check"]

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, overload

import numpy as np

from rfgen.algebra.estimator import Estimator
from rfgen.api.check.agreement import FINITE_SIZE, comparison
from rfgen.api.check.report import Report
from rfgen.api.diagnosis.curve import of_curve
from rfgen.api.domain_arguments import as_domains
from rfgen.api.methods.compiled import own_numbers
from rfgen.api.methods.table import method_for
from rfgen.api.nouns import AnyLearner, AnyTask, TasksOfSpaces
from rfgen.api.over_tasks import stacked
from rfgen.api.predicting import predict
from rfgen.api.simulating import simulate
from rfgen.curves.arguments import Folder, Numbers
from rfgen.curves.cells.dask_engine import Dask
from rfgen.curves.cells.engines import checked_engine
from rfgen.curves.cells.store import checked_store
from rfgen.problems import validation
from rfgen.problems.data_task import DataTask
from rfgen.problems.domains.domains import Domains
from rfgen.problems.tasks import Tasks


@overload
def check(
    task: AnyTask, learner: AnyLearner, n: Numbers | None = None, *, trials: int = 45, seed: int = 0,
    variables: str | Sequence[str] | None = None, threshold: float = 4.0, finite_size: float = FINITE_SIZE,
    form: str | None = None, members: Numbers | None = None, dtype: str = "float64", test_rows: str = "population",
    memory: float | None = None, progress: bool | None = None, store: Folder | None = None,
    weights: Mapping[str, Numbers] | None = None, test: Any = None, engine: Dask | None = None,
) -> Report: ...
@overload
def check(
    task: TasksOfSpaces, learner: Estimator, n: Numbers | None = None, *, trials: int = 45, seed: int = 0,
    variables: str | Sequence[str] | None = None, threshold: float = 4.0, finite_size: float = FINITE_SIZE,
    memory: float | None = None, progress: bool | None = None, store: Folder | None = None, test: Any = None,
    engine: Dask | None = None, **numbers: Any,
) -> Report: ...
def check(
    task: AnyTask | TasksOfSpaces, learner: AnyLearner | Estimator, n: Numbers | None = None, *,
    trials: int = 45, seed: int = 0,
    variables: str | Sequence[str] | None = None, threshold: float = 4.0, finite_size: float = FINITE_SIZE,
    form: str | None = None, members: Numbers | None = None, dtype: str = "float64", test_rows: str = "population",
    memory: float | None = None, progress: bool | None = None, store: Folder | None = None,
    weights: Mapping[str, Numbers] | None = None, test: Any = None, engine: Dask | None = None, **numbers: Any,
) -> Report:
    """Theory beside simulation, with the z-score of every point.

    Parameters
    ----------
    task, learner, n, form, members, weights, test, **numbers
        As in `predict`.
    trials, seed, dtype, test_rows, memory, progress, store, engine
        As in `simulate`.
    variables
        Those that decide; None: test, and train where there is a training set (of classes the error and train_error, of
        networks the test_accuracy after the first step).
    threshold
        Standard errors granted, >= 0.
    finite_size
        How many times its expected finite-size error the theory is granted, >= 0.

    Returns
    -------
    Report
        Prints as a table; its truth is the verdict, `.dataset` (an `xarray.Dataset`) holds all, `.diagnosis` tells why they
        disagree.

    Raises
    ------
    ValueError, TypeError, MemoryError
        As in `predict` and `simulate`.

    Notes
    -----
    A point agrees when theory and measurement differ by at most `threshold` standard errors plus the allowance,
    `finite_size` times the method's constant (documentation, scale) times theory times the `finite_size` of the curve,
    which vanishes as sizes grow.  A point whose allowance exceeds a third of the theory is not judged, and where nothing is
    judged nothing agrees.  The error of sampled patterns is added to the measurement's.

    Examples
    --------
    >>> import rfgen as rg
    >>> report = rg.check(rg.Task.isotropic(20, noise=0.1), rg.Learner(rg.Ridge(0.1)), n=[40, 80], trials=20)
    >>> report.agrees
    True
    """
    if isinstance(task, Tasks):
        given: dict[str, Any] = {
            "trials": trials, "seed": seed, "variables": variables, "threshold": threshold, "finite_size": finite_size,
            "form": form, "members": members, "dtype": dtype, "test_rows": test_rows, "memory": memory,
            "progress": progress, "store": store, "weights": weights, "test": test, "engine": engine,
        }
        reports = [check(one, learner, n, **given, **numbers) for one in task.each]
        return Report(stacked(task, [one.dataset for one in reports]), reports[0].judged, reports[0].threshold, repr(task))
    threshold = float(validation.non_negative("threshold", threshold, 0))
    finite_size = float(validation.non_negative("finite_size", finite_size, 0))
    own_numbers(learner, "check", numbers)
    checked_engine(engine)
    if store is not None:
        checked_store(store)
    asked, _ = as_domains(task, learner, n, test)
    options: dict[str, Any] = {"members": members, "weights": weights, "test": test}
    method, _ = method_for("predict", asked, learner, form=form, **options)
    both: tuple[Any, Any] = (task, learner)  # of either overload
    unmeasured = {"train"} if method.decided == ("test",) else set()
    if getattr(learner, "resampling", None) is not None or (members is not None and "train_error" in method.measured):
        unmeasured |= {"train", "train_error"}
    known = tuple(name for name in method.measured if name not in unmeasured)
    decided = tuple(name for name in method.decided if name in known)
    if variables is None:
        variables = decided
    variables = (variables,) if isinstance(variables, str) else tuple(variables)
    unknown = set(variables) - set(known)
    if unknown or not variables:
        raise ValueError(f"variables must be among {', '.join(known)}, got {variables!r}")
    if validation.integer("trials", trials, 2) < 4 and {"bias", "variance"} & set(variables):
        raise ValueError(f"trials must be >= 4 to judge bias and variance, got {trials}")
    theory = predict(*both, n, form=form, **options, **numbers)
    measured = simulate(
        *both, n, trials=trials, seed=seed, dtype=dtype, test_rows=test_rows, memory=memory, progress=progress,
        store=store, engine=engine, **options, **numbers,
    )
    if "interrupted" in measured.attrs:
        raise KeyboardInterrupt(measured.attrs["interrupted"])
    known = tuple(name for name in known if name in measured)  # of real rows noise is not told apart
    if "steps" in theory.dims and theory.sizes["steps"] < measured.sizes["steps"]:
        measured = measured.sel(steps=theory.steps)
    dtype = measured.attrs["dtype"]
    data = {}
    for name in known:
        error = measured[f"{name}_se"]
        if f"{name}_pattern_se" in theory:
            error = np.hypot(error, theory[f"{name}_pattern_se"])
        if name in ("train_error", "train_accuracy"):  # shares of n rows a trial: none missed in any is no proof of zero
            rate, n_there = theory[name].clip(0.0, 1.0), theory.coords.get("n", np.inf)
            error = np.maximum(error, np.sqrt(rate * (1.0 - rate) / (n_there * measured.trials)))
        data |= comparison(asked, theory, name, measured[name], error, finite_size * method.finite_size, dtype)
    import xarray

    failures = {key: theory.attrs[key] for key in ("failures", "unstable", "indicator") if key in theory.attrs}
    attributes = {**measured.attrs, **failures, "threshold": threshold, "finite_size": finite_size}
    dataset = xarray.Dataset(data, attrs=attributes)
    title = repr(task.eigen if isinstance(task, DataTask) else task)
    if augmentation := getattr(learner, "augmentation", None):
        title += f", {augmentation!r}" + (f", {theory.attrs['form']} form" if "form" in theory.attrs else "")
    explain = partial(of_curve, task, learner, n, {"form": form, **options, **numbers})
    return Report(dataset, tuple(variables), threshold, title, None if isinstance(asked, Domains) else explain)
