"""Second moments of the error of stochastic gradient descent, step by step, over the nodes of a spectrum.

Every method here keeps, in each eigendirection, a state u of one or two numbers.  With the gradient taken at y = h.u,

    u' = M u - g * gradient,        predictor = o.u,        A = M - (eigenvalue + ridge) g h^T

    gradient descent   u = e                      M = 1                           h = 1               g = rate
    heavy ball         u = (e, e_before)          M = [[1 + beta, -beta], [1, 0]] h = (1, 0)          g = (rate, 0)
    Nesterov           u = (e, e_before)          the same                        h = (1+beta, -beta) g = (rate, 0)
    accelerated        u = (e, error of v)        M = [[alpha, 1 - alpha],        h = (alpha, 1 - alpha)
                                                  [beta alpha, 1 - beta alpha]]   g = (delta, gamma)
    DANA               u = (e, e - c y)           M = [[1 - r d, r d],            h = (1, 0)
                       d = 1 - damping/(1 + t)         [1 - d - r d, d + r d]]    g = (rate + r c, rate + r c + c)

the mean state m' = A m, and the covariance C of u (both times what the node weighs)

    C' = A C A^T + (1/B) [multiplicative * S + source * T] g g^T,    S = h.C h + power (h.m)^2,
    T  = forcing + sum over nodes (closing * S),

where m starts from (1, 1) and C from 0.  All is linear in power and forcing, with coefficients that are polynomials of the
eigenvalue: nodes may be modes, the nodes of a compressed spectrum, or the upper half of a contour, whose sums are real
parts.  (Derived: theory (7.1), (7.2), (7.3), (7.4), (7.5) and (9.16).)
"""

__all__ = ["Iteration", "MomentNodes", "Moments", "ViewTerms", "second_moments"]

from dataclasses import field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from rfgen.numerics.compilation.program import program
from rfgen.numerics.compilation.record import record

Row = tuple[Any, ...]
# Nodes are padded to a multiple of the first, in short runs of the second, and times to at least so many: settings that
# differ share a program.
PADDING, WIDE_PADDING, LEAST_TIMES = 64, 256, 256
# Steps times nodes from which speed is worth its compilation.
MANY = 10**7


@record
class Iteration:
    """A method at single settings; `kind` "descent", "heavy ball", "nesterov", "accelerated" or "dana".

    `rate`, `momentum` (steps,) by step, of which the last holds on; `accelerated` (4,): alpha, beta, gamma, delta; of
    DANA damping, 0, c, 0, and `momentum` its r = momentum rate / c; `batch` and `ridge` (weight decay over n) ().
    """

    rate: Any
    momentum: Any
    accelerated: Any
    batch: Any
    ridge: Any
    kind: str = field(metadata={"static": True})

    @property
    def size(self) -> int:
        """Numbers in the state of a direction."""
        return 1 if self.kind == "descent" else 2

    def scaled(self, scale: float) -> "Iteration":
        """The same for eigenvalues in units of `scale`."""
        accelerated = self.accelerated * jnp.asarray([1.0, 1.0, scale, scale])
        return Iteration(self.rate * scale, self.momentum, accelerated, self.batch, self.ridge / scale, self.kind)

    def step(self, t: Any) -> tuple[tuple[Row, ...], Row, Row]:
        """M, h and g at step t."""
        if self.kind == "accelerated":
            alpha, beta, gamma, delta = self.accelerated
            rest = 1.0 - alpha
            return ((alpha, rest), (beta * alpha, 1.0 - beta * alpha)), (alpha, rest), (delta, gamma)
        rate = self.rate[jnp.minimum(t, self.rate.shape[0] - 1)]
        if self.kind == "descent":
            return ((jnp.ones_like(rate),),), (jnp.ones_like(rate),), (rate,)
        beta = self.momentum[jnp.minimum(t, self.momentum.shape[0] - 1)]
        if self.kind == "dana":
            damping, _, unit, _ = self.accelerated
            kept = 1.0 - jnp.minimum(damping / (1.0 + jnp.asarray(t, rate.dtype)), 1.0)
            pull, slope = beta * kept, rate + beta * unit
            return ((1.0 - pull, pull), (1.0 - kept - pull, kept + pull)), (jnp.ones_like(rate), 0.0 * rate), (
                slope, slope + unit)
        one, zero = jnp.ones_like(rate), jnp.zeros_like(rate)
        ahead = (1.0 + beta, -beta)
        return (ahead, (one, zero)), (ahead if self.kind == "nesterov" else (one, zero)), (rate, zero)


