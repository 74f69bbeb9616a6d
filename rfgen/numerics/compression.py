"""Spectral compression: a long spectrum becomes a few hundred nodes that give the same sums.

Every formula of the theory sees the spectrum through sums `sum_i w_i f(lambda_i)` where `f` is a rational function of
`lambda` and of the effective ridge, hence analytic in `s = log lambda` within |Im s| < pi.  Cut `s` into panels of
half-width 1.25 at most.  On a panel, interpolation of `f` at 21 Chebyshev points converges like rho^-21 with
rho = pi/1.25 + sqrt((pi/1.25)^2 + 1) = 5.2, the ellipse through the poles: 9e-16 of the largest value on the panel.  Wider
panels need fewer nodes (6.4 instead of 8.4 per unit of s at half-width 2.5), but a sum dominated by the small end of f
loses the factor e^(4 half-widths) by which f may vary: 150 here, 2e4 there (seen as 1e-12).
The sum of the interpolants is a sum over
the nodes, whose weights are found by *anterpolation* (the transpose of interpolation) once for all `f`.

Done in Chebyshev moments: `M_k = sum_i w_i T_k(x_i)` costs one pass per moment over the modes, whatever their number, and
discrete orthogonality turns moments into weights.  The weights may be negative; their absolute sum exceeds the plain sum
by at most the Lebesgue constant of 21 Chebyshev points, 2.9.

Infinite tails: the sum over i > N of a smooth g is its integral from N + 1/2 plus (g(N+1) - g(N))/24, the midpoint rule's
end correction (next term 3e-3 g'''(N): 1e-17 of the tail at N = 4096); the integral is done by Gauss-Legendre panels.
Equations: theory (1.9).
"""

__all__ = ["compress", "tail_quadrature"]

from collections.abc import Callable
from typing import Any

import numpy as np
from jaxtyping import Float, Int

PANEL_HALF_WIDTH = 1.25
NODES_PER_PANEL = 21
# Gauss-Legendre converges like rho^(-2 nodes): 28 nodes serve panels of width 9.6 (rho = 1.85, 1e-15).
TAIL_PANEL_WIDTH = 9.6
TAIL_NODES = 28


def compress(
    eigenvalues: Float[np.ndarray, " modes"], weights: Float[np.ndarray, "rows modes"],
    half_width: Any = PANEL_HALF_WIDTH,
) -> tuple[Float[np.ndarray, " nodes"], Float[np.ndarray, "rows nodes"], Int[np.ndarray, " nodes"]]:
    """Nodes and node weights with `sum_j node_weights[r, j] f(nodes[j]) = sum_i weights[r, i] f(eigenvalues[i])`.

    The third array says how many modes, counted from the largest, end with the panel of each node (with the node itself
    where modes are kept): sums over a panel's nodes equal sums over its modes, sums over part of its nodes mean nothing.

    `eigenvalues` positive, in descending order.  Relative error against the sum of |weights f| at most 1e-13 for
    rational f of lambda and gamma > 0 with poles at -gamma of order up to two (measured 2e-15 to 3e-14).  A panel with
    no more modes than nodes keeps its modes.  10^7 modes take about a second.  Functions that are bounded only for
    |Im s| < pi/2, such as e^(-lambda t), need a `half_width` of 0.6.

    >>> import numpy as np
    >>> i = np.arange(1.0, 10_001.0)
    >>> nodes, weights, _ = compress(i**-1.5, np.ones((1, i.size)))
    >>> exact = np.sum(i**-1.5 / (i**-1.5 + 1e-3))
    >>> len(nodes), bool(abs(weights[0] @ (nodes / (nodes + 1e-3)) / exact - 1) < 1e-13)
    (105, True)
    """
    if eigenvalues.size == 0:
        return eigenvalues, weights, np.zeros(0, np.int64)
    logs = np.log(eigenvalues)
    panels = max(1, int(np.ceil((logs[0] - logs[-1]) / (2 * half_width))))
    # panels end where the modes end: a narrow cluster gets a narrow panel, and loses nothing
    half = max((logs[0] - logs[-1]) / (2 * panels), 1e-3)
    width = 2 * half
    tops = logs[0] - width * np.arange(panels + 1)
    edges = np.searchsorted(-logs, -tops, side="left")
    edges[0], edges[-1] = 0, logs.size
    angles = np.pi * (np.arange(NODES_PER_PANEL) + 0.5) / NODES_PER_PANEL
    # T_k at the Chebyshev points, scaled so that moments @ synthesis are node weights
    synthesis = np.cos(np.outer(np.arange(NODES_PER_PANEL), angles)) * (2.0 / NODES_PER_PANEL)
    synthesis[0] /= 2.0
    nodes, node_weights, through = [], [], []
    for top, start, stop in zip(tops, edges[:-1], edges[1:], strict=False):
        if start == stop:
            continue
        rows = weights[:, start:stop]
        if eigenvalues[start] == eigenvalues[stop - 1]:  # one level: 100,000 coordinates alike 80 ms, .1 so
            nodes.append(eigenvalues[start : start + 1])
            node_weights.append(rows.sum(axis=1, keepdims=True))
            through.append(np.array([stop]))
            continue
        if stop - start <= NODES_PER_PANEL:
            nodes.append(eigenvalues[start:stop])
            node_weights.append(rows)
            through.append(np.arange(start + 1, stop + 1))
            continue
        center = top - half
        moments = _chebyshev_moments((logs[start:stop] - center) / half, rows)
        nodes.append(np.exp(center + half * np.cos(angles)))
        node_weights.append(moments @ synthesis)
        through.append(np.full(NODES_PER_PANEL, stop))
    return np.concatenate(nodes), np.concatenate(node_weights, axis=1), np.concatenate(through)


