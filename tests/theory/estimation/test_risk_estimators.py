"""Estimators of the test risk: against refits, scikit-learn, exact curves, and their own predicted errors."""

import warnings

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import rfgen as rg
from rfgen.numerics.gram import gram_of_features, gram_of_kernel
from rfgen.theory.estimation.leave_out import leave_blocks_out, leave_rows_out
from rfgen.theory.estimation.risk_estimators import estimator_error, risk_estimators

# Worst of a left-out residual against refits, labels of size 1; measured 1e-13.
REFIT = 1e-10
MOST_Z = 4.0
TASK = rg.Task.power_law(alpha=1.5, beta=1.5, noise=0.5, modes=500)


def draw(n, p, seed=0, lonely=False):
    """Features and two labels; `lonely`: row 0 alone has the feature 3, so its leverage at ridge 0 is 1."""
    rng = np.random.default_rng(seed)
    rows, labels = rng.normal(size=(n, p)), rng.normal(size=(n, 2))
    if lonely:
        rows[0], rows[1:, 3] = 0.0, 0.0
        rows[0, 3] = 2.0
    return rows, labels


def singles(n):
    return [np.array([i]) for i in range(n)]


def refitted(kernel, labels, blocks, ridge, time=np.inf, views=1, clean=None):
    """Residuals on each block of the fit to the others, solved again without it; on `clean` too."""
    residuals, at_clean = np.empty_like(labels), []
    for rows in blocks:
        kept = np.setdiff1d(np.arange(labels.shape[0]), rows)
        values, vectors = np.linalg.eigh(kernel[np.ix_(kept, kept)] / views)
        live = values > 1e-10 * values[-1]
        values = np.where(live, values, 0.0) + ridge
        positive = np.where(values > 0.0, values, 1.0)
        filters = -np.expm1(-positive * time * views / kept.size) / positive
        dual = vectors @ (np.where(live, filters, 0.0)[:, None] * (vectors.T @ labels[kept])) / views
        residuals[rows] = labels[rows] - kernel[np.ix_(rows, kept)] @ dual
        if clean is not None:
            at_clean.append(labels[rows].mean(axis=0) - clean[len(at_clean), kept] @ dual)
    return residuals, np.array(at_clean)


SHAPES = [(30, 60, False), (30, 10, False), (30, 10, True), (12, 12, False)]


@pytest.mark.parametrize("ridge", [0.0, 1e-300, 1e-3, 1.0, 1e300])
@pytest.mark.parametrize(("n", "p", "lonely"), SHAPES)
def test_left_out_rows_and_blocks_are_refits(n, p, lonely, ridge):
    rows, labels = draw(n, p, lonely=lonely)
    kernel = rows @ rows.T
    blocks = [np.array([0, 5, 2]), np.array([7, 1]), *(np.array([i]) for i in range(n) if i not in (0, 5, 2, 7, 1))]
    effective = ridge if ridge > 1e-200 else 0.0
    one, many = (refitted(kernel, labels, each, effective)[0] for each in (singles(n), blocks))
    # the refit's own rounding, where the null space of the kernel is seen at 1e-16/ridge
    allowed = 1e-9 if ridge == 1e-3 and p < n else REFIT
    for gram in (gram_of_kernel(kernel), gram_of_features(rows)):
        found = risk_estimators(gram, labels, ridge)
        assert np.max(np.abs(found.loo - np.mean(one**2, axis=0))) < allowed
        assert np.max(np.abs(leave_rows_out(gram, labels, ridge).residuals - one)) < allowed
        assert np.max(np.abs(leave_blocks_out(gram, labels, blocks, ridge).residuals - many)) < allowed


@pytest.mark.parametrize("ridge", [0.0, 0.3])
@pytest.mark.parametrize("time", [1e-30, 0.01, 1.0, 30.0, 1e4, 1e8, np.inf])
@pytest.mark.parametrize(("n", "p"), [(30, 60), (31, 45), (30, 10)])
def test_flow_without_a_row_is_trained_without_it(n, p, time, ridge):
    rows, labels = draw(n, p)
    found = leave_rows_out(gram_of_features(rows), labels, ridge, time, with_matrix=True)
    assert np.max(np.abs(found.residuals - refitted(rows @ rows.T, labels, singles(n), ridge, time)[0])) < REFIT
    assert np.max(np.abs(found.matrix @ labels - found.residuals)) < 1e-13


