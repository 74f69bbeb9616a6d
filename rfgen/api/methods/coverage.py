"""How the table of methods looks."""

__all__ = ["Coverage"]

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rfgen.problems.shown import html_table

if TYPE_CHECKING:
    import xarray

MARKS = ("", "\u2713")


@dataclass(frozen=True, repr=False)
class Coverage:
    """`covered` (methods, verbs, options) and `served` (methods, verbs), with the names of all.

    `about` tells of each method, by its name, what it gives, where that is exact, and how it is measured.
    """

    names: list[str]
    tasks: list[str]
    trainings: list[str]
    verbs: list[str]
    options: list[str]
    covered: np.ndarray
    served: np.ndarray
    about: Mapping[str, str]

    @property
    def dataset(self) -> "xarray.Dataset":
        """The table as an xarray Dataset."""
        import xarray

        coords = {"name": self.names, "verb": self.verbs, "option": self.options}
        words = {"tasks": ("name", self.tasks), "trainings": ("name", self.trainings)}
        return xarray.Dataset(
            {"covered": (("name", "verb", "option"), self.covered), "served": (("name", "verb"), self.served), **words},
            coords,
        )

    def _rows(self) -> Iterator[tuple[str, str, str]]:
        """Method, verb, options."""
        for name, of_method, served in zip(self.names, self.covered, self.served, strict=True):
            for verb, of_verb, here in zip(self.verbs, of_method, served, strict=True):
                if here:
                    yield name, verb, ", ".join(np.array(self.options)[of_verb]) or "-"

    def __repr__(self) -> str:
        """One line a method and verb, under what the method is and the tasks and trainings it is for."""
        lines, width = [], max(map(len, self.verbs))
        for name, tasks, trainings in zip(self.names, self.tasks, self.trainings, strict=True):
            lines += [f"{name}: {trainings} on {tasks}", f"    {_line(self.about[name])}"]
            lines += [f"    {verb:{width}}  {options}" for own, verb, options in self._rows() if own == name]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        """Methods and verbs down, options across; colours are the page's own."""
        rows = []
        for method, (name, tasks, trainings) in enumerate(zip(self.names, self.tasks, self.trainings, strict=True)):
            heading = f"{name}: {trainings} on {tasks}"
            for verb in np.flatnonzero(self.served[method]):
                rows.append([heading, self.verbs[verb], *(MARKS[int(there)] for there in self.covered[method, verb])])
                heading = ""
        return html_table(rows, ("method", "verb", *self.options))


def _line(text: str) -> str:
    """The first line of a documentation."""
    return text.partition("\n")[0]
