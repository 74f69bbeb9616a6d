"""Inner products with single vectors, class means, spikes or labels, at a pencil whose traces are known: theory (14.8).

The vectors join spaces to the line: they move no trace, and the numbers on the line obey one small linear system.
"""

__all__ = ["Source", "line_values", "sources"]

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from rfgen.algebra.matrices import LINE
from rfgen.algebra.pencil import Drawn
from rfgen.algebra.structure import Structure
from rfgen.theory.compiled.system import Numbers, System


class Source(NamedTuple):
    """`factor` times the vector of this key, where a variable's equation has its right side; None: the factor is 1."""

    row: int
    key: tuple[str, str]
    factor: Any


def _left(system: System, own: Drawn) -> Any:
    """What stands before the vector of an entry into a space, or behind the one of an entry out of it."""
    space = own.matrix.rows.name
    return own.factor.value(system.numbers.scalars) * system.numbers.diagonal(space, (*own.left, *own.right))


def line_values(
    structure: Structure, numbers: Numbers, unknowns: Mapping[int, Any], shift: Any, solve: Callable[[Any], Any]
) -> dict[int, Any]:
    """The variables on the line by their rows, whose fluctuations are small; `solve` takes x = given + slopes x."""
    pencil = structure.pencil
    rows = [row for row, space in enumerate(pencil.spaces) if space is LINE]
    if not rows:
        return {}
    place = {row: number for number, row in enumerate(rows)}
    system = System(pencil, structure.traces, structure.places, numbers)
    out = [own for own in pencil.joined if own.transposed]
    into = [(own.row, own.matrix.key, _left(system, own), own.column) for own in pencil.joined if not own.transposed]
    known = [(row, own.key, None, None) for row, own in pencil.sources.items() if row not in place]
    needed = [
        (own.column, row) for own in out for row, *_ in (*into, *known) if system.spaces[own.column] == system.spaces[row]
    ]
    inverse = system.inverse(unknowns, needed, shift)
    given: list[Any] = [0.0 for _ in rows]
    slopes: dict[tuple[int, int], Any] = {(number, number): 1.0 for number in place.values()}
    for row in pencil.sources:
        if row in place:
            given[place[row]] = given[place[row]] + numbers.weights[LINE.name].sum()
    for own in pencil.fixed:
        if own.row in place:
            at = place[own.row], place[own.column]
            slopes[at] = slopes.get(at, 0.0) - own.factor.value(numbers.scalars)
    for own in out:
        here = place[own.row]
        for row, key, factor, column in (*into, *known):
            entry, moment = inverse.get((own.column, row)), numbers.moments.get((key, own.matrix.key))
            if entry is None or moment is None:
                continue
            found = _left(system, own) * entry
            found = ((found if factor is None else found * factor) * moment).sum()
            if factor is None:
                given[here] = given[here] - found
            else:
                assert column is not None  # an unknown on the line has a factor
                at = here, place[column]
                slopes[at] = slopes.get(at, 0.0) + found
    solved = solve((given, slopes))
    return {row: solved[number] for row, number in place.items()}


def sources(structure: Structure, numbers: Numbers, line: Mapping[int, Any]) -> list[Source]:
    """The right sides of all variables that are not on the line: those of the expression, and vectors times `line`."""
    pencil = structure.pencil
    system = System(pencil, (), (), numbers)
    found = [Source(row, own.key, None) for row, own in pencil.sources.items() if row not in line]
    return found + [
        Source(own.row, own.matrix.key, -line[own.column] * _left(system, own))
        for own in pencil.joined if not own.transposed
    ]
