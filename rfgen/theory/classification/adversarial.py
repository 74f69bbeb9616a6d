"""Adversarial training against attacks of bounded coordinates: an l1 penalty that sets itself.

Every input is moved against its class by at most `radius` in each coordinate, which lowers its margin by radius |w|_1.  The
sum of the forces then pulls every weight towards zero by `threshold = radius sum psi`, so that

    w_i = soft(push_i + sqrt(X_i) G, threshold) / (C_i + ridge),    G standard normal,  push = sum_g pull_g mean_g,

with C and X as in `rfgen.equivalents.margin.margin_equilibrium`.  With h1(a) = a Phi(a) + phi(a) and h2(a) = (a^2 + 1)
Phi(a) + a phi(a), all means over G are sums of these at (push - threshold)/sqrt(X) and at (-push - threshold)/sqrt(X).
"""

__all__ = ["LinfClassifier", "linf_training"]

from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from rfgen.equivalents.margin.margin_losses import MarginLoss
from rfgen.equivalents.margin.ridge_path import HARD, RESIDUAL_TOLERANCE, loss_of, ridge_path
from rfgen.numerics.normal_quadrature import normal_nodes
from rfgen.numerics.precision import require_double_precision
from rfgen.numerics.program_maps import sparing_maps


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class LinfClassifier:
    """A classifier trained under attack; per group (groups,), else scalars (), or batched by vmap.

    `error` on clean inputs, `robust_error` on inputs attacked within the radius trained for, both against the true class;
    `l1` E|w|_1, `norm` E|w|^2, `active` the share of weights that are not zero; `intercept`, `overlap` M_g, `spread` q_g;
    `residual`, `converged`.
    """

    error: Float[Array, "*batch groups"]
    robust_error: Float[Array, "*batch groups"]
    l1: Float[Array, "*batch"]
    norm: Float[Array, "*batch"]
    active: Float[Array, "*batch"]
    intercept: Float[Array, "*batch"]
    overlap: Float[Array, "*batch groups"]
    spread: Float[Array, "*batch groups"]
    residual: Float[Array, "*batch"]
    converged: Bool[Array, "*batch"]


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class _Setting:
    counts: Any
    labels: Any
    weights: Any
    means: Any
    variances: Any
    radius: Any


def linf_training(
    groups: Any, loss: str, ridge: Any = 0.0, radius: Any = 0.0, intercept: bool = False
) -> LinfClassifier:
    """Minimise `sum_i a_i loss(t_i - radius |w|_1) + (ridge/2) |w|^2` over `groups`, a `ClassGroups` (`Mixture.groups(n)`).

    `loss` as in `margin_classifier`, hard margins aside; `ridge` > 0, `radius` >= 0 scalars, traceable; radius 0 is
    `margin_classifier`.  Exact as counts and dimension grow together, no direction standing out but the means.  Derived.

    >>> import jax, rfgen
    >>> mixture = rfgen.Mixture(mean=[0.15] * 100, covariance=[1.0] * 100)
    >>> with jax.enable_x64(True):
    ...     found = linf_training(mixture.groups(400), "logistic", ridge=1.0, radius=0.05)
    ...     round(float(found.robust_error[0] - found.error[0]), 3), bool(found.converged)
    (0.098, True)
    """
    require_double_precision("rfgen.theory.linf_training")
    if loss in (HARD, "linear"):
        raise ValueError(f"loss must be square, logistic, hinge or squared_hinge under attack, got {loss!r}")
    given = groups.counts, groups.labels, groups.weights, groups.means, groups.variances, radius, ridge, groups.classes
    *setting, ridge, classes = (jnp.asarray(value, jnp.float64) for value in given)
    return _trained(_Setting(*setting), loss, ridge, classes, intercept)


@sparing_maps
@partial(jax.jit, static_argnames=("loss", "intercept"))
def _trained(setting: _Setting, loss: str, ridge: Array, classes: Array, intercept: bool) -> LinfClassifier:
    rows = loss_of(loss)
    lengths = jnp.sum(setting.means**2, axis=1)
    x, scale, left = ridge_path(
        partial(_residual, rows, intercept), partial(_start, rows), setting,
        jnp.sum(setting.counts * setting.weights) * (jnp.max(setting.variances) + jnp.max(lengths)),
        jnp.max(jnp.sum(setting.variances, axis=1)), ridge, loss,
    )  # fmt: skip
    answer = _answer(rows, setting, x, scale)
    at, deviation = _named(x), jnp.sqrt(answer["spread"])
    margin = classes * (answer["overlap"] + at["intercept"])
    return LinfClassifier(
        error=jax.scipy.stats.norm.cdf(-margin / deviation),
        robust_error=jax.scipy.stats.norm.cdf((setting.radius * answer["l1"] - margin) / deviation),
        l1=answer["l1"], norm=answer["norm"], active=answer["active"], intercept=at["intercept"],
        overlap=answer["overlap"], spread=answer["spread"], residual=left, converged=left < RESIDUAL_TOLERANCE,
    )  # fmt: skip


