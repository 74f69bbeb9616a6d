"""Kernel ridge regression where one trial exceeds a device: blocks of its rows on all devices, which share every step.

Rows are drawn where they are needed and go round the devices for their Gram matrix; a right-looking Cholesky factor of
blocks (one panel of columns at a time, sent to all) solves for every ridge.  Draws and measures are those of `risk`.
"""

__all__ = ["InBlocks", "blocked_risk", "in_blocks"]

from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from rfgen.simulation.arrays import Array
from rfgen.simulation.devices import device_count
from rfgen.simulation.fits.ridge_fit import Fit
from rfgen.simulation.fits.ridge_path import GENTLE
from rfgen.simulation.random_numbers import drawn_rows, standard_normals
from rfgen.simulation.runs.influence import row_controls
from rfgen.simulation.runs.pairs import PairMeasures
from rfgen.simulation.runs.risk import measured, paired
from rfgen.simulation.sampling.samplers import GaussianSampler, Sample

AXIS, BLOCK = "rows", 128


@dataclass(frozen=True)
class InBlocks:
    """A source whose trials are shared out by rows."""

    base: GaussianSampler

    def bytes(self, n: int, ridges: int, outputs: int, itemsize: int) -> int:
        """Of one device: its rows, those that go round and those it draws, its part of four matrices, and all weights."""
        own, modes = _rows_here(n)[0], self.base.modes
        whole = own * device_count()
        return itemsize * (own * (4 * modes + 4 * whole) + 2 * ridges * outputs * (6 * modes + 4 * whole))


def in_blocks(source: Any, n: Any, features: int | None, settings: Any, alone: bool) -> InBlocks | None:
    """The source in blocks where trials can be: kernel ridge regression on few Gaussian rows, ridges far from rounding."""
    if not (isinstance(source, GaussianSampler) and isinstance(settings, np.ndarray) and alone and features is None):
        return None
    trace = n * float(np.sum(source.scale**2, dtype=float) + source.tail)
    gentle = settings.min() > np.finfo(settings.dtype).eps ** GENTLE * trace
    return InBlocks(source) if device_count() > 1 and n <= source.modes and gentle else None


