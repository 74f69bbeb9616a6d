"""Ridge regression where one trial exceeds a device: its rows are shared out over all devices, which share every step.

Rows are drawn where they are needed, those of real examples fetched from the device that has them.  Ridges are solved for
by factors of the Gram matrix in blocks, of rows or of columns, whichever are fewer.  Draws and measures are as in `risk`.
"""

__all__ = ["InBlocks", "blocked_risk", "in_blocks"]

from dataclasses import dataclass, replace
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
from rfgen.simulation.random_numbers import drawn_numbers, drawn_rows, standard_normals
from rfgen.simulation.runs.blocks.block_algebra import (
    AXIS,
    factor,
    first_row,
    gathered,
    inner_gram,
    outer_gram,
    rows_here,
    shifted,
    solve,
    times,
)
from rfgen.simulation.runs.influence import row_controls
from rfgen.simulation.runs.pairs import PairMeasures
from rfgen.simulation.runs.risk import measured, paired
from rfgen.simulation.sampling.samplers import FiniteSampler, GaussianSampler, Sample, draw_examples


@dataclass(frozen=True)
class InBlocks:
    """A source whose trials are shared out by rows; `examples` (N, modes): coordinates of real ones, on all devices."""

    base: GaussianSampler | FiniteSampler
    examples: Any = None

    def bytes(self, n: int, features: int | None, ridges: int, outputs: int, itemsize: int) -> int:
        """Of one device: its rows, those that go round and those it draws, its part of matrices, and all weights."""
        modes, (own, _) = self.base.modes, rows_here(n)
        width, whole, fits = features or modes, own * device_count(), 2 * ridges * outputs
        smaller = rows_here(min(n, width))[0]
        held, points = own * (4 * modes + 4 * (features or 0)) + 4 * smaller * smaller * device_count(), modes
        if isinstance(self.base, FiniteSampler):
            held, points = held + 3 * rows_here(len(self.base.labels))[0] * modes, max(modes, len(self.base.labels))
        if features is not None:  # the factor of the rows' Gram matrix, or the mixing of modes, and what lifts the fits
            held += 3 * own * whole if n < modes else 2 * modes * features
            held += 4 * modes * min(features, fits)
        return itemsize * (held + fits * (4 * points + 2 * width + 4 * whole))

    def placed(self) -> "InBlocks":
        """The same, with the examples on the devices."""
        devices, sharded = jax.local_devices(), isinstance(self.base, FiniteSampler)
        rows = self.base.coordinates if isinstance(self.base, FiniteSampler) else np.zeros((len(devices), 0))
        rows = np.pad(rows, ((0, -len(rows) % len(devices)), (0, 0)))
        there = jax.NamedSharding(jax.sharding.Mesh(np.array(devices), (AXIS,)), jax.P(AXIS))
        base: Any = replace(self.base, coordinates=np.zeros((0, rows.shape[1])), kernel=None) if sharded else self.base
        return InBlocks(jax.tree.map(jnp.asarray, base), jax.device_put(rows, there))


def in_blocks(source: Any, n: Any, settings: Any, alone: bool) -> InBlocks | None:
    """The source in blocks where trials can be: ridge regression on Gaussian or real rows, ridges far from rounding."""
    if not (isinstance(source, GaussianSampler | FiniteSampler) and isinstance(settings, np.ndarray) and alone):
        return None
    tail = source.tail if isinstance(source, GaussianSampler) else 0.0
    trace = n * float(np.sum(source.scale**2, dtype=float) + tail)
    gentle = settings.min() > np.finfo(settings.dtype).eps ** GENTLE * trace
    return InBlocks(source) if device_count() > 1 and gentle else None


