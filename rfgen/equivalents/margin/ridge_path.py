"""Equilibria of margin losses, followed along the ridge from a large one, where the weights are nearly zero.

The residual is `residual(setting, x, hold, scale)`: `scale` is the ridge, forces being measured in units of it; `hold` in
[0, 1] says how strongly the intercept is held at zero.  With hardly any weights most rows of a hinge loss would sit on its
kink, so the intercept is let go on the way.  Equations: theory (10.1), (10.5) to (10.7) and (10.16).
"""

__all__ = ["HARD", "NAMES", "RESIDUAL_TOLERANCE", "loss_of", "ridge_path"]

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array

from rfgen.equivalents.margin.margin_losses import LOSSES, MarginLoss
from rfgen.numerics.continuation import follow, newton
from rfgen.numerics.implicit import implicit
from rfgen.problems.trainings.classifier import rule_parts

# Equations are scaled to order 1; solutions of the problem table are left with at most 3e-14.
TOLERANCE = 1e-13
RESIDUAL_TOLERANCE = 1e-10
# The path starts at this multiple of the rows times the largest second moment, or of the trace if that is larger.
NULL_RIDGE = 3.0
# Ridge 0 is this fraction of the path's start: where there is a limit it is reached to rounding.
NEAR_ZERO = 1e-30
# The intercept is free from this fraction of the path's start on, while forces still tell separable classes from others.
RELEASE = 1e-4
HARD = "hard_margin"
NAMES = (*LOSSES, HARD)


def loss_of(name: str) -> MarginLoss:
    """The loss called `name`, its parameters in brackets; hard margins are the limit of small ridge of squared ones."""
    kind, parameters = rule_parts(name)
    if kind not in NAMES:
        raise ValueError(f"loss must be one of {', '.join(NAMES)}, got {name!r}")
    return LOSSES["squared_hinge" if kind == HARD else kind](*parameters)


def ridge_path(
    residual: Callable[[Any, Any, Any, Any], Array], start: Callable[[Any, Any], Array], setting: Any, strength: Any,
    trace: Any, ridge: Any, loss: str, way: Any,
) -> tuple[Array, Array, Array]:
    """Unknowns, scale and largest residual left at `ridge` (0: the limit from above); inf where there is no solution.

    `start(setting, scale)` is a guess at a large scale; `strength` the total weight of the rows times their largest second
    moment; the first unknown is log gamma, at most log `trace`.  The path is followed in the setting `way` where there is
    one, of the same unknowns.  Derivatives in `setting` and `ridge` are right.
    """
    ridge = jnp.zeros_like(ridge) if loss == HARD else ridge
    held, strength, trace, frozen = jax.lax.stop_gradient((ridge, strength, trace, setting))
    along_way = frozen if way is None else jax.lax.stop_gradient(way)
    first = NULL_RIDGE * jnp.maximum(jnp.maximum(strength, trace), held)
    last = jnp.where(held > 0.0, held, first * NEAR_ZERO)
    release = jnp.maximum(last, first * RELEASE)

    def along(x: Array, log_scale: Any) -> Array:
        hold = -jnp.expm1(jnp.minimum(jnp.log(release) - log_scale, 0.0))
        return residual(along_way, x, hold, jnp.exp(log_scale))

    x, left = follow(along, start(frozen, first), jnp.log(first), jnp.log(last), TOLERANCE)
    if way is not None:
        x, left = newton(lambda y: residual(frozen, y, 0.0, last), x, TOLERANCE)
    # separated: training on a row moves its own margin without bound as the ridge falls
    separated = x[0] > jnp.log(trace) + 0.5 * jnp.log(NEAR_ZERO)
    exists = separated if loss == HARD else ~separated if loss == "logistic" else jnp.ones_like(separated)
    left = jnp.where((ridge > 0.0) | exists, left, jnp.inf)
    scale = jnp.where(ridge > 0.0, ridge, last)
    return implicit(lambda y: residual(setting, y, 0.0, scale), x), scale, left
