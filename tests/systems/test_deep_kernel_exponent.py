"""The pole of deep kernels, measured on the recursion over layers; the tangent kernel and its order of limits."""

import jax
import numpy as np
import pytest

from rfgen.systems.lazy.deep_kernel_exponent import deep_kernel_exponent

# c_j^2 of cubic activations, and their exponents to four digits.
CUBIC = {0.49: 2.0292, 0.25: 3.0259}
# Measured slopes waver by this much: the pole is a power times a periodic function of the logarithm of the distance.
WAVERING = 0.01


def exponent(squares):
    with jax.enable_x64(True):
        return float(deep_kernel_exponent(squares))


def slopes(linear, depth, distances):
    """-d ln K / d ln |x - z| of covariance and tangent kernel at `depth`, for kappa = linear rho + (1 - linear) rho^3."""
    distances = np.concatenate([distances * np.exp(-1e-3), distances * np.exp(1e-3)])
    away = distances**2 / 2  # 1 - rho, kept apart: cosines near 1 have no digits for it
    rho = 1 - away
    tangent = rho
    for _ in range(depth):
        slope = linear + 3 * (1 - linear) * rho**2
        nearby = away * (linear + (1 - linear) * (3 - 3 * away + away**2))
        far = rho * (linear + (1 - linear) * rho**2)
        close = away < 0.5
        away, rho = np.where(close, nearby, 1 - far), np.where(close, 1 - nearby, far)
        tangent = rho + tangent * slope
    return [np.log(kernel[: kernel.size // 2] / kernel[kernel.size // 2 :]) / 2e-3 for kernel in (rho, tangent)]


@pytest.mark.parametrize(("linear", "expected"), CUBIC.items())
def test_slope_of_the_covariance(linear, expected):
    a = exponent([0.0, linear, 0.0, 1 - linear])
    assert a == pytest.approx(expected, abs=5e-5)
    measured, _ = slopes(linear, 80, np.geomspace(1e-5, 1e-2, 40))
    np.testing.assert_allclose(measured, a, atol=WAVERING)
    assert np.mean(measured) == pytest.approx(a, abs=1e-3)


@pytest.mark.parametrize("linear", CUBIC)
def test_tangent_kernel_is_steeper_by_two_at_finite_depth(linear):
    a = exponent([0.0, linear, 0.0, 1 - linear])
    _, close = slopes(linear, 80, np.geomspace(1e-5, 1e-3, 20))
    np.testing.assert_allclose(close, a + 2, atol=WAVERING)
    # at a fixed distance it comes down to the slope of the covariance as depth grows: 1/L passes the squared distance
    above = [np.subtract(*slopes(linear, depth, np.array([0.3]))[::-1])[0] for depth in (10, 30, 100, 400)]
    assert (np.diff(above) < 0).all() and above[0] > 1.5 and above[-1] < 0.3


def test_levels_off_below_the_depth():
    measured, _ = slopes(0.49, 10, np.array([1e-6]))
    assert abs(measured[0]) < 1e-3


def test_scale_and_outside_the_regime():
    assert exponent([0.0, 0.98, 0.0, 1.02]) == pytest.approx(exponent([0.0, 0.49, 0.0, 0.51]), rel=1e-14)
    for squares in ([0.1, 0.5, 0.4], [0.0, 0.0, 1.0], [0.0, 1.0, 0.0]):
        assert np.isnan(exponent(squares))


def test_derivative():
    with jax.enable_x64(True):
        slope = jax.grad(lambda c: deep_kernel_exponent(jax.numpy.stack([0.0 * c, c, 0.0 * c, 1 - c])))(0.49)
        apart = (exponent([0.0, 0.4901, 0.0, 0.5099]) - exponent([0.0, 0.4899, 0.0, 0.5101])) / 2e-4
    assert float(slope) == pytest.approx(apart, rel=1e-6)
