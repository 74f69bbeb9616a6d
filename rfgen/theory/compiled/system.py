"""A pencil with its numbers: matrices over modes, traces of their inverse, and derivatives of these: theory (14.4)."""

__all__ = ["Numbers", "System"]

from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Any

import numpy as np

from rfgen.algebra.pencil import Pencil
from rfgen.algebra.structure import Place, Trace
from rfgen.numerics.compilation.record import record
from rfgen.numerics.elimination import inverse_entries


@record
class Numbers:
    """What the names of an expression stand for.

    `weights` (nodes,) by space: how many modes each node stands for, one node of weight n for a space of n dimensions;
    `diagonals` (nodes,) by name; `scalars` by name; `moments` (nodes,) by pairs of (kind, of) of vectors: sums over the
    modes of a node of their products.  `noise`: the share of the moment of a noise that is the task's noise, by (kind, of);
    the rest is what weights cannot reach.
    """

    weights: Mapping[str, Any]
    diagonals: Mapping[str, Any]
    scalars: Mapping[str, Any]
    moments: Mapping[tuple[tuple[str, str], tuple[str, str]], Any]
    noise: Mapping[tuple[str, str], Any] = field(default_factory=dict)

    def diagonal(self, space: str, names: Sequence[str]) -> Any:
        """The product of diagonal matrices of a space."""
        result = 1.0 + 0.0 * self.weights[space]
        for name in names:
            result = result * self.diagonals[name]
        return result


class System:
    """Traces of the inverse of a pencil, given where they enter.

    `traces`, `places` as in `rfgen.algebra.structure`; arrays of NumPy or of JAX as the `numbers` are.
    """

    def __init__(self, pencil: Pencil, traces: Sequence[Trace], places: Sequence[Place], numbers: Numbers) -> None:
        self.pencil, self.numbers, self.traces = pencil, numbers, traces
        self.spaces = [space.name for space in pencil.spaces]
        self.names = list(dict.fromkeys(self.spaces))
        self.base: dict[str, dict[tuple[int, int], Any]] = {name: {} for name in self.names}
        for own in pencil.fixed:
            self._add(self.base, own.row, own.column, self._entry(own.row, own.factor, own.diagonals))
        self.places = [(own, self._entry(own.row, own.factor, own.diagonals)) for own in places]
        self.weighted = [self.weighted_diagonal(own) for own in traces]

    def _entry(self, row: int, factor: Any, diagonals: Sequence[str]) -> Any:
        return factor.value(self.numbers.scalars) * self.numbers.diagonal(self.spaces[row], diagonals)

    def _add(self, matrices: dict[str, dict[tuple[int, int], Any]], row: int, column: int, value: Any) -> None:
        matrix = matrices[self.spaces[row]]
        matrix[row, column] = matrix[row, column] + value if (row, column) in matrix else value

    def weighted_diagonal(self, trace: Trace) -> Any:
        """Its diagonal matrix times the weights."""
        space = self.spaces[trace.row]
        return self.numbers.weights[space] * self.numbers.diagonal(space, trace.diagonals)

    def inverse(self, unknowns: Mapping[int, Any], needed: Sequence[tuple[int, int]], shift: Any = None) -> dict[Any, Any]:
        """Entries (row, column) of the mean inverse over modes, `unknowns` the traces that are known, by their numbers.

        `shift`: what is added to every inverse.
        """
        matrices = {name: dict(entries) for name, entries in self.base.items()}
        for own, value in self.places:
            if own.unknown in unknowns:
                self._add(matrices, own.row, own.column, -unknowns[own.unknown] * value)
        if shift is not None:
            for row in self.pencil.inverses:
                self._add(matrices, row, row, shift * (1.0 + 0.0 * self.numbers.weights[self.spaces[row]]))
        found: dict[Any, Any] = {}
        last = frozenset(self.pencil.inverses)
        for name in self.names:
            if wanted := [own for own in needed if self.spaces[own[0]] == name]:
                found |= inverse_entries(matrices[name], wanted, last)
        return found

    def traced(self, numbers: Sequence[int], inverse: Mapping[Any, Any]) -> list[Any]:
        """The traces of these numbers."""
        found = []
        for number in numbers:
            own = self.traces[number]
            entry = inverse.get((own.row, own.column))
            found.append(0.0 if entry is None else (self.weighted[number] * entry).sum())
        return found

    def needed(self, numbers: Sequence[int]) -> list[tuple[int, int]]:
        """Entries of the inverse that these traces and their derivatives by one another take."""
        wanted = {(self.traces[number].row, self.traces[number].column): None for number in numbers}
        inside = set(numbers)
        for own, _ in self.places:
            if own.unknown in inside:
                for number in numbers:
                    trace = self.traces[number]
                    if self.spaces[trace.row] == self.spaces[own.row]:
                        wanted |= {(trace.row, own.row): None, (own.column, trace.column): None}
        return list(wanted)

    def slopes(self, numbers: Sequence[int], inverse: Mapping[Any, Any]) -> dict[tuple[int, int], Any]:
        """Derivatives of traces by traces, by places in `numbers`, where they are not zero."""
        position = {number: place for place, number in enumerate(numbers)}
        found: dict[tuple[int, int], Any] = {}
        for own, value in self.places:
            if own.unknown not in position:
                continue
            for row, number in enumerate(numbers):
                trace = self.traces[number]
                one, two = inverse.get((trace.row, own.row)), inverse.get((own.column, trace.column))
                if self.spaces[trace.row] == self.spaces[own.row] and one is not None and two is not None:
                    place = row, position[own.unknown]
                    found[place] = found.get(place, 0.0) + (self.weighted[number] * one * value * two).sum()
        return found

    def right_sides(self, unknowns: np.ndarray, shift: float) -> tuple[np.ndarray, np.ndarray]:
        """All traces, given themselves, and their derivatives (traces, traces) by one another."""
        every = range(len(self.traces))
        inverse = self.inverse(dict(enumerate(unknowns)), self.needed(every), shift or None)
        traces = np.array(self.traced(every, inverse))
        slopes = np.zeros((len(traces), len(traces)), traces.dtype)
        for place, slope in self.slopes(every, inverse).items():
            slopes[place] = slope
        return traces, slopes
