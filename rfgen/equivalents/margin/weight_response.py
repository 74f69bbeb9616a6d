"""What the weights do in answer to the forces of the rows: the part of the equilibrium that is the same for every loss.

The training objective is `sum_i a_i loss(y_i (x_i.w + b)) + (ridge/2) |w|^2`.  Row i pulls the weights along y_i x_i with
the force psi_i = -loss'(margin).  In the limit the rows of group g act through three numbers: their mean force, its mean
square and the mean of its slope.  With `slope_g = n_g a_g E[-d psi/d w]`, `power_g = n_g a_g^2 E[psi^2]`,

    C = sum_g slope_g S_g,   Q = (C + nu)^-1,   ridge = nu (1 - tr(C Q)/k),
    wbar = Q sum_d pull_d u_d                         mean weights, pulled along directions u_d (class means, a teacher)
    X = sum_g power_g S_g,   norm = (|wbar|^2 + tr(Q X Q)) / (1 - tr((C Q)^2)/k),
    V = Q (X + nu^2 norm/k) Q                         covariance of the weights,
    gamma_g = tr(S_g Q),   q_g = wbar' S_g wbar + tr(S_g V).

`norm` is E|trainable weights|^2; k = inf: nu = ridge.  A further ridge h on the weights w of the inputs, whatever makes
them, stands in C + h for C, with E|w|^2 = norm (1 - tr(((C + h) Q)^2)/k + nu^2 tr(Q^2)/k).  Derived (leave one row out;
Stein's lemma; mean over features).

A penalty on |w|_1 pulls every weight towards zero by a `threshold`: w_i = soft(push_i + sqrt(X_i) G, threshold) / (C_i +
ridge), G standard normal, push = sum_d pull_d u_d.  With h1(a) = a Phi(a) + phi(a) and h2(a) = (a^2 + 1) Phi(a) + a phi(a),
all means over G are sums of these at (push - threshold)/sqrt(X) and at (-push - threshold)/sqrt(X).
Equations: theory (10.6), (10.7), (10.17) and (10.18).
"""

__all__ = ["Shrunk", "WeightResponse", "effective_ridge", "shrunk_normal", "sparse_response", "weight_response"]

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from rfgen.numerics.compilation.record import record
from rfgen.numerics.monotone_root import decreasing_root

# A law without noise is that of this little noise; its square, and that of what it divides, can be represented.
LEAST_NOISE = 1e-100


@record
class WeightResponse:
    """Scalars of the trained weights: `gamma`, `spread` (q) per group (groups,); `along` (directions,), wbar . u_d;
    `norm`, E|w|^2 of the trainable ones, `of_inputs` of those of the inputs; `nu`, the ridge that acts on the inputs'
    weights; `feature_power`, what random features add to X; `l1`, E|w|_1, and `active`, the share of weights that are not
    zero, NaN where the weights are known by levels only.
    """

    gamma: Float[Array, "*batch groups"]
    spread: Float[Array, "*batch groups"]
    along: Float[Array, "*batch directions"]
    norm: Float[Array, "*batch"]
    of_inputs: Float[Array, "*batch"]
    nu: Float[Array, "*batch"]
    feature_power: Float[Array, "*batch"]
    l1: Float[Array, "*batch"]
    active: Float[Array, "*batch"]


