"""Simulations of many shapes compile few programs; NumPy on the host finds what JAX finds, from the same random numbers."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import rfgen as rg
from rfgen.simulation.fits.spectral_filters import spectral_filters
from rfgen.simulation.random_numbers import (
    BLOCK,
    HostKey,
    fold_in,
    integers,
    normal_rows,
    permutation,
    split,
    standard_normals,
)
from rfgen.simulation.runs.ensemble import ALONE, Members
from rfgen.simulation.runs.risk import risk
from rfgen.simulation.runs.trajectory import trajectory
from rfgen.simulation.runs.trials import initial_weights, source_of, trial_keys
from rfgen.simulation.sampling.samplers import sampler
from tests.benchmarks.compilations import count_compilations

TASK = rg.Task.power_law(1.5, 1.5, noise=0.3, modes=60)
SIZES, FEATURES = np.arange(11, 31), [10, 15, 24, 40, math.inf]
MEASURED = ("test", "train", "bias", "variance", "noise", "norm")
# Of the two libraries, with a ridge of 0.1 or times up to 20: measured 1e-14.
ROUNDING = 1e-10


@pytest.fixture(autouse=True)
def _double():
    with jax.enable_x64(True):
        yield


@pytest.mark.parametrize("training", [rg.Ridge([0.1, 1.0]), rg.GradientFlow([1.0, 20.0], 0.1)])
def test_a_grid_compiles_few_programs(training):
    learner = rg.Learner(training, features=FEATURES)
    jax.clear_caches()
    with count_compilations() as compiled:
        runs = rg.simulate(TASK, learner, SIZES, trials=2)
    assert 0 < len(compiled) <= 6
    one = rg.simulate(TASK, rg.Learner(training, features=24), 17, trials=2)
    for name in MEASURED:
        assert np.array_equal(runs[name].sel(n=17, features=24), one[name], equal_nan=True), name


MASK = rg.Mask(0.6, views=3)
DIGITS = rg.DataTask(np.random.default_rng(0).normal(size=(40, 4, 4)), np.arange(40.0), feature_map=None)
KERNEL = rg.NTK("relu", depth=2)
NETWORK = rg.Task.sphere(3, KERNEL, target={1: 1.0}, noise=0.1, test_points=50)
INPUTS = rg.Task.gaussian_inputs(np.ones(6), "tanh", np.ones(6) / 6, noise=0.1, test_points=50)
DRAWN_OTHERWISE = {
    "views": (TASK, MASK, None), "mixtures": (TASK, rg.Mixup(0.5, views=2), None),
    "infinitely many views": (TASK, rg.Mask(0.6, views=math.inf), None), "averaged views": (TASK, MASK, 4),
    "sphere": (NETWORK, None, None), "inputs": (INPUTS, None, None),
    "views of inputs": (INPUTS, rg.GaussianNoise(0.1), None),
    "averaged views of inputs": (INPUTS, rg.GaussianNoise(0.1, views=2), 3),
}


@pytest.mark.parametrize("kind", [*DRAWN_OTHERWISE, "images"])
def test_any_way_to_draw_compiles_few_programs(kind):
    task, augmentation, test_views = DRAWN_OTHERWISE.get(kind, (DIGITS, rg.Crop(1, views=2), None))
    learner = rg.Learner(rg.Ridge([0.1, 1.0]), features=FEATURES[:-1], augmentation=augmentation, test_views=test_views)
    jax.clear_caches()
    with count_compilations() as compiled:
        rg.simulate(task, learner, SIZES, trials=2)
    assert 0 < len(compiled) <= 6, compiled


@pytest.mark.parametrize("kind", DRAWN_OTHERWISE)
def test_the_host_draws_what_the_device_draws(kind):
    task, augmentation, test_views = DRAWN_OTHERWISE[kind]
    source = source_of(task, task, augmentation, test_views, "float64", "population")
    keys, features, ridges = trial_keys(3, 70, 20, 0, 4), 20, np.array([0.1, 1.0])
    # factors of kernel matrices that are singular to rounding, an angle's square root near 1: measured 5e-8
    tolerance = 1e-6 if kind == "sphere" else 1e-8
    host, device = (risk(source, keys, 70, features, ridges, task.noise, batched) for batched in (False, True))
    for name, values in vars(host).items():
        expected = np.asarray(vars(device)[name])
        assert np.allclose(values, expected, rtol=tolerance, atol=tolerance * np.abs(expected).max()), name


# Repeated rows and features given the rows are left out together: there the draw hangs on vectors that rounding decides.
@pytest.mark.parametrize(
    "n, features, members, dtype",
    [
        (12, None, Members(2, rg.Bootstrap()), "float64"), (70, None, ALONE, "float64"), (12, 8, ALONE, "float64"),
        (12, 30, Members(2), "float64"), (70, 8, Members(2, rg.Bootstrap()), "float64"), (65, 90, ALONE, "float64"),
        (70, 8, ALONE, "float32"), (12, None, ALONE, "float32"),
    ],
)  # fmt: skip
def test_the_host_finds_what_the_device_finds(n, features, members, dtype):
    tolerance = ROUNDING if dtype == "float64" else 1e-4
    source, keys, noise = sampler(TASK, dtype, "population"), trial_keys(3, n, features, 0, 4), TASK.noise.astype(dtype)
    flow = rg.GradientFlow([1.0, 20.0], ridge=0.1, initial_variance=0.5)
    initial = initial_weights(flow, TASK, source, features, dtype)
    ridges, filters = np.array([0.1, 1.0], dtype), spectral_filters(flow, dtype)
    host, device = (
        [
            risk(source, keys, n, features, ridges, noise, batched, members),
            trajectory(source, keys, n, features, filters, initial, noise, batched, members),
        ]
        for batched in (False, True)
    )
    for here, there in zip(host, device, strict=True):
        for name, values in vars(here).items():
            assert isinstance(values, np.ndarray) and values.dtype == dtype, name
            expected = np.asarray(vars(there)[name])
            assert np.allclose(values, expected, rtol=tolerance, atol=tolerance * np.abs(expected).max()), name


@pytest.mark.parametrize("kind", ["population", "rest"])
def test_examples_on_the_host_are_those_on_the_device(kind):
    inputs = np.random.default_rng(0).standard_normal((80, 6))
    task = rg.DataTask(inputs, inputs[:, :3] @ [1.0, 0.5, 0.2], rg.RandomFeatureMap(12, "tanh"), noise=0.2).eigen
    source, keys, ridges = sampler(task, "float64", kind), trial_keys(3, 20, 8, 0, 4), np.array([0.1])
    host, device = (risk(source, keys, 20, 8, ridges, task.noise, batched) for batched in (False, True))
    for name, values in vars(host).items():
        assert np.allclose(values, vars(device)[name], rtol=ROUNDING), name


def test_random_numbers_are_those_of_jax():
    key, host = jax.random.key(12345678901, impl="threefry2x32"), HostKey(12345678901 >> 32, 12345678901 & 0xFFFFFFFF)

    def words(key):
        return tuple(jax.random.key_data(key).tolist())

    assert words(key) == host and words(jax.random.fold_in(key, 77)) == fold_in(host, 77)
    assert [words(each) for each in jax.random.split(key, 5)] == split(host, 5)
    for below in (1, 3, 1797, 1 << 16, (1 << 16) + 1, (1 << 30) + 5):
        assert np.array_equal(integers(key, 500, below), integers(host, 500, below))
    for count in (1, 2, 10, 5000):
        assert np.array_equal(permutation(key, count), permutation(host, count))
    for shapes in ([(3,)], [(100, 7), (5, 2)], [(300, 900), (7, 3), (BLOCK,)]):
        drawn = (standard_normals(each, "float64", *shapes) for each in (key, host))
        assert all(map(np.array_equal, *drawn))
    for n, modes in ((5, 3), (300, 300), (3, BLOCK), (4, 2 * BLOCK + 5)):
        scale = np.linspace(1.0, 2.0, modes)
        rows = normal_rows(host, n, scale)
        assert np.array_equal(normal_rows(key, n, jnp.asarray(scale)), rows)
        assert np.array_equal(normal_rows(host, n - 2, scale), rows[:-2])
