"""Closed exponents against slopes of the exact curves of infinite power laws, one decade or more apart."""

import numpy as np
import pytest

import rfgen as rg
from rfgen.theory.overfitting.scaling_exponents import (
    fitted_exponent,
    in_features,
    in_noisy_samples,
    in_samples,
    in_steps,
    in_time,
)

# (alpha, beta): nothing saturates; features do; features, samples and steps do.
LAWS = [(1.2, 1.5), (1.5, 3.0), (1.3, 4.5)]
# Distance of local exponents from the closed ones, over the last decade; measured worst: 0.0014 (features), 0.010 (steps),
# 0.004 (noise).
CLOSE, STEPS, NOISY = 0.005, 0.02, 0.01
NOISE = 0.5


def last(x, y):
    fit = fitted_exponent(x, y)
    assert fit.local.size == len(x) - 1
    return fit.local[-1]


def task(law, noise=0.0):
    return rg.Task.power_law(*law, noise, modes=None)


@pytest.mark.parametrize("law", LAWS)
def test_samples_and_features_without_noise(law):
    sizes = 10.0 ** np.arange(3, 7)
    samples = rg.predict(task(law), rg.Learner(rg.Ridge(0.0)), n=sizes).test.values
    features = rg.predict(task(law), rg.Learner(rg.Ridge(0.0), features=sizes), n=1e14).test.values
    assert abs(last(sizes, samples) - in_samples(*law)) < CLOSE
    assert abs(last(sizes, features) - in_features(*law)) < CLOSE


@pytest.mark.parametrize("law", LAWS)
def test_samples_with_noise(law):
    sizes = 10.0 ** np.arange(5, 9)
    ridge = rg.optimal_ridge(task(law, NOISE), rg.Learner(rg.Ridge()), n=sizes).test.values - NOISE
    assert abs(last(sizes, ridge) - in_noisy_samples(*law)) < NOISY


def test_early_stopping_does_not_saturate():
    law, sizes = LAWS[-1], 10.0 ** np.arange(4, 7)
    learner = rg.Learner(rg.GradientFlow(0.0))
    flow = rg.optimal_stopping(task(law, NOISE), learner, n=sizes).test.values - NOISE
    assert abs(last(sizes, flow) - in_noisy_samples(*law, early_stopped=True)) < NOISY
    assert in_noisy_samples(*law, early_stopped=True) > in_noisy_samples(*law) + 2 * NOISY


@pytest.mark.parametrize("law", LAWS)
def test_time_and_steps(law):
    times = 10.0 ** np.arange(2, 6)
    flow = rg.predict(task(law), rg.Learner(rg.GradientFlow(times)), n=1e12).test.values
    assert abs(last(times, flow) - in_time(*law)) < CLOSE
    steps = 10 ** np.arange(2, 6)
    once = rg.predict(task(law), rg.Learner(rg.OnePassSGD(0.1, steps)))
    assert once.stability_mass < 1
    assert abs(last(steps, once.bias.values) - in_time(*law)) < CLOSE
    assert abs(last(steps, once.test.values) - in_steps(*law)) < STEPS


def test_batch_and_momentum_change_the_factor_only():
    law, steps = LAWS[-1], 10 ** np.arange(3, 6)
    for training in (rg.OnePassSGD(0.1, steps, batch=8), rg.OnePassSGD(0.02, steps, momentum=0.8)):
        once = rg.predict(task(law), rg.Learner(training)).test.values
        assert abs(last(steps, once) - in_steps(*law)) < STEPS


def test_fit_knows_scatter():
    x = np.geomspace(1.0, 1e4, 200)
    noise = np.random.default_rng(0).normal(scale=0.1, size=x.size)
    fit = fitted_exponent(x, 3.0 * x**-1.7 * np.exp(noise))
    assert abs(fit.exponent - 1.7) < 4 * fit.error
    assert 0.5 < fit.error / (0.1 / np.sqrt(x.size) / np.log(x).std()) < 2.0


@pytest.mark.parametrize("function", [in_time, in_steps, in_features, in_samples, in_noisy_samples])
@pytest.mark.parametrize("law", [(1.0, 2.0), (2.0, 1.0), (0.5, 3.0), (np.inf, 2.0), (2.0, np.nan)])
def test_nothing_is_claimed_where_sums_diverge(function, law):
    with pytest.raises(ValueError, match=r"(alpha|beta) must be > 1 and finite"):
        function(*law)


@pytest.mark.parametrize("x, y", [([1.0, 2.0], [1.0, 1.0]), ([1.0, 2.0, 3.0], [1.0, 1.0]), ([1.0, 3.0, 2.0], [1.0] * 3)])
def test_bad_points(x, y):
    with pytest.raises(ValueError, match=r"one length of at least 3|ascend"):
        fitted_exponent(x, y)
