"""The linear equations of a pencil whose cores are solved, in arrays of NumPy or of JAX alike: theory (14.4) and (14.6)."""

__all__ = ["Linear", "Metrics", "level_equations", "means", "moment_equations"]

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rfgen.algebra.structure import Structure, Trace
from rfgen.theory.compiled.system import Numbers, System

# (output, names of the diagonal matrices of its metric), one for each mean square that is asked for.
Metrics = tuple[tuple[str, tuple[str, ...]], ...]
Linear = tuple[list[Any], dict[tuple[int, int], Any]]


def means(
    structure: Structure, numbers: Numbers, cores: Sequence[Any], shift: Any, solve: Callable[[Linear], Any]
) -> dict[int, Any]:
    """All traces of the mean inverse by their numbers; `solve` takes x = given + slopes x as (given, slopes)."""
    unknowns: dict[int, Any] = {}
    for core, found in zip(structure.cores, cores, strict=True):
        for copy in core.copies:
            unknowns |= {number: found[place] for place, number in enumerate(copy)}
    system = System(structure.pencil, structure.traces, structure.places, numbers)
    for level in structure.levels:
        solved = solve(level_equations(system, level, unknowns, shift))
        unknowns |= {number: solved[place] for place, number in enumerate(level)}
    return unknowns


def level_equations(system: System, level: Sequence[int], unknowns: Mapping[int, Any], shift: Any) -> Linear:
    """Of traces that are linear once those in `unknowns` are known."""
    inverse = system.inverse(unknowns, system.needed(level), shift)
    return system.traced(level, inverse), system.slopes(level, inverse)


def moment_equations(
    structure: Structure, numbers: Numbers, unknowns: Mapping[int, Any], metrics: Metrics, shift: Any
) -> Linear:
    """Of second moments, and behind them of the mean squares asked for: with the mean inverse G the second moments are
    K = G (those of the sources + what X makes of K) G'.
    """
    pencil, places = structure.pencil, structure.second_places
    outputs = [Trace(pencil.outputs[name], pencil.outputs[name], diagonals) for name, diagonals in metrics]
    wanted = [*structure.seconds, *outputs]
    noises = System(pencil, wanted, places, numbers)
    columns = dict.fromkeys([*pencil.sources, *(row for own in places for row in (own.row, own.column))])
    rows = dict.fromkeys(row for trace in wanted for row in (trace.row, trace.column))
    system = System(pencil, structure.traces, structure.places, numbers)
    spaces = system.spaces
    needed = [(row, column) for row in rows for column in columns if spaces[row] == spaces[column]]
    inverse = system.inverse(unknowns, needed, shift)
    sources = [
        (one, two, numbers.moments[key])
        for one, a in pencil.sources.items() for two, b in pencil.sources.items()
        if (key := ((a.kind, a.of), (b.kind, b.of))) in numbers.moments
    ]
    given, slopes = [], {}
    for number, trace in enumerate(wanted):
        diagonal, total = numbers.diagonal(spaces[trace.row], trace.diagonals), 0.0
        for one, two, moments in sources:
            if (trace.row, one) in inverse and (trace.column, two) in inverse:
                total = total + (diagonal * inverse[trace.row, one] * moments * inverse[trace.column, two].T).sum()
        given.append(total)
        for own, value in noises.places:
            if (trace.row, own.row) in inverse and (trace.column, own.column) in inverse:
                made = noises.weighted[number] * inverse[trace.row, own.row] * value * inverse[trace.column, own.column].T
                slopes[number, own.unknown] = slopes.get((number, own.unknown), 0.0) + made.sum()
    return given, slopes