@partial(jax.jit, static_argnames=("n", "features"))
def blocked_risk(
    base: Any, examples: Array, keys: Any, n: int, features: int | None, ridges: Float[Array, " ridges"],
    noise: Float[Array, " outputs"],
) -> PairMeasures:
    """Two trials for each of `keys` (pairs, 2), as `risk` has them, of a source that is `placed`."""
    mesh, whole = jax.sharding.Mesh(np.array(jax.local_devices()), (AXIS,)), jax.P()

    def every(examples: Array, keys: Any, *given: Any) -> PairMeasures:
        def trial(key: Any) -> Any:
            return _trial(key, examples, *given, n=n, features=features)

        return jax.lax.map(lambda two: paired(*jax.lax.map(trial, two)), keys)

    return jax.shard_map(every, mesh=mesh, in_specs=(jax.P(AXIS), *4 * (whole,)), out_specs=whole, check_vma=False)(
        examples, keys, base, ridges, noise
    )


def _trial(key: Any, examples: Array, base: Any, ridges: Array, noise: Array, n: int, features: int | None) -> Any:
    """One trial, on all devices."""
    rows_key, features_key = jax.random.split(key)
    draw: Any = _gaussian if isinstance(base, GaussianSampler) else _real
    sample, labels = draw(rows_key, examples, base, noise, n)
    tail, outputs = sample.tail, sample.truth.shape[0]
    if features is None:
        weights, dual = _ridge_path(sample.rows, labels, ridges + tail, n)
        norm = weights @ jnp.swapaxes(weights, 1, 2) + tail * (dual @ jnp.swapaxes(dual, 1, 2))
        fit = Fit(weights, ridges[:, None, None] * dual, norm, jnp.zeros_like(norm))
    else:
        rank = min(features, 2 * ridges.size * outputs)
        design, lift = _features(features_key, sample, features, rank, n)
        trained, dual = _ridge_path(design, labels, ridges, n)
        norm = trained @ jnp.swapaxes(trained, 1, 2)
        weights = lift(trained.reshape(-1, features)).reshape(*trained.shape[:2], -1)
        fit = Fit(weights, ridges[:, None, None] * dual, norm, tail / features * norm)
    predictions = None
    if sample.probe.ndim == 2:  # on the examples that are here
        here = fit.weights @ examples.T.astype(fit.weights.dtype)
        predictions = jax.lax.all_gather(here, AXIS, axis=2, tiled=True)[..., : sample.truth.shape[1]]
    measures, seen = measured(fit, sample, noise, n, predictions)
    if features is not None or predictions is not None:
        return measures, seen

    def mean(values: Array) -> Array:
        return jax.lax.psum(jnp.sum(values, axis=-1), AXIS) / n

    return (*measures, row_controls(sample, n, ridges, mean)), seen


def _here(values: Array, own: int) -> Array:
    """The rows here of `values` (n, ...), zeros beyond n."""
    filled = jnp.pad(values, ((0, own * device_count() - values.shape[0]), (0, 0)))
    return jax.lax.dynamic_slice_in_dim(filled, first_row(own), own)


def _inside(values: Array, n: int) -> Array:
    """Rows here, with zeros beyond number n."""
    own = values.shape[0]
    return jnp.where((first_row(own) + jnp.arange(own, dtype=jnp.int32) < n)[:, None], values, 0.0)


def _gaussian(key: Any, examples: Array, source: GaussianSampler, noise: Array, n: int) -> tuple[Sample, Array]:
    """The rows here of a training set, as `GaussianSampler` draws them, and their labels with the noise's."""
    del examples
    own, outputs, dtype = rows_here(n)[0], source.floor.size, source.scale.dtype
    rows_key, floor_key = jax.random.split(key)
    rows = _inside(drawn_rows(rows_key, first_row(own), own, n, source.scale), n)
    white = standard_normals(floor_key, dtype, (n, outputs), (n, outputs))
    outside, errors = (_here(part, own) for part in white)
    targets = rows @ (source.coefficients / source.scale).T + outside * jnp.sqrt(source.floor)
    sample = Sample(
        rows=rows, targets=targets, errors=errors, tail=source.tail, probe=source.scale, truth=source.coefficients,
        mask=jnp.ones_like(source.scale), floor=source.floor,
    )
    return sample, jnp.concatenate([targets, errors * jnp.sqrt(noise)], axis=1)


