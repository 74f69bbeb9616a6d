"""The learning rates of one pass that leave the least risk after a given number of steps, by the adjoint of the recursion.

On clean samples the second moments x of a node's state, in units of the risk, close on themselves,

    x' = A x A^T + (1/B) [lambda^2 h.x h + counts lambda^2 T] g g^T,       T = noise + sum over nodes of h.x h,

an affine map of x that is quadratic in the step's rate, in which g is linear.  Let a be the gradient of the last risk with
respect to x, carried backwards by the transposed map.  In each single rate the last risk is a quadratic,

    f(rate_t) = a_{t+1} . x_{t+1}(rate_t),        least at  rate_t = num / den,

for plain descent num = sum a lambda x, den = (1 + 1/B) sum a lambda^2 x + (T/B) sum a counts lambda^2.  A sweep goes
backwards for a, then forwards, setting each rate to its least: no sweep raises the risk.  (Derived.)
Equations: theory (17.1), (17.2).
"""

__all__ = ["SHAPES", "Schedules", "best_schedules", "shape_of"]

from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from rfgen.numerics.compilation.precision import require_double_precision
from rfgen.numerics.compilation.program import program
from rfgen.numerics.compilation.record import record
from rfgen.problems.task import Task
from rfgen.theory.sgd.streaming.second_moments import Iteration

# Sweeps end where one lowers the excess risk by less than this share, and at the latest after so many.
SETTLED, MOST_SWEEPS = 1e-12, 200
# Shares of twice the inverse of (largest eigenvalue + their sum / B) at which a shape is tried first; how often the best of
# them is enclosed, by how many.
TRIED, ENCLOSED, BETWEEN = np.geomspace(1e-6, 16.0, 36), 5, 9
# Nodes are padded to a multiple, steps to a power of two: few programs are compiled.
PADDING = 64
# Numbers of the adjoint at all steps that are affordable: 1.6 GB.
MOST_NUMBERS = 2 * 10**8
# Shares of the steps: of the warmup and of the decay of warmup-stable-decay, and until 1/t has halved.
WARMUP, DECAY, HALVED = 0.02, 0.2, 0.1
SHAPES = ("constant", "linear", "cosine", "warmup-stable-decay", "1/t")


@dataclass(frozen=True)
class Schedules:
    """Of the best schedule, and of each of `SHAPES` at its best size: `rates`, `risk` (1 + shapes, steps), the test risk
    before each step, and `test` (1 + shapes,) after the last.  `slope` (steps,): d test / d log rate of the best; `sweeps`.
    """

    rates: np.ndarray
    risk: np.ndarray
    test: np.ndarray
    slope: np.ndarray
    sweeps: int


@record
class ScheduleNodes:
    """Nodes (nodes,): `eigenvalues`, `counts` of modes, `power` of the target there; `noise` (): all that stays."""

    eigenvalues: Any
    counts: Any
    power: Any
    noise: Any


def shape_of(name: str, steps: int) -> np.ndarray:
    """A shape of `SHAPES` (steps,), of largest value 1.

    >>> shape_of("linear", 4).tolist(), shape_of("1/t", 20)[2].tolist()
    ([1.0, 0.75, 0.5, 0.25], 0.5)
    """
    t, share = np.arange(steps), np.arange(steps) / steps
    shapes = {
        "constant": np.ones(steps), "linear": 1.0 - share, "cosine": 0.5 * (1.0 + np.cos(np.pi * share)),
        "warmup-stable-decay": np.clip(np.minimum((t + 1) / max(WARMUP * steps, 1.0), (1.0 - share) / DECAY), 0.0, 1.0),
        "1/t": 1.0 / (1.0 + share / HALVED),
    }
    return shapes[name]


