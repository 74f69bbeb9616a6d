"""Measured risk of ridge regression: draw rows, fit, measure.  The Monte-Carlo twin of `rfgen.theory.risk`.

Trials come in pairs.  Signal and noise labels are fitted separately by the same decomposition (the fit is linear in the
labels), so each trial yields the test risk and its noise part; the product of the two trials' signal errors is an
unbiased measurement of the bias, and what remains of their squares is the variance.
"""

__all__ = ["risk"]

from typing import Any

from jaxtyping import Float

from rfgen.simulation.arrays import Array, namespace
from rfgen.simulation.fits.ridge_fit import Fit, fit_kernel, fit_random_features
from rfgen.simulation.runs.ensemble import ALONE, Members, mean_fit, own_sample
from rfgen.simulation.runs.pairs import PairMeasures, in_common, over_pairs
from rfgen.simulation.sampling.samplers import Sample


def risk(
    source: Any, keys: Any, n: int, features: int | None, ridges: Float[Array, " ridges"],
    noise: Float[Array, " outputs"], batched: bool, members: Members = ALONE,
) -> PairMeasures:
    """Fit and measure two trials for each of `keys` (pairs, 2), threefry keys, one per trial; `source` is a sampler.

    `features=None` is kernel ridge regression; a trial averages `members` of one training set.  `batched` runs all
    trials at once (accelerators) or one after another.
    """
    return over_pairs(_trial, _pair, source, keys, n, features, (ridges, noise, members), batched)


def _trial(
    sample: Sample, features_key: Any, n: int, features: int | None, settings: tuple[Array, Array, Members]
) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
    """All measures of one trial but the bias, and its signal errors, where they were measured, and their floor."""
    ridges, noise, members = settings
    outputs, xp = sample.targets.shape[1], namespace(sample.rows)

    def fitted(key: Any) -> Fit:
        own = own_sample(sample, key, n, members)
        labels = xp.concatenate([own.targets, own.errors * xp.sqrt(noise)], axis=1)
        if features is None:
            return fit_kernel(own, labels, ridges)
        return fit_random_features(key, own, labels, ridges, features)

    fit = mean_fit(fitted, features_key, members)
    at_points = sample.probe.ndim == 2
    predictions = fit.weights @ sample.probe if at_points else fit.weights * sample.probe
    signal, spurious = predictions[:, :outputs] - sample.truth, predictions[:, outputs:]
    seen = sample.mask / xp.sum(sample.mask) if at_points else sample.mask

    def split(products: Array) -> tuple[Array, Array, Array]:
        """Signal-signal, noise-noise and signal-noise entries of (ridges, columns, columns)."""
        own = xp.diagonal(products, 0, 1, 2)
        return own[:, :outputs], own[:, outputs:], xp.diagonal(products[:, :outputs, outputs:], 0, 1, 2)

    tail_signal, tail_noise, tail_cross = split(fit.tail_error)
    norm_signal, norm_noise, norm_cross = split(fit.gram)
    signal_error = xp.sum(seen * signal * signal, axis=-1) + sample.floor + tail_signal
    noise_error = xp.sum(seen * spurious * spurious, axis=-1) + noise + tail_noise
    cross = xp.sum(seen * signal * spurious, axis=-1) + tail_cross
    misfit = fit.residuals[:, :outputs] + fit.residuals[:, outputs:]
    measures = (
        # a sample's views are rows scaled by 1 / sqrt(views)
        signal_error + noise_error + 2.0 * cross, xp.sum(misfit * misfit, axis=-1) / n, signal_error, noise_error,
        norm_signal + norm_noise + 2.0 * norm_cross,
    )
    return measures, (signal, sample.mask, sample.floor, xp.asarray(at_points))


def _pair(measures: tuple[Array, ...], errors: tuple[Any, ...]) -> PairMeasures:
    """Measures of two trials, stacked, and their errors, two by two, with the bias: the product of the errors."""
    signal, mask, floor, at_points = errors
    xp = namespace(mask[0])
    both = in_common(mask, at_points)
    bias = xp.sum(both * signal[0] * signal[1], axis=-1) + floor[0]
    return PairMeasures(*measures, bias=bias)
