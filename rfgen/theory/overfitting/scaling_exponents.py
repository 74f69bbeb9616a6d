"""Exponents with which the excess risk falls on power laws: eigenvalues i^-alpha, target power i^-beta, i = 1, 2, ...

Every learner here lets through a share of mode i that depends on eigenvalue_i over a moving scale s, and the excess risk
is sum_i i^-beta f(i^-alpha / s).  The modes beyond the scale leave s^((beta-1)/alpha).  A filter f that falls as x^-q on
large x also leaves s^q of the first modes, and saturates: the smaller exponent wins.

    gradient flow            exp(-2 t eigenvalue)          s = 1/t              no saturation
    random features, k       s / (eigenvalue + s)          s ~ k^-alpha         q = 1
    least squares, n         s^2 / (eigenvalue + s)^2      s ~ n^-alpha         q = 2

Label noise adds noise s^(-1/alpha)/n, to be balanced by choosing s.  Steps of stochastic gradient descent add noise too:
the loss itself, seen through the kernel sum_i (rate eigenvalue_i)^2 (1 - rate eigenvalue_i)^(2 t) ~ t^(1/alpha - 2).

Where two exponents are equal the risk has a logarithm beside the power.  (Derived; sources at each function.)
Equations: theory (9.10) and (9.14).
"""

__all__ = [
    "FittedExponent", "Phase", "fitted_exponent", "in_features", "in_noisy_samples", "in_samples", "in_steps", "in_time",
    "phase",
]

from dataclasses import dataclass
from typing import Any

import numpy as np

from rfgen.problems import validation


@dataclass(frozen=True)
class FittedExponent:
    """`exponent` of y ~ x^-exponent; `error`: standard error of the slope, which knows scatter and bends but not what lies
    beyond the data; `local` (points - 1,): exponents between neighbours.
    """

    exponent: float
    error: float
    local: np.ndarray


def fitted_exponent(x: Any, y: Any) -> FittedExponent:
    """Least squares in logarithms, of y (points,) > 0 against x (points,) > 0, three points or more.

    >>> fit = fitted_exponent([10.0, 100.0, 1000.0], [3e-1, 3e-3, 3e-5])
    >>> round(fit.exponent, 12), round(fit.error, 12), fit.local.round(12).tolist()
    (2.0, 0.0, [2.0, 2.0])
    """
    x, y = validation.positive("x", x, 1), validation.positive("y", y, 1)
    if x.size != y.size or x.size < 3:
        raise ValueError(f"x and y must have one length of at least 3, got {x.size} and {y.size}")
    u, v = np.log(x), np.log(y)
    if not (np.diff(u) > 0).all():
        raise ValueError("x must ascend")
    away = u - u.mean()
    slope = away @ v / (away @ away)
    rest = v - v.mean() - slope * away
    error = np.sqrt(rest @ rest / (x.size - 2) / (away @ away))
    return FittedExponent(float(-slope), float(error), -np.diff(v) / np.diff(u))


def in_time(alpha: Any, beta: Any) -> float:
    """Without noise, in the time of gradient flow on the population: (beta - 1)/alpha.

    Also the `bias` of one pass, in rate times steps.  Source: derived.

    >>> in_time(1.5, 3.0)
    1.3333333333333333
    """
    alpha, beta = _power_law(alpha, beta)
    return (beta - 1.0) / alpha


def in_steps(alpha: Any, beta: Any) -> float:
    """Without noise, in steps of one pass at a constant stable rate: min((beta - 1)/alpha, 2 - 1/alpha).

    Any rate, batch and momentum < 1 that are stable: they change the factor, not the exponent.  An easy target
    (beta > 2 alpha) is limited by the noise of the steps; a smaller rate only delays that.  Source: derived; both regimes
    are known since arXiv 2006.08212.

    >>> in_steps(1.25, 4.5)
    1.2
    """
    alpha, beta = _power_law(alpha, beta)
    return min((beta - 1.0) / alpha, 2.0 - 1.0 / alpha)


def in_features(alpha: Any, beta: Any) -> float:
    """Without noise, in the number k of random features trained on any number of samples: min(beta - 1, alpha).

    At ridge 0, n far beyond k.  Source: derived.

    >>> in_features(1.5, 2.0), in_features(1.5, 4.0)
    (1.0, 1.5)
    """
    alpha, beta = _power_law(alpha, beta)
    return min(beta - 1.0, alpha)


def in_samples(alpha: Any, beta: Any) -> float:
    """Without noise, in the number n of samples of kernel regression at ridge 0: min(beta - 1, 2 alpha).

    Source: derived; known since arXiv 2002.02561.

    >>> in_samples(1.5, 2.0), in_samples(1.5, 9.0)
    (1.0, 3.0)
    """
    alpha, beta = _power_law(alpha, beta)
    return min(beta - 1.0, 2.0 * alpha)


def in_noisy_samples(alpha: Any, beta: Any, early_stopped: bool = False) -> float:
    """With label noise, in n at the best ridge: r/(r + 1), r = min(beta - 1, 2 alpha).

    `early_stopped`: with gradient flow stopped at its best time instead, which does not saturate: r = beta - 1.  The excess
    over the noise, once noise outweighs the risk without it; before, the exponent is `in_samples`.  Source: derived; the
    rate of arXiv 2105.15004, and of Caponnetto and De Vito (2007) where nothing saturates.

    >>> in_noisy_samples(1.5, 3.0), round(in_noisy_samples(1.5, 6.0), 6), round(in_noisy_samples(1.5, 6.0, True), 6)
    (0.6666666666666666, 0.75, 0.833333)
    """
    alpha, beta = _power_law(alpha, beta)
    rate = beta - 1.0 if early_stopped else min(beta - 1.0, 2.0 * alpha)
    return rate / (rate + 1.0)


@dataclass(frozen=True)
class Phase:
    """`name` of a phase; exponents at the best width for compute: `width` ~ compute^width, `loss` ~ compute^-loss."""

    name: str
    width: float
    loss: float


def phase(alpha: Any, beta: Any) -> Phase:
    """Of one pass without noise at a constant rate, width and steps chosen for the compute that is their product.

    "Ia", beta <= alpha + 1: what the features cannot reach against what descent has not learned.  "II", up to beta = 2
    alpha: modes that features distort against the latter.  "III": against the noise of the steps.  Phases Ib, Ic, IVa and
    IVb of the paper have alpha < 1 and as many modes as features allow, so they are not met here.
    Source: arXiv 2405.15074 with alpha for its 2 alpha and beta for its 2 (alpha + beta).

    >>> phase(1.5, 1.8), phase(2.0, 3.6).name, phase(1.5, 4.0).width
    (Phase(name='Ia', width=0.4, loss=0.32), 'II', 0.5)
    """
    alpha, beta = _power_law(alpha, beta)
    if beta <= alpha + 1.0:
        return Phase("Ia", 1.0 / (1.0 + alpha), (beta - 1.0) / (1.0 + alpha))
    if beta <= 2.0 * alpha:
        return Phase("II", (beta - alpha) / beta, (beta - 1.0) / beta)
    return Phase("III", 0.5, 1.0 - 0.5 / alpha)


def _power_law(alpha: Any, beta: Any) -> tuple[float, float]:
    """Both exponents, of a spectrum and a target of finite sums."""
    values = {"alpha": float(alpha), "beta": float(beta)}
    for name, value in values.items():
        if not 1.0 < value < np.inf:
            raise ValueError(f"{name} must be > 1 and finite: sums over all modes diverge otherwise, got {value:g}")
    return values["alpha"], values["beta"]
