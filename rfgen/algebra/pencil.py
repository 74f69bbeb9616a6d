"""The linear pencil of an expression: one system L x = s whose matrix has each Gaussian matrix in single entries.

Expressions are read as programs.  Each inverse is a variable z with the equation M z = v, each vector that a Gaussian
matrix meets a variable of its own; what is computed twice is computed once, M^-1 u + M^-1 v as M^-1 (u + v).
Equations: theory (14.2) and (14.3).

Linearisations are in the line of Helton, Rashidi Far and Speicher (math/0703510) and of RMTool (Rao and Edelman 2008);
auto-fpt (arXiv 2504.10754) takes them ready made.
"""

__all__ = ["Drawn", "Fixed", "Pencil", "linearise"]

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rfgen.algebra.forms import Form, Names
from rfgen.algebra.interned import ExpressionError
from rfgen.algebra.leaves import UNIT, Centring, Diagonal, Gaussian, Transpose, Vector
from rfgen.algebra.matrices import LINE, Identity, Inverse, Matrix, Product, Scaled, Space, Sum
from rfgen.algebra.scalars import ONE, Scalar, scalar


@dataclass(frozen=True)
class Fixed:
    """An entry `factor * diagonals` of the system at (row, column)."""

    row: int
    column: int
    factor: Scalar
    diagonals: Names


@dataclass(frozen=True)
class Drawn:
    """An entry `factor * left X right`, X the Gaussian `matrix` (or a vector) or its transpose, at (row, column)."""

    row: int
    column: int
    factor: Scalar
    left: Names
    matrix: Any
    transposed: bool
    right: Names


@dataclass(frozen=True, eq=False)
class Pencil:
    """A system L x = s: the space of each variable, the entries of L, rows that belong to inverses, the vectors s by rows,
    and the variables that are the outputs by name; `joined`: entries that are vectors, between a space and `LINE`.
    """

    spaces: tuple[Space, ...]
    fixed: tuple[Fixed, ...]
    drawn: tuple[Drawn, ...]
    inverses: tuple[int, ...]
    sources: Mapping[int, Vector]
    outputs: Mapping[str, int]
    joined: tuple[Drawn, ...] = ()

    def restricted(self, variables: list[int]) -> "Pencil":
        """The part of L on some variables, numbered anew in their order."""
        place = {variable: number for number, variable in enumerate(variables)}
        return Pencil(
            tuple(self.spaces[variable] for variable in variables),
            tuple(
                Fixed(place[own.row], place[own.column], own.factor, own.diagonals)
                for own in self.fixed if own.row in place and own.column in place
            ),
            tuple(
                Drawn(place[own.row], place[own.column], own.factor, own.left, own.matrix, own.transposed, own.right)
                for own in self.drawn if own.row in place and own.column in place
            ),
            tuple(place[row] for row in self.inverses if row in place), {}, {},
        )

    @property
    def key(self) -> tuple[object, ...]:
        """The same for systems that differ in their sources and outputs alone."""
        return self.spaces, self.fixed, self.drawn, self.inverses


def linearise(outputs: Mapping[str, Matrix]) -> Pencil:
    """The pencil of some vectors.

    >>> from rfgen.algebra import data, labels, ridge_fit, teacher
    >>> X = data("X")
    >>> pencil = linearise({"error": ridge_fit(X, labels(X)) - teacher("n")})
    >>> len(pencil.spaces), len(pencil.drawn), pencil.outputs
    (5, 2, {'error': 4})
    """
    reader = _Reader()
    found = {}
    for name, vector in outputs.items():
        if vector.columns is not LINE:
            raise ExpressionError(f"{name} must be a vector, got {vector!r}, which maps {vector.columns} to {vector.rows}")
        found[name] = reader.output(reader.read(vector), vector.rows)
    return Pencil(
        tuple(reader.spaces), tuple(reader.fixed), tuple(reader.drawn), tuple(reader.inverses), reader.sources, found,
        tuple(reader.joined),
    )


