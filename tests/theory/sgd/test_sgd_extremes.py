"""Stochastic gradient descent at the ends of its settings: schedules with features, tiny and huge rates, empty tasks."""

import warnings

import numpy as np
import pytest

import rfgen as rg

LONG = rg.Task.power_law(1.5, 1.5, noise=0.3, modes=500)
SHORT = rg.Task([1.0, 0.5, 0.3, 0.1], [1.0, 0.5, 0.2, 0.3], noise=0.2, null_power=0.1)
STEPS = [0, 10, 100, 1000]


@pytest.fixture(autouse=True)
def no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        yield


@pytest.mark.parametrize("rate, momentum", [
    (lambda t: 0.3 * (1 - t / 1001), 0.0), (lambda t: 0.15 * (1 + np.cos(np.pi * t / 1000)), 0.0),
    (lambda t: 0.3 * 0.99**t, 0.0), (lambda t: 0.3 / (1 + t), 0.0), (lambda t: 0.3 * (t < 50), 0.0),
    (lambda t: 0.3 * np.minimum(t / 300, 1), 0.0), (0.03, lambda t: 0.9 * (1 - t / 1001)),
])
def test_schedules_on_very_many_features_are_those_of_the_kernel(rate, momentum):
    training = rg.OnePassSGD(rate, STEPS, momentum=momentum)
    kernel, features = (rg.predict(LONG, rg.Learner(training, features=each)) for each in (None, 1e9))
    assert features.converged.all()
    np.testing.assert_allclose(features.test, kernel.test, rtol=1e-6)


@pytest.mark.parametrize("rate", [1e-140, 1e-12, 1e-10])
def test_tiny_rates_learn_in_proportion(rate):
    tiny = rg.predict(SHORT, rg.Learner(rg.OnePassSGD(rate, [0, 10])))
    assert tiny.growth == 1 and tiny.converged.all()
    np.testing.assert_allclose(tiny.test, SHORT.null_risk, rtol=1e-8)
    np.testing.assert_allclose(tiny.stability_mass, rate * np.sum(SHORT.eigenvalues) / 2, rtol=1e-8)
    if rate > 1e-100:
        for learner, n in ((rg.Learner(rg.OnePassSGD(rate, 10), features=50), None), (rg.Learner(rg.SGD(rate, 10)), 50)):
            curve = rg.predict(SHORT, learner, n=n)
            assert curve.converged and curve.growth == 1
            np.testing.assert_allclose(curve.stability_mass, rate * np.sum(SHORT.eigenvalues) / 2, rtol=1e-6)


def test_only_rate_times_eigenvalue_matters():
    reference = rg.predict(rg.Task([1.0, 0.5], [1.0, 0.5], 0.2), rg.Learner(rg.OnePassSGD(0.3, [0, 10], momentum=0.5)))
    for scale in (1e-200, 1e200):
        task = rg.Task(scale * np.array([1.0, 0.5]), [1.0, 0.5], 0.2)
        scaled = rg.predict(task, rg.Learner(rg.OnePassSGD(0.3 / scale, [0, 10], momentum=0.5)))
        for name in ("test", "stability_mass", "stationary_test"):
            np.testing.assert_allclose(scaled[name], reference[name], rtol=1e-12)
        np.testing.assert_allclose(scaled.norm * scale, reference.norm, rtol=1e-12)


@pytest.mark.parametrize("ridge", [316.0, 350.0, 1000.0])
def test_weight_decay_beyond_stability_ends_and_grows(ridge):
    with pytest.warns(UserWarning, match="unstable"):
        curve = rg.predict(LONG, rg.Learner(rg.SGD(0.3, [0, 10, 100], ridge=ridge)), n=50)
    assert curve.converged.all() and curve.growth > 1 and float(curve.test[2]) > 1e20
    np.testing.assert_allclose(curve.test[0], LONG.null_risk, rtol=1e-12)


