"""Random features of Gaussian inputs, averaged over the random layer: their kernel and what an augmentation does to it.

Features `activation(w . x) / sqrt(features)`, w ~ N(0, I/d), x ~ N(0, diag(variances)) in R^d.  Pre-activations of one
input have variance q, the mean of `variances`, those of two inputs a correlation of order 1/sqrt(d); so, with the Hermite
split of the activation, the kernel averaged over w is

    K(x, x') = c_0^2 + c_1^2 x.x'/(d q) + nu(1) [x = x']

up to errors that vanish as d grows with n and features (derived; El Karoui 2010, Mei and Montanari arXiv 1908.05355).
Views a of x have E[a | x] = g x and a variance of s x_i^2 + l_i in coordinate i: two of them have pre-activations of
variance q' = mean((g^2 + s) variance + l) and covariance g^2 q, which the split at q' and nu(g^2 q / q') describe.
Equations: theory (5.15).
"""

__all__ = ["GaussianInputs", "axis_variances"]

from functools import partial
from typing import Any

import numpy as np

from rfgen.problems.augmentations.base import AbstractAugmentation
from rfgen.problems.augmentations.mode_law import ModeLaw
from rfgen.problems.kernels.feature_maps import activation_rule
from rfgen.problems.kernels.hermite import HermiteSplit, hermite_split
from rfgen.problems.rules import integer
from rfgen.problems.settings import Noun, setting
from rfgen.problems.validation import non_negative, positive

# So many equal modes make up the rest: the effective ridge exceeds nu(1) / n, so only their trace counts.
REST_MODES = 1e28


def axis_variances(name: str, value: Any) -> np.ndarray:
    """Variances (d,) of independent coordinates; a covariance (d, d) is not turned to its axes in silence."""
    if np.ndim(value) == 2:
        raise ValueError(
            f"{name} must be those of independent coordinates (d,), got shape {np.shape(value)}: of a covariance take the "
            "principal axes, gamma, axes = np.linalg.eigh(covariance), give gamma, and the target in the coordinates "
            "x @ axes (the random layer is the same in all directions)"
        )
    return positive(name, value, 1)


class GaussianInputs(Noun):
    """Inputs of `variances` (d,), the layer's `activation`, target `power` (outputs, d) or (d,) on the inputs.

    Simulation measures each trial at `test_points` fresh inputs.
    """

    variances: Any = setting(axis_variances)
    activation: Any = setting(activation_rule)
    power: Any = setting(partial(non_negative, ndim=(1, 2)))
    test_points: int = setting(integer(2), default=2000)

    def _relate(self) -> None:
        """One power a variance, and something to learn from."""
        if self.power.shape[-1] != self.variances.size:
            raise ValueError(
                f"power must have one entry per variance ({self.variances.size}), got shape {self.power.shape}"
            )
        self._set(power=np.atleast_2d(self.power))
        if not any((self._clean.constant, self._clean.linear, self._clean.rest)):
            raise ValueError(f"activation must not be 0 everywhere, got {self.activation!r}")

    @property
    def _mean_variance(self) -> float:
        return float(self.variances.mean())

    @property
    def _clean(self) -> HermiteSplit:
        return hermite_split(self.activation, self._mean_variance)

    @property
    def norm_scatter(self) -> float:
        """(dlog nu/dlog q)^2 / d: how |x|^2/d, of relative variance 2/d, scatters the kernel's nonlinear part by row."""
        q, step = self._mean_variance, 0.05
        rest = [hermite_split(self.activation, q * (1.0 + sign * step)).rest for sign in (-1.0, 1.0)]
        slope = np.log(rest[1] / rest[0]) / np.log((1.0 + step) / (1.0 - step)) if min(rest) > 0.0 else 0.0
        return float(slope**2 * np.sum(self.variances**2) / np.sum(self.variances) ** 2)

    def levels(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Eigenvalues, multiplicities, powers (outputs, levels): d linear modes, then the constant and the rest."""
        d, clean = self.variances.size, self._clean
        linear = clean.linear**2 * self.variances / (d * self._mean_variance)
        values = np.append(linear, [clean.constant**2, clean.rest / REST_MODES])
        return values, np.append(np.ones(d), [1.0, REST_MODES]), np.pad(self.power, ((0, 0), (0, 2)))

    def feature_law(self, augmentation: AbstractAugmentation) -> ModeLaw:
        """What an augmentation of the inputs does to the linear, constant and nonlinear levels: three classes."""
        d, q, clean = self.variances.size, self._mean_variance, self._clean
        law = None if augmentation.mixes else augmentation.mode_law(d)
        if law is None or law.gain.size > 1:
            raise ValueError(
                "augmentation must change coordinates one by one for exact curves of Task.gaussian_inputs: use "
                f"GaussianNoise, Mask, Dropout, SaltAndPepper or a Compose of them, got {augmentation!r}; or use simulate"
            )
        if law.shape is not None and law.shape.size != d:
            raise ValueError(f"covariance must have one entry per input ({d}), got {law.shape.size}")
        gain, slope, level = (float(part[0, 0]) for part in (law.gain, law.slope, law.level))
        shape = np.ones(d) if law.shape is None else law.shape
        seen = float(np.mean((gain**2 + slope) * self.variances + level * shape))  # q'
        view = hermite_split(self.activation, seen, gain**2 * q / seen if seen else 1.0)
        slant = view.linear / seen**0.5 if seen else 0.0  # what a view's coordinates are multiplied by
        linear = _ratio("linear", slant, clean.linear / q**0.5)
        constant = _ratio("constant", view.constant, clean.constant)
        shared, rest = (_ratio("nonlinear", part, clean.rest) for part in (view.shared, view.rest))
        return ModeLaw(
            probability=law.probability, label=law.label,
            gain=np.array([[gain * linear, constant, shared**0.5]]),
            slope=np.array([[slope * linear**2, 0.0, max(rest - shared, 0.0)]]),
            level=np.array([[level * slant**2 / d, 0.0, 0.0]]),
            shape=np.append(shape, [0.0, 0.0]), level_class=np.append(np.zeros(d), [1.0, 2.0]),
        )


def _ratio(part: str, view: float, clean: float) -> float:
    if clean == 0.0 and view != 0.0:
        raise ValueError(f"activation must have a {part} part on the inputs, as it has one on their views; or use simulate")
    return view / clean if clean else 0.0
