"""One population of rows: the covariance of its inputs, the teacher of its labels, their noise.

The labels of domain d are `w_d . x` plus noise of variance s_d, the inputs x have second moment Sigma_d.  Any population
with second moments is of this form: w_d = Sigma_d^+ E[x y] and s_d = E[y^2] - w_d . E[x y], which holds what no linear
model can learn.  Equations: theory (15.1).
"""

__all__ = ["Domain"]

from dataclasses import replace
from typing import Any

import numpy as np

from rfgen.problems import validation
from rfgen.problems.rules import number, numbers, optional
from rfgen.problems.settings import Noun, setting
from rfgen.problems.shown import short

# Asymmetry and negative eigenvalues of a covariance that count as rounding, relative to its largest entry.
ROUNDING = 1e-9
# Directions below this share of the largest eigenvalue are not seen: nothing is known of the teacher there.
UNSEEN = 1e-13


class Domain(Noun):
    """Where rows come from: `Domain(covariance, weights, noise=0.0)`.

    Parameters
    ----------
    covariance
        (p,), eigenvalues >= 0 of inputs whose eigenvectors all domains share; or (p, p), a covariance (of inputs whose mean
        is not 0: the second moment).
    weights
        (p,) or (outputs, p): labels are `weights . x`.  Of several outputs the squared errors are summed.
    noise
        variance of the label noise, >= 0, of all outputs together.
    novel
        (p,), weights of a further output, a part of the target that only domains of equal `weights` and `novel` have.
    examples
        (features (N, p), labels (N,)) of real rows, which a simulation draws with replacement; see `from_data`.

    >>> Domain([1.0, 0.5], [1.0, 1.0], noise=0.1)
    Domain(dim=2, power=1.5, noise=0.1)
    """

    covariance: Any = setting(numbers(ndim=(1, 2)))
    weights: Any = setting(numbers(ndim=(1, 2)))
    noise: float = setting(number("[0, inf)"), default=0.0)
    novel: Any = setting(optional(numbers(ndim=1)), default=None)
    examples: Any = None

    def _relate(self) -> None:
        """A covariance of all inputs; `weights` becomes (outputs, p)."""
        covariance, size = self.covariance, self.covariance.shape[0]
        if covariance.ndim == 1:
            validation.non_negative("covariance", covariance, 1)
        else:
            scale = ROUNDING * float(np.abs(covariance).max())
            if covariance.shape != (size, size) or np.abs(covariance - covariance.T).max() > scale:
                raise ValueError(f"covariance must be eigenvalues (p,) or a symmetric matrix, got shape {covariance.shape}")
            if (lowest := float(np.linalg.eigvalsh(covariance)[0])) < -size * scale:
                raise ValueError(f"covariance must be positive semidefinite, got the eigenvalue {lowest:g}")
        self._set(weights=np.atleast_2d(self.weights))
        for name in ("weights", "novel"):
            value = getattr(self, name)
            if value is not None and value.shape[-1] != size:
                raise ValueError(f"{name} must have one entry per input ({size}), got shape {value.shape}")

    @classmethod
    def from_moments(cls, second: Any, cross: Any, power: float) -> "Domain":
        """From `second` = E[x x'] (p, p) or its eigenvalues (p,), `cross` = E[x y] (p,) and `power` = E[y^2].

        Inputs may be endogenous or labels misspecified: what x does not explain of y is noise.

        >>> Domain.from_moments([2.0, 1.0], [1.0, 0.5], power=1.0)
        Domain(dim=2, power=0.75, noise=0.25)
        """
        second, cross = numbers(ndim=(1, 2))("second", second), numbers(ndim=1)("cross", cross)
        power = float(validation.non_negative("power", power, 0))
        if second.shape[-1] != cross.size:
            raise ValueError(f"cross must have one entry per input ({second.shape[-1]}), got shape {cross.shape}")
        weights, explained = _regression(second, cross)
        if explained > power * (1.0 + ROUNDING):
            raise ValueError(f"power must be at least what the inputs explain ({explained:g}), got {power:g}")
        return cls(second, weights, max(power - explained, 0.0))

    @classmethod
    def from_data(cls, features: Any, labels: Any) -> "Domain":
        """From real rows: `features` (N, p), frozen, and `labels` (N,); their second moments are those of the population.

        >>> Domain.from_data(np.eye(4), [1.0, -1.0, 1.0, -1.0])
        Domain(dim=4, power=1, noise=0, examples=4)
        """
        validation.aligned(features=features, labels=labels)
        features, labels = validation.array("features", features, 2), validation.array("labels", labels, 1)
        if features.shape[0] != labels.size:
            raise ValueError(f"labels must have one entry per row ({features.shape[0]}), got {labels.size}")
        second, cross = features.T @ features / labels.size, features.T @ labels / labels.size
        weights, explained = _regression(second, cross)
        examples = (features.copy(), labels.copy())
        for part in examples:
            part.setflags(write=False)
        return cls(second, weights, max(float(labels @ labels) / labels.size - explained, 0.0), None, examples)

    def shifted(self, overlap: float = 1.0, noise: float | None = None, scale: Any = 1.0, rotate: float = 0.0) -> "Domain":
        """A population near this one; what is left out stays.

        Parameters
        ----------
        overlap
            in [-1, 1], correlation of the two targets in every mode, whose power stays: concept shift.
        noise
            another variance of the label noise: label-noise shift.
        scale
            > 0, of the inputs' covariance, a number or (p,), one in each direction: covariate shift.
        rotate
            angle in radians by which the covariance is turned in the plane of the directions 1 and 2, of 3 and 4, ...; the
            weights stay, and the covariance becomes a matrix.

        >>> Domain([1.0, 0.5], [1.0, 1.0]).shifted(overlap=0.6).novel
        array([0.8, 0.8])
        """
        overlap, angle = number("[-1, 1]")("overlap", overlap), number()("rotate", rotate)
        scale = validation.positive("scale", scale)
        if self.examples is not None:
            raise ValueError("shifted needs a population known by its moments, not real rows: give the rows of the other")
        if self.novel is not None and abs(overlap) < 1.0:
            raise ValueError("overlap must be that with a first domain: shift that one, not one shifted already")
        if scale.ndim and scale.size != self.dim:
            raise ValueError(f"scale must be a number or have one entry per input ({self.dim}), got {scale.size}")
        root = np.sqrt(scale)
        factor = scale if self.covariance.ndim == 1 else np.outer(root, root) if scale.ndim else scale
        covariance = self.covariance * factor
        if angle:
            matrix = np.diag(covariance) if covariance.ndim == 1 else covariance
            turn = _turn(self.dim, angle)
            covariance = turn @ matrix @ turn.T
            covariance = 0.5 * (covariance + covariance.T)
        own = np.sqrt(1.0 - overlap**2) * np.sqrt(np.sum(self.weights**2, axis=0))
        return replace(
            self, covariance=covariance, weights=overlap * self.weights,
            noise=self.noise if noise is None else number("[0, inf)")("noise", noise),
            novel=own if abs(overlap) < 1.0 else self.novel,
        )

    @property
    def dim(self) -> int:
        """Number of inputs, p."""
        return self.covariance.shape[0]

    @property
    def power(self) -> float:
        """Second moment of the labels without their noise."""
        teachers = self.weights if self.novel is None else np.concatenate([self.weights, self.novel[None]])
        if self.covariance.ndim == 1:
            return float(np.sum(teachers**2 @ self.covariance))
        return float(np.sum((teachers @ self.covariance) * teachers))

    def _shown(self) -> dict[str, str]:
        """Sizes in place of arrays."""
        shown = {name: short(getattr(self, name)) for name in ("dim", "power", "noise")}
        return shown if self.examples is None else {**shown, "examples": short(self.examples[1].size)}


def _regression(second: np.ndarray, cross: np.ndarray) -> tuple[np.ndarray, float]:
    """Least-squares weights (p,), of least norm, and the power that they explain."""
    if second.ndim == 1:
        seen = second > UNSEEN * second.max()
        weights = np.where(seen, cross / np.where(seen, second, 1.0), 0.0)
    else:
        weights = np.linalg.lstsq(second, cross, rcond=UNSEEN)[0]
    left = cross - (second * weights if second.ndim == 1 else second @ weights)
    if np.abs(left).max() > 1e-6 * np.abs(cross).max():
        raise ValueError("cross must lie in the span of second: E[x y] has a part along inputs that are always 0")
    return weights, float(weights @ cross)


def _turn(size: int, angle: float) -> np.ndarray:
    """The rotation of neighbouring directions, (size, size); the last one stays if it has no neighbour."""
    turn, pairs = np.eye(size), 2 * np.arange(size // 2)
    turn[pairs, pairs] = turn[pairs + 1, pairs + 1] = np.cos(angle)
    turn[pairs, pairs + 1], turn[pairs + 1, pairs] = -np.sin(angle), np.sin(angle)
    return turn
