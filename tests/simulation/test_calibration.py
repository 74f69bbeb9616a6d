"""z-scores are standard normal where the truth is known at finite size, and a theory 5 % off is found out."""

import numpy as np
import pytest
import scipy.stats

import rfgen as rg
from rfgen.api.check.agreement import finite_size_trend, standard_score
from rfgen.curves.controls import controlled
from rfgen.simulation.random_numbers import HostKey
from rfgen.simulation.runs.influence import row_controls
from rfgen.simulation.sampling.samplers import sampler


def test_scores_are_standard_normal():
    """Least squares on isotropic Gaussian inputs, n > dim + 1: risk exactly noise (1 + dim / (n - dim - 1))."""
    dim, n, noise, trials = 10, 60, 0.5, 40
    task, learner = rg.Task.isotropic(dim, 1.0, noise), rg.Learner(rg.Ridge(0.0))
    exact = noise * (1 + dim / (n - dim - 1))
    scores = []
    for seed in range(150):
        runs = rg.simulate(task, learner, n, trials=trials, seed=seed)
        scores.append(float(standard_score(exact, runs.noise, runs.noise_se)))
    # the mean of 40 skewed measurements with an estimated error: Student's t of 39 degrees, close to normal
    assert abs(np.mean(scores)) < 4 / np.sqrt(len(scores))
    assert 0.85 < np.std(scores) < 1.25
    assert scipy.stats.kstest(scores, scipy.stats.t(trials - 1).cdf).pvalue > 1e-3


def test_bias_and_variance_are_unbiased():
    """Ridge at one mode: w = s/(s + ridge) with s chi-squared, so the mean predictor and its spread are integrals."""
    n, ridge, power = 6, 3.0, 1.0
    s = scipy.stats.chi2(n)
    missed = s.expect(lambda x: ridge / (x + ridge))
    square = s.expect(lambda x: (ridge / (x + ridge)) ** 2)
    runs = rg.simulate(rg.Task([1.0], [power]), rg.Learner(rg.Ridge(ridge)), n, trials=4000, seed=5)
    assert abs(standard_score(power * missed**2, runs.bias, runs.bias_se)) < 4
    assert abs(standard_score(power * (square - missed**2), runs.variance, runs.variance_se)) < 4
    assert abs(standard_score(power * square, runs.test, runs.test_se)) < 4


@pytest.mark.parametrize("factor", [0.95, 1.05])
def test_a_theory_five_percent_off_fails(factor):
    task, learner = rg.Task.power_law(1.5, 1.5, 0.5, modes=1000), rg.Learner(rg.Ridge([0.1, 1.0]))
    report = rg.check(task, learner, [200, 400], trials=100, seed=1)
    assert report.agrees and report
    for name in ("test_theory", "train_theory"):
        report.dataset[name] = report.dataset[name] * factor
    assert not report.agrees and not report
    assert "DISAGREES" in str(report)


def test_finite_size_trend_recovers_its_coefficient():
    rng = np.random.default_rng(0)
    n, theory, error = np.array([50.0, 100.0, 200.0]), np.array([1.0, 0.8, 0.7]), np.array([0.002, 0.002, 0.002])
    measured = theory * (1 + 1.7 / n) + error * rng.standard_normal(3)
    coefficient, spread = finite_size_trend(n, theory, measured, error)
    assert abs(coefficient - 1.7) < 4 * spread and spread < 0.3


def test_finite_size_error_is_of_order_one_over_n():
    """Ridgeless at eigenvalues 1/i, n = 0.75 modes: the theory is low by a few per cent, less at twice the size."""
    relative, errors, sizes = [], [], (45, 90, 180)
    for n in sizes:
        modes = n * 4 // 3
        index = np.arange(1.0, modes + 1)
        task, learner = rg.Task(1 / index, np.ones(modes) / modes, 0.5), rg.Learner(rg.Ridge(0.0))
        theory = float(rg.predict(task, learner, n).test)
        runs = rg.simulate(task, learner, n, trials=400, seed=7)
        relative.append(float(runs.test) / theory - 1)
        errors.append(float(runs.test_se) / theory)
        granted = float(rg.check(task, learner, n, trials=2).dataset.test_allowance) / theory
        assert abs(relative[-1]) < granted + 4 * errors[-1]
    coefficient, spread = finite_size_trend(sizes, np.ones(3), 1 + np.array(relative), errors)
    assert -1.0 < coefficient < 8.0 and spread < 2.0


@pytest.mark.parametrize(("n", "ridge", "least"), [(6, 3.0, 1.0), (6, 30.0, 5.0), (20, 1000.0, 100.0)])
def test_control_variates_leave_scores_calibrated(n, ridge, least):
    """Noise-free ridge at one mode, whose skewed risk is an integral, with a control that helps and one that does not."""
    s = scipy.stats.chi2(n)
    exact = s.expect(lambda x: (ridge / (x + ridge)) ** 2)
    random = np.random.default_rng(0)
    x = random.chisquare(n, size=(40, 1000))
    values = (ridge / (x + ridge)) ** 2
    mean, error = controlled(values, np.stack([x - n, random.normal(size=x.shape)], axis=-1))
    scores, factor = (mean - exact) / error, values.var(axis=0, ddof=1) / 40 / error**2
    assert abs(scores.mean()) < 0.3 and 0.85 < scores.std() < 1.15
    assert factor.min() >= 1.0 - 1e-12 and values.mean(axis=0).var() > least * mean.var()


def test_controls_of_training_rows_have_mean_zero():
    """Of Gaussian rows with a part of the target that is not seen, and of examples drawn with replacement."""
    random = np.random.default_rng(0)
    rows = random.normal(size=(30, 4))
    for task in (
        rg.Task([2.0, 1.0, 0.3], [1.0, 0.5, 0.0], 0.1, null_power=0.4),
        rg.Task.from_features(rows, rows[:, :1] ** 2 - 0.3 * rows[:, 1:2], noise=0.1, sampling="with replacement"),
    ):
        source, keys = sampler(task, "float64", "population"), [HostKey(0, number) for number in range(300)]
        found = np.array([row_controls(source.draw(key, None, 8), 8, np.array([0.5, 20.0])) for key in keys])
        scores = found.mean(axis=0) / (found.std(axis=0) / len(found) ** 0.5)
        assert np.abs(scores).max() < 4.0 and found.std(axis=0).min() > 0.0
