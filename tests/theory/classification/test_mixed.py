"""Losses of the margin on mixtures of all pairs of rows: Mixup, in the mean field."""

import math

import jax
import numpy as np
import pytest

import rfgen as rg
from rfgen.theory import mixed_classifier, mixed_moments

DIM, N = 60, 100
VARIANCES = np.arange(1.0, DIM + 1) ** -0.7
TEACHER = rg.Teacher(np.cos(np.arange(DIM)), VARIANCES, link="probit", scale=0.5)
SLANTED = rg.Teacher(np.cos(np.arange(DIM)), VARIANCES, link="logistic", scale=0.4, bias=0.4)
MIXTURE = rg.Mixture(np.full(DIM, 0.2), VARIANCES * DIM / VARIANCES.sum(), prior=0.4, flip=0.1)
WEIGHED = rg.ClassGroups(
    [60, 20, 20], [1, 1, -1], np.outer([0.3, -0.2, -0.3], np.ones(DIM)), np.outer([1.0, 0.5, 1.5], np.ones(DIM)),
    [1.0, 3.0, 2.0],
)


def mixed(training, concentration=1.0, **learner):
    return rg.Learner(training, augmentation=rg.Mixup(concentration, views=math.inf), **learner)


@pytest.mark.parametrize("concentration", [0.3, 2.0])
def test_square_loss_is_ridge_regression_at_a_larger_ridge(concentration):
    """By the rule of theory (5.13), balanced labels: labels and inputs are mixed alike."""
    factor = (2.0 * concentration + 1.0) / (concentration + 1.0)
    balanced = rg.Mixture(MIXTURE.mean, MIXTURE.covariance, flip=0.1)
    for task, features in ((TEACHER, 80), (balanced, None)):
        found = rg.predict(task, mixed(rg.Ridge(2.0), concentration, features=features), N)
        same = rg.predict(task, rg.Learner(rg.Ridge(2.0 * factor), features=features), N)
        np.testing.assert_allclose([found.norm, found.error], [same.norm, same.error], rtol=1e-10)


def test_weights_of_nought_and_one_are_clean_rows():
    found = rg.predict(MIXTURE, mixed(rg.Logistic(2.0, intercept=True), 1e-7), N)
    same = rg.predict(MIXTURE, rg.Learner(rg.Logistic(2.0, intercept=True)), N)
    np.testing.assert_allclose([found.norm, found.error], [same.norm, same.error], rtol=2e-5)


def test_what_a_plain_code_says():
    """Of 40 nodes and 6 weights."""
    mixture = rg.Mixture(np.full(150, 0.12), np.arange(1, 151) ** -0.5, flip=0.1)
    with jax.enable_x64(True):
        found = mixed_classifier(mixed_moments(mixture.groups(240), 1.0), 240, "logistic", 3.0)
    assert abs(float(found.error[0]) - 0.015846766) < 2e-7 and abs(float(found.norm) - 5.7557318) < 5e-5


LEARNERS = {
    "logistic, intercept, features": (MIXTURE, mixed(rg.Logistic(2.0, intercept=True), 0.5, features=60)),
    "logistic of a slanted teacher": (SLANTED, mixed(rg.Logistic(1.0, intercept=True))),
    "weighed groups": (WEIGHED, mixed(rg.Logistic(2.0, intercept=True))),
}


@pytest.mark.parametrize("name", LEARNERS)
def test_drawn_pairs_agree(name):
    task, learner = LEARNERS[name]
    curve, runs = rg.predict(task, learner, N), rg.simulate(task, learner, N, trials=24)
    for each in ("error", "train_error", "train_loss", "norm", "support"):
        allowed = 4.0 * runs[f"{each}_se"] + 0.04 * abs(curve[each])
        assert (abs(runs[each] - curve[each]) < allowed).all(), each


@pytest.mark.parametrize(
    ("learner", "words"),
    [
        (mixed(rg.Hinge(1.0)), "rg.SmoothedHinge has one"),
        (mixed(rg.Logistic(1.0), resampling=rg.Bootstrap()), "resampling and members are not covered on mixtures"),
        (rg.Learner(rg.Logistic(1.0), augmentation=rg.CutMix(1.0, views=math.inf)), "take rg.Mixup"),
    ],
    ids=["hinge", "resampling", "images"],
)
def test_refused_in_sentences(learner, words):
    for verb in (rg.predict, rg.simulate):
        with pytest.raises(ValueError, match=words):
            verb(MIXTURE, learner, N)