def _chebyshev_moments(
    x: Float[np.ndarray, " modes"], weights: Float[np.ndarray, "rows modes"]
) -> Float[np.ndarray, "rows orders"]:
    moments = np.zeros((weights.shape[0], NODES_PER_PANEL))
    block = 1 << 16  # three vectors of this length stay in the second-level cache: 3x faster at 10^7 modes
    for start in range(0, x.size, block):
        piece, rows = x[start : start + block], weights[:, start : start + block]
        before, now = np.ones_like(piece), piece
        moments[:, 0] += rows @ before
        for order in range(1, NODES_PER_PANEL):
            moments[:, order] += rows @ now
            before, now = now, 2.0 * piece * now - before
    return moments


def tail_quadrature(
    log_eigenvalue: Callable[[np.ndarray], np.ndarray], after: int, last: float
) -> tuple[Float[np.ndarray, " nodes"], Float[np.ndarray, " nodes"]]:
    """Real-valued indices `x` and weights with `sum_x weight g(x) = sum over integers i > after of g(i)`, up to `last`.

    Exact to 1e-15 for g = (power of i, and of log i) times a rational function of the eigenvalue, as in `compress`.
    `log_eigenvalue(x)` must be decreasing.  What lies beyond index `last` is left to the caller.

    >>> x, weight = tail_quadrature(lambda x: -2.0 * np.log(x), 4096, 1e12)
    >>> total = np.sum(np.arange(1.0, 4097.0) ** -2) + np.sum(weight * x**-2) + 1e-12
    >>> bool(abs(total - np.pi**2 / 6) < 1e-15)
    True
    """
    assert last > after + 1, "no tail beyond the explicit modes"
    low, high = np.log(after + 0.5), np.log(last)
    drop = float(log_eigenvalue(np.exp(np.array(low))) - log_eigenvalue(np.exp(np.array(high))))
    # in log x the factor x^(1 - beta) must be resolved too, hence at least one panel per factor e^9.6 of the index
    panels = int(np.ceil(max(drop, high - low) / TAIL_PANEL_WIDTH))
    edges = np.linspace(low, high, panels + 1)
    points, weights = np.polynomial.legendre.leggauss(TAIL_NODES)
    half = 0.5 * np.diff(edges)[:, None]
    u = (0.5 * (edges[:-1] + edges[1:])[:, None] + half * points).ravel()
    x = np.exp(u)
    ends = np.array([after, after + 1.0])
    return np.concatenate([ends, x]), np.concatenate([[-1 / 24, 1 / 24], (half * weights).ravel() * x])
