"""Training rows and evaluation points in eigen-coordinates, drawn from a task's population.

Coordinates `x_i = sqrt(lambda_i) phi_i(x)` make every kernel the plain inner product of rows.  A sampler is a pytree of
arrays, the rest of it is static under jit; it draws with keys on the device or on the host.
"""

__all__ = [
    "FiniteSampler", "GaussianSampler", "RowSampler", "Sample", "SphereSampler", "draw_examples", "kernel_root",
    "levels_but", "mode_levels", "sampler", "standard_normals",
]

from collections.abc import Callable
from dataclasses import field, replace
from typing import Any

import numpy as np
from jaxtyping import Float

from rfgen.numerics.compilation.record import record
from rfgen.problems.kernels.sphere import gegenbauer, sphere_multiplicity
from rfgen.problems.populations.examples import FinitePopulation
from rfgen.problems.populations.population import SpherePopulation
from rfgen.problems.task import Task
from rfgen.simulation.arrays import Array, cholesky, elementwise, namespace, shifted, symmetric
from rfgen.simulation.random_numbers import fold_in, integers, normal_rows, permutation, split, standard_normals

# Levels of a Gaussian task are expanded into single modes up to this many; what is left counts as an unresolved tail.
MOST_MODES = 1 << 20
# A random initial function has keys of its own, so that the points and the label noise are those of a start from 0.
INITIAL = 0x6C617A79


@record
class Sample:
    """One training set and the place where its fit is measured.

    `rows` (n, modes), `targets` (n, outputs) without label noise, `errors` (n, outputs) standard normals
    for the label noise; `tail` (): trace of unresolved modes, which add `tail`
    to the kernel's diagonal.  A fit with weights w is measured by `w * probe` for `probe` (modes,), or at points by
    `w @ probe` for `probe` (modes, points), against `truth` (outputs, modes or points); at points, over those where
    `mask` is 1.  `floor` (outputs,): squared error that no fit removes.  `kernel` (n, n): that of the rows, where weights
    are dual ones; `probe` (n, points) is then the kernel of rows and points, and rows have no coordinates.  `root` (n, n):
    the Cholesky factor of the rows' Gram matrix `gram` (n, n), where several models share one or the other.
    """

    rows: Float[Array, "n _"]
    targets: Float[Array, "n outputs"]
    errors: Float[Array, "n outputs"]
    tail: Float[Array, ""]
    probe: Float[Array, "modes points"] | Float[Array, " points"]
    truth: Float[Array, "outputs points"]
    mask: Float[Array, " points"]
    floor: Float[Array, " outputs"]
    kernel: Float[Array, "n n"] | None = field(default=None, kw_only=True)
    root: Float[Array, "n n"] | None = field(default=None, kw_only=True)
    gram: Float[Array, "n n"] | None = field(default=None, kw_only=True)

    def at(self, numbers: Any) -> "Sample":
        """The same with the rows of these `numbers`, and no matrix of theirs."""
        parts = {name: getattr(self, name)[numbers] for name in ("rows", "targets", "errors")}
        return replace(self, **parts, kernel=None, root=None, gram=None)


def draw_examples(key: Any, dtype: Any, examples: int, n: int, outputs: int, replace: bool) -> tuple[Array, Array]:
    """Numbers (n,) of the examples drawn, and standard normals (n, outputs) for their label noise."""
    key, errors_key = split(key)
    (errors,) = standard_normals(errors_key, dtype, (n, outputs))
    return (integers(key, n, examples) if replace else permutation(key, examples)[:n]), errors


class RowSampler:
    """A sampler whose samples are a row each, of coordinates of given `scale`."""

    scale: Any

    @property
    def identity(self) -> tuple[Any, ...]:
        """What tells it apart beside its arrays."""
        return ()

    def rows(self, n: int) -> int:
        """Rows of a training set of `n` samples."""
        return n

    @property
    def modes(self) -> int:
        """Number of coordinates of a row."""
        return self.scale.size


@record
class GaussianSampler(RowSampler):
    """Independent Gaussian eigen-coordinates; the risk is measured exactly, mode by mode.

    `scale` (modes,) = sqrt(eigenvalue), `coefficients` (outputs, modes).  Power outside the explicit modes (`floor`,
    (outputs,)) reaches the labels as an independent Gaussian, and the error as itself.
    """

    scale: Any
    coefficients: Any
    tail: Any
    floor: Any

    def draw(self, key: Any, shared: Any, n: int) -> Sample:
        """One training set of `n` rows."""
        del shared
        rows_key, floor_key = split(key)
        rows = normal_rows(rows_key, n, self.scale)
        xp, outputs = namespace(rows), self.floor.size
        outside, errors = standard_normals(floor_key, rows.dtype, (n, outputs), (n, outputs))
        outside = outside * xp.sqrt(self.floor)
        return Sample(
            rows=rows, targets=rows @ (self.coefficients / self.scale).T + outside, errors=errors, tail=self.tail,
            probe=self.scale, truth=self.coefficients, mask=xp.ones_like(self.scale), floor=self.floor,
        )


