"""Deep linear networks of scalar output, trained by gradient flow from balanced weights: exact on any spectrum.

Layers W_1 ... W_D with W_l+1' W_l+1 = W_l W_l' at the start (a chain of rank one) keep it, and their product, a vector
beta, follows

    beta' = r (g + (D - 1) u u' g),   g = b - S beta,   r = |beta|^(2 - 2/D),   u = beta / |beta|

(b = X'y/n, S = X'X/n).  So beta = Phi(S) b + Psi(S) beta_0 with two scalar clocks, one pair of equations for each node of a
contour:  Phi' = r (1 - zeta Phi) + c Phi,  Psi' = (c - r zeta) Psi,  c = (D - 1) r (b.beta - beta'S beta)/|beta|^2, where
|beta|^2, b.beta and beta'S beta are quadratic forms over the nodes.  (Derived: theory (12.11) and (12.12).)
"""

__all__ = ["BalancedFlow", "balanced_flow"]

from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np

from rfgen.equivalents.node_kernels import NodeKernels
from rfgen.numerics.compilation.precision import needs_double_precision
from rfgen.numerics.quadrature.contours import closed
from rfgen.theory.dynamics.ends import dimension, prediction_covariance
from rfgen.theory.dynamics.trajectory import kernels_at, largest_eigenvalue
from rfgen.theory.ridge.block_risk import AugmentedProblem

# Relative error of the clocks.
TOLERANCE = 1e-9


@dataclass(frozen=True)
class BalancedFlow:
    """Along the times asked for, each (times,): `test` risk with label noise, `train` mean squared residual, `norm`:
    squared length of beta, `clock`: the integral of r, the time of a network of one layer that has come as far.
    """

    test: np.ndarray
    train: np.ndarray
    norm: np.ndarray
    clock: np.ndarray


@needs_double_precision
def balanced_flow(problem: AugmentedProblem, n: Any, depth: Any, time: Any, length: Any, noise: Any = 0.0) -> BalancedFlow:
    """A network of `depth` >= 1 layers at `time` (times,) >= 0, from a product of `length` > 0 and random direction.

    `problem`: of one output, kernel regression in eigen-coordinates (`augmented_modes`); flow on (1/2n)|y - W_D...W_1 X|^2.
    Exact as n and modes grow together.  From small Gaussian weights, which are not balanced, the curve is another one; and
    at depth >= 3 the time of escape from the plateau, of length about length^(2/depth - 1), fluctuates from draw to draw,
    which at n = 120 moves the mean of the steep part by 3 %.

    Source: derived.

    >>> import jax, rfgen
    >>> from rfgen.theory.ridge.block_risk import augmented_modes
    >>> with jax.enable_x64(True):
    ...     problem, *_ = augmented_modes(rfgen.Task.isotropic(180, noise=0.3), None)
    ...     flow = balanced_flow(problem, n=120, depth=2, time=[0.0, 1.0, 10.0], length=0.3, noise=0.3)
    >>> flow.test.round(4).tolist()
    [1.39, 1.0352, 1.1817]
    """
    times = np.asarray(time, dtype=np.float64)
    if depth != int(depth) or depth < 1:
        raise ValueError(f"depth must be an integer >= 1, got {depth!r}")
    if not (np.isfinite(length) and length > 0):
        raise ValueError(f"length must be > 0, got {length!r}")
    if times.ndim != 1 or not np.isfinite(times).all() or (times < 0).any():
        raise ValueError(f"time must be finite numbers >= 0, got {time!r}")
    sizes = (jnp.asarray(n, jnp.float64), jnp.asarray(jnp.inf))
    edge = largest_eigenvalue(problem, *sizes)
    # the contour must leave room for the clock, which is known in the end only
    reach = max(float(times.max()), 1e-300) * max(length, 1.0) ** (2.0 - 2.0 / depth)
    while True:
        found = _solve(problem, sizes, int(depth), times, float(length), noise, edge, reach)
        if found.clock.max() <= reach:
            return found
        reach = 2.0 * float(found.clock.max())


