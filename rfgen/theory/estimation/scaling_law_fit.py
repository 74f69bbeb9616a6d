"""Maximum likelihood for a scaling law: several starts, profile intervals, and what they say is not identified.

With independent relative errors e the misfit is chi2 = sum ((log loss - log prediction)/e)^2.  The interval of a parameter
holds the values at which the best misfit of all others is at most `LEVEL` above the least one (the profile likelihood);
an end at a bound of the parameter is infinite: the losses do not say how far it may go.  Equations: theory (9.15).
"""

__all__ = ["ScalingLawFit", "fit_law", "three_terms"]

from dataclasses import dataclass
from typing import Any

import numpy as np

from rfgen.theory.estimation.scaling_law import NAMES, Losses, parts, predicted

# 95 % of chi-square with one degree of freedom.
LEVEL = 3.841458820694124
# Where the search starts: all of these are looked at, scale and noise being linear, and the best few are followed.
ALPHAS, BETAS, RATES = (1.25, 1.6, 2.2), (1.4, 2.0, 3.0, 4.5), (0.02, 0.1, 0.4)
FOLLOWED, MOST_FOLLOWED = 2, 7
# Misfits of two ends of the search closer than this are the same.
SAME = 0.1
# A residual where a rate is unstable, in errors.
FAR = 1e3
# Evaluations of a profile: for one value, and for the end of an interval, found to this in misfit.
MOST_REFITS, MOST_VALUES, CLOSE = 6, 8, 0.05


@dataclass(frozen=True)
class ScalingLawFit:
    """`theta`, `deviations`, `low`, `high` (6,) in the order of `NAMES`, the ends infinite where not identified, those of
    a parameter held fixed too; `misfit`; `starts` (starts,): misfits at which the searches ended; `condition` of the
    information matrix of what is free, in units of its diagonal; `values` (points,): predictions.
    """

    theta: np.ndarray
    deviations: np.ndarray
    low: np.ndarray
    high: np.ndarray
    misfit: float
    starts: np.ndarray
    condition: float
    values: np.ndarray

    @property
    def stalled(self) -> int:
        """Searches that ended above the least misfit."""
        return int(np.sum(self.starts > self.misfit + SAME))


