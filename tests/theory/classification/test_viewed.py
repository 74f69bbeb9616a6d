"""Losses of the margin on augmented rows, and maximum likelihood with many features."""

import math

import jax
import numpy as np
import pytest

import rfgen as rg
from rfgen.theory import (
    logistic_likelihood,
    margin_classifier,
    teacher_separability_threshold,
    viewed_classifier,
    viewed_moments,
)

SCALE, DIM, N = 0.5, 60, 90
VARIANCES = np.arange(1.0, DIM + 1) ** -0.7
DIRECTION = np.cos(np.arange(DIM))
TEACHER = rg.Teacher(DIRECTION, VARIANCES, link="probit", scale=SCALE)
MIXTURE = rg.Mixture(np.full(DIM, 0.2), VARIANCES * DIM / VARIANCES.sum(), prior=0.4, flip=0.1)


VIEWS = [1, 2, math.inf]


@pytest.mark.parametrize("augmentation", [rg.GaussianNoise(0.2, views=VIEWS), rg.Mask(0.7, views=VIEWS)])
def test_square_loss_on_a_teacher_is_ridge_regression_on_views(augmentation):
    learner = rg.Learner(rg.Ridge(2.0), features=100, augmentation=augmentation)
    found = rg.predict(TEACHER, learner, N)
    slope = math.sqrt(2.0 / math.pi / (1.0 + SCALE**2))  # E y u
    power = slope**2 * VARIANCES * TEACHER.direction**2
    same = rg.predict(rg.Task(VARIANCES, power, noise=1.0 - slope**2), learner, N)
    np.testing.assert_allclose(found.norm, same.norm, rtol=1e-10)
    np.testing.assert_allclose(found.train_loss, same.train, rtol=1e-9)


@pytest.mark.parametrize("views", [2.0, 4.0, 6.0])
def test_more_views_lie_between_one_and_all(views):
    law = rg.GaussianNoise(0.3).mode_law(DIM)
    with jax.enable_x64(True):
        groups = [viewed_moments(MIXTURE.groups(N), law, m) for m in (1.0, views, math.inf)]
        ends = [viewed_classifier(moments, N, "logistic", 2.0).norm for moments in groups]
        once = rg.Mixture(MIXTURE.mean, MIXTURE.covariance + 0.3, prior=0.4, flip=0.1).groups(N)
        alone = margin_classifier(once.moments, "logistic", 2.0).norm
    ends = [float(end) for end in ends]
    assert abs(ends[0] / float(alone) - 1.0) < 1e-9
    assert ends[0] > ends[1] > ends[2]


@pytest.mark.parametrize(
    ("training", "augmentation", "task"),
    [
        (rg.Logistic(2.0, intercept=True), rg.GaussianNoise(0.2, views=[1, 2, math.inf]), MIXTURE),
        (rg.Hinge(8.0), rg.Mask(0.7, views=[2, math.inf]), MIXTURE),
        (rg.SquaredHinge(4.0), rg.Compose([rg.Mask(0.8), rg.GaussianNoise(0.1)], views=[6, math.inf]), TEACHER),
    ],
    ids=["logistic", "hinge", "composed"],
)
def test_drawn_views_agree(training, augmentation, task):
    learner = rg.Learner(training, augmentation=augmentation)
    curve, runs = rg.predict(task, learner, N), rg.simulate(task, learner, N, trials=30)
    for name in ("error", "train_error", "train_loss", "norm", "support"):
        allowed = 4.0 * runs[f"{name}_se"] + 0.04 * abs(curve[name])
        assert (abs(runs[name] - curve[name]) < allowed).all(), name


@pytest.mark.parametrize(
    ("learner", "words"),
    [
        (rg.Learner(rg.Hinge(1.0), augmentation=rg.GaussianNoise(0.1, covariance=np.ones(3))), "one entry per coordinate"),
    ],
)
def test_views_that_are_not_covered_are_refused(learner, words):
    for verb in (rg.predict, rg.simulate):
        with pytest.raises(ValueError, match=words):
            verb(MIXTURE, learner, N)


# Sur and Candes, arXiv 1803.06964; table 13 of Zhao, Sur and Candes, arXiv 2001.09351, whose last digit is rounded.
@pytest.mark.parametrize(
    ("bias", "published"),
    [
        (0.0, (1.49935012, 4.74355315, 3.02692616, 0.0)), (0.5, (1.51, 4.84, 3.13, 0.76)), (1.0, (1.56, 5.16, 3.45, 1.559)),
        (2.0, (1.83, 7.01, 5.47, 3.68)), (2.5, (2.31, 10.00, 8.96, 5.8)),
    ],
)
def test_published_constants_of_maximum_likelihood(bias, published):
    with jax.enable_x64(True):
        found = logistic_likelihood(0.2, 5**0.5, bias, intercept=True)
        few = logistic_likelihood(1e-5, 5**0.5, bias, intercept=True)
    assert abs(float(few.inflation) - 1.0) < 1e-3 and abs(float(few.ratio) - 1.0) < 1e-3
    got = [float(x) for x in (found.inflation, found.scatter, found.stretch, found.intercept)]
    np.testing.assert_allclose(got, published, rtol=5e-9 if bias == 0.0 else 3e-3, atol=1e-9 if bias == 0.0 else 5e-3)


