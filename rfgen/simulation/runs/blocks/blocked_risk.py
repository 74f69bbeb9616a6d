"""Ridge regression where one trial exceeds a device: its rows are shared out over all devices, which share every step.

Rows are drawn where they are needed, those of real examples fetched from the device that has them.  Ridges are solved for
by factors of the Gram matrix in blocks, of rows or of columns, whichever are fewer.  Members of an ensemble are fitted one
after another; views are taken of rows that go round.  Draws and measures are as in `risk`.
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
from rfgen.simulation.random_numbers import HostKey, drawn_numbers, drawn_rows, fold_in, integers, split, standard_normals
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
from rfgen.simulation.runs.ensemble import ALONE, Members, bag, mean_fit, with_views
from rfgen.simulation.runs.influence import row_controls
from rfgen.simulation.runs.pairs import PairMeasures
from rfgen.simulation.runs.risk import measured, paired
from rfgen.simulation.sampling.samplers import FiniteSampler, GaussianSampler, Sample, draw_examples
from rfgen.simulation.sampling.views import VIEWS, AugmentedSampler, viewed

# Samples by whose views the size of all is told.
SEEN = 16


@dataclass(frozen=True)
class InBlocks:
    """A source whose trials are shared out by rows; `examples` (N, modes): coordinates of real ones, on all devices."""

    base: GaussianSampler | FiniteSampler | AugmentedSampler
    examples: Any = None

    def bytes(
        self, n: int, features: int | None, ridges: int, outputs: int, itemsize: int, members: Members = ALONE
    ) -> int:
        """Of one device: its rows, those that go round and those it draws, its part of matrices, and all weights."""
        modes, plain, rows = self.base.modes, _plain(self.base), self.base.rows(n)
        own = rows_here(rows)[0]
        width, whole, fits = features or modes, own * device_count(), 2 * ridges * outputs
        smaller = rows_here(min(rows, width))[0]
        held, points = own * (4 * modes + 4 * (features or 0)) + 4 * smaller * smaller * device_count(), modes
        if isinstance(plain, FiniteSampler):
            held, points = held + 3 * rows_here(len(plain.labels))[0] * modes, max(modes, len(plain.labels))
        if plain is not self.base:  # the samples, and what views are made of
            held += 2 * rows_here(n)[0] * modes + 4 * own * modes
        if members.resampling is not None:
            held += 3 * own * modes
        if members.count > 1:
            held += 2 * fits * (modes + whole)
        if features is not None:  # the factor of the rows' Gram matrix, or the mixing of modes, and what lifts the fits
            held += 3 * own * whole if rows < modes else 2 * modes * features
            held += 4 * modes * min(features, fits)
        return itemsize * (held + fits * (4 * points + 2 * width + 4 * whole))

    def placed(self) -> "InBlocks":
        """The same, with the examples on the devices."""
        devices, plain = jax.local_devices(), _plain(self.base)
        rows = plain.coordinates if isinstance(plain, FiniteSampler) else np.zeros((len(devices), 0))
        rows = np.pad(rows, ((0, -len(rows) % len(devices)), (0, 0)))
        there = jax.NamedSharding(jax.sharding.Mesh(np.array(devices), (AXIS,)), jax.P(AXIS))
        if isinstance(plain, FiniteSampler):
            plain = replace(plain, coordinates=np.zeros((0, rows.shape[1])), kernel=None)
        base: Any = replace(self.base, base=plain) if isinstance(self.base, AugmentedSampler) else plain
        return InBlocks(jax.tree.map(jnp.asarray, base), jax.device_put(rows, there))


def _plain(base: Any) -> GaussianSampler | FiniteSampler:
    """What draws the samples that views are taken of."""
    return base.base if isinstance(base, AugmentedSampler) else base


def in_blocks(source: Any, n: Any, settings: Any) -> InBlocks | None:
    """The source in blocks where trials can be: ridge regression on Gaussian or real rows, or finitely many of their views
    in eigen-coordinates, with ridges far from rounding.
    """
    plain = _plain(source)
    if not (isinstance(plain, GaussianSampler | FiniteSampler) and isinstance(settings, np.ndarray)) or device_count() == 1:
        return None
    if plain is source:
        trace = n * float(np.sum(plain.scale**2, dtype=float) + getattr(plain, "tail", 0.0))
    else:
        trace = n / SEEN * float(np.sum(source.draw(HostKey(0, 0), HostKey(0, 0), SEEN).rows ** 2, dtype=float))
    return InBlocks(source) if settings.min() > np.finfo(settings.dtype).eps ** GENTLE * trace else None


@partial(jax.jit, static_argnames=("n", "features", "members"))
def blocked_risk(
    base: Any, examples: Array, keys: Any, n: int, features: int | None, ridges: Float[Array, " ridges"],
    noise: Float[Array, " outputs"], members: Members = ALONE,
) -> PairMeasures:
    """Two trials for each of `keys` (pairs, 2), as `risk` has them, of a source that is `placed`."""
    mesh, whole = jax.sharding.Mesh(np.array(jax.local_devices()), (AXIS,)), jax.P()

    def every(examples: Array, keys: Any, *given: Any) -> PairMeasures:
        def trial(key: Any) -> Any:
            return _trial(key, examples, *given, n=n, features=features, members=members)

        return jax.lax.map(lambda two: paired(*jax.lax.map(trial, two)), keys)

    return jax.shard_map(every, mesh=mesh, in_specs=(jax.P(AXIS), *4 * (whole,)), out_specs=whole, check_vma=False)(
        examples, keys, base, ridges, noise
    )


def _trial(
    key: Any, examples: Array, base: Any, ridges: Array, noise: Array, n: int, features: int | None, members: Members
) -> Any:
    """One trial, on all devices."""
    rows_key, features_key = jax.random.split(key)
    sample, rows = _sample(rows_key, examples, base, n), base.rows(n)
    root = None
    if features is not None and rows < base.modes and members.resampling is None:  # all members share it
        root = _root(sample, rows)

    def fitted(key: Any) -> Fit:
        own, count = sample, rows
        if members.resampling is not None:
            drawn = with_views(bag(key, n, members.resampling), rows // n)
            own, count = _taken(sample, drawn), drawn.size
        labels = jnp.concatenate([own.targets, own.errors * jnp.sqrt(noise)], axis=1)
        if features is None:
            weights, dual = _ridge_path(own.rows, labels, ridges + own.tail, count)
            norm = weights @ jnp.swapaxes(weights, 1, 2) + own.tail * (dual @ jnp.swapaxes(dual, 1, 2))
            return Fit(weights, ridges[:, None, None] * dual, norm, jnp.zeros_like(norm))
        design, lift = _features(key, own, features, min(features, ridges.size * labels.shape[1]), count, root)
        trained, dual = _ridge_path(design, labels, ridges, count)
        norm = trained @ jnp.swapaxes(trained, 1, 2)
        weights = lift(trained.reshape(-1, features)).reshape(*trained.shape[:2], -1)
        return Fit(weights, ridges[:, None, None] * dual, norm, own.tail / features * norm)

    fit = mean_fit(fitted, features_key, members)
    predictions = None
    if sample.probe.ndim == 2:  # on the examples that are here
        here = fit.weights @ examples.T.astype(fit.weights.dtype)
        predictions = jax.lax.all_gather(here, AXIS, axis=2, tiled=True)[..., : sample.truth.shape[1]]
    measures, seen = measured(fit, sample, noise, n, predictions)
    if features is not None or predictions is not None or members != ALONE or isinstance(base, AugmentedSampler):
        return measures, seen

    def mean(values: Array) -> Array:
        return jax.lax.psum(jnp.sum(values, axis=-1), AXIS) / n

    return (*measures, row_controls(sample, n, ridges, mean)), seen


def _here(values: Array, own: int, beyond: int = 0) -> Array:
    """The rows here of `values` (n, ...), `beyond` beyond n."""
    filled = jnp.pad(
        values, ((0, own * device_count() - values.shape[0]), *((0, 0),) * (values.ndim - 1)), constant_values=beyond
    )
    return jax.lax.dynamic_slice_in_dim(filled, first_row(own), own)


def _taken(sample: Sample, numbers: Array) -> Sample:
    """The rows here of those with these `numbers` (rows,), which all devices know."""
    here = _here(numbers, rows_here(numbers.size)[0], np.iinfo(np.int32).max)
    parts = {name: getattr(sample, name) for name in ("rows", "targets", "errors")}
    return replace(sample, **{name: gathered(part, here, part.dtype) for name, part in parts.items()})


def _inside(values: Array, n: int) -> Array:
    """Rows here, with zeros beyond number n."""
    own = values.shape[0]
    return jnp.where((first_row(own) + jnp.arange(own, dtype=jnp.int32) < n)[:, None], values, 0.0)


def _sample(key: Any, examples: Array, base: Any, n: int) -> Sample:
    """The rows here of a training set as `base` draws it."""
    if isinstance(base, GaussianSampler):
        return _gaussian(key, base, n)
    if isinstance(base, FiniteSampler):
        return _real(key, examples, base, n)
    sample, own = _sample(key, examples, base.base, n), np.repeat(np.arange(n, dtype=np.int32), base.views)
    views_key, partner_key = split(fold_in(key, VIEWS))
    parents = _taken(sample, jnp.asarray(own))
    mixes = base.augmentation.mixes
    partners = _taken(sample, integers(partner_key, own.size, n)) if mixes else parents
    here = parents.rows.shape[0]
    numbers = jnp.arange(here, dtype=jnp.uint32) + first_row(here).astype(jnp.uint32)
    keys = jax.vmap(partial(fold_in, views_key))(numbers)  # as `split` numbers them
    found = viewed(parents, partners, jax.vmap(base.augmentation.mode_view)(keys, parents.rows, partners.rows), base.views)
    parts = {name: _inside(getattr(found, name), own.size) for name in ("rows", "targets", "errors")}
    return replace(found, **parts)


def _gaussian(key: Any, source: GaussianSampler, n: int) -> Sample:
    """The same of Gaussian rows."""
    own, outputs, dtype = rows_here(n)[0], source.floor.size, source.scale.dtype
    rows_key, floor_key = jax.random.split(key)
    rows = _inside(drawn_rows(rows_key, first_row(own), own, n, source.scale), n)
    white = standard_normals(floor_key, dtype, (n, outputs), (n, outputs))
    outside, errors = (_here(part, own) for part in white)
    return Sample(
        rows=rows, targets=rows @ (source.coefficients / source.scale).T + outside * jnp.sqrt(source.floor), errors=errors,
        tail=source.tail, probe=source.scale, truth=source.coefficients, mask=jnp.ones_like(source.scale),
        floor=source.floor,
    )


def _real(key: Any, examples: Array, source: FiniteSampler, n: int) -> Sample:
    """The same of real examples; without replacement `probe` (modes, 0) says that they are where a fit is measured."""
    own, (size, outputs), dtype = rows_here(n)[0], source.labels.shape, source.scale.dtype
    drawn, errors = draw_examples(key, dtype, size, n, outputs, source.replace)
    probe, truth, floor, mask = source.scale, source.coefficients, source.floor, jnp.ones_like(source.scale)
    if not source.replace:
        probe, truth, floor = jnp.zeros((probe.size, 0), dtype), source.labels.T, jnp.zeros_like(source.floor)
        mask = jnp.ones(size, dtype).at[drawn].set(0.0)
    return Sample(
        rows=gathered(examples, _here(drawn, own, np.iinfo(np.int32).max), dtype), targets=_here(source.labels[drawn], own),
        errors=_here(errors, own), tail=jnp.zeros((), dtype), probe=probe, truth=truth, mask=mask, floor=floor,
    )


def _root(sample: Sample, n: int) -> Array:
    """The factor in blocks of the rows' Gram matrix."""
    return factor(shifted(outer_gram(sample.rows, rows_here(n)[1]), _diagonal(sample)))


def _diagonal(sample: Sample) -> Array:
    return sample.tail + 4 * jnp.finfo(sample.rows.dtype).eps * jax.lax.psum(jnp.sum(sample.rows * sample.rows), AXIS)


def _features(
    key: Any, sample: Sample, features: int, rank: int, n: int, root: Array | None = None
) -> tuple[Array, Any]:
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
    root, diagonal = _root(sample, n) if root is None else root, _diagonal(sample)
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
