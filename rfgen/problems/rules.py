"""Rules of settings: functions `(name, value) -> value` that check and convert, or say what is expected instead.

`validation.non_negative` and `validation.positive` are rules as they are, `numbers` of `validation` makes further ones.
"""

__all__ = ["Rule", "flag", "instance", "integer", "number", "numbers", "one_of", "optional", "view_counts", "whole"]

from collections.abc import Callable
from typing import Any

import numpy as np

from rfgen.problems import validation
from rfgen.problems.validation import numbers

Rule = Callable[[str, Any], Any]


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


def instance(kind: Any, expected: str) -> Rule:
    """An instance of `kind`, a type, several, or `collections.abc.Callable`; messages call it `expected`."""

    def rule(name: str, value: Any) -> Any:
        if not isinstance(value, kind):
            raise ValueError(f"{name} must be {expected}, got {value!r}")
        return value

    return rule


def optional(rule: Rule) -> Rule:
    """None, or what `rule` asks for."""
    return lambda name, value: None if value is None else rule(name, value)
