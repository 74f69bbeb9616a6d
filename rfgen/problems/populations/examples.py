"""The empirical distribution of real examples as a population, from their kernel matrix or their features."""

__all__ = ["SAMPLINGS", "FinitePopulation", "feature_examples", "kernel_examples"]

from dataclasses import replace
from typing import Any

import numpy as np

from rfgen.problems import validation
from rfgen.problems.rules import one_of
from rfgen.problems.settings import Noun, setting

# How rows are drawn from the examples, the default first; without replacement, learners are tested on the others.
SAMPLINGS = ("without replacement", "with replacement")

# An eigenvalue below this fraction of the largest, times the matrix size, is rounding of the eigensolver.
ROUNDING = 4 * np.finfo(np.float64).eps
# Squares of larger features, summed, may overflow.
LARGEST = 1e140


class FinitePopulation(Noun):
    """The empirical distribution of N real examples.

    `coordinates` (N, modes): eigen-coordinates of every example, with second moment diag(eigenvalues);
    `labels` (N, outputs).  `sampling` "without replacement": tested on the examples that were not drawn; "with
    replacement": on all, those drawn among them.
    """

    coordinates: np.ndarray
    labels: np.ndarray
    sampling: str = setting(one_of(*SAMPLINGS), default=SAMPLINGS[0])

    @property
    def held_out(self) -> bool:
        """Whether learners are tested on the examples that were not drawn."""
        return self.sampling == "without replacement"

    def sampled(self, sampling: str) -> "FinitePopulation":
        """The same examples, drawn otherwise."""
        return replace(self, sampling=sampling)

    def target(self, eigenvalues: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Power of the labels on each mode (outputs, modes), and outside of their span (outputs,)."""
        size, total = self.labels.shape[0], np.mean(self.labels**2, axis=0)
        # v_i = E[y phi_i], with x_i = sqrt(eigenvalue_i) phi_i
        power = ((self.labels.T @ self.coordinates / size) / np.sqrt(eigenvalues)) ** 2
        null = np.maximum(total - power.sum(axis=1), 0.0)
        # what cancels to rounding is zero: a full-rank kernel leaves nothing unlearnable
        null[null < size * ROUNDING * total] = 0.0
        return power, null


def kernel_examples(kernel: Any, y: Any) -> tuple[np.ndarray, FinitePopulation]:
    """Eigenvalues (modes,) of kernel / N and the examples in its eigen-coordinates."""
    validation.aligned(kernel=kernel, y=y)
    matrix = validation.array("kernel", kernel, 2)
    size = matrix.shape[0]
    if matrix.shape[1] != size:
        raise ValueError(f"kernel must be a square matrix, got shape {matrix.shape}")
    scale = float(np.abs(matrix).max())
    asymmetry = float(np.abs(matrix - matrix.T).max())
    if asymmetry > 1e-8 * scale:
        raise ValueError(f"kernel must be symmetric, got entries that differ by {asymmetry:g} from their transposes")
    labels = _labels(y, size, "kernel")
    values, vectors = np.linalg.eigh(matrix / size)
    values, vectors = values[::-1], vectors[:, ::-1]
    if scale == 0.0:
        raise ValueError("kernel must not be all zero")
    if values[-1] < -1e-6 * values[0] or values[0] <= 0:
        raise ValueError(
            f"kernel must be positive semidefinite, got the eigenvalue {values[-1] * size:g} "
            f"(the largest is {values[0] * size:g})"
        )
    rank = int(np.sum(values > size * ROUNDING * values[0]))
    return values[:rank], _population(vectors[:, :rank] * np.sqrt(values[:rank] * size), labels)


def feature_examples(features: Any, y: Any) -> tuple[np.ndarray, FinitePopulation]:
    """Eigenvalues (modes,) of the features' second moment and the examples in its eigen-coordinates."""
    validation.aligned(features=features, y=y)
    features = validation.array("features", features, 2)
    if max(features.max(), -features.min()) > LARGEST:
        raise ValueError(f"features must be at most {LARGEST:g} in size, else their squares overflow: rescale them")
    labels = _labels(y, features.shape[0], "features")
    values, vectors = np.linalg.eigh(features.T @ features / features.shape[0])
    values, vectors = values[::-1], vectors[:, ::-1]
    rank = int(np.sum(values > features.shape[1] * ROUNDING * values[0]))
    if rank == 0:
        raise ValueError("features must not all be zero")
    return values[:rank], _population(features @ vectors[:, :rank], labels)


def _population(coordinates: np.ndarray, labels: np.ndarray) -> FinitePopulation:
    coordinates.setflags(write=False)  # frozen without a copy
    return FinitePopulation(coordinates, labels)


def _labels(y: Any, size: int, against: str) -> np.ndarray:
    labels = validation.array("y", y, (1, 2))
    labels = labels[:, None] if labels.ndim == 1 else labels
    if labels.shape[0] != size:
        raise ValueError(f"y must have one row per row of {against} ({size}), got {labels.shape[0]}")
    return labels
