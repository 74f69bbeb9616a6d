"""`assert_agrees`: right runs pass at the stated level, each mistake of units is named."""

import math
import re

import numpy as np
import pytest

import rfgen as rg
from rfgen.testing import assert_agrees

NOISE, RIDGE, SIZES, MODES = 0.25, 0.5, (60, 120), 40
VARIANCES = 1.0 / np.arange(1, MODES + 1)
LAW = rg.Task.power_law(alpha=1.0, beta=1.0, noise=NOISE, modes=MODES)
KERNEL, WIDE = rg.Learner(rg.Ridge(RIDGE)), rg.Learner(rg.Ridge(RIDGE), features=[40, 80])
SLOW, TIMES, EARLY = 0.1, np.array([3.0, 10.0, 30.0]), np.array([0.02, 0.06])
FLOW, START = rg.Learner(rg.GradientFlow(TIMES)), rg.Learner(rg.GradientFlow(EARLY))
DESCENT = rg.Learner(rg.GradientDescent(rate=0.1, steps=[20, 60]))


def runs(
    ridge=lambda n, k: RIDGE, noise=NOISE, mean=0.0, scale=lambda k: 1.0, clock=None, features=None, told="test",
    power=1.0, share=1.0, seed=7,
):
    """Someone's own run at one n: plain normal equations, or gradient flow in the eigenbasis of the Gram matrix."""
    draws = np.random.default_rng(seed)

    def one(n, k):
        X = draws.normal(size=(n, MODES)) * np.sqrt(VARIANCES)  # target: weight 1 on each, power i^-1
        y = X.sum(axis=1) + math.sqrt(noise) * draws.normal(size=n) + mean
        maps = np.eye(MODES) if k is None else draws.normal(size=(MODES, k)) / math.sqrt(k) * scale(k)
        seen = X @ maps
        kernel = seen @ seen.T
        if clock is None:
            alphas = [np.linalg.solve(kernel + ridge(n, k) * np.eye(n), y)]
        else:
            values, vectors = np.linalg.eigh(kernel)
            parts = (-np.expm1(-values * time / n) / np.maximum(values, 1e-12) for time in clock(n))
            alphas = [vectors @ (part * (vectors.T @ y)) for part in parts]
        risks = [
            np.mean((kernel @ alpha - y) ** 2) if told == "train"
            else VARIANCES @ (maps @ (seen.T @ alpha) - 1.0) ** 2 + mean**2 + noise * (told == "test")
            for alpha in alphas
        ]
        return share * np.array(risks) ** power

    return lambda n: [one(n, k)[0] for k in features] if features else one(n, None)[slice(None) if clock else 0]


MISTAKES = {
    "the ridge multiplied by n": (KERNEL, dict(ridge=lambda n, k: n * RIDGE)),
    "the ridge divided by n": (KERNEL, dict(ridge=lambda n, k: RIDGE / n)),
    "the ridge multiplied by 2 n": (KERNEL, dict(ridge=lambda n, k: 2 * n * RIDGE)),
    "the ridge multiplied by 2": (rg.Learner(rg.Ridge(10.0)), dict(ridge=lambda n, k: 20.0)),
    "the ridge divided by 2": (rg.Learner(rg.Ridge(20.0)), dict(ridge=lambda n, k: 10.0)),
    "features not divided by the root": (WIDE, dict(scale=math.sqrt, features=(40, 80))),
    "features divided by the root": (WIDE, dict(scale=lambda k: k**-0.5, features=(40, 80))),
    "the time multiplied by n": (START, dict(clock=lambda n: n * EARLY)),
    "the time multiplied by 2 n": (START, dict(clock=lambda n: 2 * n * EARLY)),
    "the time divided by n": (FLOW, dict(clock=lambda n: TIMES / n)),
    "the time multiplied by 2": (FLOW, dict(clock=lambda n: 2.0 * TIMES)),
    "the rate multiplied by 2": (DESCENT, dict(clock=lambda n: -np.log1p(-0.2 * 1e-4) / 1e-4 * np.array([20, 60]))),
    "the time multiplied by 0.1": (FLOW, dict(clock=lambda n: SLOW * TIMES)),
    "labels not centred: a mean of 1": (KERNEL, dict(mean=1.0)),
    "the square of the noise": (KERNEL, dict(noise=NOISE**2)),
    "the root of the noise": (KERNEL, dict(noise=NOISE**0.5)),
    "the noise left out of the test": (KERNEL, dict(told="excess")),
    "the training error": (KERNEL, dict(told="train")),
    "half of the risk": (KERNEL, dict(share=0.5)),
    "the root of the risk": (KERNEL, dict(power=0.5)),
    "the risk as a share of that of predicting zero": (KERNEL, dict(share=1.0 / LAW.null_risk)),
}


