"""What was found: a frozen record that prints as a few lines."""

__all__ = ["Diagnosis", "Finding"]

from dataclasses import dataclass

import numpy as np

from rfgen.problems.named import unknown
from rfgen.problems.shown import html_table

NOTHING = "nothing found"


@dataclass(frozen=True)
class Finding:
    """One cause: its `name`; the `size` of the error it makes, measured, relative (-0.3: 30 % too low); and `where`.

    `sentence`: what it is; `remedy`: what to do.
    """

    name: str
    size: float
    where: str
    sentence: str
    remedy: str

    @property
    def percent(self) -> str:
        """The size as it is printed."""
        return f"{self.size:+.0%}" if abs(self.size) >= 0.02 else f"{self.size:+.2g}"

    def __str__(self) -> str:
        place = f" at {self.where}" if self.where else ""
        return f"{self.percent:>6}  {self.name}{place}: {self.sentence}.  {self.remedy[:1].upper()}{self.remedy[1:]}."


@dataclass(frozen=True, eq=False)
class Diagnosis:
    """`findings`, most severe first; its truth is whether there are any.  Prints as lines.

    `title`: what was looked at; `facts`: its dimensions, as they are printed; `groups` (N,) or None: names that hold exact
    copies together, for `groups=` of the verbs.
    """

    findings: tuple[Finding, ...]
    title: str
    facts: str = ""
    groups: np.ndarray | None = None

    def __bool__(self) -> bool:
        """Whether anything was found."""
        return bool(self.findings)

    def __getitem__(self, name: str) -> Finding:
        for found in self.findings:
            if found.name == name:
                return found
        raise KeyError(unknown("finding", name, self.names))

    @property
    def names(self) -> tuple[str, ...]:
        """Of the findings."""
        return tuple(found.name for found in self.findings)

    def __str__(self) -> str:
        return "\n".join([self.title, *(map(str, self.findings) if self.findings else [NOTHING]), self.facts]).rstrip()

    __repr__ = __str__

    def _repr_html_(self) -> str:
        """A table in a notebook."""
        rows = [[found.name, found.percent, found.where, found.sentence, found.remedy] for found in self.findings]
        head = ("cause", "error", "at", "what", "remedy") if rows else ()
        return html_table(rows, head, self.title, self.facts if rows else f"{NOTHING}; {self.facts}".rstrip("; "))
