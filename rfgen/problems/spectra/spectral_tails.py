"""Sums over the modes beyond the k-th, for every k: what effective ranks are made of.

All sums are relative to the eigenvalue that follows, `sum_{i>k} lambda_i / lambda_{k+1}`, and are accumulated from the
smallest eigenvalue up: positive terms, no difference of large sums, no square too small for a double.

An infinite spectrum knows its tail at Gauss-Legendre nodes, whose partial sums mean nothing.  So log lambda is interpolated
between them (Legendre series of each panel, in log i) and integrated anew over 192 cells a panel, three points each; the
sum over i > k is the integral from k + 1/2 plus an end correction, as in `rfgen.numerics.compression`.
"""

__all__ = ["SpectralTails", "spectral_tails"]

import math
from typing import Any

import numpy as np

from rfgen.numerics.compilation.record import record
from rfgen.numerics.compression import TAIL_NODES
from rfgen.problems.spectra.spectrum import Spectrum

CELLS, CELL_POINTS = 192, 3
# Sums are rescaled when the terms have changed by this factor's exponential: far from overflow.
RESCALE = 250.0
# Records are padded to a power of two of at least this many levels: few shapes to compile.
LEAST_LEVELS = 8192


@record
class SpectralTails:
    """Sums beyond the k-th mode at k = `start` of each level; a pytree of arrays (numpy or JAX), in descending order.

    Shapes (levels,), padded by levels that start at inf: `start`, `stop`: numbers of modes before a level and through it
    (on an infinite tail a grid of k, with gaps between); `eigenvalue` of the level; `after_trace`, `after_square`: sums of
    lambda_i / lambda and of its square over all modes after the level; `power_beyond`: target power of all modes
    i > start, what is never learned included; `power_before`: sum of v_i^2 (lambda/lambda_i)^2 over i <= start.
    `wide` (wide levels,): numbers of the levels of more than one mode; `rank` (): number of modes of positive eigenvalue.
    """

    start: Any
    stop: Any
    eigenvalue: Any
    after_trace: Any
    after_square: Any
    power_beyond: Any
    power_before: Any
    wide: Any
    rank: Any


def spectral_tails(
    spectrum: Spectrum, power: Any = None, null_power: float = 0.0, largest: float = math.inf
) -> SpectralTails:
    """The record of a spectrum and, if given, of the target `power` (levels,), in the order of its levels.

    `largest`: the largest k of interest; levels far beyond it are left out of the record, not out of the sums.

    Exact to rounding at actual modes, to 1e-9 on an infinite tail.  10^6 modes take 0.1 s.  Derived.

    >>> tails = spectral_tails(Spectrum([4.0, 2.0, 1.0]))
    >>> (1.0 + tails.after_trace[:3]).tolist()  # r_0, r_1, r_2
    [1.75, 1.5, 1.0]
    """
    given = np.zeros_like(spectrum.eigenvalues) if power is None else np.asarray(power, np.float64)
    kept = spectrum.learnable.copy()
    null = float(null_power + given[~kept].sum())
    sampled = spectrum.eigenvalues.size - spectrum.explicit > 1
    kept[spectrum.explicit :] &= not sampled  # a lone end node is a level like others
    logs = np.log(spectrum.eigenvalues[kept])
    counts, weight = spectrum.multiplicity[kept], given[kept]
    start = np.concatenate([[0.0], np.cumsum(counts)[:-1]]) if counts.size else counts
    levels = {"start": start, "stop": start + counts, "log": logs, "own": counts}
    cells = _tail(spectrum, given) if sampled else {}
    items = {"logs": logs, "power": weight, "trace": counts, "square": counts}
    items = {key: np.append(own, cells[key]) if sampled else own for key, own in items.items()}
    trace, square = (_sums_from(items["logs"], items[key], order) for key, order in (("trace", 1.0), ("square", 2.0)))
    beyond = np.cumsum(items["power"][::-1])[::-1] + null
    before = _sums_from(-items["logs"][::-1], items["power"][::-1], 2.0)[::-1]
    before = np.concatenate([[0.0], before[:-1] * np.exp(2.0 * np.diff(items["logs"]))]) if before.size else before
    if sampled:
        at = np.concatenate([np.arange(logs.size), logs.size + cells["first"]])
        edge = np.append(np.zeros_like(logs), cells["edge_log"] - cells["logs"][cells["first"]])
        levels = {key: np.append(levels[key], cells[f"level_{key}"]) for key in ("start", "stop", "log")}
        levels["own"] = np.append(counts, np.ones(cells["first"].size))
        trace = trace[at] * np.exp(-edge) + np.append(np.zeros_like(logs), cells["edge_trace"])
        square = square[at] * np.exp(-2.0 * edge) + np.append(np.zeros_like(logs), cells["edge_square"])
        beyond, before = beyond[at], before[at] * np.exp(2.0 * edge)
    end = min(int(np.searchsorted(levels["start"], largest, side="right")) + 1, levels["start"].size)
    size = max(LEAST_LEVELS, 1 << max(end - 1, 0).bit_length())
    wide = np.flatnonzero(levels["own"][:end] > 1.0)

    def padded(values: np.ndarray, fill: float) -> np.ndarray:
        return np.append(values[:end], np.full(size - end, fill))

    return SpectralTails(
        start=padded(levels["start"], np.inf), stop=padded(levels["stop"], np.inf),
        eigenvalue=padded(np.exp(levels["log"]), 0.0),
        after_trace=padded(trace - levels["own"], 0.0), after_square=padded(square - levels["own"], 0.0),
        power_beyond=padded(beyond, null), power_before=padded(before, 0.0), wide=wide, rank=np.float64(spectrum.rank),
    )


