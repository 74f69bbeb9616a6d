"""Gradients of random-feature regression: theory against simulation, closed forms, limits."""

import importlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import quad

import rfgen as rg
from rfgen.systems.sensitivity.activation_energies import ActivationEnergies, activation_energies
from rfgen.systems.sensitivity.simulation import sensitivity as simulated
from rfgen.systems.sensitivity.theory import sensitivity
from rfgen.systems.sensitivity.verb import sensitivity as verb

MOST_Z = 4.0
# Squared weights of simulations exceed the theory by about 5/dim: 11.5(1.2) % at dim 50, 5.3(1.1) % at 100, 4(2) % at 200,
# n = 3 dim, features = 9 dim; with inputs and layers of equal length 2.7(1.1) % at 50.
LONGER = 6.0

exact = jax.jit(sensitivity)


def at(activation, dim, n, features=np.inf, ridge=0.0, signal=1.0, noise=0.0):
    """One point; all numbers are floats, so that one program serves every test."""
    energies = activation if isinstance(activation, ActivationEnergies) else activation_energies(activation)
    with jax.enable_x64(True):
        return exact(energies, *(np.float64(each) for each in (dim, n, features, ridge, signal, noise)))


# dim, n, features, signal, noise, ridge, activation, trials
TABLE = [
    (100, 300, 900, 1.0, 0.25, 0.0, "tanh", 24),
    (100, 300, 150, 1.0, 0.25, 0.0, "tanh", 24),
    (100, 300, 900, 0.0, 1.0, 0.0, "tanh", 24),
    (60, 400, 1600, 1.0, 0.25, 0.0, "tanh", 16),
    (60, 100, 200, 1.0, 0.25, 1.0, "erf", 24),
    (50, 30, 100, 1.0, 0.25, 0.0, "linear", 40),
    (60, 180, 540, 1.0, 0.25, 0.0, "relu", 16),
    (60, 180, 90, 1.0, 0.25, 0.0, "cos", 16),
]


@pytest.mark.parametrize(("dim", "n", "features", "signal", "noise", "ridge", "activation", "trials"), TABLE)
def test_simulations(dim, n, features, signal, noise, ridge, activation, trials):
    runs = simulated(activation, dim, n, features, ridge, signal, noise, trials, seed=1)
    point = at(activation, dim, n, features, ridge, signal, noise)
    for name, allowed in (("squared_gradient", 0.0), ("linear", 1.0), ("test", 1.0)):
        mean, error = runs.summary(name)
        # theory is exact up to relative errors of order 1/dim
        miss = abs(mean - float(getattr(point, name)))
        assert miss < MOST_Z * error + allowed / dim * mean + 1e-20, (name, mean, error)  # cos has no linear part
    mean, error = runs.summary("norm")
    assert -MOST_Z * error < mean - float(point.norm) < MOST_Z * error + LONGER / dim * mean


def test_a_wrong_theory_is_found_out():
    runs = simulated("tanh", 60, 120, 400, 0.0, 1.0, 0.25, 40, seed=2)
    mean, error = runs.summary("squared_gradient")
    point = float(at("tanh", 60, 120, 400, 0.0, 1.0, 0.25).squared_gradient)
    assert abs(mean - point) < MOST_Z * error < abs(mean - 1.2 * point)


def test_energies_of_tanh():
    def mean(of):
        return 2 * quad(lambda z: of(z) * np.exp(-z * z / 2) / np.sqrt(2 * np.pi), 0, 12, epsabs=1e-12)[0]

    found = activation_energies("tanh")
    first, third = (mean(lambda z, of=of: np.tanh(z) * of(z)) for of in (lambda z: z, lambda z: (z**3 - 3 * z) / 6**0.5))
    assert found.linear == pytest.approx(first**2, rel=1e-11)
    assert found.cubic == pytest.approx(third**2, rel=1e-10)
    assert found.linear + found.cubic + found.rest == pytest.approx(mean(lambda z: np.tanh(z) ** 2), rel=1e-11)
    slope = mean(lambda z: np.cosh(z) ** -4)
    assert found.linear + 3 * found.cubic + found.rest_slope == pytest.approx(slope, rel=1e-11)


