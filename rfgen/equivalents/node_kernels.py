"""The error kernel for all pairs of the nodes of a contour, and their conjugates, and the node at infinity.

A spectral algorithm's weights are sums over nodes, w_t = sum_a f_a w(ridge_a), so its risk is a quadratic form in f over
the kernel of all pairs.  The last node stands for infinite ridge, w = 0; its weight is 1 - sum_a f_a.
Equations: theory (6.6) and (6.7).
"""

__all__ = ["NodeKernels", "magnitude", "node_kernels", "quadratic_form"]

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from rfgen.equivalents.augmented.block_equilibrium import BlockEquilibrium
from rfgen.equivalents.augmented.block_error_kernel import block_error_kernel
from rfgen.equivalents.augmented.blocks import Blocks
from rfgen.equivalents.held_out_target import HeldOutTarget, at_clean_points
from rfgen.equivalents.targets import MeanFit
from rfgen.numerics.compilation.at_points import in_batches
from rfgen.numerics.compilation.record import record

# Numbers of all pairs computed together: below it matrix products are thin, above it memory counts (750 x 1500 pairs of
# one block: 2.9 s with 2^21, 1.2 s with 2^23).
TOGETHER = 2**23


@record
class NodeKernels:
    """Between the nodes, rows (nodes + 1,), and the nodes and their conjugates, columns (2 (nodes + 1),); the last node of
    each half is at infinity.  `bias`: of the mean weights on the test population; `spread`, `train` (summed over groups, or
    with an axis of them), `norm`: by source (target, unit label noise, features) along an axis of 3 behind the groups.
    A target of several test populations gives `bias` and `spread` an axis of them, the last.
    """

    bias: Any
    spread: Any
    train: Any
    norm: Any


def node_kernels(
    operators: Any, blocks: Blocks, target: Any, features: Array, nodes: BlockEquilibrium, shared: str = "all",
    by_group: bool = False,
) -> NodeKernels:
    """Kernels of the equilibria `nodes` (nodes, ...); `shared` as in `block_error_kernel`; `train` also `by_group`."""
    means = jax.vmap(lambda at: target.mean(operators, blocks, at))(nodes)
    at = jax.tree.map(_with_infinity, nodes, _infinity(nodes))
    means = jax.tree.map(_with_infinity, means, target.untrained(operators))
    sided = jax.vmap(operators.sided)(at.resolvent)
    others, other_means = (jax.tree.map(_with_conjugates, each) for each in (at, means))
    unit = (target.label[:, :, None] * target.label[:, None]).astype(at.nu.dtype)
    bare = _without_resolvent(others)

    def row(one: tuple[BlockEquilibrium, Any, Array]) -> NodeKernels:
        first, mean, side = one
        fits = target.mean_fit_row(operators, blocks, mean, other_means)
        pair = _with_both(operators.pair_row, side, sided)
        plain = _with_both(operators.plain_row, side, at.resolvent)

        def kernel(pair: Array, plain: Array, second: BlockEquilibrium, other: Any, fit: MeanFit) -> Any:
            of = block_error_kernel(pair, plain, blocks, first, second, features, fit.residuals, unit, fit.norm, shared)
            train = of.train if by_group else jnp.sum(of.train, axis=0)
            if isinstance(target, HeldOutTarget):
                means = mean, other
                bias, spread = at_clean_points(
                    operators, blocks, target, first, second, means, fit.residuals, of.spread, shared
                )
            else:
                bias, spread = fit.bias, of.spread @ target.test.astype(fit.norm.dtype)
            return NodeKernels(bias, spread, train, of.norm)

        return jax.vmap(kernel)(pair, plain, bare, other_means, fits)

    numbers = 64 + blocks.covariance.size + blocks.covariance.shape[-1] ** 2
    size = max(1, TOGETHER // (others.nu.shape[0] * numbers))
    return in_batches(row, (_without_resolvent(at), means, sided), size)


def _infinity(nodes: BlockEquilibrium) -> BlockEquilibrium:
    """Resolvent 0, reduction 1; the rest only keeps the equations of the features regular."""
    identity = jnp.broadcast_to(jnp.eye(nodes.reduction.shape[-1], dtype=nodes.nu.dtype), nodes.reduction.shape[1:])
    zero = jax.tree.map(lambda leaf: jnp.zeros_like(leaf[0]), nodes)
    return BlockEquilibrium(**{**vars(zero), "reduction": identity, "nu": jnp.ones_like(zero.nu),
                               "ridge": jnp.ones_like(zero.ridge)})


def _without_resolvent(at: BlockEquilibrium) -> BlockEquilibrium:
    return BlockEquilibrium(**{**vars(at), "resolvent": None})


def _with_infinity(leaf: Array, last: Array) -> Array:
    return jnp.concatenate([leaf, last[None]])


def _with_both(product: Callable[[Array, Array], Array], one: Array, others: Array) -> Array:
    """A bilinear `product` of one with many, and with their conjugates: four real products are half of the complex two."""
    rr, ri, ir, ii = (product(a, b) for a in (one.real, one.imag) for b in (others.real, others.imag))
    return jnp.concatenate([jax.lax.complex(rr - ii, ri + ir), jax.lax.complex(rr + ii, ir - ri)])


def _with_conjugates(leaf: Array) -> Array:
    return jnp.concatenate([leaf, jnp.conj(leaf)])


def quadratic_form(filters: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """sum_ab f_a f_b K_ab... over nodes, conjugates and infinity, (times, ...), for `filters` (times, nodes)."""
    own = _all_nodes(filters)
    # real parts of f K f + f L f*, as a form in the real and imaginary parts of f: half of the complex products
    one, other = np.split(kernel, 2, axis=1)
    plus, minus = one + other, other - one
    rows = (np.real(plus), np.imag(minus)), (-np.imag(plus), np.real(minus))
    real = np.concatenate([np.concatenate(row, axis=1) for row in rows])
    both = np.concatenate([np.real(own), np.imag(own)], axis=1)
    if kernel.ndim == 2:
        return 2.0 * np.einsum("tb,tb->t", both @ real, both)
    return 2.0 * np.einsum("tb...,tb->t...", np.tensordot(both, real, 1), both)


def magnitude(filters: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """sum_ab |f_a| |f_b| |K_ab| for `sizes` |K|: the sum in `quadratic_form` is right to its roundings."""
    own = np.abs(_all_nodes(filters))
    return 2.0 * np.einsum("tb,tb->t", own @ sizes, np.concatenate([own, own], axis=1))


def _all_nodes(filters: np.ndarray) -> np.ndarray:
    rest = 0.5 * (1.0 - 2.0 * filters.sum(axis=1).real)  # each half has a node at infinity
    return np.concatenate([filters, rest[:, None]], axis=1)
