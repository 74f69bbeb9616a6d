"""Means of classifiers that are trained on the same views of rows, with features or draws of their own."""

import math

import jax
import numpy as np
import pytest

import rfgen as rg
from rfgen.theory import viewed_teacher, viewed_teacher_moments

SCALE, DIM, N = 0.5, 60, 120
VARIANCES = np.arange(1.0, DIM + 1) ** -0.7
TEACHER = rg.Teacher(np.cos(np.arange(DIM)), VARIANCES, link="probit", scale=SCALE)
MIXTURE = rg.Mixture(np.full(DIM, 0.2), VARIANCES * DIM / VARIANCES.sum(), prior=0.4, flip=0.1)


def test_square_loss_on_a_teacher_is_ridge_regression():
    slope, augmentation = math.sqrt(2.0 / math.pi / (1.0 + SCALE**2)), rg.GaussianNoise(0.3, views=2)  # E y u
    task = rg.Task(VARIANCES, slope**2 * VARIANCES * TEACHER.direction**2, noise=1.0 - slope**2)
    same = rg.predict(task, rg.Learner(rg.Ridge(2.0), 40, augmentation), 90, members=[1, math.inf])
    moments = viewed_teacher_moments(TEACHER, augmentation.mode_law(DIM), 2.0)
    with jax.enable_x64(True):
        found = [viewed_teacher(moments, 90, "square", 2.0, 40.0, members=members) for members in (1.0, math.inf)]
    risks = [1.0 - 2.0 * slope * float(one.overlap) + float(one.spread) for one in found]
    np.testing.assert_allclose(risks, same.test, rtol=1e-10)


def test_theory_and_simulation_agree():
    learner = rg.Learner(rg.Hinge(1.0, intercept=True), 40, rg.Gain([0.4, 1.6], views=3))
    report = rg.check(MIXTURE, learner, N, members=3, trials=40, variables=("error",), progress=False)
    assert report.agrees, report


def test_views_of_several_dimensions_are_refused():
    learner = rg.Learner(rg.Logistic(1.0), 9, rg.Flip(views=2))
    with pytest.raises(ValueError, match="moved along one dimension where members are predicted"):
        rg.predict(MIXTURE, learner, 20, members=2)
