"""Classifiers of real features on bags and random features, and means of them: limits, agreement with simulations."""

import numpy as np
import pytest

import rfgen as rg
from rfgen.simulation.runs.ensemble import Members
from rfgen.systems.labelled_features.simulation import feature_runs

_DRAWS = np.random.default_rng(0)
ROWS = _DRAWS.normal(size=(3000, 40)) * np.linspace(0.5, 1.5, 40)
TASK = rg.LabelledFeatures(ROWS, np.sign(ROWS @ np.ones(40) / 6.0 + 0.5 * _DRAWS.normal(size=3000)))


def test_limits_of_simulations():
    """All rows once, in another order; one view that changes nothing; nothing is known of training rows drawn again."""
    training = rg.Logistic([0.5, 5.0], intercept=True)
    plain = feature_runs(TASK, training, 60, 2)
    for count in (1, 2):
        once = feature_runs(TASK, training, 60, 2, members=Members(count, rg.Subsample(1.0)))
        for name, values in once.items():
            np.testing.assert_allclose(values, plain[name], rtol=1e-7, atol=1e-9)
    learner = rg.Learner(rg.Ridge(1.0), features=[10, 20], resampling=rg.Bootstrap())
    runs = rg.simulate(TASK, learner, 40, members=2, trials=2)
    assert runs.error.dims == ("features",) and "train_error" not in runs


def test_refusals():
    noise, sentence = rg.GaussianNoise(0.1), "augmentation must be None to predict random features of real rows, or members"
    with pytest.raises(ValueError, match=sentence):
        rg.predict(TASK, rg.Learner(rg.Logistic(1.0), augmentation=noise, features=10), 40)
    with pytest.raises(ValueError, match=sentence):
        rg.predict(TASK, rg.Learner(rg.Logistic(1.0), augmentation=noise, resampling=rg.Bootstrap()), 40, members=2)


def test_a_share_of_the_rows_is_fewer_rows():
    training = rg.Hinge(2.0)
    plain = rg.predict(TASK, rg.Learner(training), [40, 80])
    half = rg.predict(TASK, rg.Learner(training, resampling=rg.Subsample(0.5)), 80)
    np.testing.assert_allclose(half.error, plain.error[0], rtol=1e-11)
    same = rg.predict(TASK, rg.Learner(training, resampling=rg.Subsample(1.0)), 80, members=[1, np.inf])
    for name in ("error", "channel_error", "norm"):
        np.testing.assert_allclose(same[name], np.full(2, plain[name][1]), rtol=1e-10)


def test_theory_and_simulation_agree():
    learner = rg.Learner(rg.Ridge([1.0, 10.0], intercept=True), features=60, resampling=rg.Bootstrap())
    report = rg.check(TASK, learner, n=80, members=[1, 4], trials=40)
    assert report.agrees, report
