"""When trials of ridge regression read kernels of their rows in place of multiplying coordinates."""

__all__ = ["by_kernel"]

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

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
    if trials * sum(size**2 for size in wide) < rows**2 or source.scale.itemsize * rows**2 > SHARE * available:
        return plain
    coordinates = np.asarray(source.coordinates, source.scale.dtype)
    kernel = coordinates @ coordinates.T
    return plain | dict.fromkeys(wide, replace(source, kernel=kernel))