def best_schedules(task: Task, iteration: Iteration, steps: int, cap: float) -> Schedules:
    """The best rates in [0, `cap`] on the kernel's own modes, for the momentum and the batch of `iteration`, whose own rate
    plays no part.  Starts from the best named shape: it can only be better.  Not traceable.

    Source: derived; in continuous time, noise dominating, the decay (1 - t/T)^(2 alpha - 1) is that of arXiv 2602.04774.

    >>> import jax, rfgen
    >>> from rfgen.theory.sgd.streaming.one_pass import iteration_of
    >>> task = rfgen.Task.power_law(alpha=1.5, beta=3.0, noise=0.3, modes=100)
    >>> with jax.enable_x64(True):
    ...     iteration = iteration_of(rfgen.OnePassSGD(rate=0.1, steps=50), {"rate": 0.1, "batch": 1.0})
    ...     found = best_schedules(task, iteration, 50, np.inf)
    >>> bool(found.test[0] <= found.test[1:].min()), found.rates.shape
    (True, (6, 50))
    """
    require_double_precision("rfgen.theory.sgd.schedules.best_schedules")
    learned, power = task.spectrum.learnable, task.power.sum(axis=0)
    scale = float(task.eigenvalues[0]) if learned.any() else 1.0
    size = max(int(learned.sum()), 1)
    spare = -size % PADDING
    values = (task.eigenvalues / scale, task.spectrum.multiplicity, power)
    wide, counts, power = (np.pad(part[learned], (0, spare + size - int(learned.sum()))) for part in values)
    kept = np.sum(task.risk_noise) + np.sum(task.null_power) + np.sum(values[2][~learned])
    table = ScheduleNodes(wide, counts, power, np.asarray(kept))
    iteration, cap = replace(iteration.scaled(scale), rate=np.ones(1)), cap * scale
    padded = 1 << (steps - 1).bit_length()
    held = padded * table.eigenvalues.size * len(_pairs(iteration))
    if held > MOST_NUMBERS:
        raise ValueError(
            f"steps times modes must be at most {MOST_NUMBERS / len(_pairs(iteration)):.3g} for a best schedule, got "
            f"{steps} steps (held as {padded}) of {size} modes: take fewer steps, or a task of fewer modes"
        )
    shapes = np.pad(np.stack([shape_of(name, steps) for name in SHAPES]), ((0, 0), (0, padded - steps)))
    rates = _sized(table, iteration, shapes, steps, cap)[:, None] * shapes
    last = np.asarray(_last.thorough(table, iteration, rates, steps))
    best, slope, sweeps = _swept.thorough(table, iteration, rates[int(np.argmin(last))], steps, cap)
    rates = np.concatenate([np.asarray(best)[None], rates])
    risk = np.asarray(_along.thorough(table, iteration, rates, steps))
    return Schedules(rates[:, :steps] / scale, risk[:, :steps], risk[:, steps], np.asarray(slope)[:steps], int(sweeps))


def _sized(table: ScheduleNodes, iteration: Iteration, shapes: np.ndarray, steps: int, cap: float) -> np.ndarray:
    """The largest rate (shapes,) with which each shape leaves the least risk."""
    largest = float(np.max(table.eigenvalues) + np.sum(table.eigenvalues * table.counts) / iteration.batch)
    tried = np.broadcast_to(np.minimum(TRIED * 2.0 / largest, cap), (len(shapes), TRIED.size))
    rows = np.arange(len(shapes))
    for number in range(1 + ENCLOSED):
        lanes = (tried[:, :, None] * shapes[:, None]).reshape(-1, shapes.shape[1])
        last = np.asarray(_last.thorough(table, iteration, lanes, steps)).reshape(tried.shape)
        last = np.where(np.isfinite(last), last, np.inf)
        least = np.argmin(last, axis=1)
        if number == ENCLOSED:
            break
        low, high = (tried[rows, np.clip(least + side, 0, tried.shape[1] - 1)] for side in (-1, 1))
        tried = np.geomspace(low, high, BETWEEN, axis=1)
    return tried[rows, least]


def _pairs(iteration: Iteration) -> list[tuple[int, int]]:
    return [(i, j) for i in range(iteration.size) for j in range(i, iteration.size)]


def _start(nodes: ScheduleNodes, iteration: Iteration) -> Array:
    return jnp.tile(nodes.power, (len(_pairs(iteration)), 1))


def _advanced(nodes: ScheduleNodes, iteration: Iteration, t: Any, rate: Any, state: Array) -> Array:
    """One step of the second moments (pairs, nodes)."""
    still, gaze, kick = replace(iteration, rate=jnp.reshape(rate, (1,))).step(t)
    size, pairs, values = iteration.size, _pairs(iteration), nodes.eigenvalues
    found = dict(zip(pairs, state, strict=True))
    moments = [[found[min(i, j), max(i, j)] for j in range(size)] for i in range(size)]
    seen = sum(gaze[i] * gaze[j] * moments[i][j] for i in range(size) for j in range(size))
    loss = nodes.noise + jnp.sum(seen)
    fresh = values**2 * (seen + nodes.counts * loss) / iteration.batch
    matrix = [[still[i][j] - values * (kick[i] * gaze[j]) for j in range(size)] for i in range(size)]
    half = [[sum(matrix[i][k] * moments[k][j] for k in range(size)) for j in range(size)] for i in range(size)]
    return jnp.stack([sum(half[i][k] * matrix[j][k] for k in range(size)) + kick[i] * kick[j] * fresh for i, j in pairs])


