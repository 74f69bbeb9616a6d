"""Trainings as functions of the eigenvalues of the training second moment: what a given number of steps leaves and fits.

For rows X and S = X'X/n the objective (sum (y - f)^2 + ridge |w|^2) / (2n) has the Hessian S + ridge/n, and every linear
training ends at w = phi(S) X'y/n + psi(S) w_0, phi = (1 - psi) / (S + ridge/n).  With h = mu + ridge/n and x = rate * h:

- gradient flow: psi = exp(-h time);
- gradient descent: psi = (1 - x)^steps;
- heavy ball: psi_{t+1} = (1 + momentum - x) psi_t - momentum psi_{t-1};
- Nesterov: psi_{t+1} = (1 - x) [(1 + momentum_t) psi_t - momentum_t psi_{t-1}], psi_{-1} = psi_0 = 1;
- Chebyshev: psi_{t+1} = psi_t + (omega_t - 1) (psi_t - psi_{t-1}) - omega_t x psi_t, x = 2 h / (lower + upper bound), with
  omega_1 = 1 and omega_{t+1} = 1 / (1 - rho^2 omega_t / 4) (twice the rho^2 from the first to the second);
- iterated ridge: phi = mu^(steps-1) / (mu + ridge/n)^steps, no initial weights.

1 - psi is never formed from psi where psi is close to 1: exponentials use expm1 and log1p, momentum follows
q = (1 - psi) / x, whose recursion holds no subtraction of close numbers for small x.  psi itself is right to the rounding
of 1 with momentum, and to its own elsewhere.
"""

__all__ = ["Filters", "Response", "respond", "spectral_filters"]

from dataclasses import field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from rfgen.numerics.compilation.record import record
from rfgen.problems.trainings.spectral import AbstractTraining, Nesterov
from rfgen.simulation.arrays import Array

# Steps whose momentum changes are taken one by one.
MOST_SCHEDULED_STEPS = 100_000
# Values of a host array are answered so many at a time, by one compiled program for all sizes.
TOGETHER = 256


@record
class Filters:
    """Settings of one training: (groups,) arrays by name, and the clock (times,) in ascending order, alike in each group.

    `place` (times,) leads from ascending order back to the order given.  A setting is a group at a time, times last.
    """

    groups: dict[str, Any]
    clock: Any
    place: Any
    kind: str = field(metadata={"static": True})

    @property
    def settings(self) -> int:
        """Number of settings."""
        return self.groups["ridge"].size * self.clock.size

    def of(self, name: str) -> Array:
        """The setting `name`, (groups, 1, 1)."""
        return self.groups[name][:, None, None]


@record
class Response:
    """What a training does in each direction, (settings, values) each.

    `gains` = phi / n takes X'y to weights, `survival` = psi is what is left of initial weights, `residual` =
    1 - mu phi what is left of the labels on the training rows.
    """

    gains: Float[Array, "settings values"]
    survival: Float[Array, "settings values"]
    residual: Float[Array, "settings values"]


def spectral_filters(training: AbstractTraining, dtype: Any) -> Filters:
    """The settings of any training but `Ridge`: the outer product of its axes, the clock last, as `dtype`."""
    axes = {name: np.atleast_1d(values) for name, values in training.axes.items()}
    clock = axes.pop("time" if "time" in axes else "steps")
    kind = type(training).__name__
    if isinstance(training, Nesterov) and training.momentum is None:
        kind = "ScheduledNesterov"
    if kind in ("ScheduledNesterov", "Chebyshev") and clock.max() > MOST_SCHEDULED_STEPS:
        raise ValueError(
            f"steps must be at most {MOST_SCHEDULED_STEPS} for a simulation of {training!r}, which is taken step by step, "
            f"got {clock.max()}; a constant momentum has no such limit"
        )
    mesh = np.meshgrid(*axes.values(), indexing="ij")
    groups = {name: np.asarray(part.ravel(), dtype) for name, part in zip(axes, mesh, strict=True)}
    order = np.argsort(clock, kind="stable")
    ascending = np.asarray(clock[order], clock.dtype if clock.dtype == np.int64 else dtype)
    return Filters(groups, clock=ascending, place=np.argsort(order).astype(np.int32), kind=kind)


