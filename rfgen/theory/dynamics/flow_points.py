"""Gradient flow at many points in one program, each on few nodes of its own: for pictures.

One time is served by far fewer nodes than a decade: N of a parabola are right to 8.1^-N (Weideman and Trefethen,
doi 10.1090/S0025-5718-07-01945-X): of the risk 2e-6 was measured.  `trajectory` takes 48, and checks them by 32 others.
Equations: theory (6.5), (6.6) and (6.9).
"""

__all__ = ["flow_points"]

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from rfgen.equivalents.node_kernels import node_kernels
from rfgen.equivalents.path_equilibria import approach, path_equilibria
from rfgen.numerics.compilation.program import program
from rfgen.theory.dynamics.ends import blocks_of
from rfgen.theory.ridge.block_risk import AugmentedProblem

NODES = 7
# Every second step of the approach is taken; times, in units of 1/trace, before which nothing is learned, and after all.
STRIDE, UNMOVED, ENDED = 2, 1e-12, 1e30
# Newton's last step, whose square is left: a quarter fewer than to the last digit.
SMALLEST = 1e-4


def flow_points(
    problem: AugmentedProblem, n: Any, features: Any, ridge: Any, time: Any, noise: Any, unit: float
) -> dict[str, np.ndarray]:
    """test, train, bias, variance, noise (points,) at n, features, ridge over n, time and label noise (points,); `unit` of
    time is 1/`total_trace(problem)`.

    As `trajectory` at each point, of one output and without initial weights, to about 1e-6.

    >>> import jax, rfgen
    >>> from rfgen.theory.dynamics.ends import total_trace
    >>> from rfgen.theory.ridge.block_risk import augmented_modes
    >>> task = rfgen.Task.power_law(alpha=1.5, beta=1.5, noise=0.5, modes=2000)
    >>> with jax.enable_x64(True):
    ...     problem, *_ = augmented_modes(task, None)
    ...     drawn = flow_points(problem, [256.0], [1000.0], [0.0], [10.0], [0.5], 1.0 / total_trace(problem))
    >>> drawn["test"].round(4).tolist()
    [1.1478]
    """
    given = (n, features, ridge, np.clip(time, UNMOVED * unit, ENDED * unit), noise)
    columns = (np.asarray(column, dtype=np.float64) for column in given)
    return {name: np.asarray(part) for name, part in _points.thorough(problem, *columns).items()}


@program
def _points(problem: AugmentedProblem, n: Array, features: Array, ridge: Array, time: Array, noise: Array) -> Any:
    step = 3.0 / NODES
    u = step * (np.arange(NODES) + 0.5)
    plane = math.pi * NODES / 12.0 * (u * u - 1.0 + 2j * u)
    # dz/(2 pi i): upwards on the left is clockwise
    weights = np.exp(-plane) * -math.pi * NODES / 12.0 * (2.0 * u + 2j) * step / (2j * math.pi) / plane
    null = problem.null_power

    def at(n: Array, features: Array, ridge: Array, time: Array, noise: Array) -> Any:
        blocks = blocks_of(problem, n)
        ridges = ridge.astype(complex) - plane / time.astype(complex)
        path = approach(problem.operators, blocks, ridges[0])[::STRIDE]
        nodes = path_equilibria(problem.operators, blocks, features, path, ridges, SMALLEST)
        kernels = node_kernels(problem.operators, blocks, problem.target, features, nodes)
        own = np.append(weights, 0.5 * (1.0 - 2.0 * weights.sum().real))
        both = np.concatenate([own, own.conj()])

        def form(kernel: Array) -> Array:
            return 2.0 * jnp.tensordot(jnp.tensordot(own, kernel, 1), both, ((0,), (0,))).real

        bias, spread, train = form(kernels.bias) + null, form(kernels.spread), form(kernels.train)
        variance, noisy = spread[0] + null * spread[1] + spread[2], noise * (1.0 + spread[1])
        return {
            "test": bias + variance + noisy, "train": jnp.maximum(train[0] + (null + noise) * train[1] + train[2], 0.0),
            "bias": bias, "variance": variance, "noise": noisy,
        }

    return jax.vmap(at)(n, features, ridge, time, noise)
