"""What an object is made of, for keys that outlive the process."""

__all__ = ["content"]

import dataclasses
import functools
import types
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np


def content(value: Any) -> tuple[Any, ...]:
    """Arrays and plain values that make up `value`: fields of objects; code, defaults and closure of functions.

    Not the globals that a function refers to.

    >>> one, two = content(lambda x: x + 1), content(lambda x: x + 2)
    >>> one == content(lambda x: x + 1), one == two
    (True, False)
    """
    return tuple(_parts(value, frozenset()))


def _parts(value: Any, above: frozenset[int]) -> Iterator[Any]:
    if value is None or isinstance(value, (bool, int, float, complex, str, bytes, np.ndarray, type(Ellipsis))):
        yield value
        return
    kind = type(value)
    yield f"{kind.__module__}.{kind.__qualname__}"
    if id(value) in above:  # a recursive function holds itself
        return
    for part in _inside(value):
        yield from _parts(part, above | {id(value)})


def _inside(value: Any) -> tuple[Any, ...]:
    if isinstance(value, (tuple, list)):
        return (len(value), *value)
    if isinstance(value, (set, frozenset)):
        return tuple(sorted(map(repr, value)))  # their order changes with the process
    if isinstance(value, types.ModuleType):
        return (value.__name__,)
    if isinstance(value, Mapping):
        return (len(value), *value.keys(), *value.values())
    if isinstance(value, type):
        return (f"{value.__module__}.{value.__qualname__}",)
    if isinstance(value, types.CodeType):
        return (value.co_code, value.co_names, value.co_consts)
    if isinstance(value, types.CellType):
        return (value.cell_contents,)
    if isinstance(value, types.FunctionType):
        return (value.__code__, value.__defaults__, value.__kwdefaults__, value.__closure__)
    if isinstance(value, types.MethodType):
        return (value.__func__, value.__self__)
    if isinstance(value, functools.partial):
        return (value.func, value.args, value.keywords)
    if hasattr(value, "__wrapped__"):  # jax.jit and other decorators
        return (value.__wrapped__,)
    if hasattr(value, "__array__"):
        try:
            return (np.asarray(value),)
        except TypeError:  # random keys
            return (repr(value),)
    called = vars(type(value)).get("__call__")
    called = called if isinstance(called, types.FunctionType) else None
    if dataclasses.is_dataclass(value):
        return (called, *(getattr(value, field.name) for field in dataclasses.fields(value) if field.init))
    if isinstance(value, types.BuiltinFunctionType):
        return (value.__qualname__,)
    held = getattr(value, "__dict__", None)
    return (called, held) if held else (getattr(value, "__qualname__", None) or repr(value),)
