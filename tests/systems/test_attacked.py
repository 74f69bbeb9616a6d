"""Least squares under attack: limits, the fit, published cases, and agreement with simulations."""

import jax
import numpy as np
import pytest
from scipy.optimize import minimize_scalar

import rfgen as rg
from rfgen.systems.robust import attacked_regression, attacked_squares

TASK = rg.Task(np.arange(1, 61) ** -1.0, np.arange(1, 61) ** -1.5, noise=0.1)


def attacked(ridge, radius, **training):
    return rg.Learner(rg.AdversarialTraining(rg.Ridge(ridge, **training), radius))


def test_no_attack_is_ridge_regression():
    ridges, n = [0.0, 0.1, 10.0], [30, 200]
    found = rg.predict(TASK, attacked(ridges, [0.0, 1e-9]), n)
    plain = rg.predict(TASK, rg.Learner(rg.Ridge(ridges)), n)
    np.testing.assert_allclose(found.test.sel(radius=0.0), plain.test, rtol=1e-12)
    np.testing.assert_allclose(found.norm.sel(radius=1e-9), plain.norm, rtol=1e-6)


def test_endless_rows_see_the_population():
    """Its minimum is over the length of the weights alone."""
    one, radius, noise = np.ones(1), 0.5, 0.25
    with jax.enable_x64(True):
        found = attacked_regression((one, 50 * one, one), (one, 0 * one, noise**0.5 * one), 5e9, radius)

    def risk(length):
        square = (1.0 - length) ** 2 + noise
        return square + 2.0 * radius * length * np.sqrt(2.0 / np.pi * square) + (radius * length) ** 2

    least = minimize_scalar(risk, bounds=(0.0, 1.0), method="bounded", options={"xatol": 1e-12})
    np.testing.assert_allclose([float(found.robust), float(found.norm) ** 0.5], [least.fun, least.x], rtol=1e-7)


def test_a_strong_attack_leaves_no_weights():
    n = 60
    size = np.sqrt(TASK.power.sum() + TASK.noise[0])
    pull = np.sqrt(n**2 * (TASK.eigenvalues @ TASK.power[0]) + n * size**2 * TASK.eigenvalues.sum())
    edge = pull / (n * size * np.sqrt(2.0 / np.pi))  # theory (18.5)
    found = rg.predict(TASK, attacked([0.0, 1.0], edge * np.array([0.999, 1.0001])), n)
    assert (found.norm[..., 0] > 0.0).all() and (found.norm[..., 0] < 1e-5).all() and (found.norm[..., 1] == 0.0).all()
    np.testing.assert_allclose(found.test[..., 1], size**2, rtol=1e-12)
    np.testing.assert_allclose(found.robust_test[..., 0], found.test[..., 1], rtol=1e-3)
    assert rg.simulate(TASK, attacked(0.0, 2.0 * edge), n, trials=2).norm == 0.0


@pytest.mark.parametrize(("n", "intercept"), [(60, True), (12, False)], ids=["more rows", "more columns"])
def test_no_step_from_the_fit_lowers_the_objective(n, intercept):
    rng = np.random.default_rng(1)
    rows, targets = rng.normal(size=(n, 20)), 2.0 * intercept + rng.standard_t(3, size=n)
    radius, ridge = 0.15, 0.5
    fit = attacked_squares(rows, targets, np.array(ridge), np.array(radius), intercept)

    def objective(x):
        grown = np.abs(targets - rows @ x[:-1] - x[-1]) + radius * np.linalg.norm(x[:-1])
        return 0.5 * grown @ grown + 0.5 * ridge * x[:-1] @ x[:-1]

    here = np.append(fit.weights, fit.intercept)
    ends = np.append(np.ones(20), 1.0 if intercept else 0.0)
    steps = [scale * ends * rng.normal(size=21) for scale in np.repeat([1e-2, 1e-4], 200)]
    assert bool(fit.converged) and min(objective(here + step) for step in steps) > objective(here) - 1e-7
    assert 0.0 < np.mean(fit.forces == 0.0) < 1.0


@pytest.mark.parametrize(("task", "learner", "n"), [
    (TASK, attacked([0.0, 1.0], [0.05, 0.3]), [80]),
    (rg.NoisyTask(TASK, rg.ContaminatedNoise(0.1, shift=3.0)), attacked(0.5, 0.2, intercept=True), [100]),
], ids=["normal noise", "shifted outliers, intercept"])
def test_theory_and_simulation_agree(task, learner, n):
    report = rg.check(task, learner, n=n, trials=20)
    assert report.agrees, report
    curve, runs = rg.predict(task, learner, n), rg.simulate(task, learner, n, trials=20)
    for name in ("norm", "fitted", "intercept"):
        assert (abs(runs[name] - curve[name]) <= 4.0 * runs[f"{name}_se"] + 0.03 * abs(curve[name]) + 0.01).all(), name


def test_refused_in_sentences():
    with pytest.raises(ValueError, match=r"must be rg\.AdversarialTraining\(rg\.Ridge"):
        rg.predict(TASK, rg.Learner(rg.AdversarialTraining(rg.Logistic(1.0), 0.1)), 20)
    with pytest.raises(ValueError, match="by a loss of the margin for classes"):
        rg.predict(rg.Mixture([1.0], [1.0]), attacked(1.0, 0.1), 20)
    with pytest.raises(ValueError, match="norm must be 'l2' for regression"):
        rg.AdversarialTraining(rg.Ridge(1.0), 0.1, norm="linf")
    endless = rg.predict(rg.NoisyTask(TASK, rg.StudentNoise(2.0)), attacked(1.0, 0.1), 20)
    assert np.isinf(endless.robust_test) and np.isinf(endless.excess)
