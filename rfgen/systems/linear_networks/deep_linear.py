"""Deep linear networks whose modes are learned apart: exact test and training error along gradient flow.

In the terms of `isotropic_flow`: N inputs of variance 1/N, P = alpha N samples, `tau dW_l/dt` = minus the gradient of
|Y - W_D ... W_1 X|^2 / 2, teacher of variance sigma_w^2 in each mode, noise sigma_w^2 / snr.

Regime.  The formula is exact iff, with the eigenvectors V of the *sample* correlations XX' = V diag(lambda) V',
- the weights start as W_l = R_(l+1) A_l R_l' with diagonal A_l, orthogonal R_l and R_1 = V, and
- the targets are diagonal in the same modes: YX' = U diag(s) V' with U = R_(D+1).

So there are as many outputs as inputs, the teacher is U diag(w) V', and the label noise that counts is diagonal too.  It is
not a generic scalar output, for which YX' has rank one, save for whitened inputs.  All layers start with equal entries,
whose product is u_0 = `initial` in units of sigma_w.  The end-to-end strength u of a mode then follows, alone,

    du/dt = D u^(2 - 2/D) (s - lambda u),    s = |lambda w + sqrt(lambda / snr) z|,  w and z standard normal

(the sign of s is absorbed in U), with t in units of tau sigma_w^(2/D - 2).  Errors are those of a sum over outputs, in
units of sigma_w^2, averaged over the Marchenko-Pastur law of lambda and over s given lambda: |N(0, lambda^2 + lambda/snr)|.
Modes of eigenvalue 0 stay at u_0.  The closed formula is all there is: a pure function, without a row in the table of
methods (`rfgen.DeepLinearFlow` is the network of scalar output).  D = 1 with u_0 = 0 is the network of `isotropic_flow`.

Source: derived, for the question of arXiv 1710.03667, whose own section on deep networks was not available.
Equations: theory (12.10).
"""

__all__ = ["DeepLinear", "deep_linear", "mode_strength"]

import math
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float

from rfgen.numerics.compilation.precision import needs_double_precision
from rfgen.numerics.compilation.record import record
from rfgen.numerics.marchenko_pastur import marchenko_pastur_quadrature
from rfgen.numerics.monotone_root import decreasing_root

# Eigenvalues, and log s for each: trapezoidal rules.  A mode switches on over a range of log s that narrows as u_0 falls.
NODES = (320, 512)
LOWEST, HIGHEST = -30.0, 2.2


@record
class DeepLinear:
    """One point of a curve, in units of sigma_w^2; every field is a scalar (), or batched by vmap.

    `test` error with label noise 1/snr, `train` error, `frozen`: the part of `test` from modes of eigenvalue 0, `norm`:
    mean squared end-to-end strength of a mode.
    """

    test: Float[Array, "*batch"]
    train: Float[Array, "*batch"]
    frozen: Float[Array, "*batch"]
    norm: Float[Array, "*batch"]


@needs_double_precision
def deep_linear(alpha: Any, snr: Any, time: Any, depth: int, initial: Any) -> DeepLinear:
    """Errors of a decoupled linear network of `depth` layers after `time`; units and regime as the module says.

    `alpha` > 0, finite `snr` > 0, finite `time` >= 0 and `initial` > 0 (or 0 at depth 1) are scalars, traceable; `depth`
    >= 1 is an int.  Relative error, against more nodes: 1e-10 for `initial` >= 0.05; a mode switches on the more abruptly
    the less it starts from, so at 0.001 and 1e-6 it is 1e-10 and 2e-10 at depth 2, 3e-6 and 3e-5 at depth 3.

    >>> import jax
    >>> with jax.enable_x64(True):
    ...     start, late = (deep_linear(alpha=2.0, snr=5.0, time=time, depth=2, initial=0.1) for time in (0.0, 1e4))
    >>> round(float(start.norm), 9), round(float(late.train), 9)  # (1 - 1/alpha) / snr at the end
    (0.01, 0.1)
    """
    if depth < 1:
        raise ValueError(f"depth must be an integer >= 1, got {depth}")
    alpha, snr, time, initial = (jnp.asarray(value, jnp.float64) for value in (alpha, snr, time, initial))
    eigenvalues, weights = marchenko_pastur_quadrature(alpha, NODES[0])
    eigenvalues, weights = eigenvalues[:, None], weights[:, None]
    log_normal = jnp.linspace(LOWEST, HIGHEST, NODES[1])
    normal = jnp.exp(log_normal)
    step = (HIGHEST - LOWEST) / (NODES[1] - 1)
    # half-normal density of |g|, with d|g| = |g| d log|g|
    weights = weights * (step * math.sqrt(2.0 / math.pi) * normal * jnp.exp(-0.5 * normal * normal))
    noise = 1.0 / snr
    strength = jnp.sqrt(eigenvalues * (eigenvalues + noise)) * normal
    learned = mode_strength(strength, eigenvalues, time, depth, initial)
    # the teacher given s: mean s / (lambda + 1/snr), variance noise / (lambda + noise)
    gap = strength / (eigenvalues + noise) - learned
    unseen = jnp.maximum(0.0, 1.0 - alpha)
    frozen = unseen * (1.0 + initial * initial)
    residual = jnp.square(strength - eigenvalues * learned) / eigenvalues
    return DeepLinear(
        test=frozen + jnp.sum(weights * (gap * gap + noise / (eigenvalues + noise))) + noise,
        train=jnp.sum(weights * residual) / alpha + jnp.maximum(0.0, 1.0 - 1.0 / alpha) * noise,
        frozen=frozen,
        norm=unseen * initial * initial + jnp.sum(weights * learned * learned),
    )


