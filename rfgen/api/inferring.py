"""`corrected_logistic`: what the coefficients of a logistic regression say where there are many of them."""

__all__ = ["corrected_logistic"]

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from jax.scipy.special import ndtr, ndtri

from rfgen.numerics.compilation.precision import double_precision
from rfgen.problems import rules, validation
from rfgen.simulation.fits.margins.logistic_fit import logistic_fit
from rfgen.theory.classification.logistic_likelihood import signal_of_scores

if TYPE_CHECKING:
    import xarray

MEANINGS = {
    "estimate": "coefficient by maximum likelihood",
    "corrected": "coefficient without the inflation",
    "se": "standard error of the corrected coefficient",
    "lower": "lower end of the interval",
    "upper": "upper end of the interval",
    "p_value": "p-value of no effect",
    "classical_p_value": "p-value by classical theory (Wald)",
    "inflation": "factor by which maximum likelihood overstates coefficients, alpha*",
    "scatter": "scatter of standardised coefficients, sigma*",
    "stretch": "how far training on a row moves its own score, lambda*",
    "ratio": "factor on the likelihood-ratio statistic of one coefficient: divide by it",
    "signal": "standard deviation of the true scores",
    "intercept": "fitted intercept, of centred features",
    "corrected_intercept": "intercept without the inflation, of centred features",
    "kappa": "features a row",
}