def weight_response(
    variances: Any, multiplicity: Any, overlaps: Any, slope: Any, power: Any, pull: Any, ridge: Any, features: Any,
    held: Any = 0.0,
) -> WeightResponse:
    """The response to forces of `slope`, `power` (groups,) and `pull` (directions,).

    `variances` (groups, levels), `multiplicity` (levels,), `overlaps` (directions, directions, levels): inner products of
    the directions within each level; `ridge` > 0, `features` > 0 or inf; `held` >= 0: a ridge on the inputs' weights.
    """
    curvature = slope @ variances + held
    nu = effective_ridge(curvature, multiplicity, ridge, features)
    resolvent = 1.0 / (curvature + nu)
    pushed = jnp.einsum("d,del->el", pull, overlaps)  # sum_d pull_d u_d . u_e
    along = pushed @ resolvent
    lengths = pull @ pushed  # |sum_d pull_d u_d|^2 in each level
    square = resolvent * resolvent
    forced = power @ variances
    learned = curvature * resolvent
    room = 1.0 - jnp.sum(multiplicity * learned * learned) / features
    norm = jnp.sum((lengths + multiplicity * forced) * square) / room
    feature_power = nu * nu * norm / features
    fluctuation = square * (forced + feature_power)
    unknown = jnp.full_like(norm, jnp.nan)
    return WeightResponse(
        gamma=variances @ (multiplicity * resolvent), spread=variances @ (lengths * square + multiplicity * fluctuation),
        along=along, norm=norm, of_inputs=norm * room + feature_power * (multiplicity @ square), nu=nu + held,
        feature_power=feature_power, l1=unknown, active=unknown,
    )


def effective_ridge(curvature: Array, multiplicity: Any, ridge: Any, features: Any) -> Array:
    """The nu with `ridge = nu (1 - tr(C Q)/features)`, tr(C Q) < features."""
    ridge, features = jnp.asarray(ridge), jnp.asarray(features)

    def excess(log_nu: Array) -> tuple[Array, Array]:
        nu = jnp.exp(log_nu)
        learned = curvature / (curvature + nu)
        rest = ridge / nu
        value = jnp.sum(multiplicity * learned) / features + rest - 1.0
        return value, -jnp.sum(multiplicity * learned * (1.0 - learned)) / features - rest

    lower = jnp.log(ridge)
    upper = jnp.log(ridge + jnp.sum(multiplicity * curvature) / features)
    lower, upper = jax.lax.stop_gradient((lower - 1e-6, upper + 1e-6))
    return jnp.exp(decreasing_root(excess, lower, upper, upper))


@record
class Shrunk:
    """Of soft(push + noise G, threshold), of each coordinate: P(not 0), mean, mean absolute value, mean square."""

    active: Float[Array, "*batch dim"]
    mean: Float[Array, "*batch dim"]
    absolute: Float[Array, "*batch dim"]
    square: Float[Array, "*batch dim"]


def shrunk_normal(push: Any, power: Any, threshold: Any) -> Shrunk:
    """Normal variables of means `push` and variances `power`, (dim,), moved towards zero by `threshold`, or to it."""
    noise = jnp.sqrt(jnp.maximum(power, LEAST_NOISE**2))
    cdf, density = jax.scipy.stats.norm.cdf, jax.scipy.stats.norm.pdf
    ends = [(sign * push - threshold) / noise for sign in (1.0, -1.0)]
    first = [a * cdf(a) + density(a) for a in ends]
    second = [(a * a + 1.0) * cdf(a) + a * density(a) for a in ends]
    return Shrunk(
        active=cdf(ends[0]) + cdf(ends[1]), mean=noise * (first[0] - first[1]), absolute=noise * (first[0] + first[1]),
        square=noise**2 * (second[0] + second[1]),
    )


def sparse_response(
    variances: Any, means: Any, slope: Any, power: Any, pull: Any, ridge: Any, threshold: Any
) -> WeightResponse:
    """The response of weights pulled towards zero by `threshold`; `variances`, `means` (groups, dim), no features."""
    stiffness = slope @ variances + ridge
    law = shrunk_normal(pull @ means, power @ variances, threshold)
    square = law.square / stiffness**2
    norm = jnp.sum(square)
    return WeightResponse(
        gamma=variances @ (law.active / stiffness), spread=variances @ square, along=means @ (law.mean / stiffness),
        norm=norm, of_inputs=norm, nu=ridge, feature_power=jnp.zeros_like(norm),
        l1=jnp.sum(law.absolute / stiffness), active=jnp.mean(law.active),
    )
