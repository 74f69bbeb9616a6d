"""Trials: where they are drawn, their keys, their memory, their batches."""

__all__ = ["fingerprint", "measure", "source_of", "trial_bytes", "trial_keys"]

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from rfgen.problems.augmentations.base import AbstractAugmentation
from rfgen.problems.data_task import DataTask
from rfgen.problems.gaussian_inputs import GaussianInputs
from rfgen.problems.task import Task
from rfgen.simulation.data_views import DataViews
from rfgen.simulation.input_features import feature_sampler
from rfgen.simulation.risk import risk
from rfgen.simulation.samplers import sampler
from rfgen.simulation.views import augmented


def source_of(
    given: Task | DataTask, task: Task, augmentation: AbstractAugmentation | None, test_views: int | None, dtype: str,
    test_rows: str,
) -> Any:  # fmt: skip
    """Where training sets are drawn: from `given`, whose eigen-coordinates are those of `task`."""
    if isinstance(task.population, GaussianInputs):
        return feature_sampler(task.population, augmentation, test_views, dtype)
    if augmentation is None:
        return sampler(task, dtype, test_rows)
    if isinstance(given, DataTask):
        return DataViews(given, augmentation, test_views, dtype, test_rows == "population")
    return augmented(sampler(task, dtype, test_rows), task, augmentation, test_views)


def fingerprint(source: Any) -> tuple[Any, ...]:
    """All that tells a source apart but its augmentation and feature map."""
    leaves = () if isinstance(source, DataViews) else tuple(np.asarray(leaf) for leaf in jax.tree.leaves(source))
    return (type(source).__name__, *leaves, *source.identity)


def trial_bytes(source: Any, n: int, features: int | None, columns: int, itemsize: int) -> int:
    """Largest arrays of one trial: rows and their raw draw, the design, three copies of the smaller Gram, predictions."""
    modes, rows = source.modes, source.rows(n)
    width = modes if features is None else features
    mixing = 0 if features is None or rows < modes else modes * width
    return itemsize * (
        3 * rows * modes + 2 * rows * width + mixing + 3 * min(rows, width) ** 2 + columns * (2 * modes + rows)
    )


def trial_keys(seed: int, n: int, features: int | None, start: int, stop: int) -> jax.Array:
    """Keys (pairs, 2) that depend on seed, n, features and trial alone; an odd last trial gets a partner to drop."""
    base = jax.random.key(seed, impl="threefry2x32")
    base = jax.random.fold_in(jax.random.fold_in(base, n), features or 0)
    numbers = jnp.arange(start, stop + (stop - start) % 2, dtype=jnp.uint32)
    return jax.vmap(lambda trial: jax.random.fold_in(base, trial))(numbers).reshape(-1, 2)


def measure(
    source: Any, keys: Any, n: int, features: int | None, ridges: Any, noise: Any, together: int, trials: int, bar: Any
) -> dict[str, np.ndarray]:
    """Measures of `trials` trials, each (trials, ridges, outputs), `bias` (trials // 2, ...), in batches that fit."""
    batched = jax.devices()[0].platform != "cpu" and not isinstance(source, DataViews)
    size = max(1, min(together // 2, keys.shape[0])) if batched else 1
    pieces = []
    for start in range(0, keys.shape[0], size):
        batch = keys[start : start + size]
        length = batch.shape[0]
        if length < size:  # the shape compiled before
            batch = keys[jnp.arange(start, start + size) % keys.shape[0]]
        measured = risk(source, batch, n, features, ridges, noise, batched)
        pieces.append({name: np.asarray(leaf, np.float64)[:length] for name, leaf in vars(measured).items()})
        bar.update(min(2 * length, trials - 2 * start))
    whole = {name: np.concatenate([piece[name] for piece in pieces]) for name in pieces[0]}
    bias = whole.pop("bias")[: trials // 2]
    flat = {name: values.reshape(-1, *values.shape[2:])[:trials] for name, values in whole.items()}
    return {**flat, "bias": bias}
