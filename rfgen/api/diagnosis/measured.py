"""Measured risks that are off: the risks under other conventions, and which of them agrees."""

__all__ = ["OFF", "agreeing"]

from collections.abc import Mapping, Sequence

import numpy as np

# Measured values disagree when they are off by more; another convention agrees when they are not, and it is nearer by so much.
OFF, NEARER = 0.1, 3.0


def agreeing(measured: Sequence[float], now: Sequence[float], others: Mapping[str, Sequence[float]]) -> list[str]:
    """Which of `others` agree with the measured values at every point, best first: none where `now` is not off.

    >>> agreeing([4.1, 9.2], [2.0, 3.0], {"squared": [4.0, 9.0], "doubled": [4.0, 6.0]})
    ['squared']
    """
    found, base = np.asarray(measured, float), np.asarray(now, float)
    off = float(np.abs(found / base - 1.0).max())
    if not off > OFF:
        return []
    misses = {name: float(np.abs(found / np.asarray(values, float) - 1.0).max()) for name, values in others.items()}
    return sorted((name for name, miss in misses.items() if miss <= min(OFF, off / NEARER)), key=misses.__getitem__)
