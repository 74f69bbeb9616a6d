"""Measured risks that are off: the risks under other conventions, and which of them agrees."""

__all__ = ["OFF", "UNITS", "agreeing", "within"]

from collections.abc import Mapping
from typing import Any

import numpy as np

# Measured values disagree when they are off by more; with a convention that agrees they are not, and nearer by so much.
OFF, NEARER = 0.1, 3.0
# What an own run may have meant, and what to do about it.
UNITS = {
    "ridge * n": ("the ridge multiplied by n", "here the ridge is unnormalised: a mean over rows has n times as much"),
    "ridge / n": ("the ridge divided by n", "here the ridge is unnormalised: give n times as much"),
    "ridge * 2n": ("the ridge multiplied by 2 n", "here the ridge is that of a sum of squares, not of half their mean"),
    "ridge * 2": ("the ridge multiplied by 2", "here squares and ridge have one factor: no half before the squares"),
    "ridge / 2": ("the ridge divided by 2", "here squares and ridge have one factor: no half before the ridge"),
    "ridge * features": (
        "features divided by the root of their number", "divide these, or multiply the ridge by their number",
    ),
    "ridge / features": (
        "features not divided by the root of their number", "multiply these by it, or divide the ridge by their number",
    ),
    "time * n": ("the {clock} multiplied by n", "here the loss is half the mean over rows: a sum runs n times as fast"),
    "time / n": ("the {clock} divided by n", "here the loss is half the mean over rows, once"),
    "time * 2": ("the {clock} multiplied by 2", "here the loss is half the mean over rows: without half it is twice that"),
    "time / 2": ("the {clock} divided by 2", "here the loss is half the mean over rows, with one half"),
    "time * 2n": ("the {clock} multiplied by 2 n", "here the loss is half the mean over rows: a sum is 2 n times as fast"),
    "time / 2n": ("the {clock} divided by 2 n", "here the loss is half the mean over rows, once"),
    "steps": ("the time multiplied by {number:.2g}", "steps are no time: each is worth its rate, t = rate * steps"),
    "offset": (
        "labels not centred: a mean of {number:.2g} that nothing fits, or a variance of noise larger by {square:.2g}",
        "centre the labels, or say the noise that they have",
    ),
    "centred labels": ("the mean taken from the labels", "give the task the labels less their mean"),
    "centred rows": ("the mean taken from rows and labels", "give the task rows and labels less their means"),
    "intercept": ("the other choice of intercept", "change intercept="),
    "noise^2": ("the square of the noise", "noise is a variance, not a standard deviation"),
    "root of noise": ("the root of the noise", "noise is a variance: give its square root to what adds a deviation"),
    "clean labels": ("the noise left out of the test", "test is on noisy labels: compare with test - noise"),
    "root": ("the root of the risk", "square it: test is a mean square"),
    "half": ("half of the risk", "double it: test is a mean square, without a half"),
    "share": ("the risk as a share of that of predicting zero", "multiply it by the null_risk of the task"),
    "outputs": ("the mean over outputs", "multiply it by their number: test is the sum"),
    "training error": ("the training error", "test on rows that are held out"),
    "all rows": ("the error on all rows, those of training included", "test on rows that are held out"),
}


def agreeing(measured: Any, now: Any, others: Mapping[str, Any]) -> list[str]:
    """Which of `others` agree with the measured values at every point, best first: none where `now` is not off.

    One value alone tells nothing: some convention is always near.

    >>> agreeing([4.1, 9.2], [2.0, 3.0], {"squared": [4.0, 9.0], "doubled": [4.0, 6.0]})
    ['squared']
    """
    found = np.asarray(measured, float)

    def miss(values: Any) -> float:
        with np.errstate(divide="ignore", invalid="ignore"):  # of fits to the last digit
            return float(np.abs(found / np.asarray(values, float) - 1.0).max())

    off = miss(now)
    if found.size < 2 or not off > OFF:
        return []
    misses = {name: miss(values) for name, values in others.items()}
    return sorted((name for name, own in misses.items() if own <= min(OFF, off / NEARER)), key=misses.__getitem__)


def within(measured: Any, bound: Any, others: Mapping[str, Any]) -> list[str]:
    """Which of `others` are within `bound` of the measured values at every point, nearest first.

    A bound is a number or one a point; that of each of `others` is added to it.

    >>> within([4.1, 9.2], 0.3, {"squared": ([4.0, 9.0], 0.0), "doubled": ([4.0, 6.0], 0.0)})
    ['squared']
    """
    found = np.asarray(measured, float)
    gaps = {name: np.abs(found - np.asarray(values, float)) for name, (values, _) in others.items()}
    near = [name for name, (_, own) in others.items() if (gaps[name] <= bound + own).all()]
    return sorted(near, key=lambda name: float(np.mean((gaps[name] / np.asarray(bound)) ** 2)))
