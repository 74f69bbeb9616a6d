"""Averages over the Marchenko-Pastur law: closed forms, 30-digit integrals, sampled spectra, derivatives."""

import jax
import mpmath
import numpy as np
import pytest

from rfgen.numerics.marchenko_pastur import (
    marchenko_pastur_density,
    marchenko_pastur_edges,
    marchenko_pastur_quadrature,
)

# Measured worst over these tests: 3e-14.
ACCURACY = 1e-12
RATIOS = (1e-12, 1e-3, 0.1, 0.5, 1 - 1e-3, 1 - 1e-9, 1 - 1e-15, 1.0, 1 + 1e-12, 1 + 1e-6, 1.5, 4.0, 1e3, 1e12)
TIMES = (0.0, 1e-9, 0.3, 7.0, 1e3, 1e6, 1e9, 1e12)


@jax.jit
def decays(alpha, time):
    """Bulk averages of exp(-2 lambda t) and (1 - exp(-lambda t))^2 / lambda."""
    eigenvalues, weights = marchenko_pastur_quadrature(alpha)
    gone = -jax.numpy.expm1(-eigenvalues * time)
    return weights @ jax.numpy.exp(-2.0 * eigenvalues * time), weights @ (gone**2 / eigenvalues)


@pytest.mark.parametrize("alpha", RATIOS)
def test_moments_in_closed_form(alpha):
    with jax.enable_x64(True):
        eigenvalues, weights = (np.asarray(x) for x in marchenko_pastur_quadrature(alpha))
    assert (np.diff(eigenvalues) >= 0).all() and (eigenvalues > 0).all()
    np.testing.assert_allclose(weights.sum(), min(1.0, alpha), rtol=ACCURACY)
    np.testing.assert_allclose(weights @ eigenvalues, alpha, rtol=ACCURACY)
    np.testing.assert_allclose(weights @ eigenvalues**2, alpha * (1 + alpha), rtol=ACCURACY)
    if alpha != 1:
        inverse = alpha / (1 - alpha) if alpha < 1 else 1 / (alpha - 1)
        np.testing.assert_allclose(weights @ (1 / eigenvalues), inverse, rtol=ACCURACY)
    ridge = 0.3  # the Stieltjes transform
    b = 1 - alpha - ridge
    resolvent = 2 / (np.hypot(b, 2 * ridge**0.5) - b) if b < 0 else (b + np.hypot(b, 2 * ridge**0.5)) / (2 * ridge)
    bulk = resolvent - max(0.0, 1 - alpha) / ridge
    np.testing.assert_allclose(weights @ (1 / (eigenvalues + ridge)), bulk, rtol=ACCURACY, atol=1e-14)


@pytest.mark.parametrize("time", TIMES)
def test_hard_edge_in_bessel_functions(time):
    """alpha = 1: the average of exp(-lambda s) is e^(-2s) (I0(2s) + I1(2s)), and its integral over s is known."""
    with jax.enable_x64(True):
        found = [float(x) for x in decays(1.0, time)]

    def scaled(order, z):
        return mpmath.besseli(order, z) * mpmath.exp(-z)

    def integral(s):  # of e^(-2s) (I0 + I1)(2s), from 0
        z = mpmath.mpf(2 * s)
        return (2 * z * (scaled(0, z) + scaled(1, z)) + scaled(0, z) - 1) / 2

    with mpmath.workdps(40):
        exact = float(scaled(0, 4 * time) + scaled(1, 4 * time)), float(2 * integral(time) - integral(2 * time))
    np.testing.assert_allclose(found, exact, rtol=ACCURACY)


def oracle(alpha, time):
    """The two averages by 30-digit Gauss-Legendre over the angle, in pieces that shrink towards the lower edge."""
    with mpmath.workdps(30):
        a = mpmath.mpf(alpha)
        lower = (mpmath.sqrt(a) - 1) ** 2

        def weighted(f):
            def integrand(angle):
                square = mpmath.sin(angle) ** 2
                x = lower + 4 * mpmath.sqrt(a) * square
                return 16 * a / mpmath.pi * square * (1 - square) / x * f(x)

            cuts = [0, *(mpmath.mpf(10) ** -k for k in range(16, 0, -1)), 0.4, mpmath.pi / 2]
            return float(mpmath.quad(integrand, cuts))

        return weighted(lambda x: mpmath.exp(-2 * x * time)), weighted(lambda x: mpmath.expm1(-x * time) ** 2 / x)


@pytest.mark.parametrize(
    ("alpha", "time"),
    [(0.01, 3.0), (0.5, 0.4), (0.5, 1e12), (1 - 1e-6, 1e9), (1 + 1e-4, 1e6), (1 + 1e-9, 1e12), (2.0, 20.0), (1e3, 1e-3)],
)
def test_thirty_digit_integrals(alpha, time):
    with jax.enable_x64(True):
        found = [float(x) for x in decays(alpha, time)]
    exact = oracle(alpha, time)
    np.testing.assert_allclose(found[0], exact[0], rtol=0, atol=ACCURACY)
    np.testing.assert_allclose(found[1], exact[1], rtol=ACCURACY)


@pytest.mark.parametrize("alpha", (0.4, 1.0, 3.0))
def test_density_integrates_to_what_the_quadrature_says(alpha):
    with jax.enable_x64(True):
        lower, upper = (float(x) for x in marchenko_pastur_edges(alpha))
        # midpoints of the angle cancel the square roots at both edges
        angle = (np.arange(2000) + 0.5) * np.pi / 4000
        x = lower + (upper - lower) * np.sin(angle) ** 2
        weight = (upper - lower) * np.sin(2 * angle) * np.pi / 4000
        density = np.asarray(marchenko_pastur_density(x, alpha))
        outside = np.asarray(marchenko_pastur_density(np.array([0.5 * lower - 0.1, upper, 2 * upper]), alpha))
        slope = jax.grad(lambda x: marchenko_pastur_density(x, alpha))(2 * upper)
    np.testing.assert_allclose(np.sum(density * weight), min(1.0, alpha), rtol=1e-10)
    assert (outside == 0).all() and slope == 0


def test_sampled_spectrum():
    random, size = np.random.default_rng(0), 400
    for alpha in (0.5, 1.0, 2.0):
        x = random.standard_normal((size, int(alpha * size))) / size**0.5
        sampled = np.linalg.eigvalsh(x @ x.T)
        with jax.enable_x64(True):
            decay = float(decays(alpha, 1.0)[0])
        # linear statistics fluctuate by O(1/size); measured worst 0.9 / size
        assert abs(np.mean(np.exp(-2 * sampled)) - max(0.0, 1 - alpha) - decay) < 3 / size


@pytest.mark.parametrize("alpha", (0.5, 1.0, 2.5))
def test_derivatives_and_batches(alpha):
    """Of the whole law, zero mass included, the average is smooth in alpha, across alpha = 1 too."""

    def whole(alpha):
        return decays(alpha, 0.7)[0] + jax.numpy.maximum(0.0, 1.0 - alpha)

    with jax.enable_x64(True):
        slope, step = float(jax.grad(whole)(alpha)), 1e-5
        difference = float(whole(alpha + step) - whole(alpha - step)) / (2 * step)
        batch = jax.vmap(whole)(jax.numpy.array([alpha, 2 * alpha]))
        assert np.allclose(batch, [whole(alpha), whole(2 * alpha)], rtol=1e-14)
    np.testing.assert_allclose(slope, difference, rtol=1e-8)
