"""Sensitivity of the neural tangent kernel's features of k hidden units, fitted to noise.

Features x_a φ'(w_j·x)/√(dk), w_j ~ N(0, I/d), of x ~ N(0, I) in R^d: dk of them.  The d directions Σ_j x_a φ'(w_j·x) have
eigenvalue (c² + v/k)/d, the d (k - 1) others v/(dk), with c = E φ'(z) and v = Var φ'(z).  Functions of degree one have the
squared gradient of their own square, those with φ' less its mean 1 + E φ''²/v times that.  Exact as d and n grow together
and then k, to relative orders 1/d and 1/k: of tanh at d = 200, n = 160 simulations are 17(6), 8(2), 2(2), -1(3) % above
for k = 5, 10, 20, 40.  Derived.
"""

__all__ = ["exact", "measured"]

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import rfgen as rg

NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(120)
POINTS = 400


def _slopes(activation: Callable[[Any], Any], at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """First and second derivative."""
    slope = jax.grad(activation)
    with jax.enable_x64(True):
        flat = jnp.asarray(at).ravel()
        return tuple(np.asarray(jax.vmap(one)(flat)).reshape(at.shape) for one in (slope, jax.grad(slope)))


def exact(activation: Callable[[Any], Any], dim: int, n: int, features: Any, noise: float) -> np.ndarray:
    """E|∇f|² at `features` = dim · k > n, as many as asked for."""
    first, second = _slopes(activation, NODES)
    mean, square, bend = (float(WEIGHTS @ part) / np.sqrt(2.0 * np.pi) for part in (first, first**2, second**2))
    spread, found = square - mean**2, []
    for units in np.ravel(features) / dim:
        top, other = (mean**2 + spread / units) / dim, spread / (units * dim)
        counts = np.array([dim, dim * (units - 1.0)])
        task = rg.Task([top, other], [0.0, 0.0], noise, counts)
        point = rg.predict(task, rg.Learner(rg.Ridge(0.0)), n=n)
        learned = 1.0 / (1.0 + float(point.gamma) / np.array([top, other]))
        held = counts * learned**2 * float(point.test) / n
        steep = 1.0 + bend / spread
        linear = mean**2 / (mean**2 + spread / units)
        found.append(held @ [linear + (1.0 - linear) * steep, steep])
    return np.array(found)


def measured(
    activation: Callable[[Any], Any], dim: int, n: int, features: int, noise: float, trials: int, seed: int
) -> tuple[float, float]:
    """Mean over trials of E|∇f|² at fresh inputs, and its standard error; `features` a multiple of `dim`."""
    found = []
    for trial in range(trials):
        drawn = np.random.default_rng([seed, n, features, trial])
        inputs, layer = drawn.normal(size=(n, dim)), drawn.normal(size=(features // dim, dim)) / dim**0.5
        slopes, _ = _slopes(activation, inputs @ layer.T)
        kernel = (inputs @ inputs.T) * (slopes @ slopes.T) / features
        weights = np.linalg.solve(kernel, noise**0.5 * drawn.normal(size=n))
        trained = (slopes * weights[:, None]).T @ inputs / features
        points = drawn.normal(size=(POINTS, dim))
        first, second = _slopes(activation, points @ layer.T)
        gradients = first @ trained + (points @ trained.T * second) @ layer
        found.append(np.mean(np.sum(gradients**2, axis=1)))
    return float(np.mean(found)), float(np.std(found, ddof=1) / trials**0.5)
