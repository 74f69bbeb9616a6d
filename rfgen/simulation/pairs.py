"""Pairs of trials: drawn, fitted and measured two by two, so that the product of their errors measures the bias."""

__all__ = ["PairMeasures", "over_pairs"]

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from rfgen.simulation.data_views import DataViews
from rfgen.simulation.input_features import FeatureSampler


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class PairMeasures:
    """Measures of pairs of trials, each (pairs, 2, settings, outputs), except `bias` (pairs, settings, outputs).

    `test` risk with label noise, `train` mean squared residual, `signal`: test error without label noise, `noise`: the
    noise part of the test risk, `norm` squared weights.  Settings are ridges, or all settings of another training.
    """

    test: Float[Array, "*pairs 2 settings outputs"]
    train: Float[Array, "*pairs 2 settings outputs"]
    signal: Float[Array, "*pairs 2 settings outputs"]
    noise: Float[Array, "*pairs 2 settings outputs"]
    norm: Float[Array, "*pairs 2 settings outputs"]
    bias: Float[Array, "*pairs settings outputs"]


def over_pairs(
    trial: Callable[..., Any], pair: Callable[..., PairMeasures], source: Any, keys: Array, n: int, features: int | None,
    settings: Any, batched: bool,
) -> PairMeasures:  # fmt: skip
    """`pair(*stacked)` of two trials `trial(sample, features_key, n, features, settings)`, for each of `keys` (pairs, 2).

    `batched` runs all trials at once (accelerators) or one after another.
    """
    if not isinstance(source, DataViews):
        return _over_pairs(trial, pair, source, keys, n, features, settings, batched)
    # augmentations and feature maps of the user's own run on the host: draw there, fit and measure on the device
    pairs = []
    for two in keys:
        probe = source.probe(_shared_key(two))
        halves = [jax.random.split(key) for key in two]
        trials = [trial(source.draw(rows, probe, n), key, n, features, settings) for rows, key in halves]
        pairs.append(pair(*jax.tree.map(lambda *two: jnp.stack(two), *trials)))
    return jax.tree.map(lambda *each: jnp.stack(each), *pairs)


@partial(jax.jit, static_argnames=("trial", "pair", "n", "features", "batched"))
def _over_pairs(
    trial: Callable[..., Any], pair: Callable[..., PairMeasures], source: Any, keys: Array, n: int, features: int | None,
    settings: Any, batched: bool,
) -> PairMeasures:  # fmt: skip
    def drawn(key: Array, shared: Array) -> Any:
        rows_key, features_key = jax.random.split(key)
        if isinstance(source, FeatureSampler):  # its rows are features already
            sample = source.design(rows_key, features_key, shared, n, features)
            return trial(sample, features_key, n, None, settings)
        return trial(source.draw(rows_key, shared, n), features_key, n, features, settings)

    def both(two: Array) -> PairMeasures:
        shared = _shared_key(two)
        if batched:
            return pair(*jax.vmap(drawn, (0, None))(two, shared))
        return pair(*jax.lax.map(lambda key: drawn(key, shared), two))

    return jax.vmap(both)(keys) if batched else jax.lax.map(both, keys)


def _shared_key(two: Array) -> Array:
    """A key of the pair's own; `fold_in(key, i)` is `split(key)[i]`, which the trials use for i = 0 and 1."""
    return jax.random.fold_in(two[0], 2)
