"""Stochastic gradient descent, theory against simulation: one pass without any allowance, many passes as in their table."""

import functools

import numpy as np
import pytest

import rfgen as rg

THRESHOLD = 4.0
STEPS = [3, 20, 60]
TASK = rg.Task(np.arange(1, 41) ** -1.3, np.arange(1, 41) ** -1.3, 0.3)
# 20 settings, each with and without an average from step 15 on; products of arrays are outer products
ONE_PASS = {
    "descent": (TASK, lambda **w: rg.OnePassSGD([0.2, 0.35], STEPS, batch=[1, 8], **w)),
    "heavy ball": (TASK, lambda **w: rg.OnePassSGD(0.15, STEPS, batch=[2, 8], momentum=[0.5, 0.8], **w)),
    "nesterov": (TASK, lambda **w: rg.OnePassSGD(0.15, STEPS, batch=[2, 8], momentum=0.7, nesterov=True, **w)),
    "scheduled momentum": (
        TASK, lambda **w: rg.OnePassSGD(0.1, STEPS, batch=8, momentum=lambda t: t / (t + 3), nesterov=True, **w)),
    "scheduled rate": (TASK, lambda **w: rg.OnePassSGD(lambda t: 0.5 / (1 + t / 20), STEPS, batch=[2, 4], **w)),
    "accelerated": (TASK, lambda **w: rg.AcceleratedSGD(0.9, 0.1, [0.2, 0.4], 0.1, STEPS, batch=[2, 4], **w)),
    "DANA": (
        TASK, lambda **w: rg.DANA([0.1, 0.2], lambda t: 0.05 / (1.0 + t) ** 0.77, STEPS, batch=[1, 4], damping=5, **w)),
    "infinitely many modes": (rg.Task.power_law(1.6, 1.5, 0.2), lambda **w: rg.OnePassSGD(0.2, STEPS, batch=2, **w)),
    "isotropic": (rg.Task.isotropic(20, 1.0, 0.5), lambda **w: rg.OnePassSGD(0.05, STEPS, batch=[1, 4], **w)),
}


@pytest.mark.parametrize("average_from", [None, 15])
@pytest.mark.parametrize("name", ONE_PASS)
def test_one_pass_without_allowance(name, average_from):
    task, training = ONE_PASS[name]
    runs = 400 if task.spectrum.infinite else 4000
    report = rg.check(task, rg.Learner(training(average_from=average_from)), trials=runs, seed=11, threshold=THRESHOLD)
    assert float(abs(report.dataset.test_allowance - 1e-9 * report.dataset.test_theory).max()) < 1e-15
    for part in ("test", "bias", "variance", "noise"):
        worst = float(abs(report.dataset[f"{part}_z"]).max())
        assert worst <= THRESHOLD, f"{part}: |z| = {worst:.2f}"
    assert report.agrees


FRESH_VIEWS = {
    "mask": (rg.Mask(0.7), rg.OnePassSGD([0.1, 0.3], STEPS)),
    "noise": (rg.GaussianNoise(0.05, views=3), rg.OnePassSGD(0.2, STEPS, batch=[1, 2])),
    "gain": (rg.Gain([0.4, 1.6], views=2), rg.OnePassSGD(0.15, STEPS, batch=2, average_from=10)),
    "flip": (rg.Flip(0.3, views=2), rg.OnePassSGD(0.2, STEPS, batch=2, momentum=0.5)),
    "cutout": (rg.Cutout(10, views=2), rg.OnePassSGD(0.2, STEPS)),
    "composed": (
        rg.Compose([rg.SaltAndPepper(0.6, 0.1), rg.LabelSmoothing(0.1)]), rg.AcceleratedSGD(0.9, 0.1, 0.2, 0.1, STEPS)),
    "dropout": (rg.Dropout([0.2, 0.4], views=[1, 2]), rg.OnePassSGD(lambda t: 0.1 / (1 + t / 20), STEPS)),
    "mixtures in the batch": (rg.Mixup(1.0), rg.OnePassSGD(0.3, STEPS, batch=[2, 4])),
    "fresh mixtures": (rg.Mixup(0.5, partner="fresh"), rg.OnePassSGD(0.3, STEPS, batch=[1, 2], average_from=10)),
    "jitter": (rg.Jitter(0.5), rg.OnePassSGD(0.1, STEPS, momentum=0.5, nesterov=True)),
}


