"""Trainings step by step on explicit weights, in numpy: the slow twins of `rfgen.simulation.fits.spectral_filters`."""

__all__ = ["train"]

import math

import numpy as np
import scipy.linalg


def train(training, design, labels, n, start):
    """Weights (settings, p) of a training from `start` (p,) on `design` (rows, p), settings in the order of its axes."""
    axes = [np.atleast_1d(values) for values in training.axes.values()]
    every = []
    for index in np.ndindex(*(axis.size for axis in axes)):
        setting = {name: axis[i] for name, axis, i in zip(training.axes, axes, index, strict=True)}
        every.append(_one(training, setting, design, labels, n, start))
    return np.stack(every)


def _one(training, setting, design, labels, n, start):
    p, kind = design.shape[1], type(training).__name__
    hessian, slope = design.T @ design / n + setting["ridge"] / n * np.eye(p), design.T @ labels / n
    if kind == "IteratedRidge":
        weights = np.zeros(p)
        for _ in range(setting["steps"]):
            weights = np.linalg.solve(hessian, design.T @ labels / n)
            labels = design @ weights
        return weights
    if kind == "GradientFlow":
        if math.isinf(setting["time"]):
            return np.linalg.solve(hessian, slope)
        # the flow of (weights, 1)
        joint = np.zeros((p + 1, p + 1))
        joint[:p, :p], joint[:p, p] = -hessian, slope
        return (scipy.linalg.expm(setting["time"] * joint) @ np.append(start, 1.0))[:p]
    weights = before = start
    for t in range(setting["steps"]):
        momentum = setting.get("momentum", 0.0)
        if kind == "Nesterov":
            momentum = t / (t + 3) if training.momentum is None else momentum
            ahead = weights + momentum * (weights - before)
            new = ahead - setting["rate"] * (hessian @ ahead - slope)
        else:
            new = weights - setting["rate"] * (hessian @ weights - slope) + momentum * (weights - before)
        weights, before = new, weights
    return weights
