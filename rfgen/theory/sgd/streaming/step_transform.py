"""One pass of plain SGD on random features at any step, without a loop over steps: a transform in time and in spectrum.

With P_t the test risk, q(mu) = 1 - 2 rate mu + A mu^2, A = rate^2 (1 + 1/batch), and P(w) = sum_t P_t w^-t,

    P(w) = w [Phi + (noise + unreached)/(w - 1)] / (1 - D),     mu+- = (rate +- sqrt(rate^2 + A (w - 1)))/A,
    D    = -(rate^2/batch) (mu+ T(mu+) - mu- T(mu-)) / (A (mu+ - mu-)),          T = df1 at ridge -mu,
    Phi  = -(dV(mu+)/mu+ - dV(mu-)/mu-) / (A (mu+ - mu-)),                       dV = sum_i v_i^2 [L_i(-mu) - L_i(0)],

because w - q = -A (mu - mu+)(mu - mu-) leaves the resolvent of the features' second moment at two ridges.  P_t is the
integral of P(w) w^(t-1) round all w of the spectrum, which are real and at most 1 (a stable rate), so one parabola in
log w serves a decade of steps.  Derived: theory (9.11), (9.12); generating functions of SGD on power laws: arXiv
2206.11124; the random-feature equivalent is that of arXiv 2405.15074.
"""

__all__ = ["StepTransform", "step_transform"]

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from rfgen.numerics.quadrature.contours import Curve, circle, decaying
from rfgen.theory.sgd.many_passes.feature_ridges import FeatureModes, lowest_ridge, outer_ridge, paths, polished

# The parabola in log w must stay within a turn: clocks from here on.  Fewer steps by a circle, which serves whole ones.
LEAST_CLOCK = 20.0
DECADE = np.log(10.0)


@dataclass(frozen=True)
class StepTransform:
    """At the times asked for: `signal` (rows, lanes, times), the test risk without noise, and `amplification` (lanes,
    times), the factor on unit label noise; `stable`, `mass` (lanes,).  NaN where unstable.

    `deltas`: effective ridges on the contours, from which a problem close by is solved.
    """

    signal: np.ndarray
    amplification: np.ndarray
    stable: np.ndarray
    mass: np.ndarray
    deltas: tuple[np.ndarray, ...]


