"""Gaussian inputs of a given covariance, and a kernel of two inputs: what `Task.from_covariance` learns from."""

__all__ = ["NOTED_DEFECT", "REMEDY", "KernelInputs"]

from collections.abc import Mapping
from typing import Any

import numpy as np

from rfgen.numerics.compilation.caller import warn_caller
from rfgen.problems import validation
from rfgen.problems.kernels.dot_product_kernels import GaussianKernel
from rfgen.problems.populations.gaussian_inputs import axis_variances
from rfgen.problems.rules import integer
from rfgen.problems.settings import Noun, setting
from rfgen.problems.spectra.hermite_modes import LEVELS, hermite_modes, mehler_modes, trace_defect

# Beyond the first defect curves are up to 20 % low (9 % at .0035, 13 % at .0086); beyond the second modes are not those.
NOTED_DEFECT, MOST_DEFECT = 0.003, 0.05
# So many equal modes make up the rest: only their trace counts.
REST_MODES = 1e28
# Degrees of a polynomial beyond lose digits in double precision.
MOST_DEGREE = 30
REMEDY = (
    "draw inputs, X = rng.normal(size=(600, d)) * np.sqrt(variances), and take rg.learning_curve(X, y, kernel=kernel), "
    "whose mean over a few draws is within 10 % there"
)


def _series_kernel(name: str, value: Any) -> Any:
    if not callable(value) or not hasattr(value, "power_series"):
        raise ValueError(
            f"{name} must be an rg.GaussianKernel, PolynomialKernel, NNGP or NTK, whose modes on Gaussian inputs are "
            f"known, got {value!r}: of other kernels (the series of LaplaceKernel diverges) {REMEDY}"
        )
    return value


class KernelInputs(Noun):
    """Inputs x ~ N(0, diag(`variances`)), (d,), and a `kernel` of two of them.

    The `target` is `sum_alpha c_alpha prod_i he_{alpha_i}(x_i / sqrt(variance_i))`, given as {alpha: c_alpha}, alpha a
    tuple of degrees (those left out are 0), he_j the Hermite polynomials of unit norm: 1, z, (z^2 - 1) / sqrt(2), ...  Its
    power is the sum of c_alpha^2.  Simulation measures each trial at `test_points` fresh inputs.
    """

    variances: Any = setting(axis_variances)
    kernel: Any = setting(_series_kernel)
    target: Any
    test_points: int = setting(integer(2), default=2000)

    def _relate(self) -> None:
        """Terms of as many degrees as there are axes, and modes that are those of the kernel."""
        d, terms = self.variances.size, {}
        if not isinstance(self.target, Mapping) or not self.target:
            raise ValueError(
                f"target must be a mapping such as {{(1,): 0.8, (0, 2): 0.6}}, coefficients of Hermite polynomials by "
                f"their degrees along the axes, got {self.target!r}: for any other function of the inputs {REMEDY}"
            )
        for alpha, coefficient in self.target.items():
            degrees = alpha if isinstance(alpha, tuple) else (alpha,)
            degrees = tuple(validation.integer("a degree in target", degree, 0) for degree in degrees)
            if len(degrees) > d or max(degrees, default=0) > MOST_DEGREE:
                raise ValueError(f"target must have at most {d} degrees of at most {MOST_DEGREE} in a term, got {alpha!r}")
            terms[degrees + (0,) * (d - len(degrees))] = float(validation.array(f"target[{alpha!r}]", coefficient, 0))
        if not any(terms.values()):
            raise ValueError("target must have a coefficient that is not 0")
        self._set(target=terms)
        if self.trace_defect > MOST_DEFECT and not isinstance(self.kernel, GaussianKernel):
            raise ValueError(
                f"variances must be spread over more axes for the modes of {self.kernel!r}: their trace is off by "
                f"{self.trace_defect:.2g}; instead {REMEDY}"
            )

    @property
    def _series(self) -> np.ndarray:
        """Power series in the cosine of the kernel between inputs of the mean squared length."""
        return self.kernel.power_series(LEVELS, float(self.variances.sum()))

    @property
    def _diagonal(self) -> float:
        """The kernel of such an input with itself."""
        one = np.sqrt([self.variances.sum()])
        return float(self.kernel(one, one)[0, 0])

    @property
    def trace_defect(self) -> float:
        """How far the inputs are from high-dimensional for this kernel: 0 if they are."""
        return trace_defect(self.variances, self._series, self._diagonal)

    def levels(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
        """Eigenvalues, multiplicities and power of modes and of the rest, and power beyond them."""
        if isinstance(self.kernel, GaussianKernel):
            modes = mehler_modes(self.variances, self.kernel.bandwidth**2, self.target)
        else:
            modes = hermite_modes(self.variances, self._series, self._diagonal, self.target)
        if self.trace_defect > NOTED_DEFECT:
            warn_caller(
                f"the inputs are low-dimensional for this kernel (trace_defect {self.trace_defect:.2g}): curves may be 5 "
                f"to 20 % low; {REMEDY}"
            )
        values, counts, power = modes.eigenvalues, np.ones_like(modes.eigenvalues), modes.power
        if modes.tail == 0.0:
            return values, counts, power, modes.null
        rest = np.append(values, modes.tail / REST_MODES), np.append(counts, REST_MODES)
        return *rest, np.append(power, 0.0), modes.null

    def values(self, z: Any, xp: Any = np) -> Any:
        """The target at inputs z in units of their deviations, (points, d) -> (points,)."""
        result = xp.zeros_like(z[:, 0])
        for alpha, coefficient in self.target.items():
            term = xp.full_like(result, coefficient)
            for axis, degree in enumerate(alpha):
                last, one = xp.ones_like(result), z[:, axis]
                for step in range(1, degree):
                    last, one = one, (z[:, axis] * one - step**0.5 * last) / (step + 1.0) ** 0.5
                term = term * one if degree else term
            result = result + term
        return result

    def draw(self, n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
        """`n` inputs (n, d) and the target at them (n,), without noise: for `rg.learning_curve` with the same kernel."""
        z = np.random.default_rng(seed).normal(size=(validation.integer("n", n, 1), self.variances.size))
        return z * np.sqrt(self.variances), self.values(z)
