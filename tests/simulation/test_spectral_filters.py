"""Filters of the trainings against their definitions in mpmath, extremes included."""

import itertools

import jax
import jax.numpy as jnp
import mpmath
import numpy as np
import pytest

import rfgen as rg
from rfgen.simulation.fits.spectral_filters import respond, spectral_filters


@pytest.fixture
def double():
    with jax.enable_x64(True):
        yield


# Largest errors found: gains 3e-14 relative (momentum 0.99), survival 2e-14; the bound is that of conditioning.
FILTER_ERROR = 1e-12
VALUES = [0.0, 1e-250, 1e-20, 1e-12, 1e-6, 1e-3, 0.02, 0.1, 1.0, 5.0, 9.9, 10.0, 10.1, 15.0]


def exact_response(kind, value, setting, n):
    """Gains, survival and residual from the definitions, at the precision of mpmath."""
    mu, ridge = mpmath.mpf(value) / n, mpmath.mpf(float(setting["ridge"])) / n
    h, count = mu + ridge, int(setting.get("steps", 0))
    if kind is rg.IteratedRidge:
        if h == 0:
            return None
        gain, left = mu ** (count - 1) / h**count / n, 1 - (mu / h) ** count
        return gain, mpmath.mpf(0), left
    if kind is rg.GradientFlow:
        psi, limit = mpmath.exp(-h * mpmath.mpf(float(setting["time"]))), mpmath.mpf(float(setting["time"]))
    else:
        rate, momentum = mpmath.mpf(float(setting["rate"])), mpmath.mpf(float(setting.get("momentum", 0.0)))
        damp = 1 - rate * h
        first = damp * (1 + momentum) if kind is rg.Nesterov else damp + momentum
        second = damp * momentum if kind is rg.Nesterov else momentum
        power = mpmath.matrix([[first, -second], [1, 0]]) ** count
        psi = power[0, 0] + power[0, 1]
        limit = rate * sum((1 - momentum ** (t + 1)) / (1 - momentum) for t in range(count)) if h == 0 else None
    gain = (1 - psi) / h / n if h else limit / n
    return gain, psi, psi + n * ridge * gain


@pytest.mark.parametrize(
    "training",
    [
        rg.GradientFlow([1e12, 0.0, 1e-9, 3.0], ridge=[0.0, 1e-12, 2.0]),
        rg.GradientDescent(rate=1.1, steps=[10**8, 0, 1, 7, 1000], ridge=[1e-9, 1.0]),
        rg.GradientDescent(rate=1.1, steps=[3, 1000], ridge=0.0),
        rg.HeavyBall(rate=[0.3, 1.3], momentum=[0.0, 0.5, 0.99], steps=[10**8, 0, 1, 2, 7, 300], ridge=1e-9),
        rg.Nesterov(rate=[0.3, 0.8], momentum=[0.0, 0.5, 0.99], steps=[10**8, 0, 1, 2, 7, 300], ridge=1e-9),
        rg.HeavyBall(rate=0.3, momentum=[0.5, 0.99], steps=[5, 300], ridge=0.0),
        rg.IteratedRidge([1e-9, 0.1, 1e6], steps=[1, 2, 10**6, 50]),
    ],
    ids=lambda training: type(training).__name__,
)
def test_filters_are_exact(double, training):
    mpmath.mp.dps, n = 320, 10
    response = jax.jit(respond, static_argnums=2)(spectral_filters(training, "float64"), jnp.asarray(VALUES), n)
    axes = {name: np.atleast_1d(values) for name, values in training.axes.items()}
    every = np.ndindex(*(axis.size for axis in axes.values()))
    for number, index in enumerate(every):
        setting = {name: axis[i] for (name, axis), i in zip(axes.items(), index, strict=True)}
        for at, value in enumerate(VALUES):
            expected = exact_response(type(training), value, setting, n)
            gain, survival, residual = (part[number, at] for part in vars(response).values())
            assert abs(float(gain) - expected[0]) <= FILTER_ERROR * abs(expected[0]) + 1e-300, (setting, value)
            assert abs(float(survival) - expected[1]) <= FILTER_ERROR, (setting, value)
            assert abs(float(residual) - expected[2]) <= FILTER_ERROR, (setting, value)


@pytest.mark.parametrize("bounds", [(0.02, 3.0), (2.9, 3.0)])
def test_chebyshev_is_its_polynomial(double, bounds):
    mpmath.mp.dps = 320
    (low, high), steps, n = map(mpmath.mpf, bounds), [300, 0, 1, 2, 7], 4
    training = rg.Chebyshev(*bounds, steps, ridge=[0.0, 1e-9, 0.01])
    response = respond(spectral_filters(training, "float64"), jnp.asarray(VALUES), n)
    end = (high + low) / (high - low)
    for number, (ridge, count) in enumerate(itertools.product(training.ridge, steps)):
        for at, value in enumerate(VALUES):
            h = (mpmath.mpf(value) + mpmath.mpf(ridge)) / n
            psi = mpmath.chebyt(count, end - 2 * h / (high - low)) / mpmath.chebyt(count, end)
            assert abs(float(response.survival[number, at]) - psi) <= FILTER_ERROR * max(1, abs(psi))
            assert not h or float(response.gains[number, at]) == pytest.approx(float((1 - psi) / h / n), rel=FILTER_ERROR)


def test_schedule_is_its_recursion(double):
    training, n, values = rg.Nesterov(0.9, [0, 1, 2, 50, 3000], ridge=0.01), 4, np.array([0.0, 1e-12, 1e-3, 1.0, 4.5])
    response = respond(spectral_filters(training, "float64"), jnp.asarray(values), n)
    mpmath.mp.dps = 40
    for at, value in enumerate(values):
        x, psi, before, found = mpmath.mpf(0.9) * (mpmath.mpf(value) + mpmath.mpf(0.01)) / n, 1, 1, {}
        for t in range(3001):
            found[t] = psi
            momentum = mpmath.mpf(t) / (t + 3)
            psi, before = (1 - x) * (psi + momentum * (psi - before)), psi
        for number, steps in enumerate(training.steps):
            assert float(response.survival[number, at]) == pytest.approx(float(found[steps]), rel=1e-10, abs=1e-13)
            gain = float((1 - found[steps]) / (mpmath.mpf(value) + mpmath.mpf(0.01)))
            assert float(response.gains[number, at]) == pytest.approx(gain, rel=1e-11)