@pytest.mark.parametrize("name", FRESH_VIEWS)
def test_fresh_views_without_allowance(name):
    augmentation, training = FRESH_VIEWS[name]
    report = rg.check(TASK, rg.Learner(training, augmentation=augmentation), trials=4000, seed=11, threshold=THRESHOLD)
    assert report.agrees, report
    for part in ("test", "bias", "variance", "noise"):
        worst = float(abs(report.dataset[f"{part}_z"]).max())
        assert worst <= THRESHOLD, f"{part}: |z| = {worst:.2f}"


VIEWED_FEATURES = {
    "mask": (rg.Mask(0.6), rg.OnePassSGD(1.0, STEPS, batch=2)),
    "noise": (rg.GaussianNoise(0.002), rg.AcceleratedSGD(0.9, 0.1, 0.5, 0.3, STEPS, batch=2)),
}


@pytest.mark.parametrize("name", VIEWED_FEATURES)
def test_fresh_views_on_features(name):
    augmentation, training = VIEWED_FEATURES[name]
    report = rg.check(steep(0.5, 300), rg.Learner(training, 80, augmentation), trials=150, seed=11)
    assert report.agrees, report
    assert float(abs(report.dataset.test_z).max()) <= THRESHOLD


@functools.cache
def steep(exponent, modes):
    values, power = np.arange(1.0, modes + 1) ** -exponent, np.arange(1.0, modes + 1) ** -1.3
    return rg.Task(values / values.sum(), power / power.sum(), 0.25)


MANY = [5, 20, 60, 150, 400]
MANY_PASSES = {
    "flat spectrum, one a batch": (steep(0.5, 400), 200, None, rg.SGD(0.6, MANY)),
    "under-parametrised, one a batch": (steep(1.2, 200), 400, None, rg.SGD(0.5, MANY)),
    "over-parametrised, one a batch": (steep(1.2, 400), 200, None, rg.SGD(0.5, MANY)),
    "over-parametrised, eight a batch": (steep(1.2, 400), 200, None, rg.SGD(2.0, MANY, batch=8)),
    "under-parametrised, eight a batch": (steep(1.2, 200), 400, None, rg.SGD(2.0, MANY, batch=8)),
    "features": (steep(1.0, 400), 250, 120, rg.SGD(0.5, MANY)),
    "features and ridge": (steep(1.0, 400), 250, 120, rg.SGD(2.0, MANY, batch=8, ridge=5.0)),
    "heavy ball": (steep(0.5, 200), 240, None, rg.SGD(0.3, MANY, batch=4, momentum=0.7)),
    "nesterov": (steep(0.5, 200), 240, None, rg.SGD(0.3, MANY, batch=4, momentum=0.7, nesterov=True)),
}


@pytest.mark.parametrize("name", MANY_PASSES)
def test_many_passes(name):
    task, n, features, training = MANY_PASSES[name]
    report = rg.check(task, rg.Learner(training, features=features), n=n, trials=120, seed=5)
    assert report.agrees, report
    # the allowance of 1/n is seldom needed
    z = np.concatenate([np.ravel(report.dataset[f"{part}_z"]) for part in ("test", "train")])
    assert np.mean(np.abs(z) < 3) > 0.85, z


def test_the_noise_of_batches_is_needed():
    """Full-batch descent is told apart from the curve of single samples: the agreement above is no accident."""
    task, n, _, training = MANY_PASSES["flat spectrum, one a batch"]
    runs = rg.simulate(task, rg.Learner(training), n=n, trials=60, seed=5)
    descent = rg.predict(task, rg.Learner(rg.GradientDescent(0.6, MANY)), n=n)
    assert (abs(runs.train - descent.train) / runs.train_se)[1:].min() > 5


def test_reshuffled_epochs_are_another_algorithm():
    task, n = steep(0.5, 400), 200
    steps = [200, 1000]
    reshuffled = rg.simulate(task, rg.Learner(rg.SGD(0.6, steps, reshuffle=True)), n=n, trials=40, seed=5)
    theory = rg.predict(task, rg.Learner(rg.SGD(0.6, steps)), n=n)
    assert (abs(reshuffled.train - theory.train) / reshuffled.train_se).min() > 10
