"""Settings at which theory and Monte-Carlo are compared: name, task, learner, n, trials.

Each runs at n, 2n, 4n (features and, where it matters, the spectrum's size grow along), so that the finite-size
allowance is seen to shrink.
"""

import math
from functools import cache

import numpy as np

import rfgen as rg

__all__ = ["GAUSSIAN", "REAL"]


def _task(kind, noise, scale):
    """Tasks whose difficulty is the same at every `scale`: dimension-like parameters grow with it."""
    if kind == "steep":
        return rg.Task.power_law(1.8, 1.4, noise, modes=1000 * scale)
    if kind == "flat":
        return rg.Task.power_law(1.2, 1.6, noise, modes=500 * scale)
    if kind == "infinite":
        return rg.Task.power_law(1.5, 1.5, noise)
    if kind == "isotropic":
        return rg.Task.isotropic(80 * scale, signal=1.0, noise=noise)
    if kind == "two-level":
        spectrum = rg.Spectrum.two_level((20 * scale, 200 * scale), (1.0, 0.02))
        return rg.Task(spectrum, [0.7, 0.3], noise)
    if kind == "exponential":
        return rg.Task.exponential(0.1 / scale, 1.2, noise, modes=300 * scale)
    if kind == "zeros":
        return rg.Task([1.0, 0.1, 0.0], [1.0, 0.5, 0.25], noise, [15 * scale, 100 * scale, 50 * scale])
    raise AssertionError(kind)


# kind of task, noise, n, features, ridge; scaled together by 1, 2, 4.  n below, at, above features; n above and below the
# number of modes; ridge 0 to large; noise 0 to large.
GAUSSIAN = {
    f"{kind}-noise{noise:g}-n{n}-k{features:g}-ridge{ridge:g}": (kind, noise, n, features, ridge)
    for kind, noise, n, features, ridge in [
        ("steep", 0.5, 50, math.inf, 0.0),
        ("steep", 0.0, 50, math.inf, 0.0),
        ("steep", 0.5, 50, math.inf, 0.1),
        ("steep", 5.0, 50, math.inf, 10.0),
        ("steep", 0.5, 60, 30, 0.0),
        ("steep", 0.5, 60, 30, 1e-3),
        ("steep", 0.5, 60, 60, 0.1),
        ("steep", 0.0, 60, 60, 0.01),
        ("steep", 0.5, 60, 150, 0.0),
        ("steep", 0.5, 60, 150, 0.05),
        ("flat", 0.1, 50, math.inf, 0.0),
        ("flat", 0.0, 50, math.inf, 1.0),
        ("flat", 2.0, 60, 25, 0.0),
        ("flat", 0.1, 60, 60, 0.3),
        ("flat", 0.1, 60, 200, 1e-6),
        ("flat", 0.1, 40, 400, 100.0),
        ("infinite", 0.5, 50, math.inf, 0.0),
        ("infinite", 0.5, 50, 120, 0.01),
        ("infinite", 0.1, 80, 40, 0.1),
        ("isotropic", 0.5, 40, math.inf, 0.0),
        ("isotropic", 0.5, 160, math.inf, 0.0),
        ("isotropic", 0.5, 80, math.inf, 5.0),
        ("isotropic", 0.5, 160, 120, 0.0),
        ("isotropic", 0.5, 160, 40, 1.0),
        ("isotropic", 0.0, 40, 120, 0.0),
        ("isotropic", 3.0, 160, 160, 10.0),
        ("two-level", 0.2, 60, math.inf, 0.0),
        ("two-level", 0.2, 60, 40, 0.1),
        ("two-level", 0.2, 300, 260, 0.5),
        ("exponential", 0.1, 50, math.inf, 1e-3),
        ("exponential", 0.1, 50, 100, 1e-2),
        ("zeros", 0.1, 60, math.inf, 0.0),
        ("zeros", 0.1, 200, 80, 1e-2),
        ("zeros", 0.1, 200, math.inf, 1.0),
    ]
}


def gaussian(name, scale):
    """Task, learner, n of a setting at one scale."""
    kind, noise, n, features, ridge = GAUSSIAN[name]
    # a ridge in units of n keeps the effective ridge fixed where the spectrum is scaled along
    grown = ridge * scale if kind in ("isotropic", "two-level", "zeros") else ridge
    return _task(kind, noise, scale), rg.Learner(rg.Ridge(grown), features=features * scale), n * scale


@cache
def digits_task(kind, noise=0.0):
    """Bundled digits: random features (frozen), or a kernel matrix of unit-norm images."""
    inputs, labels = rg.datasets.digits()
    if kind == "tanh":
        return rg.DataTask(
            inputs, labels, rg.RandomFeatureMap(200, "tanh", seed=0), noise=noise, sampling="with replacement"
        )
    if kind == "relu":
        return rg.DataTask(
            inputs, labels, rg.RandomFeatureMap(300, "relu", seed=1), noise=noise, sampling="with replacement"
        )
    unit = inputs / np.linalg.norm(inputs, axis=1, keepdims=True)
    kernel = {"gaussian": rg.GaussianKernel(0.7), "ntk": rg.NTK("relu", depth=2)}[kind]
    return rg.Task.from_kernel(kernel(np.clip(unit @ unit.T, -1.0, 1.0)), labels, noise=noise, sampling="with replacement")


# kind of features or kernel, noise, random features on top, ridge; at n = 50, 100, 200
REAL = {
    "tanh-features": ("tanh", 0.0, math.inf, 0.15),
    "tanh-features-noise": ("tanh", 0.5, math.inf, 0.02),
    "relu-features": ("relu", 0.0, math.inf, 0.05),
    "gaussian-kernel": ("gaussian", 0.0, math.inf, 2.0),
    "gaussian-kernel-noise": ("gaussian", 0.5, math.inf, 1.0),
    "ntk-kernel": ("ntk", 0.0, math.inf, 5.0),
    "ntk-kernel-features": ("ntk", 0.0, 150, 5.0),
}
# Outside the regime: so little ridge that the learner knows the repeated rows of a small population by heart.
REPEATED_ROWS = ("ntk", 0.0, math.inf, 0.3)
