"""`fit_scaling_law`: the power law, the noise and the rate that losses over widths and steps tell of."""

__all__ = ["fit_scaling_law"]

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from rfgen._version import __version__
from rfgen.numerics.compilation.caller import warn_caller
from rfgen.problems import validation
from rfgen.theory.estimation.scaling_law import NAMES, Losses
from rfgen.theory.estimation.scaling_law_fit import ScalingLawFit, fit_law, three_terms
from rfgen.theory.sgd.compute_optimal import LEAST_STEPS

if TYPE_CHECKING:
    import xarray

PARAMETERS = ("alpha", "beta", "noise", "scale", "rate", "offset")
# Errors of losses that say none are estimated, and the law must leave something to estimate them by.
LEAST_SPARE = 1
THREE_TERMS = ("floor", "width_factor", "width_exponent", "samples_factor", "samples_exponent")
LONG_NAMES = {
    "estimate": "estimate", "standard_error": "standard error", "low": "lower end of the 95 % profile interval",
    "high": "upper end of the 95 % profile interval", "chi2": "misfit, in squared errors",
    "spare": "points less parameters",
    "starts_chi2": "misfit at which each search ended", "condition": "condition of the information matrix",
    "fitted": "losses of the law", "three_terms": "E + A/k^a + B/(samples)^b on the same losses",
    "three_terms_chi2": "its misfit", "three_terms_fitted": "its losses",
}


def fit_scaling_law(
    losses: Any, *, k: Any, n: Any = None, t: Any = None, batch: Any = 1, errors: Any = None
) -> "xarray.Dataset":
    """Fit the exact losses of one pass of SGD on power-law random features to losses over widths and steps.

    Eigenvalues i^-alpha, target power `scale` i^-beta, label noise `noise`, a constant `rate` (times the largest
    eigenvalue), and what no width and no training lowers, `offset`.

    Parameters
    ----------
    losses
        Mean squared errors on fresh samples, label noise included, > 0, of any shape.
    k
        Widths (random features), > 0, one for each loss or what broadcasts to them.
    n, t
        Samples seen, or steps taken (4 or more): n = t * batch, as each sample is seen once.  One of them.
    batch
        Samples in a batch, >= 1.
    errors
        Standard errors of the losses, > 0; None: equal relative errors, estimated by the fit.

    Returns
    -------
    xarray.Dataset
        Over `parameter` (alpha, beta, noise, scale, rate, offset): `estimate`, `standard_error`, and `low` to `high`, the
        95 % profile interval, infinite where the losses do not identify that end: `attrs["not_identified"]` says which.
        `offset` is held at 0 unless losses have two or more values of `batch`: at one it cannot be told from noise.
        `chi2`, the misfit, with `spare`, points less parameters, which it should equal where the law and the errors are
        right (`attrs["rejected"]` where not); `starts_chi2`, where each search ended: those that stalled above the best are
        counted in `attrs["stalled"]`, and intervals are NaN if no two agree; `condition`; `fitted` over `point`.
        `three_terms` (`term`): the form of arXiv 2203.15556 on the same losses, with its own `three_terms_chi2` and
        `three_terms_fitted`.

    Raises
    ------
    ValueError
        That names the argument: shapes that do not broadcast, values out of range, n and t that disagree, fewer losses
        than parameters.

    Notes
    -----
    Exact for Gaussian inputs as modes and features grow together (`rg.OnePassSGD` with features); a fit of losses of real
    networks says which power law would look like them.  Intervals are those of independent normal errors of log losses;
    measured coverage: documentation.  One to three seconds for 50 losses.

    References
    ----------
    Derived: theory (9.11), (9.15); the model is that of arXiv 2405.15074.

    Examples
    --------
    >>> import numpy as np
    >>> import rfgen as rg
    >>> task, widths, steps = rg.Task.power_law(1.5, 1.9, noise=0.02), [[30], [100], [300]], [30, 100, 300, 1000, 3000]
    >>> losses = [rg.predict(task, rg.Learner(rg.OnePassSGD(0.3, steps, batch=4), features=k[0])).test for k in widths]
    >>> losses = losses * np.exp(0.01 * np.random.default_rng(0).normal(size=(3, 5)))
    >>> found = rg.fit_scaling_law(losses, k=widths, t=steps, batch=4, errors=0.01 * losses)
    >>> found.estimate.sel(parameter=["alpha", "beta", "noise"]).values.round(2)
    array([1.51, 1.9 , 0.02])
    """
    data, given = _points(losses, k, n, t, batch, errors)
    free = len(NAMES) - (np.unique(data.batch).size < 2)
    if data.losses.size < free + LEAST_SPARE:
        raise ValueError(f"losses must be at least {free + LEAST_SPARE} for {free} parameters, got {data.losses.size}")
    if np.unique(data.features).size < 2:
        raise ValueError(f"k must have two or more values: one width says nothing of others, got k={data.features[0]:g}")
    found = fit_law(data, free == len(NAMES))
    if not given:
        unit = np.sqrt(found.misfit / (data.losses.size - free))
        data = replace(data, errors=data.errors * unit)
        found = fit_law(data, free == len(NAMES))
    widths, sizes, steps = _sizes(data)
    terms, terms_misfit, terms_fitted = three_terms(widths, sizes * steps, data.losses, data.errors)
    return _dataset(data, found, free, (terms, terms_misfit, terms_fitted), given)


