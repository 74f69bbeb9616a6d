"""How inputs are drawn: the population behind a task, used by simulation alone."""

__all__ = ["GaussianModes", "SpherePopulation"]

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from rfgen.problems import validation
from rfgen.problems.kernels.dot_product_kernels import NNGP, NTK
from rfgen.problems.kernels.sphere import sphere_eigenvalues
from rfgen.problems.own_functions import own_function
from rfgen.problems.rules import integer, number, optional
from rfgen.problems.settings import Noun, setting


class GaussianModes(Noun):
    """Independent Gaussian eigen-coordinates `x_i ~ N(0, eigenvalue_i)`: all that the theory assumes of the inputs."""


class SpherePopulation(Noun):
    """Uniform inputs on the unit sphere of R^dim, a dot-product kernel, a zonal target, and where training starts.

    The target is `sum_l sqrt(target_power[l] N(dim, l)) P_l(x . e)` with a fixed unit vector e: a unit-norm function of
    each degree l, times the square root of its power.  `target_power` is a mapping {degree: power} or an array of at most
    degrees + 1 entries, and becomes (degrees + 1,).  Training starts from 0, or from a Gaussian random function of
    covariance `initial_variance * initial_kernel(x.z)`: the output of an infinitely wide random network.
    """

    dim: int = setting(integer(2))
    kernel: Callable[[Any], Any] = setting(own_function("a function of the cosine, such as rg.NTK('relu', depth=2)"))
    target_power: Any
    test_points: int = setting(integer(2), default=2000)
    degrees: int = setting(integer(0), default=40)
    initial_variance: float = setting(number("[0, inf)"), default=0.0)
    initial_kernel: Callable[[Any], Any] | None = setting(optional(own_function("a function of the cosine")), default=None)

    def _relate(self) -> None:
        """One power for each degree."""
        degrees, target = self.degrees, self.target_power
        power = np.zeros(degrees + 1)
        if isinstance(target, Mapping):
            for degree, value in target.items():
                if not 0 <= validation.integer("target", degree, 0) <= degrees:
                    raise ValueError(f"target must hold degrees between 0 and degrees={degrees}, got {degree}")
                power[degree] = float(validation.non_negative(f"target[{degree}]", value, 0))
        else:
            given = validation.non_negative("target", target, 1)
            if given.size > degrees + 1:
                raise ValueError(f"target must have at most degrees + 1 = {degrees + 1} entries, got {given.size}")
            power[: given.size] = given
        self._set(target_power=power)

    @property
    def parameters(self) -> dict[str, Any]:
        """What a task on it is called by."""
        named = {"dim": self.dim, "kernel": self.kernel, "degrees": self.degrees}
        if self.initial_kernel is None:
            return named
        return {**named, "initial_variance": self.initial_variance, "initial_kernel": self.initial_kernel}

    def levels(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Eigenvalues, multiplicities and target power of each degree, and of the rest where the kernel has one."""
        values, counts, tail = sphere_eigenvalues(self.kernel, self.dim, self.degrees)
        if tail == 0:
            return values, counts, self.target_power
        # 10^28 equal modes: the effective ridge exceeds tail / n, so only their trace counts
        level = tail * 1e-28
        return np.append(values, level), np.append(counts, tail / level), np.append(self.target_power, 0.0)

    def with_initial_network(self, variance: Any, kernel: Callable[[Any], Any] | None) -> "SpherePopulation":
        """The same with training from a random network; `kernel=None` is the one that belongs to a tangent kernel."""
        variance = float(validation.non_negative("variance", variance, 0))
        if self.initial_kernel is not None:
            raise ValueError("the task must not have an initial network yet: add one to the task without")
        if kernel is None:
            if not isinstance(self.kernel, NTK):
                raise ValueError(
                    f"kernel must be given unless the task's kernel is an rg.NTK, got None beside {self.kernel!r}: the "
                    "covariance of the network's output, for instance rg.NNGP('relu', depth=2)"
                )
            kernel = NNGP(self.kernel.activation, self.kernel.depth, self.kernel.bias)
        return replace(self, initial_variance=variance, initial_kernel=kernel)

    def initial_power(self) -> tuple[np.ndarray, float]:
        """Mean square of the initial function in each degree (degrees + 1,), and in all degrees beyond."""
        if self.initial_kernel is None:
            return np.zeros(self.degrees + 1), 0.0
        values, counts, tail = sphere_eigenvalues(self.initial_kernel, self.dim, self.degrees)
        return self.initial_variance * values * counts, self.initial_variance * tail