@record
class ViewTerms:
    """What views add to a step where weights of 0 error are not at rest; factors on `power`, with m the mean error seen.

    `drift` (nodes,) of the mean gradient; the noise gains own[0] + 2 own[1] m, the loss of a pattern loss[0] + 2 loss[1] m;
    `own` (2, nodes), `loss` (2, patterns, nodes), `label` (patterns,): factor on the forcing.
    """

    drift: Any
    own: Any
    loss: Any
    label: Any


@record
class MomentNodes:
    """Nodes (nodes,), real or complex, and what the recursion takes at each.

    `power` (columns, nodes): squared error of weights 0; `multiplicative`, `source`, `closing` (nodes,) as in the module's
    text; `read` (outputs, nodes): weights of the sums that are returned; `forcing` (columns, steps), of which the last
    holds on.

    With `views`, `eigenvalues` are second moments of the views; `source` and `closing` (patterns, nodes) have a row for
    each pattern of a view, or of two views of one sample, which has a loss of its own: see `fresh_views`.
    """

    eigenvalues: Any
    power: Any
    multiplicative: Any
    source: Any
    closing: Any
    read: Any
    forcing: Any
    views: ViewTerms | None = None


@record
class Moments:
    """At each of the times asked for: `sums` (times, outputs, columns) over the variance of the predictor, `loss` (times,
    columns[, patterns]) = T, `mean`, `ahead` (times, nodes): factors on the mean error of the predictor and of the
    gradient's point, `by_node` (times, columns, nodes): the variance, empty unless asked for.
    """

    sums: Any
    loss: Any
    mean: Any
    ahead: Any
    by_node: Any


def second_moments(
    iteration: Iteration, nodes: MomentNodes, clock: np.ndarray, average_from: int | None = None, by_node: bool = False
) -> Moments:
    """Run to each of `clock` (times,), ascending step numbers; numpy arrays in and out.

    `average_from`: from this step on, the predictor is the mean of all iterates since.
    """
    count, times = nodes.eigenvalues.size, clock.size
    short = int(clock[-1]) * count < MANY
    # padded: few programs are compiled.  A node of no source stays 0
    spare = -count % (WIDE_PADDING if short else PADDING)
    leaves = {name: np.asarray(leaf) for name, leaf in vars(nodes).items() if name != "views"}
    forcing = leaves.pop("forcing")

    def wide(leaf: np.ndarray) -> np.ndarray:
        return np.pad(leaf, [(0, 0)] * (leaf.ndim - 1) + [(0, spare)])

    padded: dict[str, Any] = {name: wide(leaf) for name, leaf in leaves.items()}
    if nodes.views is not None:
        seen = nodes.views
        padded["views"] = ViewTerms(wide(seen.drift), wide(seen.own), wide(seen.loss), seen.label)
    # a forcing that does not change is spread over a short run: one program serves those that do, too
    steps = _power(max(forcing.shape[1], LEAST_TIMES, int(clock[-1]) + 1) if short else forcing.shape[1])
    padded["forcing"] = np.pad(forcing, ((0, 0), (0, steps - forcing.shape[1])), mode="edge")
    longer = _power(times if by_node else max(times, LEAST_TIMES))
    clock = np.pad(np.asarray(clock, np.int64), (0, longer - times), mode="edge")
    window = (0, False) if average_from is None else (average_from, True)
    run = _run if short else _run.thorough
    found = run(iteration, MomentNodes(**padded), clock, window[0], averaged=window[1], by_node=by_node)
    totals = (np.asarray(leaf)[:times] for leaf in (found.sums, found.loss))
    return Moments(*totals, *(np.asarray(leaf)[:times, ..., :count] for leaf in (found.mean, found.ahead, found.by_node)))


def _power(size: int) -> int:
    """The power of two from `size` up."""
    return 1 << (size - 1).bit_length()


