"""Linear regression on isotropic Gaussian inputs, most coefficients zero, and trainings towards sparse coefficients."""

__all__ = ["KINDS", "AbstractPenalisedTraining", "BasisPursuit", "Lasso", "ReparametrizedFlow", "SparseRegression"]

from typing import Any

import numpy as np

from rfgen.problems import validation
from rfgen.problems.rules import numbers, one_of, optional, whole
from rfgen.problems.settings import Noun, setting
from rfgen.problems.shown import short
from rfgen.problems.trainings.spectral import AbstractTraining, Ridge
from rfgen.problems.validation import non_negative

# Slices of a normal law of coefficients.
LEVELS = 64


class SparseRegression(Noun):
    """Targets y = x.beta + N(0, noise), inputs x ~ N(0, I).

    `coefficients` (dim,): the entries of beta in any order; or (levels,), its distinct values, with `multiplicity`
    (levels,), how often each occurs.  Kept are distinct sizes, descending, and their counts: signs and order change no
    risk.  `noise` >= 0 is a variance.  `prior`: what `rg.best_possible` takes to be known of the nonzeros, their
    "sizes", or that they are "normal" with their mean square.

    >>> SparseRegression([3.0, -1.0, 0.0, 1.0], noise=0.25)
    SparseRegression(dim=4, nonzeros=3, noise=0.25)
    >>> SparseRegression([1.0, 0.0], multiplicity=[20, 999_980]).dim
    1000000
    """

    coefficients: Any = setting(numbers("[-1e150, 1e150]", 1))  # squares beyond leave double precision
    noise: Any = setting(numbers("[0, inf)", 0), default=0.0)
    multiplicity: Any = setting(optional(whole(1)), default=None)
    prior: str = setting(one_of("sizes", "normal"), default="sizes")

    # one output: curves have no dimension of outputs
    keep_outputs = False
    outputs = 1

    def _relate(self) -> None:
        """Gather equal sizes."""
        sizes = np.abs(self.coefficients)
        counts = np.ones(sizes.size, np.int64) if self.multiplicity is None else np.atleast_1d(self.multiplicity)
        if counts.shape != sizes.shape:
            raise ValueError(f"multiplicity must have one entry per coefficient ({sizes.size}), got shape {counts.shape}")
        levels, place = np.unique(-sizes, return_inverse=True)
        totals = np.zeros(levels.size, np.int64)
        np.add.at(totals, place, counts)
        self._set(coefficients=np.abs(levels), multiplicity=totals)

    @classmethod
    def equal(cls, dim: int, nonzeros: int, size: float = 1.0, noise: float = 0.0) -> "SparseRegression":
        """`nonzeros` of `dim` coefficients are of the same `size`, the others zero.

        >>> SparseRegression.equal(1_000_000, 20, noise=0.25).multiplicity
        array([    20, 999980])
        """
        dim = validation.integer("dim", dim, 1)
        nonzeros = validation.integer("nonzeros", nonzeros, 0)
        if nonzeros > dim:
            raise ValueError(f"nonzeros must be at most dim = {dim}, got {nonzeros}")
        size = float(validation.array("size", size, 0))
        kept = [(size, nonzeros), (0.0, dim - nonzeros)]
        values, counts = zip(*[pair for pair in kept if pair[1]], strict=True)
        return cls(values, noise, counts)

    @classmethod
    def normal(cls, dim: int, nonzeros: int, scale: float = 1.0, noise: float = 0.0) -> "SparseRegression":
        """`nonzeros` of `dim` coefficients are N(0, scale^2), at quantiles of that law: Bernoulli-Gaussian.

        >>> task = SparseRegression.normal(1000, 100)
        >>> task.nonzeros, round(float(task.multiplicity @ task.coefficients**2), 9), task.prior
        (100, 100.0, 'normal')
        """
        from scipy.stats import norm

        flat = cls.equal(dim, nonzeros, scale, noise)
        if flat.nonzeros == 0:
            return flat
        levels = min(flat.nonzeros, LEVELS)
        counts = np.full(levels, flat.nonzeros // levels) + (np.arange(levels) < flat.nonzeros % levels)
        ends = norm.ppf(0.5 + 0.5 * np.concatenate([[0.0], np.cumsum(counts) / flat.nonzeros]))
        ends[-1] = np.inf
        # the mean square in each slice of the law
        slope = np.where(np.isfinite(ends), ends, 0.0) * norm.pdf(ends)
        squares = 1.0 - np.diff(slope) / np.diff(norm.cdf(ends))
        sizes, zeros = scale * np.sqrt(squares), flat.dim - flat.nonzeros
        kept = [(sizes, counts), ([0.0], [zeros])] if zeros else [(sizes, counts)]
        values, counts = (np.concatenate(part) for part in zip(*kept, strict=True))
        return cls(values, noise, counts, prior="normal")

    @property
    def dim(self) -> int:
        """Number of coefficients."""
        return int(self.multiplicity.sum())

    @property
    def nonzeros(self) -> int:
        """Number of coefficients that are not zero."""
        return int(self.multiplicity[self.coefficients > 0].sum())

    @property
    def null_risk(self) -> float:
        """Risk of predicting zero."""
        return float(self.multiplicity @ self.coefficients**2 + self.noise)

    def _shown(self) -> dict[str, str]:
        """Sizes in place of values."""
        return {name: short(getattr(self, name)) for name in ("dim", "nonzeros", "noise")}


class AbstractPenalisedTraining(AbstractTraining):
    """What these share: they minimise a separable convex penalty of the coefficients, and need an `rg.SparseRegression`."""


class Lasso(AbstractPenalisedTraining):
    """Lasso: minimise `sum_i (y_i - x_i.b)^2 / 2 + penalty sum_j |b_j|`.

    `penalty` >= 0 is n times the `alpha` of scikit-learn's `Lasso`; a number or an array (penalties,).  Penalty 0 is the
    limit from above: `BasisPursuit`.

    >>> Lasso([1.0, 10.0])
    Lasso(penalty=[1, 10])
    """

    penalty: Any = setting(non_negative, axis=True)


class BasisPursuit(AbstractPenalisedTraining):
    """Basis pursuit: among the coefficients that fit the training set exactly, those of least `sum_j |b_j|`.

    With as many samples as coefficients or more: least squares.

    >>> BasisPursuit()
    BasisPursuit()
    """


class ReparametrizedFlow(AbstractPenalisedTraining):
    """Gradient flow on the squares `sum_i (y_i - x_i.b)^2` with b = u^2 - v^2 + linear w, coordinate by coordinate, run to
    its end from u = v = `init`, w = 0.

    Small `init` leads towards `BasisPursuit`, as slowly as 1/log(1/init), large `init` or `linear` towards least norm
    (`Ridge(0)`).  `init` in [1e-100, 1e100], a number or an array (inits,); `linear` in [0, 1e100], a number or an array
    (linears,).

    >>> ReparametrizedFlow(init=[0.01, 0.1], linear=0.1)
    ReparametrizedFlow(init=[0.01, 0.1], linear=0.1)
    """

    # squares must be numbers of double precision with room on both sides
    init: Any = setting(numbers("[1e-100, 1e100]"), axis=True)
    linear: Any = setting(numbers("[0, 1e100]"), default=0.0, axis=True)


# How each training is solved.
KINDS: dict[type, str] = {Lasso: "l1", BasisPursuit: "l1", ReparametrizedFlow: "flow", Ridge: "ridge"}
