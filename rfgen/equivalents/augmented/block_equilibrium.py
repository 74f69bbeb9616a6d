"""The equilibrium of any number of groups: block traces t and effective ridge nu.

    t_j = tr(E_j Q),   Q = (sum_j theta_j(t) E_j + nu)^-1,   lambda = nu (1 - df1 / features),   df1 = sum_j theta_j t_j

(derived; for `features` inf, nu = lambda.)  Two nested searches, each with a proof.

Given nu, the map t -> tr(E Q(theta(t), nu)) is increasing and concave: Q is a parallel sum in 1 + D, jointly concave.  So
Newton from any t above the solution decreases to it (its matrix is an M-matrix there: the monotone Newton theorem).
Above it lie tr(E_j)/nu; t at a smaller nu; and t nu'/nu from a larger nu', as nu t(nu) increases with nu.

In nu, `df1 + features lambda/nu` decreases (theta/nu does), and equals `features` at one point between lambda and
lambda + sum_j theta_j(0) tr(E_j)/features: Newton in log nu inside that bracket.

Derivatives, of every order, by the implicit function theorem.  For complex lambda see `path_equilibria`.
Equations: theory (5.1), (5.2) and (5.11).
"""

__all__ = ["BlockEquilibrium", "block_equilibrium"]

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Inexact

from rfgen.equivalents.augmented.blocks import Blocks
from rfgen.numerics.compilation.record import record
from rfgen.numerics.implicit import hoisted, implicit
from rfgen.numerics.small_systems import solve

# Any lambda below the first fraction of the total trace counts as 0: the limit from above, to 1e-13 where it is regular
# (where df1 still depends on it, the spectrum reaches further down, and the point is not converged).  Above the second
# everything is shrunk to nothing; its square still is a number.
SMALLEST_RIDGE, LARGEST_RIDGE = 1e-100, 1e100
SETTLED = 1e-8
# Passes that were ever needed: 14 from a cold start, 170 at an exact interpolation peak at lambda 0.
MOST_PASSES = 400
RESIDUAL_TOLERANCE = 1e-10


@record
class BlockEquilibrium:
    """`ridge` (): lambda; `nu` (): effective ridge; `traces` (J,), `strength` (J,): t and theta; `reduction` (G, m, m):
    V; `vanishing` (): whether lambda counts as 0; `resolvent`: Q in the operators' representation; `df1` (): degrees of
    freedom; `residual` (), `converged` ().
    """

    ridge: Inexact[Array, "*batch"]
    nu: Inexact[Array, "*batch"]
    traces: Inexact[Array, "*batch J"]
    strength: Inexact[Array, "*batch J"]
    reduction: Inexact[Array, "*batch G m m"]
    vanishing: Bool[Array, "*batch"]
    resolvent: Any
    df1: Inexact[Array, "*batch"]
    residual: Float[Array, "*batch"]
    converged: Bool[Array, "*batch"]


