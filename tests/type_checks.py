"""Types and shapes are checked once for arguments of the same types and shapes: the answer would be the same."""

__all__ = ["jaxtyped"]

import dataclasses
import functools
import threading
import types
from collections.abc import Callable
from typing import Any

import jaxtyping

_every_time = jaxtyping.jaxtyped


class _Passed:
    """Of a function (a closure is one, however often it is defined): the kinds of arguments that passed, with their
    results, and the check, which takes 2 ms to build.
    """

    def __init__(self) -> None:
        self.kinds: dict[Any, set[Any]] = {}
        self.check: Any = None


_PASSED: dict[Any, _Passed] = {}
# What the function does whose arguments or result are checked.
_CHECKED = threading.local()


def jaxtyped(*, typechecker: Any) -> Callable[[Any], Any]:
    """`jaxtyping.jaxtyped` that remembers what has passed.

    A check takes 0.1 ms a call, and 5 ms where a closure is defined: five sixths of the time of a small simulation.
    """
    checked = _CHECKED  # not a global of the functions checked

    def decorate(given: Any) -> Any:
        if dataclasses.is_dataclass(given):
            given.__init__ = remembering(given.__init__, _Passed())
            return given
        if not isinstance(given, types.FunctionType):
            return _every_time(given, typechecker=typechecker)
        return remembering(given, _PASSED.setdefault((given.__module__, given.__qualname__, given.__code__), _Passed()))

    def built(function: Any) -> Any:
        def stands_in(*args: Any, **kwargs: Any) -> Any:
            return checked.does(*args, **kwargs)

        # with the globals where its annotations have their meaning
        own = types.FunctionType(stands_in.__code__, function.__globals__, closure=stands_in.__closure__)
        return _every_time(functools.wraps(function)(own), typechecker=typechecker)

    def remembering(function: Any, passed: _Passed) -> Any:
        # a closure's values are in the key of a stored cell; methods are not
        recall, keep = passed.kinds.get, passed.kinds.setdefault

        def check(does: Any, args: Any, kwargs: Any) -> Any:
            __tracebackhide__ = True
            passed.check = passed.check or built(function)
            checked.does = does
            return passed.check(*args, **kwargs)

        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            __tracebackhide__ = True
            key = _kind(args), _kind(kwargs)
            results = recall(key)
            if results is None:  # checked before the call too: the message comes before the failure
                result = check(function, args, kwargs)
                keep(key, {_kind(result)})
                return result
            result = function(*args, **kwargs)
            kind = _kind(result)
            if kind not in results:
                check(lambda *_, **__: result, args, kwargs)
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
