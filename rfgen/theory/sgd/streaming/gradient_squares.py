"""What the square of the mean gradient adds to the noise of batches: the finite-size part of multi-pass descent.

A batch's noise has the covariance  S T + S C S + gbar gbar^T  over B for Gaussian rows, T the training loss, C the weights'
covariance over batches, gbar the mean gradient; the last is linear in b b^T, b = X'y/n, and acts through

    E_jl' = A_j E_jl A_l^T + (1/B) [zeta_j zeta_l (h.E_jl h) + gamma_j gamma_l] g g^T,     gamma = zeta phi - 1

at pairs of nodes of a contour, weights = sum_j -phi(zeta_j) D_j w_j; E is summed with the products w_j.S w_l, w_j.Sigma
w_l, w_j.w_l of the error kernel.  (Derived: theory (7.13).)
"""

__all__ = ["gradient_squares"]

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from rfgen.equivalents.node_kernels import NodeKernels
from rfgen.numerics.compilation.program import program
from rfgen.numerics.quadrature.contours import Curve
from rfgen.theory.sgd.streaming.second_moments import Iteration


def gradient_squares(
    iteration: Iteration, curve: Curve, kernels: NodeKernels, null: float, times: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """What is added to the training loss at the gradient's point (columns, steps) at every step up to the last of `times`;
    and to training loss, test risk and norm (times, 3, columns); columns are the signal and unit label noise.
    """
    own = curve.nodes.size
    half = kernels.bias.shape[1] // 2
    both = np.r_[:own, half : half + own]
    infinity = half - 1
    shares = 2.0 * curve.weights[:, None] * np.concatenate([curve.weights, curve.weights.conj()])

    def products(kernel: np.ndarray) -> np.ndarray:
        """Of the weights themselves: differences from the node at infinity, where weights are 0."""
        own_row, last_row = kernel[:own], kernel[infinity]
        found = own_row[:, both] - own_row[:, [infinity]] - last_row[both] + last_row[infinity]
        return (found * shares).ravel()

    kinds = (kernels.train, kernels.spread, kernels.norm)
    noise = [products(kind[..., 1]) for kind in kinds]
    signal = [products(kind[..., 0] + kind[..., 2]) + null * noisy for kind, noisy in zip(kinds, noise, strict=True)]
    signal[1] = signal[1] + products(kernels.bias)
    forms = np.stack([np.stack(signal), np.stack(noise)], axis=1)  # (3, 2, pairs)
    every, at = _pairs(iteration, jnp.asarray(curve.nodes), jnp.asarray(forms), jnp.asarray(times), int(times[-1]))
    return np.asarray(every).T, np.asarray(at)


@program(static_argnames="steps")
def _pairs(iteration: Iteration, zeta: Array, forms: Array, times: Array, steps: int) -> tuple[Array, Array]:
    size, dtype = iteration.size, zeta.dtype
    first, second = zeta[:, None], jnp.concatenate([zeta, zeta.conj()])
    ridge = iteration.ridge.astype(dtype)
    both = first * second
    noise = 1.0 / iteration.batch

    def matrix(at: Array, t: Array) -> tuple[list[list[Array]], list[Array]]:
        still, gaze, kick = iteration.step(t)
        return [
            [still[i][j].astype(dtype) - (at + ridge) * (kick[i] * gaze[j]).astype(dtype) for j in range(size)]
            for i in range(size)
        ], [part.astype(dtype) for part in gaze]

    def look(state: tuple[Array, ...], gaze: list[Array]) -> Array:
        parts = [gaze[i] * gaze[j] * state[size * i + j] for i in range(size) for j in range(size)]
        return jnp.sum(jnp.stack(parts), axis=0) if size > 1 else parts[0]

    def advance(t: Array, carry: tuple[Any, ...]) -> tuple[Any, ...]:
        state, mean, losses = carry
        (one, gaze), (two, _), (own, _) = matrix(first, t), matrix(second, t), matrix(zeta, t)
        kick = iteration.step(t)[2]
        gamma = -(ridge + zeta * sum(gaze[i] * mean[i] for i in range(size))) / (zeta + ridge)
        seen = look(state, gaze)
        losses = losses.at[t].set((forms[0] @ seen.ravel()).real)
        fresh = both * seen + gamma[:, None] * jnp.concatenate([gamma, gamma.conj()])
        half = [[sum(one[i][k] * state[size * k + j] for k in range(size)) for j in range(size)] for i in range(size)]
        state = tuple(
            sum(half[i][k] * two[j][k] for k in range(size)) + (noise * kick[i] * kick[j]).astype(dtype) * fresh
            for i in range(size) for j in range(size)
        )
        return state, tuple(sum(own[i][k] * mean[k] for k in range(size)) for i in range(size)), losses

    def run(carry: tuple[Any, Any], until: Array) -> tuple[tuple[Any, Any], Array]:
        t, inner = carry
        inner = jax.lax.fori_loop(t, until, advance, inner)
        return (until, inner), (forms @ inner[0][0].ravel()).real

    start = (
        (jnp.zeros((zeta.size, 2 * zeta.size), dtype),) * size**2, (jnp.ones_like(zeta),) * size,
        jnp.zeros((steps + 1, forms.shape[1])),
    )
    (last, (state, _, losses)), found = jax.lax.scan(run, (jnp.zeros((), times.dtype), start), times)
    gaze = matrix(zeta, last)[1]
    return losses.at[last].set((forms[0] @ look(state, gaze).ravel()).real), found
