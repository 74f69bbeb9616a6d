"""How inputs are drawn: the population behind a task, used by simulation alone."""

__all__ = ["FinitePopulation", "GaussianModes", "SpherePopulation"]

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class GaussianModes:
    """Independent Gaussian eigen-coordinates `x_i ~ N(0, eigenvalue_i)`: all that the theory assumes of the inputs."""


@dataclass(frozen=True, eq=False)
class FinitePopulation:
    """The empirical distribution of N real examples.

    `coordinates` (N, modes): eigen-coordinates of every example, with second moment diag(eigenvalues);
    `labels` (N, outputs).
    """

    coordinates: np.ndarray
    labels: np.ndarray


@dataclass(frozen=True, eq=False)
class SpherePopulation:
    """Uniform inputs on the unit sphere of R^dim, a dot-product kernel, and a zonal target.

    The target is `sum_l sqrt(target_power[l] N(dim, l)) P_l(x . e)` with a fixed unit vector e: a unit-norm function of
    each degree l, times the square root of its power.
    """

    dim: int
    kernel: Callable[[Any], Any]
    target_power: np.ndarray
    test_points: int = 2000
