"""Naive Bayes against logistic regression: limits, another route, the fit, and agreement of both with simulations."""

import numpy as np
import pytest
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

import rfgen as rg
from rfgen.systems.naive_bayes import bayes_errors, fit_naive_bayes, naive_bayes_errors

WEAK, STRONG = (rg.CorrelatedClasses.blocks(120, 3, correlation, 2.0) for correlation in (0.1, 0.6))
NAIVE, LOGISTIC = rg.Learner(rg.NaiveBayes()), rg.Learner(rg.Logistic(0.0))


def test_endless_samples_leave_each_its_bias():
    variances = np.linspace(0.5, 2.0, 40)
    apart = rg.CorrelatedClasses(np.full(40, 0.3), np.diag(variances), prior=0.3)
    np.testing.assert_allclose(naive_bayes_errors(apart, np.inf), bayes_errors(apart), rtol=1e-12)
    assert naive_bayes_errors(STRONG, np.inf)[0] > 2 * bayes_errors(STRONG)[0]
    late = rg.predict(STRONG, rg.Learner(rg.Logistic(1e-3)), n=1e6)
    np.testing.assert_allclose(late.error, late.attrs["limit_error"], rtol=1e-2)
    assert late.attrs["limit_error"] == bayes_errors(STRONG)[0]


def test_independent_features_are_averaging_of_scaled_ones():
    """Up to 1/n, which averaging leaves out."""
    variances = np.linspace(0.5, 2.0, 200)
    mean = np.full(200, 1.5 / np.sqrt(200)) * np.sqrt(variances)
    naive = rg.predict(rg.CorrelatedClasses(mean, np.diag(variances)), NAIVE, n=[400, 1200])
    averaging = rg.predict(rg.Mixture(mean / np.sqrt(variances), np.ones(200)), rg.Learner(rg.Averaging()), n=[400, 1200])
    assert (np.abs(naive.error / averaging.error - 1.0) * naive.n < 8.0).all()


def test_fit_is_the_sum_of_discriminants_of_single_features():
    rng = np.random.default_rng(0)
    labels = np.where(rng.random(50) < 0.3, 1.0, -1.0)
    rows = rng.normal(size=(50, 6)) @ rng.normal(size=(6, 6)) + labels[:, None]
    single = [LinearDiscriminantAnalysis(solver="lsqr").fit(rows[:, [j]], labels) for j in range(6)]
    odds = np.log((labels > 0).sum() / (labels < 0).sum())
    weights, bias = fit_naive_bayes(rows, labels)
    share = 48 / 50  # theirs divides by n
    np.testing.assert_allclose(weights, share * np.array([each.coef_[0, 0] for each in single]), rtol=1e-9)
    np.testing.assert_allclose(bias - odds, share * sum(each.intercept_[0] - odds for each in single), rtol=1e-9)


def test_naive_bayes_comes_first_and_logistic_regression_gets_further():
    sizes = [100, 4000]
    naive, logistic = (rg.predict(WEAK, learner, sizes).error.values for learner in (NAIVE, LOGISTIC))
    assert naive[0] < 0.9 * logistic[0]
    naive, logistic = (rg.predict(STRONG, learner, sizes).error.values for learner in (NAIVE, LOGISTIC))
    assert logistic[1] < 0.8 * naive[1]


@pytest.mark.parametrize(
    ("learner", "prior"), [(NAIVE, 0.5), (NAIVE, 0.3), (rg.Learner(rg.Logistic([0.0, 1.0], intercept=True)), 0.3)],
    ids=["naive", "naive, unequal classes", "logistic"],
)
def test_theory_and_simulation_agree(learner, prior):
    classes = rg.CorrelatedClasses.blocks(60, 3, 0.5, 2.0, prior)
    report = rg.check(classes, learner, n=[40, 160], trials=30)
    assert report.agrees, report


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: rg.CorrelatedClasses([1.0, 0.0], [[1.0, 2.0], [2.0, 1.0]]), "covariance must be positive semidefinite"),
        (lambda: rg.CorrelatedClasses([1.0, 0.0], [[1.0, 0.0]]), r"covariance must be a symmetric \(2, 2\) matrix"),
        (lambda: rg.CorrelatedClasses.blocks(10, 3, 0.1, 1.0), "size must divide dim = 10, got 3"),
        (lambda: rg.predict(WEAK, NAIVE), "n, the number of training samples, is missing"),
        (lambda: rg.predict(WEAK, NAIVE, n=4), "n must be at least 7, got 4"),
        (lambda: rg.simulate(WEAK, NAIVE, n=8.5), "n must be whole numbers for a simulation"),
        (lambda: rg.predict(WEAK, rg.Learner(rg.Hinge(1.0)), n=9), r"task must be an rg\.Mixture.* to train Hinge"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_stored_trials_are_gone_on_with(tmp_path):
    few, more = (rg.simulate(WEAK, NAIVE, n=[20, 30], trials=trials, store=tmp_path) for trials in (40, 70))
    assert len(list(tmp_path.glob("*.npz"))) == 8 and few.attrs["trials"] == 40  # 32 and 8, 32 and 38
    assert more.identical(rg.simulate(WEAK, NAIVE, n=[20, 30], trials=70))
    with pytest.raises(MemoryError, match=r"a trial at n=20 needs about .*: lower n or dim"):
        rg.simulate(WEAK, NAIVE, n=20, memory=1000)
