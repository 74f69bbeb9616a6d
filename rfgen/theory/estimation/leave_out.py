"""The residuals of left-out rows or blocks of rows, of kernel ridge and of gradient flow, from one decomposition.

With A = (K + ridge)^-1, the labels of a block b less the predictions of the ridge fit to all others are
r_b = (A_bb)^-1 (Ay)_b = (I - H_bb)^-1 e_b.  The fit without b at another input with kernel row k is that to labels with y_b
replaced by y_b - r_b: k.A (y - r_b), which at the clean input of a sample gives its risk from fits to views of the others.

Gradient flow is a sum over complex ridges, w(time) = sum_j f_j w(-n zeta_j), of every fit, so of those without b: its
left-out residuals are sum_j f_j r_b(-(n - n_b) zeta_j).  Nothing is trained again.

Every residual is linear in y: R = Q U' + G (I - UU'), U the eigenvectors of K, from which follows the variance of the mean
of their squares for labels that are mostly noise, 2 tr (R'R)^2 / (tr R'R)^2 of the mean squared.

For losses that are not squares one Newton's step from the fit to all rows.  A fit minimises sum_i l_i(f_i) +
(ridge/2)|w|^2, f = Z w.  Without row i its gradient at w is -l_i' z_i and its Hessian H - l_i'' z_i z_i', H = Z' diag(l'')
Z + ridge; one step from w leads to

    f_i without row i  =  f_i + h_i l_i' / (1 - l_i'' h_i),        h_i = z_i' H^-1 z_i.

Exact for squares, where h_i is the leverage.  Of the lasso Z are the active columns, as if these stayed the active ones
without the row.  Equations: theory (11.9) and (11.10).
"""

__all__ = ["LeftOut", "approximately_left_out", "flow_nodes", "leave_blocks_out", "leave_rows_out"]

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rfgen.numerics.gram import Gram
from rfgen.numerics.quadrature.contours import decaying, filter_weights
from rfgen.theory.estimation.risk_estimators import NEAR, OUTSIDE, reach

# Flow this short, in units of the inverse largest eigenvalue, has learned nothing that double precision could show.
NOTHING = 1e-17


@dataclass(frozen=True)
class LeftOut:
    """`residuals` (n, outputs) of the left-out rows, in their order; `clean` (blocks, outputs) at clean inputs, or None.

    `matrix` (n, n) and `clean_matrix` (blocks, n) give them from the labels; None unless asked for.
    """

    residuals: np.ndarray
    clean: np.ndarray | None = None
    matrix: np.ndarray | None = None
    clean_matrix: np.ndarray | None = None


def flow_nodes(ridge: Any, time: Any, samples: Any) -> tuple[np.ndarray, np.ndarray]:
    """Ridges (nodes,) and weights (nodes,) of which gradient flow on `samples` samples is the sum: real parts are meant.

    `time` on the clock of the objective divided by 2 samples, with weight decay `ridge`; inf: the ridge itself.

    >>> gram = Gram(np.eye(1), np.array([3.0]))
    >>> ridges, weights = flow_nodes(0.0, 2.0, 1)
    >>> round(float(np.sum(weights * 3.0 / (3.0 + ridges)).real), 12), round(1 - math.exp(-6.0), 12)
    (0.997521247823, 0.997521247823)
    """
    if math.isinf(time):
        return np.array([ridge]), np.ones(1)
    curve = decaying(time)
    # 2: the nodes of the lower half plane are conjugates
    weights = 2.0 * filter_weights(np.exp(-curve.nodes * time), curve.nodes, curve.weights)
    return ridge - samples * curve.nodes, weights