@record
class FiniteSampler(RowSampler):
    """Rows of N real examples: with replacement, measured on the whole population; without, measured on the rest.

    `coordinates` (N, modes) of single precision stay so, whatever trials are computed in.

    `kernel` (N, N): that of the examples, in place of their coordinates, where only ridge regression asks.
    """

    scale: Any
    coefficients: Any
    floor: Any
    coordinates: Any
    labels: Any
    replace: bool = field(metadata={"static": True})
    kernel: Any = None

    def draw(self, key: Any, shared: Any, n: int) -> Sample:
        """One training set of `n` rows."""
        del shared
        (size, outputs), dtype = self.labels.shape, self.scale.dtype
        drawn, errors = draw_examples(key, dtype, size, n, outputs, self.replace)
        xp = namespace(drawn)
        coordinates, labels = xp.asarray(self.coordinates), xp.asarray(self.labels)
        if self.kernel is not None:
            probe, everywhere = self.kernel[drawn], xp.ones(size, dtype)
            mask = everywhere if self.replace else xp.asarray(xp.isin(xp.arange(size), drawn, invert=True), dtype)
            return Sample(
                rows=xp.asarray(coordinates[:n, :0], dtype), targets=labels[drawn], errors=errors,
                tail=xp.zeros((), dtype), probe=probe, truth=labels.T, mask=mask, floor=xp.zeros_like(self.floor),
                kernel=probe[:, drawn],
            )
        if self.replace:
            # the second moment of the coordinates is exactly diagonal, so the population risk is a sum over modes
            probe, truth, floor, mask = self.scale, self.coefficients, self.floor, xp.ones_like(self.scale)
        else:
            probe, truth, floor = coordinates.T, labels.T, xp.zeros_like(self.floor)
            mask = xp.asarray(xp.isin(xp.arange(size, dtype=drawn.dtype), drawn, invert=True), dtype)
        return Sample(
            rows=xp.asarray(coordinates[drawn], dtype), targets=labels[drawn], errors=errors, tail=xp.zeros((), dtype),
            probe=probe, truth=truth, mask=mask, floor=floor,
        )

    @property
    def identity(self) -> tuple[Any, ...]:
        """What tells it apart beside its arrays."""
        return (self.replace,)


@record
class SphereSampler(RowSampler):
    """Uniform points of the unit sphere, measured on fresh ones (the same for trials with one `shared` key).

    Rows of the Cholesky factor of the joint kernel matrix serve as coordinates: their inner products are the kernel.
    A network that starts from a random function f_0 has the targets less f_0 to learn.  f_0 is drawn jointly on all points
    of a trial, exact in law; trials with one `shared` key have its values in common where they are measured, which fixes
    its values at their rows the better, the more points there are.  `dual`: only ridge regression asks, by kernels of
    rows.
    """

    target: Any
    initial_deviation: Any
    dim: int = field(metadata={"static": True})
    kernel: Callable[[Any], Any] = field(metadata={"static": True})
    initial_kernel: Callable[[Any], Any] | None = field(metadata={"static": True})
    points: int = field(metadata={"static": True})
    dual: bool = field(default=False, metadata={"static": True})

    def draw(self, key: Any, shared: Any, n: int) -> Sample:
        """One training set of `n` points."""
        dtype, points = self.target.dtype, self.points
        (tests,) = standard_normals(shared, dtype, (points, self.dim))
        own, errors = standard_normals(key, dtype, (n, self.dim), (n, 1))
        xp = namespace(own)
        inputs = xp.concatenate([tests, own])
        inputs = inputs / xp.linalg.norm(inputs, axis=1, keepdims=True)
        where = {"tail": xp.zeros((), dtype), "mask": xp.ones(points, dtype), "floor": xp.zeros(1, dtype)}
        first = xp.clip(inputs[:, 0], -1.0, 1.0)
        values = self.target @ xp.asarray(gegenbauer(self.dim, self.target.size - 1, first), dtype)
        if self.dual:
            rows = inputs[points:]
            probe = elementwise(self.kernel, xp.clip(rows @ inputs[:points].T, -1.0, 1.0))
            return Sample(
                rows=own[:, :0], targets=values[points:, None], errors=errors, probe=probe, truth=values[None, :points],
                kernel=symmetric(self.kernel, xp.clip(rows @ rows.T, -1.0, 1.0)), **where,
            )
        cosines = xp.clip(inputs @ inputs.T, -1.0, 1.0)
        factor = kernel_root(symmetric(self.kernel, cosines))
        if self.initial_kernel is not None:
            keys = (fold_in(each, INITIAL) for each in (shared, key))
            white = [standard_normals(one, dtype, (size,))[0] for one, size in zip(keys, (points, n), strict=True)]
            initial = kernel_root(symmetric(self.initial_kernel, cosines)) @ xp.concatenate(white)
            values = values - self.initial_deviation * initial
        return Sample(
            rows=factor[points:], targets=values[points:, None], errors=errors, probe=factor[:points].T,
            truth=values[None, :points], **where,
        )

    @property
    def identity(self) -> tuple[Any, ...]:
        """What tells it apart beside its arrays."""
        kernels = (kernel for kernel in (self.kernel, self.initial_kernel) if kernel is not None)
        return (self.dim, self.points, *(np.asarray(kernel(np.linspace(-1.0, 1.0, 65))) for kernel in kernels))

    @property
    def modes(self) -> int:
        """Number of coordinates of a row, beyond one for each training row."""
        return self.points


