"""The table of closed forms."""

__all__ = ["Formulas", "formula", "formulas"]

import difflib
from collections.abc import Iterator
from dataclasses import dataclass

from rfgen.problems.named import Named
from rfgen.problems.shown import html_table
from rfgen.symbolic.eigenframework import EIGENFRAMEWORK
from rfgen.symbolic.formula import Formula, symbols
from rfgen.symbolic.gradient_flow import GRADIENT_FLOW
from rfgen.symbolic.hermite import HERMITE
from rfgen.symbolic.isotropic import ISOTROPIC
from rfgen.symbolic.peaks import PEAKS
from rfgen.symbolic.power_law import POWER_LAW

TABLE = {row.name: row for row in (*EIGENFRAMEWORK, *ISOTROPIC, *GRADIENT_FLOW, *POWER_LAW, *PEAKS, *HERMITE)}


@dataclass(frozen=True)
class Formulas:
    """Names of closed forms with what they assume; prints as a list."""

    assumes: dict[str, str]

    def __iter__(self) -> Iterator[str]:
        return iter(self.assumes)

    def __len__(self) -> int:
        return len(self.assumes)

    def __repr__(self) -> str:
        """A name and its assumptions a line."""
        width = max(map(len, self.assumes))
        return "\n".join(f"{name:{width}}  {text}" for name, text in self.assumes.items())

    def _repr_html_(self) -> str:
        return html_table(self.assumes.items(), ["formula", "assumes"])


def formulas() -> Formulas:
    """The closed forms that `formula` gives, by name.

    Returns
    -------
    Formulas
        Iterates over the names, prints them with what they assume.

    Examples
    --------
    >>> import rfgen as rg
    >>> "isotropic ridgeless risk" in rg.formulas()
    True
    """
    return Formulas({name: row.assumes for name, row in TABLE.items()})


def formula(name: str) -> Formula:
    """A closed form as an expression of sympy, with its assumptions, source, LaTeX and numbers.

    Parameters
    ----------
    name
        One of `rg.formulas()`.

    Returns
    -------
    Formula
        `expression`, `arguments`, `assumes`, `source`, `latex`; called with its arguments by name it gives numbers.

    Raises
    ------
    ValueError
        For a name that is not in the table.

    Notes
    -----
    Each is tested against the engine (`tests/symbolic/test_formulas.py`), so that none can differ from the curves.

    Examples
    --------
    >>> import rfgen as rg
    >>> best = rg.formula("isotropic optimal ridge")
    >>> best.expression, best(dim=200, signal=1.0, noise=0.25)
    (p*sigma^2/s, 50.0)
    """
    if name not in TABLE:
        close = difflib.get_close_matches(str(name), TABLE, n=1, cutoff=0.0)
        raise ValueError(f"name must be one of rg.formulas(), such as {close[0]!r}, got {name!r}")
    row = TABLE[name]
    arguments = dict(zip(row.arguments, symbols(*row.arguments), strict=True))
    return Formula(row.name, row.build(), row.where(), Named("argument", arguments), row.assumes, row.source)
