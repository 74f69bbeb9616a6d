"""Robust regression: published constants, limits, the fit, what no algorithm beats, and agreement with simulations."""

import numpy as np
import pytest
from scipy.optimize import minimize, minimize_scalar

import rfgen as rg
from rfgen.systems.robust import robust_fit

TASK = rg.Task(np.arange(1, 61) ** -1.0, np.arange(1, 61) ** -1.5)


def excess(task, training, n, **learner):
    return rg.predict(task, rg.Learner(training, **learner), n).excess.values


@pytest.mark.parametrize(("share", "rows", "least"), [(0.05, 2, 3.377235781126), (0.2, 4, 4.186370699030)])
def test_the_best_threshold_against_the_worst_contamination(share, rows, least):
    """arXiv 1503.02106: least over thresholds, outliers at infinity, of the variance of a coefficient times n."""
    task = rg.NoisyTask(rg.Task.isotropic(100), rg.ContaminatedNoise(share, outliers=0.0, shift=1e12))
    found = minimize_scalar(
        lambda threshold: float(excess(task, rg.Huber(0.0, threshold), 100 * rows)) * rows, bounds=(0.3, 2.0),
        method="bounded", options={"xatol": 1e-6},
    )
    np.testing.assert_allclose(found.fun, least, rtol=1e-12)


def test_a_large_threshold_is_ridge_regression():
    task, ridges = TASK.with_noise(0.3), [0.0, 1e-6, 0.1, 10.0, 1e6]
    both = rg.Learner(rg.Huber(ridges, 1e6)), rg.Learner(rg.Ridge(ridges))
    huber, plain = (rg.predict(task, learner, n=[20, 200]) for learner in both)
    np.testing.assert_allclose(huber.test, plain.test, rtol=1e-12)
    np.testing.assert_allclose(huber.norm, plain.norm, rtol=1e-12)


def test_absolute_deviations_beat_squares_below_a_ratio():
    """Of Laplace noise: at .3 in Bean et al. (2013)."""
    task = rg.NoisyTask(rg.Task.isotropic(50), rg.LaplaceNoise())
    ratio = excess(task, rg.Absolute(0.0), 50 / np.array([0.01, 0.1, 0.29503, 0.5])) / excess(
        task, rg.Ridge(0.0), 50 / np.array([0.01, 0.1, 0.29503, 0.5])
    )
    np.testing.assert_allclose(ratio, [0.582, 0.777, 1.0, 1.164], atol=6e-4)


def test_nothing_is_below_what_is_possible():
    task, n = rg.NoisyTask(rg.Task.isotropic(100), rg.ContaminatedNoise(0.1, outliers=10.0)), 150
    least = rg.best_possible(task, n).excess
    best = excess(task, rg.Huber(np.geomspace(1.0, 100.0, 9), np.linspace(0.5, 2.0, 4)), n).min()
    assert least < best < 1.5 * least < excess(task, rg.Ridge(np.geomspace(1.0, 1e4, 9)), n).min()
    assert rg.best_possible(rg.NoisyTask(TASK, rg.StudentNoise(2.0)), n).test == np.inf


def test_as_many_rows_as_weights_have_no_finite_risk():
    task = rg.NoisyTask(rg.Task.isotropic(40), rg.LaplaceNoise())
    for training in (rg.Huber(0.0), rg.Absolute(0.0)):
        curve = rg.predict(task, rg.Learner(training), n=[40, 60])
        assert np.isinf(curve.excess[0]) and np.isinf(curve.norm[0]) and np.isfinite(curve.excess[1])
        assert curve.converged.all() and "failures" not in curve.attrs


@pytest.mark.parametrize("n", [30, 8], ids=["more rows", "more columns"])
@pytest.mark.parametrize(("force", "loss"), [
    ((1.0, -0.7, 0.7), lambda r: np.where(np.abs(r) < 0.7, r**2 / 2, 0.7 * np.abs(r) - 0.245)),
    ((0.0, -0.2, 0.8), lambda r: np.maximum(0.8 * r, -0.2 * r)),
], ids=["Huber", "quantile"])
def test_no_step_from_the_fit_lowers_the_objective(n, force, loss):
    rng = np.random.default_rng(1)
    rows, targets = rng.normal(size=(n, 12)), 3.0 + rng.standard_t(2, size=n)
    fit = robust_fit(rows, targets, force, 0.5, intercept=True)

    def objective(x):
        return loss(targets - rows @ x[:-1] - x[-1]).sum() + 0.25 * x[:-1] @ x[:-1]

    here = np.append(fit.weights, fit.intercept)
    least = minimize(objective, here, method="Powell", options={"xtol": 1e-8, "ftol": 1e-12, "maxiter": 40}).fun
    assert bool(fit.converged) and objective(here) <= least * (1 + 1e-9)


@pytest.mark.parametrize(("law", "training", "n", "features"), [
    (rg.StudentNoise(2.0), rg.Huber(3.0, [0.5, 2.0]), [120], 50),
    (rg.ContaminatedNoise(0.1, shift=4.0), rg.Quantile(3.0, 0.8, True), [150], None),
], ids=["Huber, features", "quantile, shifted outliers"])
def test_theory_and_simulation_agree(law, training, n, features):
    report = rg.check(rg.NoisyTask(TASK.with_noise(0.1), law), rg.Learner(training, features=features), n=n, trials=40)
    assert report.agrees, report


def test_refused_in_sentences():
    with pytest.raises(ValueError, match=r"finitely many Gaussian modes, such as rg\.Task"):
        rg.NoisyTask(rg.Task.power_law(1.5, 1.5), rg.LaplaceNoise())
    with pytest.raises(ValueError, match=r"noise must be a law of noise, such as rg\.StudentNoise.*got 0\.3"):
        rg.NoisyTask(TASK, 0.3)
    with pytest.raises(ValueError, match=r"task must be an .*rg\.NoisyTask or rg\.Task to train Huber"):
        rg.predict(rg.Mixture([1.0], [1.0]), rg.Learner(rg.Huber(1.0)), 20)
