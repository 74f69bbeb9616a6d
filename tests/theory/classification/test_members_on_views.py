"""Means of classifiers that are trained on the same views of rows, with features or draws of their own."""

import math

import jax
import numpy as np
import pytest

import rfgen as rg
from rfgen.theory import patterned_teacher, patterned_teacher_moments, viewed_teacher, viewed_teacher_moments

SCALE, DIM, N = 0.5, 60, 120
VARIANCES = np.arange(1.0, DIM + 1) ** -0.7
TEACHER = rg.Teacher(np.cos(np.arange(DIM)), VARIANCES, link="probit", scale=SCALE)
MIXTURE = rg.Mixture(np.full(DIM, 0.2), VARIANCES * DIM / VARIANCES.sum(), prior=0.4, flip=0.1)
BAG = rg.Bootstrap()


@pytest.mark.parametrize(("augmentation", "features", "resampling", "error"), [
    (rg.GaussianNoise(0.3, views=2), 40, None, 1e-10), (rg.GaussianNoise(0.3, views=4), 40, BAG, 1e-10),
    (rg.GaussianNoise(0.3, views=8), 40, None, 1e-6), (rg.Mask(0.6, views=math.inf), 40, None, 1e-10),
    (rg.Gain([0.5, 1.5], views=2), 40, None, 1e-10), (rg.Flip(views=math.inf), None, BAG, 1e-10),
], ids=["two", "four, both", "eight", "endless", "gains", "flips"])
def test_square_loss_on_a_teacher_is_ridge_regression(augmentation, features, resampling, error):
    slope = math.sqrt(2.0 / math.pi / (1.0 + SCALE**2))  # E y u
    task = rg.Task(VARIANCES, slope**2 * VARIANCES * TEACHER.direction**2, noise=1.0 - slope**2)
    learner = rg.Learner(rg.Ridge(2.0), features, augmentation, resampling=resampling)
    same = rg.predict(task, learner, 90, members=[2, math.inf])
    law, k = augmentation.mode_law(DIM), features or math.inf
    solver, moments = viewed_teacher, viewed_teacher_moments(TEACHER, law, float(augmentation.views))
    if isinstance(augmentation, rg.Gain | rg.Flip):
        solver = patterned_teacher
        moments = patterned_teacher_moments(TEACHER, law, float(augmentation.views), features is None)
    draws = None if resampling is None else resampling.draws()
    with jax.enable_x64(True):
        found = jax.vmap(lambda members: solver(moments, 90, "square", 2.0, k, draws=draws, members=members))(
            np.array([2.0, math.inf])
        )
    np.testing.assert_allclose(1.0 - 2.0 * slope * found.overlap + found.spread, same.test, rtol=error)


def test_limits():
    """One member is the model; without noise views are rows; many views are nearly endless ones."""

    def error(augmentation, members):
        learner = rg.Learner(rg.Logistic(1.0, intercept=True), 40, augmentation)
        return rg.predict(MIXTURE, learner, N, members=members).error.values

    views = rg.GaussianNoise(0.5, views=2)
    assert error(views, 1) == pytest.approx(float(error(views, None)), rel=1e-12)
    assert error(rg.GaussianNoise(1e-9, views=2), 3) == pytest.approx(float(error(None, 3)), rel=1e-7)


LEARNERS = {
    "noise": (MIXTURE, rg.Logistic(1.0, intercept=True), {"features": 40, "augmentation": rg.GaussianNoise(0.5, views=2)}),
    "teacher": (TEACHER, rg.Hinge(1.0), {"features": 40, "augmentation": rg.GaussianNoise(0.5, views=2)}),
    "endless": (TEACHER, rg.SquaredHinge(1.0), {"features": 40, "augmentation": rg.Mask(0.6, views=math.inf)}),
    "gains": (MIXTURE, rg.Hinge(1.0, intercept=True), {"features": 40, "augmentation": rg.Gain([0.4, 1.6], views=3)}),
    "smoothing": (TEACHER, rg.Logistic(1.0), {"features": 40, "augmentation": rg.LabelSmoothing(0.2)}),
}


@pytest.mark.parametrize("name", LEARNERS)
def test_theory_and_simulation_agree(name):
    task, training, settings = LEARNERS[name]
    report = rg.check(
        task, rg.Learner(training, **settings), N, members=3, trials=40, variables=("error",), progress=False
    )
    assert report.agrees, report


def test_views_of_several_dimensions_are_refused():
    learner = rg.Learner(rg.Logistic(1.0), 9, rg.Flip(views=2))
    with pytest.raises(ValueError, match="moved along one dimension where members are predicted"):
        rg.predict(MIXTURE, learner, 20, members=2)
