"""Rules without a loss on views: averages, the largest margin, discriminants."""

import math

import jax
import numpy as np
import pytest

import rfgen as rg
from rfgen.theory import viewed_classifier, viewed_moments

DIM, N, NOISE = 60, 90, 0.3
VARIANCES = np.geomspace(2.0, 0.3, DIM)
MEAN = np.full(DIM, 1.5 / DIM**0.5)
MIXTURE = rg.Mixture(MEAN, VARIANCES, prior=0.4)
TEACHER = rg.Teacher(np.ones(DIM), VARIANCES, link="probit", scale=0.5)


def test_averages_of_views_are_a_closed_form():
    """w is the mean of N rows' mean views: wbar = mean, covariance (S + noise/2)/N."""
    moments = viewed_moments(MIXTURE.groups(N), rg.GaussianNoise(NOISE).mode_law(DIM), 2.0)
    with jax.enable_x64(True):
        found = viewed_classifier(moments, N, "linear", N)
    seen = VARIANCES + NOISE / 2.0
    spread = MEAN**2 @ VARIANCES + seen @ VARIANCES / N
    np.testing.assert_allclose(found.norm, MEAN @ MEAN + seen.sum() / N, rtol=3e-7)
    np.testing.assert_allclose(found.spread, spread, rtol=3e-7)
    behind = -MEAN @ MEAN / spread**0.5
    np.testing.assert_allclose(found.error, 0.5 * math.erfc(-behind / 2**0.5), rtol=3e-7)


@pytest.mark.parametrize(
    ("training", "task", "n", "options"),
    [
        (rg.MaxMargin(), MIXTURE, 30, {"augmentation": rg.Mask(0.7)}),
        (rg.Averaging(), MIXTURE, N, {"augmentation": rg.Gain([0.5, 1.5], views=2), "resampling": rg.Subsample(0.5)}),
        (rg.Averaging(), TEACHER, N, {"augmentation": rg.Mask(0.7, views=3), "features": 50}),
    ],
    ids=["margin", "bags", "features"],
)
def test_drawn_views_agree(training, task, n, options):
    learner = rg.Learner(training, **options)
    curve, runs = rg.predict(task, learner, n), rg.simulate(task, learner, n, trials=60)
    assert bool(curve.converged)
    for name in ("error", "norm", *(("train_error",) if "train_error" in curve else ())):
        allowed = 4.0 * runs[f"{name}_se"] + abs(curve[name]) / n
        assert abs(runs[name] - curve[name]) <= allowed, name


def test_bags_of_averages_agree():
    learner = rg.Learner(rg.Averaging(), features=50, resampling=rg.Bootstrap())
    for task in (MIXTURE, TEACHER):
        report = rg.check(task, learner, N, members=3, trials=60)
        assert report.agrees, report


@pytest.mark.parametrize(
    ("training", "augmentation", "verbs", "words"),
    [
        (rg.MaxMargin(), rg.GaussianNoise(0.1, views=np.inf), ("predict", "simulate"), "finitely many views for rg.Max"),
        (rg.LDA(), rg.LabelSmoothing(0.1), ("predict", "simulate"), "labels of one class for rg.LDA"),
        (rg.LDA(), rg.Mask(0.7), ("predict",), "pooled covariance"),
        (rg.MaxMargin(), rg.Gain([0.5, 1.5], views=2), ("predict",), "independently for the theory of rg.MaxMargin"),
        (rg.Averaging(intercept=True), rg.Mask(0.7), ("predict", "simulate"), "midway between means of views"),
        (rg.Hinge(1.0), rg.Augmentation(lambda key, x: 0.5 * x), ("predict",), "a function of your own: rg.simulate"),
        (rg.Averaging(), rg.Mixup(1.0, views=np.inf), ("predict", "simulate"), "by a loss whose force has no jumps"),
    ],
)
def test_refused_in_sentences(training, augmentation, verbs, words):
    for verb in verbs:
        with pytest.raises(ValueError, match=words):
            getattr(rg, verb)(MIXTURE, rg.Learner(training, augmentation=augmentation), N)


def test_functions_of_ones_own_are_measured():
    halves = rg.Augmentation(lambda key, x: 0.5 * x, views=2)
    for training, same in ((rg.Logistic(1.0), rg.Logistic(4.0)), (rg.LDA(), rg.LDA())):
        seen = rg.simulate(MIXTURE, rg.Learner(training, augmentation=halves), 120, trials=3)
        np.testing.assert_allclose(seen.error, rg.simulate(MIXTURE, rg.Learner(same), 120, trials=3).error, rtol=1e-6)


def test_discriminants_of_bags_and_views_are_measured():
    bagged = rg.Learner(rg.LDA(), resampling=rg.Bootstrap())
    assert float(rg.simulate(MIXTURE, bagged, 200, trials=5, members=3).error) < 0.5
    with pytest.raises(ValueError, match="simulate measures them"):
        rg.predict(MIXTURE, bagged, 200)
    learner = rg.Learner(rg.LDA(), augmentation=rg.GaussianNoise(NOISE, views=2))
    noisy, clean = (rg.simulate(MIXTURE, one, 120, trials=20) for one in (learner, rg.Learner(rg.LDA())))
    assert 0.0 < float(noisy.error) < float(clean.error)  # noise is a ridge
