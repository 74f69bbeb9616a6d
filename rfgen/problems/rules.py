"""Rules of settings: functions `(name, value) -> value` that check and convert, or say what is expected instead.

`validation.non_negative` and `validation.positive` are rules as they are; here are those that take parameters.
"""

__all__ = [
    "Rule", "flag", "function", "instance", "integer", "number", "numbers", "one_of", "optional", "view_counts", "whole",
]  # fmt: skip

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np

from rfgen.problems import validation

Rule = Callable[[str, Any], Any]


def numbers(interval: str = "(-inf, inf)", ndim: int | tuple[int, ...] = (0, 1)) -> Rule:
    """An array of numbers in an interval as it is written; finite ones unless it ends by `inf]`.

    >>> numbers("[0, 1/2)")("flip", [0.0, 0.25])
    array([0.  , 0.25])
    """
    low, high = (float(part) if "inf" in part else float(Fraction(part)) for part in interval[1:-1].split(","))

    def rule(name: str, value: Any) -> np.ndarray:
        result = validation.array(name, value, ndim, infinite=interval.endswith("inf]"))
        above = result >= low if interval[0] == "[" else result > low
        outside = ~(above & (result <= high if interval[-1] == "]" else result < high))
        if outside.any():
            one_sided = f"{'>=' if interval[0] == '[' else '>'} {low:g}"
            expected = one_sided if high == float("inf") else f"in {interval}"
            raise ValueError(f"{name} must be {expected}, got {result[outside][0]}")
        return result

    return rule


def number(interval: str = "(-inf, inf)") -> Rule:
    """One finite number in an interval, as a float."""
    rule = numbers(interval, 0)
    return lambda name, value: float(rule(name, value))


def whole(least: int) -> Rule:
    """Whole numbers from `least` to 2^53, () or 1-d, as integers."""

    def rule(name: str, value: Any) -> np.ndarray:
        result = validation.array(name, value, (0, 1))
        if (result < least).any() or (result != np.round(result)).any():
            raise ValueError(f"{name} must be whole numbers >= {least}, got {value!r}")
        if (result > 2**53).any():
            raise ValueError(f"{name} must be at most 2^53, got {value!r}")
        return result.astype(np.int64)

    return rule


def view_counts(name: str, value: Any) -> np.ndarray:
    """Numbers of views, () or 1-d: whole numbers >= 1 or inf, as floats."""
    try:
        result = validation.array(name, value, (0, 1), infinite=True)
        fits = bool(((result >= 1) & (result == np.round(result))).all())
    except ValueError:
        fits = False
    if not fits:
        raise ValueError(f"{name} must be a whole number >= 1, math.inf or an array of them, got {value!r}")
    return result


def integer(least: int) -> Rule:
    """One integer >= `least`."""
    return lambda name, value: validation.integer(name, value, least)


def flag(name: str, value: Any) -> bool:
    """True or False."""
    if not isinstance(value, bool | np.bool_):
        raise ValueError(f"{name} must be True or False, got {value!r}")
    return bool(value)


def one_of(*words: str) -> Rule:
    """One of `words`."""

    def rule(name: str, value: Any) -> str:
        if not (isinstance(value, str) and value in words):
            raise ValueError(f"{name} must be one of {', '.join(map(repr, words))}, got {value!r}")
        return value

    return rule


def instance(kind: type | tuple[type, ...], expected: str) -> Rule:
    """An instance of `kind`, which messages call `expected`."""

    def rule(name: str, value: Any) -> Any:
        if not isinstance(value, kind):
            raise ValueError(f"{name} must be {expected}, got {value!r}")
        return value

    return rule


def function(expected: str) -> Rule:
    """A callable, which messages call `expected`."""

    def rule(name: str, value: Any) -> Any:
        if not callable(value):
            raise ValueError(f"{name} must be {expected}, got {value!r}")
        return value

    return rule


def optional(rule: Rule) -> Rule:
    """None, or what `rule` asks for."""
    return lambda name, value: None if value is None else rule(name, value)
