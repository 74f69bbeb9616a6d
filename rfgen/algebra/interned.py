"""Nodes of expressions: made once for all from their parts, so that equal ones are the same object."""

__all__ = ["ExpressionError", "Interned"]

from typing import Any, ClassVar, Self
from weakref import WeakValueDictionary


class ExpressionError(ValueError):
    """An expression that has no meaning: spaces that do not match, an inverse that is not positive."""


class Interned:
    """An immutable node; expressions share their subexpressions, and every algorithm on them visits a node once.

    >>> class Pair(Interned): ...
    >>> Pair(1, 2) is Pair(1, 2), Pair(1, 2).parts
    (True, (1, 2))
    """

    _known: ClassVar[WeakValueDictionary[tuple[Any, ...], Any]] = WeakValueDictionary()
    parts: tuple[Any, ...]

    def __new__(cls, *parts: Any) -> Self:
        """The node of these parts."""
        key = (cls, *parts)
        found = Interned._known.get(key)
        if found is None:
            found = super().__new__(cls)
            object.__setattr__(found, "parts", parts)
            Interned._known[key] = found
        return found

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"{type(self).__name__} cannot be changed: make another, got {name}={value!r}")

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), self.parts
