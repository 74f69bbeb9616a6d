"""Measured risk of ridge regression: draw rows, fit, measure.  The Monte-Carlo twin of `rfgen.theory.risk`.

Trials come in pairs.  Signal and noise labels are fitted separately by the same decomposition (the fit is linear in the
labels), so each trial yields the test risk and its noise part; the product of the two trials' signal errors is an
unbiased measurement of the bias, and what remains of their squares is the variance.
"""

__all__ = ["PairMeasures", "risk"]

from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from rfgen.simulation.data_views import DataViews
from rfgen.simulation.input_features import FeatureSampler
from rfgen.simulation.ridge_fit import fit_kernel, fit_random_features
from rfgen.simulation.samplers import Sample


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class PairMeasures:
    """Measures of pairs of trials, each (pairs, 2, ridges, outputs), except `bias` (pairs, ridges, outputs).

    `test` risk with label noise, `train` mean squared residual, `signal`: test error without label noise, `noise`: the
    noise part of the test risk, `norm` squared weights.
    """

    test: Float[Array, "*pairs 2 ridges outputs"]
    train: Float[Array, "*pairs 2 ridges outputs"]
    signal: Float[Array, "*pairs 2 ridges outputs"]
    noise: Float[Array, "*pairs 2 ridges outputs"]
    norm: Float[Array, "*pairs 2 ridges outputs"]
    bias: Float[Array, "*pairs ridges outputs"]


def risk(
    source: Any, keys: Array, n: int, features: int | None, ridges: Float[Array, " ridges"],
    noise: Float[Array, " outputs"], batched: bool,
) -> PairMeasures:  # fmt: skip
    """Fit and measure two trials for each of `keys` (pairs, 2), threefry keys, one per trial; `source` is a sampler.

    `features=None` is kernel ridge regression.  `batched` runs all trials at once (accelerators) or one after another.
    """
    if not isinstance(source, DataViews):
        return _risk(source, keys, n, features, ridges, noise, batched)
    # augmentations and feature maps of the user's own run on the host: draw there, fit and measure on the device
    pairs = []
    for two in keys:
        probe = source.probe(_shared_key(two))
        halves = [jax.random.split(key) for key in two]
        trials = [_trial(source.draw(rows, probe, n), key, n, features, ridges, noise) for rows, key in halves]
        pairs.append(_pair(*jax.tree.map(lambda *two: jnp.stack(two), *trials)))
    return jax.tree.map(lambda *each: jnp.stack(each), *pairs)


@partial(jax.jit, static_argnames=("n", "features", "batched"))
def _risk(
    source: Any, keys: Array, n: int, features: int | None, ridges: Array, noise: Array, batched: bool
) -> PairMeasures:
    def trial(key: Array, shared: Array) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
        rows_key, features_key = jax.random.split(key)
        if isinstance(source, FeatureSampler):  # its rows are features already
            sample = source.design(rows_key, features_key, shared, n, features)
            return _trial(sample, features_key, n, None, ridges, noise)
        return _trial(source.draw(rows_key, shared, n), features_key, n, features, ridges, noise)

    def pair(two: Array) -> PairMeasures:
        shared = _shared_key(two)
        if batched:
            return _pair(*jax.vmap(trial, (0, None))(two, shared))
        return _pair(*jax.lax.map(lambda key: trial(key, shared), two))

    return jax.vmap(pair)(keys) if batched else jax.lax.map(pair, keys)


def _shared_key(two: Array) -> Array:
    """A key of the pair's own; `fold_in(key, i)` is `split(key)[i]`, which the trials use for i = 0 and 1."""
    return jax.random.fold_in(two[0], 2)


@partial(jax.jit, static_argnames=("n", "features"))
def _trial(
    sample: Sample, features_key: Array, n: int, features: int | None, ridges: Array, noise: Array
) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
    """All measures of one trial but the bias, and its signal errors, where they were measured, and their floor."""
    outputs = sample.targets.shape[1]
    labels = jnp.concatenate([sample.targets, sample.errors * jnp.sqrt(noise)], axis=1)
    if features is None:
        fit = fit_kernel(sample, labels, ridges)
    else:
        fit = fit_random_features(features_key, sample, labels, ridges, features)
    at_points = sample.probe.ndim == 2
    predictions = fit.weights @ sample.probe if at_points else fit.weights * sample.probe
    signal, spurious = predictions[:, :outputs] - sample.truth, predictions[:, outputs:]
    seen = sample.mask / jnp.sum(sample.mask) if at_points else sample.mask

    def split(products: Array) -> tuple[Array, Array, Array]:
        """Signal-signal, noise-noise and signal-noise entries of (ridges, columns, columns)."""
        own = jnp.diagonal(products, axis1=1, axis2=2)
        return own[:, :outputs], own[:, outputs:], jnp.diagonal(products[:, :outputs, outputs:], axis1=1, axis2=2)

    tail_signal, tail_noise, tail_cross = split(fit.tail_error)
    norm_signal, norm_noise, norm_cross = split(fit.gram)
    signal_error = jnp.sum(seen * signal * signal, axis=-1) + sample.floor + tail_signal
    noise_error = jnp.sum(seen * spurious * spurious, axis=-1) + noise + tail_noise
    cross = jnp.sum(seen * signal * spurious, axis=-1) + tail_cross
    misfit = fit.residuals[:, :outputs] + fit.residuals[:, outputs:]
    measures = (
        # a sample's views are rows scaled by 1 / sqrt(views)
        signal_error + noise_error + 2.0 * cross, jnp.sum(misfit * misfit, axis=-1) / n, signal_error, noise_error,
        norm_signal + norm_noise + 2.0 * norm_cross,
    )  # fmt: skip
    return measures, (signal, sample.mask, sample.floor, jnp.asarray(at_points))


@jax.jit
def _pair(measures: tuple[Array, ...], errors: tuple[Array, ...]) -> PairMeasures:
    """Measures of two trials, stacked, with the bias: the product of their errors."""
    signal, mask, floor, at_points = errors
    both = mask[0] * mask[1]
    both = jnp.where(at_points[0], both / jnp.sum(both), both)
    bias = jnp.sum(both * signal[0] * signal[1], axis=-1) + floor[0]
    return PairMeasures(*measures, bias=bias)