def respond(filters: Filters, values: Float[Array, " values"], n: int) -> Response:
    """The response to directions in which n S has eigenvalues `values` >= 0.

    Where value and ridge are 0, `survival` is 1 and `gains` the limit of the training (0 at infinite time: such directions
    are not fitted).  Beyond stability all grow without bound, up to inf and NaN.
    """
    if not isinstance(values, np.ndarray):
        return _respond(filters, values, n)
    padded = np.pad(values, (0, -values.size % TOGETHER)).reshape(-1, TOGETHER)
    pieces = [vars(_respond(filters, piece, np.asarray(n, values.dtype))) for piece in padded]
    whole = {name: np.concatenate([piece[name] for piece in pieces], axis=1)[:, : values.size] for name in pieces[0]}
    return Response(**whole)


@jax.jit
def _respond(filters: Filters, values: Array, n: Any) -> Response:
    shifted = values + filters.of("ridge")
    gains, survival = _KINDS[filters.kind](filters, values, shifted, n)
    # 1 - mu phi = psi + (ridge/n) phi, a sum of positive numbers
    residual = survival + filters.of("ridge") * gains
    if filters.kind == "IteratedRidge":  # `survival` of the labels: no weight starts from anything but 0
        survival, residual = jnp.zeros_like(gains), survival
    parts = (part[:, filters.place].reshape(-1, values.size) for part in (gains, survival, residual))
    return Response(*parts)


def _divided(numerator: Array, denominator: Array, limit: Array) -> Array:
    """Their quotient, and `limit` where the denominator is 0."""
    return jnp.where(denominator > 0, numerator / jnp.where(denominator > 0, denominator, 1.0), limit)


def _flow(filters: Filters, _values: Array, shifted: Array, n: Any) -> tuple[Array, Array]:
    time = filters.clock[:, None]
    spent = jnp.where(shifted > 0, shifted / n * time, 0.0)
    limit = jnp.where(jnp.isinf(time), 0.0, time / n)
    return _divided(-jnp.expm1(-spent), jnp.where(spent > 0, shifted, 0.0), limit), jnp.exp(-spent)


def _descent(filters: Filters, values: Array, shifted: Array, n: Any) -> tuple[Array, Array]:
    steps, rate = filters.clock[:, None], filters.of("rate")
    count = steps.astype(values.dtype)
    x = rate * shifted / n
    # log |1 - x|; x - 2 is exact where it is small
    log = jnp.where(x < 1, jnp.log1p(-x), jnp.log1p(x - 2))
    power = jnp.where(count > 0, count * log, 0.0)
    size, negative = jnp.exp(power), (x > 1) & (steps % 2 == 1)
    done = jnp.where(negative, 1.0 + size, -jnp.expm1(power))
    return _divided(done, jnp.where(x > 0, shifted, 0.0), rate * count / n), jnp.where(negative, -size, size)


def _momentum(filters: Filters, values: Array, shifted: Array, n: Any) -> tuple[Array, Array]:
    """Powers of the step's 2x2 matrix by repeated squaring: a hundred million steps cost 27.

    A step takes (psi, psi - psi_before) through I - M, where M has the determinant x and the trace p below; its powers
    (1 - x a) I - e M multiply by the rules of `product`, and (1 - psi) / x = a + e.
    """
    rate, momentum = filters.of("rate"), filters.of("momentum")
    x = rate * shifted / n
    p = 1.0 - momentum + (x if filters.kind == "HeavyBall" else x * (1.0 + momentum))

    def product(one: tuple[Array, Array], two: tuple[Array, Array]) -> tuple[Array, Array]:
        (a, e), (b, f) = one, two
        return a + b - x * a * b + e * f, (1.0 - x * a) * f + (1.0 - x * b) * e - p * e * f

    def square(state: Any) -> Any:
        left, so_far, power = state
        after = product(so_far, power)
        odd = (left % 2 == 1)[:, None]
        so_far = jax.tree.map(lambda new, old: jnp.where(odd, new, old), after, so_far)
        return left // 2, so_far, product(power, power)

    none = jnp.zeros(jnp.broadcast_shapes(x.shape, (filters.clock.size, 1)), values.dtype)
    start = (filters.clock, (none, none), (jnp.zeros_like(x), jnp.ones_like(x)))
    _, (a, e), _ = jax.lax.while_loop(lambda state: jnp.any(state[0] > 0), square, start)
    return rate / n * (a + e), 1.0 - x * (a + e)


