"""Trainings: theory against Monte-Carlo along the clock at up to three sizes, and on digits."""

import math
from functools import cache

import numpy as np
import pytest

import rfgen as rg
from rfgen.api.check.agreement import finite_size_trend

# (scale, trials): n = 60, 120, 240
SIZES = {1: 40, 2: 32, 4: 24}
ENDS, ONE = {1: 40, 4: 24}, {2: 40}
# The parts are judged where trials are many: their z is that of half as many pairs.
PARTS, JUDGED = ("test", "train", "norm", "bias", "variance", "noise"), ("test", "train", "norm")
MOST, INF, LEVELS = 40, math.inf, 20

FLOW, DESCENT, BALL, NESTEROV, AGAIN = rg.GradientFlow, rg.GradientDescent, rg.HeavyBall, rg.Nesterov, rg.IteratedRidge

# training of weight decay r (as n) and initial variance v; label noise; features at n = 60; augmentation; sizes.
# Settings of one training, sizes and numbers of rates and times share their programs, which cost more than the trials;
# numbers of steps are such that the theory needs contours of few sizes.
SETTINGS = {
    "flow-kernel": (lambda r, v: FLOW([0.3, 3.0, 40.0], 0.0, v), 0.3, INF, None, SIZES),
    "flow-kernel-late": (lambda r, v: FLOW([20.0, 2000.0, INF], 1e-3 * r, 0.1 * v), 0.0, INF, None, SIZES),
    "flow-kernel-decay": (lambda r, v: FLOW([1.0, 10.0, 300.0], r, 5 * v), 1.0, INF, None, SIZES),
    "ball-k60": (lambda r, v: BALL([0.1, 0.3], 0.5, [4, 20]), 0.3, 60, None, ENDS),
    "ball-k60-late": (lambda r, v: BALL([0.1, 0.2], 0.4, [3, 600], 0.2 * r), 0.0, 60, None, ENDS),
    "descent-k40": (lambda r, v: DESCENT(0.4, [1, 4, 12], 0.0, v), 0.3, 40, None, ONE),
    "descent-k40-late": (lambda r, v: DESCENT(0.2, [10, 150, 5000], r, 5 * v), 0.0, 40, None, ONE),
    "nesterov-k150": (lambda r, v: NESTEROV(0.2, [2, 20, 400], 0.3), 0.3, 150, None, ONE),
    "schedule-k40": (lambda r, v: NESTEROV(0.3, [2, 10, 60], None, r), 0.3, 40, None, ONE),
    "chebyshev-k60": (lambda r, v: rg.Chebyshev(0.05, 6.0, [1, 6, 60], 0.2 * r, v), 0.3, 60, None, ENDS),
    "distillation-k60": (lambda r, v: AGAIN([0.1 * r, r], [1, 3, 120]), 0.3, 60, None, ONE),
    "flow-views-of-noise": (lambda r, v: FLOW([0.5, 5.0, 100.0], 0.0, v), 0.3, INF, rg.GaussianNoise(0.05, 2), ONE),
    "nesterov-mask": (lambda r, v: NESTEROV(0.2, [3, 20, 150], 0.3, r), 0.0, 150, rg.Mask(0.7, INF), ONE),
    "flow-gain": (lambda r, v: FLOW([0.5, 5.0, 100.0], r, v), 0.2, INF, rg.Gain([0.5, 1.5], 2), ONE),
}


def task(scale, noise):
    """Eigenvalues 1 down to 0.03 and a target on all modes: the same shape at every scale, of as many levels."""
    place = (np.arange(LEVELS) + 0.5) / LEVELS
    multiplicity = np.full(LEVELS, 5 * scale)
    return rg.Task(np.exp(-3.5 * place), np.exp(-2.0 * place) * 2.0 / LEVELS, noise, multiplicity)


@pytest.mark.parametrize("name", SETTINGS)
def test_agreement(name):
    training, noise, features, augmentation, scales = SETTINGS[name]
    sizes, ratios, errors, granted = [], [], [], 1.0
    for scale, trials in scales.items():
        n = 60 * scale
        learner = rg.Learner(training(1.5 * scale, 0.02), features * scale, augmentation)
        judged = PARTS if trials == MOST else JUDGED
        report = rg.check(task(scale, noise), learner, n, trials=trials, seed=scale, variables=judged)
        assert report.agrees, report
        theory = np.ravel(report.dataset.test_theory)
        sizes.append(n)
        ratios.append(np.ravel(report.dataset.test_simulation) / theory)
        errors.append(np.ravel(report.dataset.test_se) / theory)
        granted = np.ravel(report.dataset.test_allowance) / theory * n
    if len(scales) == 1:
        return
    # at each clock one coefficient of 1/n serves all sizes, and stays within what is granted
    for ratio, error, most in zip(np.transpose(ratios), np.transpose(errors), granted, strict=True):
        coefficient, spread = finite_size_trend(sizes, np.ones(len(sizes)), ratio, error)
        assert abs(coefficient) < most + 4 * spread
        assert np.max(np.abs((ratio - 1 - coefficient / np.array(sizes)) / error)) < 4.5


@cache
def digits():
    inputs, labels = rg.datasets.digits()
    return rg.DataTask(inputs, labels, rg.RandomFeatureMap(60, "tanh", seed=0), noise=0.2, sampling="with replacement")


@pytest.mark.parametrize("augmentation", [None, rg.GaussianNoise(0.3, 2)], ids=["plain", "augmented"])
def test_digits(augmentation):
    """A finite population: real images, ten labels, features of a frozen network."""
    population = digits()
    edge = float(population.eigen.eigenvalues.max())
    training = rg.GradientFlow([2.0 / edge, 100.0 / edge], 0.5)
    report = rg.check(population, rg.Learner(training, augmentation=augmentation), 150, trials=24, seed=3, variables=JUDGED)
    assert report.agrees, report
