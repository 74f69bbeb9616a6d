"""Named numbers and their arithmetic."""

__all__ = ["ONE", "Scalar", "scalar"]

import math
from collections.abc import Callable, Mapping
from typing import Any

from rfgen.algebra.interned import ExpressionError, Interned

_OPERATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "+": lambda one, two: one + two, "*": lambda one, two: one * two, "/": lambda one, two: one / two,
}


class Scalar(Interned):
    """A number whose value is given later: a name, a constant, or an operation on two of them.

    Names stand for numbers >= 0 where a proof needs it (in an inverse), and for any number elsewhere.

    >>> ridge = scalar("ridge")
    >>> share = (1 - ridge) / 2
    >>> share, share.value({"ridge": 0.5}), sorted(share.names)
    ((((-1*ridge) + 1)/2), 0.25, ['ridge'])
    """

    @property
    def constant(self) -> float | None:
        """Its value if that is known."""
        return self.parts[0] if isinstance(self.parts[0], float) else None

    @property
    def names(self) -> frozenset[str]:
        """What it depends on."""
        if len(self.parts) == 1:
            return frozenset() if self.constant is not None else frozenset(self.parts)
        return self.parts[1].names | self.parts[2].names

    @property
    def non_negative(self) -> bool:
        """Whether it is >= 0 whenever its names are."""
        if self.constant is not None:
            return self.constant >= 0.0
        return len(self.parts) == 1 or (self.parts[1].non_negative and self.parts[2].non_negative)

    def value(self, numbers: Mapping[str, Any]) -> Any:
        """Its value, of the kind of `numbers`."""
        if len(self.parts) == 1:
            return self.parts[0] if self.constant is not None else numbers[self.parts[0]]
        operation, one, two = self.parts
        return _OPERATIONS[operation](one.value(numbers), two.value(numbers))

    def _with(self, operation: str, other: Any, turned: bool = False) -> Any:
        if not isinstance(other, Scalar | str | int | float):
            return NotImplemented
        one, two = (scalar(other), self) if turned else (self, scalar(other))
        if one.constant is not None and two.constant is not None:
            return scalar(_OPERATIONS[operation](one.constant, two.constant))
        neutral = 0.0 if operation == "+" else 1.0
        if two.constant == neutral:
            return one
        if one.constant == neutral and operation != "/":
            return two
        return scalar(0.0) if operation != "+" and 0.0 in (one.constant, two.constant) else Scalar(operation, one, two)

    def __add__(self, other: Any) -> Any:
        return self._with("+", other)

    def __radd__(self, other: Any) -> Any:
        return self._with("+", other, turned=True)

    def __mul__(self, other: Any) -> Any:
        return self._with("*", other)

    def __rmul__(self, other: Any) -> Any:
        return self._with("*", other, turned=True)

    def __truediv__(self, other: Any) -> Any:
        return self._with("/", other)

    def __rtruediv__(self, other: Any) -> Any:
        return self._with("/", other, turned=True)

    def __neg__(self) -> "Scalar":
        return -1.0 * self

    def __sub__(self, other: Any) -> Any:
        return self + (-other)

    def __rsub__(self, other: Any) -> Any:
        return -self + other

    def __repr__(self) -> str:
        if len(self.parts) == 1:
            return f"{self.constant:g}" if self.constant is not None else self.parts[0]
        operation, one, two = self.parts
        return f"({one!r} + {two!r})" if operation == "+" else f"({one!r}{operation}{two!r})"


def scalar(value: Any) -> Scalar:
    """The scalar of a name, a number, or a scalar.

    >>> scalar("k") is scalar("k"), 1 / scalar(4.0)
    (True, 0.25)
    """
    if isinstance(value, Scalar):
        return value
    if isinstance(value, str) and value.isidentifier():
        return Scalar(value)
    if not isinstance(value, str) and isinstance(value, int | float) and math.isfinite(value):
        return Scalar(float(value))
    raise ExpressionError(f"a scalar is a name such as 'ridge' or a finite number, got {value!r}")


ONE = scalar(1.0)