def leave_rows_out(gram: Gram, labels: Any, ridge: Any, time: Any = math.inf, with_matrix: bool = False) -> LeftOut:
    """Residuals of each row under the fit to all others, `labels` (n, outputs): n^2 operations for each of 48 nodes.

    `time`: gradient flow for so long, on the clock of n - 1 samples (the objective divided by 2 (n - 1)), with weight decay
    `ridge`; inf: ridge regression.  Agrees with n refits to 1e-12.  Source: derived.

    >>> rows = np.random.default_rng(0).normal(size=(5, 3))
    >>> from rfgen.numerics.gram import gram_of_kernel
    >>> found = leave_rows_out(gram_of_kernel(rows @ rows.T + np.eye(5)), np.ones((5, 1)), 0.1, time=2.0)
    >>> found.residuals.shape
    (5, 1)
    """
    n, rank = gram.vectors.shape
    if n == 1 or rank == 0 or time * gram.values[0] < NOTHING * n:
        return LeftOut(labels, matrix=np.eye(n) if with_matrix else None)
    outside, left = reach(gram, labels)
    ridges, weights = flow_nodes(ridge, time, n - 1)
    bottom = gram.values[-1] + ridges
    share = bottom / (gram.values[:, None] + ridges)
    diagonal = (gram.vectors * gram.vectors) @ share
    scale = ridges / bottom if rank < n else np.ones_like(ridges)
    apart = outside[:, None] > 0.0
    inverse = weights / np.where(apart, outside[:, None] + scale * diagonal, diagonal)
    # G and Q of R = G (I - UU') + Q U'
    beside = np.divide(1.0, scale, out=np.zeros_like(scale), where=np.abs(scale) > NEAR)
    off = np.sum(np.where(apart, 1.0, beside) * inverse, axis=1).real
    along = gram.vectors * (np.where(apart, scale, 1.0) * inverse @ share.T).real
    matrix = None
    if with_matrix:
        matrix = along @ gram.vectors.T
        if rank < n:
            matrix += off[:, None] * (np.eye(n) - gram.vectors @ gram.vectors.T)
    return LeftOut(along @ (gram.vectors.T @ labels) + off[:, None] * left, matrix=matrix)


def leave_blocks_out(
    gram: Gram, labels: Any, blocks: Sequence[np.ndarray], ridge: Any, time: Any = math.inf, views: Any = 1,
    clean: Any = None, with_matrix: bool = False,
) -> LeftOut:
    """Residuals of the rows of each of `blocks` (their row numbers) under the fit to all other blocks.

    `labels` (n, outputs).  `views`: rows that share one sample's weight 1 in the objective, which divides by their number
    (`ridge` stays unnormalised, `time` is on the clock of samples, n/views).  `clean` (blocks, n): the kernel between an
    input of each block and all rows (centred as the rows are), at which the fit without the block is compared with the
    block's mean label.
    Agrees with refits to 1e-10.  Source: derived.

    >>> from rfgen.numerics.gram import gram_of_kernel
    >>> gram = gram_of_kernel(np.eye(4) + 1.0)
    >>> found = leave_blocks_out(gram, np.ones((4, 1)), [np.array([0, 1]), np.array([2, 3])], 0.0)
    >>> found.residuals.ravel().round(6).tolist()
    [0.333333, 0.333333, 0.333333, 0.333333]
    """
    n, rank = gram.vectors.shape
    outside, left = reach(gram, labels)
    project = gram.vectors.T @ labels
    residuals = np.empty_like(labels)
    at_clean = None if clean is None else np.empty((len(blocks), labels.shape[1]))
    matrix = np.zeros((n, n)) if with_matrix else None
    clean_matrix = np.zeros((len(blocks), n)) if with_matrix and clean is not None else None
    constant = gram.centred / n  # of the vector that a centred K fits, in each entry of its projection
    hat = np.eye(n) - gram.vectors @ gram.vectors.T - constant if with_matrix and rank < n else None
    for number, rows in enumerate(blocks):
        samples = (n - rows.size) / views
        own = gram.vectors[rows]
        nothing = samples == 0 or rank == 0 or time * gram.values[0] < NOTHING * views * samples
        if nothing:
            along, clean_along, clean_off = own, np.zeros(rank), np.zeros(rows.size)
            off = np.eye(rows.size) + gram.centred / max(n - rows.size, 1)
        else:
            ridges, weights = flow_nodes(ridge, time, samples)
            to_clean = np.zeros(rank) if clean is None else clean[number] @ gram.vectors
            maps = _block_maps(gram, own, outside[rows], views * ridges, to_clean)
            along, off, clean_along, clean_off = (np.real(np.tensordot(weights, each, 1)) for each in maps)
        residuals[rows] = along @ project + off @ left[rows]
        if matrix is not None:
            matrix[rows] = along @ gram.vectors.T + (0.0 if hat is None else off @ hat[rows])
        if at_clean is not None:
            # the intercept is the mean of the labels, those left out replaced by what the others say of them
            level = -gram.centred * residuals[rows].sum(axis=0) / n
            at_clean[number] = labels[rows].mean(axis=0) - clean_along @ project - clean_off @ left[rows] - level
        if clean_matrix is not None:
            assert matrix is not None
            clean_matrix[number, rows] += 1.0 / rows.size
            clean_matrix[number] -= clean_along @ gram.vectors.T + (0.0 if hat is None else clean_off @ hat[rows])
            clean_matrix[number] += constant * matrix[rows].sum(axis=0)
    return LeftOut(residuals, at_clean, matrix, clean_matrix)