def _named(x: Array) -> dict[str, Any]:
    groups = (x.size - 2) // 3
    return {
        "gamma": jnp.exp(x[:groups]), "overlap": x[groups : 2 * groups], "spread": jnp.exp(x[2 * groups : -2]),
        "intercept": x[-2], "l1": jnp.exp(x[-1]),
    }  # fmt: skip


def _weights(setting: _Setting, slope: Any, power: Any, pull: Any, threshold: Any) -> dict[str, Any]:
    """The weights' answer to forces in units of the ridge."""
    push, noise = pull @ setting.means, jnp.sqrt(power @ setting.variances)
    stiffness = slope @ setting.variances + 1.0
    noise = jnp.maximum(noise, 1e-150)
    up, down = (push - threshold) / noise, (-push - threshold) / noise
    cdf, density = jax.scipy.stats.norm.cdf, jax.scipy.stats.norm.pdf
    first = [a * cdf(a) + density(a) for a in (up, down)]
    second = [(a * a + 1.0) * cdf(a) + a * density(a) for a in (up, down)]
    active = cdf(up) + cdf(down)
    square = noise**2 * (second[0] + second[1]) / stiffness**2
    return {
        "gamma": setting.variances @ (active / stiffness),
        "overlap": setting.means @ (noise * (first[0] - first[1]) / stiffness),
        "spread": setting.variances @ square, "l1": jnp.sum(noise * (first[0] + first[1]) / stiffness),
        "norm": jnp.sum(square), "active": jnp.mean(active),
    }  # fmt: skip


def _answer(rows: MarginLoss, setting: _Setting, x: Array, scale: Any) -> dict[str, Any]:
    at = _named(x)

    def of_group(count: Any, label: Any, weight: Any, gamma: Any, overlap: Any, spread: Any) -> Any:
        gamma = weight * gamma
        mean = label * (overlap + at["intercept"]) - setting.radius * at["l1"]
        margins, measure = normal_nodes(mean, jnp.sqrt(spread), rows.kinks(gamma, scale))
        force, slope = rows.force(margins, gamma, scale)
        total = count * weight
        return total * (measure @ force), total * weight * (measure @ force**2), total * (measure @ slope)

    given = setting.counts, setting.labels, setting.weights, at["gamma"], at["overlap"], at["spread"]
    force, power, slope = jax.vmap(of_group)(*given)
    found = _weights(setting, slope, power, setting.labels * force, setting.radius * jnp.sum(force))
    strength = jnp.sqrt(jnp.sum(setting.counts) * jnp.sum(power))
    return {**found, "balance": jnp.sum(setting.labels * force) / strength}


def _residual(rows: MarginLoss, intercept: bool, setting: _Setting, x: Array, hold: Any, scale: Any) -> Array:
    at, found = _named(x), _answer(rows, setting, x, scale)
    balance = found["balance"] - hold * at["intercept"] if intercept else at["intercept"]
    return jnp.concatenate(
        [
            jnp.log(found["gamma"] / at["gamma"]),
            (found["overlap"] - at["overlap"]) / jnp.sqrt(at["spread"]),
            jnp.log(found["spread"] / at["spread"]),
            jnp.stack([balance, jnp.log(found["l1"] / at["l1"])]),
        ]
    )


def _start(rows: MarginLoss, setting: _Setting, scale: Any) -> Array:
    """Nearly no weights: the answer to the forces on rows of margin 0."""
    force = rows.force_at(jnp.zeros(())) / scale
    total = setting.counts * setting.weights
    threshold = setting.radius * jnp.sum(total) * force
    found = _weights(
        setting, jnp.zeros_like(total), total * setting.weights * force**2, setting.labels * total * force, threshold
    )
    balance = 0.5 * jnp.sum(setting.counts * setting.labels) / jnp.sum(setting.counts)
    return jnp.concatenate(
        [
            jnp.log(found["gamma"]), found["overlap"], jnp.log(found["spread"]),
            jnp.stack([balance, jnp.log(found["l1"])]),
        ]
    )  # fmt: skip
