"""How often JAX's backend compiles, and the sweep that must not make it compile."""

__all__ = ["count_compilations", "sweep_one_by_one"]

from collections.abc import Iterator
from contextlib import contextmanager

import jax
import jax.monitoring
import numpy as np

import rfgen as rg

EVENT = "/jax/core/compile/backend_compile_duration"


@contextmanager
def count_compilations() -> Iterator[list[float]]:
    """Collect the duration in seconds of every backend compilation inside the block.

    >>> import jax, jax.numpy as jnp
    >>> with count_compilations() as compiled:
    ...     _ = jax.jit(lambda x: jnp.sin(x) + 0.125)(jnp.ones(3, jnp.float32))
    >>> len(compiled) > 0
    True
    """
    durations: list[float] = []

    def listener(event: str, duration: float, **details: object) -> None:
        if event == EVENT:
            durations.append(duration)

    jax.monitoring.register_event_duration_secs_listener(listener)
    try:
        yield durations
    finally:
        # public since 0.8.1; before, a listener that is left counts into a list that nobody reads
        getattr(jax.monitoring, "unregister_event_duration_listener", lambda _: None)(listener)


def sweep_one_by_one(modes: int | None = 10_000, values: int = 20) -> dict[str, int]:
    """Compilations in sweeps of `values` scalar calls of `rg.predict` over n, ridge and noise, after a first call.

    Every noise is a new `Task` of the same spectrum.  `first` counts those of the first call, with nothing compiled
    before it: above zero unless the counter is broken.
    """

    def task(noise: float) -> rg.Task:
        return rg.Task.power_law(alpha=1.5, beta=1.5, noise=noise, modes=modes)

    def call(n: float = 100.0, ridge: float = 0.1, noise: float = 0.5) -> None:
        rg.predict(task(noise), rg.Learner(rg.Ridge(ridge), features=200), n=n)

    sweeps = {
        "n": np.geomspace(10.0, 1e4, values).tolist(),
        "ridge": np.geomspace(1e-6, 1e2, values).tolist(),
        "noise": np.linspace(0.0, 2.0, values).tolist(),
    }
    jax.clear_caches()
    with count_compilations() as compiled:
        call()
    counts = {"first": len(compiled)}
    for argument, grid in sweeps.items():
        with count_compilations() as compiled:
            for value in grid:
                call(**{argument: value})
        counts[argument] = len(compiled)
    return counts