@program(static_argnames=("averaged", "by_node"))
def _run(
    iteration: Iteration, nodes: MomentNodes, clock: Array, average_from: Any, averaged: bool, by_node: bool
) -> Moments:
    """`second_moments` on padded arrays."""
    size, dtype = iteration.size, nodes.power.dtype
    pairs = [(i, j) for i in range(size) for j in range(i, size)]
    eigenvalues = nodes.eigenvalues.astype(dtype)
    shifted = eigenvalues + iteration.ridge.astype(dtype)
    noise = 1.0 / iteration.batch

    def full(upper: tuple[Array, ...]) -> list[list[Array]]:
        found = dict(zip(pairs, upper, strict=True))
        return [[found[min(i, j), max(i, j)] for j in range(size)] for i in range(size)]

    def closed(moments: list[list[Array]], mean: tuple[Array, ...], gaze: Row, t: Any) -> tuple[Array, Array]:
        # the part of a step's noise that is a mode's own, and the loss
        at = [part.astype(dtype) for part in gaze]
        seen = sum(at[i] * (at[j] * moments[i][j]) for i in range(size) for j in range(size))
        ahead = sum(at[i] * mean[i] for i in range(size))
        seen = seen + nodes.power * ahead**2
        forcing = nodes.forcing[:, jnp.minimum(t, nodes.forcing.shape[1] - 1)]
        if nodes.views is not None:
            own, loss = (part[0] + 2.0 * part[1] * ahead for part in (nodes.views.own, nodes.views.loss))
            each = seen @ nodes.closing.T + nodes.power @ loss.T + forcing[:, None] * nodes.views.label
            return nodes.multiplicative * seen + nodes.power * own, each
        total = jnp.sum((nodes.closing.astype(dtype) * seen).real, axis=-1)
        return nodes.multiplicative.astype(dtype) * seen, total + forcing

    def advance(t: Any, state: Any) -> Any:
        upper, mean, window = state
        still, gaze, kick = iteration.step(t)
        moments = full(upper)
        fresh, loss = closed(moments, mean, gaze, t)
        source = nodes.source.astype(dtype)
        fresh = fresh + (source * loss[:, None].astype(dtype) if nodes.views is None else loss @ source)
        matrix = [
            [still[i][j].astype(dtype) - shifted * (kick[i] * gaze[j]).astype(dtype) for j in range(size)]
            for i in range(size)
        ]
        half = [[sum(matrix[i][k] * moments[k][j] for k in range(size)) for j in range(size)] for i in range(size)]
        after = tuple(
            sum(half[i][k] * matrix[j][k] for k in range(size)) + (noise * kick[i] * kick[j]).astype(dtype) * fresh
            for i, j in pairs
        )
        if averaged:
            total, along, mean_total, count = opened(t, upper, mean, window)
            along = tuple(sum(matrix[i][k] * along[k] for k in range(size)) for i in range(size))
            window = (total, along, mean_total, count)
        moved = tuple(sum(matrix[i][k] * mean[k] for k in range(size)) for i in range(size))
        if nodes.views is not None:
            moved = tuple(part + kick[i] * nodes.views.drift for i, part in enumerate(moved))
        return after, moved, window

    def opened(t: Any, upper: tuple[Array, ...], mean: tuple[Array, ...], window: Any) -> Any:
        """The running sums with the iterate at t among them, if the window is open."""
        total, along, mean_total, count = window
        inside = t >= average_from
        weigh = inside.astype(dtype)
        moments = full(upper)
        total = total + weigh * (2.0 * along[0] + moments[0][0])
        along = tuple(part + weigh * moments[i][0] for i, part in enumerate(along))
        return total, along, mean_total + weigh * mean[0], count + inside.astype(jnp.float64)

    def run(state: Any, until: Any) -> tuple[Any, Moments]:
        t, inner = state
        inner = jax.lax.fori_loop(t, until, advance, inner)
        upper, mean, window = inner
        _, gaze, _ = iteration.step(until)
        moments = full(upper)
        _, loss = closed(moments, mean, gaze, until)
        error, mean_error = moments[0][0], mean[0]
        if averaged:
            total, _, mean_total, count = opened(until, upper, mean, window)
            many = jnp.maximum(count, 1.0).astype(dtype)
            error = jnp.where(count > 0, total / many**2, error)
            mean_error = jnp.where(count > 0, mean_total / many, mean_error)
        sums = jnp.sum((nodes.read.astype(dtype)[:, None] * error).real, axis=-1)
        kept = error if by_node else jnp.zeros((0, size), dtype)
        ahead = sum(gaze[i].astype(dtype) * mean[i] for i in range(size))
        return (until, inner), Moments(sums, loss, mean_error, ahead, kept)

    zeros = jnp.zeros_like(nodes.power)
    mean = (jnp.ones_like(eigenvalues),) * size
    window = (zeros, (zeros,) * size, jnp.zeros_like(eigenvalues), jnp.zeros(())) if averaged else ()
    start = (jnp.zeros((), clock.dtype), ((zeros,) * len(pairs), mean, window))
    return jax.lax.scan(run, start, clock)[1]
