"""Equilibria along a path of complex ridges, each from the one before.

The unknowns are log t and log nu.  At a ridge of 1000 times the total trace, of any argument, t = tr(E)/lambda and
nu = lambda to one part in a thousand, from where Newton steps, at most 1 long, follow the solution; in logarithms nothing
is lost at ridges of any size: where rows, features or rank are equal, what df1 lacks of one is what it lacks of the other,
and these are known without a difference: rows - df1 from V, features - df1 = features ridge/nu, rank - df1 = nu tr Q.
The physical branch is the one with Im(t) Im(lambda) <= 0, Im(nu) Im(lambda) >= 0.  Equations: theory (2.14).
"""

__all__ = ["approach", "path_equilibria", "upper_edge"]

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Complex, Float

from rfgen.equivalents.augmented.block_equilibrium import RESIDUAL_TOLERANCE, BlockEquilibrium
from rfgen.equivalents.augmented.blocks import Blocks
from rfgen.equivalents.operators import DenseOperators, DiagonalOperators
from rfgen.numerics.small_systems import solve

Operators = DiagonalOperators | DenseOperators
# Steps of the approach: each is predicted from the last to second order in the logarithms.
APPROACH = 16
MOST_PASSES = 40
# Newton's next step would be as small as this one squared.
SMALLEST_STEP = 1e-9
# Numbers of rows, features and modes that differ by less than this, relative, are one.
SQUARE = 1e-12
# Steps of one refinement of the upper edge, and refinements: relative error about (1e9)^(1/64^4) - 1 = 1e-6.
EDGE_STEPS, REFINEMENTS = 64, 4


def _total(operators: Operators, blocks: Blocks) -> Array:
    sizes = operators.size()
    return blocks.strength(blocks.reduction(jnp.zeros_like(sizes))) @ sizes


def approach(operators: Operators, blocks: Blocks, ridge: Array) -> Complex[Array, " steps"]:
    """A geometric path from where everything is shrunk to nothing to `ridge`, along its argument."""
    start = jnp.maximum(1e3 * _total(operators, blocks), jnp.abs(ridge))
    size = jnp.exp(jnp.linspace(jnp.log(start), jnp.log(jnp.abs(ridge)), APPROACH))
    return size[:-1].astype(ridge.dtype) * jnp.exp(1j * jnp.angle(ridge).astype(ridge.dtype))


def path_equilibria(
    operators: Operators, blocks: Blocks, features: Array, path: Complex[Array, " path"], nodes: Complex[Array, " nodes"],
    smallest: float = SMALLEST_STEP,
) -> BlockEquilibrium:
    """Equilibria (nodes, ...) at `nodes`, reached by way of `path`, whose first ridge is large (see `approach`); right to
    the square of the `smallest` step.
    """
    ridges = jnp.concatenate([path, nodes])

    def step(last: tuple[Array, Array, Array], ridge: Array) -> tuple[tuple[Array, Array, Array], BlockEquilibrium]:
        logs, along, before = last
        logs = logs + along * jnp.log(ridge / before)
        logs, misfit, matrix, pull, resolvent, _ = _newton(operators, blocks, features, logs, ridge, smallest=smallest)
        traces, nu = _unknowns(operators, logs)
        reduction = blocks.reduction(traces)
        strength = blocks.strength(reduction)
        df1 = blocks.degrees(traces, reduction)
        residual = jnp.max(jnp.abs(misfit))
        beyond = jnp.any(traces.imag * ridge.imag > 1e-10 * jnp.abs(traces) * jnp.abs(ridge))
        beyond |= nu.imag * ridge.imag < -1e-10 * jnp.abs(nu) * jnp.abs(ridge)
        # d logs / d log ridge
        along = -solve(matrix, jnp.zeros_like(logs).at[-1].set(pull))
        return (logs, along, ridge), BlockEquilibrium(
            ridge=ridge, nu=nu, traces=traces, strength=strength, reduction=reduction, vanishing=jnp.zeros((), bool),
            resolvent=resolvent, df1=df1, residual=residual,
            converged=(residual < RESIDUAL_TOLERANCE) & ~beyond,
        )

    # one scan: a second one would be compiled apart
    start = _start(operators, path[0])
    found = jax.lax.scan(step, (start, jnp.zeros_like(start), path[0]), ridges)[1]
    return jax.tree.map(lambda leaf: leaf[path.size:], found)


