"""Matrices whose rows are shared out over all devices, in blocks: products, Gram matrices, Cholesky factors and solutions.

What is called "here" is a device's own part; everything is called within `jax.shard_map` over `AXIS`.
"""

__all__ = ["AXIS", "factor", "first_row", "gathered", "inner_gram", "outer_gram", "rows_here", "shifted", "solve", "times"]

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from rfgen.simulation.arrays import Array
from rfgen.simulation.devices import device_count

AXIS, BLOCK = "rows", 128


def rows_here(n: int) -> tuple[int, int]:
    """Rows of each device, with those that fill the last one, and of a block."""
    each = -(-n // device_count())
    block = min(BLOCK, each)
    return -(-each // block) * block, block


def first_row(own: int) -> Array:
    """The number of the first row here, of `own` on each device."""
    return jax.lax.axis_index(AXIS) * own


def _round(part: Array, visit: Callable[[Any, Array, Array], Any], found: Any) -> Any:
    """`found = visit(found, part, first)` of the part of every device, whose rows begin at `first`: parts go round."""
    count, here, own = jax.lax.axis_size(AXIS), jax.lax.axis_index(AXIS), part.shape[0]
    onwards = [(device, (device + 1) % count) for device in range(count)]

    def step(t: Array, carry: tuple[Any, Array]) -> tuple[Any, Array]:
        found, passing = carry
        return visit(found, passing, (here - t) % count * own), jax.lax.ppermute(passing, AXIS, onwards)

    return jax.lax.fori_loop(np.int32(0), np.int32(count), step, (found, part))[0]


def outer_gram(rows: Array, block: int) -> Array:
    """Products (blocks here, block, blocks, block) of the rows here with all rows."""
    own = rows.shape[0]

    def visit(found: Array, part: Array, first: Array) -> Array:
        return jax.lax.dynamic_update_slice_in_dim(found, rows @ part.T, first, axis=1)

    found = _round(rows, visit, jnp.zeros((own, own * jax.lax.axis_size(AXIS)), rows.dtype))
    return found.reshape(own // block, block, -1, block)


def inner_gram(rows: Array) -> Array:
    """Products (blocks here, block, blocks, block) of columns, with zeros that fill the last block."""
    own, block = rows_here(rows.shape[1])
    count, here = jax.lax.axis_size(AXIS), jax.lax.axis_index(AXIS)
    full = jnp.pad(rows, ((0, 0), (0, own * count - rows.shape[1])))

    def step(device: Array, found: Array) -> Array:
        part = jax.lax.dynamic_slice_in_dim(full, device * own, own, axis=1)
        return jnp.where(device == here, jax.lax.psum(part.T @ full, AXIS), found)

    found = jax.lax.fori_loop(np.int32(0), np.int32(count), step, jnp.zeros((own, own * count), rows.dtype))
    return found.reshape(own // block, block, -1, block)


def times(left: Array, right: Array) -> Array:
    """`left` (rows here, all rows) times a matrix whose rows here are `right`."""

    def visit(found: Array, part: Array, first: Array) -> Array:
        return found + jax.lax.dynamic_slice_in_dim(left, first, part.shape[0], axis=1) @ part

    return _round(right, visit, jnp.zeros((left.shape[0], right.shape[1]), left.dtype))


def gathered(part: Array, numbers: Array, dtype: Any) -> Array:
    """Rows of these `numbers` of a matrix whose rows here are `part`; zeros for numbers beyond."""

    def visit(found: Array, part: Array, first: Array) -> Array:
        at = numbers - first
        inside = (at >= 0) & (at < part.shape[0])
        return jnp.where(inside[:, None], part[jnp.clip(at, 0, part.shape[0] - 1)].astype(dtype), found)

    return _round(part, visit, jnp.zeros((numbers.size, part.shape[1]), dtype))


def _numbers(blocks: Array) -> Array:
    """Which of all blocks of rows are here."""
    return jax.lax.axis_index(AXIS) * blocks.shape[0] + jnp.arange(blocks.shape[0], dtype=jnp.int32)


def shifted(blocks: Array, diagonal: Array) -> Array:
    """A square matrix in blocks + `diagonal` () times the identity."""
    here = _numbers(blocks)[:, None] == jnp.arange(blocks.shape[2], dtype=jnp.int32)
    one = here[:, None, :, None] & jnp.eye(blocks.shape[1], dtype=bool)[:, None]
    return blocks + diagonal * one.astype(blocks.dtype)


def _corner(panel: Array, at: Array) -> Array:
    """The block of a panel (blocks here, ...) with the number that `at` tells, on all devices."""
    return jax.lax.psum(jnp.sum(jnp.where(at[:, None, None], panel, 0.0), axis=0), AXIS)


def factor(blocks: Array) -> Array:
    """The Cholesky factor, in the same blocks: a panel of columns at a time, sent to all, right-looking."""
    numbers, (_, block, count, _) = _numbers(blocks), blocks.shape

    def column(j: Array, left: Array) -> Array:
        panel = left[:, :, j]
        root = jnp.linalg.cholesky(_corner(panel, numbers == j))
        below = jax.scipy.linalg.solve_triangular(root, panel.reshape(-1, block).T, lower=True).T.reshape(panel.shape)
        below = jnp.where((numbers > j)[:, None, None], below, 0.0)
        sent = jax.lax.all_gather(below, AXIS, tiled=True)
        left = left - (below.reshape(-1, block) @ sent.reshape(-1, block).T).reshape(left.shape)
        return left.at[:, :, j].set(jnp.where((numbers == j)[:, None, None], root, below))

    return jax.lax.fori_loop(np.int32(0), np.int32(count), column, blocks)


def solve(lower: Array, right: Array) -> Array:
    """(L L')^-1 of columns whose rows here are `right`, on all devices: (rows, columns)."""
    numbers, (_, block, count, _) = _numbers(lower), lower.shape
    own = partial(jax.scipy.linalg.solve_triangular, lower=True)
    right = right.reshape(-1, block, right.shape[1])

    def forward(j: Array, carry: tuple[Array, Array]) -> tuple[Array, Array]:
        rest, found = carry
        panel = lower[:, :, j]
        here = own(_corner(panel, numbers == j), _corner(rest, numbers == j))
        rest = rest - jnp.where((numbers > j)[:, None, None], panel, 0.0) @ here
        return rest, found.at[j].set(here)

    def backward(step: Array, found: Array) -> Array:
        j = np.int32(count - 1) - step
        panel = lower[:, :, j]
        below = jnp.where((numbers > j)[:, None, None], panel, 0.0)
        pulled = jax.lax.psum(jnp.einsum("brk,brc->kc", below, found[numbers]), AXIS)
        return found.at[j].set(own(_corner(panel, numbers == j), found[j] - pulled, trans=1))

    start = jnp.zeros((count, *right.shape[1:]), right.dtype)
    _, found = jax.lax.fori_loop(np.int32(0), np.int32(count), forward, (right, start))
    return jax.lax.fori_loop(np.int32(0), np.int32(count), backward, found).reshape(-1, right.shape[2])