@pytest.mark.filterwarnings("ignore:.*unstable")
def test_huge_rates_are_infinite_and_break_nothing():
    curve = rg.predict(SHORT, rg.Learner(rg.OnePassSGD([1e300, 0.3], [0, 10])))
    assert np.isposinf(curve.test[0, 1]) and np.isposinf(curve.growth[0]) and np.isfinite(curve.test[1]).all()
    by_mode = rg.predict(SHORT, rg.Learner(rg.OnePassSGD(1e12, [0, 5, 50])), by_mode=True)
    assert np.isposinf(by_mode.variance_by_mode[-1]).all()
    many = rg.predict(SHORT, rg.Learner(rg.SGD([1e12, 0.3], [0, 10])), n=10)
    assert float(many.test[0, 1]) > 1e100 and np.isfinite(many.test[1]).all()


def test_momentum_too_near_1_on_features_says_so():
    learner = rg.Learner(rg.OnePassSGD(0.5, 20_000, batch=10**9, momentum=0.995), features=50)
    curve = rg.predict(LONG, learner)
    assert not curve.converged and np.isnan(curve.test) and "momentum" in curve.attrs["failures"]


def test_no_step_and_no_rate():
    for features in (None, 50):
        for training in (rg.OnePassSGD(lambda t: 0.3, 0), rg.OnePassSGD(lambda t: 0 * t, 5), rg.OnePassSGD(0.3, 0)):
            curve = rg.predict(SHORT, rg.Learner(training, features=features))
            assert curve.converged
            np.testing.assert_allclose(curve.test, SHORT.null_risk, rtol=1e-12)
    assert np.isfinite(rg.simulate(SHORT, rg.Learner(rg.OnePassSGD(lambda t: 0.3, 0)), trials=4).test)
    assert "growth" not in rg.predict(SHORT, rg.Learner(rg.OnePassSGD(lambda t: 0.3 / (1 + t), 1)))


@pytest.mark.parametrize("learner, n", [
    (rg.Learner(rg.OnePassSGD(0.3, [0, 5])), None), (rg.Learner(rg.OnePassSGD(0.3, [0, 5]), features=5), None),
    (rg.Learner(rg.SGD(0.3, [0, 5])), 5),
])
def test_nothing_to_learn(learner, n):
    none = rg.predict(rg.Task([1.0, 0.5], [0.0, 0.0]), learner, n=n)
    assert none.converged.all() and (none.test == 0).all() and none.stationary_test == 0
    blind = rg.predict(rg.Task([0.0, 0.0], [1.0, 0.5], noise=0.2), learner, n=n)
    assert blind.converged.all()
    np.testing.assert_allclose(blind.test, 1.7, rtol=1e-12)


def test_a_part_of_the_state_that_is_never_seen_may_wander():
    plain = rg.predict(SHORT, rg.Learner(rg.OnePassSGD(0.1, 50)))
    for gamma in (0.5, 5.0):
        same = rg.predict(SHORT, rg.Learner(rg.AcceleratedSGD(1.0, 0.0, gamma, 0.1, 50)))
        for name in ("test", "stability_mass", "stationary_test", "growth"):
            np.testing.assert_allclose(same[name], plain[name], rtol=1e-9, err_msg=name)


@pytest.mark.parametrize("make, word", [
    (lambda: rg.OnePassSGD(0.3, 5, nesterov="no"), "nesterov"), (lambda: rg.SGD(0.3, 5, finite_size="x"), "finite_size"),
    (lambda: rg.SGD(lambda t: 0.3, 5), "only OnePassSGD takes schedules"),
    (lambda: rg.AcceleratedSGD(0.5, 0.5, 0.0, 0.0, 5), "gamma or delta"),
    (lambda: rg.predict(SHORT, rg.Learner(rg.OnePassSGD(lambda t: 0.3 + 0j * t, 5))), "complex"),
    (lambda: rg.predict(SHORT, rg.Learner(rg.OnePassSGD(lambda t: 0.3 if t < 3 else 0.1, 5))), "np.where for if"),
    (lambda: rg.SGD(0.3, 5, batch=10**18), "at most 2\\^53"),
])
def test_bad_input_is_named(make, word):
    with pytest.raises(ValueError, match=word):
        make()
