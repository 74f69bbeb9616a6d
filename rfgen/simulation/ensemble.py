"""Ensembles of fits to one training set, each with features, initial weights and resampled data of its own.

The Monte-Carlo twin of `rfgen.theory.ensemble`: fits are averaged, and the mean prediction is measured.
"""

__all__ = ["ALONE", "Members", "mean_fit", "mean_spectral_fit", "own_sample"]

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array

from rfgen.problems.resampling import AbstractResampling, Bootstrap
from rfgen.simulation.ridge_fit import Fit
from rfgen.simulation.samplers import Sample
from rfgen.simulation.spectral_fit import SpectralFit

# Bags are drawn with a key of their own, so that samples and features are those of models without them.
BAG = 0x626167


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Members:
    """How many models are averaged, and what each is trained on; static under jit."""

    count: int = field(default=1, metadata={"static": True})
    resampling: AbstractResampling | None = field(default=None, metadata={"static": True})


ALONE = Members()


def own_sample(sample: Sample, key: Array, n: int, members: Members) -> Sample:
    """What one member is trained on: all views of the samples that it draws."""
    if members.resampling is None:
        return sample
    size, key = members.resampling.size(n), jax.random.fold_in(key, BAG)
    if isinstance(members.resampling, Bootstrap):
        drawn = jax.random.randint(key, (size,), 0, n, dtype=jnp.int32)
    else:
        drawn = jax.random.permutation(key, jnp.arange(n, dtype=jnp.int32))[:size]
    views = sample.rows.shape[0] // n
    rows = (drawn[:, None] * views + jnp.arange(views, dtype=jnp.int32)).ravel()
    return replace(sample, rows=sample.rows[rows], targets=sample.targets[rows], errors=sample.errors[rows])


def mean_fit(fit: Callable[[Array], Fit], key: Array, members: Members) -> Fit:
    """The mean of `fit(key)` over keys of each member's own; `gram` is the mean one of a member."""
    if members.count == 1:
        return fit(key)
    keys = jax.random.split(key, members.count)

    def leaves(one: Array) -> list[Array]:
        return jax.tree.leaves(fit(one))

    def add(total: list[Array], one: Array) -> tuple[list[Array], None]:
        return [before + leaf for before, leaf in zip(total, leaves(one), strict=True)], None

    zero = [jnp.zeros(leaf.shape, leaf.dtype) for leaf in jax.eval_shape(leaves, keys[0])]
    weights, residuals, gram, tail_error = (leaf / members.count for leaf in jax.lax.scan(add, zero, keys)[0])
    return Fit(weights, residuals, gram, tail_error / members.count)


def mean_spectral_fit(fit: Callable[[Array, Array], SpectralFit], keys: tuple[Array, Array], members: Members) -> Any:
    """The mean of `fit(features_key, start_key)`, in the bases of all members side by side; `norm` is a member's."""
    if members.count == 1:
        return fit(*keys)
    own = jax.lax.map(lambda two: vars(fit(*two)), tuple(jax.random.split(key, members.count) for key in keys))

    def side_by_side(coordinates: Array) -> Array:
        flat = jnp.moveaxis(coordinates, 0, 2)
        return flat.reshape(*flat.shape[:2], -1) / members.count

    basis = jnp.moveaxis(own["basis"], 0, 1)
    residuals = jnp.mean(own["residuals"], axis=0)
    return SpectralFit(
        basis.reshape(basis.shape[0], -1), side_by_side(own["signal"]), side_by_side(own["noise"]),
        jnp.sum(residuals * residuals, axis=-1), jnp.mean(own["norm"], axis=0), own["tail"][0],
        jnp.mean(own["tail_start"], axis=0) / members.count, jnp.max(own["growth"], axis=0), residuals,
    )  # fmt: skip
