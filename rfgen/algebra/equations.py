"""The equations of an estimator as they are written: what its solver solves, in sympy, as text and in LaTeX: theory (14.4).

Letters: u are traces of the mean inverse, q second moments, t numbers along single directions; a sum over i is one over the
modes of the inputs.  Cores that are those of ridge regression or of random features are named as the field names them:
kappa, gamma, df1.
"""

__all__ = ["Equations", "equations"]

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rfgen.algebra.macros import INPUTS, data, labels, ridge_fit, teacher
from rfgen.algebra.matrices import LINE, Space
from rfgen.algebra.pencil import Pencil, linearise
from rfgen.algebra.scalars import ONE, Scalar
from rfgen.algebra.structure import Core, Place, Structure, Trace, structure


@dataclass(frozen=True, repr=False)
class Equations:
    """`cores`: the nonlinear equations; `named`: the same of known cores in the letters of the field; `linear`: those that
    are linear once these are solved, with the outputs.  Lists of equations of sympy; prints as text.
    """

    cores: list[Any]
    named: list[Any]
    linear: list[Any]

    @property
    def all(self) -> list[Any]:
        """All of them, those in the letters of the field last."""
        return [*self.cores, *self.linear, *self.named]

    @property
    def latex(self) -> str:
        """An `aligned` environment."""
        import sympy

        free = {symbol for own in self.all for symbol in own.free_symbols}
        letters = {symbol: _greek(symbol.name) for symbol in free if symbol.name.startswith(("ridge", "sigma2"))}
        lines = [" &= ".join(sympy.latex(side, symbol_names=letters) for side in own.args) for own in self.all]
        return "\\begin{aligned}\n" + " \\\\\n".join(lines) + "\n\\end{aligned}"

    def __repr__(self) -> str:
        return "\n".join(f"{own.lhs} = {own.rhs}" for own in self.all)

    def _repr_latex_(self) -> str:
        """In a notebook."""
        return f"${self.latex}$"


def equations(whole: Structure, metrics: Mapping[str, tuple[str, ...]]) -> Equations:
    """Those of a structure; `metrics`: of each output the names of the diagonal matrices of its mean square.

    >>> X = data("X")
    >>> posed = structure(linearise({"error": ridge_fit(X, labels(X)) - teacher("n")}))
    >>> equations(posed, {"error": ("covariance[n]",)}).named[0].rhs
    df1 + ridge/kappa
    """
    import sympy

    letters = _Letters([own for core in whole.cores for own in core.pencil.drawn] or whole.pencil.drawn)
    unknowns = [letters.symbol(f"u_{number + 1}") for number in range(len(whole.traces))]
    cores, named = [], []
    for count, core in enumerate(whole.cores):
        for place, copy in enumerate(core.copies):
            own = {number: unknowns[copy[number]] for number in range(len(copy))}
            if place:  # a copy has the solution of the first
                cores += [sympy.Eq(own[number], unknowns[core.copies[0][number]]) for number in own]
                continue
            inverse = _inverse(core.pencil, core.places, own, letters, [(t.row, t.column) for t in core.traces])
            cores += [
                sympy.Eq(own[number], letters.traced(core.pencil, trace, inverse[trace.row, trace.column]))
                for number, trace in enumerate(core.traces)
            ]
            named += _named(core, own, letters, "" if len(whole.cores) == 1 else f"_{count + 1}")
    return Equations(cores, named, _linear(whole, metrics, unknowns, letters))


def _greek(name: str) -> str:
    """Ridges as delta, variances of noise as sigma squared."""
    letter, start = ("\\delta", "ridge") if name.startswith("ridge") else ("\\sigma^2", "sigma2")
    rest = name.removeprefix(start).strip("_")
    return f"{letter}_{{{rest}}}" if rest else letter


