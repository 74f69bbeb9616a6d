"""Effective ridges of k random features at complex ridges, many at once and to relative accuracy near their lowest one.

At ridge z the effective ridge kappa solves  kappa (1 - df1(kappa)/k) = z,  df1 = sum_i lambda_i/(lambda_i + kappa).  With
kappa_0 that of ridge 0, kappa = kappa_0 + delta, and gap = 1 - df1(kappa_0)/k (0 unless features outnumber modes)

    kappa (gap + delta S/k) = z,        S = sum_i lambda_i / ((lambda_i + kappa_0)(lambda_i + kappa)),

in which nothing cancels however small z is.  A path of ridges is followed node by node, all paths as lanes of one Newton
iteration in log delta.  Equations: theory (7.8) and (9.12).
"""

__all__ = ["FeatureModes", "Path", "lowest_ridge", "outer_ridge", "paths", "polished"]

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from rfgen.problems.spectra.modes import Modes

# A Newton step of this size in log delta leaves an error of its square.
SMALL_STEP = 1e-7
MOST_STEPS = 60
# Longest Newton step in log delta off the real axis.
LONGEST = 0.7
# Modes below 10^-this of the lowest ridge are far: 1e-12 of the risk.
DIGITS = 11.0
# As many features as modes, to rounding.
ROUNDING = 1e-12
# Nodes behind, from which the next is extrapolated, with its coefficients.
EXTRAPOLATED = {1: (1.0,), 2: (2.0, -1.0), 3: (3.0, -3.0, 1.0), 4: (4.0, -6.0, 4.0, -1.0)}


@dataclass(frozen=True)
class FeatureModes:
    """Real sums over a spectrum: `values`, `counts` (nodes,), target `power` (rows, nodes), `null` (rows,) outside of them.

    `beyond`: trace of modes far below every effective ridge, which enter by it alone.
    """

    values: np.ndarray
    counts: np.ndarray
    power: np.ndarray
    null: np.ndarray
    beyond: float = 0.0

    @classmethod
    def of(cls, modes: Modes, features: np.ndarray) -> "FeatureModes":
        """Those of a task for up to `features`; panels of modes far below the lowest ridge enter by their trace."""
        used = (np.asarray(modes.multiplicity) != 0) | (np.atleast_2d(modes.power) != 0).any(axis=0)
        rows = np.concatenate([np.asarray(modes.multiplicity)[None], np.atleast_2d(modes.power)])[:, used]
        values, through = np.asarray(modes.eigenvalues)[used], np.asarray(modes.through)[used]
        null = np.atleast_1d(modes.null_power)
        whole = cls(values, rows[0], rows[1:], null)
        most = features[np.isfinite(features)]
        least = float(lowest_ridge(whole, np.max(most, keepdims=True))[0]) if most.size else 0.0
        # a part of a panel's nodes means nothing
        largest = {end: values[through == end].max() for end in np.unique(through)}
        kept = np.array([largest[end] for end in through]) > least * 10.0**-DIGITS
        beyond = float(rows[0, ~kept] @ values[~kept])
        return cls(values[kept], rows[0, kept], rows[1:, kept], null + rows[1:, ~kept].sum(axis=1), beyond)

    @property
    def trace(self) -> float:
        """Sum of all eigenvalues."""
        return float(self.values @ self.counts) + self.beyond

    @property
    def rank(self) -> float:
        """Number of modes."""
        return np.inf if self.beyond > 0 else float(self.counts.sum())


@dataclass(frozen=True)
class Path:
    """At ridges z (lanes, nodes): `delta` = kappa - kappa_0; `learned` df1(kappa) (lanes, nodes); `gained` (rows, lanes,
    nodes): sum_i v_i^2 [L_i(kappa) - L_i(kappa_0)], which vanishes with delta.
    """

    delta: np.ndarray
    learned: np.ndarray
    gained: np.ndarray


