"""The Gram matrix of training rows by its eigenvectors: one decomposition serves every ridge.

Eigenvalues at the level of rounding are taken as 0, and their eigenvectors are left out: what lies off the others' span is
I - vectors vectors', which keeps n > p features as cheap as p, and lets the limit of ridge 0 be taken exactly.
"""

__all__ = ["Gram", "centred_kernel", "gram_of_features", "gram_of_kernel"]

from dataclasses import field
from typing import Any

import numpy as np

from rfgen.numerics.compilation.record import record

# An eigenvalue below this many last places of the largest, times the matrix size, is rounding of the eigensolver;
# for features the same holds of singular values.
ROUNDING, DOUBLE = 4, float(np.finfo(np.float64).eps)
# Eigenvalues below minus this fraction of the largest are no rounding.
NEGATIVE = 1e-6


@record
class Gram:
    """K = vectors diag(values) vectors', with `vectors` (n, rank) orthonormal and `values` (rank,) > 0, descending.

    `centred`: K is that of rows less their mean, for an intercept that is not penalised: the constant vector, which is
    orthogonal to `vectors`, is fitted and counts as no null direction.  `sine`: by how much rounding of the entries may
    turn the last of `vectors` into what is off their span.
    """

    vectors: Any
    values: Any
    centred: bool = field(default=False, metadata={"static": True})
    sine: Any = 0.0


def centred_kernel(matrix: np.ndarray) -> np.ndarray:
    """The kernel matrix (n, n) of the rows less their mean.

    >>> centred_kernel(np.array([[1.0, 2.0], [2.0, 4.0]])).tolist()
    [[0.25, -0.25], [-0.25, 0.25]]
    """
    mean = matrix.mean(axis=0)
    return matrix - mean - mean[:, None] + mean.mean()


def gram_of_kernel(matrix: np.ndarray, precision: float = DOUBLE, name: str = "matrix", centred: bool = False) -> Gram:
    """The decomposition of a symmetric matrix (n, n); its lower triangle is read.  Time n^3.

    `precision`: relative rounding of the entries, which decides the rank.  `centred`: that of the rows less their mean.

    Errors: ValueError, which calls it `name`, if it is not positive semidefinite (to 1e-6 of its largest eigenvalue).

    >>> gram_of_kernel(np.array([[2.0, 2.0], [2.0, 2.0]])).values.round(12)
    array([4.])
    """
    # what the mean takes away has left its rounding behind
    scale = np.abs(matrix).max()
    if centred:  # the constant first, apart from vectors of eigenvalues near its own: above all others, one of rank 1 too
        matrix = centred_kernel(matrix)
        matrix = matrix + 2.0 * max(float(np.trace(matrix)), scale) / len(matrix)
    values, vectors = np.linalg.eigh(matrix)
    values, vectors = values[::-1][int(centred) :], vectors[:, ::-1][:, int(centred) :]
    if not values.size:  # one row, less its mean
        return Gram(vectors, values, centred)
    if values[-1] < -NEGATIVE * values[0]:
        raise ValueError(
            f"{name} must be positive semidefinite, got the eigenvalue {values[-1]:g} (the largest is {values[0]:g})"
        )
    noise = precision * (max(values[0], scale) if centred else values[0])
    kept = values > matrix.shape[0] * ROUNDING * noise
    return Gram(vectors[:, kept], values[kept], centred, _sine(noise, values[kept]))


def gram_of_features(rows: np.ndarray, precision: float = DOUBLE, centred: bool = False) -> Gram:
    """The decomposition of rows rows' for `rows` (n, p), from singular values: no digit is lost by squaring.

    Time n p min(n, p).  `centred`: that of the rows less their mean.

    >>> gram_of_features(np.array([[1.0], [2.0]])).values.round(12)
    array([5.])
    """
    n, p = rows.shape
    scale = np.linalg.norm(rows) if centred else 0.0
    rows = rows - rows.mean(axis=0) if centred else rows
    # the triangular factor alone where there are many features: their n x p singular vectors are not needed
    square = np.transpose(np.linalg.qr(rows.T, mode="r")) if p > n else rows  # type: ignore[call-overload]
    vectors, sizes, _ = np.linalg.svd(square, full_matrices=False)
    kept = sizes > ROUNDING * precision * max(max(n, p) * sizes[0], scale)
    # squares that underflow are no eigenvalues
    kept &= sizes * sizes > 0.0
    noise = precision * max(sizes[0], scale) if sizes.size else 0.0
    return Gram(vectors[:, kept], sizes[kept] ** 2, centred, _sine(noise, sizes[kept]))


def _sine(noise: float, sizes: np.ndarray) -> float:
    return float(noise / sizes[-1]) if sizes.size else 0.0