def _block_maps(gram: Gram, own: np.ndarray, outside: np.ndarray, ridges: np.ndarray, clean: np.ndarray) -> tuple:
    """Of one block at each ridge, from eigen-coordinates and from what is off the span: residuals, predictions at `clean`.

    What the block has off the span (directions `first`) dominates A there as ridge tends to 0; equations along the others
    are divided by the ridge, and the limit is a block-triangular system.
    """
    size, rank = own.shape
    free = gram.vectors.shape[0] - rank - gram.centred
    beyond = np.eye(size) - own @ own.T - gram.centred / len(gram.vectors) if free else np.zeros((size, size))
    live = outside > 0.0
    beyond = np.where(live[:, None] & live, beyond, 0.0)
    values, turn = np.linalg.eigh(beyond)
    first = values > gram.vectors.shape[0] * OUTSIDE
    values = np.where(first, values, 0.0)
    bottom = gram.values[-1] + ridges
    share = bottom[:, None] / (gram.values + ridges[:, None])
    scale = ridges / bottom if free else np.ones_like(ridges)
    turned = (turn.T @ own) * share[:, None, :]
    lift = np.where(first, scale[:, None], 1.0)[:, :, None]
    system = np.diag(values) + lift * (turned @ own.T @ turn)
    spread = np.broadcast_to(np.where(first[:, None], turn.T, 0.0), system.shape)
    along = turn @ np.linalg.solve(system, lift * turned)
    off = turn @ np.linalg.solve(system, spread.astype(system.dtype))
    smooth = clean / (gram.values + ridges[:, None])
    back = smooth @ own.T
    return along, off, smooth - np.einsum("ji,jir->jr", back, along), -np.einsum("ji,jik->jk", back, off)


# A row that its own fit determines to this is not known by the others.
OWN = 1e-9


def approximately_left_out(
    rows: np.ndarray, fitted: np.ndarray, slopes: np.ndarray, bends: np.ndarray, ridge: Any, intercept: bool
) -> np.ndarray:
    """Fitted values (n,) of each row without itself; NaN where the others do not determine it.

    Parameters: `rows` Z (n, p), of a lasso the active columns; `fitted` f (n,); `slopes` l' and `bends` l'' >= 0 (n,) of
    each row's loss there; `ridge` >= 0, unnormalised; `intercept`: fitted, not penalised.

    Regime: smooth losses and n of the order of p, at an error that falls as 1/n.  Source: Rad and Maleki, arXiv 1801.10243,
    eq. 8; for the lasso also Wang et al., arXiv 1807.02694.

    >>> rows, labels = np.array([[1.0], [2.0], [2.0]]), np.array([1.0, 2.0, 3.0])  # slopes without each: 5/4, 7/5, 1
    >>> fitted = rows[:, 0] * 11 / 9
    >>> approximately_left_out(rows, fitted, fitted - labels, np.ones(3), 0.0, intercept=False).round(9).tolist()
    [1.25, 2.8, 2.0]
    """
    n, p = rows.shape
    penalised = np.full(p, float(ridge))
    if intercept:
        rows, penalised = np.hstack([rows, np.ones((n, 1))]), np.append(penalised, 0.0)
    if not rows.shape[1]:
        return fitted
    stacked = np.vstack([np.sqrt(bends)[:, None] * rows, np.diag(np.sqrt(penalised))])
    factor = np.asarray(np.linalg.qr(stacked, mode="r"))
    try:
        own = np.sum(np.linalg.solve(factor.T, rows.T) ** 2, axis=0)
    except np.linalg.LinAlgError:
        return np.full(n, np.nan)
    left = 1.0 - bends * own
    return np.where(left > OWN, fitted + own * slopes / np.where(left > OWN, left, 1.0), np.nan)