class _Letters:
    """Symbols of names."""

    def __init__(self, drawn: Sequence[Any]) -> None:
        import sympy

        self.sympy, self.index = sympy, sympy.Symbol("i", integer=True)
        own = dict.fromkeys(name for each in drawn for names in each.matrix.covariances for name in names)
        self.single = len([name for name in own if name.startswith("covariance[")]) < 2

    def symbol(self, name: str) -> Any:
        return self.sympy.Symbol(name)

    def scalar(self, value: Scalar) -> Any:
        return self.sympy.nsimplify(value.value({name: self.symbol(name) for name in value.names}))

    def diagonals(self, space: Space, names: Sequence[str]) -> Any:
        result = self.sympy.Integer(1)
        for name in names:
            inside = name.removeprefix("covariance[").removesuffix("]")
            letter = name if inside == name else "lambda" if self.single else f"lambda_{inside}"
            result *= self.sympy.IndexedBase(letter)[self.index] if space is INPUTS else self.symbol(letter)
        return result

    def summed(self, space: Space, entry: Any) -> Any:
        entry = self.sympy.factor(self.sympy.together(entry))
        if space is INPUTS:
            return self.sympy.Sum(entry, (self.index, 1, self.symbol("p")))
        return self.symbol(space.name) * entry

    def traced(self, pencil: Pencil, trace: Trace, entry: Any) -> Any:
        space = pencil.spaces[trace.row]
        return self.summed(space, entry * self.diagonals(space, trace.diagonals))


    def joined(self, own: Any) -> Any:
        return self.scalar(own.factor) * self.diagonals(own.matrix.rows, (*own.left, *own.right))

    def moment(self, one: Any, two: Any) -> Any:
        """Mean product of entries of two vectors: sigma^2 of a noise, beta of a target, v of a direction."""
        if one.rows is not two.rows:
            return 0
        kinds = {"teacher", "direction"}
        if one.kind in kinds and two.kind in kinds:
            beta = "beta" if self.single else "beta_{}"
            names = [own.of if own.kind == "direction" else beta.format(own.of) for own in (one, two)]
            return self.sympy.Mul(*(self.sympy.IndexedBase(name)[self.index] for name in names))
        if one is two:
            noise = "sigma2" if self.single else f"sigma2_{one.rows.name}"
            return self.symbol(noise) if one.kind == "noise" else self.sympy.Integer(1)
        if one.kind in ("ones", "signs") and two.kind in ("ones", "signs"):
            return self.sympy.Mul(*(2 * self.scalar(own.parts[3]) - 1 for own in (one, two) if own.kind == "signs"))
        return 0


def _inverse(pencil: Pencil, places: Any, unknowns: Mapping[int, Any], letters: _Letters, needed: Any) -> dict[Any, Any]:
    """Entries of the mean inverse in symbols, 0 where there is none."""
    sympy = letters.sympy
    found = dict.fromkeys(needed, sympy.Integer(0))
    for space in dict.fromkeys(pencil.spaces):
        rows = [row for row, own in enumerate(pencil.spaces) if own is space]
        matrix, position = sympy.zeros(len(rows)), {row: place for place, row in enumerate(rows)}
        for own in (*pencil.fixed, *places):
            if own.row in position:
                value = letters.scalar(own.factor) * letters.diagonals(space, own.diagonals)
                value = -value * unknowns[own.unknown] if isinstance(own, Place) else value
                matrix[position[own.row], position[own.column]] += value
        inverse = matrix.inv()
        for row, column in needed:
            if row in position and column in position:
                found[row, column] = sympy.factor(inverse[position[row], position[column]])
    return found


def _linear(
    whole: Structure, metrics: Mapping[str, tuple[str, ...]], unknowns: Sequence[Any], letters: _Letters
) -> list[Any]:
    """Levels of traces, second moments, outputs."""
    sympy, pencil = letters.sympy, whole.pencil
    outputs = {name: Trace(pencil.outputs[name], pencil.outputs[name], own) for name, own in metrics.items()}
    moments = [letters.symbol(f"q_{number + 1}") for number in range(len(whole.seconds))]
    wanted = dict(zip(moments, whole.seconds, strict=True))
    wanted |= {letters.symbol(f"E_{name}"): trace for name, trace in outputs.items()}
    level = [number for own in whole.levels for number in own]
    line = {row: letters.symbol(f"t_{row}") for row, space in enumerate(pencil.spaces) if space is LINE}
    sources = [(row, own, sympy.Integer(1)) for row, own in pencil.sources.items() if row not in line]
    sources += [
        (own.row, own.matrix, -line[own.column] * letters.joined(own)) for own in pencil.joined if not own.transposed
    ]
    met = [own for own in pencil.joined if own.transposed]
    columns = {*(row for row, *_ in sources), *(row for own in whole.second_places for row in (own.row, own.column))}
    rows = {row for trace in wanted.values() for row in (trace.row, trace.column)} | {own.column for own in met}
    needed = [(row, column) for row in rows for column in columns if pencil.spaces[row] is pencil.spaces[column]]
    needed += [(whole.traces[number].row, whole.traces[number].column) for number in level]
    inverse = _inverse(pencil, whole.places, dict(enumerate(unknowns)), letters, needed)
    found = []
    for number in level:
        trace = whole.traces[number]
        found.append(sympy.Eq(unknowns[number], letters.traced(pencil, trace, inverse[trace.row, trace.column])))
    for row, value in line.items():
        left = sum(letters.scalar(own.factor) * line[own.column] for own in pencil.fixed if own.row == row)
        right = sympy.Integer(int(row in pencil.sources))
        for own in met:
            for column, source, factor in sources if own.row == row else ():
                entry = inverse.get((own.column, column), 0) * letters.moment(own.matrix, source)
                if entry != 0:
                    right -= letters.summed(own.matrix.rows, letters.joined(own) * entry * factor)
        found.append(sympy.Eq(value, right - left + value))
    for moment, trace in wanted.items():
        space, total = pencil.spaces[trace.row], sympy.Integer(0)
        diagonals = letters.diagonals(space, trace.diagonals)
        for one, a, first in sources:
            for two, b, second in sources:
                entry = inverse.get((trace.row, one), 0) * inverse.get((trace.column, two), 0) * letters.moment(a, b)
                if entry != 0:
                    total += letters.summed(space, diagonals * entry * first * second)
        for own in whole.second_places:
            entry = inverse.get((trace.row, own.row), 0) * inverse.get((trace.column, own.column), 0)
            if entry != 0:
                made = letters.scalar(own.factor) * letters.diagonals(space, own.diagonals)
                total += moments[own.unknown] * letters.summed(space, diagonals * entry * made)
        found.append(sympy.Eq(moment, total))
    return found


