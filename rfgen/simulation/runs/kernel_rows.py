"""When trials of ridge regression read kernels of their rows in place of multiplying coordinates."""

__all__ = ["by_kernel"]

import weakref
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np

from rfgen.simulation.arrays import on_host
from rfgen.simulation.fits.ridge_path import GENTLE
from rfgen.simulation.sampling.samplers import FiniteSampler, SphereSampler

# Share of the memory planned for that the kernel matrix of all examples may take.
SHARE = 0.25


def by_kernel(source: Any, settings: Any, sizes: Sequence[int], trials: int, available: int) -> dict[int, Any]:
    """For each of `sizes` the source of its trials: `source`, or the same with the kernel matrix of its examples.

    That one costs N^2 products of two examples once, and saves n^2 of them in every trial of n < modes rows.  On spheres
    kernels of rows and points do without the factor of all points, for ridges that leave every digit.
    """
    plain = dict.fromkeys(sizes, source)
    if isinstance(source, SphereSampler) and isinstance(settings, np.ndarray) and on_host():
        if source.initial_kernel is not None:
            return plain
        most = settings.min() / (np.finfo(settings.dtype).eps ** GENTLE * float(source.kernel(np.ones(()))))
        return plain | {size: replace(source, dual=True) for size in plain if size < most}
    if not (isinstance(source, FiniteSampler) and isinstance(settings, np.ndarray) and on_host()):
        return plain
    rows, modes = source.coordinates.shape
    wide = [size for size in plain if size < modes]
    kernel = _Last.of(source)
    if source.scale.itemsize * rows**2 > SHARE * available:
        return plain
    if kernel is None:
        if trials * sum(size**2 for size in wide) < rows**2:
            return plain
        kernel = _Last.multiplied(source)
    return plain | dict.fromkeys(wide, replace(source, kernel=kernel))


class _Last:
    """The kernel matrix of the examples asked for last, for as long as their task is there."""

    kept: ClassVar[tuple[Any, np.ndarray] | None] = None

    @classmethod
    def of(cls, source: FiniteSampler) -> np.ndarray | None:
        """The matrix, if it is that of `source`; that of others goes."""
        kept = cls.kept
        if kept is not None and kept[0]() is source.coordinates and kept[1].dtype == source.scale.dtype:
            return kept[1]
        cls.kept = None
        return None

    @classmethod
    def multiplied(cls, source: FiniteSampler) -> np.ndarray:
        """The matrix of `source`, kept."""

        def drop(gone: Any) -> None:
            if cls.kept is not None and cls.kept[0] is gone:
                cls.kept = None

        coordinates = np.asarray(source.coordinates, source.scale.dtype)
        cls.kept = weakref.ref(source.coordinates, drop), coordinates @ coordinates.T
        return cls.kept[1]
