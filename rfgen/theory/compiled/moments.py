"""The linear equations of a pencil whose cores are solved, in arrays of NumPy or of JAX alike: theory (14.4) and (14.6)."""

__all__ = ["Linear", "Metrics", "level_equations", "means", "moment_equations"]

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rfgen.algebra.structure import Structure, Trace
from rfgen.theory.compiled.lines import sources
from rfgen.theory.compiled.system import Numbers, System

# (output, output, names of diagonal matrices), one for each mean inner product of two outputs that is asked for.
Metrics = tuple[tuple[str, str, tuple[str, ...]], ...]
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
    structure: Structure, numbers: Numbers, unknowns: Mapping[int, Any], metrics: Metrics, shift: Any,
    line: Mapping[int, Any],
) -> tuple[list[list[Any]], dict[tuple[int, int], Any]]:
    """Of second moments, and behind them of what is asked for: with the mean inverse G the second moments are
    K = G (those of the sources + what X makes of K) G'.

    `line`: the numbers on the line.  Rows of the first list hold what is given by all sources, by those that are no noise,
    and by the noise of tasks.
    """
    pencil, places = structure.pencil, structure.second_places
    outputs = [Trace(pencil.outputs[one], pencil.outputs[two], names) for one, two, names in metrics]
    wanted = [*structure.seconds, *outputs]
    noises = System(pencil, wanted, places, numbers)
    known = sources(structure, numbers, line)
    columns = dict.fromkeys([*(own.row for own in known), *(row for own in places for row in (own.row, own.column))])
    rows = dict.fromkeys(row for trace in wanted if trace.row not in line for row in (trace.row, trace.column))
    system = System(pencil, structure.traces, structure.places, numbers)
    spaces = system.spaces
    needed = [(row, column) for row in rows for column in columns if spaces[row] == spaces[column]]
    inverse = system.inverse(unknowns, needed, shift)
    both = [(one, two, numbers.moments.get((one.key, two.key))) for one in known for two in known]
    pairs = [(one, two, moments) for one, two, moments in both if moments is not None]
    given, slopes = [], {}
    for number, trace in enumerate(wanted):
        if trace.row in line:
            square = line[trace.row] * line[trace.column]
            given.append([square, square, 0.0 * square])
            continue
        diagonal, total, mean, noise = numbers.diagonal(spaces[trace.row], trace.diagonals), 0.0, 0.0, 0.0
        for one, two, moments in pairs:
            if (trace.row, one.row) in inverse and (trace.column, two.row) in inverse:
                left = diagonal * inverse[trace.row, one.row]
                left = left if one.factor is None else left * one.factor
                right = inverse[trace.column, two.row].T
                right = right if two.factor is None else two.factor * right
                part = (left * moments * right).sum()
                total = total + part
                if one.key[0] == "noise":
                    noise = noise + numbers.noise.get(one.key, 1.0) * part
                else:
                    mean = mean + part
        given.append([total, mean, noise])
        for own, value in noises.places:
            if (trace.row, own.row) in inverse and (trace.column, own.column) in inverse:
                made = noises.weighted[number] * inverse[trace.row, own.row] * value * inverse[trace.column, own.column].T
                slopes[number, own.unknown] = slopes.get((number, own.unknown), 0.0) + made.sum()
    return given, slopes