def _sizes(data: Losses) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Widths, batches and steps of the points."""
    return data.features[data.lane], data.batch[data.lane], data.times[data.lane, data.time]


def _points(losses: Any, k: Any, n: Any, t: Any, batch: Any, errors: Any) -> tuple[Losses, bool]:
    """The losses as points, and whether their errors are known."""
    any_shape = tuple(range(8))
    values = {"losses": losses, "k": k, "n": n, "t": t, "batch": batch, "errors": errors}
    known = {name: validation.positive(name, value, any_shape) for name, value in values.items() if value is not None}
    shape = known["losses"].shape
    for name, value in known.items():
        if not np.isfinite(value).all():
            raise ValueError(f"{name} must be finite, got inf: leave such points out")
        try:
            known[name] = np.broadcast_to(value, shape).ravel()
        except ValueError:
            raise ValueError(
                f"{name} must broadcast to the losses, got shapes {value.shape} and {shape}: give widths a length of their "
                "own, as k[:, None]"
            ) from None
    if "n" not in known and "t" not in known:
        raise ValueError("n or t must be given: the samples seen, or the steps taken")
    steps = known["t"] if "t" in known else known["n"] / known["batch"]
    if "n" in known and not np.allclose(steps * known["batch"], known["n"], rtol=1e-6):
        raise ValueError("n must be t * batch, as every sample is seen once: leave n out, or t")
    if steps.min() < LEAST_STEPS or known["batch"].min() < 1.0:
        raise ValueError(
            f"t must be at least {LEAST_STEPS:g} steps and batch at least 1, got {steps.min():g} and "
            f"{known['batch'].min():g}: leave earlier points out"
        )
    relative = known["errors"] / known["losses"] if "errors" in known else np.full(steps.shape, 0.01)
    return Losses.of(known["losses"], relative, known["k"], known["batch"], steps), "errors" in known


def _dataset(
    data: Losses, found: ScalingLawFit, free: int, terms: tuple[np.ndarray, float, np.ndarray], given: bool
) -> Any:
    import xarray

    order = [NAMES.index(name if name in NAMES else f"log {name}") for name in PARAMETERS]
    logs = np.array([name not in NAMES for name in PARAMETERS])
    theta, deviation, low, high = (part[order] for part in (found.theta, found.deviations, found.low, found.high))
    estimate = np.where(logs, np.exp(theta), theta)
    with np.errstate(over="ignore"):
        ends = [np.where(logs & np.isfinite(end), np.exp(np.where(logs, end, 0.0)), end) for end in (low, high)]
    attributes: dict[str, Any] = {
        "rfgen_version": __version__, "kind": "estimate", "source": "derived; the model of arXiv 2405.15074",
        "errors": "given" if given else "estimated from the misfit",
    }
    sides = {(True, False): "downwards", (False, True): "upwards", (True, True): "at all"}
    open_ended = [
        f"{name} {sides[bool(np.isinf(below)), bool(np.isinf(above))]}"
        for name, below, above in zip(PARAMETERS, *ends, strict=True) if np.isinf(below) or np.isinf(above)
    ]
    if open_ended:
        attributes["not_identified"] = "not identified by these losses: " + ", ".join(open_ended)
        if free < len(NAMES):
            attributes["not_identified"] += " (offset is held at 0: losses of two batch sizes tell it from noise)"
    if found.stalled:
        attributes["stalled"] = f"{found.stalled} of {found.starts.size} searches ended above the least misfit"
    if found.starts.size - found.stalled < 2:
        attributes["stalled"] += ", and no two agree on it: no intervals are given; give more points or smaller errors"
        ends = [np.full(len(PARAMETERS), np.nan)] * 2
        warn_caller(attributes["stalled"])
    spare = data.losses.size - free
    if given and found.misfit > spare + 5.0 * np.sqrt(2.0 * spare):
        attributes["rejected"] = (
            f"misfit {found.misfit:.4g} for {spare} spare points: the losses are not those of a power law with these errors"
        )
        warn_caller(attributes["rejected"])
    variables = {
        "estimate": ("parameter", estimate), "standard_error": ("parameter", np.where(logs, estimate, 1.0) * deviation),
        "low": ("parameter", ends[0]), "high": ("parameter", ends[1]), "chi2": ((), found.misfit), "spare": ((), spare),
        "starts_chi2": ("start", found.starts), "condition": ((), found.condition), "fitted": ("point", found.values),
        "three_terms": ("term", terms[0]), "three_terms_chi2": ((), terms[1]), "three_terms_fitted": ("point", terms[2]),
    }
    widths, sizes, steps = _sizes(data)
    coords = {
        "parameter": list(PARAMETERS), "term": list(THREE_TERMS), "loss": ("point", data.losses), "k": ("point", widths),
        "t": ("point", steps), "batch": ("point", sizes),
    }
    result = xarray.Dataset(variables, coords, attributes)
    for name, text in LONG_NAMES.items():
        result[name].attrs["long_name"] = text
    return result
