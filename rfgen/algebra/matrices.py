"""Expressions in matrices and vectors, and what is made of them: sums, products, transposes, inverses.

A vector is a matrix on the space `LINE` of one dimension.  Nothing here holds numbers.
"""

__all__ = ["LINE", "Identity", "Inverse", "Matrix", "Product", "Scaled", "Space", "Sum", "nodes", "part", "replaced"]

from collections.abc import Mapping
from typing import Any

from rfgen.algebra.interned import ExpressionError, Interned
from rfgen.algebra.scalars import ONE, Scalar, scalar


def part(place: int, name: str | None = None) -> Any:
    """A property: one of the parts, or what it calls `name`."""
    if name is None:
        return property(lambda self: self.parts[place])
    return property(lambda self: getattr(self.parts[place], name))


class Space(Interned):
    """A space of vectors by its name; its dimension, or its eigenbasis, is given with the numbers."""

    name = part(0)

    def __repr__(self) -> str:
        return self.name


LINE = Space("1")


class Matrix(Interned):
    """A matrix from the space `columns` to the space `rows`; a vector where `columns` is `LINE`.

    Sums and differences, also with scalars times the identity, products `@`, multiples, the transpose `.T`, and the
    `.inverse` of what is positive.
    """

    __array_ufunc__ = None  # NumPy's numbers leave products to this class

    def __array__(self, *_: Any, **__: Any) -> Any:
        """Refuse to become an array: what is written here has no entries."""
        raise ExpressionError(f"functions of NumPy do not take {self!r}: it is written by @, +, -, *, .T and .inverse")

    @property
    def rows(self) -> Space:
        """The space it maps to."""
        raise NotImplementedError

    @property
    def columns(self) -> Space:
        """The space it maps from."""
        return self.rows

    @property
    def why_not_positive(self) -> "Matrix | None":
        """The part of it that is not seen to be positive semidefinite."""
        return self

    @property
    def T(self) -> "Matrix":
        """The transpose."""
        return self

    @property
    def inverse(self) -> "Matrix":
        """The inverse, of a sum of scalars >= 0 and products Y D Y.T with D >= 0; of a singular one the limit of a small
        ridge.  ExpressionError where that form is not seen.
        """
        return self._inverted()

    def flow(self, time: Any = "time") -> "Matrix":
        """What gradient flow from 0 has after a time in the place of the inverse: M^-1 (1 - exp(-time M)).

        Of the matrices that `.inverse` takes; an estimator has one, once in each product.
        """
        return self._inverted(scalar(time))

    def _inverted(self, *time: Scalar) -> "Matrix":
        if self.rows is not self.columns:
            raise ExpressionError(f"only square matrices have an inverse: {self!r} maps {self.columns} to {self.rows}")
        if (wrong := self.why_not_positive) is not None:
            raise ExpressionError(
                f"this inverse is not positive: {wrong!r} is not seen to be a scalar >= 0 or a product Y @ D @ Y.T with "
                "D >= 0; write it so, or add what makes it so"
            )
        return Inverse(self, *time)

    def _lifted(self, other: Any) -> Any:
        if isinstance(other, Scalar | str | int | float):
            if self.rows is not self.columns:
                raise ExpressionError(f"a number cannot be added to {self!r}, which maps {self.columns} to {self.rows}")
            return _scaled(scalar(other), Identity(self.rows))
        return other if isinstance(other, Matrix) else NotImplemented

    def __matmul__(self, other: Any) -> Any:
        if not isinstance(other, Matrix):
            return NotImplemented
        if self.columns is not other.rows:
            raise ExpressionError(f"spaces {self.columns} and {other.rows} do not match in @ of {self!r} and {other!r}")
        return _product(self, other)

    def __add__(self, other: Any) -> Any:
        other = self._lifted(other)
        if other is NotImplemented:
            return other
        if self.rows is not other.rows or self.columns is not other.columns:
            one, two = (self.rows, other.rows) if self.rows is not other.rows else (self.columns, other.columns)
            raise ExpressionError(f"spaces {one} and {two} do not match in + of {self!r} and {other!r}")
        return other if _zero(self) else self if _zero(other) else Sum(self, other)

    def __radd__(self, other: Any) -> Any:
        other = self._lifted(other)
        return other if other is NotImplemented else other + self

    def __mul__(self, factor: Any) -> Any:
        return _scaled(scalar(factor), self) if isinstance(factor, Scalar | str | int | float) else NotImplemented

    __rmul__ = __mul__

    def __truediv__(self, factor: Any) -> Any:
        return self * (1.0 / scalar(factor)) if isinstance(factor, Scalar | str | int | float) else NotImplemented

    def __neg__(self) -> Any:
        return -1.0 * self

    def __sub__(self, other: Any) -> Any:
        return self + (-scalar(other) if isinstance(other, str) else -other)

    def __rsub__(self, other: Any) -> Any:
        return -self + other