def _solve(
    problem: AugmentedProblem, sizes: tuple[Any, Any], depth: int, times: np.ndarray, length: float, noise: Any,
    edge: float, reach: float,
) -> BalancedFlow:
    from scipy.integrate import solve_ivp

    zeta, weights = closed(reach, edge)
    nodes, kernels = kernels_at(problem, *sizes, [-zeta])
    count, padded = zeta.size, nodes.ridge.shape[0]
    noisy = noise + float(problem.null_power)
    forms = _Forms(kernels, count, padded, noisy)
    modes = float(np.sum(dimension(problem.operators)))
    spread = length**2 / modes
    df1, reached = np.asarray(nodes.df1)[:count], (np.asarray(nodes.traces) @ prediction_covariance(problem))[:count]
    traces = (modes - df1) / np.asarray(nodes.ridge)[:count]

    def measured(phi: np.ndarray, psi: np.ndarray) -> tuple[float, float, float, float]:
        """|beta|^2, b.beta, beta'S beta, test risk."""
        f, h = -phi * weights, -(psi**2) * weights
        norm, along, fitted, test = forms.at(f)
        start = 2.0 * spread * np.real(np.stack([traces, df1, reached]) @ h)
        return norm + float(start[0]), along, fitted + float(start[1]), test + float(start[2]) + noisy

    def rates(_: float, state: np.ndarray) -> np.ndarray:
        phi, psi = state[:count], state[count : 2 * count]
        norm, along, fitted, _ = measured(phi, psi)
        r = norm ** (1.0 - 1.0 / depth)
        c = (depth - 1) * r * (along - fitted) / norm
        return np.concatenate([r * (1.0 - zeta * phi) + c * phi, (c - r * zeta) * psi, [r]])

    state = np.concatenate([np.zeros(count), np.ones(count), [0.0]]).astype(complex)
    wanted = np.unique(np.append(times, 0.0))
    flow = solve_ivp(rates, (0.0, wanted[-1]), state, "DOP853", wanted, rtol=TOLERANCE, atol=TOLERANCE * 1e-2)
    if not flow.success:
        raise ArithmeticError(f"the flow was not solved: {flow.message}")
    found = np.array([measured(at[:count], at[count : 2 * count]) for at in flow.y.T])
    where = np.searchsorted(wanted, times)
    power = forms.null + noisy
    return BalancedFlow(
        # differences of numbers near the start's: 1e-15 of that is left of what has vanished
        test=np.maximum(found[where, 3], noise), train=np.maximum(power - 2.0 * found[:, 1] + found[:, 2], 0.0)[where],
        norm=found[where, 0],
        clock=np.real(flow.y[-1])[where],
    )


class _Forms:
    """Linear and quadratic forms of the filters, from the kernels."""

    def __init__(self, kernels: NodeKernels, count: int, padded: int, noise: Any) -> None:
        half = np.arange(count)
        both = np.concatenate([half, padded + 1 + half])
        train = kernels.train[..., 0] + kernels.train[..., 2] + noise * kernels.train[..., 1]
        norm = kernels.norm[..., 0] + kernels.norm[..., 2] + noise * kernels.norm[..., 1]
        test = kernels.bias + kernels.spread[..., 0] + kernels.spread[..., 2] + noise * kernels.spread[..., 1]
        self.null = float(np.real(train[padded, padded])) - noise
        power, self._bias = np.real(train[padded, padded]), float(np.real(test[padded, padded]))
        self._along = power - train[half, padded]
        fitted = train[np.ix_(half, both)] - train[half, padded][:, None] - train[padded, both][None] + power
        self._missed = test[half, padded] - self._bias
        learned = test[np.ix_(half, both)] - test[half, padded][:, None] - test[padded, both][None] + self._bias
        self._forms = [_squares(form) for form in (norm[np.ix_(half, both)], fitted, learned)]

    def at(self, f: np.ndarray) -> tuple[float, float, float, float]:
        """|beta|^2, b.beta, beta'S beta and the test risk without label noise, of beta = sum_j f_j w_j."""
        parts = np.concatenate([np.real(f), np.imag(f)])
        norm, fitted, learned = (2.0 * float(signs @ (factor @ parts) ** 2) for signs, factor in self._forms)
        along = 2.0 * float(np.real(f @ self._along))
        return norm, along, fitted, self._bias + 4.0 * float(np.real(f @ self._missed)) + learned


def _squares(form: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Re(f form (f, f*)) as signed squares of combinations of (Re f, Im f): signs (rank,), factor (rank, 2 nodes).

    Kernels are smooth along the contour: of 256 squares some 25 are not rounding (a random task: 29 CPU s before, 12 so).
    """
    (same, other), (turned, crossed) = (np.split(part, 2, axis=1) for part in (np.real(form), np.imag(form)))
    real = np.block([[same + other, crossed - turned], [-turned - crossed, other - same]])
    values, vectors = np.linalg.eigh((real + real.T) / 2.0)
    kept = np.abs(values) > np.finfo(float).eps * np.abs(values).max()
    return np.sign(values[kept]), (vectors[:, kept] * np.sqrt(np.abs(values[kept]))).T