def test_erf_in_closed_form():
    """E erf'^2 = 4/pi / sqrt(1 + 4), E erf^2 = (2/pi) arcsin(2/3), c_1^2 = 4/(3 pi)."""
    found = activation_energies("erf")
    assert found.linear == pytest.approx(4 / (3 * np.pi), rel=1e-13)
    assert found.linear + found.cubic + found.rest == pytest.approx(2 / np.pi * np.arcsin(2 / 3), rel=1e-13)
    assert found.linear + 3 * found.cubic + found.rest_slope == pytest.approx(4 / np.pi / 5**0.5, rel=1e-13)


def test_one_hermite_polynomial():
    found = activation_energies(lambda z: z**3 - 3 * z)
    assert found.cubic == pytest.approx(6.0, rel=1e-12) and found.linear == found.rest == found.rest_slope == 0.0
    # no linear part: the target is not learned, only its values are fitted
    point = at(found, 20, 100, 300)
    assert float(point.linear) == 0.0 and float(point.test) > 1.0
    assert float(point.squared_gradient) == pytest.approx(3 * (float(point.test) - 1.0), rel=1e-9)


def test_levels_add_up_to_the_excess_risk():
    """With no target, the learned function is the error: E f^2 = test - noise."""
    for activation in ("tanh", "erf"):
        found = activation_energies(activation)
        flat = ActivationEnergies(found.linear, 0.0, found.rest, found.rest)  # slopes of 1: E|grad f|^2 = E f^2
        for n, features, ridge in ((300, 900, 0.0), (300, 100, 0.1), (50, 50, 1.0), (300, np.inf, 0.01)):
            point = at(flat, 100, n, features, ridge, 0.0, 1.0)
            assert float(point.squared_gradient) == pytest.approx(float(point.test) - 1.0, rel=1e-10)


def test_limits():
    kernel, wide = at("tanh", 100, 300, np.inf), at("tanh", 100, 300, 1e9)
    assert float(wide.squared_gradient) == pytest.approx(float(kernel.squared_gradient), rel=1e-6)
    # least squares on the inputs themselves, noise 0: the target
    linear = at("linear", 50, 200, np.inf)
    assert float(linear.sensitivity) == pytest.approx(float(linear.target), rel=1e-9)
    ridge = at("tanh", 100, 300, 900, 1e9)
    assert float(ridge.squared_gradient) < 1e-6
    assert np.isinf(float(at("tanh", 100, 300, 300, 0.0, 1.0, 0.25).sensitivity))


def test_numbers_of_the_derivation(monkeypatch):
    """Found by other code without cubic modes, with 20,000 equal modes for the rest, which is 0.2 % from the limit."""
    monkeypatch.setattr(importlib.import_module("rfgen.systems.sensitivity.theory"), "REST_MODES", 2e4)
    found = activation_energies("tanh")
    rest, slope = found.cubic + found.rest, 3 * found.cubic + found.rest_slope
    again = jax.jit(lambda *at: sensitivity(ActivationEnergies(found.linear, 0.0, rest, slope), *at, 0.0, 1.0, 0.25))
    expected = {(100.0, 300.0, 900.0): 11.994, (300.0, 900.0, 450.0): 23.528, (200.0, 600.0, 2400.0): 16.196}
    with jax.enable_x64(True):
        for (dim, n, features), value in expected.items():
            point = again(dim, n, features)
            squared = float(point.linear) + slope * float(point.norm) / features
            assert (dim * squared) ** 0.5 == pytest.approx(value, abs=6e-4)