def block_equilibrium(operators: Any, blocks: Blocks, features: Array, ridge: Array) -> BlockEquilibrium:
    """Solve for real `ridge` = lambda >= 0 (): the module's text says how, and why it cannot fail."""
    sizes, limited = operators.size(), jnp.isfinite(features)
    count = jnp.where(limited, features, 1.0)
    total = blocks.strength(blocks.reduction(jnp.zeros_like(sizes))) @ sizes
    vanishing = ridge <= SMALLEST_RIDGE * total
    highest_ridge = jnp.where(total > 0.0, LARGEST_RIDGE * total, jnp.inf)
    ridge = jnp.clip(ridge, SMALLEST_RIDGE * jnp.where(total > 0.0, total, 1.0), highest_ridge)
    lowest = jnp.log(ridge)
    highest = jnp.where(limited, jnp.log(ridge + total / count), lowest)

    def inner(traces: Array, log_nu: Array) -> Array:
        """t at `nu`, from above."""
        nu = jnp.exp(log_nu)

        def step(state: tuple[Array, ...]) -> tuple[Array, ...]:
            t, _, passes = state
            value, slope, _ = _map(operators, blocks, t, nu)
            scale = jnp.where(t > 0, t, 1.0)
            misfit = (value - t) / scale
            change = solve(jnp.eye(t.size) - slope * scale / scale[:, None], misfit)
            # at an interpolation peak the misfit is rounding, over a matrix that is singular to rounding: any t will do
            exhausted = (jnp.max(jnp.abs(misfit)) < 2e-15) & ~(jnp.max(jnp.abs(change)) < 1e-3)
            # steps go down but for rounding, which is largest after a step of many decades
            near = jnp.max(jnp.abs(misfit)) < 1e-12
            change = jnp.clip(change, jnp.where(near, -0.9, -0.9999999), 9.0)
            change = jnp.where(exhausted, 0.0, change)
            return t * (1.0 + change), jnp.max(jnp.abs(change)), passes + 1

        def unfinished(state: tuple[Array, ...]) -> Array:
            return (state[1] > 1e-13) & (state[2] < MOST_PASSES)

        return jax.lax.while_loop(unfinished, step, (traces, jnp.ones(()), jnp.zeros((), jnp.int32)))[0]

    def outer(state: tuple[Array, ...]) -> tuple[Array, ...]:
        low, high, x, t, _, passes, _ = state
        t = inner(t, x)
        nu = jnp.exp(x)
        _, slope, resolvent = _map(operators, blocks, t, nu)
        reduction = blocks.reduction(t)
        # d t / d log nu, and through it d df1 / d log nu
        scale = jnp.where(t > 0, t, 1.0)
        plain = blocks.seen(operators.plain(resolvent, resolvent), reduction)
        moved = scale * solve(jnp.eye(t.size) - slope * scale / scale[:, None], -nu * plain / scale)
        df1, df1_slope = blocks.degrees(t, reduction), blocks.degrees_slope(t, reduction) @ moved
        rest = jnp.exp(jnp.log(count) + lowest - x)
        value = jnp.log(df1 + rest) - jnp.log(count)
        newton = x - value * (df1 + rest) / jnp.where(limited, df1_slope - rest, 1.0)
        low, high = jnp.where(value > 0, x, low), jnp.where(value > 0, high, x)
        inside = (newton > low) & (newton < high)
        scale_x = 4e-16 * jnp.maximum(jnp.abs(x), 1.0)
        settled = ~limited | (jnp.abs(newton - x) <= scale_x) | (high - low <= scale_x)
        after = jnp.where(inside, newton, jnp.where(settled, x, 0.5 * (low + high)))
        after = jnp.where(limited, after, x)
        # d df1 / d log lambda
        along = df1_slope * jnp.where(limited, rest / (rest - df1_slope), 1.0)
        nearer = t * jnp.exp(jnp.maximum(x - after, 0.0)) * (1.0 + 1e-12)
        # without replacement nu t(nu) need not increase
        above = nearer if blocks.examples is None else sizes * jnp.exp(-after)
        return low, high, after, above, settled, passes + 1, along

    def searching(state: tuple[Array, ...]) -> Array:
        return ~state[4] & (state[5] < MOST_PASSES)

    def search() -> tuple[Array, Array, Array]:
        never = jnp.zeros((), bool), jnp.zeros((), jnp.int32), jnp.zeros(())
        found = jax.lax.while_loop(searching, outer, (lowest, highest, highest, sizes * jnp.exp(-highest), *never))
        return found[2], inner(found[3], found[2]), found[6]

    found_x, found_t, along = jax.lax.stop_gradient(search())
    scale = jnp.where(found_t > 0, found_t, 1.0)

    def equations(unknowns: Array) -> Array:
        """Of t over `scale`, and log nu."""
        t, log_nu = unknowns[:-1] * scale, unknowns[-1]
        reduction = blocks.reduction(t)
        resolvent = operators.resolvent(blocks.strength(reduction), jnp.exp(log_nu))
        value = blocks.seen(operators.one_point(resolvent), reduction)
        rest = jnp.exp(jnp.log(count) + lowest - log_nu)
        df1 = blocks.degrees(t, reduction)
        feature_equation = jnp.where(limited, jnp.log(df1 + rest) - jnp.log(count), log_nu - lowest)
        return jnp.append((t - value) / scale, feature_equation)

    start = jnp.append(jnp.where(found_t > 0, 1.0, 0.0), found_x)
    traced, values = hoisted(equations, start)
    unknowns = implicit(traced, start, values)
    share, log_nu = unknowns[:-1], unknowns[-1]
    residual = jnp.max(jnp.abs(jax.lax.stop_gradient(traced(unknowns, *values))))
    residual = jnp.where(vanishing & (jnp.abs(along) > SETTLED), jnp.abs(along), residual)
    return _record(operators, blocks, ridge, share * scale, jnp.exp(log_nu), residual, vanishing)


def _map(operators: Any, blocks: Blocks, traces: Array, nu: Array) -> tuple[Array, Array, Any]:
    """tr(E Q) at theta(t) as the rows see it, its derivative in t (J, J), and Q."""
    reduction = blocks.reduction(traces)
    resolvent = operators.resolvent(blocks.strength(reduction), nu)
    reached = operators.one_point(resolvent)
    slope = blocks.seen_slope(traces, reached, operators.pair(resolvent, resolvent), reduction)
    return blocks.seen(reached, reduction), slope, resolvent


def _record(
    operators: Any, blocks: Blocks, ridge: Array, traces: Array, nu: Array, residual: Array, vanishing: Array
) -> BlockEquilibrium:
    reduction = blocks.reduction(traces)
    strength = blocks.strength(reduction)
    return BlockEquilibrium(
        ridge=ridge, nu=nu, traces=traces, strength=strength, reduction=reduction, vanishing=vanishing,
        resolvent=operators.resolvent(strength, nu), df1=blocks.degrees(traces, reduction), residual=residual,
        converged=residual < RESIDUAL_TOLERANCE,
    )
