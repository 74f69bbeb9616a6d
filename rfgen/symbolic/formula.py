"""A closed form: its expression, what its symbols are, what it assumes, where it is from, and its numbers."""

__all__ = ["ARGUMENTS", "Closed", "Formula", "symbols"]

import html
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

# Arguments by the names that the verbs have, the letter on paper, and what they are.  The last four are sequences.
ARGUMENTS = {
    "n": ("n", "samples"), "features": ("k", "random features"), "dim": ("p", "inputs, each of variance 1"),
    "ridge": ("delta", "ridge, unnormalised"), "signal": ("s", "total power of the target"),
    "noise": ("sigma^2", "variance of the label noise"), "time": ("t", "time of gradient flow"),
    "initial_variance": ("sigma_0^2", "variance of each initial weight"),
    "kappa": ("kappa", "effective ridge of the samples"), "gamma": ("gamma", "effective ridge of samples and features"),
    "alpha": ("alpha", "eigenvalues are i^-alpha"), "beta": ("beta", "powers are i^-beta"),
    "fraction": ("u", "degrees of freedom over n"),
    "degree": ("ell", "degree of the Hermite polynomial"), "modes": ("P", "modes"),
    "eigenvalues": ("lambda", "eigenvalues"), "power": ("v2", "powers v_i^2 of the target"),
}
SEQUENCES = ("eigenvalues", "power")


def symbols(*names: str) -> list[Any]:
    """The sympy symbols of arguments: positive numbers, a degree a whole one, sequences indexed from 0."""
    import sympy

    def one(name: str) -> Any:
        letter = ARGUMENTS[name][0]
        if name in SEQUENCES:
            return sympy.IndexedBase("v^2" if letter == "v2" else letter, positive=True)
        if name == "degree":
            return sympy.Symbol(letter, integer=True, nonnegative=True)
        return sympy.Symbol(letter, positive=True)

    return [one(name) for name in names]


@dataclass(frozen=True)
class Closed:
    """A row of the table: how an expression is built, once sympy is wanted."""

    name: str
    arguments: tuple[str, ...]
    build: Callable[[], Any]
    assumes: str
    source: str
    where: Callable[[], dict[Any, Any]] = dict


@dataclass(frozen=True)
class Formula:
    """A closed form; call it with the arguments by name for its numbers.

    `expression`: of sympy, or an equation that a solution fulfils; `where`: what letters in it stand for; `arguments`: what
    each symbol is, by its name in code; `assumes`: the regime; `source`: where it is published or derived; `full`: the
    expression in the arguments alone; `latex`: how it is typeset.
    """

    name: str
    expression: Any
    where: dict[Any, Any]
    arguments: dict[str, Any]
    assumes: str
    source: str

    @property
    def full(self) -> Any:
        """The expression in the arguments alone."""
        found = self.expression
        for letter, of in self.where.items():  # in order: later letters stand in earlier ones
            found = found.subs(letter, of)
        return found

    @property
    def latex(self) -> str:
        """The formula in LaTeX, with what it is the value of and what its letters stand for."""
        import sympy

        degrees = {letter: rf"\mathrm{{df}}_{letter.name[-1]}" for letter in self.where if letter.name.startswith("df_")}

        def typeset(of: Any) -> str:
            return sympy.latex(of, symbol_names=degrees).replace("{v^{2}}_{i}", "v_{i}^{2}")

        text = typeset(self.expression)
        text = text if isinstance(self.expression, sympy.Eq) else rf"\text{{{self.name}}} = {text}"
        return r",\quad ".join([text, *(f"{typeset(letter)} = {typeset(of)}" for letter, of in self.where.items())])

    @cached_property
    def _numbers(self) -> Callable[..., Any]:
        import sympy

        full: Any = self.full
        found = full.lhs - full.rhs if isinstance(self.expression, sympy.Eq) else full
        given = [*self.arguments.values()]
        if any(name in SEQUENCES for name in self.arguments):
            given.append(symbols("modes")[0])
        return sympy.lambdify(given, found, ["scipy", "numpy"])

    def __call__(self, **numbers: Any) -> Any:
        """The value at `numbers`; of an equation left minus right, which is 0 where it holds.

        Arguments are numbers or arrays that broadcast; `eigenvalues` and `power` are sequences (modes,).
        """
        unknown, missing = set(numbers) - set(self.arguments), set(self.arguments) - set(numbers)
        if unknown or missing:
            what = f"knows no {', '.join(sorted(unknown))}" if unknown else f"needs {', '.join(sorted(missing))}"
            raise ValueError(f"formula {self.name!r} {what}: its arguments are {', '.join(self.arguments)}")
        fixed = {name: np.asarray(numbers[name], float).tolist() for name in self.arguments if name in SEQUENCES}
        if fixed and len({len(value) for value in fixed.values()}) > 1:
            raise ValueError(f"formula {self.name!r} needs {' and '.join(fixed)} of the same length")
        free = [name for name in self.arguments if name not in SEQUENCES]
        count = [len(value) for value in fixed.values()][:1]

        def at(*values: Any) -> float:
            own = dict(zip(free, values, strict=True)) | fixed
            with np.errstate(all="ignore"):  # branches that are not taken are computed too
                return self._numbers(*(own[name] for name in self.arguments), *count)

        # integers of NumPy have no negative powers
        values = [np.asarray(numbers[name], int if name == "degree" else float) for name in free]
        found = np.vectorize(at, otypes=[float])(*values)
        return float(found) if found.ndim == 0 else found

    def __repr__(self) -> str:
        """The expression, its letters, what it assumes, its source."""
        where = [f"  {letter} = {of}" for letter, of in self.where.items()]
        lines = [self.name, f"  {self.expression}", *where, *(f"  {text}" for text in self._meanings())]
        return "\n".join([*lines, f"  assumes {self.assumes}", f"  source: {self.source}"])

    def _repr_html_(self) -> str:
        about = "; ".join([*self._meanings(), f"assumes {self.assumes}", f"source: {self.source}"])
        return f"$\\displaystyle {self.latex}$<div>{html.escape(about)}</div>"

    def _meanings(self) -> list[str]:
        return [f"{letter} = {name}: {ARGUMENTS[name][1]}" for name, letter in self.arguments.items()]
