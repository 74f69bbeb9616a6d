"""Training sets of `Task.from_covariance`: Gaussian inputs, the kernel of them, and fresh inputs to measure at."""

__all__ = ["KernelSampler", "kernel_sampler"]

from dataclasses import dataclass, field
from typing import Any

import jax
import numpy as np

from rfgen.problems.populations.kernel_inputs import KernelInputs
from rfgen.simulation.arrays import namespace
from rfgen.simulation.random_numbers import standard_normals
from rfgen.simulation.sampling.samplers import Sample, kernel_root


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class KernelSampler:
    """Inputs `scale` (d,) times standard normals, measured on fresh ones (the same for trials with one `shared` key).

    As on the sphere, rows of the Cholesky factor of the joint kernel matrix serve as coordinates.
    """

    scale: Any
    population: KernelInputs = field(metadata={"static": True})

    def draw(self, key: Any, shared: Any, n: int) -> Sample:
        """One training set of `n` inputs."""
        dtype, d, points = self.scale.dtype, self.scale.size, self.population.test_points
        (tests,) = standard_normals(shared, dtype, (points, d))
        own, errors = standard_normals(key, dtype, (n, d), (n, 1))
        xp = namespace(own)
        z = xp.concatenate([tests, own])
        factor, values = kernel_root(self.population.kernel(z * self.scale, z * self.scale)), self.population.values(z, xp)
        return Sample(
            rows=factor[points:], targets=values[points:, None], errors=errors, tail=xp.zeros((), dtype),
            probe=factor[:points].T, truth=values[None, :points], mask=xp.ones(points, dtype), floor=xp.zeros(1, dtype),
        )

    @property
    def identity(self) -> tuple[Any, ...]:
        """What tells it apart beside its arrays."""
        return (repr(self.population.kernel), repr(sorted(self.population.target.items())), self.population.test_points)

    def rows(self, n: int) -> int:
        """Rows of a training set of `n` samples."""
        return n

    @property
    def modes(self) -> int:
        """Number of coordinates of a row, beyond one for each training row."""
        return self.population.test_points


def kernel_sampler(population: KernelInputs, augmentation: Any, dtype: Any) -> KernelSampler:
    """The sampler of `population`, whose inputs are not augmented."""
    if augmentation is not None:
        raise ValueError(
            "augmentation acts on eigen-coordinates, and Task.from_covariance draws inputs, not these: use "
            "Task(eigenvalues, power) with the same levels, or rg.DataTask with inputs drawn"
        )
    return KernelSampler(np.sqrt(population.variances).astype(dtype), population)
