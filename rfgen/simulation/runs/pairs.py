"""Pairs of trials: drawn, fitted and measured two by two, so that the product of their errors measures the bias."""

__all__ = ["PairMeasures", "in_common", "over_pairs"]

import itertools
from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from rfgen.numerics.compilation.record import record
from rfgen.simulation.arrays import Array, few_threads, namespace, on_host
from rfgen.simulation.devices import over_devices
from rfgen.simulation.random_numbers import HostKey, device_key, fold_in, host_keys, split
from rfgen.simulation.sampling.data_views import DataViews
from rfgen.simulation.sampling.input_features import FeatureSampler
from rfgen.simulation.sampling.visited_inputs import VisitedInputs

# The key of what the trials of a pair share; `fold_in(key, i)` is `split(key)[i]`, which the trials use for i = 0 and 1.
SHARED = 2


@record
class PairMeasures:
    """Measures of pairs of trials, each (pairs, 2, settings, outputs), except `bias` (pairs, settings, outputs).

    `test` risk with label noise, `train` mean squared residual, `signal`: test error without label noise, `noise`: the
    noise part of the test risk, `norm` squared weights.  `controls` (..., q): quantities whose mean is 0.  Settings
    are ridges, or all settings of another training.
    """

    test: Float[Array, "*pairs 2 settings outputs"]
    train: Float[Array, "*pairs 2 settings outputs"]
    signal: Float[Array, "*pairs 2 settings outputs"]
    noise: Float[Array, "*pairs 2 settings outputs"]
    norm: Float[Array, "*pairs 2 settings outputs"]
    bias: Float[Array, "*pairs settings outputs"]
    controls: Float[Array, "*pairs 2 settings outputs q"] | None = None


def in_common(mask: Any, at_points: Any) -> Array:
    """Weights of the coordinates, or of the test rows, that both trials of a pair measured on."""
    xp = namespace(mask[0])
    both = mask[0] * mask[1]
    common = xp.sum(both)  # held-out rows of small samples may have none
    return xp.where(at_points[0], xp.where(common > 0.0, both / xp.maximum(common, 1.0), xp.nan), both)


def over_pairs(
    trial: Callable[..., Any], pair: Callable[..., PairMeasures], source: Any, keys: Any, n: int, features: int | None,
    settings: Any, batched: bool, compiled: bool = False,
) -> PairMeasures:
    """`pair(*stacked)` of two trials `trial(sample, features_key, n, features, settings)`, for each of `keys` (pairs, 2).

    `keys` are JAX's or their words.  `batched` runs all trials at once (accelerators, each with as many) or one after
    another: on the CPU in NumPy, unless `compiled`, for trainings step by step.
    """
    if isinstance(source, VisitedInputs) or (on_host() and not (batched or compiled)):
        with np.errstate(all="ignore"), few_threads(source.rows(n) ** 2 * float(source.modes)):  # overflow is dealt with
            pairs = [_on_host(trial, pair, source, two, n, features, settings) for two in host_keys(keys)]
        found = {name: [vars(one)[name] for one in pairs] for name, value in vars(pairs[0]).items() if value is not None}
        return PairMeasures(**{name: np.stack(each) for name, each in found.items()})
    if isinstance(keys, np.ndarray):
        keys = device_key(keys)
    if not isinstance(source, DataViews):
        return _over_pairs(trial, pair, source, keys, n, features, settings, batched)
    # augmentations and feature maps of the user's own run on the host: draw there, fit and measure on the devices in turn
    run, pairs, devices = jax.jit(trial, static_argnames=("n", "features")), [], itertools.cycle(jax.local_devices())
    for two in host_keys(keys):
        probe = source.probe(fold_in(two[0], SHARED))
        halves = [split(key) for key in two]
        with jax.default_device(next(devices)):
            own = [device_key(np.array(key, np.uint32)) for _, key in halves]
            samples = [source.draw(rows, probe, n) for rows, _ in halves]
            both = zip(samples, own, strict=True)
            trials = [run(one, key, n=n, features=features, settings=settings) for one, key in both]
            pairs.append(jax.jit(pair)(*jax.tree.map(lambda *two: jnp.stack(two), *trials)))
    return jax.tree.map(lambda *each: np.stack([np.asarray(one) for one in each]), *pairs)


def _on_host(
    trial: Callable[..., Any], pair: Callable[..., PairMeasures], source: Any, two: tuple[HostKey, HostKey], n: int,
    features: int | None, settings: Any,
) -> PairMeasures:
    """One pair, in NumPy."""
    shared, halves = fold_in(two[0], SHARED), [split(key) for key in two]
    within = None if isinstance(source, FeatureSampler) else features
    if isinstance(source, DataViews):
        shared: Any = source.probe(shared)
    samples = [_design(source, rows, own, shared, n, features) for rows, own in halves]
    trials = [trial(sample, own, n, within, settings) for sample, (_, own) in zip(samples, halves, strict=True)]
    (one, errors), (other, other_errors) = trials
    measures = tuple(np.stack(both) for both in zip(one, other, strict=True))
    return pair(measures, tuple(zip(errors, other_errors, strict=True)))


def _design(source: Any, rows_key: Any, features_key: Any, shared: Any, n: int, features: int | None) -> Any:
    """One training set; rows of a `FeatureSampler` are features already."""
    if isinstance(source, FeatureSampler):
        return source.design(rows_key, features_key, shared, n, features)
    return source.draw(rows_key, shared, n)


@partial(jax.jit, static_argnames=("trial", "pair", "n", "features", "batched"))
def _over_pairs(
    trial: Callable[..., Any], pair: Callable[..., PairMeasures], source: Any, keys: Array, n: int, features: int | None,
    settings: Any, batched: bool,
) -> PairMeasures:
    within = None if isinstance(source, FeatureSampler) else features

    def every(keys: Array, source: Any, settings: Any) -> PairMeasures:
        def drawn(key: Array, shared: Array) -> Any:
            rows_key, own = jax.random.split(key)
            return trial(_design(source, rows_key, own, shared, n, features), own, n, within, settings)

        def both(two: Array) -> PairMeasures:
            shared = fold_in(two[0], SHARED)
            if batched:
                return pair(*jax.vmap(drawn, (0, None))(two, shared))
            return pair(*jax.lax.map(lambda key: drawn(key, shared), two))

        return jax.vmap(both)(keys) if batched else jax.lax.map(both, keys)

    return over_devices(every, keys, source, settings)
