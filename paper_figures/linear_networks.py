"""What the figures after Advani and Saxe share: exact curves on grids, and simulated dots beside them."""

__all__ = ["INPUTS", "dots", "on_grid", "worst"]

from collections.abc import Callable, Mapping
from dataclasses import is_dataclass
from typing import Any

import jax
import numpy as np

from rfgen.systems import linear_networks

INPUTS = 300
# errors below are drawn nowhere, and depend on the one smallest eigenvalue
VISIBLE = 1e-3


def on_grid(function: Callable[..., Any], *arguments: Any) -> Any:
    """A scalar function of the pure layer on arrays that broadcast together; a record becomes a dict of arrays."""
    shape = np.broadcast_shapes(*(np.shape(argument) for argument in arguments))
    flat = [np.broadcast_to(np.asarray(argument, float), shape).ravel() for argument in arguments]

    def point(*values: Any) -> Any:
        found = function(*values)
        return vars(found) if is_dataclass(found) else found

    with jax.enable_x64(True):
        return jax.tree.map(lambda leaf: np.asarray(leaf).reshape(shape), jax.jit(jax.vmap(point))(*flat))


def dots(
    alphas: Any, snr: float, times: Any, inrs: Any, trials: int, seed: int, names: tuple[str, ...] = ("test",)
) -> dict[str, np.ndarray]:
    """Simulated errors of networks of 300 inputs: `dot_test` (or train), its `_se` and `_z`, each (alphas, inrs, times).

    A z-score is the distance from the exact curve in standard errors of the mean of the trials.
    """
    simulated = linear_networks.simulate_isotropic_flow
    alphas, inrs, times = (np.asarray(values, float) for values in (alphas, inrs, times))
    exact = on_grid(linear_networks.isotropic_flow, alphas[:, None, None], snr, times, inrs[:, None])
    # a seed for each cell: dots of one seed would err together
    seeds = np.random.SeedSequence(seed).generate_state(alphas.size * inrs.size).reshape(alphas.size, inrs.size)
    runs = [
        [
            simulated(INPUTS, round(alpha * INPUTS), snr, times, inr, trials=trials, seed=int(own))
            for inr, own in zip(inrs, row, strict=True)
        ]
        for alpha, row in zip(alphas, seeds, strict=True)
    ]
    found = {}
    for name in names:
        values = np.array([[getattr(cell, name) for cell in row] for row in runs])
        mean, error = values.mean(axis=2), values.std(axis=2, ddof=1) / trials**0.5
        difference = mean - exact[name]
        z = np.where(exact[name] < VISIBLE, 0.0, difference / error)
        found |= {f"dot_{name}": mean, f"dot_{name}_se": error, f"dot_{name}_z": z}
    return found


def worst(arrays: Mapping[str, Any]) -> float:
    """The largest z-score of any array whose name ends with `_z`."""
    return max(float(np.abs(values).max()) for key, values in arrays.items() if key.endswith("_z"))
