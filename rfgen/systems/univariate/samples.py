"""The data of an interpolation: points in order, their chords, and the angles under which the cost sees them.

A kink of mass m at x costs m sqrt(1 + x^2), the length of the vector m (1, x), which points in the direction of angle
arctan x.  Masses at two points merge into one kink at their barycentre by adding their vectors.
"""

__all__ = ["Samples", "samples"]

from dataclasses import dataclass
from typing import Any

import numpy as np

from rfgen.problems import validation


@dataclass(frozen=True, eq=False)
class Samples:
    """`x`, `y` (n,), x ascending without repetition; `chords` (n - 1,): slopes between neighbours.

    `bends` (n,): change of slope at each point, 0 at both ends; `lengths` (n,): |bends| sqrt(1 + x^2), the cost of a kink
    at the point; `angles` (n - 1,): differences of arctan x between neighbours, to full relative precision.
    """

    x: np.ndarray
    y: np.ndarray
    chords: np.ndarray
    bends: np.ndarray
    lengths: np.ndarray
    angles: np.ndarray


def samples(x: Any, y: Any) -> Samples:
    """Check, sort, and merge points given twice.

    >>> samples([1.0, 0.0, 3.0, 1.0], [1.0, 0.0, 7.0, 1.0]).bends
    array([0., 2., 0.])
    """
    x, y = validation.array("x", x, 1), validation.array("y", y, 1)
    if x.shape != y.shape:
        raise ValueError(f"y must have one entry per entry of x, got shapes {x.shape} and {y.shape}")
    order = np.argsort(x, kind="stable")
    x, y = x[order], y[order]
    same = x[1:] == x[:-1]
    torn = same & (y[1:] != y[:-1])
    if torn.any():
        at = int(np.argmax(torn))
        raise ValueError(f"x must not repeat with different y, got y = {y[at]} and {y[at + 1]} at x = {x[at]}")
    kept = np.append(True, ~same)
    x, y = x[kept], y[kept]
    with np.errstate(over="ignore", invalid="ignore"):  # said below
        gaps = np.diff(x)
        chords = np.diff(y) / gaps
        bends = np.concatenate([[0.0], np.diff(chords), [0.0]])[: x.size]
        norms = np.hypot(1.0, x)
        lengths = np.abs(bends) * norms
        total = lengths.sum()
    if not (np.isfinite(gaps).all() and np.isfinite(chords).all() and np.isfinite(total)):
        raise ValueError(
            "x and y must have finite slopes: some neighbours of x are too close, or some values too large, for their "
            f"slopes to be doubles, got gaps down to {gaps.min():.3g} and |y| up to {np.abs(y).max():.3g}"
        )
    across = gaps / norms[1:] / norms[:-1]
    along = (1.0 / norms[1:]) / norms[:-1] + (x[1:] / norms[1:]) * (x[:-1] / norms[:-1])
    return Samples(x, y, chords, bends, lengths, np.arctan2(across, along))
