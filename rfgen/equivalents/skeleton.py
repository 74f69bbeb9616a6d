"""Few real matrices of which the resolvents at all nodes of a contour are sums.

Q and V of a node are analytic in its ridge, and those of the conjugate ridge are the conjugates: the 2 N real and imaginary
parts at N nodes span far fewer dimensions to rounding.  A skeleton, R of these parts chosen by pivoted QR, replaces N x 2N
complex traces of pairs by R x R real ones.

    Q_a = sum_r c_ar Q_r,     V_a = sum_r c_ar V_r

The first element is the node at infinity, Q = 0 and V = 1.  (Derived.)
"""

__all__ = ["Skeleton", "skeleton"]

from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
from scipy.linalg import qr, solve_triangular

# What is left of a node, as a share of it; and elements are padded to a multiple of this number: few programs.
LEFT, PADDING = 2e-15, 32
# Columns that resolvents are seen through, and numbers of the reductions.
COLUMNS, NUMBERS = 2, 400


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Skeleton:
    """`resolvents` (R, ...) and `reductions` (R, G, m, m), real; `shares` (N + 1, R) complex, the last of infinity."""

    resolvents: Any
    reductions: Any
    shares: Any


def skeleton(resolvents: np.ndarray, reductions: np.ndarray) -> Skeleton:
    """Of the resolvents (N, ...) and reductions (N, G, m, m) at all nodes."""
    count, generator = len(resolvents), np.random.default_rng(0)
    identity = np.eye(reductions.shape[-1])
    seen = resolvents
    if seen.ndim == 3:
        seen = seen @ generator.normal(size=(seen.shape[-1], COLUMNS))
    seen, moved = seen.reshape(count, -1), (reductions - identity).reshape(count, -1)
    if moved.shape[1] > NUMBERS:
        moved = moved @ generator.normal(size=(moved.shape[1], NUMBERS))
    moved = moved * (np.max(np.abs(seen)) / max(np.max(np.abs(moved)), 1e-300))
    rows = np.concatenate([seen, moved], axis=1)
    sizes = np.linalg.norm(rows, axis=1, keepdims=True)
    columns = np.concatenate([(rows / sizes).real, (rows / sizes).imag]).T
    factor, order = qr(columns, mode="r", pivoting=True)
    diagonal = np.abs(np.diagonal(factor))
    rank = int(np.sum(diagonal > LEFT * diagonal[0]))
    weights = np.zeros((rank, 2 * count))
    weights[:, order] = np.concatenate(
        [np.eye(rank), solve_triangular(factor[:rank, :rank], factor[:rank, rank:])], axis=1
    )
    size = sizes[order[:rank] % count]
    parts = sizes * (weights[:, :count] + 1j * weights[:, count:]).T / size.T
    imaginary = order[:rank] >= count

    def elements(values: np.ndarray, first: np.ndarray) -> np.ndarray:
        taken = values[order[:rank] % count]
        real = np.where(imaginary.reshape(-1, *[1] * (values.ndim - 1)), taken.imag, taken.real)
        padding = np.zeros((-(rank + 1) % PADDING, *first.shape))
        return np.concatenate([first[None], real, padding])

    shares = np.zeros((count + 1, rank + 1 + -(rank + 1) % PADDING), complex)
    shares[:, 0], shares[:-1, 1 : rank + 1] = 1.0, parts
    ones = np.broadcast_to(identity, reductions.shape[1:])
    return Skeleton(
        elements(resolvents, np.zeros(resolvents.shape[1:])), elements(reductions - identity, ones), shares
    )