class Identity(Matrix):
    """The identity of a space: `Identity(space)`."""

    rows = part(0)
    why_not_positive = property(lambda self: None)

    def __repr__(self) -> str:
        return f"1_{self.rows}"


class Scaled(Matrix):
    """A multiple: `Scaled(factor, matrix)`."""

    factor, matrix = part(0), part(1)
    rows, columns = part(1, "rows"), part(1, "columns")

    @property
    def T(self) -> Matrix:
        """The multiple of the transpose."""
        return Scaled(self.factor, self.matrix.T)

    @property
    def why_not_positive(self) -> Matrix | None:
        """As of the matrix, if the factor is >= 0."""
        return self.matrix.why_not_positive if self.factor.non_negative else self

    def __repr__(self) -> str:
        return f"{self.factor!r} {_bracketed(self.matrix)}"


class Product(Matrix):
    """A product of two."""

    left, right = part(0), part(1)
    rows, columns = part(0, "rows"), part(1, "columns")

    @property
    def T(self) -> Matrix:
        """The transposes in the other order."""
        return _product(self.right.T, self.left.T)

    @property
    def why_not_positive(self) -> Matrix | None:
        """Y D Y.T is positive with D."""
        factors = _factors(self)
        while len(factors) > 1 and factors[0] is factors[-1].T:
            factors = factors[1:-1]
        if not factors or (len(factors) == 1 and factors[0].why_not_positive is None):
            return None
        return self

    def __repr__(self) -> str:
        return f"{_bracketed(self.left)} {_bracketed(self.right)}"


class Sum(Matrix):
    """A sum of two."""

    left, right = part(0), part(1)
    rows, columns = part(0, "rows"), part(0, "columns")

    @property
    def T(self) -> Matrix:
        """The sum of the transposes."""
        return Sum(self.left.T, self.right.T)

    @property
    def why_not_positive(self) -> Matrix | None:
        """The first of both."""
        wrong = self.left.why_not_positive
        return self.right.why_not_positive if wrong is None else wrong

    def __repr__(self) -> str:
        return f"{self.left!r} + {self.right!r}"


class Inverse(Matrix):
    """The inverse of a positive matrix, made by `.inverse`, or by `.flow` for a time."""

    matrix, rows = part(0), part(0, "rows")
    time = property(lambda self: self.parts[1] if len(self.parts) > 1 else None)
    why_not_positive = property(lambda self: None)

    def __repr__(self) -> str:
        return f"({self.matrix!r})^-1" + ("" if self.time is None else f"(1 - exp(-{self.time!r} ...))")


def _bracketed(matrix: Matrix) -> str:
    return f"({matrix!r})" if isinstance(matrix, Sum) else repr(matrix)


def _zero(matrix: Matrix) -> bool:
    return isinstance(matrix, Scaled) and matrix.factor.constant == 0.0


def _scaled(factor: Scalar, matrix: Matrix) -> Matrix:
    if isinstance(matrix, Scaled):
        factor, matrix = factor * matrix.factor, matrix.matrix
    return matrix if factor is ONE else Scaled(factor, matrix)


def _product(left: Matrix, right: Matrix) -> Matrix:
    """Factors in front, no identities, products to the right."""
    factor, factors = ONE, []
    for own in (left, right):
        if isinstance(own, Scaled):
            factor, own = factor * own.factor, own.matrix
        factors.append(own)
    one, two = factors
    if isinstance(one, Identity) or isinstance(two, Identity):
        return _scaled(factor, two if isinstance(one, Identity) else one)
    if isinstance(one, Product):
        return _scaled(factor, _product(one.left, _product(one.right, two)))
    return _scaled(factor, Product(one, two))


def _factors(matrix: Matrix) -> list[Matrix]:
    return [matrix.left, *_factors(matrix.right)] if isinstance(matrix, Product) else [matrix]


def nodes(matrix: Matrix) -> list[Matrix]:
    """Every node of an expression once, parts before what is made of them."""
    found: dict[Matrix, None] = {}

    def visit(node: Matrix) -> None:
        if node not in found:
            for part in node.parts:
                if isinstance(part, Matrix):
                    visit(part)
            found[node] = None

    visit(matrix)
    return list(found)


def replaced(matrix: Matrix, by: Mapping[Matrix, Matrix]) -> Matrix:
    """The expression with others in place of some of its nodes."""
    made: dict[Any, Any] = {}
    for node in nodes(matrix):
        made[node] = by[node] if node in by else type(node)(*(made.get(own, own) for own in node.parts))
    return made[matrix]
