"""What is to be solved for a pencil: theory (14.4), (14.5) and (14.6).

The mean of L^-1 depends on traces of itself, one for each pair of entries X and X.T of the same Gaussian matrix.  Variables
that depend on each other, one resolvent, are a *core*: its traces are a nonlinear system of their own.  The traces between
two cores are linear once all those in between are known.  Second moments of the variables then obey one linear system, with
an unknown for each pair of entries X and X.
"""

__all__ = ["Core", "Place", "Structure", "Trace", "structure"]

from collections.abc import Sequence
from dataclasses import dataclass

from rfgen.algebra.forms import Names
from rfgen.algebra.pencil import Drawn, Pencil
from rfgen.algebra.scalars import Scalar


@dataclass(frozen=True)
class Trace:
    """The unknown tr(diagonals M_rc) in the space of the variables, of the mean inverse or of second moments M."""

    row: int
    column: int
    diagonals: Names


@dataclass(frozen=True)
class Place:
    """Where the unknown of this number enters: at (row, column), times factor and diagonals."""

    unknown: int
    row: int
    column: int
    factor: Scalar
    diagonals: Names


@dataclass(frozen=True, eq=False)
class Core:
    """A pencil of one resolvent with its traces; `copies`: the numbers of these in the whole, for each copy of it."""

    pencil: Pencil
    traces: tuple[Trace, ...]
    places: tuple[Place, ...]
    copies: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, eq=False, repr=False)
class Structure:
    """A pencil, its traces and where they enter, in the order in which they are solved: cores, then levels of linear ones;
    `seconds` and `second_places` the same of second moments.
    """

    pencil: Pencil
    traces: tuple[Trace, ...]
    places: tuple[Place, ...]
    cores: tuple[Core, ...]
    levels: tuple[tuple[int, ...], ...]
    seconds: tuple[Trace, ...]
    second_places: tuple[Place, ...]

    def __repr__(self) -> str:
        cores = ", ".join(f"{len(core.traces)} x{len(core.copies)}" for core in self.cores)
        return (
            f"{len(self.pencil.spaces)} variables, {len(self.pencil.inverses)} inverses, {len(self.traces)} traces: cores "
            f"of {cores or 'none'}, linear levels of {[len(level) for level in self.levels]}; {len(self.seconds)} second "
            "moments"
        )


def structure(pencil: Pencil) -> Structure:
    """Cores, levels and unknowns of a pencil.

    >>> from rfgen.algebra import data, labels, ridge_fit, teacher
    >>> from rfgen.algebra.pencil import linearise
    >>> X = data("X")
    >>> structure(linearise({"error": ridge_fit(X, labels(X), features="k") - teacher("n")}))
    6 variables, 1 inverses, 4 traces: cores of 4 x1, linear levels of []; 4 second moments
    """
    needs = _closure(len(pencil.spaces), [(own.row, own.column) for own in (*pencil.fixed, *pencil.drawn)])
    traces, places = _traces(pencil)
    classes = [sorted(_bits(mask & _column(needs, row))) for row, mask in enumerate(needs)]
    heads = sorted({own[0] for own in classes}, key=lambda head: (needs[head].bit_count(), head))
    rank = {head: number for number, head in enumerate(heads)}
    position = [rank[own[0]] for own in classes]
    gaps: dict[int, dict[tuple[int, int], list[int]]] = {}
    for number, trace in enumerate(traces):
        pair = position[trace.row], position[trace.column]
        gaps.setdefault(pair[0] - pair[1], {}).setdefault(pair, []).append(number)
    inner = gaps.pop(0, {})
    cores = _cores(pencil, traces, [(classes[heads[pair[0]]], own) for pair, own in sorted(inner.items())])
    solved = {number for core in cores for copy in core.copies for number in copy}
    aside = tuple(number for own in inner.values() for number in own if number not in solved)  # which enter elsewhere alone
    levels = [aside] if aside else []
    levels += [tuple(own) for gap in sorted(gaps) for _, own in sorted(gaps[gap].items())]
    seconds, second_places = _seconds(pencil)
    return Structure(pencil, traces, places, cores, tuple(levels), seconds, second_places)


def _bits(mask: int) -> list[int]:
    return [place for place in range(mask.bit_length()) if mask >> place & 1]


def _column(masks: Sequence[int], place: int) -> int:
    return sum(1 << row for row, mask in enumerate(masks) if mask >> place & 1)