def _rows_here(n: int) -> tuple[int, int]:
    """Rows of each device, with those that fill the last one, and of a block."""
    each = -(-n // device_count())
    block = min(BLOCK, each)
    return -(-each // block) * block, block


@partial(jax.jit, static_argnames="n")
def blocked_risk(
    source: GaussianSampler, keys: Any, n: int, ridges: Float[Array, " ridges"], noise: Float[Array, " outputs"]
) -> PairMeasures:
    """Two trials for each of `keys` (pairs, 2), as `risk` has them."""
    mesh, whole = jax.sharding.Mesh(np.array(jax.local_devices()), (AXIS,)), jax.P()

    def pair(two: Any, *given: Any) -> PairMeasures:
        return paired(*jax.lax.map(lambda key: _trial(key, *given, n=n), two))

    def every(keys: Any, *given: Any) -> PairMeasures:
        return jax.lax.map(lambda two: pair(two, *given), keys)

    return jax.shard_map(every, mesh=mesh, in_specs=(whole,) * 4, out_specs=whole, check_vma=False)(
        keys, jax.tree.map(jnp.asarray, source), ridges, noise
    )


def _trial(key: Any, source: GaussianSampler, ridges: Array, noise: Array, n: int) -> Any:
    """One trial, on all devices."""
    own, block = _rows_here(n)
    first, outputs, dtype = jax.lax.axis_index(AXIS) * own, source.floor.size, source.scale.dtype
    rows_key, floor_key = jax.random.split(jax.random.split(key)[0])
    inside = (first + jnp.arange(own, dtype=jnp.int32) < n)[:, None]
    rows = jnp.where(inside, drawn_rows(rows_key, first, own, n, source.scale), 0.0)
    white = standard_normals(floor_key, dtype, (n, outputs), (n, outputs))
    whole = own * jax.lax.axis_size(AXIS)
    outside, errors = (jax.lax.dynamic_slice_in_dim(jnp.pad(part, ((0, whole - n), (0, 0))), first, own) for part in white)
    targets = rows @ (source.coefficients / source.scale).T + outside * jnp.sqrt(source.floor)
    sample = Sample(
        rows=rows, targets=targets, errors=errors, tail=source.tail, probe=source.scale, truth=source.coefficients,
        mask=jnp.ones_like(source.scale), floor=source.floor,
    )
    labels, total = jnp.concatenate([targets, errors * jnp.sqrt(noise)], axis=1), ridges + source.tail
    gram = _gram(rows, block)

    def solved(ridge: Array) -> Array:
        factor = _factor(gram + ridge * _identity(gram), block)
        return _solve(factor, labels.reshape(-1, block, 2 * outputs))

    dual = jnp.swapaxes(jax.lax.map(solved, total), 1, 2)  # (ridges, columns, whole)
    here = jax.lax.dynamic_slice_in_dim(dual, first, own, axis=2)
    weights = jax.lax.psum(here @ rows, AXIS)
    norm = weights @ jnp.swapaxes(weights, 1, 2) + source.tail * (dual @ jnp.swapaxes(dual, 1, 2))
    fit = Fit(weights, ridges[:, None, None] * dual, norm, jnp.zeros_like(norm))
    measures, seen = measured(fit, sample, noise, n)

    def mean(values: Array) -> Array:
        return jax.lax.psum(jnp.sum(values, axis=-1), AXIS) / n

    return (*measures, row_controls(sample, n, ridges, mean)), seen


def _gram(rows: Array, block: int) -> Array:
    """Products (blocks here, block, blocks, block) of the rows here with all rows, which go round the devices."""
    count, here, own = jax.lax.axis_size(AXIS), jax.lax.axis_index(AXIS), rows.shape[0]
    onwards = [(device, (device + 1) % count) for device in range(count)]

    def step(t: Array, carry: tuple[Array, Array]) -> tuple[Array, Array]:
        found, passing = carry
        place = (here - t) % count * own
        found = jax.lax.dynamic_update_slice_in_dim(found, rows @ passing.T, place, axis=1)
        return found, jax.lax.ppermute(passing, AXIS, onwards)

    start = (jnp.zeros((own, own * count), rows.dtype), rows)
    found, _ = jax.lax.fori_loop(np.int32(0), np.int32(count), step, start)
    return found.reshape(own // block, block, -1, block)


def _numbers(blocks: Array) -> Array:
    """Which of all blocks of rows are here."""
    return jax.lax.axis_index(AXIS) * blocks.shape[0] + jnp.arange(blocks.shape[0], dtype=jnp.int32)


def _identity(blocks: Array) -> Array:
    """The part of the identity that is here."""
    here = _numbers(blocks)[:, None] == jnp.arange(blocks.shape[2], dtype=jnp.int32)
    return (here[:, None, :, None] & jnp.eye(blocks.shape[1], dtype=bool)[:, None]).astype(blocks.dtype)


def _corner(panel: Array, at: Array) -> Array:
    """The block of a panel (blocks here, ...) with the number that `at` tells, on all devices."""
    return jax.lax.psum(jnp.sum(jnp.where(at[:, None, None], panel, 0.0), axis=0), AXIS)


def _factor(blocks: Array, block: int) -> Array:
    """The Cholesky factor, in the same blocks."""
    numbers, count = _numbers(blocks), blocks.shape[2]

    def column(j: Array, left: Array) -> Array:
        panel = left[:, :, j]
        root = jnp.linalg.cholesky(_corner(panel, numbers == j))
        below = jax.scipy.linalg.solve_triangular(root, panel.reshape(-1, block).T, lower=True).T.reshape(panel.shape)
        below = jnp.where((numbers > j)[:, None, None], below, 0.0)
        sent = jax.lax.all_gather(below, AXIS, tiled=True)
        left = left - (below.reshape(-1, block) @ sent.reshape(-1, block).T).reshape(left.shape)
        return left.at[:, :, j].set(jnp.where((numbers == j)[:, None, None], root, below))

    return jax.lax.fori_loop(np.int32(0), np.int32(count), column, blocks)


def _solve(factor: Array, right: Array) -> Array:
    """(L L')^-1 `right` (blocks here, block, columns), on all devices: (rows, columns)."""
    numbers, count = _numbers(factor), factor.shape[2]
    solve = partial(jax.scipy.linalg.solve_triangular, lower=True)

    def forward(j: Array, carry: tuple[Array, Array]) -> tuple[Array, Array]:
        rest, found = carry
        panel = factor[:, :, j]
        here = solve(_corner(panel, numbers == j), _corner(rest, numbers == j))
        rest = rest - jnp.where((numbers > j)[:, None, None], panel, 0.0) @ here
        return rest, found.at[j].set(here)

    def backward(step: Array, found: Array) -> Array:
        j = np.int32(count - 1) - step
        panel = factor[:, :, j]
        below = jnp.where((numbers > j)[:, None, None], panel, 0.0)
        pulled = jax.lax.psum(jnp.einsum("brk,brc->kc", below, found[numbers]), AXIS)
        return found.at[j].set(solve(_corner(panel, numbers == j), found[j] - pulled, trans=1))

    start = jnp.zeros((count, *right.shape[1:]), right.dtype)
    _, found = jax.lax.fori_loop(np.int32(0), np.int32(count), forward, (right, start))
    return jax.lax.fori_loop(np.int32(0), np.int32(count), backward, found).reshape(-1, right.shape[2])
