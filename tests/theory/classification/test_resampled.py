"""Classifiers whose models draw their own rows from the training set, and means of such models."""

import math

import jax
import numpy as np
import pytest

import rfgen as rg
from rfgen.theory import margin_classifier, teacher_classifier, teacher_moments

SCALE, DIM, N = 0.5, 60, 120
VARIANCES = np.arange(1.0, DIM + 1) ** -0.7
DIRECTION = np.cos(np.arange(DIM))
TEACHER = rg.Teacher(DIRECTION, VARIANCES, link="probit", scale=SCALE)
MIXTURE = rg.Mixture(np.full(DIM, 0.2), VARIANCES * DIM / VARIANCES.sum(), prior=0.4, flip=0.1)
SPURIOUS = rg.ClassGroups.spurious(*np.array([[1.6], [1.0]]) * np.eye(2, DIM), np.ones(DIM), weights=[1, 3, 3, 1])
BAG = rg.Bootstrap()


def test_square_loss_on_a_teacher_is_bagged_ridge_regression():
    features, resampling = 40, BAG
    slope = math.sqrt(2.0 / math.pi / (1.0 + SCALE**2))  # E y u
    task = rg.Task(VARIANCES, slope**2 * VARIANCES * TEACHER.direction**2, noise=1.0 - slope**2)
    same = rg.predict(task, rg.Learner(rg.Ridge(2.0), features, resampling=resampling), 90, members=[2, math.inf])
    draws, k = resampling.draws(), float(features)
    with jax.enable_x64(True):
        found = [
            teacher_classifier(teacher_moments(TEACHER), 90, "square", 2.0, k, draws=draws, members=members)
            for members in (2.0, math.inf)
        ]
    risks = [1.0 - 2.0 * slope * float(one.overlap) + float(one.spread) for one in found]
    np.testing.assert_allclose(risks, same.test, rtol=1e-10)


def test_limits_of_members():
    moments = MIXTURE.groups(100).moments
    with jax.enable_x64(True):
        alone = margin_classifier(moments, "hinge", 2.0, 50.0)
        one = margin_classifier(moments, "hinge", 2.0, 50.0, members=1.0)
        wide = [margin_classifier(moments, "hinge", 2.0, 1e6, members=each) for each in (None, math.inf)]
        half = margin_classifier(moments, "logistic", 2.0, draws=rg.Subsample(0.5).draws())
        fewer = margin_classifier(MIXTURE.groups(50).moments, "logistic", 2.0)
    np.testing.assert_allclose(one.spread, alone.spread, rtol=1e-12)
    np.testing.assert_allclose(half.error, fewer.error, rtol=1e-10)
    # members of very many features are one
    np.testing.assert_allclose(wide[1].spread, wide[0].spread, rtol=1e-4)


LEARNERS = {
    "bags": (MIXTURE, rg.Logistic(2.0, intercept=True), {"resampling": BAG}, 3),
    "features": (SPURIOUS, rg.Hinge(2.0, intercept=True), {"features": 50}, 4),
    "single views": (MIXTURE, rg.Logistic(2.0), {"resampling": BAG, "features": 50, "augmentation": rg.Mask(0.6)}, 3),
    "two views": (MIXTURE, rg.Logistic(2.0), {"resampling": BAG, "augmentation": rg.GaussianNoise(0.3, views=2)}, None),
    "gains": (MIXTURE, rg.Logistic(2.0), {"resampling": BAG, "augmentation": rg.Gain([0.5, 1.5], views=2)}, None),
    "flips": (
        TEACHER, rg.SquaredHinge(4.0), {"resampling": rg.Subsample(0.7), "augmentation": rg.Flip(views=math.inf)}, None,
    ),
}


@pytest.mark.parametrize("name", LEARNERS)
def test_theory_and_simulation_agree(name):
    task, training, settings, members = LEARNERS[name]
    report = rg.check(
        task, rg.Learner(training, **settings), N, members=members, trials=40, variables=("error", "norm"), progress=False
    )
    assert report.agrees, report


def test_several_members_and_settings_are_dimensions():
    learner = rg.Learner(rg.SquaredHinge([0.5, 2.0]), [20, 50], rg.Mask([0.5, 0.9]), resampling=BAG)
    curve = rg.predict(MIXTURE, learner, [40, 80], members=[1, 3])
    runs = rg.simulate(MIXTURE, learner, [40, 80], trials=2, members=[1, 3], progress=False)
    assert curve.error.dims == runs.error.dims == ("n", "features", "ridge", "keep", "members")
    assert curve.error.shape == runs.error.shape and "train_error" not in curve and "train_error" not in runs
    assert (curve.error.sel(members=3) < curve.error.sel(members=1)).all()


@pytest.mark.parametrize(
    ("learner", "members", "words"),
    [
        (rg.Learner(rg.Logistic(1.0)), 2, "this learner has none: give rg"),
        (rg.Learner(rg.Logistic(1.0), features=9), 1.5, "members must be a whole number"),
        (rg.Learner(rg.LDA(), resampling=BAG), None, "predicted for trainings by a loss"),
    ],
)
def test_what_members_do_not_cover(learner, members, words):
    with pytest.raises(ValueError, match=words):
        rg.predict(MIXTURE, learner, 20, members=members)


def test_infinitely_many_members_are_not_drawn():
    with pytest.raises(ValueError, match="members must be finite to be simulated"):
        rg.simulate(MIXTURE, rg.Learner(rg.Logistic(1.0), features=9), 20, members=math.inf)
