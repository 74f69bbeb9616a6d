"""The parts of a curve along one pass, from its sums, and the verdicts on its settings."""

__all__ = ["Found", "parts_of", "verdicts"]

import numpy as np

from rfgen.theory.sgd.second_moments import Iteration, MomentNodes
from rfgen.theory.sgd.stability import Stability, stability, unstable_steps

Found = tuple[dict[str, np.ndarray], Stability, list[int], np.ndarray | None, dict[str, np.ndarray] | None]


def verdicts(iteration: Iteration, table: MomentNodes, largest: float, steps: int) -> tuple[Stability, list[int]]:
    """What becomes of the settings held on, and of a schedule its unstable steps."""
    constant = iteration.rate.size == 1 and iteration.momentum.size == 1
    return stability(iteration, table, largest), [] if constant else unstable_steps(iteration, table, largest, steps)


def parts_of(
    bias: np.ndarray, variance: np.ndarray, unit: np.ndarray, weights_norm: np.ndarray, spread_norm: np.ndarray,
    noise: np.ndarray,
) -> dict[str, np.ndarray]:
    """The curve from its sums; `unit` (times, 1): risk from unit label noise."""
    with np.errstate(over="ignore", invalid="ignore"):
        noisy = np.where(noise > 0, noise * (1.0 + unit), 0.0)
        norm = weights_norm + spread_norm[:, :-1] + np.where(noise > 0, noise * spread_norm[:, -1:], 0.0)
        return {"test": bias + variance + noisy, "bias": bias, "variance": variance, "noise": noisy, "norm": norm,
                "amplification": 1.0 + unit[:, 0]}
