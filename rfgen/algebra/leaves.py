"""What expressions begin with: deterministic and Gaussian matrices, and vectors of given second moments: theory (14.1)."""

__all__ = ["UNIT", "Centring", "Diagonal", "Gaussian", "Subset", "Transpose", "Vector"]

from collections.abc import Mapping
from typing import Any, Self

from rfgen.algebra.interned import ExpressionError
from rfgen.algebra.matrices import LINE, Matrix, Space, part
from rfgen.algebra.scalars import ONE, scalar


class Diagonal(Matrix):
    """A deterministic matrix >= 0, diagonal in the eigenbasis of its space: `Diagonal(name, space)`."""

    name, rows = part(0), part(1)
    why_not_positive = property(lambda self: None)

    def __repr__(self) -> str:
        return self.name


class Subset(Diagonal):
    """The projection on a random subset of samples: `Subset(name, space, size)`, `size` the name of their number."""

    size = part(2)


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
        return self.name


class Centring(Matrix):
    """The projection that takes from a vector on samples its mean: `Centring(space)`."""

    rows = part(0)
    why_not_positive = property(lambda self: None)

    def __repr__(self) -> str:
        return f"centring_{self.rows}"


class Transpose(Matrix):
    """The transpose of a Gaussian matrix or of a vector."""

    T = part(0)
    rows, columns = part(0, "columns"), part(0, "rows")

    def __repr__(self) -> str:
        return f"{self.T!r}.T"


class Vector(Matrix):
    """A vector whose second moments are given with the numbers: `Vector(kind, of, space)`, as the "teacher" of "n".

    `kind` and what it is `of`: "teacher" of a sample space, "noise" of a data set; by name a "direction" of given entries,
    "signs", +1 for a share `parts[3]` and else -1, "normal" entries of variance 1; "ones".
    """

    kind, of, rows, columns = part(0), part(1), part(2), property(lambda self: LINE)

    @property
    def key(self) -> tuple[str, str]:
        """Its kind and what it is of."""
        return self.kind, self.of

    def mean(self, numbers: Mapping[str, Any]) -> float:
        """Of an entry of "ones", "signs" or "normal"."""
        if self.kind == "signs":
            return 2.0 * self.parts[3].value(numbers) - 1.0
        return 1.0 if self.kind == "ones" else 0.0

    @property
    def T(self) -> Matrix:
        """The transpose: v.T @ u is a number."""
        return Transpose(self)

    def __repr__(self) -> str:
        return f"{self.kind}[{self.of}]"


# The vector 1 on the space of one dimension.
UNIT = Vector("ones", LINE.name, LINE)
