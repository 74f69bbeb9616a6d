"""Measured risk along stochastic gradient descent on a training set, on batches drawn anew for each trial.

Trials, pairs and measures are those of `trajectory`, and so are the training sets of a seed.  Given its batches the
training is linear in the labels: signal and noise are trained by the same ones.
"""

__all__ = [
    "BATCHES", "BatchSettings", "batch_bytes", "batch_order", "batch_settings", "bounded", "by_settings", "multi_pass",
    "start_of",
]

from dataclasses import field
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int

from rfgen.numerics.compilation.record import record
from rfgen.problems.trainings.stochastic import SGD
from rfgen.simulation.arrays import Array, namespace
from rfgen.simulation.fits.descent_steps import STEPS, require_few_steps
from rfgen.simulation.fits.ridge_fit import draw_features
from rfgen.simulation.fits.spectral_fit import SpectralFit, both_parts
from rfgen.simulation.runs.ensemble import ALONE, Members, mean_spectral_fit, own_sample, with_root
from rfgen.simulation.runs.fit_errors import measured, paired
from rfgen.simulation.runs.pairs import PairMeasures, over_pairs
from rfgen.simulation.sampling.samplers import Sample

# Batches are drawn with a key of their own, so that the samples are those of other trainings.
BATCHES = 0x62617463
# and so are the first weights.
INITIAL = 0x77656967
# Multiplications of a step's two products, which read a row for few columns, in those of a QR decomposition with its basis.
STEP_COST = 2.0


@record
class BatchSettings:
    """Settings of `SGD`: `values` (groups,) each, `clock` (times,) ascending and `place` (times,), back to the order given.

    A setting is a group with a size of batches at a time, times last.  `unresolved`: whether the kernel has modes beyond
    those of a row.  `doublings`: binary digits of the number of steps.  `initial`: deviation of each weight at the start,
    None: 0.
    """

    values: dict[str, Any]
    clock: Any
    place: Any
    batches: tuple[int, ...] = field(metadata={"static": True})
    kind: str = field(metadata={"static": True})
    reshuffle: bool = field(metadata={"static": True})
    unresolved: bool = field(metadata={"static": True})
    doublings: int = field(metadata={"static": True})
    initial: Any = None

    @property
    def groups(self) -> int:
        """Number of settings that share batches."""
        return self.values["rate"].size

    @property
    def settings(self) -> int:
        """Number of settings."""
        return self.groups * len(self.batches) * self.clock.size

    def in_span(self, n: int, width: int, columns: int) -> bool:
        """Whether steps of `columns` labels are taken in an orthonormal basis of n < `width` rows: cheaper than its QR."""
        if n >= width or self.initial is not None:
            return False
        saved = STEP_COST * sum(self.batches) * self.groups * columns * (width - n) * 2**self.doublings
        return self.settings * columns >= n or saved > n * n * width


def batch_settings(training: SGD, unresolved: bool, dtype: Any) -> BatchSettings:
    """The settings of a training on the device as `dtype`."""
    axes = {name: np.atleast_1d(values) for name, values in training.axes.items()}
    require_few_steps(axes["steps"])
    steps, batches = axes.pop("steps"), axes.pop("batch")
    axes["momentum"] = np.atleast_1d(training.momentum)
    mesh = np.meshgrid(*axes.values(), indexing="ij")
    order, start = np.argsort(steps, kind="stable"), None
    if training.initial_variance > 0.0:
        start = jnp.asarray(np.sqrt(training.initial_variance), dtype)
    return BatchSettings(
        {name: jnp.asarray(part.ravel(), dtype) for name, part in zip(axes, mesh, strict=True)},
        jnp.asarray(steps[order], jnp.int32), jnp.asarray(np.argsort(order), jnp.int32), tuple(batches.tolist()),
        training.kind, training.reshuffle, unresolved, int(steps.max()).bit_length(), start,
    )


