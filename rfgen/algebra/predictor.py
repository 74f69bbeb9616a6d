"""What predicts, and for whom: weights on inputs and on what features have beside them, test points: theory (14.10)."""

__all__ = ["Features", "Population", "Predictor", "total"]

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from rfgen.algebra.interned import ExpressionError, Interned
from rfgen.algebra.leaves import Gaussian, Vector
from rfgen.algebra.matrices import Matrix, Product, Scaled, Sum, part
from rfgen.algebra.scalars import Scalar, scalar


class Features(Interned):
    """Nonlinear random features by their Gaussian equivalent: `Features(name, inputs, space, linear, rest)`.

    Of a row x they see `linear` x W and noise of variance `rest`/k in each, W of variance 1/k: theory (14.10).
    """

    name, inputs, space, linear, rest = part(0), part(1), part(2), part(3), part(4)

    @property
    def weights(self) -> Matrix:
        """The matrix from features to inputs."""
        k = 1.0 / scalar(self.space.name)
        return self.linear * Gaussian(self.name, self.inputs, self.space, None, None, k)

    @property
    def variance(self) -> Scalar:
        """Of what each has beside inputs."""
        return self.rest / scalar(self.space.name)

    def beside(self, rows: Matrix) -> Gaussian:
        """What the features of rows have beside inputs."""
        if not isinstance(rows, Gaussian) or rows.columns is not self.inputs:
            raise ExpressionError(f"nonlinear features are of rows made by data(...), got {rows!r}")
        return Gaussian(f"{self.name}({rows.name})", rows.rows, self.space, None, None, self.variance)

    def seen(self, rows: Matrix) -> Matrix:
        """The features of rows."""
        return rows @ self.weights + self.beside(rows)


@dataclass(frozen=True)
class Predictor:
    """x -> x.weights + noise of nonlinear features . own weights: sums and multiples, and `rows @ predictor` as of weights.

    `pairs`: features and the weights on what each has beside inputs.
    """

    weights: Matrix
    pairs: tuple[tuple[Features, Matrix], ...] = ()

    __array_ufunc__ = None

    @property
    def beside(self) -> dict[Features, Matrix]:
        """`pairs` by features."""
        return dict(self.pairs)

    @property
    def parts(self) -> tuple[Matrix, ...]:
        """All its expressions."""
        return self.weights, *(own for _, own in self.pairs)

    def __add__(self, other: Any) -> Any:
        if not isinstance(other, Matrix | Predictor):
            return NotImplemented
        other = other if isinstance(other, Predictor) else Predictor(other)
        found = self.beside
        for features, own in other.pairs:
            found[features] = found[features] + own if features in found else own
        return Predictor(self.weights + other.weights, tuple(found.items()))

    __radd__ = __add__

    def __mul__(self, factor: Any) -> "Predictor":
        return Predictor(factor * self.weights, tuple((features, factor * own) for features, own in self.pairs))

    __rmul__ = __mul__

    def __neg__(self) -> "Predictor":
        return -1.0 * self

    def __sub__(self, other: Any) -> Any:
        return self + (-other)

    def __rsub__(self, other: Any) -> Any:
        return -self + other

    def __truediv__(self, factor: Any) -> "Predictor":
        return self * (1.0 / scalar(factor))

    def __rmatmul__(self, rows: Matrix) -> Matrix:
        """What it says of rows."""
        return total([rows @ self.weights, *(features.beside(rows) @ own for features, own in self.pairs)])


@dataclass(frozen=True)
class Population:
    """Test points: the task's inputs, and by the vector u of each of their terms u @ v.T the row v.T.

    >>> from rfgen.algebra import data, direction, normal
    >>> Population.of(data("X") + normal("g", "n") @ direction("v").T).vectors
    {normal[g]: direction[v].T}
    """

    vectors: Mapping[Vector, Matrix] = field(default_factory=dict)

    @classmethod
    def of(cls, inputs: Matrix | None) -> "Population":
        """From an expression of rows; ExpressionError where it has another form."""
        terms, vectors, drawn = [] if inputs is None else [inputs], {}, []
        while terms:
            term = terms.pop(0)
            factor, own = term.parts if isinstance(term, Scaled) else (scalar(1.0), term)
            if isinstance(own, Sum):
                terms += [factor * own.left, factor * own.right]
            elif isinstance(own, Product) and isinstance(own.left, Vector) and own.left.kind in ("ones", "normal", "signs"):
                row = factor * own.right
                vectors[own.left] = vectors[own.left] + row if own.left in vectors else row
            else:
                drawn.append(term)
        if inputs is not None and not (len(drawn) == 1 and isinstance(drawn[0], Gaussian)):
            raise ExpressionError(
                f"inputs must be data(...) and products u @ v.T with u of ones, normal or signs, got {inputs!r}"
            )
        if len([own for own in vectors if own.kind == "signs"]) > 1:
            raise ExpressionError(f"inputs must have one vector of signs, the classes, got {list(vectors)}")
        return cls(vectors)

    @property
    def classes(self) -> Vector | None:
        """The signs of the classes."""
        return next((own for own in self.vectors if own.kind == "signs"), None)


def total(terms: Iterable[Any]) -> Any:
    """The sum of at least one."""
    first, *others = terms
    for own in others:
        first = first + own
    return first

