"""Losses of one pass on power laws as a function of five or six numbers, with derivatives: what scaling laws are fitted by.

    loss(k, t, B) = offset + scale * signal(alpha, beta, rate; k, t, B) + noise * amplification(alpha, rate; k, t, B)

with eigenvalues i^-alpha, target power i^-beta, i = 1, 2, ..., and the transform of theory (9.11).  `scale`, `noise`,
`offset` and `beta` need no effective ridges of their own; of `alpha` and `rate` they are solved again from those near by.
"""

__all__ = ["NAMES", "Losses", "law_modes", "predicted"]

from dataclasses import dataclass

import numpy as np

from rfgen.numerics.compression import tail_quadrature
from rfgen.theory.sgd.many_passes.feature_ridges import FeatureModes
from rfgen.theory.sgd.streaming.step_transform import StepTransform, step_transform

# The parameters; in noise and offset the losses are linear, so that 0 is no flat end of them.
NAMES = ("log scale", "alpha", "beta", "noise", "log rate", "offset")
# Modes one by one; the tail by quadrature, the end correction of which is 1e-8 of the sum from here.
EXPLICIT = 32
# Modes this far below the lowest effective ridge enter by their trace: 1e-9 of the loss.
DIGITS = 9.0
# Step of differences.
DIFFERENCE = 1e-4


@dataclass(frozen=True)
class Losses:
    """Losses (points,) with relative errors (points,), each at a lane of `features` and `batch` (lanes,) and one of the
    lane's `times` (lanes, times): `lane`, `time` (points,).
    """

    losses: np.ndarray
    errors: np.ndarray
    features: np.ndarray
    batch: np.ndarray
    times: np.ndarray
    lane: np.ndarray
    time: np.ndarray

    @classmethod
    def of(
        cls, losses: np.ndarray, errors: np.ndarray, features: np.ndarray, batch: np.ndarray, steps: np.ndarray
    ) -> "Losses":
        """From (points,) of each."""
        lanes, lane = np.unique(np.stack([features, batch]), axis=1, return_inverse=True)
        lane = lane.ravel()
        own = [np.unique(steps[lane == number]) for number in range(lanes.shape[1])]
        times = np.stack([np.pad(each, (0, max(map(len, own)) - each.size), mode="edge") for each in own])
        time = np.array([np.searchsorted(own[number], step) for number, step in zip(lane, steps, strict=True)])
        return cls(losses, errors, lanes[0], lanes[1], times, lane, time)

    def at(self, curves: np.ndarray) -> np.ndarray:
        """Of curves (..., lanes, times) the points (..., points)."""
        return curves[..., self.lane, self.time]


def law_modes(alpha: float, betas: np.ndarray, features: float) -> FeatureModes:
    """The infinite power law, a row of power for each beta, resolved for up to `features`."""
    last = max((features * 10.0 ** (DIGITS / alpha)), 4.0 * EXPLICIT)
    head = np.arange(1.0, EXPLICIT + 1.0)
    x, weight = tail_quadrature(lambda i: -alpha * np.log(i), EXPLICIT, last)
    index, counts = np.concatenate([head, x]), np.concatenate([np.ones_like(head), weight])
    null = last ** (1.0 - betas) / (betas - 1.0)
    return FeatureModes(
        index**-alpha, counts, counts * index ** -betas[:, None], null, float(last ** (1.0 - alpha) / (alpha - 1.0))
    )


def _curves(
    data: Losses, alpha: float, betas: np.ndarray, log_rate: float, near: StepTransform | None = None
) -> StepTransform:
    rate = np.full(data.features.shape, np.exp(log_rate))
    modes = law_modes(alpha, betas, float(data.features.max()))
    return step_transform(modes, data.features, rate, data.batch, data.times, True, None if near is None else near.deltas)


def parts(data: Losses, alpha: float, betas: np.ndarray, log_rate: float) -> tuple[np.ndarray, np.ndarray]:
    """Signal (betas, points) and amplification (points,) at unit scale; NaN where the rate is unstable."""
    found = _curves(data, alpha, betas, log_rate)
    return data.at(found.signal), data.at(found.amplification)


def predicted(data: Losses, theta: np.ndarray, slopes: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """Losses (points,) at `theta` (6,), in the order of `NAMES`, and their derivatives (points, 6); NaN if unstable."""
    log_scale, alpha, beta, noise, log_rate, offset = theta
    scale = np.exp(log_scale)
    betas = np.array([beta, beta + DIFFERENCE]) if slopes else np.array([beta])
    base = _curves(data, alpha, betas, log_rate)
    signal, unit = scale * data.at(base.signal), data.at(base.amplification)
    value = offset + signal[0] + noise * unit
    if not slopes or not base.stable.all():
        return value, np.full((value.size, 6), np.nan)
    found = [signal[0], None, (signal[1] - signal[0]) / DIFFERENCE, unit, None, np.ones_like(value)]
    for place, step in ((1, (DIFFERENCE, 0.0)), (4, (0.0, -DIFFERENCE))):
        moved = _curves(data, alpha + step[0], betas[:1], log_rate + step[1], base)
        other = scale * data.at(moved.signal)[0] + noise * data.at(moved.amplification)
        found[place] = (other - value + offset) / (step[0] + step[1])
    return value, np.stack(found, axis=1)