@pytest.mark.parametrize(("ridge", "time"), [(0.0, np.inf), (0.2, np.inf), (0.0, 3.0), (0.2, 100.0)])
@pytest.mark.parametrize("p", [100, 12])
def test_views_are_left_out_together(p, ridge, time):
    """Three views of 20 samples; the clean inputs see the fit to all views but their own."""
    clean, labels = draw(20, p)
    rng = np.random.default_rng(1)
    rows, labels = np.repeat(clean, 3, axis=0) + 0.5 * rng.normal(size=(60, p)), np.repeat(labels, 3, axis=0)
    blocks, cross = list(np.arange(60).reshape(20, 3)), clean @ rows.T
    residuals, at_clean = refitted(rows @ rows.T, labels, blocks, ridge, time, 3, cross)
    found = leave_blocks_out(gram_of_features(rows), labels, blocks, ridge, time, 3, cross, with_matrix=True)
    for value, matrix, expected in (
        (found.residuals, found.matrix, residuals), (found.clean, found.clean_matrix, at_clean),
    ):
        assert np.max(np.abs(value - expected)) < REFIT
        assert np.max(np.abs(matrix @ labels - value)) < 1e-12

    times = {} if time == np.inf else {"time": time}
    for data, inputs in ((rows, clean), (rows @ rows.T, cross)):
        given = rg.estimate_risk(data, labels, ridge, views=3, clean=inputs, **times)
        np.testing.assert_allclose(given.loo, np.mean(residuals**2, axis=0), rtol=1e-9)
        np.testing.assert_allclose(given.loo_clean, np.mean(at_clean**2, axis=0), rtol=1e-9)
        once = rg.estimate_risk(data, labels[::3], ridge, views=3, clean=inputs, **times)
        np.testing.assert_array_equal(once.loo_clean, given.loo_clean)
    assert "gcv" not in given and given.loo_se.shape == (2,)


def test_views_estimate_the_clean_risk():
    """60 isotropic inputs with noise on three views of 50 samples: rows one by one are far too hopeful."""
    task = rg.Task.isotropic(60, signal=1.0, noise=0.5)
    learner = rg.Learner(rg.Ridge(0.5), augmentation=rg.GaussianNoise(0.3, views=3))
    expected = float(rg.predict(task, learner, 49).test)
    rng, found = np.random.default_rng(5), []
    for _ in range(150):
        clean, target = rng.normal(size=(50, 60)), rng.normal(size=60) / 60**0.5
        labels = clean @ target + 0.5**0.5 * rng.normal(size=50)
        rows = np.repeat(clean, 3, axis=0) + 0.3**0.5 * rng.normal(size=(150, 60))
        each = rg.estimate_risk(rows, labels, 0.5, views=3, clean=clean)
        wrong = rg.estimate_risk(rows, np.repeat(labels, 3), 1.5)
        found.append([float(value) for value in (each.loo_clean, each.loo_clean_se, each.loo, wrong.gcv)])
    found = np.array(found)
    error = found[:, 0].std(ddof=1)
    assert abs(found[:, 0].mean() - expected) < MOST_Z * error / 150**0.5
    # the risk on views is higher, and rows left out one by one are still known by their siblings
    assert found[:, 2].mean() > 1.05 * expected and found[:, 3].mean() < 0.9 * expected
    assert 0.75 < error / found[:, 1].mean() < 1.25


def test_identical_views_are_one_row():
    rows, labels = draw(15, 40)
    plain = rg.estimate_risk(rows, labels, [0.0, 0.1])
    copies = rg.estimate_risk(np.repeat(rows, 4, axis=0), labels, [0.0, 0.1], views=4, clean=rows)
    for name in ("loo", "loo_clean"):
        np.testing.assert_allclose(copies[name], plain.loo, rtol=1e-9)
    np.testing.assert_allclose(copies.train, plain.train, atol=1e-12)
    np.testing.assert_allclose(copies.df1, plain.df1, rtol=1e-12)


