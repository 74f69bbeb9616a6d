"""Trials shared out over the devices of a process."""

__all__ = ["device_count", "in_turn", "keys_of", "over_devices"]

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np


def device_count() -> int:
    """How many devices share the trials of this process."""
    return len(jax.local_devices())


def over_devices(run: Callable[..., Any], trials: Any, *shared: Any) -> Any:
    """`run(trials, *shared)`, whose arrays have a row for each of `trials` (count, ...), each device with as many.

    >>> over_devices(lambda numbers, by: {"times": by * numbers}, np.arange(3.0), 2.0)["times"].tolist()
    [0.0, 2.0, 4.0]
    """
    devices, count = jax.local_devices(), trials.shape[0]
    if len(devices) == 1 or count == 1:
        return run(trials, *shared)
    used = min(len(devices), count)
    mesh, split = jax.sharding.Mesh(np.array(devices[:used]), ("trials",)), jax.P("trials")
    whole = trials[np.arange(-(-count // used) * used) % count]  # as many for each, the first ones again
    specs = (split, *(jax.P() for _ in shared))
    found = jax.shard_map(run, mesh=mesh, in_specs=specs, out_specs=split, check_vma=False)(whole, *shared)
    return jax.tree.map(lambda leaf: leaf[:count], found)


def keys_of(seeded: Any, start: int, stop: int) -> Any:
    """Keys (trials,) of the trials from number `start` to `stop`, folded into the key `seeded`."""
    return jax.vmap(jax.random.fold_in, (None, 0))(seeded, jnp.arange(start, stop, dtype=jnp.uint32))


def in_turn(trial: Callable[..., Any], keys: Any, *given: Any, **stated: Any) -> Any:
    """`trial(key, *given, **stated)` of every key, one after another on each device."""

    def every(keys: Any, *given: Any) -> Any:
        return jax.lax.map(lambda key: trial(key, *given, **stated), keys)

    return over_devices(every, keys, *given)
