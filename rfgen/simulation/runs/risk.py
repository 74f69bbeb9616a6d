"""Measured risk of ridge regression: draw rows, fit, measure.  The Monte-Carlo twin of `rfgen.theory.risk`.

Trials come in pairs.  Signal and noise labels are fitted separately by the same decomposition (the fit is linear in the
labels), so each trial yields the test risk and its noise part.  What is linear in the noise is left out: the mean over
the noise and the opposite noise, an antithetic pair for the price of one.  The product of the two trials' signal errors is
an unbiased measurement of the bias, and what remains of their squares is the variance.
"""

__all__ = ["measured", "paired", "risk"]

from dataclasses import replace
from typing import Any

import numpy as np
from jaxtyping import Float

from rfgen.simulation.arrays import Array, namespace, product
from rfgen.simulation.fits.ridge_fit import Fit, fit_kernel, fit_random_features
from rfgen.simulation.runs.ensemble import ALONE, Members, distinct_sample, mean_fit, own_sample, with_gram, with_root
from rfgen.simulation.runs.influence import row_controls
from rfgen.simulation.runs.pairs import PairMeasures, in_common, over_pairs
from rfgen.simulation.sampling.samplers import FiniteSampler, GaussianSampler, Sample


def risk(
    source: Any, keys: Any, n: int, features: int | None, ridges: Float[Array, " ridges"],
    noise: Float[Array, " outputs"], batched: bool, members: Members = ALONE,
) -> PairMeasures:
    """Fit and measure two trials for each of `keys` (pairs, 2), threefry keys, one per trial; `source` is a sampler.

    `features=None` is kernel ridge regression; a trial averages `members` of one training set.  `batched` runs all
    trials at once (accelerators) or one after another.
    """
    by_rows = isinstance(source, GaussianSampler) or (
        isinstance(source, FiniteSampler) and source.replace and source.kernel is None
    )
    trial = _controlled if by_rows and features is None and members == ALONE else _trial
    return over_pairs(trial, paired, source, keys, n, features, (ridges, noise, members), batched)


def _controlled(
    sample: Sample, features_key: Any, n: int, features: int | None, settings: tuple[Array, Array, Members]
) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
    """The same with control variates."""
    measures, errors = _trial(sample, features_key, n, features, settings)
    return (*measures, row_controls(sample, n, settings[0])), errors


def _trial(
    sample: Sample, features_key: Any, n: int, features: int | None, settings: tuple[Array, Array, Members]
) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
    """All measures of one trial but the bias, and its signal errors, where they were measured, and their floor."""
    ridges, noise, members = settings
    sample = with_gram(with_root(sample, features, members), features, members)
    xp = namespace(sample.rows)
    # labels without noise need no columns for it, which are half of every product
    clean = features is None and xp is np and not np.any(noise)

    def labels(own: Sample) -> Array:
        return own.targets if clean else xp.concatenate([own.targets, own.errors * xp.sqrt(noise)], axis=1)

    def fitted(key: Any) -> Fit:
        if features is None:
            own, of_all = distinct_sample(sample, key, n, members)
            fit = fit_kernel(own, labels(own), ridges)
            return replace(fit, residuals=of_all(fit.residuals))
        own = own_sample(sample, key, n, members)
        return fit_random_features(key, own, labels(own), ridges, features)

    fit = mean_fit(fitted, features_key, members)
    return measured(fit, sample, noise, n)


def measured(
    fit: Fit, sample: Sample, noise: Array, n: int, predictions: Array | None = None
) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
    """All measures of a fit but the bias, and what `paired` takes of it; `predictions` at points, if they are made."""
    outputs, xp = sample.targets.shape[1], namespace(sample.rows)
    at_points, clean = sample.probe.ndim == 2, fit.weights.shape[1] == outputs
    made = predictions
    if made is None:
        made = product(fit.weights, sample.probe) if at_points else fit.weights * sample.probe
    signal, spurious = made[:, :outputs] - sample.truth, made[:, outputs:]
    seen = sample.mask / xp.sum(sample.mask) if at_points else sample.mask

    def split(products: Array) -> tuple[Array, Array]:
        """Signal-signal and noise-noise entries of (ridges, columns, columns)."""
        own = xp.diagonal(products, 0, 1, 2)
        return own[:, :outputs], xp.zeros_like(own) if clean else own[:, outputs:]

    tail_signal, tail_noise = split(fit.tail_error)
    norm_signal, norm_noise = split(fit.gram)
    signal_error = xp.sum(seen * signal * signal, axis=-1) + sample.floor + tail_signal
    noise_error = noise + tail_noise if clean else xp.sum(seen * spurious * spurious, axis=-1) + noise + tail_noise
    misfit = xp.sum(fit.residuals * fit.residuals, axis=-1)
    # a sample's views are rows scaled by 1 / sqrt(views)
    train = (misfit if clean else misfit[:, :outputs] + misfit[:, outputs:]) / n
    measures = (signal_error + noise_error, train, signal_error, noise_error, norm_signal + norm_noise)
    return measures, (signal, sample.mask, sample.floor, xp.asarray(at_points))


def paired(measures: tuple[Array, ...], errors: tuple[Any, ...]) -> PairMeasures:
    """Measures of two trials, stacked, and their errors, two by two, with the bias: the product of the errors."""
    signal, mask, floor, at_points = errors
    xp = namespace(mask[0])
    both = in_common(mask, at_points)
    bias = xp.sum(both * signal[0] * signal[1], axis=-1) + floor[0]
    return PairMeasures(*measures[:5], bias=bias, controls=measures[5] if len(measures) > 5 else None)
