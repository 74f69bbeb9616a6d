"""Checks of user input; every message names the argument, what came and what is expected."""

__all__ = ["aligned", "array", "finite", "integer", "non_negative", "numbers", "positive"]

import itertools
import operator
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from numbers import Real
from typing import Any

import numpy as np

from rfgen.numerics.compilation.tracing import is_traced
from rfgen.numerics.memory import planned

# What numpy would turn into floats in silence, by the kind of its dtype.
REFUSED = {
    "b": "booleans; write 0 and 1 where numbers are meant", "U": "strings; convert them by float, classes to -1 and 1",
    "S": "bytes; convert them by float", "c": "complex numbers", "M": "dates; give numbers in a unit of yours",
    "m": "time differences; give numbers in a unit of yours",
}
# Any number.
EVERY = "(-inf, inf)"


def array(
    name: str, value: Any, ndim: int | tuple[int, ...] = 1, infinite: bool = False, single: bool = False
) -> np.ndarray:
    """`value` as a float64 array of `ndim` dimensions with entries that are finite, or may be `infinite`, but never NaN.

    `single`: float32 stays as it is.
    """
    if is_traced(value):
        raise TypeError(
            f"{name} must be numbers, not JAX tracers: inside jit, grad or vmap call the pure functions of rfgen.theory, "
            "such as risk(task.modes, n, features, ridge, noise)"
        )
    if np.ma.is_masked(value):
        raise ValueError(f"{name} must have no masked entries, got {int(np.ma.count_masked(value))}")
    if hasattr(value, "toarray"):
        raise ValueError(f"{name} must be a dense array, got a sparse {type(value).__name__}: give {name}.toarray()")
    try:
        given = np.asarray(value)
        if given.dtype == object:
            given = np.vectorize(_real, otypes=[np.float64])(given) if given.size else given
        if given.dtype.kind in REFUSED:
            raise TypeError(REFUSED[given.dtype.kind])
        kept = given.dtype == np.float64 or (single and given.dtype == np.float32)
        if single or not kept:  # a copy
            planned((given.itemsize if kept else 8) * given.size, f"{name} of shape {given.shape}", "give fewer rows")
        result = given if kept else given.astype(np.float64)
    except (TypeError, ValueError, OverflowError, RuntimeError) as error:  # the last of other libraries' arrays
        raise ValueError(f"{name} must be numeric, got {type(value).__name__}: {error}") from None
    allowed = (ndim,) if isinstance(ndim, int) else ndim
    if result.ndim not in allowed:
        expected = " or ".join(str(d) for d in allowed)
        raise ValueError(f"{name} must have {expected} dimension(s), got shape {result.shape}")
    if result.size == 0:
        raise ValueError(f"{name} must hold at least one number, got an empty array of shape {result.shape}")
    return finite(name, result, infinite)


def _real(entry: Any) -> float:
    if isinstance(entry, bool | np.bool_) or not isinstance(entry, Real | Decimal):
        raise TypeError(f"{type(entry).__name__} {entry!r:.40}")
    return float(entry)


def aligned(**values: Any) -> None:
    """Refuse pandas objects of one length whose rows carry other labels: rows are matched by place, not by label."""
    labelled = [(name, value.index) for name, value in values.items() if hasattr(value, "iloc")]
    for (first, index), (second, other) in itertools.combinations(labelled, 2):
        if len(index) == len(other) and not index.equals(other):
            raise ValueError(
                f"{second} must have the index of {first}, got rows of other labels: reorder them by .loc, or give arrays "
                "by .to_numpy() if they belong together as they stand"
            )


def finite(name: str, value: np.ndarray, infinite: bool = False) -> np.ndarray:
    """`value`, refused if any entry is NaN, or infinite unless these may be."""
    good = ~np.isnan(value) if infinite else np.isfinite(value)
    if not good.all():
        bad = ~good
        where = tuple(int(i) for i in np.argwhere(bad)[0])
        entry = value[where] if where else value
        expected = "free of NaN" if infinite else "finite"
        raise ValueError(f"{name} must be {expected}, got {entry} at index {where} ({int(bad.sum())} such entries)")
    return value


def numbers(
    interval: str = EVERY, ndim: int | tuple[int, ...] = (0, 1), single: bool = False
) -> Callable[[str, Any], np.ndarray]:
    """The rule of an array of numbers in an interval as it is written; finite ones unless it ends by `inf]`.

    `single`: float32 stays as it is.

    >>> numbers("[0, 1/2)")("flip", [0.0, 0.25])
    array([0.  , 0.25])
    """
    low, high = (float(part) if "inf" in part else float(Fraction(part)) for part in interval[1:-1].split(","))

    def rule(name: str, value: Any) -> np.ndarray:
        result = array(name, value, ndim, infinite=interval.endswith("inf]"), single=single)
        if interval == EVERY:
            return result
        above = result >= low if interval[0] == "[" else result > low
        outside = ~(above & (result <= high if interval[-1] == "]" else result < high))
        if outside.any():
            one_sided = f"{'>=' if interval[0] == '[' else '>'} {low:g}"
            expected = one_sided if np.isinf(high) else f"in {interval}"
            raise ValueError(f"{name} must be {expected}, got {result[outside][0]}")
        return result

    return rule


def non_negative(name: str, value: Any, ndim: int | tuple[int, ...] = (0, 1)) -> np.ndarray:
    """`value` as a float64 array with finite entries >= 0."""
    return numbers("[0, inf)", ndim)(name, value)


def positive(name: str, value: Any, ndim: int | tuple[int, ...] = (0, 1)) -> np.ndarray:
    """`value` as a float64 array with finite entries > 0."""
    return numbers("(0, inf)", ndim)(name, value)


def integer(name: str, value: Any, least: int) -> int:
    """`value` as an int >= `least`; floats and booleans are refused rather than converted."""
    try:
        result = operator.index(value)
    except TypeError:
        result = None
    if result is None or isinstance(value, bool) or result < least:
        raise ValueError(f"{name} must be an integer >= {least}, got {value!r}")
    return result
