"""When stochastic gradient descent is stable, where it comes to rest, and how fast it grows where it does not.

At constant settings each node's covariance follows a linear map L = A x A + multiplicative/B g g^T (h h^T).  With the
response  k(z) = h h^T (z - L)^-1 g g^T / B  the loss T obeys  T = forcing + mass T,  mass = sum closing source k(1), so the
iteration is stable if every L has spectral radius below 1 and mass < 1.  Otherwise it grows by the root z > 1 of
sum closing source k(z) = 1, or by the largest radius.  For plain descent on fresh samples

    mass = rate/B sum eigenvalue / (2 - rate eigenvalue (1 + 1/B)),     excess risk = noise mass / (1 - mass).   (Derived.)
"""

__all__ = ["Stability", "radius", "stability"]

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from rfgen.theory.second_moments import Iteration, MomentNodes

# Beyond this a root is not sought: it overflows within two steps.
LARGEST_GROWTH = 1e300
# Eigenvalues below this share of the largest are small.
SLOW = 1e-5


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


def _maps(iteration: Iteration, eigenvalues: np.ndarray, multiplicative: np.ndarray) -> tuple[np.ndarray, ...]:
    """L (nodes, s, s) on symmetric matrices, g g^T, h h^T and o o^T as vectors (s,) with the right products."""
    still, gaze, kick = ((np.asarray(part, float)) for part in iteration.step(10**9))
    matrix = still - (eigenvalues + float(iteration.ridge))[:, None, None] * np.outer(kick, gaze)
    size, count = len(gaze), float(iteration.batch)
    whole = np.einsum("nij,nkl->nikjl", matrix, matrix).reshape(-1, size**2, size**2)
    shove, seen = np.outer(kick, kick).ravel(), np.outer(gaze, gaze).ravel()
    whole = whole + (multiplicative / count)[:, None, None] * np.outer(shove, seen)
    read = np.zeros(size**2)
    read[0] = 1.0
    return whole, shove / count, seen, read


def radius(iteration: Iteration, eigenvalues: np.ndarray, multiplicative: np.ndarray) -> np.ndarray:
    """Spectral radius (nodes,) of L at the last step's settings."""
    return np.max(np.abs(np.linalg.eigvals(_maps(iteration, eigenvalues, multiplicative)[0])), axis=1)


def stability(iteration: Iteration, nodes: MomentNodes, largest: float, refined: bool = True) -> Stability:
    """The verdict at constant settings; `largest` eigenvalue (the nodes may be a contour round the spectrum).

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
    eigenvalues = np.asarray(nodes.eigenvalues)
    maps, shove, seen, read = _maps(iteration, eigenvalues, np.asarray(nodes.multiplicative))
    # 1 - L loses digits where eigenvalues are small; there eigenvalue * k(1) is linear in the eigenvalue
    slow = SLOW * largest if not float(iteration.ridge) else 0.0
    small = np.abs(eigenvalues) < slow
    references = _maps(iteration, *(np.array([slow, 2.0 * slow]) ** power for power in (1, 2)))[0]

    def solved(z: float, whole: np.ndarray) -> np.ndarray:
        regular = z * np.eye(whole.shape[-1]) - whole
        return np.linalg.solve(regular, np.broadcast_to(shove, whole.shape[:2])[..., None])[..., 0]

    def response(z: float) -> np.ndarray:
        if z > 1.0 or not slow:
            return solved(z, maps)
        found = np.zeros(maps.shape[:2], maps.dtype)
        found[~small] = solved(z, maps[~small])
        first, second = solved(z, references) * np.array([[slow], [2.0 * slow]])
        at = eigenvalues[small, None]
        found[small] = (first + (second - first) * (at / slow - 1.0)) / np.where(at == 0, np.inf, at)
        return found

    weights = np.asarray(nodes.closing) * np.asarray(nodes.source)

    def mass(z: float) -> float:
        return float(np.sum(np.real(weights * (response(z) @ seen))))

    # (on a contour, of the largest eigenvalue: the nodes themselves lie outside the spectrum)
    real = eigenvalues[eigenvalues > SLOW * largest] if np.isrealobj(eigenvalues) else np.zeros(0)
    at = np.append(real, largest)
    worst = float(radius(iteration, at, at**2 if refined else 0.0 * at).max())
    at_rest = mass(1.0) if worst < 1.0 else np.inf
    if worst < 1.0 and at_rest < 1.0:
        loss = 1.0 / (1.0 - at_rest)
        sums = np.sum(np.real(np.asarray(nodes.read) * np.asarray(nodes.source) * (response(1.0) @ read)), axis=-1) * loss
        return Stability(True, at_rest, 1.0, loss, sums)
    unbounded = np.full(np.shape(nodes.read)[0], np.inf)
    outermost = float(radius(iteration, eigenvalues, np.asarray(nodes.multiplicative)).max())
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
