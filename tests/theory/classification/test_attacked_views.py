"""Classifiers trained under attack on views of their rows: every view is moved after it is drawn."""

import math

import jax
import numpy as np
import pytest

import rfgen as rg
from rfgen.simulation.fits.margins.smoothed_fit import smoothed_fit
from rfgen.theory import (
    linf_training,
    margin_classifier,
    patterned_moments,
    viewed_classifier,
    viewed_moments,
    viewed_teacher,
    viewed_teacher_moments,
)

DIM, N = 60, 120
VARIANCES = np.arange(1.0, DIM + 1) ** -0.7
MIXTURE = rg.Mixture(np.full(DIM, 0.2), VARIANCES * DIM / VARIANCES.sum(), prior=0.4, flip=0.1)
TEACHER = rg.Teacher(np.cos(np.arange(DIM)), MIXTURE.covariance, link="logistic", scale=0.4, bias=0.3)


def attacked(training, radius, norm="l2", **learner):
    return rg.Learner(rg.AdversarialTraining(training, radius, norm), **learner)


@pytest.mark.parametrize(("attack", "loss", "radius"), [("l2", "logistic", 0.3), ("linf", "hinge", 0.03)])
def test_one_noisy_view_is_a_row_of_a_larger_covariance(attack, loss, radius):
    law, groups = rg.GaussianNoise(0.3).mode_law(DIM), MIXTURE.groups(N)
    noisy = rg.Mixture(MIXTURE.mean, MIXTURE.covariance + 0.3, prior=0.4, flip=0.1).groups(N)
    with jax.enable_x64(True):
        found = viewed_classifier(viewed_moments(groups, law, 1.0, attack=attack), N, loss, 2.0, radius=radius)
        if attack == "l2":
            same = margin_classifier(noisy.moments, loss, 2.0, radius=radius)
        else:
            same = linf_training(noisy, loss, 2.0, radius)
        rows = noisy.counts / N
        for name in ("norm", "shift"):
            np.testing.assert_allclose(getattr(found, name), getattr(same, name), rtol=1e-10)
        # the corner of a hinge is at margin 1 + shift however that is rounded
        for name in ("train_error", "train_loss", "support"):
            np.testing.assert_allclose(getattr(found, name), rows @ getattr(same, name), rtol=1e-9)


def test_no_attack_is_training_on_views():
    """Without attack views are held to ridge regression elsewhere."""
    mask = rg.Mask(0.7).mode_law(DIM)
    with jax.enable_x64(True):
        plain, under = (
            viewed_teacher(viewed_teacher_moments(TEACHER, mask, math.inf, attack), N, "squared_hinge", 2.0)
            for attack in (None, "linf")
        )
        for name in ("error", "robust_error", "train_loss", "norm", "support"):
            np.testing.assert_allclose(getattr(under, name), getattr(plain, name), rtol=1e-10)


LEARNERS = {
    "gains": (TEACHER, attacked(rg.Logistic(2.0), 0.02, "linf", augmentation=rg.Gain([0.4, 1.6], views=2))),
    "bags": (MIXTURE, attacked(rg.Logistic(2.0), 0.02, "linf", resampling=rg.Bootstrap())),
}


@pytest.mark.parametrize("name", LEARNERS)
def test_drawn_views_agree(name):
    task, learner = LEARNERS[name]
    curve, runs = rg.predict(task, learner, N), rg.simulate(task, learner, N, trials=24)
    for each in ("error", "robust_error", "train_error", "train_loss", "norm", "support"):
        if each in curve:
            allowed = 4.0 * runs[f"{each}_se"] + 0.04 * abs(curve[each])
            assert (abs(runs[each] - curve[each]) < allowed).all(), each


@pytest.mark.parametrize("norm", ["l2", "linf"])
def test_fits_of_all_views_are_least(norm):
    random = np.random.default_rng(0)
    rows, weights = random.normal(size=(40, 12)), np.ones(40)
    labels, nodes, measure = np.sign(rows[:, 0] + 0.3), *np.polynomial.hermite_e.hermegauss(40)
    private = 0.2 * rows**2, np.full(12, 0.1)
    fit = smoothed_fit(rows, labels, weights, private, None, "logistic", np.array(0.5), True, np.array(0.2), norm)
    assert fit.converged

    def objective(w, b):
        margins = labels * (rows @ w + b) - 0.2 * np.linalg.norm(w, 2 if norm == "l2" else 1)
        views = margins[:, None] + np.sqrt((private[0] + private[1]) @ w**2)[:, None] * nodes
        return (np.logaddexp(0.0, -views) @ measure).sum() / measure.sum() + 0.25 * w @ w

    least = objective(fit.weights, fit.intercept)
    assert abs(fit.losses.sum() + 0.25 * fit.weights @ fit.weights - least) < 1e-5
    for size in (1e-1, 1e-3):
        for _ in range(50):
            assert objective(fit.weights + size * random.normal(size=12), fit.intercept + size * random.normal()) > least


@pytest.mark.parametrize("augmentation", [rg.LabelSmoothing(0.2), rg.Mixup(1.0, views=math.inf)])
def test_labels_of_two_classes_are_refused(augmentation):
    for verb in (rg.predict, rg.simulate):
        with pytest.raises(ValueError, match="labels of one class under attack"):
            verb(MIXTURE, attacked(rg.Logistic(1.0), 0.1, augmentation=augmentation), N)
    if augmentation.views == 1:
        with pytest.raises(ValueError, match="keep their labels"):
            patterned_moments(MIXTURE.groups(N), augmentation.mode_law(DIM), 1.0, attack="l2")


def test_members_are_measured_alone():
    noise = rg.GaussianNoise(0.2, views=2)
    learner = attacked(rg.Logistic(1.0), [0.0, 0.3], features=20, augmentation=noise)
    with pytest.raises(ValueError, match=r"the mean of their weights is, .* use rg.simulate"):
        rg.predict(MIXTURE, learner, N, members=2)
    few = rg.simulate(MIXTURE, learner, 40, members=[1, 3], trials=4)
    one = rg.simulate(MIXTURE, learner, 40, trials=4)
    np.testing.assert_allclose(few.robust_error.sel(members=1), one.robust_error, rtol=1e-9)
    plain = rg.Learner(rg.Logistic(1.0), features=20, augmentation=noise)
    same = rg.simulate(MIXTURE, plain, 40, members=[1, 3], trials=4)
    np.testing.assert_allclose(few.error.sel(radius=0.0), same.error, rtol=1e-9)
