"""When stochastic gradient descent is stable, where it comes to rest, and how fast it grows where it does not.

At constant settings each node's covariance follows a linear map L = A x A + multiplicative/B g g^T (h h^T).  With the
response  k(z) = h h^T (z - L)^-1 g g^T / B  the loss T obeys  T = forcing + mass T,  mass = sum closing source k(1), so the
iteration is stable if every L has spectral radius below 1 and mass < 1.  Otherwise it grows by the root z > 1 of
sum closing source k(z) = 1, or by the largest radius.  (Where views have several patterns, the mass is the largest
eigenvalue of the matrix of patterns closing_s source_s' k(z), summed over nodes.)  For plain descent on fresh samples

    mass = rate/B sum eigenvalue / (2 - rate eigenvalue (1 + 1/B)),     excess risk = noise mass / (1 - mass).
(Derived: theory (7.6), (7.7) and (7.12).)
"""

__all__ = ["Responses", "Stability", "spectral_radius", "stability", "unstable_steps"]

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from rfgen.theory.sgd.streaming.second_moments import Iteration, MomentNodes

# Beyond this a root is not sought: it overflows within two steps.
LARGEST_GROWTH = 1e300
# A radius of 1 to rounding is one: of a slow mode, or of a part of the state that the predictor never sees.
ROUNDING = 1e-14
# How far aside of z = 1 a singular response is taken.
ASIDE = 1e-13
# The last step of a schedule.
LAST = 2**62
# Steps of a schedule that are looked at, at most.
LOOKED_AT = 48


@dataclass(frozen=True)
class Stability:
    """`stable`; `mass`, the share of the loss that returns as noise; `growth`, the factor on the risk per step at late
    steps where it grows, 1 where stable; `loss` (), `sums` (outputs,): where unit forcing comes to rest (inf if unstable).
    """

    stable: bool
    mass: float
    growth: float
    loss: float
    sums: np.ndarray


