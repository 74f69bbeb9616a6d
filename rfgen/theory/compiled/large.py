"""Points of large matrices that do not commute: products and inverses in JAX, on its device, the walk from here."""

__all__ = ["LARGE", "solve_large"]

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from rfgen.algebra.structure import Core, Structure
from rfgen.numerics.compilation.program import program
from rfgen.theory.compiled.core import UnsolvedError, solve_core
from rfgen.theory.compiled.dense import Dense
from rfgen.theory.compiled.many import risks
from rfgen.theory.compiled.moments import Metrics
from rfgen.theory.compiled.solver import Solved, mean_squares, nothing
from rfgen.theory.compiled.system import Numbers, System

# Matrices of so many rows: a program takes 1 to 2 s to compile, as long as NumPy takes for a point.
LARGE = 400


class _OnDevice(System):
    """A core whose matrices stay on the device; what comes back is small."""

    def __init__(self, core: Core, numbers: Numbers) -> None:
        self.core, self.numbers, self.traces = core, numbers, core.traces

    def right_sides(self, unknowns: np.ndarray, shift: float) -> tuple[np.ndarray, np.ndarray]:
        traces, slopes = _sides(self.numbers, unknowns, shift, core=self.core)
        return np.asarray(traces), np.asarray(slopes)


@program(static_argnames=("core",))
def _sides(numbers: Any, unknowns: Any, shift: Any, core: Core) -> tuple[Any, Any]:
    system, every = System(core.pencil, core.traces, core.places, numbers), range(len(core.traces))
    inverse = system.inverse(dict(enumerate(unknowns)), system.needed(every), shift)
    traces = jnp.stack([jnp.asarray(own) for own in system.traced(every, inverse)])
    slopes = jnp.zeros((len(every), len(every)))
    for place, slope in system.slopes(every, inverse).items():
        slopes = slopes.at[place].set(slope)
    return traces, slopes


@program(static_argnames=("structure", "metrics"))
def _equations(numbers: Any, cores: Any, structure: Structure, metrics: Metrics) -> tuple[Any, Any, Any]:
    _, (given, slopes), residual = risks(structure, metrics, numbers, cores)
    return given, slopes, residual


def solve_large(structure: Structure, numbers: Numbers, metrics: Metrics, least: float) -> Solved:
    """`solve` of ridges > 0."""
    there: Any = jax.tree.map(lambda own: jnp.asarray(own, float), numbers)
    diagonal = jax.tree.map(_diagonal, numbers, is_leaf=lambda own: isinstance(own, Dense))
    cores: tuple[Any, ...] = ()
    try:
        for core in structure.cores:
            # as if all were diagonal: from there a few steps of Newton's method lead, where the walk takes 30 to 60
            near, _ = solve_core(System(core.pencil, core.traces, core.places, diagonal), least, 0.0)
            cores = *cores, solve_core(_OnDevice(core, there), least, 0.0, near)[0]
    except UnsolvedError as error:
        return nothing(len(metrics), np.nan, np.inf, str(error))
    given, slopes, residual = map(np.asarray, _equations(there, cores, structure=structure, metrics=metrics))
    return mean_squares(given, slopes, float(residual), cores)


def _diagonal(own: Any) -> Any:
    return own.matrix.diagonal() if isinstance(own, Dense) else own
