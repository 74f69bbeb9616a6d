"""Theory against Monte-Carlo over the table of settings, at three sizes; real digits with features and kernels."""

import math

import numpy as np
import pytest

import rfgen as rg
from rfgen.api.check.agreement import finite_size_trend
from tests.simulation import cases

# (scale, trials): enough for standard errors of 0.3-3 %; 24 trials are 12 pairs for the bias, whose z has heavy tails
SIZES = {1: 60, 2: 40, 4: 24}
# Every variable is judged; with 34 settings, 3 sizes and 6 variables, |z| up to 3.5 is expected by chance.
JUDGED = ("test", "train", "bias", "variance", "noise", "norm")


@pytest.mark.parametrize("name", cases.GAUSSIAN)
def test_gaussian_settings(name):
    sizes, deviations, errors, amplification = [], [], [], 1.0
    for scale, trials in SIZES.items():
        task, learner, n = cases.gaussian(name, scale)
        report = rg.check(task, learner, n, trials=trials, seed=10 * scale, variables=JUDGED)
        assert report.agrees, report
        theory = float(report.dataset.test_theory)
        sizes.append(n)
        deviations.append(float(report.dataset.test_simulation) / theory)
        errors.append(float(report.dataset.test_se) / theory)
        amplification = float(report.dataset.test_allowance) / theory * n  # what the allowance grants, times n
    # one coefficient of 1/n serves all three sizes and stays within the grant: the error does shrink
    coefficient, spread = finite_size_trend(sizes, np.ones(3), deviations, errors)
    assert abs(coefficient) < amplification + 4 * spread
    residuals = (np.array(deviations) - 1 - coefficient / np.array(sizes)) / errors
    assert np.max(np.abs(residuals)) < 4.5


@pytest.mark.parametrize("name", cases.REAL)
def test_real_digits(name):
    kind, noise, features, ridge = cases.REAL[name]
    learner = rg.Learner(rg.Ridge(ridge), features=features)
    report = rg.check(cases.digits_task(kind, noise), learner, [50, 100, 200], trials=60, seed=2)
    assert report.agrees, report


def test_small_population_is_outside_the_regime_and_said_so():
    """Known failure: 200 rows of 1,797 digits, fitted almost exactly: theory 0.187, simulation 0.193, training 10 % off."""
    kind, noise, features, ridge = cases.REPEATED_ROWS
    learner = rg.Learner(rg.Ridge(ridge), features=features)
    with pytest.warns(UserWarning, match="degrees of freedom reach 0.067 of the 1797 examples"):
        report = rg.check(cases.digits_task(kind, noise), learner, 200, trials=60, seed=2)
    assert not report.agrees
    off = abs(float(report.dataset.train_simulation / report.dataset.train_theory) - 1)
    assert 0.05 < off < 0.15


def test_the_rest_of_the_population():
    """Measured on rows not drawn: the same to the order of df1 per example, and above it (no row is known by heart)."""
    task, learner = cases.digits_task("tanh"), rg.Learner(rg.Ridge(0.15))
    runs = rg.simulate(task, learner, [50, 100], trials=60, seed=1, test_rows="rest")
    curve = rg.predict(task, learner, [50, 100])
    assert np.all(np.abs(runs.test / curve.test - 1) < 0.05)


@pytest.mark.parametrize("kernel", [rg.NTK("relu", depth=2), rg.NNGP("erf", depth=1), rg.GaussianKernel(1.0)])
@pytest.mark.parametrize("features", [None, 90])
def test_sphere(kernel, features):
    task = rg.Task.sphere(8, kernel, {0: 0.1, 1: 0.5, 2: 0.5}, noise=0.2, test_points=600)
    report = rg.check(task, rg.Learner(rg.Ridge([0.01, 0.3]), features=features), 120, trials=30, seed=4)
    assert report.agrees, report


def test_peak_grows_like_the_theory():
    """At n = features and a small ridge the risk is large and heavy-tailed; medians would do, the mean must too."""
    task = rg.Task.power_law(1.5, 1.3, 0.3, modes=1000)
    report = rg.check(task, rg.Learner(rg.Ridge([0.03, 0.3]), features=100), 100, trials=100, seed=1)
    assert report.agrees, report


def test_float32_agrees_too():
    task = rg.Task.power_law(1.5, 1.5, 0.5, modes=1000)
    learner = rg.Learner(rg.Ridge([0.01, 1.0]), features=[None or math.inf, 150])
    report = rg.check(task, learner, 80, trials=40, dtype="float32", variables=JUDGED)
    assert report.agrees and report.dataset.attrs["dtype"] == "float32", report


def test_single_precision_can_disagree(monkeypatch):
    """The rounding granted to float32 does not hide a wrong theory where risks are small."""
    import rfgen.api.check.check as checking

    task, learner = rg.Task.isotropic(50, noise=1e-4), rg.Learner(rg.Ridge(1e-3))
    assert rg.check(task, learner, [200], trials=40, dtype="float32").agrees
    honest = checking.predict
    monkeypatch.setattr(checking, "predict", lambda *arguments, **named: honest(*arguments, **named) * 1.2)
    assert not rg.check(task, learner, [200], trials=40, dtype="float32").agrees


def test_nothing_compared_is_no_agreement():
    report = rg.check(rg.Task.isotropic(20, noise=0.1), rg.Learner(rg.Ridge(0.0)), [20], trials=4, variables="test")
    assert not report.agrees and "nothing compared" in str(report)
