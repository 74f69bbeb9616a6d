"""What is measured along a training, from contours of more and of fewer nodes.  Equations: theory (6.3) and (6.5)."""

__all__ = ["ENDED", "UNMOVED", "OnContours", "on_contours", "reached"]

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from rfgen.theory.dynamics.spectral_filters import Filter, Window, windows

# Rate times clock times trace: below the first nothing is learned to rounding, above the second training has ended.
UNMOVED, ENDED = 1e-30, 1e99


@dataclass(frozen=True)
class OnContours:
    """`parts` and, from fewer nodes, `rough`: arrays (times, ...) by name, 0 where no contour is asked; `unmoved`, `ended`,
    `solved` (times,); `error` (times,) of the contours' scalar tests; whether the rate is `stable`.
    """

    parts: dict[str, np.ndarray]
    rough: dict[str, np.ndarray]
    unmoved: np.ndarray
    ended: np.ndarray
    solved: np.ndarray
    error: np.ndarray
    stable: bool


def reached(training: Filter, clock: np.ndarray, trace: float) -> tuple[np.ndarray, np.ndarray]:
    """Which clocks are the beginning of training, and which its end; `trace` of the training second moment."""
    if training.kind == "distillation":
        return np.zeros(clock.size, bool), np.full(clock.size, training.ridge == 0.0)
    with np.errstate(over="ignore", invalid="ignore"):
        learned = clock * (training.rate * (trace + training.ridge))
    ended = np.isposinf(clock) | ((training.kind == "flow") & (learned > ENDED))
    return ~ended & ((clock == 0) | (learned < UNMOVED)), ended


def on_contours(
    training: Filter, clock: np.ndarray, trace: float, largest: Callable[[], float],
    measure: Callable[[Window], tuple[Mapping[str, np.ndarray], bool]], shapes: Mapping[str, tuple[int, ...]],
) -> OnContours:
    """What `measure` finds in each window, with whether its nodes were solved; parts have `shapes` behind the times.

    `largest`: eigenvalue of the training second moment, asked where contours depend on it.
    """
    unmoved, ended = reached(training, clock, trace)
    edge, stable = np.inf, True
    if training.kind != "flow" and (clock > 0).any():
        edge = largest() + (0.0 if training.kind == "distillation" else training.ridge)
        stable = training.rate * edge < training.stable_below
    inner = ~(unmoved | ended) & stable
    if training.kind == "flow":
        edge = 1e3 / clock[inner].min() if inner.any() else 1.0
    found, rough = ({name: np.zeros((clock.size, *shape)) for name, shape in shapes.items()} for _ in range(2))
    solved, error = ~inner, np.zeros(clock.size)
    steady = np.flatnonzero(inner)
    for parts, few in ((found, False), (rough, True)):
        for window in windows(training, clock[steady], edge, few, False):
            at = steady[window.index]
            made, fits = measure(window)
            for name in shapes:
                parts[name][at] = made[name]
            solved[at] = fits if not few else solved[at] & fits
            error[at] = np.maximum(error[at], window.error if not few else 0.0)
    return OnContours(found, rough, unmoved, ended, solved, error, stable)