@pytest.mark.parametrize(
    ("link", "scale", "flip", "bias", "intercept", "threshold"),
    [
        ("logistic", 5**-0.5, 0.0, 0.0, True, 0.32559), ("logistic", 5**-0.5, 0.0, 5**-0.5, True, 0.30844),
        ("logistic", 5**-0.5, 0.0, 5**-0.5, False, 0.35368), ("logistic", 0.2, 0.0, 0.4, True, 0.17308),
        ("probit", 0.5, 0.05, 0.5, True, 0.31210),
    ],
)
def test_thresholds_of_separability_with_bias(link, scale, flip, bias, intercept, threshold):
    with jax.enable_x64(True):  # by another minimiser, held to linear programs
        found = teacher_separability_threshold(link, scale, flip, bias, intercept)
    assert abs(float(found) - threshold) < 6e-6


@pytest.mark.parametrize("task", [MIXTURE, rg.Teacher(DIRECTION, VARIANCES, link="logistic", scale=0.4, flip=0.05)])
def test_calibration_of_probabilities_agrees(task):
    learner = rg.Learner(rg.Logistic(0.5, intercept=True))  # too sure: else finite sets scatter about right
    curve, runs = rg.predict(task, learner, 4 * N), rg.simulate(task, learner, 4 * N, trials=30)
    for name in ("calibration_error", "temperature", "log_loss", "brier"):
        assert abs(runs[name] - curve[name]) < 4.0 * runs[f"{name}_se"] + 0.02 * abs(curve[name]), name


def test_temperature_of_two_balanced_classes_is_a_closed_form():
    curve = rg.predict(rg.Mixture(np.full(DIM, 0.2), np.ones(DIM)), rg.Learner(rg.Logistic(1.0)), N)
    with jax.enable_x64(True):
        groups = rg.Mixture(np.full(DIM, 0.2), np.ones(DIM)).groups(N)
        found = margin_classifier(groups.moments, "logistic", 1.0)
        exact = float(found.spread[0] / (2.0 * found.overlap[0]))
    assert abs(float(curve.temperature) - exact) < 1e-9


def test_corrected_intervals_cover_and_corrected_p_values_are_level():
    draws, n, p = np.random.default_rng(1), 1000, 200
    covered, hits, classical = [], [], []
    for _ in range(3):
        beta = np.where(np.arange(p) < p // 2, (5.0 / (p // 2)) ** 0.5, 0.0)
        rows = draws.normal(size=(n, p)) + 0.5 * draws.normal(size=(n, 1))
        signal = rows @ beta * (5.0 / (5.0 + 0.25 * beta.sum() ** 2)) ** 0.5
        beta = beta * (5.0 / (5.0 + 0.25 * beta.sum() ** 2)) ** 0.5
        found = rg.corrected_logistic(rows, draws.uniform(size=n) < 1.0 / (1.0 + np.exp(-signal - 0.3)), level=0.9)
        covered.append(np.mean((found.lower <= beta) & (beta <= found.upper)))
        hits.append(np.mean(found.p_value[p // 2 :] < 0.05))
        classical.append(np.mean(found.classical_p_value[p // 2 :] < 0.05))
        assert 1.3 < float(found.inflation) < 1.8
    assert abs(np.mean(covered) - 0.9) < 0.04 and abs(np.mean(hits) - 0.05) < 0.05 < np.mean(classical)


@pytest.mark.parametrize(
    ("rows", "labels", "words"),
    [
        (np.eye(30)[:, :5] + 1.0, np.arange(30) < 5, "depend on each other|separated"),
        (np.random.default_rng(0).normal(size=(30, 40)), np.arange(30) < 15, "fewer columns than rows"),
        (np.random.default_rng(0).normal(size=(30, 20)), np.arange(30) < 15, "separated by a plane"),
        (np.random.default_rng(0).normal(size=(30, 2)), np.arange(30) % 3, "two different values"),
    ],
)
def test_fits_without_an_answer_are_refused(rows, labels, words):
    with pytest.raises(ValueError, match=words):
        rg.corrected_logistic(rows, labels)
