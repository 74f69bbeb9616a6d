"""Training sets of Gaussian inputs: the kernel of them (`Task.from_covariance`), or views of them, a random layer and the
activation itself (`Task.gaussian_inputs`).
"""

__all__ = ["FeatureSampler", "InputSampler", "KernelSampler", "feature_sampler", "kernel_sampler"]

import math
from collections.abc import Callable
from dataclasses import field, replace
from typing import Any

import jax.numpy as jnp
import numpy as np

from rfgen.numerics.compilation.record import record
from rfgen.problems.augmentations.base import AbstractAugmentation
from rfgen.problems.kernels.feature_maps import activation_function
from rfgen.problems.populations.gaussian_inputs import GaussianInputs
from rfgen.problems.populations.kernel_inputs import KernelInputs
from rfgen.simulation.arrays import Array, elementwise, namespace
from rfgen.simulation.random_numbers import standard_normals
from rfgen.simulation.sampling.samplers import RowSampler, Sample, kernel_root
from rfgen.simulation.sampling.views import AugmentedSampler, mean_view


@record
class KernelSampler(RowSampler):
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
        return (self.population.kernel, sorted(self.population.target.items()), self.population.test_points)

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


@record
class InputSampler:
    """Inputs `scale` (d,) times standard normals z with targets `coefficients` (outputs, d) times z; `points` to test."""

    scale: Any
    coefficients: Any
    points: int = field(metadata={"static": True})

    def draw(self, key: Any, shared: Any, n: int) -> Sample:
        """`n` inputs; `probe` holds test inputs, the same for trials with one `shared` key."""
        dtype, (outputs, d) = self.scale.dtype, self.coefficients.shape
        (tests,) = standard_normals(shared, dtype, (self.points, d))
        own, errors = standard_normals(key, dtype, (n, d), (n, outputs))
        xp = namespace(own)
        return Sample(
            rows=own * self.scale, targets=own @ self.coefficients.T, errors=errors, tail=xp.zeros((), dtype),
            probe=(tests * self.scale).T, truth=self.coefficients @ tests.T, mask=xp.ones(self.points, dtype),
            floor=xp.zeros(outputs, dtype),
        )


@record
class FeatureSampler:
    """Features of the inputs that `inputs` draws, `views` of each scaled by 1/sqrt(views), by a layer drawn for each trial.

    Predictions are made from the clean test inputs, or from the mean features of `test_views` views of each.
    """

    inputs: InputSampler | AugmentedSampler
    augmentation: AbstractAugmentation | None = field(metadata={"static": True})
    views: int = field(metadata={"static": True})
    test_views: int | None = field(metadata={"static": True})
    activation: Callable[[Any], Any] = field(metadata={"static": True})

    def design(self, key: Any, features_key: Any, shared: Any, n: int, features: int | None) -> Sample:
        """One training set of `n` samples: rows (n * views, features) and test points in the features of one layer."""
        if features is None:
            raise ValueError("features must be a finite number to simulate Task.gaussian_inputs, got the full kernel")
        sample, root = self.inputs.draw(key, shared, n), math.sqrt(self.views)
        dtype, points = sample.rows.dtype, sample.probe.T
        (layer,) = standard_normals(features_key, dtype, (self.modes, features))
        layer = layer / math.sqrt(self.modes)

        def mapped(inputs: Array) -> Array:
            found = elementwise(self.activation, inputs @ layer)
            found /= math.sqrt(features)  # of JAX's arrays another one
            return found

        if self.test_views is None or self.augmentation is None:
            probe = mapped(points)
        else:
            probe = mean_view(self.augmentation, shared, points, self.test_views, mapped)
        rows = mapped(sample.rows) if self.views == 1 else mapped(root * sample.rows) / root
        return replace(sample, rows=rows, probe=probe.T)

    @property
    def identity(self) -> tuple[Any, ...]:
        """What tells it apart beside its arrays and its augmentation."""
        there = np.asarray(self.activation(jnp.linspace(-5.0, 5.0, 65)))
        return (self._base.points, self.views, self.test_views, there)

    def rows(self, n: int) -> int:
        """Rows of a training set of `n` samples, and test points."""
        return n * self.views + self._base.points

    @property
    def modes(self) -> int:
        """Number of coordinates of an input."""
        return self._base.scale.size

    @property
    def _base(self) -> InputSampler:
        return self.inputs.base if isinstance(self.inputs, AugmentedSampler) else self.inputs


def feature_sampler(
    population: GaussianInputs, augmentation: AbstractAugmentation | None, test_views: int | None, dtype: Any
) -> FeatureSampler:
    """The sampler of `population`, seen through an augmentation at single strengths."""
    arrays = (np.sqrt(part).astype(dtype) for part in (population.variances, population.power))
    inputs, views = InputSampler(*arrays, points=population.test_points), 1
    if augmentation is not None:
        if math.isinf(float(augmentation.views)):
            raise ValueError("views=inf is not simulated with Task.gaussian_inputs: give a large number of views")
        views = int(augmentation.views)
        inputs = AugmentedSampler(inputs, augmentation, views)
    return FeatureSampler(inputs, augmentation, views, test_views, activation_function(population.activation))