def upper_edge(operators: Operators, blocks: Blocks, features: Array) -> Float[Array, ""]:
    """The upper edge of the spectrum of the training second moment (): the real ridges below minus it are regular.

    The solution is followed inwards from minus infinity, where t and nu are negative numbers and minus Q a positive
    matrix; it ends where Newton's matrix is singular.
    """
    total = _total(operators, blocks)
    far = -1e3 * total

    def refine(_: Any, state: tuple[Array, Array, Array, Array]) -> tuple[Array, Array, Array, Array]:
        logs, last, sign, ratio = state
        path = last * jnp.exp(-jnp.log(ratio) * (jnp.arange(1, EDGE_STEPS + 1) / EDGE_STEPS))

        def inward(state: tuple[Array, Array, Array, Array, Array]) -> tuple[Array, Array, Array, Array, Array]:
            logs, last, sign, _, at = state
            found, _, matrix, *_, residual = _newton(operators, blocks, features, logs, path[at], -1.0)
            own = jnp.sign(jnp.linalg.det(matrix))
            sign = jnp.where(sign == 0.0, own, sign)  # that of the first step, far outside
            regular = (residual <= SMALLEST_STEP) & (own == sign)
            return jnp.where(regular, found, logs), jnp.where(regular, path[at], last), sign, regular, at + 1

        def inside(state: tuple[Array, Array, Array, Array, Array]) -> Array:
            # beyond the edge Newton never ends: 15 times the passes of all regular steps
            return state[3] & (state[4] < EDGE_STEPS)

        start = (logs, last, sign, jnp.ones((), bool), jnp.zeros((), jnp.int32))
        logs, last, sign, *_ = jax.lax.while_loop(inside, inward, start)
        return logs, last, sign, ratio ** (1.0 / EDGE_STEPS)

    first = (_start(operators, -far), far, jnp.zeros(()), jnp.asarray(1e9))
    return jnp.where(total > 0, -jax.lax.fori_loop(0, REFINEMENTS, refine, first)[1], 0.0)


def _start(operators: Operators, ridge: Array) -> Array:
    sizes = operators.size()
    live = sizes > 0
    traces = jnp.where(live, jnp.log(jnp.where(live, sizes, 1.0)).astype(ridge.dtype) - jnp.log(ridge), 0.0)
    return jnp.append(traces, jnp.log(ridge))


def _inverse(features: Array) -> Array:
    return jnp.where(jnp.isfinite(features), 1.0 / features, 0.0)


def _unknowns(operators: Operators, logs: Array, sign: float = 1.0) -> tuple[Array, Array]:
    return jnp.where(operators.size() > 0, sign * jnp.exp(logs[:-1]), 0.0), sign * jnp.exp(logs[-1])


