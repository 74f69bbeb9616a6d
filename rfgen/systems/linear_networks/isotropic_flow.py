"""Linear networks on isotropic inputs, trained by gradient flow from random weights: the curves of Advani and Saxe.

In their own terms (arXiv 1710.03667): N inputs of variance 1/N, P = alpha N samples, teacher weights of variance sigma_w^2,
label noise sigma_e^2, initial weights of variance sigma_w0^2; `tau dw/dt = (y - wX)X'`, so that each eigenvalue lambda of
XX' (Marchenko-Pastur law) is learned at rate lambda/tau.

    snr = sigma_w^2 / sigma_e^2      initial_to_noise = sigma_w0^2 / sigma_e^2      time = t / tau
    errors and norm in units of sigma_w^2

The same in the terms of the rest of rfgen, where inputs have variance 1 and the flow descends (1/2n)|y - Xw|^2:
`Task.isotropic(N, signal=1, noise=1/snr)`, n = alpha N, `GradientFlow` time = alpha * time; norm is then the squared
length of the weights.  So the verbs have this curve, on any spectrum; here is the closed formula, as pure functions.

A mode that is learned for a time t keeps a share e^(-lambda t) of its initial error and takes up the share
1 - e^(-lambda t) of the noise; the modes of eigenvalue 0, a fraction 1 - alpha of all if alpha < 1, are frozen.  Test error
first falls and then rises: its derivative is the Laplace transform of a density on the lambdas that changes sign once,
hence has itself one zero (variation diminishing property): the minimum is unique.  Equations: theory (6.11) and (6.12).
"""

__all__ = ["IsotropicFlow", "OptimalRidge", "isotropic_flow", "optimal_ridge", "optimal_time", "overtraining"]

from typing import Any

import jax
import jax.numpy as jnp
from jax.nn import logsumexp
from jaxtyping import Array, Float

from rfgen.numerics.compilation.precision import needs_double_precision
from rfgen.numerics.compilation.record import record
from rfgen.numerics.marchenko_pastur import marchenko_pastur_edges, marchenko_pastur_quadrature
from rfgen.numerics.monotone_root import decreasing_root

# Times beyond this count as infinite: what still moves then has an eigenvalue below 1e-40, and the least positive edge
# of the bulk in double precision is 1e-33 (alpha = 1 itself diverges as time does).
LATEST = 1e40


@record
class IsotropicFlow:
    """One point of a curve, in units of sigma_w^2; every field is a scalar (), or batched by vmap.

    `test` error with label noise = `frozen + approximation + overfitting + noise`: error of the modes never seen, what the
    seen modes have not learned yet, noise they have taken up, and label noise 1/snr.  `train`: mean squared training
    residual.  `norm`: mean squared weight.  `slope`: derivative of `test` in t/tau.
    """

    test: Float[Array, "*batch"]
    train: Float[Array, "*batch"]
    frozen: Float[Array, "*batch"]
    approximation: Float[Array, "*batch"]
    overfitting: Float[Array, "*batch"]
    noise: Float[Array, "*batch"]
    norm: Float[Array, "*batch"]
    slope: Float[Array, "*batch"]


@record
class OptimalRidge:
    """The best `ridge` and the `test` error there, scalars () or batched by vmap."""

    ridge: Float[Array, "*batch"]
    test: Float[Array, "*batch"]


@needs_double_precision
@jax.jit
def isotropic_flow(alpha: Any, snr: Any, time: Any, initial_to_noise: Any = 0.0) -> IsotropicFlow:
    """Errors of a linear network after training for `time` = t/tau on P = `alpha` N samples.

    All four are scalars, traceable: alpha > 0, snr in (0, inf], time in [0, inf], initial_to_noise >= 0 (and 0 where snr is
    inf: it counts in units of the noise).  time = inf, and any beyond 1e40, is the closed limit: `test` is inf at alpha = 1
    with noise.

    Exact as N grows at fixed alpha, for inputs with independent coordinates of finite fourth moment, any distribution of
    teacher and initial weights; the error at finite N is of relative order 1/N.  The averages are right to 1e-13.

    Source: arXiv 1710.03667 (test and train error), derived (train error with initial weights, norm, slope).

    >>> import jax
    >>> with jax.enable_x64(True):
    ...     point = isotropic_flow(alpha=1.0, snr=5.0, time=1000.0)
    ...     limit = isotropic_flow(alpha=0.5, snr=5.0, time=jax.numpy.inf, initial_to_noise=2.5)
    >>> round(float(point.test), 2), round(float(limit.frozen), 12), round(float(limit.test), 12)
    (4.29, 0.75, 1.15)
    """
    alpha, snr, time, initial_to_noise = _doubles(alpha, snr, time, initial_to_noise)
    eigenvalues, weights = marchenko_pastur_quadrature(alpha)
    noise, initial = 1.0 / snr, initial_to_noise / snr
    endless = time > LATEST
    # a finite time in the branch not taken, where the derivative of exp(-lambda inf) would be NaN
    exponent = eigenvalues * jnp.where(endless, 0.0, time)
    kept, taken = jnp.exp(-exponent), -jnp.expm1(-exponent)
    unseen, seen = jnp.maximum(0.0, 1.0 - alpha), jnp.minimum(1.0, alpha)

    def bulk(values: Array, limit: Any) -> Array:
        return jnp.where(endless, limit, weights @ values)

    left = bulk(kept * kept, 0.0)
    uptake = bulk(taken * taken / eigenvalues, _inverse_mean(alpha))
    # without noise nothing is taken up, not at alpha = 1 and t = inf either
    overfitting = noise * jnp.where(noise > 0.0, uptake, 0.0)
    frozen = unseen * (1.0 + initial)
    approximation = (1.0 + initial) * left
    residual = bulk((eigenvalues * (1.0 + initial) + noise) * kept * kept, 0.0)
    return IsotropicFlow(
        test=frozen + approximation + overfitting + noise,
        train=residual / alpha + jnp.maximum(0.0, 1.0 - 1.0 / alpha) * noise,
        frozen=frozen,
        approximation=approximation,
        overfitting=overfitting,
        noise=noise,
        norm=initial * (unseen + left) + bulk(taken * taken, seen) + overfitting,
        slope=bulk(2.0 * kept * (noise * taken - eigenvalues * (1.0 + initial) * kept), 0.0),
    )