class _Search:
    """The misfit over the free parameters, within bounds; the last evaluation is kept, as solvers ask for it twice."""

    def __init__(self, data: Losses, free: np.ndarray) -> None:
        self.data, self.free = data, free
        small, large = np.log(data.losses.min()), np.log(data.losses.max())
        least = data.losses.min()
        self.low = np.array([small - 25.0, 1.02, 1.02, 0.0, -12.0, -least])
        self.high = np.array([large + 25.0, 6.0, 12.0, data.losses.max(), 0.5, least])
        self.kept: tuple[bytes, Any] = (b"", None)

    def at(self, theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Residuals (points,) and their derivatives in what is free."""
        key = theta.tobytes()
        if self.kept[0] != key:
            with np.errstate(all="ignore"):
                value, slopes = predicted(self.data, theta)
                residual = np.log(value / self.data.losses) / self.data.errors
                slopes = slopes[:, self.free] / (value * self.data.errors)[:, None]
            bad = ~(np.isfinite(residual) & np.isfinite(slopes).all(axis=1))
            residual, slopes = np.where(bad, FAR, np.clip(residual, -FAR, FAR)), np.where(bad[:, None], 0.0, slopes)
            self.kept = (key, (residual, slopes))
        return self.kept[1]

    def descend(self, theta: np.ndarray) -> tuple[np.ndarray, float]:
        """A local minimum from `theta`, and its misfit."""
        from scipy.optimize import least_squares

        def whole(x: np.ndarray) -> np.ndarray:
            full = theta.copy()
            full[self.free] = x
            return full

        def derivatives(x: np.ndarray) -> np.ndarray:
            return self.at(whole(x))[1]

        slopes: Any = derivatives  # scipy's types take words only
        inside = (self.low[self.free], self.high[self.free])
        room = 1e-6 * (inside[1] - inside[0])
        start = np.clip(theta[self.free], inside[0] + room, inside[1] - room)
        found = least_squares(
            lambda x: self.at(whole(x))[0], start, slopes, inside, x_scale="jac", ftol=1e-4, xtol=1e-7, gtol=1e-7,
            max_nfev=40,
        )
        return whole(found.x), 2.0 * float(found.cost)


def fit_law(data: Losses, offset: bool) -> ScalingLawFit:
    """The law of least misfit; `offset`: whether that is free too, or 0."""
    free = np.arange(len(NAMES) if offset else len(NAMES) - 1)
    search = _Search(data, free)
    ends = []
    for start in _starts(data):
        if len(ends) >= FOLLOWED and sum(end[1] < min(ends, key=_misfit)[1] + SAME for end in ends) > 1:
            break
        ends.append(search.descend(start))
    theta, misfit = min(ends, key=_misfit)
    residual, slopes = search.at(theta)
    sizes = np.sqrt(np.sum(slopes**2, axis=0)) + 1e-300
    spectrum, basis = np.linalg.eigh((slopes / sizes).T @ (slopes / sizes))
    covariance = (basis / np.maximum(spectrum, 1e-14)) @ basis.T / np.outer(sizes, sizes)
    deviations, low, high = np.full(6, np.inf), np.full(6, -np.inf), np.full(6, np.inf)
    deviations[free] = np.sqrt(np.diag(covariance))
    for place in range(free.size):
        low[free[place]], high[free[place]] = (_end(search, theta, misfit, covariance, place, side) for side in (-1.0, 1.0))
    values = data.losses * np.exp(residual * data.errors)
    condition = float(spectrum[-1] / max(spectrum[0], 1e-300))
    return ScalingLawFit(theta, deviations, low, high, misfit, np.array([end[1] for end in ends]), condition, values)


def _misfit(end: tuple[np.ndarray, float]) -> float:
    return end[1]


def _starts(data: Losses) -> list[np.ndarray]:
    """The best of a grid, each exponent pair once, scale and noise by least squares with positive coefficients."""
    from scipy.optimize import nnls

    found = []
    for alpha in ALPHAS:
        for rate in RATES:
            signals, unit = parts(data, alpha, np.array(BETAS), np.log(rate))
            for beta, signal in zip(BETAS, signals, strict=True):
                if np.isfinite(signal + unit).all():
                    shares = np.stack([signal, unit], axis=1) / (data.losses * data.errors)[:, None]
                    weights, misfit = nnls(shares, 1.0 / data.errors)
                    scale, noise = np.maximum(weights, 1e-3 * data.losses.min() / np.array([signal.min(), unit.min()]))
                    found.append((misfit, np.array([np.log(scale), alpha, beta, noise, np.log(rate), 0.0])))
    found.sort(key=lambda one: one[0])
    best: dict[tuple[float, float], np.ndarray] = {}
    for _, theta in found:
        best.setdefault((theta[1], theta[2]), theta)
    return list(best.values())[:MOST_FOLLOWED]


def _end(search: _Search, theta: np.ndarray, misfit: float, covariance: np.ndarray, place: int, side: float) -> float:
    """Where the profile of the free parameter `place` rises by the level, or infinity at its bound."""
    own = int(search.free[place])
    bound = (search.low if side < 0 else search.high)[own]
    room = abs(bound - theta[own])
    away = min(np.sqrt(LEVEL * covariance[place, place]), room)
    inner, outer = 0.0, np.inf
    for _ in range(MOST_VALUES):
        rise = _refitted(search, theta, covariance, place, side * away) - misfit
        if abs(rise - LEVEL) < CLOSE:
            break
        if rise < LEVEL:
            if away >= room * (1.0 - 1e-12):
                return side * np.inf
            inner = away
        else:
            outer = away
        guess = away * np.sqrt(LEVEL / max(rise, 0.05))
        if not inner < guess < outer or guess > 4.0 * away:
            guess = 4.0 * away if np.isinf(outer) else 0.5 * (inner + outer)
        away = min(guess, room)
    return float(theta[own] + side * away)


def _refitted(search: _Search, theta: np.ndarray, covariance: np.ndarray, place: int, away: float) -> float:
    """The least misfit with one parameter `away` from its best value: Gauss-Newton from where a parabola has it."""
    from scipy.optimize import lsq_linear

    rest = np.delete(np.arange(search.free.size), place)
    others, own = search.free[rest], search.free[place]
    at = theta.copy()
    at[search.free] += covariance[:, place] / covariance[place, place] * away
    at = np.clip(at, search.low, search.high)
    at[own] = theta[own] + away
    best, base, step, share = np.inf, at, np.zeros(rest.size), 1.0
    for _ in range(MOST_REFITS):
        residual, slopes = search.at(at)
        now = float(residual @ residual)
        if now > best:  # too far
            share *= 0.3
        else:
            best, base, share = now, at, 1.0
            sizes = np.sqrt(np.sum(slopes[:, rest] ** 2, axis=0)) + 1e-300
            room = [(edge[others] - at[others]) * sizes for edge in (search.low, search.high)]
            step = lsq_linear(slopes[:, rest] / sizes, -residual, (room[0] - 1e-12, room[1] + 1e-12)).x / sizes
            if best - float(np.sum((residual + slopes[:, rest] @ step) ** 2)) < CLOSE / 2.0:
                return best
        at = base.copy()
        at[others] += share * step
        at = np.clip(at, search.low, search.high)
    return best


def three_terms(
    features: np.ndarray, samples: np.ndarray, losses: np.ndarray, errors: np.ndarray
) -> tuple[np.ndarray, float, np.ndarray]:
    """E + A/features^a + B/samples^b of least misfit: (E, A, a, B, b), its misfit, and the predictions (points,).

    The form of arXiv 2203.15556.
    """
    from scipy.optimize import least_squares

    logs = np.log(np.stack([features / features.min(), samples / samples.min()]))

    def terms(p: np.ndarray) -> np.ndarray:
        return np.exp(np.stack([np.full(losses.size, p[0]), p[1] - p[2] * logs[0], p[3] - p[4] * logs[1]]))

    def residual(p: np.ndarray) -> np.ndarray:
        return np.log(terms(p).sum(axis=0) / losses) / errors

    def derivatives(p: np.ndarray) -> np.ndarray:
        shares = terms(p) / (terms(p).sum(axis=0) * errors)
        return np.stack([shares[0], shares[1], -logs[0] * shares[1], shares[2], -logs[1] * shares[2]], axis=1)

    slopes: Any = derivatives
    least, most = np.log(losses.min()), np.log(losses.max())
    low, high = np.array([least - 30.0, least - 30.0, 0.0, least - 30.0, 0.0]), np.array([most, most + 9, 9, most + 9, 9])
    ends = [
        least_squares(residual, np.array([least - down, most - 0.5, a, most - 0.5, b]), slopes, (low, high), x_scale="jac")
        for down in (0.1, 2.0) for a in (0.4, 1.2) for b in (0.3, 1.0)
    ]
    found = min(ends, key=lambda end: end.cost)
    floor, width, a, length, b = found.x
    law = np.array([
        np.exp(floor), np.exp(width + a * np.log(features.min())), a, np.exp(length + b * np.log(samples.min())), b
    ])
    return law, 2.0 * float(found.cost), terms(found.x).sum(axis=0)
