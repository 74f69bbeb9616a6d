"""Errors of many fits in a common basis of weights: quadratic forms in their coordinates."""

__all__ = ["measured", "paired"]

from typing import Any

from rfgen.simulation.arrays import Array, namespace, product
from rfgen.simulation.fits.spectral_fit import SpectralFit
from rfgen.simulation.runs.pairs import PairMeasures, in_common
from rfgen.simulation.sampling.samplers import Sample


def measured(fit: SpectralFit, sample: Sample, noise: Array, n: int) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
    """All measures of one trial but the bias, and its signal errors: where measured, coordinates, and a fit's errors.

    What is linear in the label noise is left out of the test risk: it is the mean over that noise and its opposite.

    Errors are measured from those of the best fit of all settings, `least`: no other is far smaller than its distance
    from that one, so that nothing cancels.
    """
    xp, at_points = namespace(fit.basis), sample.probe.ndim == 2
    values = product(fit.basis.T, sample.probe).T if at_points else sample.probe[:, None] * fit.basis
    seen = sample.mask / xp.sum(sample.mask) if at_points else sample.mask
    weighted = seen[:, None] * values
    form = values.T @ weighted
    rough = xp.sum(fit.signal * (fit.signal @ form - 2 * (sample.truth @ weighted)), axis=-1)
    best = xp.argmin(xp.where(xp.isnan(rough), xp.inf, rough), axis=0)
    centre = xp.take_along_axis(fit.signal, best[None, :, None], axis=0)[0]
    errors = centre @ values.T - sample.truth
    slope, least = errors @ weighted, xp.sum(seen * errors * errors, axis=-1)
    away = fit.signal - centre
    along, across = away @ form, fit.noise @ form

    def tail(one: Array, two: Array) -> Array:
        return fit.tail * xp.sum(one * two, axis=-1)

    signal_error = xp.sum(away * (along + 2 * slope), axis=-1) + least + sample.floor
    signal_error = signal_error + tail(fit.signal, fit.signal) + fit.tail_start[:, None]
    noise_error = xp.sum(fit.noise * across, axis=-1) + noise + tail(fit.noise, fit.noise)
    measures = (signal_error + noise_error, fit.train / n, signal_error, noise_error, fit.norm)
    growth = xp.broadcast_to(fit.growth[:, None], signal_error.shape)
    with_noise = xp.where(noise > 0, growth, 0.0)  # without noise its part is 0, whatever the training
    grown = (growth, growth, growth, with_noise, growth)
    measures = tuple(_overflowed(measure, factor) for measure, factor in zip(measures, grown, strict=True))
    return measures, (values, away, errors, sample.mask, sample.floor, fit.growth, xp.asarray(at_points))


def _overflowed(measure: Array, growth: Array) -> Array:
    """`inf` where unstable steps have outgrown the floats."""
    xp = namespace(measure)
    large = xp.finfo(measure.dtype).max
    beyond = ~(growth < large**0.4) | (xp.isnan(measure) & (growth > large**0.1))
    return xp.where(beyond, xp.inf, measure)


def paired(measures: tuple[Array, ...], errors: tuple[Any, ...]) -> PairMeasures:
    """Measures of two trials, stacked, and their errors, two by two, with the bias: the product of the errors."""
    values, away, best, mask, floor, growth, at_points = errors
    xp = namespace(mask[0])
    both = in_common(mask, at_points)
    weighted = both[:, None] * values[1]
    bias = xp.sum((away[0] @ (values[0].T @ weighted)) * away[1], axis=-1)
    bias = bias + xp.sum(away[1] * (best[0] @ weighted), axis=-1)
    bias = bias + xp.sum(away[0] * ((both * best[1]) @ values[0]), axis=-1)
    bias = bias + xp.sum(both * best[0] * best[1], axis=-1) + floor[0]
    return PairMeasures(*measures, bias=_overflowed(bias, xp.maximum(growth[0], growth[1])[:, None]))
