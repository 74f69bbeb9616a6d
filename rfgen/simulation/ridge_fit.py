"""Ridge fits of one training set for all ridges from one eigendecomposition, on the kernel or on random features."""

__all__ = ["Fit", "draw_features", "fit_kernel", "fit_random_features"]

from collections.abc import Callable
from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from rfgen.simulation.samplers import Sample, standard_normals


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Fit:
    """Fits to several label columns: `weights` (ridges, columns, modes) in eigen-coordinates, `residuals`
    (ridges, columns, n) = labels - fit on the training rows, `gram` (ridges, columns, columns): inner products of the
    trained weights (the features' own, where there are features), `tail_error` (ridges, columns, columns): covariance of
    the predictions on unresolved modes.
    """

    weights: Float[Array, "ridges columns modes"]
    residuals: Float[Array, "ridges columns n"]
    gram: Float[Array, "ridges columns columns"]
    tail_error: Float[Array, "ridges columns columns"]


def _ridge_path(design: Array, labels: Array, ridges: Array) -> tuple[Array, Array]:
    """Weights (ridges, columns, p) and residuals (ridges, columns, n) of `design` (n, p); decomposes the smaller side."""
    n, p = design.shape
    if n <= p:
        values, vectors = jnp.linalg.eigh(design @ design.T)
        response = vectors.T @ labels
    else:
        values, vectors = jnp.linalg.eigh(design.T @ design)
        response = vectors.T @ (design.T @ labels)
    # directions below rounding are not fitted: the minimum-norm solution at ridge 0
    rounding = max(n, p) * jnp.finfo(design.dtype).eps * values[-1]
    shifted = values + ridges[:, None]
    gains = jnp.where(values > rounding, 1.0 / jnp.where(shifted > 0, shifted, 1.0), 0.0)
    inner = jnp.einsum("jc,rj->rcj", response, gains)
    count, columns, size = inner.shape
    inner = (inner.reshape(count * columns, size) @ vectors.T).reshape(count, columns, size)
    if n <= p:
        weights = (inner.reshape(count * columns, size) @ design).reshape(count, columns, p)
        # labels - K (K + ridge)^-1 labels, without the cancellation; unfitted directions keep their whole residual
        remain = jnp.where(values > rounding, ridges[:, None] * gains, 1.0)
        residuals = jnp.einsum("jc,rj->rcj", response, remain)
        residuals = (residuals.reshape(count * columns, size) @ vectors.T).reshape(count, columns, n)
        return weights, residuals
    fitted = (inner.reshape(count * columns, p) @ design.T).reshape(count, columns, n)
    return inner, labels.T[None] - fitted


def fit_kernel(sample: Sample, labels: Array, ridges: Array) -> Fit:
    """Kernel ridge regression; the unresolved tail adds its trace to the ridge, in law up to its squared eigenvalues."""
    total = ridges + sample.tail
    weights, residuals = _ridge_path(sample.rows, labels, total)
    shrink = jnp.where(total > 0, ridges / jnp.where(total > 0, total, 1.0), 1.0)
    gram = jnp.einsum("rcp,rdp->rcd", weights, weights)
    # the tail's weights are X_tail' dual, dual = residual / (ridge + tail)
    dual = residuals / jnp.where(total > 0, total, 1.0)[:, None, None]
    gram = gram + sample.tail * jnp.einsum("rcn,rdn->rcd", dual, dual)
    return Fit(weights, residuals * shrink[:, None, None], gram, jnp.zeros_like(gram))


def draw_features(key: Array, sample: Sample, features: int, rank: int) -> tuple[Array, Callable[[Array], Array]]:
    """Gaussian random features `Z = X G / sqrt(features)` (n, features), and the map of trained weights to those of modes.

    The map takes (features, rank) to (modes, rank), orthonormal columns where n < modes.  There the features are drawn
    given the rows: Z has Gaussian columns with covariance X X', and the weights G a / sqrt(features) that a fit a needs are
    drawn given Z, exact in law (Matheron's rule) at the cost of n^2 instead of modes x features numbers.
    """
    rows, dtype = sample.rows, sample.rows.dtype
    n, modes = rows.shape
    scale = 1.0 / jnp.sqrt(jnp.asarray(features, dtype))
    if n >= modes:
        mixing, white = standard_normals(key, dtype, (modes, features), (n, features))
        mixing = mixing * scale
        return rows @ mixing + jnp.sqrt(sample.tail) * scale * white, lambda trained: mixing @ trained
    white, prior, prior_tail = standard_normals(key, dtype, (n, features), (modes, rank), (n, rank))
    gram = rows @ rows.T
    # the unresolved tail, and enough to keep a rank-deficient factor real
    diagonal = sample.tail + 4 * jnp.finfo(dtype).eps * jnp.trace(gram)
    factor = jnp.linalg.cholesky(gram + diagonal * jnp.eye(n, dtype=dtype))
    design = factor @ (white * scale)

    def lift(basis: Array) -> Array:
        surprise = design @ basis - (rows @ prior + prior_tail * jnp.sqrt(diagonal)) * scale
        return prior * scale + rows.T @ jax.scipy.linalg.cho_solve((factor, True), surprise)

    return design, lift


def fit_random_features(key: Array, sample: Sample, labels: Array, ridges: Array, features: int) -> Fit:
    """Ridge regression on `features` Gaussian random features `Z = X G / sqrt(features)`."""
    n, modes = sample.rows.shape
    rank = min(features, ridges.size * labels.shape[1])  # of all fitted feature weights together
    design, lift = draw_features(key, sample, features, rank)
    trained, residuals = _ridge_path(design, labels, ridges)
    count, columns, _ = trained.shape
    flat = trained.reshape(count * columns, features)
    if n < modes:
        basis, mix = jnp.linalg.qr(flat.T)
        weights = (lift(basis) @ mix).T
    else:
        weights = lift(flat.T).T
    gram = jnp.einsum("rcp,rdp->rcd", trained, trained)
    return Fit(weights.reshape(count, columns, modes), residuals, gram, sample.tail / features * gram)