@pytest.mark.parametrize("ridge", [1e-3, 0.5, 20.0])
def test_gcv_is_kare(ridge):
    """KARE: (1/n) y'(K/n + l)^-2 y / ((1/n) tr (K/n + l)^-1)^2 with l = ridge/n."""
    rows, labels = draw(40, 70)
    scaled = np.linalg.inv(rows @ rows.T / 40 + ridge / 40 * np.eye(40))
    kare = np.mean((scaled @ labels) ** 2, axis=0) / (np.trace(scaled) / 40) ** 2
    found = risk_estimators(gram_of_features(rows), labels, ridge)
    np.testing.assert_allclose(found.gcv, kare, rtol=1e-12)
    np.testing.assert_allclose(found.kappa, 1.0 / np.trace(scaled / 40), rtol=1e-12)
    np.testing.assert_allclose(found.df1, 40 - ridge / found.kappa, rtol=1e-12)


def test_leave_one_out_is_scikit_learns():
    linear = pytest.importorskip("sklearn.linear_model")
    rows, labels = draw(50, 20)
    ridges = np.geomspace(1e-2, 1e3, 7)
    oracle = linear.RidgeCV(ridges, fit_intercept=False, store_cv_results=True).fit(rows, labels)
    found = rg.estimate_risk(rows, labels, ridges)
    np.testing.assert_allclose(found.loo.values.T, oracle.cv_results_.mean(axis=0), rtol=1e-10)
    assert found.attrs["best_loo_ridge"] == oracle.alpha_
    fit = linear.Ridge(ridges[2], fit_intercept=False).fit(rows, labels)
    np.testing.assert_allclose(found.train[2], np.mean((labels - fit.predict(rows)) ** 2, axis=0), rtol=1e-10)


def estimates(n, ridge, features=None, trials=200, signal=1.0, **options):
    """gcv, loo and their standard errors over `trials` training sets of TASK, (trials, 4)."""
    rng = np.random.default_rng(3)
    modes = np.arange(1, 501)
    found = []
    for _ in range(trials):
        phi = rng.normal(size=(n, 500))
        labels = signal * phi @ modes**-0.75 + 0.5**0.5 * rng.normal(size=n)
        rows = phi * modes**-0.75
        if features:
            rows = rows @ rng.normal(size=(500, features)) / features**0.5
        each = rg.estimate_risk(rows, labels, ridge, kind="features", **options)
        found.append([float(each[name]) for name in ("gcv", "loo", "gcv_se", "loo_se")])
    return np.array(found)


@pytest.mark.parametrize(
    ("n", "ridge", "features"), [(50, 0.0, None), (50, 0.05, None), (200, 0.05, None), (120, 0.0, 80), (120, 0.05, 80)]
)
def test_unbiased_and_of_the_predicted_error(n, ridge, features):
    found = estimates(n, ridge, features)
    learner = rg.Learner(rg.Ridge(ridge), features=features)
    error = np.std(found[:, :2], axis=0, ddof=1)
    # leave-one-out knows n - 1 samples
    for column, samples in ((0, n), (1, n - 1)):
        expected = float(rg.predict(TASK, learner, samples).test)
        assert abs(found[:, column].mean() - expected) < MOST_Z * error[column] / len(found) ** 0.5
    seen = error / found[:, :2].mean(axis=0)
    with jax.enable_x64(True):
        ahead = float(estimator_error(TASK.modes, n, np.inf if features is None else float(features), ridge))
    # measured 0.85 ... 1.01; 200 trials know a deviation to 5 %
    assert np.all((seen / ahead > 0.75) & (seen / ahead < 1.25))
    own = found[:, 2:].mean(axis=0) / found[:, :2].mean(axis=0)
    # measured 1.7 %
    np.testing.assert_allclose(own, ahead, rtol=0.04)


def test_the_error_of_pure_noise():
    """Without a target the prediction is exact for gcv: 2 S_4 / S_2^2, beside the scatter of a variance over 400 trials."""
    found = estimates(60, 0.05, trials=400, signal=0.0)
    predicted = np.sqrt(np.mean(found[:, 2] ** 2))
    assert abs(np.std(found[:, 0]) / predicted - 1.0) < 0.15