def _linearised(
    operators: Operators, blocks: Blocks, features: Array, logs: Array, ridge: Array, sign: float = 1.0
) -> tuple[Array, Array, Array, Array]:
    """Misfits of the equations, relative, and their derivatives in the logs of t and nu times `sign`; of the last one in
    that of the ridge; and the resolvent.
    """
    live = operators.size() > 0
    inverse = _inverse(features).astype(logs.dtype)
    traces, nu = _unknowns(operators, logs, sign)
    reduction = blocks.reduction(traces)
    resolvent = sign * operators.resolvent(sign * blocks.strength(reduction), sign * nu)
    reached = operators.one_point(resolvent)
    value = blocks.seen(reached, reduction)
    scale = jnp.where(live, traces, 1.0)
    misfit = jnp.where(live, value / scale - 1.0, 0.0)
    slope = blocks.seen_slope(traces, reached, operators.pair(resolvent, resolvent), reduction) * traces / scale[:, None]
    slope = slope - jnp.diag(jnp.where(live, value / scale, 1.0))
    along_nu = -nu * blocks.seen(operators.plain(resolvent, resolvent), reduction) / scale
    # features = df1 + features ridge/nu, and its derivatives in log t, log nu and log ridge
    pull, spent = ridge / nu, traces * _degrees_slope(blocks, traces, reduction)
    feature_misfit = pull - 1.0 + blocks.degrees(traces, reduction) * inverse
    feature_row, feature_nu = spent * inverse, -pull
    if traces.size == 1 and isinstance(operators, DiagonalOperators) and blocks.examples is None:
        rank, (rows, unspent) = jnp.sum(operators.multiplicity), blocks.rows(reduction)
        trace, twice = (operators.multiplicity.astype(nu.dtype) @ resolvent**power for power in (1, 2))
        missed = nu * trace
        missed_row = traces * (operators.plain(resolvent, resolvent) @ blocks.responses(reduction, reduction)) / trace
        pairs = (rows, rank), (rows, features), (rank, features)
        rows_rank, rows_features, rank_features = (
            jnp.abs(one - other) <= SQUARE * jnp.minimum(one, other) for one, other in pairs
        )
        share = missed / unspent
        misfit = jnp.where(rows_rank, share - 1.0, misfit)
        slope = jnp.where(rows_rank, share * (missed_row + spent / unspent)[None], slope)
        along_nu = jnp.where(rows_rank, share * (1.0 - nu * twice / trace), along_nu)
        left = jnp.where(rows_features, unspent, missed) * inverse / pull
        tied = rows_features | (rank_features & (rank < rows))
        feature_misfit = jnp.where(tied, 1.0 - left, feature_misfit)
        row = jnp.where(rows_features, spent / unspent, -missed_row)
        feature_row = jnp.where(tied, left * row, feature_row)
        bent = jnp.where(rows_features, 0.0, 1.0 - nu * twice / trace)
        feature_nu = jnp.where(tied, -left * (1.0 + bent), feature_nu)
        pull = jnp.where(tied, left, pull)
    matrix = jnp.block([[slope, along_nu[:, None]], [feature_row[None], feature_nu[None, None]]])
    return jnp.append(misfit, feature_misfit), matrix, pull, resolvent


def _newton(
    operators: Operators, blocks: Blocks, features: Array, logs: Array, ridge: Array, sign: float = 1.0,
    smallest: float = SMALLEST_STEP,
) -> tuple[Array, ...]:
    """The solution near `logs` of t and nu times `sign`, what `_linearised` says there, and the length of the last step."""

    # the equations stand in the program once: a first step of 0 is to where they are first asked
    def step(state: tuple[Array, ...]) -> tuple[Array, ...]:
        logs, misfit, matrix, *_, passes = state
        change = solve(matrix, misfit)
        size = jnp.max(jnp.abs(change))
        logs = logs - change / jnp.maximum(size, 1.0).astype(logs.dtype)
        there = _linearised(operators, blocks, features, logs, ridge, sign)
        return logs, *there, jnp.where(passes == 0, jnp.inf, size), passes + 1

    def unfinished(state: tuple[Array, ...]) -> Array:
        return (state[-2] > smallest) & (state[-1] <= MOST_PASSES)

    nowhere = (
        jnp.zeros_like(logs), jnp.eye(logs.size, dtype=logs.dtype), jnp.zeros_like(ridge),
        jnp.zeros_like(operators.basis[0], logs.dtype),
    )
    start = (logs, *nowhere, jnp.asarray(jnp.inf), jnp.zeros((), jnp.int32))
    *found, size, _ = jax.lax.while_loop(unfinished, step, start)
    return *found, jnp.where(jnp.isfinite(size), size, jnp.inf)


def _degrees_slope(blocks: Blocks, traces: Array, reduction: Array) -> Array:
    """`Blocks.degrees_slope`; of independent rows V - V D V is V^2, the difference is lost at peaks of tiny ridges."""
    if blocks.examples is None:
        return blocks.strength(reduction @ reduction)
    return blocks.degrees_slope(traces, reduction)
