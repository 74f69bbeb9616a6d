"""The fits against scikit-learn and against each other; the two ways of drawing features have one law."""

import gc

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import Ridge

import rfgen as rg
from rfgen.problems.kernels.feature_maps import ACTIVATIONS
from rfgen.simulation import arrays
from rfgen.simulation.fits import ridge_fit
from rfgen.simulation.fits.ridge_fit import _ridge_path, fit_kernel, fit_random_features
from rfgen.simulation.fits.ridge_path import gentle, solutions
from rfgen.simulation.runs import kernel_rows
from rfgen.simulation.sampling.samplers import GaussianSampler, sampler


@pytest.fixture(autouse=True)
def _double():
    with jax.enable_x64(True):
        yield


@pytest.mark.parametrize(("n", "p"), [(30, 12), (12, 30), (20, 20)])
def test_ridge_path_is_scikit_learns(n, p):
    rng = np.random.default_rng(n)
    design, labels = rng.standard_normal((n, p)), rng.standard_normal((n, 2))
    ridges = np.array([0.0, 1e-3, 1.0, 1e6])
    weights, residuals = _ridge_path(jnp.asarray(design), jnp.asarray(labels), jnp.asarray(ridges))
    for r, ridge in enumerate(ridges):
        if ridge == 0.0:
            expected = np.linalg.lstsq(design, labels, rcond=None)[0].T
        else:
            expected = Ridge(alpha=ridge, fit_intercept=False, solver="svd").fit(design, labels).coef_
        assert np.allclose(weights[r], expected, rtol=1e-8, atol=1e-10)
        assert np.allclose(residuals[r], (labels - design @ expected.T).T, rtol=1e-6, atol=1e-10)


def test_ridge_is_scikit_learns_alpha():
    """The convention row `ridge`: KernelRidge(alpha) on the same kernel predicts the same."""
    task = rg.Task.power_law(1.5, 1.5, modes=60)
    sample = sampler(task, "float64", "population").draw(jax.random.key(0), jax.random.key(1), 25)
    fit = fit_kernel(sample, sample.targets, jnp.array([0.37]))
    gram = np.asarray(sample.rows @ sample.rows.T)
    dual = KernelRidge(alpha=0.37, kernel="precomputed").fit(gram, np.asarray(sample.targets)).dual_coef_
    assert np.allclose(fit.weights[0, 0], np.asarray(sample.rows).T @ dual[:, 0], rtol=1e-9)
    assert np.allclose(fit.residuals[0, 0], np.asarray(sample.targets)[:, 0] - gram @ dual[:, 0], atol=1e-10)


def test_rank_deficient_fits_are_of_minimum_norm():
    design = np.repeat(np.random.default_rng(0).standard_normal((5, 8)), 2, axis=0)  # every row twice
    labels = np.random.default_rng(1).standard_normal((10, 1))
    weights, residuals = _ridge_path(jnp.asarray(design), jnp.asarray(labels), jnp.zeros(1))
    expected = np.linalg.pinv(design) @ labels
    assert np.allclose(weights[0, 0], expected[:, 0], atol=1e-10)
    assert np.allclose(residuals[0, 0], (labels - design @ expected)[:, 0], atol=1e-10)


def measure(modes, n, features, count, conditional):
    """Test errors of random features drawn given the rows (n < modes) or directly, on one spectrum."""
    # padding with all but empty modes switches the way of drawing, not the problem
    eigenvalues = 1.0 / np.arange(1.0, modes + 1)
    pad = max(0, n + 1 - modes) if conditional else 0
    scale = jnp.asarray(np.concatenate([np.sqrt(eigenvalues), np.full(pad, 1e-30)]))
    coefficients = jnp.asarray(np.concatenate([eigenvalues, np.zeros(pad)])[None])
    source = GaussianSampler(scale, coefficients, jnp.zeros(()), jnp.zeros(1))

    def one(key):
        rows, noise, feature = jax.random.split(key, 3)
        sample = source.draw(rows, rows, n)
        labels = sample.targets + 0.3 * jax.random.normal(noise, (n, 1))
        fit = fit_random_features(feature, sample, labels, jnp.array([0.05, 1.0]), features)
        error = fit.weights[:, 0] * scale - coefficients[0]
        return jnp.sum(error**2, axis=-1), jnp.mean(fit.residuals[:, 0] ** 2, axis=-1), fit.gram[:, 0, 0]

    return [np.asarray(part) for part in jax.jit(jax.vmap(one))(jax.random.split(jax.random.key(3 + conditional), count))]


@pytest.mark.parametrize(("modes", "n", "features"), [(12, 12, 8), (10, 14, 30), (8, 20, 8)])
def test_conditional_and_direct_draws_have_one_law(modes, n, features):
    for conditional, direct in zip(
        measure(modes, n, features, 3000, True), measure(modes, n, features, 3000, False), strict=True
    ):
        for ridge in range(2):
            assert scipy.stats.ks_2samp(conditional[:, ridge], direct[:, ridge]).pvalue > 1e-4


