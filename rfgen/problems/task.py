"""What is learned: a kernel spectrum, the target's power on it, label noise, and the population of inputs: theory (1.1)."""

__all__ = ["Task"]

from collections.abc import Callable, Mapping
from dataclasses import field, replace
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np

from rfgen.problems import validation
from rfgen.problems.domains.domain import Domain
from rfgen.problems.domains.levels import domain_of_levels
from rfgen.problems.populations.examples import SAMPLINGS, FinitePopulation, feature_examples, kernel_examples
from rfgen.problems.populations.gaussian_inputs import GaussianInputs
from rfgen.problems.populations.kernel_inputs import KernelInputs
from rfgen.problems.populations.population import GaussianModes, SpherePopulation
from rfgen.problems.rules import flag, instance, numbers
from rfgen.problems.settings import Noun, setting
from rfgen.problems.shown import html_table, short
from rfgen.problems.spectra.compressed_modes import compressed_modes
from rfgen.problems.spectra.modes import Modes
from rfgen.problems.spectra.spectrum import Spectrum
from rfgen.problems.tasks import over_parameters

Population: TypeAlias = GaussianModes | FinitePopulation | SpherePopulation | GaussianInputs | KernelInputs


def _spectrum(name: str, value: Any) -> Any:
    del name  # the spectrum of an array is its eigenvalues
    return value if isinstance(value, Spectrum) else validation.non_negative("eigenvalues", value, 1)


