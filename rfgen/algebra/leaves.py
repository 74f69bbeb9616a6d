"""What expressions begin with: deterministic and Gaussian matrices, and vectors of given second moments: theory (14.1)."""

__all__ = ["Diagonal", "Gaussian", "Transpose", "Vector"]

from typing import Any, Self

from rfgen.algebra.interned import ExpressionError
from rfgen.algebra.matrices import LINE, Matrix, Space, part
from rfgen.algebra.scalars import ONE, scalar


class Diagonal(Matrix):
    """A deterministic matrix >= 0, diagonal in the eigenbasis of its space: `Diagonal(name, space)`."""

    name, rows = part(0), part(1)
    why_not_positive = property(lambda self: None)

    def __repr__(self) -> str:
        """Its name."""
        return self.name


class Gaussian(Matrix):
    """A Gaussian matrix X with E[X_ab X_cd] = variance A_ac B_bd, independent of those of other names.

    `Gaussian(name, rows, columns, A, B, variance)`: A and B `Diagonal` on rows and columns, or None for the identity;
    `variance` a scalar or a number.
    """

    name, rows, columns, variance = part(0), part(1), part(2), part(5)

    def __new__(
        cls, name: str, rows: Space, columns: Space, row_covariance: Any = None, column_covariance: Any = None,
        variance: Any = ONE,
    ) -> Self:
        """Of parts that fit."""
        for space, covariance in ((rows, row_covariance), (columns, column_covariance)):
            if covariance is not None and not (isinstance(covariance, Diagonal) and covariance.rows is space):
                raise ExpressionError(f"a covariance of {name} on {space} must be a Diagonal there, got {covariance!r}")
        return super().__new__(cls, name, rows, columns, row_covariance, column_covariance, scalar(variance))

    @property
    def covariances(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Names of the covariance of rows and of columns: none, or one."""
        one, two = (() if own is None else (own.name,) for own in self.parts[3:5])
        return one, two

    @property
    def T(self) -> Matrix:
        """The transpose."""
        return Transpose(self)

    def __repr__(self) -> str:
        """Its name."""
        return self.name


class Transpose(Matrix):
    """The transpose of a Gaussian matrix."""

    T = part(0)
    rows, columns = part(0, "columns"), part(0, "rows")

    def __repr__(self) -> str:
        """With a mark."""
        return f"{self.T!r}.T"


class Vector(Matrix):
    """A vector whose second moments are given with the numbers: `Vector(kind, of, space)`, as the "teacher" of "n".

    `of`: the sample space of a teacher, the data set of a noise.
    """

    kind, of, rows, columns = part(0), part(1), part(2), property(lambda self: LINE)

    @property
    def T(self) -> Matrix:
        """Refused."""
        raise ExpressionError(f"{self!r} is a vector: vectors are not transposed, a product of two would be a number")

    def __repr__(self) -> str:
        """What, of whom."""
        return f"{self.kind}[{self.of}]"