def _outer_start(
    modes: FeatureModes, features: np.ndarray, rate: np.ndarray, batch: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """-kappa at w = 1, NaN where a single direction is unstable, and the share of the loss that returns, (lanes,)."""
    outer = outer_ridge(modes, features, 2.0 / (rate * (1.0 + 1.0 / batch)))
    with np.errstate(invalid="ignore"):
        sums = (modes.counts * modes.values / (outer[:, None] - modes.values)).sum(axis=1) + modes.beyond / outer
    return outer, sums / (batch + 1.0)


def step_transform(
    modes: FeatureModes, features: np.ndarray, rate: np.ndarray, batch: np.ndarray, times: np.ndarray,
    coarse: bool = False, near: tuple[np.ndarray, ...] | None = None,
) -> StepTransform:
    """The curves of lanes with `features` (inf: the kernel itself), `rate`, `batch` (lanes,) at `times` (lanes, times).

    Whole steps from 0, or real times from 4 on (1e-8 below 20).  `coarse`: fewer nodes, errors of 1e-9.  `near`: `deltas`
    of a result at close settings and the same times.

    Not traceable: NumPy.  Costs the same at every time: 10 ms for 25 times of one width, 0.06 s for 12 widths of 60 times.

    >>> import rfgen
    >>> task = rfgen.Task.power_law(alpha=1.5, beta=1.8, noise=0.0)
    >>> widths = np.array([100.0])
    >>> modes = FeatureModes.of(task.modes, widths)
    >>> step_transform(modes, widths, np.array([0.3]), np.ones(1), np.array([[1e3, 1e6]])).signal[0, 0].round(6).tolist()
    [0.202595, 0.195649]
    """
    scale = float(modes.values.max())  # in units of the largest eigenvalue, whose square would overflow
    modes = replace(modes, values=modes.values / scale, beyond=modes.beyond / scale)
    rate = rate * scale
    lowest = lowest_ridge(modes, features)
    outer, mass = _outer_start(modes, features, rate, batch)
    stable = np.nan_to_num(mass, nan=np.inf) < 1.0
    unreached = modes.power @ (lowest[:, None] / (modes.values + lowest[:, None])).T + modes.null[:, None]
    found = np.full((modes.power.shape[0] + 1, *times.shape), np.nan)
    kept: list[np.ndarray] = []
    for asked, at, row, curve in _contours(times, stable, coarse):
        s, lane = curve.nodes, asked[0][row]
        eta, held = rate[lane, None], batch[lane, None]
        square, ahead = eta**2 * (1.0 + 1.0 / held), np.expm1(s)
        root = np.sqrt(eta**2 + square * ahead)
        plus, minus = (eta + root) / square, -ahead / (eta + root)
        sizes = (np.tile(features[lane], 2), np.tile(lowest[lane], 2), np.concatenate([-plus, -minus]))
        if near is None:
            path = paths(modes, *sizes, np.append(outer[lane], np.zeros(lane.size)))
        else:
            path = polished(modes, *sizes, near[len(kept)])
        kept.append(path.delta)
        learned, gained = (np.split(part, 2, axis=-2) for part in (path.learned, path.gained))
        apart = square * (plus - minus)
        returned = -(eta**2) / held * (plus * learned[0] - minus * learned[1]) / apart
        unit = np.exp(s) / ahead / (1.0 - returned)
        signal = -ahead * unit * (gained[0] / plus - gained[1] / minus) / apart + unreached[:, lane, None] * unit
        terms = np.concatenate([signal, unit[None]]) * curve.weights
        turns = np.exp(s[at] * times[asked][:, None])
        found[:, asked[0], asked[1]] = 2.0 * np.einsum("rtn,tn->rt", terms[:, at], turns).real
    return StepTransform(found[:-1], found[-1], stable, mass, tuple(kept))


def _contours(
    times: np.ndarray, stable: np.ndarray, coarse: bool
) -> Iterator[tuple[tuple[np.ndarray, ...], np.ndarray, np.ndarray, Curve]]:
    """Where (lanes, times) a kind of contour serves, the contour of each, one point of each contour, and the contours in
    s = log w, nodes and weights (contours, nodes).
    """
    few = (times < LEAST_CLOCK) & (times == np.round(times))
    for kind in (few, ~few):
        asked = np.nonzero(kind & stable[:, None])
        if not asked[0].size:
            continue
        last = np.maximum(times.max(axis=1), LEAST_CLOCK)[asked[0]]
        decade = np.zeros(last.size, int) if kind is few else np.floor(np.log(last / times[asked]) / DECADE).astype(int)
        decade = np.minimum(decade, np.floor(np.log(last / LEAST_CLOCK) / DECADE + 1e-9).astype(int))
        _, first, at = np.unique(np.stack([asked[0], decade]), axis=1, return_index=True, return_inverse=True)
        if kind is few:
            one = circle(LEAST_CLOCK, coarse)
            curves = [Curve(np.log(one.nodes), one.weights / one.nodes)] * first.size
        else:
            curves = [_parabola(end, coarse) for end in last[first] * np.exp(-DECADE * decade[first])]
        nodes, weights = np.stack([one.nodes for one in curves]), np.stack([one.weights for one in curves])
        yield asked, at.ravel(), first, Curve(nodes, weights)


def _parabola(clock: float, coarse: bool) -> Curve:
    """The parabola in s = log w, open to the left."""
    curve = decaying(clock, coarse)
    return Curve(-curve.nodes, -curve.weights)
