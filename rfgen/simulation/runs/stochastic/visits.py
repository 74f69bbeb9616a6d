"""Measured risk along stochastic gradient descent on a training set whose samples are seen anew at every visit.

Training sets and batches of a seed are those of `multi_pass` without augmentation.
"""

__all__ = ["spectral_fit", "visits"]

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Float

from rfgen.simulation.arrays import Array, namespace
from rfgen.simulation.fits.descent_steps import STEPS
from rfgen.simulation.fits.spectral_fit import SpectralFit, both_parts
from rfgen.simulation.runs.ensemble import ALONE, Members, mean_spectral_fit, own_sample
from rfgen.simulation.runs.fit_errors import measured, paired
from rfgen.simulation.runs.pairs import PairMeasures, over_pairs
from rfgen.simulation.runs.stochastic.multi_pass import BATCHES, BatchSettings, batch_order, by_settings, start_of
from rfgen.simulation.sampling.fresh_views import PARTNERS
from rfgen.simulation.sampling.samplers import Sample, standard_normals
from rfgen.simulation.sampling.views import VIEWS
from rfgen.simulation.sampling.visited_views import VisitedSample


def visits(
    source: Any, keys: Any, n: int, features: int | None, settings: BatchSettings, noise: Float[Array, " outputs"],
    batched: bool, members: Members = ALONE,
) -> PairMeasures:
    """Train and measure two trials for each of `keys` (pairs, 2); `source` is a `VisitedSampler`."""
    return over_pairs(_trial, paired, source, keys, n, features, (settings, noise, members), batched, compiled=True)


@partial(jax.jit, static_argnames=("n", "features"))
def _trial(
    sample: VisitedSample, features_key: Array, n: int, features: int | None,
    settings: tuple[BatchSettings, Array, Members],
) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
    """Train on one sample, and measure."""
    chosen, noise, members = settings

    def fitted(key: Array, _: Array) -> SpectralFit:
        return _fit(key, own_sample(sample, key, n, members), noise, chosen, n, features)

    return measured(mean_spectral_fit(fitted, (features_key, features_key), members), sample, noise, n)


def _fit(
    features_key: Array, sample: VisitedSample, noise: Array, chosen: BatchSettings, n: int, features: int | None
) -> SpectralFit:
    """Train, the labels' signal and noise side by side."""
    outputs, modes, mixing = noise.size, sample.rows.shape[1], None
    if features is not None:
        (mixing,) = standard_normals(features_key, sample.rows.dtype, (modes, features))
        mixing = mixing / jnp.sqrt(jnp.asarray(features, mixing.dtype))

    def seen(rows: Array) -> Array:
        return rows if mixing is None else rows @ mixing

    labels = _labels(sample, noise)
    key = jax.random.fold_in(features_key, BATCHES)
    begin = start_of(features_key, chosen, outputs, seen(sample.rows[:1]).shape[1], labels.dtype)
    by_size = [
        _descend(jax.random.fold_in(key, size), sample, seen, noise, chosen, n, size, begin) for size in chosen.batches
    ]
    weights, growth = by_settings(by_size, chosen)
    every = jnp.concatenate([sample.every_target, sample.every_error * jnp.sqrt(noise)], axis=1)
    misfit = every.T - weights @ seen(sample.every_row).T
    return spectral_fit(weights, growth, misfit, mixing, outputs)


def _labels(sample: Sample, noise: Array) -> Array:
    """Of the signal, then of the noise, (rows, 2 outputs)."""
    return jnp.concatenate([sample.targets, sample.errors * jnp.sqrt(noise)], axis=1)


def spectral_fit(weights: Array, growth: Array, misfit: Array, mixing: Array | None, outputs: int) -> SpectralFit:
    """The fit of weights (settings, 2 outputs, width) of features by `mixing` (modes, width), of what they leave."""
    xp = namespace(weights)
    norm = both_parts(xp.sum(weights * weights, axis=-1))
    count, columns, width = weights.shape
    basis = xp.eye(width, dtype=weights.dtype)
    if count * columns < width:  # few fits span the basis that they are measured in themselves
        basis, mix = xp.linalg.qr(weights.reshape(count * columns, width).T)
        weights = mix.T.reshape(count, columns, -1)
    return SpectralFit(
        basis if mixing is None else mixing @ basis, weights[:, :outputs], weights[:, outputs:],
        both_parts(xp.sum(misfit * misfit, axis=-1)), norm, xp.zeros((), norm.dtype), xp.zeros_like(growth), growth,
        misfit,
    )


def _descend(
    key: Array, sample: VisitedSample, seen: Any, noise: Array, settings: BatchSettings, n: int, batch: int,
    begin: Array,
) -> Array:
    """Weights (times, groups, columns, width) at every time of the clock, from those that `begin`."""
    values, labels = {name: part[:, None, None] for name, part in settings.values.items()}, _labels(sample, noise)
    samples, count = sample.rows.shape[0], batch * max(sample.views, 1)
    # of a resampled set the objective is that of n samples, as in `on_drawn`
    decay, weight = values["ridge"] / n, samples / (n * count)

    def viewed(t: Array, drawn: Array) -> tuple[Array, Array]:
        """What the weights see of the batch, and labels (columns, rows)."""
        if sample.views == 0:
            every = sample.limit.of(sample, drawn)
            return seen(every.rows), _labels(every, noise).T
        own = jnp.repeat(drawn, sample.views, total_repeat_length=count)
        anew = jax.random.split(jax.random.fold_in(jax.random.fold_in(key, VIEWS), t), count)
        partner = own
        if sample.augmentation.mixes:  # of the samples of the set, whatever the batch
            partner = jax.random.randint(jax.random.fold_in(jax.random.fold_in(key, PARTNERS), t), (count,), 0, samples)
        view = jax.vmap(sample.augmentation.mode_view)(anew, sample.rows[own], sample.rows[partner])
        x, factors = seen(view.input), (jnp.asarray(part, labels.dtype) for part in (view.own, view.partner))
        taught, mixed = (jnp.broadcast_to(part, (count,))[:, None] for part in factors)
        return x, (taught * labels[own] + mixed * labels[partner]).T

    def step(t: Array, state: tuple[Any, ...]) -> tuple[Any, ...]:
        weights, before, order = state
        drawn, order = batch_order(key, t, samples, batch, order)
        x, y = viewed(t, drawn)

        def gradient(at: Array) -> Array:
            return (at @ x.T - y) @ x * weight + decay * at

        return (*STEPS[settings.kind](values, weights, before, gradient), order)

    def advance(carry: tuple[Any, ...], until: Array) -> tuple[tuple[Any, ...], Array]:
        t, state = carry
        state = jax.lax.fori_loop(t, until, step, state)
        return (until, state), state[0]

    order = jnp.arange(samples, dtype=jnp.int32) if settings.reshuffle else None
    start = (jnp.zeros((), settings.clock.dtype), (begin, begin, order))
    return jax.lax.scan(advance, start, settings.clock)[1]
