"""The comparison of a curve with its simulation: a dataset, a verdict, a printed table."""

__all__ = ["Report"]

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from rfgen.api.check.agreement import MOST_GRANTED
from rfgen.api.diagnosis.record import Diagnosis
from rfgen.problems.shown import html_table

if TYPE_CHECKING:
    import xarray

# Dimensions in the order of the table's columns.
LEADING = ("n", "features", "ridge", "output")


@dataclass(frozen=True, eq=False)
class Report:
    """Theory against simulation.

    `dataset` holds, for each variable (test, train, ...), `<name>_theory`, `<name>_simulation`, `<name>_se`, `<name>_z`
    and `<name>_allowance`; `judged` names the variables that decide; `threshold` the largest |z| granted beyond the
    finite-size allowance.  A point whose allowance exceeds a third of the theory is not judged.  Prints as a table.
    """

    dataset: "xarray.Dataset"
    judged: tuple[str, ...]
    threshold: float
    title: str
    explain: Callable[[str, np.ndarray, np.ndarray], Diagnosis] | None = None

    def _passes(self, name: str) -> np.ndarray:
        data = self.dataset
        theory, measured = data[f"{name}_theory"].values, data[f"{name}_simulation"].values
        with np.errstate(invalid="ignore"):
            excess = np.abs(measured - theory) - data[f"{name}_allowance"].values
            close = (data[f"{name}_z"].values == 0.0) | (excess <= self.threshold * data[f"{name}_se"].values)
        # a divergent risk has nothing to be compared with; a failed theory point is never an agreement
        return np.asarray(np.where(np.isinf(theory) | self._vague(name), True, close) & ~np.isnan(theory))

    def _vague(self, name: str) -> np.ndarray:
        """Where so much is granted that the measurement could not disagree."""
        theory, granted = (self.dataset[f"{name}_{part}"].values for part in ("theory", "allowance"))
        with np.errstate(invalid="ignore"):
            return np.asarray(np.isfinite(theory) & ~(granted <= MOST_GRANTED * np.abs(theory)))

    @property
    def compared(self) -> int:
        """Points of judged variables at which theory could fail: finite, little granted, no training error of 0."""
        data, count = self.dataset, 0
        for name in self.judged:
            theory = data[f"{name}_theory"].values
            trivial = (theory == 0.0) & name.startswith("train")
            count += int((np.isfinite(theory) & ~self._vague(name) & ~trivial).sum())
        return count

    @property
    def agrees(self) -> bool:
        """Whether anything was compared, and every point lies within `threshold` standard errors plus the allowance."""
        return self.compared > 0 and all(bool(self._passes(name).all()) for name in self.judged)

    def __bool__(self) -> bool:
        """The verdict, so that `assert rg.check(...)` can fail."""
        return self.agrees

    @property
    def largest_z(self) -> float:
        """The largest |z| among the judged variables, finite-size error included."""
        return float(max(np.nanmax(np.abs(self.dataset[f"{name}_z"].values), initial=0.0) for name in self.judged))

    @cached_property
    def diagnosis(self) -> Diagnosis:
        """Why they disagree: causes with the error that each makes, none where they agree.  Computed on first use."""
        passes = {name: self._passes(name) for name in self.judged}
        wrong = [name for name in self.judged if not passes[name].all()]
        if self.explain is None or not wrong:
            return Diagnosis((), self.title)
        return self.explain(wrong[0], self.dataset[f"{wrong[0]}_simulation"].values, ~passes[wrong[0]])

    def _table(self) -> tuple[list[str], list[list[str]]]:
        """Head and rows: one row per point and judged variable."""
        data = self.dataset
        # the full kernel is not worth a column
        dims = [dim for dim in LEADING if dim in data.coords and (data[dim].ndim or np.isfinite(float(data[dim])))]
        dims += [str(dim) for dim in data.coords if dim not in LEADING and data[dim].ndim]  # of an augmentation
        passes = {name: self._passes(name) for name in self.judged}
        vague = {name: self._vague(name) for name in self.judged}
        header = [*dims, "variable", "theory", "simulation", "s.e.", "granted", "z", ""]
        rows = []
        # variables of the same dimensions side by side
        together: dict[tuple[str, ...], list[str]] = {}
        for name in self.judged:
            together.setdefault(tuple(map(str, data[f"{name}_theory"].dims)), []).append(name)
        places = (
            (names, own, index)
            for names, own in together.items() for index in np.ndindex(*(data.sizes[one] for one in names))
        )
        for names, own, index in places:
            point = data.isel(dict(zip(names, index, strict=True)))
            for name in own:
                passed = passes[name][index]
                values = ["" if point.coords[dim].ndim else _label(point.coords[dim].item()) for dim in dims]
                theory = float(point[f"{name}_theory"])
                verdict = "diverges" if np.isinf(theory) else "" if passed else "DISAGREES"
                verdict = "not solved" if np.isnan(theory) else "not judged" if vague[name][index] else verdict
                rows.append(
                    [*values, name, f"{theory:.5g}", f"{float(point[f'{name}_simulation']):.5g}",
                     f"{float(point[f'{name}_se']):.2g}", f"{float(point[f'{name}_allowance']):.2g}",
                     f"{float(point[f'{name}_z']):+.2f}", verdict]
                )
        return header, rows

    def _words(self) -> list[str]:
        """What theory did not solve, and the verdict."""
        data = self.dataset
        verdict = "agrees" if self.agrees else "DISAGREES"
        trials = data.attrs.get("trials", "?")
        foot = (
            "nothing compared: theory diverges, or is granted more than a third of it, at every point"
            if self.compared == 0
            else (
                f"{verdict}: largest |z| {self.largest_z:.2f}, granted {self.threshold:g} beyond finite-size allowance; "
                f"{trials} trials a point"
            )
        )
        return [*([f"not solved: {data.attrs['failures']}"] if "failures" in data.attrs else []), foot]

    def __str__(self) -> str:
        header, rows = self._table()
        widths = [max(len(row[i]) for row in [header, *rows]) for i in range(len(header))]
        lines = ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in [header, *rows]]
        return "\n".join([self.title, *(line.rstrip() for line in lines), *self._words()])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        """The table in a notebook."""
        header, rows = self._table()
        return html_table(rows, header, self.title, "; ".join(self._words()))


def _label(value: Any) -> str:
    return value if isinstance(value, str) else "inf" if np.isinf(value) else f"{value:.6g}"