def _differences(iteration: Iteration, t: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """M, h and g of step t in coordinates (error, last change) or (error of w, v - w), where 1 - M holds an exact 0."""
    if iteration.kind == "accelerated":
        alpha, beta, gamma, delta = (float(part) for part in iteration.accelerated)
        rest = 1.0 - alpha
        still, gaze, kick = [[1.0, rest], [0.0, alpha * (1.0 - beta)]], [1.0, rest], [delta, gamma - delta]
    else:
        rate, momentum = (np.asarray(part)[min(t, part.shape[0] - 1)] for part in (iteration.rate, iteration.momentum))
        if iteration.kind == "dana":
            damping, _, unit, _ = (float(part) for part in iteration.accelerated)
            kept = 1.0 - min(damping / (1.0 + t), 1.0)  # coordinates (error, c y)
            still, gaze, kick = [[1.0, -momentum * kept], [0.0, kept]], [1.0, 0.0], [rate + momentum * unit, -unit]
        elif iteration.kind == "descent":
            still, gaze, kick = [[1.0]], [1.0], [rate]
        else:
            ahead = momentum if iteration.kind == "nesterov" else 0.0
            still, gaze, kick = [[1.0, momentum], [0.0, momentum]], [1.0, ahead], [rate, rate]
    return np.array(still), np.array(gaze), np.array(kick)


class Responses:
    """1 - L (nodes, s, s) on symmetric matrices as vectors, in parts, so that small eigenvalues are not lost in 1."""

    def __init__(self, iteration: Iteration, eigenvalues: np.ndarray, multiplicative: np.ndarray, t: int = LAST) -> None:
        still, gaze, kick = _differences(iteration, t)
        step = np.outer(kick, gaze)
        shifted = (eigenvalues + float(iteration.ridge))[:, None, None]
        self.shove, self.seen = np.outer(kick, kick).ravel() / float(iteration.batch), np.outer(gaze, gaze).ravel()
        self.read = np.zeros(still.size)
        self.read[0] = 1.0
        fixed = np.eye(still.size) - np.kron(still, still)
        with np.errstate(over="ignore", invalid="ignore"):
            moved = shifted * (np.kron(still, step) + np.kron(step, still)) - shifted**2 * np.kron(step, step)
            self.rest = fixed + moved - multiplicative[:, None, None] * np.outer(self.shove, self.seen)

    def response(self, z: float) -> np.ndarray:
        """(z - L)^-1 applied to the noise of a step, (nodes, s)."""
        identity = np.eye(self.rest.shape[-1])
        shove = np.broadcast_to(self.shove, self.rest.shape[:2])[..., None]
        try:
            return np.linalg.solve((z - 1.0) * identity + self.rest, shove)[..., 0]
        except np.linalg.LinAlgError:  # a part of the state that the predictor never sees stands still
            return np.linalg.solve((z - 1.0 + ASIDE) * identity + self.rest, shove)[..., 0]

    def at(self, z: float) -> tuple[np.ndarray, np.ndarray]:
        """What unit noise of each step becomes, as the gradient and as the predictor sees it, (nodes,) each."""
        found = self.response(z)
        return found @ self.seen, found @ self.read


def spectral_radius(iteration: Iteration, eigenvalues: np.ndarray, multiplicative: np.ndarray, t: int = LAST) -> np.ndarray:
    """Spectral radius (nodes,) of L at the settings of step t; inf where it overflows."""
    rest = Responses(iteration, eigenvalues, multiplicative, t).rest
    finite = np.isfinite(rest).all(axis=(1, 2))
    found = np.full(eigenvalues.size, np.inf)
    found[finite] = np.max(np.abs(1.0 - np.linalg.eigvals(rest[finite])), axis=1)
    return found


def stability(iteration: Iteration, nodes: MomentNodes, largest: float, refined: bool = True, t: int = LAST) -> Stability:
    """The verdict at constant settings, those of step `t` held on; `largest` eigenvalue (the nodes may be a contour round
    the spectrum).

    `refined`: whether the recursion has its multiplicative term.

    >>> import jax, numpy as np
    >>> one = np.ones(1)
    >>> at = Iteration(0.5 * one, 0 * one, np.zeros(4), np.asarray(2.0), np.asarray(0.0), "descent")
    >>> nodes = MomentNodes(one, np.zeros((1, 1)), one, one, one, np.ones((1, 1)), np.ones((1, 1)))
    >>> with jax.enable_x64(True):
    ...     found = stability(at, nodes, 1.0)
    >>> round(found.mass, 12), round(found.mass / (1 - found.mass), 12) == round(float(found.sums[0]), 12)
    (0.2, True)
    """
    eigenvalues, source = np.asarray(nodes.eigenvalues), np.asarray(nodes.source)
    maps = Responses(iteration, eigenvalues, np.asarray(nodes.multiplicative), t)
    unbounded = np.full(np.shape(nodes.read)[0], np.inf)
    # (on a contour, of the ends of the spectrum: the nodes themselves lie outside)
    ends = [largest] if float(iteration.ridge) == 0.0 else [0.0, largest]
    at = np.append(eigenvalues[eigenvalues > 0] if np.isrealobj(eigenvalues) else [], ends)
    if nodes.views is None:
        worst = float(spectral_radius(iteration, at, at**2 if refined else 0.0 * at, t).max())
    else:  # views have fourth moments of their own
        worst = float(spectral_radius(iteration, eigenvalues, np.asarray(nodes.multiplicative), t).max())
    if not np.isfinite(worst) or not np.isfinite(maps.rest).all():
        return Stability(False, np.inf, np.inf, np.inf, unbounded)
    weights = np.asarray(nodes.closing) * source if nodes.views is None else source

    def mass(z: float) -> float:
        if nodes.views is not None:
            matrix = (np.asarray(nodes.closing) * (maps.response(z) @ maps.seen)) @ source.T
            return float(np.linalg.eigvals(matrix).real.max())
        return float(np.sum(np.real(weights * (maps.response(z) @ maps.seen))))

    inside = worst <= 1.0 + ROUNDING
    at_rest = mass(1.0) if inside else np.inf
    if inside and at_rest < 1.0:
        loss = 1.0 / (1.0 - at_rest)
        if nodes.views is not None:  # patterns rest at losses of their own: `rest_with_views`
            return Stability(True, at_rest, 1.0, loss, unbounded)
        sums = np.sum(np.real(np.asarray(nodes.read) * source * (maps.response(1.0) @ maps.read)), axis=-1) * loss
        return Stability(True, at_rest, 1.0, loss, sums)
    outermost = float(spectral_radius(iteration, eigenvalues, np.asarray(nodes.multiplicative), t).max())
    return Stability(False, at_rest, _growth(mass, max(outermost, 1.0)) or max(worst, 1.0), np.inf, unbounded)


def _growth(mass: Callable[[float], float], least: float) -> float:
    """The root z > `least` of mass(z) = 1, which decreases; 0 if there is none."""
    from scipy.optimize import brentq

    low, high = least * (1.0 + 1e-9), 2.0 * least
    if not mass(low) > 1.0:
        return 0.0
    while mass(high) > 1.0:
        high *= 4.0
        if high > LARGEST_GROWTH:
            return np.inf
    root: Any = brentq(lambda z: mass(z) - 1.0, low, high, xtol=1e-14 * low)
    return float(root)


def unstable_steps(iteration: Iteration, nodes: MomentNodes, largest: float, steps: int) -> list[int]:
    """Those of the first `steps` steps whose settings, held on, would let the risk grow without bound; of a schedule,
    `LOOKED_AT` steps are tried, the denser the earlier.
    """
    tried = np.unique(np.geomspace(1.0, max(steps, 1), LOOKED_AT).astype(np.int64)) - 1
    return [int(t) for t in tried if stability(iteration, nodes, largest, t=int(t)).growth > 1.0]