def _sums_from(logs: np.ndarray, weights: np.ndarray, order: float) -> np.ndarray:
    """`sum_{j>=i} weights_j exp(order (logs_j - logs_i))` for every i; `logs` descend."""
    sums, carry, stop = np.zeros_like(logs), 0.0, logs.size
    while stop > 0:
        base = logs[stop - 1]
        start = int(np.searchsorted(-logs[:stop], -(base + RESCALE / order), side="left"))
        scaled = np.exp(order * (logs[start:stop] - base))
        sums[start:stop] = (carry + np.cumsum((weights[start:stop] * scaled)[::-1])[::-1]) / scaled
        if start > 0:
            carry = sums[start] * np.exp(order * (logs[start] - logs[start - 1]))
        stop = start
    return sums


def _tail(spectrum: Spectrum, power: np.ndarray) -> dict[str, np.ndarray]:
    """Items (quadrature points of cells, and the end node) and levels (edges of cells) of an infinite tail."""
    first, last = spectrum.explicit, spectrum.eigenvalues.size - 1
    index = spectrum.index[first:last]
    order = np.argsort(index, kind="stable")
    order = order[(index[order] != first) & (index[order] != first + 1)]  # without the end correction
    nodes, logs = np.log(index[order]), np.log(spectrum.eigenvalues[first:last][order])
    density = power[first:last][order] / spectrum.multiplicity[first:last][order]
    panels = nodes.size // TAIL_NODES
    assert panels * TAIL_NODES == nodes.size, "tail nodes come in panels"
    edges = np.linspace(np.log(first + 0.5), np.log(spectrum.tail_from), panels + 1)
    points, weights = np.polynomial.legendre.leggauss(TAIL_NODES)
    series = np.polynomial.legendre.legvander(points, TAIL_NODES - 1) * weights[:, None]
    coefficients = logs.reshape(panels, TAIL_NODES) @ series * (np.arange(TAIL_NODES) + 0.5)

    def log_eigenvalue(u: np.ndarray) -> np.ndarray:
        """At u = log i, of shape (panels, ...)."""
        shape = (panels,) + (1,) * (u.ndim - 1)
        low, high = edges[:-1].reshape(shape), edges[1:].reshape(shape)
        basis = np.polynomial.legendre.legvander((2.0 * u - low - high) / (high - low), TAIL_NODES - 1)
        return np.einsum("p...k,pk->p...", basis, coefficients)

    cell = np.linspace(edges[:-1], edges[1:], CELLS + 1, axis=1)
    points, weights = np.polynomial.legendre.leggauss(CELL_POINTS)
    half = 0.5 * np.diff(cell, axis=1)[..., None]
    u = 0.5 * (cell[:, :-1] + cell[:, 1:])[..., None] + half * points
    item_logs, count = log_eigenvalue(u).ravel(), (half * weights * np.exp(u)).ravel()
    if (density > 0.0).all():
        # linear in log i, beyond the outermost nodes too
        slopes = np.diff(np.log(density))[[0, -1]] / np.diff(nodes)[[0, -1]]
        ends = np.log(density[[0, -1]]) + slopes * (edges[[0, -1]] - nodes[[0, -1]])
        known = np.concatenate([ends[:1], np.log(density), ends[1:]])
        item_power = np.exp(np.interp(u.ravel(), np.concatenate([edges[:1], nodes, edges[-1:]]), known))
    else:
        item_power = np.interp(u.ravel(), nodes, density)
    x = np.exp(cell[:, :-1])
    above, here, below = (log_eigenvalue(np.log(x + shift)).ravel() for shift in (0.5, 0.0, -0.5))
    # sum_{i>k} = integral from k + 1/2 + (g(k + 1) - g(k)) / 24, here relative to g(k + 1)
    end = {order: (1.0 - np.exp(order * (below - above))) / 24.0 for order in (1.0, 2.0)}
    rest = spectrum.multiplicity[last]
    # the actual modes see the correction at the first edge, as an item of its own before the cells
    return {
        "logs": np.concatenate([here[:1], item_logs, np.log(spectrum.eigenvalues[last:])]),
        "power": np.concatenate([[0.0], item_power * count, power[last:]]),
        "trace": np.concatenate([[end[1.0][0] * np.exp(above[0] - here[0])], count, [rest]]),
        "square": np.concatenate([[end[2.0][0] * np.exp(2.0 * (above[0] - here[0]))], count, [rest]]),
        "first": 1 + np.arange(panels * CELLS) * CELL_POINTS,
        "edge_log": above, "edge_trace": end[1.0], "edge_square": end[2.0],
        "level_start": x.ravel() - 0.5, "level_stop": x.ravel() + 0.5, "level_log": above,
    }