def kernel_root(matrix: Array) -> Array:
    """Cholesky factor of a kernel matrix."""
    # a smooth kernel is singular to rounding; this much on the diagonal keeps the factor real
    xp = namespace(matrix)
    nugget = 8 * np.finfo(matrix.dtype).eps * xp.trace(matrix)
    return cholesky(shifted(matrix, nugget))


def sampler(task: Task, dtype: Any, test_rows: str) -> GaussianSampler | FiniteSampler | SphereSampler:
    """The sampler of a task's population, its arrays on the host as `dtype`."""
    population = task.population
    if isinstance(population, SpherePopulation):
        degrees = range(population.target_power.size)
        counts = np.array([sphere_multiplicity(population.dim, degree) for degree in degrees])
        scales = (np.sqrt(counts * population.target_power), np.sqrt(population.initial_variance))
        target, deviation = (np.asarray(scale, dtype) for scale in scales)
        return SphereSampler(
            target, deviation, population.dim, population.kernel, population.initial_kernel, population.test_points
        )
    if isinstance(population, FinitePopulation):
        scale = np.sqrt(task.eigenvalues)
        # signed coefficients: the population risk needs v_i itself, not its square
        coefficients = population.cross / scale
        scale, coefficients, floor = (np.asarray(leaf, dtype) for leaf in (scale, coefficients, task.null_power))
        rows = population.coordinates
        if rows.dtype != np.float32:
            rows = np.asarray(rows, dtype)
        replace = test_rows == "population" and not population.held_out
        return FiniteSampler(scale, coefficients, floor, rows, np.asarray(population.labels, dtype), replace=replace)
    return GaussianSampler(*(np.asarray(leaf, dtype) for leaf in _single_modes(task)))


def mode_levels(task: Task) -> np.ndarray:
    """The level of every single mode that a simulation resolves, (modes,)."""
    spectrum, explicit = task.spectrum, task.spectrum.explicit
    counts, learned = spectrum.multiplicity[:explicit], spectrum.learnable[:explicit]
    resolved = learned & (np.cumsum(counts) <= MOST_MODES)
    if (counts[resolved] != np.round(counts[resolved])).any():
        raise ValueError("multiplicity must be whole numbers for a simulation, got fractional ones")
    if not learned.any():
        raise ValueError("eigenvalues must hold a positive number for a simulation, got zeros alone")
    if not resolved.any():
        raise ValueError(
            f"multiplicity of the first level must be at most {MOST_MODES} for a simulation, got {counts[0]:g}"
        )
    return np.repeat(np.flatnonzero(resolved), counts[resolved].astype(np.int64))


def levels_but(levels: np.ndarray, count: int) -> np.ndarray:
    """Those of `count` levels that are not among `levels`, in order.

    >>> levels_but(np.array([0, 0, 2]), 5).tolist()
    [1, 3, 4]
    """
    left = np.ones(count, bool)
    left[levels] = False
    return np.flatnonzero(left)


def _single_modes(task: Task) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Scale, coefficients, tail trace and floor; a level's power is spread evenly over its modes."""
    levels, counts = mode_levels(task), task.spectrum.multiplicity
    rest = levels_but(levels, counts.size)
    scale, coefficients = np.sqrt(task.eigenvalues[levels]), np.sqrt(task.power[:, levels] / counts[levels])
    tail, unseen = task.eigenvalues[rest] @ counts[rest], task.power[:, rest].sum(axis=1)
    return scale, coefficients, np.asarray(tail), task.null_power + np.maximum(unseen, 0.0)
