"""Linear forms in the variables of a system, in which terms behind the same matrix are one: theory (14.2).

X u + X v is kept as X (u + v), of Gaussian matrices and of inverses: a ridge fit then has its residual and its error for
variables, and no difference of large numbers is left to its solver.
"""

__all__ = ["Form", "Names"]

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from rfgen.algebra.leaves import Gaussian, Vector
from rfgen.algebra.matrices import Inverse
from rfgen.algebra.scalars import ONE, Scalar

# Diagonal matrices by their names, which commute.
Names = tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Form:
    """`fixed`: factors of variables behind diagonal matrices, by (their names, variable); `drawn`: forms behind diagonal
    matrices and a Gaussian one (or a vector, or its transpose), by (names, matrix, whether it is transposed).
    """

    fixed: Mapping[tuple[Names, int], Scalar] = field(default_factory=dict)
    drawn: Mapping[tuple[Names, Gaussian | Vector | Inverse, bool], "Form"] = field(default_factory=dict)

    @classmethod
    def variable(cls, number: int) -> "Form":
        """One variable."""
        return cls({((), number): ONE})

    @cached_property
    def key(self) -> tuple[frozenset[Any], frozenset[Any]]:
        """The same for equal forms."""
        return frozenset(self.fixed.items()), frozenset((place, form.key) for place, form in self.drawn.items())

    def __bool__(self) -> bool:
        """Whether anything is left."""
        return bool(self.fixed or self.drawn)

    def __add__(self, other: "Form") -> "Form":
        """The sum, without terms that cancel."""
        fixed, drawn = dict(self.fixed), dict(self.drawn)
        for place, factor in other.fixed.items():
            fixed[place] = fixed[place] + factor if place in fixed else factor
        for place, form in other.drawn.items():
            drawn[place] = drawn[place] + form if place in drawn else form
        return Form(
            {place: factor for place, factor in fixed.items() if factor.constant != 0.0},
            {place: form for place, form in drawn.items() if form},
        )

    def scaled(self, factor: Scalar) -> "Form":
        """A multiple."""
        return Form(
            {place: factor * own for place, own in self.fixed.items()},
            {place: form.scaled(factor) for place, form in self.drawn.items()},
        )

    def behind(self, diagonal: str) -> "Form":
        """What a diagonal matrix makes of it."""
        return Form(
            {(_with(names, diagonal), number): factor for (names, number), factor in self.fixed.items()},
            {(_with(names, diagonal), matrix, own): form for (names, matrix, own), form in self.drawn.items()},
        )


def _with(names: Names, name: str) -> Names:
    return tuple(sorted((*names, name)))