@needs_double_precision
@jax.jit
def optimal_time(alpha: Any, snr: Any, initial_to_noise: Any = 0.0) -> Float[Array, ""]:
    """The t/tau at which test error is least; inf without noise, where training never hurts.

    Scalars as in `isotropic_flow`, traceable, differentiable to every order (implicit function theorem).  A mode alone
    should stop at t/tau = log(1 + lambda (snr + initial_to_noise)) / lambda (arXiv 1710.03667), a decreasing function of
    lambda: those of the two edges bracket the common optimum, which is found by Newton's method in log t.  Derived.  At
    alpha = 1 the optimum grows like snr, and 1e40 is returned above that.

    >>> import jax
    >>> with jax.enable_x64(True):
    ...     best = optimal_time(alpha=1.0, snr=5.0)
    ...     slope = isotropic_flow(1.0, 5.0, best).slope
    >>> round(float(best), 6), abs(float(slope)) < 1e-14
    (3.067066, True)
    """
    alpha, snr, initial_to_noise = _doubles(alpha, snr, initial_to_noise)
    noisy = jnp.isfinite(snr)
    gain = jnp.where(noisy, snr, 1.0) + initial_to_noise
    eigenvalues, weights = marchenko_pastur_quadrature(alpha)
    lower, upper = marchenko_pastur_edges(alpha)

    def balance(log_time: Array) -> Array:
        """Logarithm of how fast errors shrink over how fast noise is taken up: decreasing through 0 at the optimum."""
        exponent = -eigenvalues * jnp.exp(log_time)
        return logsumexp(2.0 * exponent, b=weights * (1.0 + gain * eigenvalues)) - logsumexp(exponent, b=weights)

    def alone(eigenvalue: Array) -> Array:
        """log of the optimal time of a mode alone."""
        x = jnp.maximum(gain * eigenvalue, 1e-8)  # at eigenvalue 0 its limit, the gain
        return jnp.log(gain * jnp.log1p(x) / x)

    # beyond the edges by more than rounding
    low, high = alone(upper) - 1e-7, alone(lower) + 1e-7
    log_time = decreasing_root(jax.value_and_grad(balance), low, high, 0.5 * (low + high))
    return jnp.where(noisy, jnp.minimum(jnp.exp(log_time), LATEST), jnp.inf)


@needs_double_precision
@jax.jit
def overtraining(alpha: Any, snr: Any, initial_to_noise: Any = 0.0, time: Any = jnp.inf) -> Float[Array, ""]:
    """Test error at `time` = t/tau, by default the end of training, less that at the optimal time; derived.

    >>> import jax
    >>> with jax.enable_x64(True):
    ...     round(float(overtraining(alpha=2.0, snr=1.0)), 4), float(overtraining(alpha=2.0, snr=jax.numpy.inf))
    (0.5768, 0.0)
    """
    best = optimal_time(alpha, snr, initial_to_noise)
    late = isotropic_flow(alpha, snr, time, initial_to_noise)
    return late.test - isotropic_flow(alpha, snr, best, initial_to_noise).test


@needs_double_precision
def optimal_ridge(alpha: Any, snr: Any) -> OptimalRidge:
    """The ridge gamma that is best in `w = yX'(XX' + gamma)^-1`, and the test error with it, in units of sigma_w^2.

    Scalars, traceable: alpha > 0, snr in (0, inf].  gamma = 1/snr, and error = q + 1/snr where q > 0 solves
    q^2 - (1 - alpha - 1/snr) q = 1/snr.  No stopping time does better on average.  gamma in terms of `rfgen.Ridge`, where
    inputs have variance 1: N gamma.  Source: arXiv 1710.03667 (gamma), derived (q).

    >>> import jax
    >>> with jax.enable_x64(True):
    ...     best = optimal_ridge(alpha=1.0, snr=2.0)
    >>> float(best.ridge), float(best.test)
    (0.5, 1.0)
    """
    alpha, snr = _doubles(alpha, snr)
    ridge = 1.0 / snr
    half = 0.5 * (1.0 - alpha - ridge)
    root = jnp.sqrt(half * half + ridge)
    # of the two forms of the positive solution the one without a difference
    negative = half < 0.0
    excess = jnp.where(negative, ridge / jnp.where(negative, root - half, 1.0), half + root)
    return OptimalRidge(ridge, excess + ridge)


def _inverse_mean(alpha: Array) -> Array:
    """Integral of rho/lambda over the bulk."""
    gap = jnp.abs(1.0 - alpha)
    apart = gap > 0.0
    return jnp.where(apart, jnp.minimum(1.0, alpha) / jnp.where(apart, gap, 1.0), jnp.inf)


def _doubles(*values: Any) -> list[Array]:
    return [jnp.asarray(value, jnp.float64) for value in values]
