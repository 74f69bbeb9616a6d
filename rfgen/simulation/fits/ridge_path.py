"""Solutions of (K + ridge) a = y for all ridges of one positive semidefinite matrix.

Three routes, in processor time of one Cholesky solve of 400 equations (.93 ms): Cholesky 1 a ridge, reduction to a
tridiagonal matrix 4.4 and .01 a ridge, eigenvectors 19 (200 and 800 equations: 4.6 and 4.7, 25 and 16).  Ridges at rounding
of the matrix need its eigenvectors, to tell directions that are fitted from those that are not.
"""

__all__ = ["gentle", "solutions"]

from typing import Any

import numpy as np

from rfgen.simulation.arrays import shifted

# Ridges above this power of the rounding, times the trace, leave every digit that the eigenvectors would.
GENTLE = 0.4
# Ridges up to which factors of their own are cheaper than the reduction.
FEW = 4


def gentle(matrix: np.ndarray, ridges: np.ndarray) -> bool:
    """Whether no direction of `matrix` is lost to rounding beside the smallest ridge.

    >>> gentle(np.eye(3), np.array([1e-3])), gentle(np.eye(3), np.array([1.0, 0.0]))
    (True, False)
    """
    trace = float(np.trace(matrix))
    return bool(ridges.min() > np.finfo(matrix.dtype).eps ** GENTLE * trace and np.isfinite(ridges.max() + trace))


def solutions(matrix: np.ndarray, columns: np.ndarray, ridges: np.ndarray, few: int = FEW) -> np.ndarray:
    """Solutions (ridges, c, n) of (`matrix` + ridge) a = `columns` for `columns` (n, c) and `gentle` ridges.

    >>> solutions(np.diag([1.0, 3.0]), np.ones((2, 1)), np.array([1.0, 2.0])).round(3).tolist()
    [[[0.5, 0.25]], [[0.333, 0.2]]]
    """
    by_one = ridges.size <= few or matrix.shape[0] < 3
    return _by_factors(matrix, columns, ridges) if by_one else _tridiagonally(matrix, columns, ridges)


def _by_factors(matrix: np.ndarray, columns: np.ndarray, ridges: np.ndarray) -> np.ndarray:
    """A Cholesky factor for each ridge."""
    from scipy.linalg import get_lapack_funcs

    posv: Any = get_lapack_funcs("posv", (matrix,))
    found = [posv(shifted(matrix, ridge).T, columns, lower=1, overwrite_a=1)[1:] for ridge in ridges]
    return np.stack([np.where(failed, np.nan, each.T) for each, failed in found])


def _tridiagonally(matrix: np.ndarray, columns: np.ndarray, ridges: np.ndarray) -> np.ndarray:
    """One similarity transformation Q, whose first row and column are those of the identity, and n steps a ridge."""
    from scipy.linalg import get_lapack_funcs

    sytrd, work, ormqr, ptsv = get_lapack_funcs(("sytrd", "sytrd_lwork", "ormqr", "ptsv"), (matrix,))
    size, (count, width) = matrix.shape[0], (ridges.size, columns.shape[1])
    packed, diagonal, beside, tau, _ = sytrd(matrix.T, lower=1, lwork=int(work(size, lower=1)[0]))
    reflectors = packed[1:, :-1]

    def rotated(values: np.ndarray, transposed: str) -> np.ndarray:
        """Q or Q' times `values`."""
        inner = np.asfortranarray(values[1:])
        length = int(ormqr("L", transposed, reflectors, tau, inner, -1)[1][0])
        return np.concatenate([values[:1], ormqr("L", transposed, reflectors, tau, inner, length)[0]])

    inside = rotated(columns, "T")
    path = np.empty((count, width, size), matrix.dtype)
    for place, ridge in enumerate(ridges):
        *_, solved, failed = ptsv(diagonal + ridge, beside, inside)
        path[place] = np.where(failed, np.nan, solved.T)
    flat: Any = rotated(path.reshape(-1, size).T, "N")
    return flat.T.reshape(count, width, size)
