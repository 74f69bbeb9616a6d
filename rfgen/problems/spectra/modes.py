"""The record over which every eigen-coordinate sum of the theory is taken.  Equations: theory (1.6)."""

__all__ = ["Modes"]

from typing import Any

import numpy as np

from rfgen.numerics.compilation.record import record
from rfgen.problems.shown import short

# Rows are drawn independently, from a law.
ENDLESS = np.float64(np.inf)


@record
class Modes:
    """Eigenvalues with their multiplicities and the target power on each: a pytree of arrays (numpy or JAX).

    Compressed (`Task.modes`) or not, the sums `sum_i multiplicity_i f(eigenvalue_i)` and `sum_i power_i f(eigenvalue_i)`
    are the same; node weights of a compressed spectrum may be negative.

    Shapes: `eigenvalues`, `multiplicity` (modes,) with eigenvalues > 0; `power` (modes,), or (outputs, modes) to be
    vmapped over; `null_power` () or (outputs,): target power outside the span of the modes, never learned; `rank` ():
    number of modes with positive eigenvalue, inf for infinite spectra; `smallest` (): the smallest positive eigenvalue
    (the true one, which a compressed spectrum rounds to a node); `through` (modes,): number of modes down to and including
    this one (for a compressed spectrum: down to the end of the node's panel); `examples` (): size of a finite population
    whose rows are drawn without replacement and tested on those left (None: independent rows).
    """

    eigenvalues: Any
    multiplicity: Any
    power: Any
    null_power: Any
    rank: Any
    smallest: Any
    through: Any
    examples: Any = None

    @property
    def population(self) -> Any:
        """Rows that samples are drawn from: inf of independent ones."""
        return ENDLESS if self.examples is None else self.examples

    def __repr__(self) -> str:
        """Sizes and sums: nodes and their weights are many, and mean nothing one by one."""
        nodes = f"nodes={np.shape(self.eigenvalues)}, rank={short(self.rank)}, smallest={short(self.smallest)}"
        return f"Modes({nodes}, null_power={short(self.null_power)})"