def batch_bytes(settings: BatchSettings, n: int, modes: int, features: int | None, outputs: int, itemsize: int) -> int:
    """Largest arrays of one trial: rows and their raw draw, basis and design, coordinates and what they are measured by."""
    width = modes if features is None else features
    columns = settings.settings * outputs
    spanned = settings.in_span(n, width, 2 * outputs)
    reach = n if spanned else width
    rank = reach if spanned else min(2 * columns, width)
    mixing = 0 if features is None else 2 * n**2 + modes * (width if n >= modes else rank)
    return itemsize * (
        2 * n * modes + 2 * n * width + mixing + rank * (modes + 2 * reach) + columns * (16 * reach + 3 * n + 8)
    )


def multi_pass(
    source: Any, keys: Any, n: int, features: int | None, settings: BatchSettings, noise: Float[Array, " outputs"],
    batched: bool, members: Members = ALONE,
) -> PairMeasures:
    """Train and measure two trials for each of `keys` (pairs, 2); `source` is a sampler, `features=None` the kernel."""
    return over_pairs(_trial, paired, source, keys, n, features, (settings, noise, members), batched, compiled=True)


def batch_order(key: Array, t: Array, n: int, batch: int, order: Int[Array, " n"] | None) -> tuple[Array, Any]:
    """Numbers (batch,) of the samples of step t; `order`, None with replacement, is that of the epoch before t.

    An epoch has n // batch steps: samples left over wait for the next epoch's shuffle.
    """
    if order is None:
        # 32 bits: uneven by n / 2^32, at a third of the draws (and of the compilation) of randint
        bits = jax.random.bits(jax.random.fold_in(key, t), (batch,), jnp.uint32)
        return (bits % jnp.uint32(n)).astype(jnp.int32), None
    epoch, place = jnp.divmod(t, n // batch)

    def shuffled(before: Array) -> Array:
        return jax.random.permutation(jax.random.fold_in(key, epoch), jnp.arange(before.size, dtype=jnp.int32))

    order = jax.lax.cond(place == 0, shuffled, lambda before: before, order)
    return jax.lax.dynamic_slice_in_dim(jnp.asarray(order), place * batch, batch), order


@partial(jax.jit, static_argnames=("n", "features"))
def _trial(
    sample: Sample, features_key: Array, n: int, features: int | None,
    settings: tuple[BatchSettings, Array, Members],
) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
    """Train on one sample, and measure."""
    chosen, noise, members = settings
    sample = with_root(sample, features, members)

    def fitted(key: Array, _: Array) -> SpectralFit:
        own = own_sample(sample, key, n, members)
        labels = jnp.concatenate([own.targets, own.errors * jnp.sqrt(noise)], axis=1)
        return _fit(key, own, labels, chosen, n, features)

    fit = mean_spectral_fit(fitted, (features_key, features_key), members)
    return measured(fit, sample, noise, n)


def _fit(key: Array, sample: Sample, labels: Array, settings: BatchSettings, n: int, features: int | None) -> SpectralFit:
    """Train on `labels` (n, 2 outputs), signal before noise, by kernel regression or on random features.

    Steps move in the span of the rows, in an orthonormal basis of it where that is cheaper.  In the kernel each row has a
    further coordinate of its own, the root of the unresolved trace.
    """
    modes, columns, outputs = sample.rows.shape[1], settings.settings * labels.shape[1], labels.shape[1] // 2
    design, lift, tail = sample.rows, None, jnp.zeros((), labels.dtype)
    if features is not None:
        rank = min(columns, features) if settings.initial is not None else min(columns, sample.rows.shape[0], features)
        design, lift = draw_features(key, sample, features, rank)
        tail = sample.tail / features
    elif settings.unresolved:
        design = jnp.concatenate([design, jnp.sqrt(sample.tail) * jnp.eye(n, dtype=design.dtype)], axis=1)
    rows, basis = design, None
    if settings.in_span(design.shape[0], design.shape[1], labels.shape[1]):
        basis, sizes = jnp.linalg.qr(design.T)
        rows = sizes.T
    batches_key, begin = jax.random.fold_in(key, BATCHES), start_of(key, settings, outputs, rows.shape[1], rows.dtype)
    by_size = [
        _descend(jax.random.fold_in(batches_key, size), rows, labels, settings, n, size, begin)
        for size in settings.batches
    ]
    weights, growth = by_settings(by_size, settings)
    misfit, norm = labels.T - weights @ rows.T, both_parts(jnp.sum(weights * weights, axis=-1))
    if columns < rows.shape[1]:  # few fits span the basis that they are measured in themselves
        mix, every = jnp.linalg.qr(weights.reshape(columns, -1).T)
        basis, weights = mix if basis is None else basis @ mix, every.T.reshape(settings.settings, labels.shape[1], -1)
    elif basis is None:
        basis = jnp.eye(rows.shape[1], dtype=rows.dtype)
    return SpectralFit(
        basis[:modes] if lift is None else lift(basis), weights[:, :outputs], weights[:, outputs:],
        both_parts(jnp.sum(misfit * misfit, axis=-1)), norm, tail, jnp.zeros_like(growth), growth, misfit,
    )


def start_of(key: Array, settings: BatchSettings, outputs: int, width: int, dtype: Any) -> Array:
    """Weights (groups, 2 outputs, width) of the signal and, 0, of the noise before the first step."""
    zeros = jnp.zeros((settings.groups, 2 * outputs, width), dtype)
    if settings.initial is None:
        return zeros
    white = jax.random.normal(jax.random.fold_in(key, INITIAL), (outputs, width), dtype=jnp.float32).astype(dtype)
    return zeros.at[:, :outputs].set(settings.initial * white)


def by_settings(by_size: list[Array], settings: BatchSettings) -> tuple[Array, Array]:
    """Weights (settings, columns, rank) from those of each size of batches, (times, groups, columns, rank), and growth."""
    xp = namespace(by_size[0])
    weights = xp.stack([each[settings.place] for each in by_size], axis=2)
    return bounded(xp.moveaxis(weights, 0, 2).reshape(settings.settings, *weights.shape[3:]))


def bounded(weights: Array) -> tuple[Array, Array]:
    """Weights (settings, columns, rank), 0 where they have outgrown the floats, and their size (settings,)."""
    xp = namespace(weights)
    size = xp.max(xp.abs(weights), axis=(1, 2))
    growth = xp.where(xp.isfinite(size), size, xp.inf)
    # one infinite setting would spoil the basis for all
    return xp.where((growth < xp.finfo(size.dtype).max ** 0.4)[:, None, None], weights, 0.0), growth


def _descend(key: Array, rows: Array, labels: Array, settings: BatchSettings, n: int, batch: int, begin: Array) -> Array:
    """Weights (times, groups, columns, rank) at every time of the clock, from those that `begin`.

    Of `n` samples each with several rows, stored views divided by the root of their number, batches are of rows; of a
    resampled set the objective is that of n samples, as in `on_drawn`.
    """
    count = rows.shape[0]
    many = count / n
    values = {name: part[:, None, None] for name, part in settings.values.items()}
    decay = values["ridge"] / n

    def step(t: Array, state: tuple[Any, ...]) -> tuple[Any, ...]:
        weights, before, order = state
        drawn, order = batch_order(key, t, count, batch, order)
        x, y = rows[drawn], labels[drawn].T

        def gradient(at: Array) -> Array:
            return (at @ x.T - y) @ x * (many / batch) + decay * at

        return (*STEPS[settings.kind](values, weights, before, gradient), order)

    def advance(carry: tuple[Any, ...], until: Array) -> tuple[tuple[Any, ...], Array]:
        t, state = carry
        state = jax.lax.fori_loop(t, until, step, state)
        return (until, state), state[0]

    order = jnp.arange(count, dtype=jnp.int32) if settings.reshuffle else None
    start = (jnp.zeros((), settings.clock.dtype), (begin, begin, order))
    return jax.lax.scan(advance, start, settings.clock)[1]
