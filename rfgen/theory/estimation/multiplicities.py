"""How often a row is drawn, and the effective ridge that this leaves it: once at most, or with replacement.

A row drawn c times has the ridge ridge/c, one not drawn none that is finite.  In the field t of all others it answers with
g_c = c/(ridge + c t), and its effective ridge w answers as the mean does, 1/(w + t) = d = E g_c.  The share
e = 1 - d^2 / E g_c^2 is how much of its answer is chance, and dw/d(1/d) = e.  At most once: w = ridge + e/d, e = 1 - n/N.
"""

__all__ = ["Answers", "answers"]

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

# Probability of a multiplicity that is left out, steps to t and their accuracy.
LEFT, STEPS, ACCURACY = 1e-14, 100, 1e-13
# Of E g_c, what rounding leaves of its equation.
ROUNDED = 4 * float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class Answers:
    """`of` 1/d (rows,): effective ridges, shares e (), or (rows,) where they differ, what training keeps of squared errors.

    `floor`: what every effective ridge exceeds.
    """

    floor: Any
    of: Callable[[np.ndarray], tuple[np.ndarray, Any, np.ndarray]]


def answers(n: Any, rows: int, ridge: Any, replace: bool) -> Answers:
    """Of `n` draws from `rows`, without or with replacement; `ridge` >= 0, unnormalised.

    >>> [np.round(answers(5, 10, 0.0, replace).of(np.ones(1))[0], 3).tolist() for replace in (False, True)]
    [[0.5], [0.59]]
    """
    if not replace:
        free = 1.0 - n / rows

        def once(inverse: np.ndarray) -> tuple[np.ndarray, Any, np.ndarray]:
            return ridge + free * inverse, free, (ridge / (1.0 - free) / inverse) ** 2

        return Answers(ridge, once)
    from scipy.stats import binom

    times = np.arange(1.0, float(binom.isf(LEFT, n, 1.0 / rows)) + 2.0)
    chance = binom.pmf(times, n, 1.0 / rows)

    def again(inverse: np.ndarray) -> tuple[np.ndarray, Any, np.ndarray]:
        if ridge == 0.0:  # copies count once
            return (1.0 - chance.sum()) * inverse, np.full(len(inverse), 1.0 - chance.sum()), np.zeros(len(inverse))
        field = np.maximum(chance.sum() * inverse - ridge, 0.0)  # as if none were drawn twice
        for _ in range(STEPS):  # convex and decreasing in the field: from below, never beyond
            each = times / (ridge + np.outer(field, times))
            excess = each @ chance - 1.0 / inverse
            further = np.maximum(field + excess / (each**2 @ chance), 0.0)
            settled = (np.abs(further - field) <= ACCURACY * further) | (np.abs(excess) * inverse <= ROUNDED)
            field = further
            if settled.all():
                break
        each = times / (ridge + np.outer(field, times))
        kept = (ridge**2 * each**2 / times) @ chance * rows / n
        sought = np.maximum(inverse - field, ridge / (times @ chance))  # whatever the field
        return sought, np.maximum(1.0 - 1.0 / (inverse**2 * (each**2 @ chance)), LEFT), kept

    return Answers(0.0, again)
