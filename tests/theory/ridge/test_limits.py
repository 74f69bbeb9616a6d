"""Limits, second routes and symmetries of the exact risk."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rfgen as rg
from rfgen.theory.ridge.risk import risk
from tests.oracles.dense import dense_risk

INDEX = np.arange(1.0, 41.0)
VARIABLES = ("test", "train", "bias", "variance", "noise", "norm")


def point(task, learner, n):
    curve = rg.predict(task, learner, n)
    return {name: float(curve[name]) for name in (*VARIABLES, "kappa", "gamma")}


def close(left, right, rel, floor=1e-300):
    for name in left:
        assert left[name] == pytest.approx(right[name], rel=rel, abs=floor), name


@pytest.mark.parametrize("ridge", [0.0, 1e-3, 1.0])
def test_many_features_are_the_kernel(ridge):
    task = rg.Task.power_law(1.5, 1.4, 0.3, modes=500)
    kernel = point(task, rg.Learner(rg.Ridge(ridge)), 60)
    gaps = []
    for features in (1e8, 1e10, 1e12):
        wide = point(task, rg.Learner(rg.Ridge(ridge), features=features), 60)
        gaps.append(abs(wide["test"] / kernel["test"] - 1))
        close(wide, kernel, 1e3 / features + 1e-12)
    assert gaps[0] > 50 * gaps[1] > 0  # the approach is of order 1/features


@pytest.mark.parametrize("features", [None, 30, 80])
def test_ridge_to_infinity_is_the_null_risk(features):
    task = rg.Task.power_law(1.5, 1.4, 0.3, modes=500)
    curve = rg.predict(task, rg.Learner(rg.Ridge([1e6, 1e12, 1e300]), features=features), 60)
    assert float(curve.test[-1]) == pytest.approx(task.null_risk, rel=1e-12)
    assert float(curve.train[-1]) == pytest.approx(task.null_risk, rel=1e-12)
    assert np.all(np.diff(np.abs(curve.test - task.null_risk)) <= 0)


@pytest.mark.parametrize(("n", "features"), [(30, None), (30, 20), (30, 60), (100, None), (100, 60), (100, 20)])
def test_ridge_to_zero_is_ridge_zero(n, features):
    task = rg.Task(INDEX**-1.2, INDEX**-1.5, 0.2)
    exact = point(task, rg.Learner(rg.Ridge(0.0), features=features), n)
    near = point(task, rg.Learner(rg.Ridge(1e-14), features=features), n)
    close({name: near[name] for name in ("test", "bias", "noise")}, exact, 1e-9, floor=1e-12)


@pytest.mark.parametrize("gamma_ratio", [0.1, 0.5, 0.9, 1.5, 3.0, 10.0])
def test_isotropic_least_squares(gamma_ratio):
    # arXiv 1903.08560: gamma = dim / n; sigma^2 gamma/(1-gamma), or r^2 (1-1/gamma) + sigma^2/(gamma-1)
    n, noise = 200, 0.7
    dim = round(gamma_ratio * n)
    ratio = dim / n
    excess = noise * ratio / (1 - ratio) if ratio < 1 else (1 - 1 / ratio) + noise / (ratio - 1)
    curve = rg.predict(rg.Task.isotropic(dim, 1.0, noise), rg.Learner(rg.Ridge(0.0)), n)
    assert float(curve.test) == pytest.approx(excess + noise, rel=1e-13)


@pytest.mark.parametrize(("n", "features"), [(25, math.inf), (25, 15.0), (25, 60.0), (90, 50.0)])
def test_equals_the_dense_engine(n, features):
    eigenvalues, power, noise, ridge = INDEX**-1.3, INDEX**-1.1, 0.4, 0.05
    teacher = np.sqrt(power / eigenvalues)
    group = {"rows": n, "weight": 1 / n, "covariance": np.diag(eigenvalues), "teacher": teacher, "residual": noise}
    population = {"covariance": np.diag(eigenvalues), "teacher": teacher, "noise": noise}
    dense = dense_risk([group], features, ridge / n, population)
    ours = point(rg.Task(eigenvalues, power, noise), rg.Learner(rg.Ridge(ridge), features=features), n)
    assert ours["test"] == pytest.approx(dense["test"], rel=1e-10)
    assert ours["bias"] == pytest.approx(dense["bias"], rel=1e-10)
    assert ours["train"] == pytest.approx(dense["train"][0], rel=1e-10)
    assert ours["norm"] == pytest.approx(dense["alpha"], rel=1e-10)


def test_every_observable_is_a_derivative():
    """Training error is dL/dn-like: the minimum of the objective per row, and its slope in the ridge is the norm."""
    task = rg.Task(INDEX**-1.3, INDEX**-1.1, 0.4)
    with jax.enable_x64(True):
        for n, features in ((25.0, math.inf), (25.0, 40.0), (60.0, 30.0)):

            def objective(ridge, n=n, features=features):
                at = risk(task.modes, n, features, ridge, 0.4)
                return n * at.train + ridge * at.norm  # sum of squares plus penalty at the minimum

            slope = jax.grad(objective)(0.3)
            norm = risk(task.modes, n, features, 0.3, 0.4).norm
            assert float(slope) == pytest.approx(float(norm), rel=1e-10)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    n=st.floats(1.0, 1e4), features=st.floats(1.0, 1e4), ridge=st.floats(0.0, 1e3), noise=st.floats(0.0, 10.0),
    alpha=st.floats(0.5, 4.0), beta=st.floats(0.5, 3.0), scale=st.floats(1e-3, 1e3),
)
def test_properties(n, features, ridge, noise, alpha, beta, scale):
    index = np.arange(1.0, 301.0)
    task = rg.Task(index**-alpha, index**-beta, noise)
    at = rg.predict(task, rg.Learner(rg.Ridge(ridge), features=features), n)
    assert bool(at.converged)
    for name in VARIABLES:
        assert float(at[name]) >= 0.0
    assert float(at.test) == pytest.approx(float(at.bias + at.variance + at.noise), rel=1e-13)
    assert float(at.train) <= float(at.test) * (1 + 1e-12)
    # the kernel's scale is the ridge's, the target's scale is the risk's
    scaled = rg.Task(scale * index**-alpha, index**-beta, noise)
    same = rg.predict(scaled, rg.Learner(rg.Ridge(ridge * scale), features=features), n)
    if np.isfinite(float(at.test)):
        assert float(same.test) == pytest.approx(float(at.test), rel=1e-8)


def test_vmap_is_the_stack_of_scalars():
    task = rg.Task.power_law(1.4, 1.2, 0.1, modes=1000)
    n = np.array([3.0, 40.0, 1000.0, 3000.0])
    features = np.array([math.inf, 40.0, 30.0, 500.0])
    ridge = np.array([0.0, 1e-9, 1.0, 1e5])
    with jax.enable_x64(True):
        stacked = jax.vmap(risk, in_axes=(None, 0, 0, 0, None))(task.modes, n, features, ridge, 0.1)
        for i in range(4):
            single = risk(task.modes, n[i], features[i], ridge[i], 0.1)
            for name in VARIABLES:
                assert float(getattr(single, name)) == pytest.approx(float(getattr(stacked, name)[i]), rel=1e-13)


def test_infinitely_many_modes_are_the_limit_of_many():
    learner = rg.Learner(rg.Ridge([0.0, 1e-3]), features=[50, np.inf])
    infinite = rg.predict(rg.Task.power_law(1.5, 1.5, 0.5), learner, [20, 100]).test.values
    gaps = [
        np.max(np.abs(rg.predict(rg.Task.power_law(1.5, 1.5, 0.5, modes=modes), learner, [20, 100]).test.values - infinite))
        for modes in (10**3, 10**5, 10**7)
    ]
    # the tail's trace is 2 modes^-1/2: a factor of 10 each
    assert gaps[0] / gaps[1] == pytest.approx(10.0, rel=0.1)
    assert gaps[1] / gaps[2] == pytest.approx(10.0, rel=0.02)


def test_optimal_ridge_of_isotropic_data():
    best = rg.optimal_ridge(rg.Task.isotropic(100, 2.0, 0.5), rg.Learner(rg.Ridge()), n=[20, 100, 500])
    assert best.ridge.values == pytest.approx(100 * 0.5 / 2.0, rel=1e-6)


def test_optimal_ridge_beats_its_neighbours():
    task, learner = rg.Task.power_law(1.5, 1.3, 0.2, modes=2000), rg.Learner(rg.Ridge(), features=[100, 1000])
    best = rg.optimal_ridge(task, learner, n=[50, 400])
    for i, n in enumerate((50, 400)):
        for j, features in enumerate((100, 1000)):
            around = float(best.ridge[i, j]) * np.geomspace(0.01, 100, 41)
            curve = rg.predict(task, rg.Learner(rg.Ridge(around), features=features), n)
            assert float(best.test[i, j]) <= float(curve.test.min()) * (1 + 1e-12)


def test_optimal_ridge_at_the_ends():
    # no noise and a target easier than the kernel: no ridge is best; nothing to learn: infinite ridge
    clean = rg.optimal_ridge(rg.Task.power_law(1.5, 4.0, 0.0), rg.Learner(rg.Ridge()), n=50)
    noise = rg.optimal_ridge(rg.Task([1.0, 0.5], [0.0, 0.0], 1.0), rg.Learner(rg.Ridge()), n=50)
    assert float(clean.ridge) == 0.0
    assert float(noise.ridge) == math.inf
    assert float(noise.test) == pytest.approx(1.0)


def test_optimal_ridge_gradient_vanishes():
    task = rg.Task.power_law(1.5, 1.3, 0.2, modes=2000)
    best = float(rg.optimal_ridge(task, rg.Learner(rg.Ridge()), n=100).ridge)
    with jax.enable_x64(True):
        slope = jax.grad(lambda s: jnp.log(risk(task.modes, 100.0, jnp.inf, jnp.exp(s), 0.2).test))(math.log(best))
    assert abs(float(slope)) < 1e-6
