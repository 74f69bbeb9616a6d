"""The parts of a curve along one pass, from its sums, and the verdicts on its settings."""

__all__ = ["Found", "parts_of", "smooth_below", "verdicts"]

import numpy as np

from rfgen.theory.sgd.stability import Stability, stability, unstable_steps
from rfgen.theory.sgd.streaming.second_moments import Iteration, MomentNodes

# Modes are kept one by one from this share of the eigenvalue where the roots of the iteration turn complex.
SMOOTH = 0.25
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


def smooth_below(iteration: Iteration) -> float:
    """Eigenvalues below which powers of the iteration are smooth functions of log eigenvalue; 0: none."""
    momentum = np.asarray(iteration.momentum)
    rate = float(np.max(np.asarray(iteration.rate)))
    if iteration.kind == "descent":
        return 0.5 / rate if rate > 0 else np.inf
    if momentum.size > 1:
        return 0.0
    # the characteristic polynomial r^2 - (1 + b - lambda c) r + b - lambda e has a double root at the smallest lambda of
    if iteration.kind == "accelerated":
        alpha, beta, gamma, delta = np.asarray(iteration.accelerated)
        b = alpha * (1.0 - beta)
        c, e = alpha * delta + (1.0 - alpha) * gamma, b * delta
    else:
        b = float(momentum[0])
        c, e = (rate, 0.0) if iteration.kind == "heavy ball" else (rate * (1.0 + b), rate * b)
    roots = np.roots([c * c, -2.0 * c * (1.0 + b) + 4.0 * e, (1.0 - b) ** 2])
    return SMOOTH * float(np.min(np.abs(roots))) if roots.size else 0.0