@double_precision
def corrected_logistic(features: Any, y: Any, *, intercept: bool = True, level: float = 0.95) -> "xarray.Dataset":
    """Unpenalised logistic regression, corrected for the number of its features.

    With p features of n rows, p/n not small, maximum likelihood overstates every coefficient by one factor, and its
    classical standard errors are too small.

    Parameters
    ----------
    features : (n, p)
        Of the rows, n > p.
    y : (n,)
        Labels, two different values; the larger is the one whose probability rises with the score.
    intercept
        Whether one is fitted (not penalised).
    level
        Of the intervals, in (0, 1).

    Returns
    -------
    xarray.Dataset
        Over `feature`: `estimate`, by maximum likelihood, and `corrected`, with `se`, `lower` and `upper` at this level;
        `p_value` of no effect, and `classical_p_value`.  Numbers: `inflation` alpha*, `scatter` sigma*, `stretch` lambda*;
        `ratio`: twice the log-likelihood ratio of dropping one feature is this times a chi-squared variable; `signal`, the
        standard deviation of the true scores, `intercept` and `corrected_intercept`, `kappa` = p/n.

    Raises
    ------
    ValueError
        Labels that are separated by a plane, or nearly so, where maximum likelihood has no reliable answer; rows no more
        than features; features that depend on each other; bad input.

    Notes
    -----
    Exact for Gaussian features of any covariance as n and p grow together, each coefficient a small part of the signal.
    The signal is found from the correlation of left-out scores with the labels, which rises with it; their variance need
    not.  Close to separable labels the signal is known badly.

    References
    ----------
    arXiv 1803.06964, 2001.09351 (any covariance), 2103.12725 (left-out scores); the inversion by correlations derived.

    Examples
    --------
    >>> import numpy as np
    >>> import rfgen as rg
    >>> draws = np.random.default_rng(0)
    >>> X = draws.normal(size=(1000, 200))
    >>> beta = np.full(200, (5 / 200) ** 0.5)
    >>> y = draws.uniform(size=1000) < 1 / (1 + np.exp(-X @ beta))
    >>> found = rg.corrected_logistic(X, y, intercept=False)
    >>> covered = (found.lower <= beta[0]) & (beta[0] <= found.upper)
    >>> bool(found.inflation > 1.2), bool(covered.mean() > 0.9)
    (True, True)
    """
    given, labels = _read(features, y)
    intercept, level = rules.flag("intercept", intercept), float(rules.number("(0, 1)")("level", level))
    n, p = given.shape
    rows = given - given.mean(axis=0) if intercept else given
    gram = rows.T @ rows
    values = np.linalg.eigvalsh(gram)
    if values[0] <= n * np.finfo(float).eps * values[-1]:
        raise ValueError("features must not depend on each other: leave constant and repeated columns out")
    with np.errstate(over="ignore", invalid="ignore"):  # where weights grow without end
        weights, bias, converged = logistic_fit(rows, labels, np.ones(n), 0.0, intercept)
    scores = rows @ weights + bias
    if not converged or (labels * scores).min() > 0.0:
        raise ValueError(
            f"y must not be separated by a plane, as by {p} features of {n} rows: maximum likelihood has no answer; "
            "take fewer features, more rows, or a penalty (rg.Logistic(ridge) in rg.estimate_risk)"
        )
    design = np.concatenate([rows, np.ones((n, 1))], axis=1) if intercept else rows
    wrong = 1.0 / (1.0 + np.exp(labels * scores))
    bend = wrong * (1.0 - wrong)
    inverse = np.linalg.inv(design.T @ (bend[:, None] * design))
    leverage = np.einsum("ij,jk,ik->i", design, inverse, design, optimize=True)
    left_out = scores - leverage / (1.0 - bend * leverage) * labels * wrong
    found = signal_of_scores(p / n, float(np.corrcoef(labels, left_out)[0, 1]), float(bias), intercept=intercept)
    if not bool(found.converged):
        raise ValueError(
            f"y must be further from separable for its signal to be told from {n} rows of {p} features: take fewer "
            "features, or a penalty"
        )
    inflation, scatter = float(found.inflation), float(found.scatter)
    # variance of each feature that the others leave unexplained
    alone = np.sqrt(1.0 / (np.diag(np.linalg.inv(gram)) * (n - p + (0 if intercept else 1))))
    se = scatter / (inflation * math.sqrt(n) * alone)
    corrected, reach = weights / inflation, -float(ndtri(0.5 * (1.0 - level)))
    tail = {
        "p_value": 2.0 * np.asarray(ndtr(-np.abs(corrected) / se)),
        "classical_p_value": 2.0 * np.asarray(ndtr(-np.abs(weights) / np.sqrt(np.diag(inverse)[:p]))),
    }
    columns = {
        "estimate": weights, "corrected": corrected, "se": se, "lower": corrected - reach * se,
        "upper": corrected + reach * se, **tail,
    }
    numbers = {name: float(getattr(found, name)) for name in ("inflation", "scatter", "stretch", "ratio", "signal")}
    numbers |= {"intercept": float(bias), "corrected_intercept": float(found.bias), "kappa": p / n}
    return _dataset(columns, numbers, level)


def _read(features: Any, y: Any) -> tuple[np.ndarray, np.ndarray]:
    rows = validation.array("features", features, 2)
    n, p = rows.shape
    values = validation.array("y", np.asarray(y) * 1.0 if np.asarray(y).dtype == bool else y, 1)
    if values.size != n:
        raise ValueError(f"y must have one label per row of features ({n}), got {values.size}")
    kinds = np.unique(values)
    if kinds.size != 2:
        raise ValueError(f"y must have two different values, got {kinds.size}")
    if n <= p + 1:
        raise ValueError(f"features must have fewer columns than rows, for maximum likelihood, got shape {rows.shape}")
    return rows, np.where(values == kinds[1], 1.0, -1.0)


def _dataset(columns: dict[str, np.ndarray], numbers: dict[str, float], level: float) -> "xarray.Dataset":
    import xarray

    data = {name: (("feature",), values, {"long_name": MEANINGS[name]}) for name, values in columns.items()}
    data |= {name: ((), value, {"long_name": MEANINGS[name]}) for name, value in numbers.items()}
    coords = {"feature": np.arange(next(iter(columns.values())).size)}
    return xarray.Dataset(data, coords, {"level": level, "source": "arXiv 2001.09351"})