def _rising_root(function: Callable[[np.ndarray], tuple[Any, Any]], low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Roots (lanes,) between brackets of a rising function, which returns its values and slopes: Newton, or bisection."""
    at = 0.5 * (low + high)
    for _ in range(4 * MOST_STEPS):
        value, slope = function(at)
        low, high = np.where(value < 0, at, low), np.where(value < 0, high, at)
        with np.errstate(divide="ignore", invalid="ignore"):
            after = at - value / slope
        after = np.where((after > low) & (after < high), after, 0.5 * (low + high))
        moved, at = np.max(np.abs(after - at), initial=0.0), after
        if moved < 1e-9:  # a Newton step leaves its square
            break
    return at


def lowest_ridge(modes: FeatureModes, features: np.ndarray) -> np.ndarray:
    """kappa_0 (lanes,), with df1(kappa_0) = features (lanes,); 0 where there are no more modes than features.

    >>> one = FeatureModes(np.ones(1), np.full(1, 6.0), np.ones((1, 1)), np.zeros(1))
    >>> lowest_ridge(one, np.array([2.0, 6.0, np.inf])).round(12).tolist()
    [2.0, 0.0, 0.0]
    """
    found = np.zeros(features.shape)
    few = features < modes.rank * (1.0 - ROUNDING)
    if not few.any():
        return found
    wanted = np.log(features[few])

    def missing(u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        kappa = np.exp(u)
        learned = 1.0 / (modes.values + kappa[:, None])
        df1 = learned @ (modes.values * modes.counts) + modes.beyond / kappa
        slope = kappa * (learned**2 @ (modes.values * modes.counts)) + modes.beyond / kappa
        return wanted - np.log(df1), slope / df1

    high = np.log(modes.trace) - wanted
    low = high - 4.0
    while (missing(low)[0] > 0).any():
        low = np.where(missing(low)[0] > 0, low - 8.0, low)
    found[few] = np.exp(_rising_root(missing, low, high))
    return found


def outer_ridge(modes: FeatureModes, features: np.ndarray, beyond: np.ndarray) -> np.ndarray:
    """x (lanes,) with kappa = -x at the ridge -`beyond` (lanes,) below the features' spectrum; NaN where it is not below.

    x + tr/k + sum lambda^2/(x - lambda)/k = beyond, convex in x: Newton falls from beyond to the outer root, or past it.
    """
    x = np.array(beyond, float)
    top = float(modes.values.max())
    with np.errstate(divide="ignore", invalid="ignore"):
        for _ in range(MOST_STEPS):
            away = np.where(x > top, 1.0, np.nan)[:, None] / (x[:, None] - modes.values)
            squares = modes.counts * modes.values**2
            value = x + (modes.trace + away @ squares) / features - beyond
            slope = 1.0 - (away**2 @ squares) / features
            step = np.where(slope > 0, value / slope, np.nan)
            x = x - step
            if np.nanmax(np.abs(step) / np.abs(x), initial=0.0) < 1e-15:
                break
    return x


class _Lanes:
    """The equation of each lane, (lanes,) throughout; sums in real numbers, three times as fast as in complex ones."""

    def __init__(self, modes: FeatureModes, features: np.ndarray, lowest: np.ndarray) -> None:
        self.modes, self.lowest = modes, lowest
        self.reached = modes.values / (modes.values + lowest[:, None])
        self.base = modes.counts * self.reached
        with np.errstate(divide="ignore", invalid="ignore"):
            self.beyond = np.where(lowest > 0, modes.beyond / lowest, 0.0)
            self.gap = np.where(lowest > 0, 0.0, np.maximum(1.0 - modes.rank / features, 0.0))
        self.gap = np.where(np.isinf(features), 1.0, self.gap)
        self.share = 1.0 / features

    def newton(self, log_delta: np.ndarray, log_ridge: np.ndarray) -> tuple[Any, Any]:
        """What is missing in log ridge, and its slope in log delta."""
        delta = np.exp(log_delta)
        kappa: Any = self.lowest + delta
        real = self.modes.values + kappa.real[:, None]
        square = real**2 + (kappa.imag**2)[:, None]
        weight = self.base / square
        first = np.einsum("ln,ln->l", weight, real) - 1j * kappa.imag * weight.sum(axis=1) + self.beyond / kappa
        weight /= square
        second = np.einsum("ln,ln,ln->l", weight, real, real) - kappa.imag**2 * weight.sum(axis=1)
        second = second - 2j * kappa.imag * np.einsum("ln,ln->l", weight, real) + self.beyond / kappa**2
        inner = self.gap + delta * first * self.share
        missing: Any = np.log(kappa) + np.log(inner) - log_ridge
        missing = missing.real + 1j * ((missing.imag + np.pi) % (2.0 * np.pi) - np.pi)
        return missing, delta / kappa + delta * (first - delta * second) * self.share / inner

    def solved(self, log_delta: np.ndarray, log_ridge: np.ndarray) -> np.ndarray:
        """log delta from a near start."""
        for _ in range(MOST_STEPS):
            missing, slope = self.newton(log_delta, log_ridge)
            step = -missing / slope
            size = np.abs(step)
            log_delta = log_delta + step * np.minimum(1.0, LONGEST / np.maximum(size, 1e-300))
            if np.max(size) < SMALL_STEP:
                break
        return log_delta

    def real_start(self, log_size: np.ndarray) -> np.ndarray:
        """log delta (lanes,) at the real ridges exp(log_size)."""
        high = np.log(np.exp(log_size) + self.modes.trace * self.share + 1e-300)

        def missing(u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            value, slope = self.newton(u.astype(complex), log_size)
            return value.real, slope.real

        low = high - 4.0
        while (missing(low)[0] > 0).any():
            low = np.where(missing(low)[0] > 0, low - 8.0, low)
        return _rising_root(missing, low, high)

    def read(self, delta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """df1 (lanes,), and what the target gains (rows, lanes)."""
        kappa: Any = self.lowest + delta
        real = self.modes.values + kappa.real[:, None]
        weight = 1.0 / (real**2 + (kappa.imag**2)[:, None])
        real *= weight
        weighed = self.modes.values * self.modes.counts
        learned = real @ weighed - 1j * kappa.imag * (weight @ weighed) + self.modes.beyond / kappa
        real *= self.reached
        weight *= self.reached
        power = self.modes.power.T
        return learned, -delta * ((real @ power).T - 1j * kappa.imag * (weight @ power).T)


def paths(modes: FeatureModes, features: np.ndarray, lowest: np.ndarray, ridges: np.ndarray, outer: np.ndarray) -> Path:
    """Along the paths `ridges` (lanes, nodes), which start near the real line; `features`, `lowest` kappa_0 (lanes,).

    `outer` (lanes,): 0 where a path starts at a positive ridge, else `outer_ridge` of one near its start.
    """
    lanes = _Lanes(modes, features, lowest)
    logs: Any = np.log(ridges)
    inner = outer == 0
    start = np.log(np.where(inner, 1.0, outer + lowest)) + 1j * np.where(logs[:, 0].imag < 0, -np.pi, np.pi)
    if inner.any():
        few = _Lanes(modes, features[inner], lowest[inner])
        start[inner] = few.real_start(logs[inner, 0].real) + 1j * logs[inner, 0].imag
    behind: list[np.ndarray] = []
    found, delta = [], np.empty(ridges.shape, complex)
    for node in range(ridges.shape[1]):
        guess = start if not behind else sum(
            part * past for part, past in zip(EXTRAPOLATED[len(behind)], behind, strict=True)
        )
        log_delta = lanes.solved(np.asarray(guess), logs[:, node])
        behind = [log_delta, *behind[:3]]
        delta[:, node] = np.exp(log_delta)
        found.append(lanes.read(delta[:, node]))
    learned, gained = zip(*found, strict=True)
    return Path(delta, np.stack(learned, axis=-1), np.stack(gained, axis=-1))


def polished(modes: FeatureModes, features: np.ndarray, lowest: np.ndarray, ridges: np.ndarray, near: np.ndarray) -> Path:
    """`paths` from the delta (lanes, nodes) of a problem close by: all nodes at once."""
    count, nodes = ridges.shape
    lanes = _Lanes(modes, np.repeat(features, nodes), np.repeat(lowest, nodes))
    delta = np.exp(lanes.solved(np.log(near.ravel()), np.log(ridges.ravel())))
    learned, gained = lanes.read(delta)
    return Path(delta.reshape(count, nodes), learned.reshape(count, nodes), gained.reshape(-1, count, nodes))
