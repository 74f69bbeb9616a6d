"""Weights along stochastic gradient descent on given rows, in numpy, batches drawn with replacement."""

__all__ = ["batch_fit"]

import itertools
from typing import Any

import numpy as np
from jaxtyping import Float

from rfgen.problems.trainings.stochastic import SGD
from rfgen.simulation.random_numbers import HostKey, fold_in, integers


def batch_fit(
    key: HostKey, training: SGD, rows: Float[np.ndarray, "n p"], labels: Float[np.ndarray, "n columns"],
    mixing: Float[np.ndarray, "p k"] | None,
) -> np.ndarray:
    """Weights (settings, columns, p or k) at all settings, in the order of the training's axes, steps last."""
    axes = {name: np.atleast_1d(values) for name, values in training.axes.items()}
    steps, n = axes.pop("steps").astype(int), rows.shape[0]
    design = rows if mixing is None else rows @ mixing
    found = []
    for values in itertools.product(*axes.values()):
        at: dict[str, Any] = {"momentum": 0.0, "ridge": 0.0} | dict(zip(axes, values, strict=True))
        batch = int(at["batch"])
        drawn = integers(fold_in(key, batch), int(steps.max()) * batch, n).reshape(-1, batch)
        found.append(_descend(at, training.nesterov, design, labels, drawn, steps))
    return np.concatenate(found)


def _descend(
    at: dict[str, Any], nesterov: bool, design: np.ndarray, labels: np.ndarray, drawn: np.ndarray, steps: np.ndarray
) -> np.ndarray:
    """(steps, columns, k)."""
    weights = before = np.zeros((labels.shape[1], design.shape[1]))
    kept = {0: weights}
    for t, batch in enumerate(drawn):
        x, y = design[batch], labels[batch].T
        change = at["momentum"] * (weights - before)
        point = weights + change if nesterov else weights
        gradient = (point @ x.T - y) @ x / len(batch) + at["ridge"] / design.shape[0] * point
        weights, before = weights + change - at["rate"] * gradient, weights
        if t + 1 in steps:
            kept[t + 1] = weights
    return np.stack([kept[int(step)] for step in steps])
