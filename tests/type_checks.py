"""Types and shapes are checked once for arguments of the same types and shapes: the answer would be the same."""

__all__ = ["jaxtyped"]

import dataclasses
import functools
import types
from collections.abc import Callable
from typing import Any

import jaxtyping

_every_time = jaxtyping.jaxtyped
# Of each function (a closure is one, however often it is defined): the kinds of arguments that passed, with their results.
_PASSED: dict[Any, dict[Any, set[Any]]] = {}


def jaxtyped(*, typechecker: Any) -> Callable[[Any], Any]:
    """`jaxtyping.jaxtyped` that remembers what has passed.

    A check takes 0.1 ms a call, and 5 ms where a closure is defined: five sixths of the time of a small simulation.
    """

    def decorate(given: Any) -> Any:
        if dataclasses.is_dataclass(given):
            given.__init__ = remembering(given.__init__, {})
            return given
        if not isinstance(given, types.FunctionType):
            return _every_time(given, typechecker=typechecker)
        return remembering(given, _PASSED.setdefault((given.__module__, given.__qualname__, given.__code__), {}))

    def remembering(function: Any, passed: dict[Any, set[Any]]) -> Any:
        recall, keep = passed.get, passed.setdefault  # a closure's values are in the key of a stored cell; methods are not

        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            __tracebackhide__ = True
            key = _kind(args), _kind(kwargs)
            results = recall(key)
            if results is None:  # checked before the call too: the message comes before the failure
                result = _every_time(function, typechecker=typechecker)(*args, **kwargs)
                keep(key, {_kind(result)})
                return result
            result = function(*args, **kwargs)
            kind = _kind(result)
            if kind not in results:
                again = functools.wraps(function)(lambda *_, **__: result)
                _every_time(again, typechecker=typechecker)(*args, **kwargs)
                results.add(kind)
            return result

        return call

    return decorate


def _kind(value: Any) -> Any:
    """All of a value that an annotation asks for."""
    kind = type(value)
    if kind is str:
        return kind, value
    if isinstance(value, (tuple, list)):
        return kind, *map(_kind, value)
    if kind is dict:
        return kind, *((name, _kind(each)) for name, each in value.items())
    if hasattr(value, "dtype"):
        return kind, getattr(value, "shape", None), value.dtype
    return kind