def _real(key: Any, examples: Array, source: FiniteSampler, noise: Array, n: int) -> tuple[Sample, Array]:
    """The same of real examples; without replacement `probe` (modes, 0) says that they are where a fit is measured."""
    own, (size, outputs), dtype = rows_here(n)[0], source.labels.shape, source.scale.dtype
    drawn, errors = draw_examples(key, dtype, size, n, outputs, source.replace)
    numbers = jax.lax.dynamic_slice_in_dim(
        jnp.pad(drawn, (0, own * device_count() - n), constant_values=np.iinfo(drawn.dtype).max), first_row(own), own
    )
    targets, errors = _here(source.labels[drawn], own), _here(errors, own)
    probe, truth, floor, mask = source.scale, source.coefficients, source.floor, jnp.ones_like(source.scale)
    if not source.replace:
        probe, truth, floor = jnp.zeros((probe.size, 0), dtype), source.labels.T, jnp.zeros_like(source.floor)
        mask = jnp.ones(size, dtype).at[drawn].set(0.0)
    sample = Sample(
        rows=gathered(examples, numbers, dtype), targets=targets, errors=errors, tail=jnp.zeros((), dtype), probe=probe,
        truth=truth, mask=mask, floor=floor,
    )
    return sample, jnp.concatenate([targets, errors * jnp.sqrt(noise)], axis=1)


def _features(key: Any, sample: Sample, features: int, rank: int, n: int) -> tuple[Array, Any]:
    """The rows here of random features as `draw_features` has them, and the map of trained weights (fits, features)."""
    rows, dtype, (own, modes) = sample.rows, sample.rows.dtype, sample.rows.shape
    scale, outside = 1.0 / jnp.sqrt(jnp.asarray(features, dtype)), n >= modes
    sizes = (modes * features, n * features) if outside else (n * features, modes * rank, n * rank)

    def part(number: int, first: Any, rows: int, columns: int) -> Array:
        start = sum(sizes[:number]) + first * columns
        return drawn_numbers(key, start, rows * columns, sum(sizes)).astype(dtype).reshape(rows, columns)

    here = first_row(own).astype(int)  # products of sizes may be beyond 32 bits
    if outside:
        mixing, white = part(0, 0, modes, features) * scale, part(1, here, own, features)
        return _inside(rows @ mixing + jnp.sqrt(sample.tail) * scale * white, n), lambda trained: trained @ mixing.T
    white, prior, prior_tail = part(0, here, own, features), part(1, 0, modes, rank), part(2, here, own, rank)
    diagonal = sample.tail + 4 * jnp.finfo(dtype).eps * jax.lax.psum(jnp.sum(rows * rows), AXIS)
    root = factor(shifted(outer_gram(rows, rows_here(n)[1]), diagonal))
    design = times(root.reshape(own, -1), _inside(white, n) * scale)

    def lift(trained: Array) -> Array:
        basis, mix = jnp.linalg.qr(trained.T)
        surprise = design @ basis - _inside(rows @ prior + prior_tail * jnp.sqrt(diagonal), n) * scale
        solved = jax.lax.dynamic_slice_in_dim(solve(root, surprise), first_row(own), own)
        return ((prior * scale + jax.lax.psum(rows.T @ solved, AXIS)) @ mix).T

    return design, lift


def _ridge_path(design: Array, labels: Array, ridges: Array, n: int) -> tuple[Array, Array]:
    """Weights (ridges, columns, width) and residuals over ridges (ridges, columns, all rows), on all devices."""
    (own, width), here = design.shape, first_row(design.shape[0])
    if n <= width:
        gram, right = outer_gram(design, rows_here(n)[1]), labels
    else:
        gram, right = inner_gram(design), _here(jax.lax.psum(design.T @ labels, AXIS), rows_here(width)[0])

    def solved(ridge: Array) -> Array:
        return solve(factor(shifted(gram, ridge)), right)

    found = jnp.swapaxes(jax.lax.map(solved, ridges), 1, 2)
    if n <= width:
        return jax.lax.psum(jax.lax.dynamic_slice_in_dim(found, here, own, axis=2) @ design, AXIS), found
    weights = found[..., :width]
    dual = (labels.T - weights @ design.T) / ridges[:, None, None]
    return weights, jax.lax.all_gather(dual, AXIS, axis=2, tiled=True)