def test_early_stopping():
    """100 samples of 150 isotropic inputs: the risk falls and rises; leave-one-out follows, gcv does not."""
    times = np.array([30.0, 150.0, 600.0])
    task = rg.Task([1 / 150], [2.25], 1.0, [150])
    expected = rg.predict(task, rg.Learner(rg.GradientFlow(times)), 99).test.values
    np.testing.assert_allclose(
        rg.predict(task, rg.Learner(rg.GradientFlow(times)), 100).test, [2.70, 2.40, 2.72], atol=0.02
    )
    rng = np.random.default_rng(0)
    found = []
    for trial in range(100):
        rows = rng.normal(size=(100, 150)) / 150**0.5
        labels = rows @ (1.5 * rng.normal(size=150)) + rng.normal(size=100)
        if trial == 0:
            with pytest.warns(UserWarning, match="gcv is inconsistent for early-stopped gradient flow"):
                each = rg.estimate_risk(rows, labels, time=times)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            each = rg.estimate_risk(rows, labels, time=times)
        found.append([each.gcv.values, each.loo.values, each.loo_se.values])
    gcv, loo, error = np.moveaxis(np.array(found), 1, 0)
    assert np.all(np.abs(loo.mean(axis=0) - expected) < MOST_Z * loo.std(axis=0) / 100**0.5)
    assert gcv.mean(axis=0)[2] > 1.5 * expected[2]
    # labels that are mostly signal: the prediction is on the safe side (measured 0.75 ... 0.83)
    assert np.all((loo.std(axis=0) / error.mean(axis=0) > 0.6) & (loo.std(axis=0) / error.mean(axis=0) < 1.1))


@pytest.mark.parametrize(
    ("n", "features", "ridge"),
    [(50, np.inf, 0.05), (100, np.inf, 0.02), (120, 80, 0.01), (80, 120, 0.01), (80, 80, 0.01), (50, 500, 0.1)],
)
def test_error_by_derivatives_of_the_effective_ridge(n, features, ridge):
    """S_1 = 1/kappa(ridge), S_2 = -S_1', S_4 = -S_1'''/6, by a polynomial through the exact curve.

    Triple `jax.grad` agrees to 1e-15, at ridges down to 1e-5 too, but compiles for half a minute.
    """
    nodes = np.polynomial.chebyshev.chebpts1(16)
    learner = rg.Learner(rg.Ridge(ridge * (1.0 + 0.3 * nodes)), features=features)
    inverse = np.polynomial.Chebyshev.fit(0.3 * nodes, 1.0 / rg.predict(TASK, learner, n).kappa.values, 15)
    expected = np.sqrt(-inverse.deriv(3)(0.0) / (3.0 * ridge)) / -inverse.deriv(1)(0.0)
    with jax.enable_x64(True):
        # measured 4e-8, rounding of the third derivative
        np.testing.assert_allclose(estimator_error(TASK.modes, n, features, ridge), expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("n", "features", "ridge", "expected"),
    [
        (120, 80, 0.0, (2 / 40) ** 0.5), (120, 80, 1e-300, (2 / 40) ** 0.5), (600, np.inf, 0.0, (2 / 100) ** 0.5),
        (600, 500, 0.0, (2 / 100) ** 0.5), (80, 120, 1e300, (2 / 80) ** 0.5), (500, np.inf, 0.0, 2**0.5),
        (80, 80, 0.0, 2**0.5),
    ],
)
def test_error_at_the_ends(n, features, ridge, expected):
    """Noise alone in n - rank directions, n labels untouched, one eigenvalue that rules."""
    with jax.enable_x64(True):
        assert abs(float(estimator_error(TASK.modes, n, features, ridge)) / expected - 1.0) < 1e-9


def test_traceable():
    rows, labels = draw(20, 30)
    gram = gram_of_features(rows)
    with jax.enable_x64(True):
        given = jnp.asarray(labels[:, 0])
        slope = jax.jit(jax.grad(lambda ridge: risk_estimators(gram, given, ridge).loo))(2.0)
    high, low = (risk_estimators(gram, labels[:, 0], 2.0 + step).loo for step in (1e-5, -1e-5))
    assert abs(float(slope) - (high - low) / 2e-5) < 1e-8