def _shape(pencil: Pencil) -> tuple[Any, ...]:
    """A pencil without its names."""
    tokens: dict[Any, int] = {}

    def token(own: Any) -> Any:
        return own if own in (INPUTS, ONE, -ONE) else tokens.setdefault(own, len(tokens))

    def drawn(matrix: Any) -> Any:
        share = matrix.variance is 1.0 / Scalar(matrix.columns.name)
        covariances = tuple(tuple(map(token, names)) for names in matrix.covariances)
        variance = "share" if share else token(matrix.variance)
        return token(matrix), token(matrix.rows), token(matrix.columns), covariances, variance

    spaces = tuple(map(token, pencil.spaces))
    fixed = tuple((own.row, own.column, token(own.factor), tuple(map(token, own.diagonals))) for own in pencil.fixed)
    entries = tuple(
        (own.row, own.column, token(own.factor), own.left, drawn(own.matrix), own.transposed, own.right)
        for own in pencil.drawn
    )
    return spaces, fixed, entries


@functools.cache
def _known() -> dict[Any, str]:
    rows = data("X")
    fits = {"ridge": ridge_fit(rows, labels(rows)), "features": ridge_fit(rows, labels(rows), features="k")}
    posed = {name: structure(linearise({"error": fit - teacher("n")})) for name, fit in fits.items()}
    return {_shape(own.cores[0].pencil): name for name, own in posed.items()}


def _named(core: Core, unknowns: Mapping[int, Any], letters: _Letters, mark: str) -> list[Any]:
    """The equations of a known core in the letters of the field: of ridge regression theory (2.3), of features (2.8)."""
    kind = _known().get(_shape(core.pencil))
    if kind is None:
        return []
    sympy, pencil = letters.sympy, core.pencil
    (ridge,) = (letters.scalar(own.factor) for own in pencil.fixed if own.row in pencil.inverses and own.row == own.column)
    kappa, gamma, df1 = (letters.symbol(f"{name}{mark}") for name in ("kappa", "gamma", "df1"))
    effective = kappa if kind == "ridge" else gamma
    (matrix,) = dict.fromkeys(own.matrix for own in pencil.drawn if own.matrix.columns is INPUTS)
    spectrum = letters.diagonals(INPUTS, matrix.covariances[1])
    freedom = letters.summed(INPUTS, spectrum / (spectrum + effective))
    by_space = {pencil.spaces[trace.row]: unknowns[number] for number, trace in enumerate(core.traces)}
    n = letters.symbol(matrix.rows.name)
    found = [sympy.Eq(n, df1 + ridge / kappa), sympy.Eq(df1, freedom), sympy.Eq(kappa, ridge / by_space[matrix.rows])]
    if kind == "features":
        (space,) = {own for own in pencil.spaces if own not in (INPUTS, matrix.rows)}
        k = letters.symbol(space.name)
        found[1:1] = [sympy.Eq(k, df1 + k * kappa / gamma)]
        found.append(sympy.Eq(gamma, k / (by_space[matrix.rows] * by_space[space])))
    return found