@pytest.mark.parametrize("meant", MISTAKES)
def test_a_mistake_is_named(meant):
    learner, settings = MISTAKES[meant]
    with pytest.raises(AssertionError) as caught:
        assert_agrees(runs(**settings), LAW, learner, SIZES, trials=60)
    told = str(caught.value).partition("theory gives with ")[2]
    if found := re.fullmatch(r"(\D+?(?:of|by)) (1|0\.1)", meant):  # what is fitted, to 10 %
        number = re.match(re.escape(found[1]) + r" ([\d.]+\d)", told)
        assert number and float(number[1]) == pytest.approx(float(found[2]), rel=0.1), told
    else:
        assert told.startswith(meant) and not told[len(meant):].startswith(" n"), told


@pytest.mark.parametrize(
    ("learner", "settings"), [(KERNEL, {}), (WIDE, dict(features=(40, 80))), (FLOW, dict(clock=lambda n: TIMES))],
    ids=["kernel", "features", "flow"],
)
def test_a_right_run_passes(learner, settings):
    assert assert_agrees(runs(**settings), LAW, learner, SIZES, trials=20).agrees


def failing(draws):
    """How many of the calls fail."""
    count = 0
    for call in draws:
        try:
            call()
        except AssertionError:
            count += 1
    return count


def test_right_draws_fail_at_the_stated_level():
    """200 of draws from theory at level 0.1, three standard deviations around 20; and 200 of real runs."""
    theory, draws = rg.predict(LAW, KERNEL, SIZES).test.values, np.random.default_rng(3)

    def drawn():
        told = theory * (1.0 + 0.1 * draws.normal(size=(10, 2)))
        assert_agrees(told, LAW, KERNEL, SIZES, level=0.1, finite_size=0.0)

    def run(seed):
        return lambda: assert_agrees(runs(seed=seed), LAW, KERNEL, SIZES, level=0.01, trials=10)

    assert 7 <= failing([drawn] * 200) <= 33
    assert failing([run(seed) for seed in range(200)]) <= 6


def test_five_per_cent_are_seen_where_standard_errors_allow():
    theory = rg.predict(LAW, KERNEL, (200, 400)).test.values
    with pytest.raises(AssertionError, match="DISAGREES: largest"):
        assert_agrees(1.05 * theory, LAW, KERNEL, (200, 400), se=0.005 * theory)
    assert assert_agrees(1.05 * theory, LAW, KERNEL, (200, 400), se=0.02 * theory)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (dict(measured=[0.1, 0.2]), r"measured must hold two runs or more, \(trials, \*\(2,\)\), where se is left out"),
        (dict(measured=[0.1], se=0.1), r"measured must have the shape of the curve, \(2,\), where se is given, got \(1,\)"),
        (dict(measured=[0.1, 0.2], se=[0.1]), r"se must be one number or of the shape of the curve"),
        (dict(measured=[0.1, 0.2], se=0.0), "se must be > 0"),
        (dict(measured=lambda n: [1.0, 2.0]), r"measured must return the risk at one n, of shape \(\), got shape \(2,\)"),
        (dict(measured=lambda n: 1.0, se=0.1), "se must be left out where measured is a function"),
        (dict(measured=[[0.1, 0.2], [0.2, 0.3]], trials=3), "trials must be left out where measured holds the"),
        (dict(measured=[0.1, 0.2], se=0.1, level=1.0), "level must be"),
        (dict(measured=[0.1, 0.2], se=0.1, variable="loss"), r"variable must be one of the curve's \(test, .*got 'loss'"),
    ],
)
def test_refusals(given, message):
    with pytest.raises(ValueError, match=message):
        assert_agrees(task=LAW, learner=KERNEL, n=SIZES, **given)