def test_features_tend_to_the_kernel():
    task, key = rg.Task.power_law(1.5, 1.5, modes=60), jax.random.key(0)
    sample = sampler(task, "float64", "population").draw(key, key, 25)
    kernel = fit_kernel(sample, sample.targets, jnp.array([0.3])).weights[0, 0]
    gaps = []
    for features in (10**3, 10**5):
        wide = fit_random_features(jax.random.key(2), sample, sample.targets, jnp.array([0.3]), features).weights[0, 0]
        gaps.append(float(jnp.linalg.norm(wide - kernel) / jnp.linalg.norm(kernel)))
    # fluctuations of order features^-1/2
    assert gaps[1] < 0.05 and gaps[1] < 0.3 * gaps[0]


def test_population_risk_is_the_mean_over_its_rows():
    """A fit's sum over modes equals the mean squared error over all examples of the population."""
    inputs, labels = rg.datasets.digits()
    task = rg.DataTask(inputs, labels, rg.RandomFeatureMap(50, "relu", seed=2), sampling="with replacement").eigen
    sample = sampler(task, "float64", "population").draw(jax.random.key(0), jax.random.key(0), 80)
    weights = fit_kernel(sample, sample.targets, jnp.array([0.1])).weights[0, 0]
    by_modes = float(jnp.sum((weights * sample.probe - sample.truth[0]) ** 2) + sample.floor[0])
    predictions = task.population.coordinates @ np.asarray(weights)
    assert by_modes == pytest.approx(np.mean((labels - predictions) ** 2), rel=1e-9)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("size", [1, 2, 3, 40])
def test_both_routes_of_a_ridge_path_solve_it(size, dtype):
    random = np.random.default_rng(size)
    root, columns = random.normal(size=(size, size + 3)), random.normal(size=(size, 2)).astype(dtype)
    matrix = (root @ root.T).astype(dtype)
    ridges = (np.trace(matrix) * np.geomspace(1e-2, 1.0, 7)).astype(dtype)
    exact = [np.linalg.solve(matrix + ridge * np.eye(size), columns).T for ridge in ridges.astype(float)]
    assert gentle(matrix, ridges) and not gentle(matrix, ridges * 0.0) and not gentle(matrix, ridges * np.inf)
    for few in (0, 100):
        found = solutions(matrix, columns, ridges, few)
        assert found.dtype == dtype
        np.testing.assert_allclose(found, exact, rtol=0.0, atol=200 * np.finfo(dtype).eps * np.abs(exact).max())


@pytest.mark.parametrize("sampling", ["without replacement", "with replacement"])
@pytest.mark.parametrize("ridges", [[0.1, 1.0], [0.01, 0.1, 1.0, 3.0, 10.0, 30.0], [0.0, 0.1]])
def test_every_route_of_a_simulation_gives_its_numbers(sampling, ridges, monkeypatch):
    """Kernel or coordinates, Cholesky, tridiagonal or eigenvectors."""
    rows = np.random.default_rng(0).normal(size=(60, 4))
    kernel = np.exp(-0.1 * np.sum((rows[:, None] - rows) ** 2, axis=-1))
    task, learner = rg.Task.from_kernel(kernel, rows[:, :2], noise=0.1, sampling=sampling), rg.Learner(rg.Ridge(ridges))
    by_kernel = rg.simulate(task, learner, [20, 45], trials=6)
    monkeypatch.setattr(kernel_rows, "SHARE", 0.0)
    by_rows = rg.simulate(task, learner, [20, 45], trials=6)
    monkeypatch.setattr(ridge_fit, "gentle", lambda *_: False)
    by_eigenvectors = rg.simulate(task, learner, [20, 45], trials=6)
    for name in by_kernel:
        for other in (by_rows, by_eigenvectors):
            np.testing.assert_allclose(by_kernel[name], other[name], rtol=1e-8 if name.endswith("_se") else 1e-10)


@pytest.mark.parametrize("name", ["tanh", "cos", "sign", "relu"])
def test_activations_of_numpy_are_those_of_jax(name):
    function, values = ACTIVATIONS[name], np.linspace(-3.0, 3.0, 101).reshape(1, -1)
    assert function in arrays.NUMPYS
    np.testing.assert_allclose(arrays.elementwise(function, values), function(jnp.asarray(values)), atol=1e-15)


def test_kernels_in_pieces():
    kernel, values = rg.NTK("relu", depth=2), np.linspace(-1.0, 1.0, arrays.IN_CACHE + 3)
    np.testing.assert_allclose(arrays.elementwise(kernel, values), kernel(jnp.asarray(values)), rtol=1e-13)


@pytest.mark.parametrize("columns", [1, 3, 9])
def test_solutions_by_a_factor(columns):
    rows = np.random.default_rng(0).standard_normal((70, 90))
    right, matrix = rows[:, :columns], rows @ rows.T
    np.testing.assert_allclose(matrix @ arrays.cholesky_solve(arrays.cholesky(matrix), right), right, atol=1e-9)


def test_the_kernel_of_the_last_task_is_kept():
    rows = np.random.default_rng(0).standard_normal((30, 40))
    task, learner = rg.Task.from_kernel(rows @ rows.T, rows[:, 0]), rg.Learner(rg.Ridge(1.0))
    runs = [rg.simulate(task, learner, 20, trials=6) for _ in range(2)]
    assert kernel_rows._Last.kept is not None and runs[0].identical(runs[1])
    del task, runs
    gc.collect()
    assert kernel_rows._Last.kept is None
