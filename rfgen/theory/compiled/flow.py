"""Risk along gradient flow, from pairs of complex ridges on a contour: theory (14.9).

Weights trained for a time are a sum over nodes of a contour of those of ridges -zeta.  Their mean products are those of two
copies of the expression, whose cores are continued along the contour from its real end, and whose other equations are
linear.
"""

__all__ = ["solve_flow"]

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from rfgen.algebra.flow import RIDGES
from rfgen.algebra.matrices import Inverse
from rfgen.algebra.structure import Structure
from rfgen.numerics.quadrature.contours import DECADE, decaying, filter_weights
from rfgen.theory.compiled.batch import Batch, equations_of, flat
from rfgen.theory.compiled.core import VANISHING, UnsolvedError, continued, solve_core
from rfgen.theory.compiled.lines import line_values
from rfgen.theory.compiled.moments import Metrics, means, moment_equations
from rfgen.theory.compiled.solver import Solved, nothing
from rfgen.theory.compiled.system import Numbers, System

# Pairs of nodes that are solved at once.
BLOCK = 256
# Times as small as this share of 1 / (the largest eigenvalue times all rows) are times of 0.
START = 1e-12


def solve_flow(
    structure: Structure, flow: Inverse, at: Callable[[Mapping[str, Any]], Numbers], points: Sequence[Mapping[str, Any]],
    metrics: Metrics, least: np.ndarray,
) -> list[Solved]:
    """`solve` at points of the structure of two ridges, `RIDGES`, each at its time of the `flow`."""
    pencil = structure.pencil
    scalars = [own.factor for own in (*pencil.fixed, *pencil.drawn, *pencil.joined)]
    scalars += [own.matrix.variance for own in pencil.drawn]
    inner = flow.time.names - {name for own in scalars for name in own.names} - set(at(points[0]).weights)
    groups: dict[Any, list[int]] = {}
    for number, point in enumerate(points):
        groups.setdefault(tuple(value for name, value in point.items() if name not in inner), []).append(number)
    found: dict[int, Solved] = {}
    for group in groups.values():
        numbers = at(points[group[0]])
        size = max(float(np.max(np.asarray(own))) for own in numbers.diagonals.values())
        earliest = START / (size * (1.0 + sum(float(own.sum()) for own in numbers.weights.values())))
        times = np.maximum([float(flow.time.value(points[number])) for number in group], earliest)
        latest = times.max()
        decades = np.floor(np.log(latest / times) / np.log(DECADE) + 1e-12)
        for decade in np.unique(decades):
            here = np.flatnonzero(decades == decade)
            values = _decade(structure, numbers, latest / DECADE**decade, times[here], metrics, float(least[group[0]]))
            found |= {group[place]: own for place, own in zip(here, values, strict=True)}
    return [found[number] for number in range(len(points))]


def _decade(
    structure: Structure, numbers: Numbers, clock: float, times: np.ndarray, metrics: Metrics, least: float
) -> list[Solved]:
    """At times from clock/10 to clock."""
    curve = decaying(clock)
    filters = filter_weights(np.exp(-times[:, None] * curve.nodes), curve.nodes, curve.weights)
    scale = max((float(np.max(np.asarray(own))) for own in numbers.diagonals.values()), default=1.0)
    shift = None if least > 0.0 else VANISHING * scale
    try:
        cores, residual = _cores(structure, numbers, -curve.nodes, least, shift)
    except UnsolvedError as error:
        return [nothing(len(metrics), np.nan, np.inf, str(error))] * len(times)
    one, two = np.triu_indices(curve.nodes.size)
    one, two = np.tile(one, 2), np.concatenate([two, two + curve.nodes.size])  # behind the nodes their conjugates
    both = np.concatenate([filters, filters.conj()], axis=1)
    shares = filters[:, one] * both[:, two]
    shares = np.where(one == two % curve.nodes.size, 1.0, 2.0) * shares
    total = np.zeros((len(times), len(metrics), 3))
    line: dict[str, np.ndarray] = {}
    for start in range(0, one.size, BLOCK):
        pairs = slice(start, start + BLOCK)
        values, along = _pairs(structure, numbers, -curve.nodes, cores, one[pairs], two[pairs], metrics, shift)
        total += 2.0 * np.real(np.einsum("tp,pmc->tmc", shares[:, pairs], values))
        same = one[pairs] == two[pairs]
        for name, own in along.items():
            part = 2.0 * np.real(filters[:, one[pairs][same]] @ own[same])
            line[name] = line.get(name, 0.0) + part
    found = []
    for number in range(len(times)):
        values, mean, noise = total[number].T
        parts = np.array([mean, values - mean - noise, noise])
        own = {name: float(values[number]) for name, values in line.items()}
        found.append(Solved(np.maximum(values, 0.0), np.maximum(parts, 0.0), own, np.nan, residual))
    return found


