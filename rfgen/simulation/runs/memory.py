"""Memory of a pair of trials, from the shapes of what it holds: tests/benchmarks/memory.py measures it."""

__all__ = ["pair_bytes"]

from typing import Any

from rfgen.simulation.arrays import on_host
from rfgen.simulation.fits.spectral_filters import Filters
from rfgen.simulation.runs.blocks.blocked_risk import InBlocks
from rfgen.simulation.runs.ensemble import Members
from rfgen.simulation.runs.stochastic.input_visits import input_visits_bytes
from rfgen.simulation.runs.stochastic.multi_pass import BatchSettings, batch_bytes
from rfgen.simulation.runs.stochastic.one_pass import OnePassSettings, one_pass_bytes
from rfgen.simulation.sampling.data_views import DataViews
from rfgen.simulation.sampling.input_features import FeatureSampler, KernelSampler
from rfgen.simulation.sampling.samplers import FiniteSampler, SphereSampler
from rfgen.simulation.sampling.views import AugmentedSampler
from rfgen.simulation.sampling.visited_inputs import VisitedInputs

# Matrices of the smaller side that a decomposition holds, by bytes of a number: the Gram matrix, its copy, and what LAPACK
# works in.
DECOMPOSED = {8: 5, 4: 11}


def pair_bytes(
    source: Any, n: Any, features: int | None, outputs: int, settings: Any, itemsize: int, members: Members
) -> int:
    """Bytes of a pair of trials: on the host its two samples, and one fit at a time."""
    if isinstance(source, VisitedInputs):
        return input_visits_bytes(source, n, features, settings, outputs, itemsize)
    if isinstance(settings, OnePassSettings):
        return 2 * members.count * one_pass_bytes(settings, source, features, outputs, itemsize)
    if isinstance(source, InBlocks):
        return source.bytes(n, features, settings.size, outputs, itemsize, members)
    modes, rows = source.modes, source.rows(n)
    if isinstance(settings, BatchSettings):  # compiled: on the host one trial after another
        own = members.count * batch_bytes(settings, rows, modes, features, outputs, itemsize)
        return own if on_host() else 2 * own
    held, drawing = _sample(source, n, features)
    fit, kept = _fit(source, n, features, outputs, settings, DECOMPOSED[itemsize])
    if members.resampling is not None:
        fit += rows * modes + (rows**2 if rows < modes else 0)
    if on_host():
        return itemsize * (2 * held + max(drawing, fit + members.count * kept) + kept)
    return 2 * members.count * itemsize * (3 * held + max(drawing, fit) + kept)


def _sample(source: Any, n: int, features: int | None) -> tuple[int, int]:
    """Numbers that a training set holds, and what is there besides while it is drawn."""
    modes, rows = source.modes, source.rows(n)
    if isinstance(source, SphereSampler) and source.dual:
        return rows * (rows + modes), 4 * rows * (rows + modes)
    if isinstance(source, SphereSampler | KernelSampler):  # one factor, of the kernel of rows and test points
        return (rows + modes) ** 2, 4 * (rows + modes) ** 2
    if isinstance(source, FeatureSampler):
        width = features or modes
        return rows * width, rows * (width + modes) + modes * width
    if isinstance(source, AugmentedSampler | DataViews):  # as they are repeated and seen, and in blocks
        return rows * modes, 2 * rows * modes
    if isinstance(source, FiniteSampler) and source.kernel is not None:
        return n * source.labels.shape[0], n * n
    return rows * modes, 0


def _fit(source: Any, n: int, features: int | None, outputs: int, settings: Any, decomposed: int) -> tuple[int, int]:
    """Numbers that a fit works with, and that are kept of it until its pair is measured."""
    modes, rows = source.modes, source.rows(n)
    if isinstance(source, SphereSampler | KernelSampler):
        modes += rows
    if isinstance(source, FeatureSampler):
        modes, features = features or modes, None
    width = modes if features is None else features
    points = max(modes, source.labels.shape[0]) if isinstance(source, FiniteSampler | DataViews) else modes
    smaller = min(rows, width)
    work, design = decomposed * smaller**2, 0
    if features is not None and rows < modes:  # features given the rows, by a factor of their Gram matrix
        design = rows * width + 3 * rows**2  # NumPy's factor copies its matrix: measured 1.19 to 1.23 of a plan without
        work = max(work, 2 * rows * width + 2 * rows**2)
    elif features is not None:
        design = (modes + rows) * width
        work = max(work, (modes + 3 * rows) * width)
    if not isinstance(settings, Filters):
        fits = 2 * settings.size * outputs
        return design + work + fits * (width + 4 * points + 2 * rows), fits * points // 2
    # filters and coordinates of every setting, and a basis with its values where they are measured
    rank = min(smaller + outputs, 2 * settings.settings * outputs)
    everywhere = settings.settings * (smaller + outputs) * (8 + 10 * outputs)
    return design + work + everywhere + rank * (2 * width + modes + 2 * rows), rank * 2 * points
