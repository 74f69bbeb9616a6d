"""Labels of two classes on the sphere whose odds depend on one coordinate, and a dot-product kernel that learns them."""

__all__ = ["ZonalLabels"]

from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np

from rfgen.problems import validation
from rfgen.problems.kernels.sphere import sphere_eigenvalues, sphere_multiplicity
from rfgen.problems.own_functions import own_function
from rfgen.problems.rules import integer
from rfgen.problems.settings import setting
from rfgen.problems.system_task import SystemTask
from rfgen.problems.task import Task

# Nodes of the Gauss rule in the coordinate; polynomials of degree 2 nodes - 1 are exact.
LEAST_NODES, NODES_PER_DEGREE = 256, 4


class ZonalLabels(SystemTask):
    """y = +1 or -1 at x uniform on the unit sphere of R^dim, with mean `target(x_1)`, and the `kernel` K(x.z).

    `target`: callable, coordinates (points,) -> (points,) within [-1, 1], smooth; `kernel` as in `Task.sphere`, of which
    `degrees` degrees are resolved and the rest acts as ridge.

    Errors: ValueError naming dim, degrees, kernel or target.

    >>> labels = ZonalLabels(3, lambda t: (1 + t) ** 2, lambda t: 0.5 * t, degrees=4)
    >>> labels.power.round(6).tolist(), round(labels.noise, 6)
    ([0.0, 0.083333, 0.0, 0.0, 0.0], 0.916667)
    """

    dim: int = setting(integer(2))
    kernel: Callable[[Any], Any] = setting(own_function("a function of the cosine, such as rg.NTK('relu', depth=2)"))
    target: Callable[[Any], Any] = setting(own_function("a callable of the coordinate x_1"))
    degrees: int = setting(integer(1), default=40)

    def _relate(self) -> None:
        """The target's values are means of labels; the spectrum is computed on use."""
        values = validation.array("target", self.target(self.nodes), 1)
        if values.shape != self.nodes.shape or np.abs(values).max() > 1.0:
            raise ValueError(
                f"target must map coordinates (points,) to means (points,) within [-1, 1], got shape {values.shape} and "
                f"values up to {np.abs(values).max():g}"
            )

    @cached_property
    def _rule(self) -> tuple[np.ndarray, np.ndarray]:
        from scipy.special import roots_jacobi

        exponent = (self.dim - 3) / 2
        nodes, weights = roots_jacobi(max(LEAST_NODES, NODES_PER_DEGREE * self.degrees), exponent, exponent)
        return nodes, weights / weights.sum()

    @property
    def nodes(self) -> np.ndarray:
        """Values of one coordinate, (nodes,), of a Gauss rule for its law on the sphere."""
        return self._rule[0]

    @property
    def weights(self) -> np.ndarray:
        """Weights of the rule, (nodes,), which sum to 1."""
        return self._rule[1]

    @cached_property
    def polynomials(self) -> np.ndarray:
        """Gegenbauer polynomials of degrees 0 ... 2 degrees at the nodes, orthonormal: (2 degrees + 1, nodes).

        sqrt(N_l) P_l, by the symmetric recursion: none of the digits that the large N_l would cost.
        """
        degree = np.arange(1.0, 2 * self.degrees + 1)
        squares = degree * (degree + self.dim - 3)
        squares[1:] /= ((2 * degree + self.dim - 2) * (2 * degree + self.dim - 4))[1:]
        squares[0] = 1.0 / self.dim
        steps = np.sqrt(squares)
        values = [np.ones_like(self.nodes), self.nodes / steps[0]]
        for m in range(1, 2 * self.degrees):
            values.append((self.nodes * values[m] - steps[m - 1] * values[m - 1]) / steps[m])
        return np.stack(values)

    @cached_property
    def multiplicities(self) -> np.ndarray:
        """N_l for l = 0 ... 2 degrees, (2 degrees + 1,)."""
        return np.array([sphere_multiplicity(self.dim, degree) for degree in range(2 * self.degrees + 1)])

    @cached_property
    def means(self) -> np.ndarray:
        """The target at the nodes, (nodes,)."""
        return np.asarray(self.target(self.nodes), np.float64)

    @cached_property
    def coefficients(self) -> np.ndarray:
        """The target's coefficient on each orthonormal polynomial of degree <= degrees, (degrees + 1,)."""
        return self.polynomials[: self.degrees + 1] @ (self.weights * self.means)

    @property
    def power(self) -> np.ndarray:
        """The target's power in each degree, (degrees + 1,)."""
        return self.coefficients**2

    @property
    def noise(self) -> float:
        """Variance of the labels round their means, and whatever of the target no degree resolves."""
        return float(1.0 - self.power.sum())

    @cached_property
    def task(self) -> Task:
        """The regression task on these labels: its risk is their squared error."""
        return Task.sphere(self.dim, self.kernel, self.power, self.noise, self.degrees)

    @property
    def population(self) -> Any:
        """The points on the sphere that the task draws."""
        return self.task.population

    @cached_property
    def eigenvalues(self) -> np.ndarray:
        """Kernel eigenvalue of each degree, (degrees + 1,)."""
        return sphere_eigenvalues(self.kernel, self.dim, self.degrees)[0]