class _Reader:
    """The system as it grows."""

    def __init__(self) -> None:
        self.spaces: list[Space] = []
        self.fixed: list[Fixed] = []
        self.drawn: list[Drawn] = []
        self.joined: list[Drawn] = []
        self.inverses: list[int] = []
        self.sources: dict[int, Vector] = {}
        self.vectors: dict[Matrix, Form] = {}
        self.variables: dict[object, int] = {}
        self.applied: dict[object, Form] = {}
        self.solved: dict[object, int] = {}

    def read(self, vector: Matrix) -> Form:
        """A vector as a form."""
        if vector not in self.vectors:
            if isinstance(vector, Vector):
                number = self._new(vector.rows)
                self.sources[number] = vector
                self._row(number, Form.variable(number))
                form = Form.variable(number)
            elif isinstance(vector, Scaled):
                form = self.read(vector.matrix).scaled(vector.factor)
            elif isinstance(vector, Sum):
                form = self.read(vector.left) + self.read(vector.right)
            elif isinstance(vector, Product):
                form = self.apply(vector.left, self.read(vector.right))
            else:  # a matrix on the line
                form = self.apply(vector, self.read(UNIT))
            self.vectors[vector] = form
        return self.vectors[vector]

    def apply(self, matrix: Matrix, form: Form) -> Form:
        """A matrix times a form."""
        if not form or isinstance(matrix, Identity):
            return form
        key = matrix, form.key
        if key not in self.applied:
            self.applied[key] = self._applied(matrix, form)
        return self.applied[key]

    def _applied(self, matrix: Matrix, form: Form) -> Form:
        if isinstance(matrix, Scaled):
            return self.apply(matrix.matrix, form).scaled(matrix.factor)
        if isinstance(matrix, Diagonal):
            return form.behind(matrix.name)
        if isinstance(matrix, Gaussian | Vector):
            return Form({}, {((), matrix, False): form})
        if isinstance(matrix, Transpose):
            return Form({}, {((), matrix.parts[0], True): form})
        if isinstance(matrix, Product):
            return self.apply(matrix.left, self.apply(matrix.right, form))
        if isinstance(matrix, Sum):
            return self.apply(matrix.left, form) + self.apply(matrix.right, form)
        if isinstance(matrix, Centring):
            ones = Vector("ones", matrix.rows.name, matrix.rows)
            return form + self.apply(ones, self.apply(ones.T, form)).scaled(-1.0 / scalar(matrix.rows.name))
        assert isinstance(matrix, Inverse) and matrix.time is None, matrix
        return Form({}, {((), matrix, False): form})

    def _solved(self, matrix: Inverse, form: Form) -> Form:
        """An inverse of a form, by a variable of its own."""
        if (other := self.solved.get((matrix, form.scaled(-ONE).key))) is not None:
            return Form.variable(other).scaled(-ONE)
        if (matrix, form.key) not in self.solved:
            number = self.solved[matrix, form.key] = self._new(matrix.rows)
            self.inverses.append(number)
            self._row(number, self.apply(matrix.matrix, Form.variable(number)) + form.scaled(-ONE))
        return Form.variable(self.solved[matrix, form.key])

    def _settled(self, form: Form) -> Form:
        """The same with variables for inverses."""
        kept = {place: own for place, own in form.drawn.items() if not isinstance(place[1], Inverse)}
        found = Form(form.fixed, {place: self._settled(own) for place, own in kept.items()})
        for (names, matrix, _), inner in form.drawn.items():
            if isinstance(matrix, Inverse):
                own = self._solved(matrix, inner)
                for name in names:
                    own = own.behind(name)
                found = found + own
        return found

    def output(self, form: Form, space: Space) -> int:
        """A variable that is this form."""
        form = self._settled(form)
        if not form.drawn and list(form.fixed.values()) == [ONE] and not next(iter(form.fixed))[0]:
            return next(iter(form.fixed))[1]
        if form.key not in self.variables:
            number = self.variables[form.key] = self._new(space)
            self.fixed.append(Fixed(number, number, ONE, ()))
            self._row(number, form, -ONE)
        return self.variables[form.key]

    def _signed(self, form: Form, space: Space) -> tuple[int, Scalar]:
        """A variable that is this form or, if that is known, of the other sign."""
        form = self._settled(form)
        other = self.variables.get(form.scaled(-ONE).key)
        return (self.output(form, space), ONE) if other is None else (other, -ONE)

    def _new(self, space: Space) -> int:
        self.spaces.append(space)
        return len(self.spaces) - 1

    def _row(self, row: int, form: Form, sign: Scalar = ONE) -> None:
        """The entries of a form in an equation."""
        form = self._settled(form)
        for (names, column), factor in form.fixed.items():
            self.fixed.append(Fixed(row, column, sign * factor, names))
        for (names, matrix, transposed), inner in form.drawn.items():
            single = not inner.drawn and len(inner.fixed) == 1
            met = matrix.rows if transposed else matrix.columns
            if single:
                (right, column), factor = next(iter(inner.fixed.items()))
            else:
                right, (column, factor) = (), self._signed(inner, met)
            entries = self.joined if isinstance(matrix, Vector) else self.drawn
            entries.append(Drawn(row, column, sign * factor, names, matrix, transposed, right))
