"""Errors of many fits in a common basis of weights: quadratic forms in their coordinates."""

__all__ = ["measured", "paired"]

import jax
import jax.numpy as jnp
from jaxtyping import Array

from rfgen.simulation.pairs import PairMeasures
from rfgen.simulation.samplers import Sample
from rfgen.simulation.spectral_fit import SpectralFit


def measured(
    fit: SpectralFit, sample: Sample, noise: Array, n: int
) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
    """All measures of one trial but the bias, and its signal errors: where measured, coordinates, and a fit's errors.

    Errors are measured from those of the best fit of all settings, `least`: no other is far smaller than its distance
    from that one, so that nothing cancels.
    """
    at_points = sample.probe.ndim == 2
    values = sample.probe.T @ fit.basis if at_points else sample.probe[:, None] * fit.basis
    seen = sample.mask / jnp.sum(sample.mask) if at_points else sample.mask
    weighted = seen[:, None] * values
    form = values.T @ weighted
    rough = jnp.sum(fit.signal * (fit.signal @ form - 2 * (sample.truth @ weighted)), axis=-1)
    best = jnp.argmin(jnp.where(jnp.isnan(rough), jnp.inf, rough), axis=0)
    centre = jnp.take_along_axis(fit.signal, best[None, :, None], axis=0)[0]
    errors = centre @ values.T - sample.truth
    slope, least = errors @ weighted, jnp.sum(seen * errors * errors, axis=-1)
    away = fit.signal - centre
    along, across = away @ form, fit.noise @ form

    def tail(one: Array, two: Array) -> Array:
        return fit.tail * jnp.sum(one * two, axis=-1)

    signal_error = jnp.sum(away * (along + 2 * slope), axis=-1) + least + sample.floor
    signal_error = signal_error + tail(fit.signal, fit.signal) + fit.tail_start[:, None]
    noise_error = jnp.sum(fit.noise * across, axis=-1) + noise + tail(fit.noise, fit.noise)
    cross = jnp.sum(fit.noise * (along + slope), axis=-1) + tail(fit.signal, fit.noise)
    measures = (signal_error + noise_error + 2.0 * cross, fit.train / n, signal_error, noise_error, fit.norm)
    growth = jnp.broadcast_to(fit.growth[:, None], signal_error.shape)
    with_noise = jnp.where(noise > 0, growth, 0.0)  # without noise its part is 0, whatever the training
    grown = (growth, growth, growth, with_noise, growth)
    measures = tuple(_overflowed(measure, factor) for measure, factor in zip(measures, grown, strict=True))
    return measures, (values, away, errors, sample.mask, sample.floor, fit.growth, jnp.asarray(at_points))


def _overflowed(measure: Array, growth: Array) -> Array:
    """`inf` where unstable steps have outgrown the floats."""
    large = jnp.finfo(measure.dtype).max
    beyond = ~(growth < large**0.4) | (jnp.isnan(measure) & (growth > large**0.1))
    return jnp.where(beyond, jnp.inf, measure)


@jax.jit
def paired(measures: tuple[Array, ...], errors: tuple[Array, ...]) -> PairMeasures:
    """Measures of two trials, stacked, with the bias: the product of their errors."""
    values, away, best, mask, floor, growth, at_points = errors
    both = mask[0] * mask[1]
    both = jnp.where(at_points[0], both / jnp.sum(both), both)
    weighted = both[:, None] * values[1]
    bias = jnp.sum((away[0] @ (values[0].T @ weighted)) * away[1], axis=-1)
    bias = bias + jnp.sum(away[1] * (best[0] @ weighted), axis=-1)
    bias = bias + jnp.sum(away[0] * ((both * best[1]) @ values[0]), axis=-1)
    bias = bias + jnp.sum(both * best[0] * best[1], axis=-1) + floor[0]
    return PairMeasures(*measures, bias=_overflowed(bias, jnp.maximum(growth[0], growth[1])[:, None]))
