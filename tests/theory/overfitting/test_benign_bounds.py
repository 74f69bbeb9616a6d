"""Bounds of the risk of interpolation: around the exact curve on any spectrum and target, and of its order."""

import jax
import numpy as np
import pytest

import rfgen as rg
from rfgen.problems.spectra.spectral_tails import spectral_tails
from rfgen.theory.overfitting.benign_bounds import benign_bounds
from rfgen.theory.ridge.risk import risk

bounds = jax.jit(jax.vmap(benign_bounds, in_axes=(None, 0, None, None, None)))
exact = jax.jit(jax.vmap(lambda modes, n, ridge: risk(modes, n, np.inf, ridge, 1.0), in_axes=(None, 0, None)))


@pytest.fixture(autouse=True)
def double():
    with jax.enable_x64(True):
        yield


def around(task, n, ridge, b):
    """The bounds at noise 1, after the exact curve was found between them."""
    found = bounds(spectral_tails(task.spectrum, task.power[0], task.null_power[0]), n, ridge, 1.0, b)
    at = exact(task.modes, n, ridge)
    for name, value in (("variance", at.noise - 1.0), ("bias", at.bias + at.variance)):
        lower, upper = np.asarray(getattr(found, f"{name}_lower")), np.asarray(getattr(found, f"{name}_upper"))
        value = np.asarray(value)
        assert (lower <= value * (1 + 1e-9)).all() and (value <= upper * (1 + 1e-9)).all(), (task, ridge, b, name)
    return found, at


@pytest.mark.parametrize("ridge", [0.0, 0.5])
@pytest.mark.parametrize("seed", range(10))
def test_random_spectra_and_targets(seed, ridge):
    random = np.random.default_rng(seed)
    decay = 10.0 ** random.uniform(-3.0, 0.0)
    values = np.exp(-np.cumsum(decay * random.exponential(1.0, 60)))
    power = random.exponential(1.0, 60) * (random.random(60) < 0.7)
    task = rg.Task(values, power, 1.0, random.integers(1, 30, 60), null_power=0.1 * (seed % 2))
    for b in (1.1, 2.0, 6.0):
        around(task, np.geomspace(0.5, 2000.0, 16), ridge, b)


@pytest.mark.parametrize(
    "spectrum", [rg.Spectrum.log_power_law(2.0), rg.Spectrum.log_power_law(1.5), rg.Spectrum.power_law(1.05)], ids=repr
)
def test_infinite_spectra(spectrum):
    n = np.geomspace(10.0, 1e9, 12)
    for b in (1.5, 4.0):
        found, at = around(rg.Task(spectrum, spectrum.power_law_target(1.5)), n, 0.0, b)
        late = n > 1e5
        # within a constant of each other, as the theorem says; measured at most 60
        assert (np.asarray(found.variance_upper) < 100.0 * np.asarray(found.variance_lower))[late].all()
        assert np.isfinite(found.bias_upper)[late].all()
    share = (np.asarray(at.noise) - 1.0) / np.asarray(found.scale)
    assert np.ptp(np.log(share[late])) < 1.0, "the scale of the theorem"


def test_a_flat_tail_makes_interpolation_benign():
    # e^(-i/tau) + eps: 600 modes, few of them above a floor
    index = np.arange(1.0, 20_001.0)
    task = rg.Task(np.exp(-index / 5.0) + 1e-4, index**-2.0)
    found, at = around(task, np.array([300.0]), 0.0, 3.0)
    assert float(found.variance_upper[0]) < 0.3 and float(at.noise[0]) - 1.0 < 0.2


def test_where_there_is_no_bound():
    found, _ = around(rg.Task.exponential(0.5, 2.0), np.array([10.0, 100.0]), 0.0, 2.0)
    assert np.isinf(found.variance_upper).all() and np.isnan(found.k).all()
    assert (np.asarray(found.variance_lower) == 0).all()
