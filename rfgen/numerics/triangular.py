"""The inverse of a symmetric positive definite matrix from its Cholesky factor, in blocks."""

__all__ = ["inverse_of_factor"]

from collections.abc import Callable

import numpy as np

# Sides of the blocks that LAPACK inverts, and of the matrix beyond which it is as fast on its own; 300: 0.8 ms for 1.3.
LEAST, MOST = 64, 1000


def inverse_of_factor(factor: np.ndarray) -> np.ndarray:
    """(LL')^-1 for lower triangular L, in LAPACK's order and the precision of L.

    >>> inverse_of_factor(np.array([[2.0, 0.0], [0.0, 1.0]])).tolist()
    [[0.25, 0.0], [0.0, 1.0]]
    """
    from scipy.linalg import get_lapack_funcs

    potri, lauum, trtri = get_lapack_funcs(("potri", "lauum", "trtri"), (factor,))
    half, _ = potri(factor, lower=1) if len(factor) > MOST else lauum(_inverted(factor, trtri), lower=1, overwrite_c=1)
    found = half + half.T
    found.ravel("K")[:: len(factor) + 1] *= 0.5
    return found


def _inverted(factor: np.ndarray, trtri: Callable) -> np.ndarray:
    if len(factor) <= LEAST:
        return trtri(factor, lower=1)[0]
    split = len(factor) // 2
    found = np.zeros(factor.shape, factor.dtype, order="F")
    first = found[:split, :split] = _inverted(factor[:split, :split], trtri)
    last = found[split:, split:] = _inverted(factor[split:, split:], trtri)
    found[split:, :split] = last @ (factor[split:, :split] @ -first)
    return found