class Task(Noun):
    """What is learned: `Task(eigenvalues, power, noise=0.0, multiplicity=None)`.

    The kernel is `K(x, x') = sum_i eigenvalue_i phi_i(x) phi_i(x')`, the target `sum_i v_i phi_i(x)` plus label noise.

    Parameters
    ----------
    spectrum
        a `Spectrum`, or an array of eigenvalues of shape (levels,).
    power
        (levels,) or (outputs, levels): `v_i^2`, the squared target coefficient; the total over a level of
        several modes.  In the order of the eigenvalues given.
    noise
        variance of the label noise of each output: a number, or (outputs,).
    multiplicity
        (levels,), number of modes of each level (default 1); only with an array of eigenvalues.
    null_power
        target power outside the span of the kernel, a number or (outputs,); it is never learned.
    keep_outputs
        whether curves keep a dimension `output` (True) or sum the squared errors of all outputs (False).

    >>> task = Task([1.0, 0.5], [1.0, 0.2], noise=0.1)
    >>> task.noise
    array([0.1])
    """

    spectrum: Any = setting(_spectrum)
    power: Any = setting(numbers(ndim=(1, 2)))
    noise: Any = setting(validation.non_negative, default=0.0)
    multiplicity: Any = None
    null_power: Any = setting(validation.non_negative, default=0.0)
    keep_outputs: bool = setting(flag, default=False)
    population: Population = setting(instance(Population, "made by a class method of Task"), default_factory=GaussianModes)
    name: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def _relate(self) -> None:
        """`power` becomes (outputs, levels) in the order of the spectrum, `noise` and `null_power` become (outputs,)."""
        if isinstance(self.spectrum, Spectrum):
            if self.multiplicity is not None:
                raise ValueError("multiplicity belongs to the Spectrum given as first argument; leave it out here")
            spectrum, order = self.spectrum, slice(None)
        else:
            spectrum = Spectrum(self.spectrum, self.multiplicity)
            order = spectrum.order
        power = np.atleast_2d(self.power)
        # tail nodes carry quadrature weights, negative at the end correction
        validation.non_negative("power", power[:, : spectrum.explicit], 2)
        if power.shape[1] != spectrum.eigenvalues.size:
            sizes = f"shape {self.power.shape} for {spectrum.eigenvalues.size} eigenvalues"
            raise ValueError(f"power must have one entry per eigenvalue, got {sizes}")
        self._set(spectrum=spectrum, power=power[:, order], multiplicity=spectrum.multiplicity)
        for key in ("noise", "null_power"):
            value = getattr(self, key)
            if value.ndim == 1 and value.size != power.shape[0]:
                raise ValueError(f"{key} must be one number or one per output ({power.shape[0]}), got {value.size}")
            self._set(**{key: np.broadcast_to(value, power.shape[:1])})
        with np.errstate(over="ignore"):
            if not np.isfinite(self.null_risk + spectrum.trace):
                raise ValueError("eigenvalues, power and noise must have finite sums, got inf: rescale them")

    @property
    def eigenvalues(self) -> np.ndarray:
        """Eigenvalues in descending order, (levels,)."""
        return self.spectrum.eigenvalues

    @property
    def outputs(self) -> int:
        """Number of target functions learned at once."""
        return len(self.power)

    @property
    def null_risk(self) -> float:
        """Risk of predicting zero: all target power plus the noise, summed over outputs."""
        return float(self.power.sum() + self.null_power.sum() + self.noise.sum())

    @property
    def _title(self) -> str:
        return f"Task.{self.name}" if self.name else "Task"

    def _shown(self) -> dict[str, str]:
        """Its law, or its sizes and ranges, and the noise."""
        stated = {key: short(value) for key, value in self.parameters.items()} or self.spectrum.sizes
        return {**stated, "noise": short(self.noise if np.ptp(self.noise) else self.noise[0])}

    def _repr_html_(self) -> str:
        """What the theory knows of it."""
        sums = {"power": self.power.sum(), "null power": self.null_power.sum(), "null risk": self.null_risk}
        rows = {**self._shown(), **self.spectrum.sizes, "outputs": short(self.outputs)}
        return html_table({**rows, **{name: short(value) for name, value in sums.items()}}.items(), caption=self._title)

    @property
    def held_out_of(self) -> float:
        """Number of real examples that rows are drawn from without replacement; inf if they are independent."""
        population = self.population
        if isinstance(population, FinitePopulation) and population.held_out:
            return float(population.labels.shape[0])
        return np.inf

    @cached_property
    def modes(self) -> Modes:
        """Compressed modes for the pure layer; `power` is (outputs, nodes), or (nodes,) when the outputs are summed."""
        power = self.power if self.keep_outputs else self.power.sum(axis=0, keepdims=True)
        null = self.null_power if self.keep_outputs else self.null_power.sum(keepdims=True)
        return compressed_modes(self.spectrum, power, null, self.held_out_of, self.keep_outputs)

    @cached_property
    def domain(self) -> Domain:
        """The population of its rows, mode by mode in the order of the eigenvalues given, for `rg.Domains`."""
        if not isinstance(self.population, GaussianModes) or self.spectrum.infinite:
            remedy = "give modes=..., Task(eigenvalues, power) with the same levels, or real rows as (features, labels)"
            raise ValueError(f"domains are populations of finitely many independent modes: {remedy}, got {self!r}")
        return domain_of_levels(self.spectrum, self.power, float(self.noise.sum() + self.null_power.sum()))

    def shifted(self, overlap: float = 1.0, noise: float | None = None, scale: Any = 1.0, rotate: float = 0.0) -> Domain:
        """A population near this one, for `rg.Domains` and `test=`: see `rg.Domain.shifted`."""
        return self.domain.shifted(overlap, noise, scale, rotate)

    def with_noise(self, noise: Any) -> "Task":
        """The same task with another noise variance; nothing is decomposed again.

        >>> Task.isotropic(3).with_noise(0.5)
        Task.isotropic(dim=3, signal=1, noise=0.5)
        """
        return replace(self, noise=noise, multiplicity=None)  # the spectrum holds the multiplicity

    def with_initial_network(self, variance: float, kernel: Callable[[Any], Any] | None = None) -> "Task":
        """The same `Task.sphere`, learned by a wide lazy network: from a random function f_0, not from 0.

        The learner adds to f_0 what its kernel makes of y - f_0: the power of f_0 joins that of the target, and what f_0
        has beyond `degrees` is never learned.  f_0 is Gaussian of covariance `variance * kernel(x.z)`; beside an `rg.NTK`
        the default is `rg.NNGP` of the same network, which itself starts at variance 1.  f_0 is held over training
        sets (`bias`, `variance`; measured with `test_points` far above n) and an ensemble's members.  Source: derived.

        >>> from rfgen.problems.kernels.dot_product_kernels import NTK
        >>> task = Task.sphere(8, NTK("relu", depth=2), {1: 0.7, 2: 0.4}, noise=0.2)
        >>> round(task.null_risk, 12), round(task.with_initial_network(0.25).null_risk, 12)
        (1.3, 1.55)
        """
        if not isinstance(self.population, SpherePopulation):
            raise ValueError(f"an initial network needs inputs on a sphere, a Task.sphere, got {self!r}")
        population = self.population.with_initial_network(variance, kernel)
        power, beyond = population.initial_power()
        power = np.pad(power, (0, self.eigenvalues.size - power.size))[self.spectrum.order]
        return replace(
            self, power=self.power + power, null_power=self.null_power + beyond, multiplicity=None, population=population,
            parameters=population.parameters,
        )

    @property
    def risk_noise(self) -> np.ndarray:
        """Noise variance as it enters the risk: () when the outputs are summed, (outputs,) when they are kept."""
        return self.noise if self.keep_outputs else self.noise.sum()

    @classmethod
    @over_parameters("alpha", "beta", "noise")
    def power_law(cls, alpha: float, beta: float, noise: float = 0.0, modes: int | None = None) -> "Task":
        """Eigenvalues `i^-alpha`, target power `i^-beta`; `modes=None` for infinitely many modes.

        Lists of alpha, beta or noise give an `rg.Tasks`, whose parameters are dimensions of curves.

        >>> Task.power_law(alpha=1.5, beta=1.5, noise=0.5, modes=10_000)
        Task.power_law(alpha=1.5, beta=1.5, modes=10000, noise=0.5)
        """
        spectrum = Spectrum.power_law(alpha, modes)
        parameters = {"alpha": alpha, "beta": beta, "modes": modes}
        return cls(spectrum, spectrum.power_law_target(beta), noise, name="power_law", parameters=parameters)

    @classmethod
    @over_parameters("rate", "beta", "noise")
    def exponential(cls, rate: float, beta: float, noise: float = 0.0, modes: int | None = None) -> "Task":
        """Eigenvalues `exp(-rate i)`, target power `i^-beta`."""
        spectrum = Spectrum.exponential(rate, modes)
        parameters = {"rate": rate, "beta": beta, "modes": modes}
        return cls(spectrum, spectrum.power_law_target(beta), noise, name="exponential", parameters=parameters)

    @classmethod
    @over_parameters("dim", "signal", "noise")
    def isotropic(cls, dim: int, signal: float = 1.0, noise: float = 0.0) -> "Task":
        """`dim` unit eigenvalues and a target of total power `signal`: linear regression on N(0, I) inputs."""
        return cls(Spectrum.isotropic(dim), [signal], noise, name="isotropic", parameters={"dim": dim, "signal": signal})

    @classmethod
    @over_parameters("noise")
    def sphere(
        cls, dim: int, kernel: Callable[[Any], Any], target: Mapping[int, float] | Any, noise: float = 0.0,
        degrees: int = 40, test_points: int = 2000,
    ) -> "Task":
        """A dot-product kernel on the uniform unit sphere of R^dim; `target` is the power in each degree.

        `kernel` maps the cosine of the angle to K: `rg.NTK("relu", depth=2)`, `rg.GaussianKernel(1.0)`, or any callable.
        `target` is a mapping {degree: power} or an array (degrees + 1,).  Degrees above `degrees` act as one isotropic
        tail with their exact trace, which is right while the number of samples stays below their multiplicity.
        Simulation draws points on the sphere and uses the kernel itself; `test_points` fresh ones measure each trial.
        For dim 2 and 3 the theory makes interpolated noise 50 % and 18 % too large: see the warning of `rg.predict`.
        """
        population = SpherePopulation(dim, kernel, target, test_points, degrees)
        levels, counts, powers = population.levels()
        return cls(levels, powers, noise, counts, 0.0, False, population, "sphere", population.parameters)

    @classmethod
    @over_parameters("noise")
    def gaussian_inputs(
        cls, variances: Any, activation: Any, power: Any, noise: float = 0.0, test_points: int = 2000
    ) -> "Task":
        """Features `activation(w . x) / sqrt(features)`, w ~ N(0, I/d), of inputs x ~ N(0, diag(variances)) in R^d.

        The target is `sum_i b_i x_i / sqrt(variances_i)` with b_i^2 = power_i.  Exact as d, n and features grow together.
        Augmentations act on x; simulation draws x and w, and measures each trial at `test_points` fresh inputs.
        """
        population = GaussianInputs(variances, activation, power, test_points)
        levels, counts, powers = population.levels()
        parameters = {"dim": population.variances.size, "activation": activation}
        return cls(levels, powers, noise, counts, population=population, name="gaussian_inputs", parameters=parameters)

    @classmethod
    @over_parameters("noise")
    def from_covariance(
        cls, variances: Any, kernel: Any, target: Mapping[Any, float], noise: float = 0.0, test_points: int = 2000
    ) -> "Task":
        """Kernel regression on inputs x ~ N(0, diag(variances)) of R^d, by the modes that the covariance has.

        `kernel`: an `rg.GaussianKernel` (exact modes: Mehler) or `PolynomialKernel`, `NNGP`, `NTK` (Hermite functions, to
        leading order in the share of one axis).  `target` {(1,): 0.8, (0, 2): 0.6}: coefficients of Hermite polynomials of
        unit norm by their degrees.  `parameters["trace_defect"]`: how low-dimensional the inputs are; up to .001 curves
        are within 5 %, from .003 on up to 20 % low and a warning says so.  Simulation draws x.
        """
        population = KernelInputs(variances, kernel, target, test_points)
        levels, counts, powers, null = population.levels()
        parameters = {"dim": population.variances.size, "kernel": kernel, "trace_defect": population.trace_defect}
        return cls(levels, powers, noise, counts, null, False, population, "from_covariance", parameters)

    @classmethod
    def from_kernel(
        cls, kernel: Any, y: Any, noise: float = 0.0, keep_outputs: bool = False, sampling: str = SAMPLINGS[0]
    ) -> "Task":
        """The eigenstructure of a kernel matrix (N, N) on real examples and their labels (N,) or (N, outputs).

        Eigenvalues are those of kernel / N.  `sampling` "without replacement": n < N of the examples are drawn, and the
        test risk is that of the others; "with replacement": rows repeat, and those drawn are tested too (for n far below
        N).  Labels are as given: centre them if the kernel has no constant mode; `noise` is added to theirs.
        """
        return cls._from_examples(*kernel_examples(kernel, y), noise, keep_outputs, "from_kernel", sampling)

    @classmethod
    def from_features(
        cls, features: Any, y: Any, noise: float = 0.0, keep_outputs: bool = False, sampling: str = SAMPLINGS[0]
    ) -> "Task":
        """As `from_kernel`, from feature rows (N, p): the kernel is their inner product, the cost p^2 N."""
        return cls._from_examples(*feature_examples(features, y), noise, keep_outputs, "from_features", sampling)

    @classmethod
    def _from_examples(
        cls, eigenvalues: np.ndarray, population: FinitePopulation, noise: Any, keep_outputs: bool, name: str, sampling: str
    ) -> "Task":
        power, null = population.target(eigenvalues)
        size, outputs = population.labels.shape
        parameters = {"examples": size, "outputs": outputs, "modes": eigenvalues.size, "sampling": sampling}
        return cls(eigenvalues, power, noise, None, null, keep_outputs, population.sampled(sampling), name, parameters)