def mode_strength(strength: Any, eigenvalue: Any, time: Any, depth: int, initial: Any) -> Float[Array, "*batch"]:
    """u(t) of du/dt = D u^(2 - 2/D) (s - lambda u), u(0) = `initial`; arrays that broadcast, s and lambda > 0.

    Closed for D = 1 and 2. Deeper, a = (lambda u / s)^(1/D) obeys da/dt = r a^(D - 1) (1 - a^D), r = s (s/lambda)^(1
    - 2/D); its clock G(a) = int a^(1 - D) / (1 - a^D) da runs evenly, is a finite sum over the D-th roots of unity,
    and is inverted by Newton's method in a bracket. Derived.
    """
    strength, eigenvalue, time, initial = (
        jnp.asarray(value, jnp.float64) for value in (strength, eigenvalue, time, initial)
    )
    if depth == 1:
        kept = jnp.exp(-eigenvalue * time)
        return strength / eigenvalue * -jnp.expm1(-eigenvalue * time) + initial * kept
    if depth == 2:
        kept, taken = jnp.exp(-2.0 * strength * time), -jnp.expm1(-2.0 * strength * time)
        return strength * initial / (eigenvalue * initial * taken + strength * kept)
    final = strength / eigenvalue
    start = (initial / final) ** (1.0 / depth)
    elapsed = strength * final ** (1.0 - 2.0 / depth) * time
    advance = jnp.vectorize(lambda a, clock: _advance(a, clock, depth))
    return final * advance(*jnp.broadcast_arrays(start, elapsed)) ** depth


def _advance(start: Array, elapsed: Array, depth: int) -> Array:
    """The a at which G(a) = G(start) + elapsed, depth >= 3, by its coordinate z = log(a / |1 - a|), which only grows."""
    side = jnp.where(start < 1.0, 1.0, -1.0)
    angles = [2.0 * math.pi * k / depth for k in range(1, depth)]

    def place(z: Array) -> Array:
        return 1.0 / (1.0 + side * jnp.exp(-z))

    def clock(z: Array) -> Array:
        a = place(z)
        # the sum over the roots of unity of -w^-2 log(1 - w a) / D; |1 - a| = a e^-z
        total = jnp.log(a) - z
        for angle in angles:
            real, imaginary = 1.0 - a * math.cos(angle), -a * math.sin(angle)
            total += 0.5 * math.cos(2.0 * angle) * jnp.log(real * real + imaginary * imaginary)
            total += math.sin(2.0 * angle) * jnp.arctan2(imaginary, real)
        return a ** (2 - depth) / (2 - depth) - total / depth

    def pace(z: Array) -> Array:
        """dG/dz, which falls as a grows."""
        a = place(z)
        return a ** (2 - depth) / sum(a**power for power in range(depth))

    # an a of 1 within rounding stays there
    first = jnp.log(start) - jnp.log(jnp.maximum(jnp.abs(1.0 - start), 1e-16))
    target = clock(first) + elapsed
    last = first + elapsed / jnp.minimum(1.0 / depth, pace(first)) + 1e-6
    # where a is small the clock is its first term; beyond the middle, z over the depth
    early = jnp.maximum((2 - depth) * target, 1.5) ** (1.0 / (2 - depth))
    middle = clock(jnp.zeros_like(first))
    below = jnp.where(target > middle, depth * (target - middle), jnp.log(early) - jnp.log1p(-early))
    guess = jnp.where(side > 0.0, below, first + depth * elapsed)
    return place(decreasing_root(lambda z: (target - clock(z), -pace(z)), first - 1e-6, last, guess))