def _cores(
    structure: Structure, numbers: Numbers, ridges: np.ndarray, least: float, shift: float | None
) -> tuple[list[Any], float]:
    """Traces (ridges, and their conjugates for the second ridge, traces) of each core, and the largest residual."""
    found, worst = [], 0.0
    for core in structure.cores:
        def bound(ridge: Any, core: Any = core) -> System:
            here = replace(numbers, scalars={**numbers.scalars, **dict.fromkeys(RIDGES, ridge)})
            return System(core.pencil, core.traces, core.places, here)

        names = {name for own in (*core.pencil.fixed, *core.pencil.drawn) for name in own.factor.names}
        if not names & set(RIDGES):
            traces, residual = solve_core(bound(1.0), least, shift or 0.0)
        else:
            traces, residual = continued(bound, ridges, least, shift or 0.0)
            traces = np.concatenate([traces, traces.conj()])
        found.append(traces)
        worst = max(worst, residual)
    return found, worst


def _pairs(
    structure: Structure, numbers: Numbers, ridges: np.ndarray, cores: Sequence[Any], one: np.ndarray, two: np.ndarray,
    metrics: Metrics, shift: Any,
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Mean products (pairs, metrics, 3), in total, of means, of noise; outputs on the line at the first ridge (pairs,)."""
    both, count = np.concatenate([ridges, ridges.conj()]), len(one)
    here = replace(numbers, scalars={
        **numbers.scalars, RIDGES[0]: Batch(both[one][:, None]), RIDGES[1]: Batch(both[two][:, None])
    })
    traces = []
    for core, own in zip(structure.cores, cores, strict=True):
        names = {name for entry in (*core.pencil.fixed, *core.pencil.drawn) for name in entry.factor.names}
        if not names & set(RIDGES):
            traces.append(own)
        else:
            at = own[one if RIDGES[0] in names else two]
            traces.append([Batch(column[:, None]) for column in at.T])

    def solved(equations: Any) -> list[Batch]:
        first, matrix = equations_of(count, [[own] for own in equations[0]], equations[1])
        return [Batch(row) for row in np.linalg.solve(np.eye(matrix.shape[1]) - matrix, first).transpose(1, 0, 2)]

    unknowns = means(structure, here, traces, shift, solved)
    line = line_values(structure, here, unknowns, shift, solved)
    seconds = len(structure.seconds)
    first, matrix = equations_of(count, *moment_equations(structure, here, unknowns, metrics, shift, line), seconds)
    inner = np.linalg.solve(np.eye(seconds) - matrix[:, :seconds], first[:, :seconds])
    total = first[:, seconds:] + matrix[:, seconds:] @ inner
    mean = first[:, seconds:, 1]
    values = np.stack([total[..., 0], mean, total[..., 2]], axis=-1)
    rows = {name: row for name, row in structure.pencil.outputs.items() if row in line and not name.endswith("'")}
    return values, {name: np.broadcast_to(flat(line[row]), count) for name, row in rows.items()}