def test_linear_in_the_noise():
    energies = activation_energies("tanh")
    with jax.enable_x64(True):
        slope = jax.jit(jax.grad(lambda noise: sensitivity(energies, 100, 300, 900, 0.0, 1.0, noise).squared_gradient))(
            0.25
        )
    clean, noisy = (at(energies, 100, 300, 900, noise=one).squared_gradient for one in (0.0, 1.0))
    assert float(slope) == pytest.approx(float(noisy - clean), rel=1e-10)


def test_verb_is_the_outer_product():
    found = verb(60, [30, 90], [45, 90, 180], [0.0, 0.1], noise=0.2)
    assert found.sensitivity.dims == ("n", "features", "ridge") and found.target.dims == ()
    assert float(found.target) == pytest.approx(60**0.5)
    one = at("tanh", 60, 90, 180, 0.1, 1.0, 0.2)
    there = found.sel(n=90, features=180, ridge=0.1)
    for name in ("sensitivity", "squared_gradient", "linear", "norm", "test"):
        assert float(there[name]) == pytest.approx(float(getattr(one, name)), rel=1e-12)
    assert np.isinf(float(found.sensitivity.sel(n=90, features=90, ridge=0.0))) and found.converged.all()
    kernel = verb(60, 90, activation=jnp.tanh)
    assert kernel.sensitivity.dims == () and np.isinf(float(kernel.features))


def test_beyond_the_regime():
    with pytest.warns(UserWarning, match=r"beyond dim\^1.5 = 31.6"):
        verb(10, [20, 50], 100)
    verb(10, 5000, activation="linear")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"activation": lambda z: jnp.where(abs(z) < 1.0, 1.0, 0.0)}, "activation must be continuous"),
        ({"activation": lambda z: 0.0 * z + 2.0}, "activation must not be constant"),
        ({"activation": "sign"}, "activation must be continuous"),
        ({"activation": "sine"}, "activation must be one of"),
        ({"activation": lambda z: 0.0 * z}, "activation must be finite and not 0 everywhere"),
        ({"n": 0}, "n must be > 0"),
        ({"features": -1}, "features must be > 0"),
        ({"ridge": -1.0}, "ridge must be >= 0"),
        ({"noise": np.nan}, "noise must be finite"),
        ({"dim": 2.5}, "dim must be an integer"),
        ({"signal": [1.0]}, "signal must have 0 dimension"),
    ],
)
def test_bad_input(change, message):
    with pytest.raises(ValueError, match=message):
        verb(**{"dim": 20, "n": 30, **change})


def test_bad_simulations():
    for change, message in (({"trials": 1}, "trials must be"), ({"n": 2.0}, "n must be"), ({"ridge": -1}, "ridge must")):
        with pytest.raises(ValueError, match=message):
            simulated(**{"activation": "tanh", "dim": 3, "n": 5, "features": 4, **change})


def test_seeds():
    first, again, other = (simulated("tanh", 5, 8, 9, trials=2, seed=seed).norm for seed in (0, 0, 1))
    assert (first == again).all() and (first != other).all()
    assert (simulated("tanh", 5, 8, 9, trials=3).norm[:2] == first).all()
    with pytest.raises(rg.PrecisionError):
        sensitivity(activation_energies("tanh"), 3, 5)


def test_a_square_linear_layer_is_least_squares():
    at = rg.sensitivity(dim=100, n=300, features=[100, 101], noise=0.25, activation="linear")
    np.testing.assert_allclose(at.sensitivity, np.sqrt(100 * (1 + 100 * 0.25 / (300 - 100))), rtol=1e-10)
    np.testing.assert_allclose(at.test, 0.25 * 300 / 200, rtol=1e-10)


def test_a_numpy_activation_is_refused():
    with pytest.raises(ValueError, match=r"jnp\.tanh for np\.tanh"):
        rg.sensitivity(dim=100, n=300, features=100, activation=np.tanh)
