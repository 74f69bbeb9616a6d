"""For the test suites of others: their own risks held to the exact curve."""

__all__ = ["assert_agrees"]

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from rfgen.api.check.agreement import FINITE_SIZE, comparison
from rfgen.api.check.report import Report
from rfgen.api.diagnosis.curve import of_curve
from rfgen.api.methods.table import method_for
from rfgen.api.nouns import AnyLearner, AnyTask
from rfgen.api.predicting import predict
from rfgen.curves.arguments import Numbers
from rfgen.problems import validation

# Runs of a callable.
TRIALS = 45


def assert_agrees(
    measured: Numbers | Callable[[Any], Any], task: AnyTask, learner: AnyLearner, n: Numbers | None = None, *,
    se: Numbers | None = None, trials: int | None = None, variable: str | None = None, level: float = 1e-3,
    finite_size: float = FINITE_SIZE, form: str | None = None, members: Numbers | None = None,
) -> Report:
    """Hold risks that you measured to the exact curve; an AssertionError says which convention would explain them.

    Parameters
    ----------
    measured
        Mean risks of the shape of the curve, with `se`; or, without, the risks of single runs, (trials, ...), with trials
        before that shape; or a function of one n that returns the risk of a new run there (of the shape of the curve at
        one n).
    task, learner, n, form, members
        As in `predict`.
    se
        Standard errors of the means, > 0, one number or one a point.
    trials
        Of a function: how often it is run at each n, >= 2 (None: 45).  Of means: the runs behind each (None: many).
    variable
        Of the curve; None: test (of classes the error).
    level
        Probability that a right run fails, over all points together, in (0, 1).
    finite_size
        As in `check`: how many times its expected finite-size error the theory is granted.

    Returns
    -------
    Report
        As of `check`, where they agree.

    Raises
    ------
    AssertionError
        They disagree, or nothing could be compared: the cause as `diagnose` names it, and the table.
    ValueError
        That names the argument.

    Notes
    -----
    A point agrees within q standard errors plus the finite-size allowance, q the two-sided quantile of Student's t with
    trials - 1 degrees of freedom (of the normal law for means of many) at 1 - (1 - level)^(1/points), Sidak's for
    independent points, safe for correlated ones.  Risks of single runs are taken as Gaussian: near an interpolation peak,
    where they are heavy-tailed, take more runs.

    Examples
    --------
    >>> import numpy as np
    >>> import rfgen as rg
    >>> from rfgen.testing import assert_agrees
    >>> draws = np.random.default_rng(0)
    >>> def risk(n, noise=0.3, ridge=0.5):
    ...     X, w = draws.normal(size=(n, 20)), np.full(20, 20**-0.5)
    ...     y = X @ w + np.sqrt(noise) * draws.normal(size=n)
    ...     found = np.linalg.solve(X.T @ X + ridge * np.eye(20), X.T @ y)
    ...     return np.sum((found - w) ** 2) + noise
    >>> task = rg.Task.isotropic(20, noise=0.3)
    >>> assert assert_agrees(risk, task, rg.Learner(rg.Ridge(0.5)), n=[40, 80, 160])
    >>> assert_agrees(lambda n: risk(n, noise=0.09), task, rg.Learner(rg.Ridge(0.5)), n=[40, 80, 160])
    Traceback (most recent call last):
        ...
    AssertionError: test as it was measured is not that of the exact curve
    +...%  units: what was measured is what theory gives with the square of the noise.  Noise is a variance...
    """
    level = float(validation.numbers("(0, 1)", 0)("level", level))
    finite_size = float(validation.non_negative("finite_size", finite_size, 0))
    runs = None if trials is None else validation.integer("trials", trials, 2)
    method, _ = method_for("predict", task, learner, form=form, members=members)
    curve = predict(task, learner, n, form=form, members=members)
    name = method.decided[0] if variable is None else variable
    if name not in curve or not isinstance(name, str):
        raise ValueError(f"variable must be one of the curve's ({', '.join(map(str, curve.data_vars))}), got {variable!r}")
    theory = curve[name]
    means, errors, count = _read(measured, theory, n, se, runs)
    if f"{name}_pattern_se" in curve:
        errors = np.hypot(errors, curve[f"{name}_pattern_se"].values)
    threshold = _quantile(level, theory.size, count)
    granted = finite_size * method.finite_size
    data = comparison(task, curve, name, theory.copy(data=means), theory.copy(data=errors), granted)
    import xarray

    attributes = {
        "trials": "many" if count is None else count, "threshold": threshold, "finite_size": finite_size,
        **({"failures": curve.attrs["failures"]} if "failures" in curve.attrs else {}),
    }
    explain = partial(of_curve, task, learner, n, {"form": form, "members": members}, bound=threshold * errors)
    report = Report(xarray.Dataset(data, attrs=attributes), (name,), threshold, repr(task), explain)
    if not report:
        found = [str(cause).strip() for cause in report.diagnosis.findings]
        raise AssertionError("\n".join([f"{name} as it was measured is not that of the exact curve", *found, str(report)]))
    return report


def _read(measured: Any, theory: Any, n: Any, se: Any, trials: int | None) -> tuple[np.ndarray, np.ndarray, int | None]:
    """Means, standard errors and the number of runs."""
    shape = theory.shape
    if callable(measured):
        if se is not None:
            raise ValueError("se must be left out where measured is a function: its runs tell it")
        measured, trials = _run(measured, theory, n, TRIALS if trials is None else trials), None
    told = validation.array("measured", measured, tuple(range(8)))
    if se is not None:
        if told.shape != shape:
            raise ValueError(f"measured must have the shape of the curve, {shape}, where se is given, got {told.shape}")
        errors = validation.positive("se", se, tuple(range(8)))
        if errors.shape not in ((), shape):
            raise ValueError(f"se must be one number or of the shape of the curve, {shape}, got {errors.shape}")
        return told, np.broadcast_to(errors, shape), trials
    if told.ndim == 0 or told.shape[1:] != shape or len(told) < 2:
        raise ValueError(
            f"measured must hold two runs or more, (trials, *{shape}), where se is left out, got shape {told.shape}: give "
            "se beside means"
        )
    if trials not in (None, len(told)):
        raise ValueError(f"trials must be left out where measured holds the runs, {len(told)}, got {trials}")
    return told.mean(axis=0), told.std(axis=0, ddof=1) / np.sqrt(len(told)), len(told)


def _run(measured: Callable[[Any], Any], theory: Any, n: Any, trials: int) -> np.ndarray:
    """The runs of a function, each n after the other."""
    place = theory.dims.index("n") if "n" in theory.dims else None
    shape = tuple(size for dim, size in theory.sizes.items() if dim != "n")
    found = []
    for size in np.atleast_1d(n) if n is not None else [None]:
        own = size if size is None else int(size) if size == int(size) else float(size)
        runs = [np.asarray(measured(own), float) for _ in range(trials)]
        for risk in runs:
            if risk.shape != shape:
                raise ValueError(f"measured must return the risk at one n, of shape {shape}, got shape {risk.shape}")
        found.append(np.stack(runs))
    return found[0] if place is None else np.stack(found, axis=1 + place)


def _quantile(level: float, points: int, trials: int | None) -> float:
    """Standard errors within which all points of a right run lie with probability 1 - level, were they independent."""
    from scipy.special import ndtri, stdtrit

    above = -np.expm1(np.log1p(-level) / points) / 2.0
    return float(-ndtri(above) if trials is None else -stdtrit(trials - 1, above))