def _schedule(filters: Filters, values: Array, shifted: Array, n: Any) -> tuple[Array, Array]:
    """Momentum t / (t + 3): q and psi, and their last changes."""
    x = (filters.of("rate") * shifted / n)[:, 0]

    def step(t: Array, state: tuple[Array, ...]) -> tuple[Array, ...]:
        momentum = t.astype(values.dtype) / (t + 3).astype(values.dtype)
        q, psi, q_change, psi_change = state
        q_change = momentum * q_change
        q_change = q_change + 1.0 - x * (q + q_change)
        ahead = psi + momentum * psi_change
        after = ahead - x * ahead
        return q + q_change, after, q_change, after - psi

    zero = jnp.zeros_like(x)
    q, psi = _step_by_step(filters, step, (zero, jnp.ones_like(x), zero, zero))
    return filters.of("rate") / n * q, psi


def _chebyshev(filters: Filters, values: Array, shifted: Array, n: Any) -> tuple[Array, Array]:
    """The weights omega of the bounds: q and psi, their last changes, and the next weight."""
    low, high = filters.of("lower_bound"), filters.of("upper_bound")
    x, square = (2.0 * shifted / (low + high) / n)[:, 0], ((high - low) / (high + low))[:, 0] ** 2

    def step(t: Array, state: tuple[Array, ...]) -> tuple[Array, ...]:
        q, psi, q_change, psi_change, omega = state
        q_change = (omega - 1.0) * q_change + omega * (1.0 - x * q)
        psi_change = (omega - 1.0) * psi_change - omega * x * psi
        after = 1.0 / (1.0 - square * omega / jnp.where(t > 0, 4.0, 2.0).astype(values.dtype))
        return q + q_change, psi + psi_change, q_change, psi_change, after

    zero, one = jnp.zeros_like(x), jnp.ones_like(x)
    q, psi = _step_by_step(filters, step, (zero, one, zero, zero, jnp.ones_like(square)))
    return 2.0 / (low + high) / n * q, psi


def _step_by_step(filters: Filters, step: Any, start: tuple[Array, ...]) -> tuple[Array, Array]:
    """The first two of the state that `step(t, state)` makes of `start` (groups, values), (groups, times, values) each."""

    def advance(state: tuple[Any, ...], until: Array) -> tuple[tuple[Any, ...], tuple[Array, Array]]:
        t, inner = state
        inner = jax.lax.fori_loop(t, until, step, inner)
        return (until, inner), inner[:2]

    _, (q, psi) = jax.lax.scan(advance, (jnp.zeros((), filters.clock.dtype), start), filters.clock)
    return jnp.swapaxes(q, 0, 1), jnp.swapaxes(psi, 0, 1)


def _iterated(filters: Filters, values: Array, shifted: Array, n: Any) -> tuple[Array, Array]:
    """Gains, and what is left of the labels."""
    del n
    count, ridge = filters.clock[:, None].astype(values.dtype), filters.of("ridge")
    # log((mu + ridge/n) / mu)
    log = jnp.where(ridge > 0, jnp.log1p(ridge / values), 0.0)
    again = jnp.where(count > 1, (count - 1.0) * log, 0.0)
    fitted = values > 0
    gains = jnp.where(fitted, jnp.exp(-again), (count == 1).astype(values.dtype))
    return _divided(gains, shifted, jnp.zeros_like(gains)), jnp.where(fitted, -jnp.expm1(-count * log), 1.0)


_KINDS = {
    "GradientFlow": _flow, "GradientDescent": _descent, "HeavyBall": _momentum, "Nesterov": _momentum,
    "ScheduledNesterov": _schedule, "Chebyshev": _chebyshev, "IteratedRidge": _iterated,
}
