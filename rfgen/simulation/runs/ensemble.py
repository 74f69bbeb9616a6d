"""Ensembles of fits to one training set, each with features, initial weights and resampled data of its own.

The Monte-Carlo twin of `rfgen.theory.ensemble`: fits are averaged, and the mean prediction is measured.
"""

__all__ = [
    "ALONE", "Members", "bag", "distinct_sample", "mean_fit", "mean_spectral_fit", "own_sample", "with_gram", "with_root",
    "with_views",
]

import functools
from collections.abc import Callable
from dataclasses import field, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from rfgen.numerics.compilation.record import record
from rfgen.problems.trainings.resampling import AbstractResampling, Bootstrap
from rfgen.simulation.arrays import Array, namespace
from rfgen.simulation.fits.ridge_fit import Fit, rows_root
from rfgen.simulation.fits.spectral_fit import SpectralFit, both_parts
from rfgen.simulation.random_numbers import HostKey, fold_in, integers, permutation, split
from rfgen.simulation.sampling.limit_views import LimitSample
from rfgen.simulation.sampling.samplers import Sample

# Bags are drawn with a key of their own, so that samples and features are those of models without them.
BAG = 0x626167


@record
class Members:
    """How many models are averaged, and what each is trained on; static under jit."""

    count: int = field(default=1, metadata={"static": True})
    resampling: AbstractResampling | None = field(default=None, metadata={"static": True})


ALONE = Members()


def bag(key: Any, n: int, resampling: AbstractResampling) -> Array:
    """Numbers of the samples that one member draws."""
    size, key = resampling.size(n), fold_in(key, BAG)
    return integers(key, size, n) if isinstance(resampling, Bootstrap) else permutation(key, n)[:size]


def own_sample(sample: Any, key: Any, n: int, members: Members) -> Any:
    """What one member is trained on: all views of the samples that it draws."""
    if members.resampling is None:
        return sample
    drawn = bag(key, n, members.resampling)
    if isinstance(sample, LimitSample):
        return sample.limit.of(sample.clean, drawn)
    rows = with_views(drawn, sample.rows.shape[0] // n)
    return replace(sample.at(rows), gram=None if sample.gram is None else sample.gram[rows[:, None], rows])


def distinct_sample(sample: Any, key: Any, n: int, members: Members) -> tuple[Any, Callable[[Array], Array]]:
    """`own_sample` for fits that are linear in all rows, and the map from residuals (..., rows) of that fit to those of
    the samples drawn.

    On the host samples that are drawn c times are there once, times sqrt(c): the same sums of squares, of 63 % of the rows.
    """
    if not isinstance(members.resampling, Bootstrap) or isinstance(sample, LimitSample) or namespace(sample.rows) is jnp:
        return own_sample(sample, key, n, members), lambda residuals: residuals
    drawn, copy, times = np.unique(bag(key, n, members.resampling), return_inverse=True, return_counts=True)
    views = sample.rows.shape[0] // n
    rows, copies = with_views(drawn, views), with_views(copy, views)
    roots = np.repeat(np.sqrt(times), views).astype(sample.rows.dtype)
    own = sample.at(rows)
    scaled = {name: roots[:, None] * getattr(own, name) for name in ("rows", "targets", "errors")}
    gram = None if sample.gram is None else roots[:, None] * sample.gram[rows[:, None], rows] * roots
    return replace(own, **scaled, gram=gram), lambda residuals: (residuals / roots)[..., copies]


def with_views(drawn: Array, views: int) -> Array:
    """Numbers of the rows that are views of the samples drawn."""
    return (drawn[:, None] * views + namespace(drawn).arange(views, dtype=np.int32)).ravel()


def with_root(sample: Sample, features: int | None, members: Members) -> Sample:
    """The sample, with the factor that all members' features are drawn by where they share it."""
    n, modes = sample.rows.shape
    if features is None or members.count == 1 or members.resampling is not None or n >= modes:
        return sample
    return replace(sample, root=rows_root(sample))


def with_gram(sample: Sample, features: int | None, members: Members) -> Sample:
    """The sample, with the Gram matrix that bags of its rows take their own from."""
    n, modes = sample.rows.shape
    bags = members.resampling is not None and not isinstance(sample, LimitSample)
    if features is not None or members.count == 1 or not bags or n >= modes:
        return sample
    return replace(sample, gram=sample.rows @ sample.rows.T)


def mean_fit(fit: Callable[[Any], Fit], key: Any, members: Members) -> Fit:
    """The mean of `fit(key)` over keys of each member's own; `gram` is the mean one of a member."""
    if members.count == 1:
        return fit(key)
    keys = split(key, members.count)

    def leaves(one: Any) -> list[Array]:
        return jax.tree.leaves(fit(one))

    def add(total: list[Array], one: Any) -> tuple[list[Array], None]:
        return [before + leaf for before, leaf in zip(total, leaves(one), strict=True)], None

    if isinstance(key, HostKey):
        total = functools.reduce(lambda total, one: add(total, one)[0], keys[1:], leaves(keys[0]))
    else:
        zero = [jnp.zeros(leaf.shape, leaf.dtype) for leaf in jax.eval_shape(leaves, keys[0])]
        total, _ = jax.lax.scan(add, zero, keys)
    weights, residuals, gram, tail_error = (leaf / members.count for leaf in total)
    return Fit(weights, residuals, gram, tail_error / members.count)


def mean_spectral_fit(fit: Callable[[Any, Any], SpectralFit], keys: tuple[Any, Any], members: Members) -> Any:
    """The mean of `fit(features_key, start_key)`, in the bases of all members side by side; `norm` is a member's."""
    if members.count == 1:
        return fit(*keys)
    each = tuple(split(key, members.count) for key in keys)
    if isinstance(keys[0], HostKey):
        fits, xp = [vars(fit(*two)) for two in zip(*each, strict=True)], np
        wide = {name: np.concatenate([one.pop(name) for one in fits], axis=-1) for name in ("basis", "signal", "noise")}
        own = {name: np.stack([one[name] for one in fits]) for name in fits[0]}
    else:
        own, xp = jax.lax.map(lambda two: vars(fit(*two)), each), jnp
        side_by_side = {name: jnp.moveaxis(own[name], 0, -2) for name in ("basis", "signal", "noise")}
        wide = {name: values.reshape(*values.shape[:-2], -1) for name, values in side_by_side.items()}
    residuals = xp.mean(own["residuals"], axis=0)
    return SpectralFit(
        wide["basis"], wide["signal"] / members.count, wide["noise"] / members.count,
        both_parts(xp.sum(residuals * residuals, axis=-1)), xp.mean(own["norm"], axis=0), xp.asarray(own["tail"][0]),
        xp.mean(own["tail_start"], axis=0) / members.count, xp.max(own["growth"], axis=0), residuals,
    )
