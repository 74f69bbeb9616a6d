"""Checks of user input; every message names the argument, what came and what is expected."""

__all__ = ["array", "finite", "integer", "non_negative", "positive"]

import operator
from typing import Any

import numpy as np

from rfgen.numerics.tracing import is_traced


def array(name: str, value: Any, ndim: int | tuple[int, ...] = 1) -> np.ndarray:
    """`value` as a float64 array of `ndim` dimensions with finite entries."""
    if is_traced(value):
        raise TypeError(
            f"{name} must be numbers, not JAX tracers: inside jit, grad or vmap call the pure layer, "
            "rfgen.theory.risk(task.modes, n, features, ridge, noise)"
        )
    if np.ma.is_masked(value):
        raise ValueError(f"{name} must have no masked entries, got {int(np.ma.count_masked(value))}")
    try:
        if np.iscomplexobj(value):
            raise TypeError("complex numbers")
        result = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must be numeric, got {type(value).__name__}: {error}") from None
    allowed = (ndim,) if isinstance(ndim, int) else ndim
    if result.ndim not in allowed:
        expected = " or ".join(str(d) for d in allowed)
        raise ValueError(f"{name} must have {expected} dimension(s), got shape {result.shape}")
    if result.size == 0:
        raise ValueError(f"{name} must hold at least one number, got an empty array of shape {result.shape}")
    return finite(name, result)


def finite(name: str, value: np.ndarray) -> np.ndarray:
    """`value`, refused if any entry is NaN or infinite."""
    bad = ~np.isfinite(value)
    if bad.any():
        where = tuple(int(i) for i in np.argwhere(bad)[0])
        entry = value[where] if where else value
        raise ValueError(f"{name} must be finite, got {entry} at index {where} ({int(bad.sum())} such entries)")
    return value


def non_negative(name: str, value: Any, ndim: int | tuple[int, ...] = (0, 1)) -> np.ndarray:
    """`value` as a float64 array with finite entries >= 0."""
    result = array(name, value, ndim)
    if (result < 0).any():
        raise ValueError(f"{name} must be >= 0, got {result.min()}")
    return result


def positive(name: str, value: Any, ndim: int | tuple[int, ...] = (0, 1)) -> np.ndarray:
    """`value` as a float64 array with finite entries > 0."""
    result = array(name, value, ndim)
    if (result <= 0).any():
        raise ValueError(f"{name} must be > 0, got {result.min()}")
    return result


def integer(name: str, value: Any, least: int) -> int:
    """`value` as an int >= `least`; floats are refused rather than rounded."""
    try:
        result = operator.index(value)
    except TypeError:
        raise ValueError(f"{name} must be an integer >= {least}, got {value!r}") from None
    if result < least:
        raise ValueError(f"{name} must be an integer >= {least}, got {result}")
    return result
