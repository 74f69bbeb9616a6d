"""The empirical distribution of real examples as a population, from their kernel matrix or their features."""

__all__ = ["SAMPLINGS", "FinitePopulation", "feature_examples", "kernel_examples"]

import math
from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np

from rfgen.numerics.memory import planned
from rfgen.problems import validation
from rfgen.problems.rules import one_of
from rfgen.problems.settings import Noun, setting

# How rows are drawn from the examples, the default first; without replacement, learners are tested on the others.
SAMPLINGS = ("without replacement", "with replacement")

# An eigenvalue below this fraction of the largest, times the matrix size, is rounding of the eigensolver.
ROUNDING = 4 * np.finfo(np.float64).eps
# Squares of larger features, summed, may overflow.
LARGEST = 1e140
# Examples of a block of coordinates.
TOGETHER = 1024
# Matrices that a decomposition holds at once: that given, what LAPACK overwrites and works in, its vectors.
COPIES = 5


class FinitePopulation(Noun):
    """The empirical distribution of N real examples.

    `rows` (N, p), or what gives them in `blocks()`, and `vectors` (p, modes), None where rows are coordinates; `labels`
    (N, outputs), `cross` (outputs, modes): E[y x].  `sampling` "without replacement": tested on the examples that were not
    drawn; "with replacement": on all, those drawn among them.
    """

    rows: Any
    labels: np.ndarray
    cross: np.ndarray
    vectors: np.ndarray | None = None
    sampling: str = setting(one_of(*SAMPLINGS), default=SAMPLINGS[0])

    @cached_property
    def coordinates(self) -> np.ndarray:
        """Eigen-coordinates of every example (N, modes), of second moment diag(eigenvalues); only simulations ask."""
        if self.vectors is None:
            return self.rows
        shape, dtype = (self.labels.shape[0], self.vectors.shape[1]), self.rows.inputs.dtype
        planned(dtype.itemsize * math.prod(shape), f"coordinates of shape {shape}", "take fewer examples or features")
        found, start = np.empty(shape, dtype), 0
        for part in self.parts():
            found[start : start + len(part)] = part
            start += len(part)
        found.setflags(write=False)
        return found

    def parts(self) -> Iterator[np.ndarray]:
        """The coordinates, a block of examples at a time."""
        if self.vectors is None or "coordinates" in vars(self):
            yield from np.array_split(self.coordinates, -(-len(self.labels) // TOGETHER))
        else:
            yield from (block @ self.vectors for block in self.rows.blocks())

    def some(self, which: np.ndarray) -> np.ndarray:
        """Coordinates of some examples."""
        if self.vectors is None or "coordinates" in vars(self):
            return self.coordinates[which]
        return np.concatenate([block @ self.vectors for block in self.rows.blocks(which)])

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
        power = (self.cross / np.sqrt(eigenvalues)) ** 2
        null = np.maximum(total - power.sum(axis=1), 0.0)
        # what cancels to rounding is zero: a full-rank kernel leaves nothing unlearnable
        null[null < size * ROUNDING * total] = 0.0
        return power, null


def kernel_examples(kernel: Any, y: Any) -> tuple[np.ndarray, FinitePopulation]:
    """Eigenvalues (modes,) of kernel / N and the examples in its eigen-coordinates."""
    validation.aligned(kernel=kernel, y=y)
    matrix = validation.array("kernel", kernel, 2)
    size = matrix.shape[0]
    planned(8 * COPIES * size**2, f"the decomposition of kernel of shape {matrix.shape}", "take fewer examples")
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
    """Eigenvalues (modes,) of the features' second moment and the examples in its eigen-coordinates.

    `features` (N, p), or what gives them in `blocks()`, so that they are never held together.
    """
    streamed = hasattr(features, "blocks")
    if not streamed:
        validation.aligned(features=features, y=y)
        features = validation.array("features", features, 2)
    size = len(features.inputs) if streamed else len(features)
    labels, start = _labels(y, size, "features"), 0
    for block in features.blocks() if streamed else (features,):
        if max(block.max(), -block.min()) > LARGEST:
            raise ValueError(f"features must be at most {LARGEST:g} in size, else their squares overflow: rescale them")
        if start == 0:
            width = block.shape[1]
            planned(8 * COPIES * width**2, f"the second moment of {width} features", "take fewer features")
            second, cross = np.zeros((width, width)), np.zeros((labels.shape[1], width))
        second += block.T @ block
        cross += labels[start : start + len(block)].T @ block
        start += len(block)
    values, vectors = np.linalg.eigh(second / size)
    values, vectors = values[::-1], vectors[:, ::-1]
    rank = int(np.sum(values > width * ROUNDING * values[0]))
    if rank == 0:
        raise ValueError("features must not all be zero")
    vectors = vectors[:, :rank]
    if streamed:
        return values[:rank], FinitePopulation(features, labels, cross / size @ vectors, vectors)
    return values[:rank], _population(features @ vectors, labels)


def _population(coordinates: np.ndarray, labels: np.ndarray) -> FinitePopulation:
    coordinates.setflags(write=False)  # frozen without a copy
    return FinitePopulation(coordinates, labels, labels.T @ coordinates / labels.shape[0])


def _labels(y: Any, size: int, against: str) -> np.ndarray:
    labels = validation.array("y", y, (1, 2))
    labels = labels[:, None] if labels.ndim == 1 else labels
    if labels.shape[0] != size:
        raise ValueError(f"y must have one row per row of {against} ({size}), got {labels.shape[0]}")
    return labels
