"""What steps of SGD leave of a kick, and how much of a loss returns as noise of later steps, where groups have losses."""

__all__ = ["kicks", "returned"]

from typing import Any

import numpy as np

from rfgen.theory.sgd.second_moments import Iteration
from rfgen.theory.sgd.stability import spectral_radius

# Share of what returns that may come back in the last half of the steps that are summed.
LEFT = 1e-3


def kicks(iteration: Iteration, nodes: np.ndarray, steps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """phi_r (steps, nodes) of the gradient's point and of the predictor, r `steps` after the kick."""
    still, gaze, kick = iteration.step(0)
    stays, h, g = (np.array(part, float) for part in (still, gaze, kick))
    step_of = stays - (nodes + float(iteration.ridge))[:, None, None] * np.outer(g, h)
    state, at = np.broadcast_to(g, (nodes.size, g.size)).astype(complex), 0
    ahead, moved = (np.zeros((steps.size, nodes.size), complex) for _ in range(2))
    for place, step in enumerate(steps):
        state = np.einsum("nij,nj->ni", np.linalg.matrix_power(step_of, int(step) - at), state)
        at = int(step)
        ahead[place], moved[place] = state @ h, state[:, 0]
    return ahead, moved


def returned(iteration: Iteration, edge: float, kernel: np.ndarray, coupling: np.ndarray) -> tuple[float, float]:
    """The share of the losses that returns (NaN if the run is too short to tell), and the growth per step in the end."""
    from scipy.optimize import brentq

    alone = float(spectral_radius(iteration, np.array([edge]), np.zeros(1))[0])
    if alone > 1.0:
        return np.inf, alone

    def share(z: float) -> float:
        each = kernel * z ** -np.arange(1.0, kernel.shape[-1] + 1.0)
        return float(np.abs(np.linalg.eigvals(each.sum(axis=-1) @ coupling)).max())

    mass, half = share(1.0), kernel[..., : kernel.shape[-1] // 2].sum(axis=-1) @ coupling
    settled = mass - float(np.abs(np.linalg.eigvals(half)).max()) < LEFT * mass
    if mass <= 1.0:
        return (mass if settled else np.nan), 1.0
    high = 2.0
    while share(high) > 1.0:
        high *= 2.0
    root: Any = brentq(lambda z: share(z) - 1.0, 1.0, high, xtol=1e-14)
    return mass, float(root)