@program
def _along(nodes: ScheduleNodes, iteration: Iteration, rates: Array, steps: Array) -> Array:
    """The risk (schedules, padded steps + 1) before each step and after the last."""

    def one(own: Array) -> Array:
        def step(t: Array, carry: tuple[Array, Array]) -> tuple[Array, Array]:
            state, risk = carry
            return _advanced(nodes, iteration, t, own[t], state), risk.at[t].set(nodes.noise + jnp.sum(state[0]))

        state, risk = jax.lax.fori_loop(0, steps, step, (_start(nodes, iteration), jnp.zeros(own.size + 1)))
        return risk.at[steps].set(nodes.noise + jnp.sum(state[0]))

    return jax.vmap(one)(rates)


@program
def _last(nodes: ScheduleNodes, iteration: Iteration, rates: Array, steps: Array) -> Array:
    """The risk (schedules,) after the last step."""

    def one(own: Array) -> Array:
        def step(t: Array, state: Array) -> Array:
            return _advanced(nodes, iteration, t, own[t], state)

        return nodes.noise + jnp.sum(jax.lax.fori_loop(0, steps, step, _start(nodes, iteration))[0])

    return jax.lax.map(one, rates)


@program
def _swept(
    nodes: ScheduleNodes, iteration: Iteration, rates: Array, steps: Array, cap: Array
) -> tuple[Array, Array, Array]:
    """The best rates, d risk / d log rate there, and the number of sweeps."""
    zeros = jnp.zeros_like(_start(nodes, iteration))

    def backwards(rates: Array) -> Array:
        """The adjoint (padded steps, pairs, nodes) behind each step."""

        def step(back: Array, carry: tuple[Array, Array]) -> tuple[Array, Array]:
            adjoint, kept = carry
            t = steps - 1 - back
            kept = kept.at[t].set(adjoint)
            _, transposed = jax.vjp(lambda state: _advanced(nodes, iteration, t, rates[t], state), zeros)
            return transposed(adjoint)[0], kept

        return jax.lax.fori_loop(0, steps, step, (zeros.at[0].set(1.0), jnp.zeros((rates.size, *zeros.shape))))[1]

    def quadratic(t: Array, state: Array, adjoint: Array) -> tuple[Array, Array]:
        """Slope at rate 0, and curvature, of the last risk in one rate."""
        slope = jax.grad(lambda rate: jnp.sum(adjoint * _advanced(nodes, iteration, t, rate, state)))
        return jax.jvp(slope, (jnp.zeros(()),), (jnp.ones(()),))

    def forwards(rates: Array, kept: Array, moves: Any) -> tuple[Array, Array, Array]:
        def step(t: Array, carry: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
            state, rates, slopes = carry
            at_zero, curvature = quadratic(t, state, kept[t])
            least = jnp.clip(-at_zero / jnp.where(curvature > 0, curvature, 1.0), 0.0, cap)
            rate = jnp.where(moves & (curvature > 0), least, rates[t])
            slopes = slopes.at[t].set(rate * (at_zero + curvature * rate))
            return _advanced(nodes, iteration, t, rate, state), rates.at[t].set(rate), slopes

        state, rates, slopes = jax.lax.fori_loop(0, steps, step, (_start(nodes, iteration), rates, jnp.zeros_like(rates)))
        return jnp.sum(state[0]), rates, slopes

    def going(carry: tuple[Array, ...]) -> Array:
        _, excess, before, sweeps = carry
        return (sweeps < MOST_SWEEPS) & (before - excess > SETTLED * excess)

    def sweep(carry: tuple[Array, ...]) -> tuple[Array, ...]:
        rates, excess, _, sweeps = carry
        after, rates, _ = forwards(rates, backwards(rates), True)
        return rates, after, excess, sweeps + 1

    start = (rates, jnp.asarray(jnp.finfo(rates.dtype).max / 4), jnp.asarray(jnp.inf), jnp.zeros((), jnp.int32))
    rates, _, _, sweeps = jax.lax.while_loop(going, sweep, start)
    return rates, forwards(rates, backwards(rates), False)[2], sweeps
