"""Losses of the margin on views that are moved as a whole, and labels that are smoothed or mixed."""

import math

import jax
import numpy as np
import pytest

import rfgen as rg
from rfgen.theory import patterned_classifier, patterned_moments

SCALE, DIM, N = 0.5, 60, 90
VARIANCES = np.arange(1.0, DIM + 1) ** -0.7
DIRECTION = np.cos(np.arange(DIM))
TEACHER = rg.Teacher(DIRECTION, VARIANCES, link="probit", scale=SCALE)
STEEP = rg.Teacher(DIRECTION, VARIANCES, link="logistic", scale=0.4, bias=0.3)
MIXTURE = rg.Mixture(np.full(DIM, 0.2), VARIANCES * DIM / VARIANCES.sum(), prior=0.4, flip=0.1)


@pytest.mark.parametrize(
    "augmentation", [rg.Gain([0.5, 1.5], views=3), rg.Flip(0.3, views=2), rg.Cutout(20), rg.Jitter(0.4, 2, views=math.inf)],
    ids=["gain", "flip", "cutout", "jitter"],
)
def test_square_loss_on_a_teacher_is_ridge_regression_on_views(augmentation):
    teacher, variances = TEACHER, VARIANCES
    if isinstance(augmentation, rg.Cutout):
        teacher, variances = rg.Teacher(DIRECTION[:30], VARIANCES[:30], link="probit", scale=SCALE), VARIANCES[:30]
    learner = rg.Learner(rg.Ridge(2.0), features=100, augmentation=augmentation)
    found = rg.predict(teacher, learner, N)
    slope = math.sqrt(2.0 / math.pi / (1.0 + SCALE**2))  # E y u
    power = slope**2 * variances * teacher.direction**2
    same = rg.predict(rg.Task(variances, power, noise=1.0 - slope**2), learner, N)
    np.testing.assert_allclose(found.norm, same.norm, rtol=1e-10)
    np.testing.assert_allclose(found.train_loss, same.train, rtol=1e-9)


def test_two_gains_are_what_a_plain_code_says():
    """Which takes 160 nodes and no trick; that second moments say another norm holds the need of patterns."""
    mixture = rg.Mixture(np.full(150, 0.14), np.ones(150), flip=0.1)
    with jax.enable_x64(True):
        law = rg.Gain([0.4, 1.6]).mode_law(150)
        found = patterned_classifier(patterned_moments(mixture.groups(250), law, 2.0), 250, "logistic", 3.0)
    assert abs(float(found.error[0]) - 0.18070254) < 3e-8 and abs(float(found.norm) - 11.51788120) < 3e-5


LEARNERS = {
    "gains": (rg.Logistic(2.0, intercept=True), rg.Gain([0.4, 1.6], views=2), MIXTURE, None),
    "gains of features": (rg.Logistic(2.0), rg.Gain([0.4, 1.6], views=math.inf), MIXTURE, 80),
    "flips": (rg.Hinge(8.0), rg.Flip(views=2), MIXTURE, None),
    "all flips": (rg.SquaredHinge(4.0), rg.Flip(views=math.inf), TEACHER, None),
    "flips of features": (rg.Logistic(2.0), rg.Flip(views=math.inf), TEACHER, 80),
    "labels": (rg.Hinge(4.0), rg.LabelSmoothing(0.3), TEACHER, None),
    "labels, intercept": (rg.Logistic(1.0, intercept=True), rg.LabelSmoothing(0.3), MIXTURE, None),
    "blocks": (rg.Logistic(2.0, intercept=True), rg.Jitter(0.5, 2, views=2), STEEP, None),
    "window": (rg.Logistic(2.0), rg.Cutout(6), rg.Mixture(np.full(30, 0.25), np.ones(30), flip=0.1), None),
}


@pytest.mark.parametrize("name", LEARNERS)
def test_drawn_views_agree(name):
    training, augmentation, task, features = LEARNERS[name]
    learner = rg.Learner(training, features=features, augmentation=augmentation)
    curve, runs = rg.predict(task, learner, N), rg.simulate(task, learner, N, trials=30)
    for each in ("error", "train_error", "train_loss", "norm", "support"):
        allowed = 4.0 * runs[f"{each}_se"] + 0.04 * abs(curve[each])
        assert (abs(runs[each] - curve[each]) < allowed).all(), each


@pytest.mark.parametrize(
    ("augmentation", "words", "drawn"),
    [
        (rg.Mixup(1.0, views=2), "views must be inf where rows are mixed, all pairs", True),
        (rg.Compose([rg.Gain([0.5, 1.5]), rg.GaussianNoise(0.1)]), "got both", True),
        (rg.Cutout(6, views=2), "in few ways to be predicted", True),
        (rg.Gain([-1.0, 1.0], views=math.inf), "must leave something to learn from", True),
    ],
)
def test_what_is_measured_alone_is_said_to_be(augmentation, words, drawn):
    learner = rg.Learner(rg.Logistic(1.0), augmentation=augmentation)
    with pytest.raises(ValueError, match=words):
        rg.predict(MIXTURE, learner, N)
    if drawn:
        assert np.isfinite(rg.simulate(MIXTURE, learner, 20, trials=1).error)