def _closure(size: int, edges: Sequence[tuple[int, int]]) -> list[int]:
    """Which variables each depends on, itself among them, as bits."""
    masks = [1 << row for row in range(size)]
    for row, column in edges:
        masks[row] |= 1 << column
    for middle in range(size):
        for row in range(size):
            if masks[row] >> middle & 1:
                masks[row] |= masks[middle]
    return masks


def _pairs(pencil: Pencil, mixed: bool) -> list[tuple[Drawn, Drawn]]:
    """Entries of the same matrix: X with X.T, or X with X and X.T with X.T."""
    by_matrix: dict[object, list[Drawn]] = {}
    for own in pencil.drawn:
        by_matrix.setdefault(own.matrix if mixed else (own.matrix, own.transposed), []).append(own)
    if mixed:
        return [
            (one, two) for own in by_matrix.values() for one in own for two in own if not one.transposed and two.transposed
        ]
    return [(own[i], own[j]) for own in by_matrix.values() for i in range(len(own)) for j in range(i, len(own))]


def _diagonals(*names: Names) -> Names:
    return tuple(sorted(name for own in names for name in own))


def _traces(pencil: Pencil) -> tuple[tuple[Trace, ...], tuple[Place, ...]]:
    """Those that the system can reach: an entry of the mean inverse is 0 unless its row depends on its column."""
    candidates = []
    for one, two in _pairs(pencil, mixed=True):
        rows, columns = one.matrix.covariances
        factor = one.factor * two.factor * one.matrix.variance
        outer, inner = _diagonals(one.left, rows, two.right), _diagonals(two.left, columns, one.right)
        candidates.append((Trace(one.column, two.row, inner), one.row, two.column, factor, outer))
        candidates.append((Trace(two.column, one.row, outer), two.row, one.column, factor, inner))
    size, live = len(pencil.spaces), set()
    edges = [(own.row, own.column) for own in pencil.fixed]
    while True:
        reach = _closure(size, edges)
        fresh = [
            number for number, (trace, *_) in enumerate(candidates)
            if number not in live and reach[trace.row] >> trace.column & 1
        ]
        if not fresh:
            break
        live |= set(fresh)
        edges += [(candidates[number][1], candidates[number][2]) for number in fresh]
    return _numbered([candidates[number] for number in sorted(live)])


def _seconds(pencil: Pencil) -> tuple[tuple[Trace, ...], tuple[Place, ...]]:
    """Products of two vectors that meet the same matrix, and the noise that they are for its two rows."""
    found = []
    for one, two in _pairs(pencil, mixed=False):
        rows, columns = one.matrix.covariances
        met, made = (rows, columns) if one.transposed else (columns, rows)
        trace = Trace(one.column, two.column, _diagonals(one.right, met, two.right))
        factor = one.factor * two.factor * one.matrix.variance
        both = [(one.row, two.row), (two.row, one.row)]  # two entries may stand in one row, and count twice there
        for row, column in both[: 1 if one is two else 2]:
            found.append((trace, row, column, factor, _diagonals(one.left, made, two.left)))
    return _numbered(found)


def _numbered(found: Sequence[tuple[Trace, int, int, Scalar, Names]]) -> tuple[tuple[Trace, ...], tuple[Place, ...]]:
    numbers: dict[Trace, int] = {}
    places = [
        Place(numbers.setdefault(trace, len(numbers)), row, column, factor, names)
        for trace, row, column, factor, names in found
    ]
    return tuple(numbers), tuple(places)


def _cores(pencil: Pencil, traces: Sequence[Trace], found: Sequence[tuple[list[int], list[int]]]) -> tuple[Core, ...]:
    """Cores from their variables and the numbers of their traces; equal ones are copies of the first."""
    cores: dict[object, tuple[Pencil, list[tuple[int, ...]]]] = {}
    for variables, numbers in found:
        part, place = pencil.restricted(variables), {variable: own for own, variable in enumerate(variables)}
        own, _ = _traces(part)
        if not own:
            continue
        here = {
            Trace(place[traces[number].row], place[traces[number].column], traces[number].diagonals): number
            for number in numbers
        }
        cores.setdefault(part.key, (part, []))[1].append(tuple(here[trace] for trace in own))
    return tuple(Core(part, *_traces(part), tuple(copies)) for part, copies in cores.values())
