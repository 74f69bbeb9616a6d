"""Square loss on unequal classes: test and training loss of each class along plain, balanced and normalised descent.

Full-batch gradient descent from weights 0 on a `GaussianMixture`, with the mean gradient g_g = X_g'(y_g - X_g w) / n_g of
each class and a `rate` eta:

    plain        w += eta sum_g (n_g / n) g_g          the mean loss of all samples
    balanced     w += eta (1 / classes) sum_g g_g      the mean of the classes' mean losses
    normalised   w += eta sum_g g_g / |g_g|            each class at the same speed (per-class-normalised descent)

(with heavy-ball momentum: plus momentum times the step before).  In the limit these are `time_domain` with a_g = eta / n,
eta / (classes n_g) and eta / (n_g |g_g|), where |g_g| is its root mean square over draws.
Equations: theory (13.4) and (13.5).
"""

__all__ = ["ClassImbalance", "class_imbalance"]

from dataclasses import dataclass
from typing import Any

import numpy as np

from rfgen.problems import validation
from rfgen.systems.class_imbalance.gaussian_mixture import GaussianMixture
from rfgen.systems.class_imbalance.time_domain import time_domain

# The normalised curve is trusted while no class's |g|^2 varies over draws by more than this share of its mean: the mean of
# 1/|g| then misses 1/|g| of the mean by 3/8 of its square, 0.8 %.
SPREAD = 0.15
# ... and while steps are at most half as long as those that diverge, in units of (1 + momentum): beyond, a step carries
# classes across their minimum, and the differences between draws grow.
SHARPNESS = 1.0


@dataclass(frozen=True)
class ClassImbalance:
    """Of each class after 0 ... steps steps, (classes, steps + 1): `test` loss, the mean squared residual of a new input,
    `train` loss, that of its samples, and `squared_gradient`, the squared length of its mean gradient.

    `valid` (steps + 1,): whether the limit is to be trusted; once False it stays so.  `valid_until`: the last step at which
    it is, -1 if none.  Later values are kept, as what the theory says where it fails; NaN where they are not finite.
    """

    test: np.ndarray
    train: np.ndarray
    squared_gradient: np.ndarray
    valid: np.ndarray

    @property
    def valid_until(self) -> int:
        """Last step at which the curves are valid, -1 if none."""
        return int(self.valid.sum()) - 1


def class_imbalance(
    mixture: GaussianMixture, rate: Any, steps: Any, weighting: str = "plain", momentum: Any = 0.0
) -> ClassImbalance:
    """Losses of each class along `steps` steps of descent with `rate` > 0 and 0 <= `momentum` < 1, as the module says.

    `weighting`: "plain", "balanced" or "normalised".  Exact as counts and features grow together, class means of fixed
    length; at 160 + 40 samples in 121 features the error is below 1 %, save where a gradient all but vanishes.

    A normalised step has the length `rate` however small the gradient: near the minimum of a class, at |g| of about rate
    times curvature, steps chatter across it and |g| differs from draw to draw, so that its mean square no longer stands for
    it.  `valid` ends before, at the first step where sd(|g|^2) > 0.15 |g|^2 for a class, or where the largest eigenvalue of
    sum_g rate/|g_g| X_g'X_g/n_g exceeds 1 + momentum.  In the example's mixture, at rates from 0.008 to 0.03, the means of
    250 draws lie within 2.8 standard errors of the theory up to there; soon after, |g|^2 is off by 20 to 50 % (up to 18
    standard errors of 400 draws) and, at rate 0.03, losses by 2 to 5 %.  Plain and balanced curves are valid while finite.

    Source: derived.

    >>> mixture = GaussianMixture([160, 40], [1.0, -1.0], [[4 / 120], [6.76 / 120]], [[1.5], [-1.5]], [120], bias=True)
    >>> class_imbalance(mixture, 0.5, 30).test[:, [0, 1, 30]].round(4).tolist()
    [[1.0, 0.1997, 0.0154], [1.0, 0.0627, 0.0306]]
    >>> class_imbalance(mixture, 0.03, 30, "normalised").valid_until
    11
    """
    rate = float(validation.positive("rate", rate, 0))
    steps = validation.integer("steps", steps, 0)
    momentum = float(validation.non_negative("momentum", momentum, 0))
    if momentum >= 1.0:
        raise ValueError(f"momentum must be < 1, got {momentum}")
    counts = mixture.counts.astype(float)
    rules = {
        "plain": lambda squares: np.full_like(counts, rate / counts.sum()),
        "balanced": lambda squares: rate / (counts.size * counts),
        "normalised": lambda squares: rate / (counts * np.sqrt(squares)),
    }
    if weighting not in rules:
        raise ValueError(f"weighting must be one of {', '.join(rules)}, got {weighting!r}")
    found = time_domain(mixture, steps, rules[weighting], momentum)
    curves = np.stack([found.test, found.train, found.gradient])
    sound = np.isfinite(curves).all(axis=(0, 1))
    if weighting == "normalised":
        sound &= (found.spread <= SPREAD * found.gradient).all(axis=0) & (found.sharpness <= SHARPNESS * (1.0 + momentum))
    return ClassImbalance(*np.where(np.isfinite(curves), curves, np.nan), valid=np.logical_and.accumulate(sound))
