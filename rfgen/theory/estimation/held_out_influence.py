"""What a row that is held out no longer does to the others: the first order beyond the per-example form.

The per-example form (`held_out_risk`) lets every row weigh on the effective ridges of its neighbours by its share n/N, a
held-out row too.  Held out it does not, and the n are drawn from the N - 1 others.  In units of the diagonal d of R, with
S_ij = R_ij/sqrt(d_i d_j), C = S o S (o: entry by entry), F = (I - e C)^-1, z = sqrt(d) r, q = F z^2, H_ji = F_ji/F_ii off
the diagonal and 0 on it, k_i = sum_j C_ij H_ji, M = e S diag(q) S, T = S o (M + zz'), and c = (1 - e)/(N - 1), by which e
falls, the mean errors z and their variances s = (1 - e) q - z^2 change by

    dz_i = k_i z_i - sum_j S_ij H_ji z_j + c t_i,      t = S(g z) - z Cg,      g = F 1,
    ds_i = q_i/F_ii - (1 - e - 4 e k_i) q_i + 2 k_i s_i + 2/e sum_j H_ji^2 q_j - 2 (H'TH)_ii
           - 2 sum_j S_ij H_ji (2 M + zz')_ij + c [(1 - e) F(2 T g - 2 q Cg - Cq) + q - 2 z t]_i.

A variance that this would take below 0 is divided instead: s/(1 - ds/s).

A row that is drawn answers with its own chance leverage, whose square training errors have in their denominator.  The n - 1
others come from N - 1, c = -e/(N - 1), and with a = e/(1 - e) its (1 - e) q grows by exp(dq/((1 - e) q)), at most e^1/2,

    dq_i = q_i/F_ii - (1 - e) q_i + 4 a sum_j S_ij H_ji (M + zz')_ij - a e k_i q_i - 4 a e sum_j C_ij H_ji q_j
           + 2 (2 e - 1) sum_j H_ji^2 q_j + c [(1 - e) F(2 T g - 2 q Cg - Cq) + q + 2 q (Cg - g)]_i.

Equations: theory (11.14) to (11.16).
"""

__all__ = ["without_influence"]

from typing import Any

import numpy as np

from rfgen.numerics.triangular import inverse_of_factor

# Of all matrices, whose share of a risk is a few percent: half the time, and 1e-7 of it.
SHORT = np.float32
# Beyond, second order is no longer small: at n near the rank, in a plane, a training error would be without bound.
FURTHEST = 0.5


def without_influence(
    matrix: np.ndarray, factor: np.ndarray, errors: np.ndarray, risks: np.ndarray, free: Any
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean errors and risks (rows, outputs) of held-out rows that the others do not know, and the risks that training has.

    Parameters: `matrix` R (rows, rows), `factor` the lower Cholesky factor of I - e C; `errors` r and `risks` (rows,
    outputs) of the per-example form; `free`: e > 0, the share left out.  Time rows^3, and 3 for each output, in single
    precision.

    >>> matrix = np.eye(4) - 0.1
    >>> factor, errors = np.linalg.cholesky(np.eye(4) - 0.5 * (matrix / 0.9) ** 2), np.ones((4, 1))
    >>> risks = 0.5 / 0.9 * np.linalg.solve(factor @ factor.T, 0.9 * errors**2)
    >>> [part[0].round(4).tolist() for part in without_influence(matrix, factor, errors, risks, 0.5)]
    [[0.8765], [0.8005], [1.2624]]
    """
    fewer = (1.0 - free) / (len(matrix) - 1)
    roots = np.sqrt(np.diag(matrix))[:, None]
    z, q = errors * roots, risks * (roots**2 / (1.0 - free))
    unit = np.maximum(q.max(axis=0), np.finfo(float).tiny)
    z, q = z / np.sqrt(unit), q / unit
    near = matrix.T * (1.0 / roots)  # symmetric: in the order of the loops below
    near *= (1.0 / roots).T
    near = near.astype(SHORT)
    solved = inverse_of_factor(factor.astype(SHORT)).T
    own = np.diag(solved).astype(float)[:, None]
    drawn = solved * (1.0 / np.diag(solved))
    np.fill_diagonal(drawn, 0.0)
    coupled = near * drawn
    kept, sums = _sums(near, coupled)[:, None], solved.sum(axis=1, dtype=float)[:, None]
    reached, along = (sums - 1.0) / free, _times(coupled.T, z)
    shifted = fewer * (_times(near, sums * z) - z * reached)
    means, known = z + kept * z - along + shifted, np.maximum((1.0 - free) * q - z**2, 0.0)
    linked, triple, ahead = _products(near, drawn, coupled, z, q, free, sums)
    few = (1.0 - free) * _times(solved, 2.0 * ahead - 2.0 * q * reached - (q - z**2) / free) + q
    squares, lost = _times((drawn**2).T, q), q / own - (1.0 - free) * q
    change = lost + 4.0 * free * kept * q + 2.0 * kept * known + 2.0 / free * squares - 2.0 * (triple + 2.0 * linked)
    change += fewer * few - 2.0 * z * (shifted - along)
    chance = free / (1.0 - free)
    trained = lost + chance * (4.0 * linked - free * kept * q - 4.0 * free * _times((near * coupled).T, q))
    trained += 2.0 * (2.0 * free - 1.0) * squares - free / (len(matrix) - 1) * (few + 2.0 * q * (reached - sums))
    with np.errstate(divide="ignore", invalid="ignore"):
        variances = np.where(change >= 0.0, known + change, known * (known / (known - change)))
        trained = np.exp(np.clip(trained / ((1.0 - free) * q), -FURTHEST, FURTHEST))
        trained = np.where(q > 0.0, (1.0 - free) * q * trained, 0.0)
    unit = unit / roots**2
    return means * np.sqrt(unit), (means**2 + variances) * unit, trained * unit


def _times(matrix: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    return (matrix @ vectors.astype(SHORT)).astype(float)


def _sums(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Of the columns of their product, entry by entry."""
    return np.einsum("ji,ji->i", one, other).astype(float)


def _products(
    near: np.ndarray, drawn: np.ndarray, coupled: np.ndarray, z: np.ndarray, q: np.ndarray, free: Any, sums: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """sum_j S_ij H_ji (M + zz')_ij, (H'TH)_ii and T g, of each output (rows, outputs)."""
    from scipy.linalg import get_blas_funcs

    (trmm,) = get_blas_funcs(("trmm",), (near,))
    linked, triple, ahead = np.empty_like(z), np.empty_like(z), np.empty_like(z)
    for output, (at, own) in enumerate(zip(z.T, q.T, strict=True)):
        half, short = near * np.sqrt(free * own).astype(SHORT), at.astype(SHORT)
        both = half @ half.T
        both += short[:, None] * short
        linked[:, output] = _sums(coupled, both)
        both *= near
        ahead[:, output] = _times(both, sums[:, 0])
        both.ravel()[:: len(both) + 1] *= 0.5  # T is twice its lower triangle
        triple[:, output] = 2.0 * _sums(drawn, trmm(1.0, both.T, drawn.T, side=1, lower=1).T)
    return linked, triple, ahead
