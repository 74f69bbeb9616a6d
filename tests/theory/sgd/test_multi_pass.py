"""Many passes: one pass as n grows, full-batch descent as batches grow, closed forms of stability and rest, limits."""

import time
import timeit

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import rfgen as rg
from rfgen.theory.dynamics.trajectory import equilibria_at
from rfgen.theory.ridge.block_risk import augmented_modes
from rfgen.theory.sgd.many_passes import multi_pass as module
from rfgen.theory.sgd.streaming.one_pass import iteration_of
from tests.oracles.sgd_moments import given_data

LAM = np.arange(1, 121) ** -1.1
POWER = np.arange(1, 121) ** -1.4
TASK = rg.Task(LAM / LAM.sum(), POWER / POWER.sum(), 0.25)
STEPS = [0, 1, 3, 20, 100, 400]
METHODS = {"descent": {}, "heavy ball": {"momentum": 0.6}, "nesterov": {"momentum": 0.6, "nesterov": True}}
NAMES = ("test", "train", "bias", "variance", "noise", "norm")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("features", [None, 60])
def test_infinitely_many_samples_are_one_pass(method, features):
    settings = {"rate": 0.5, "steps": [0, 1, 3, 20, 60], "batch": 2, **METHODS[method]}
    many = rg.predict(TASK, rg.Learner(rg.SGD(**settings, finite_size=True), features=features), n=1e10)
    fresh = rg.predict(TASK, rg.Learner(rg.OnePassSGD(**settings), features=features))
    for name in ("test", "bias", "variance", "noise", "norm"):
        np.testing.assert_allclose(many[name], fresh[name], rtol=1e-7, atol=1e-9, err_msg=name)
    np.testing.assert_allclose(many.train, fresh.test, rtol=1e-7)
    np.testing.assert_allclose(many.stability_mass, fresh.stability_mass, rtol=1e-7)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("features, ridge", [(None, 0.0), (None, 3.0), (60, 3.0)])
def test_infinite_batches_are_full_batch_descent(method, features, ridge):
    momentum = METHODS[method].get("momentum")
    steps = [*STEPS, 5000]
    full = {"descent": lambda: rg.GradientDescent(0.8, steps, ridge), "heavy ball": lambda: rg.HeavyBall(
        0.8, momentum, steps, ridge), "nesterov": lambda: rg.Nesterov(0.8, steps, momentum, ridge)}[method]()
    with jax.enable_x64(True):
        problem = augmented_modes(TASK, None)[0]
        training = rg.SGD(0.8, steps, ridge=ridge, **METHODS[method])
        # more than a learner allows
        settings = {"rate": 0.8, "batch": 1e15, "ridge": ridge, "momentum": momentum or 0.0}
        iteration = iteration_of(training, settings, 80)
        curve = module.multi_pass_sgd(problem, 80, features or np.inf, iteration, steps, 0.25)
    expected = rg.predict(TASK, rg.Learner(full, features=features), n=80)
    for name in NAMES:
        np.testing.assert_allclose(getattr(curve, name), expected[name], rtol=1e-8, atol=1e-10, err_msg=name)


@pytest.mark.parametrize(
    "n, features, batch, rate", [(300, None, 1, 0.6), (300, None, 8, 2.0), (80, None, 2, 0.5), (200, 60, 1, 0.6)]
)
def test_stability_mass_is_a_degree_of_freedom_beyond_the_edge(n, features, batch, rate):
    curve = rg.predict(TASK, rg.Learner(rg.SGD(rate, 10, batch=batch), features=features), n=n)
    with jax.enable_x64(True):
        sizes = jnp.asarray(float(n)), jnp.asarray(features or np.inf)
        at = equilibria_at(augmented_modes(TASK, None)[0], *sizes, np.array([-2 / rate + 0j]))
    np.testing.assert_allclose(curve.stability_mass, -float(at.df1[0].real) / batch, rtol=1e-9)


@pytest.mark.parametrize("ridge", [0.0, 2.0])
@pytest.mark.parametrize("n, features, momentum", [(300, None, 0.0), (300, None, 0.6), (60, None, 0.0), (40, 60, 0.0)])
def test_where_it_comes_to_rest(n, features, momentum, ridge):
    training = rg.SGD(0.7, 100_000, batch=2, momentum=momentum, ridge=ridge)
    curve = rg.predict(TASK, rg.Learner(training, features=features), n=n)
    np.testing.assert_allclose(curve.test, curve.stationary_test, rtol=1e-5)
    if ridge == 0.0 and n < min(120, features or 120):  # noise dies out where it interpolates
        least = rg.predict(TASK, rg.Learner(rg.Ridge(0.0), features=features), n=n)
        np.testing.assert_allclose(curve.stationary_test, least.test, rtol=1e-9)


@pytest.mark.parametrize("training", [
    rg.SGD(2.5, [0, 200, 201]), rg.SGD(9.0, [0, 200, 201], batch=60), rg.SGD(1.2, [0, 200, 201], momentum=0.7),
])
def test_unstable_settings_grow_as_reported(training):
    with pytest.warns(UserWarning, match="unstable"):
        curve = rg.predict(TASK, rg.Learner(training), n=60)
    assert curve.growth > 1 and np.isinf(curve.stationary_test) and "unstable" in curve.attrs and curve.converged.all()
    np.testing.assert_allclose(curve.test[2] / curve.test[1], curve.growth, rtol=2e-2)


def test_few_steps_between_known_ones_change_nothing(monkeypatch):
    learner = rg.Learner(rg.SGD(0.7, [700, 1500, 2500], batch=2))
    sparse = rg.predict(TASK, learner, n=60)
    monkeypatch.setattr(module, "SMOOTH", -1.0)
    dense = rg.predict(TASK, learner, n=60)
    for name in NAMES:
        np.testing.assert_allclose(sparse[name], dense[name], rtol=1e-11, err_msg=name)


@pytest.mark.parametrize("settings", [{}, {"momentum": 0.6, "nesterov": True}, {"ridge": 2.0, "finite_size": True}])
def test_another_contour_changes_nothing(monkeypatch, settings):
    learner = rg.Learner(rg.SGD(0.7, [3, 30, 300], batch=2, **settings), features=60)
    wide = rg.predict(TASK, learner, n=100)
    monkeypatch.setattr("rfgen.theory.sgd.many_passes.contour.WIDEST", 0.41)
    narrow = rg.predict(TASK, learner, n=100)
    for name in NAMES:
        np.testing.assert_allclose(narrow[name], wide[name], rtol=1e-9, err_msg=name)


def test_known_values():
    """Simulated means and standard errors of the derivation: 40 draws of data, 6 runs each; stationary, 1 and 8 a batch."""
    lam, power = np.arange(1, 401) ** -0.5, np.arange(1, 401) ** -1.3
    task = rg.Task(lam / lam.sum(), power / power.sum(), 0.25)
    curve = rg.predict(task, rg.Learner(rg.SGD(0.6, 400)), n=200)
    assert abs(float(curve.test) - 0.5160) < 4 * 0.0037 and abs(float(curve.train) - 0.1553) < 4 * 0.0037


def test_several_outputs_and_their_sum():
    powers = np.stack([POWER, POWER[::-1]])
    learner = rg.Learner(rg.SGD(0.4, [3, 30]), features=50)
    kept = rg.predict(rg.Task(LAM, powers, [0.1, 0.3], keep_outputs=True), learner, n=60)
    alone = zip(powers, (0.1, 0.3), strict=True)
    single = [rg.predict(rg.Task(LAM, power, noise), learner, n=60) for power, noise in alone]
    together = rg.predict(rg.Task(LAM, powers, [0.1, 0.3]), learner, n=60)
    for name in NAMES:
        for number, one in enumerate(single):
            np.testing.assert_allclose(kept[name][:, number], one[name], rtol=1e-10, err_msg=name)
        np.testing.assert_allclose(together[name], kept[name].sum("output"), rtol=1e-10, err_msg=name)
    assert kept.stationary_test.dims == ("output",)


@pytest.mark.filterwarnings("ignore:.*unstable")
def test_a_thousand_steps_take_less_than_two_seconds():
    learner = rg.Learner(rg.SGD(0.5, np.arange(1001)), features=200)
    task = rg.Task.power_law(1.3, 1.5, 0.3)
    assert rg.predict(task, learner, n=300).converged.all()
    # of the processor, and the least of three runs: machines are shared
    run = lambda: rg.predict(task, learner, n=300)  # noqa: E731
    assert min(timeit.repeat(run, timer=time.process_time, number=1, repeat=3)) < 2.0


def test_momentum_too_near_1_says_so():
    curve = rg.predict(TASK, rg.Learner(rg.SGD(1.0, 3000, batch=10, momentum=0.99)), n=60)
    assert not curve.converged and np.isnan(curve.test) and "momentum" in curve.attrs["failures"]


@pytest.mark.parametrize("make, word", [
    (lambda: rg.SGD(0.1, 5, batch=0), "batch"), (lambda: rg.SGD(0.1, 5, batch=2.5), "batch"),
    (lambda: rg.SGD(-0.1, 5), "rate"), (lambda: rg.SGD(0.1, 5, momentum=1.0), "momentum"),
    (lambda: rg.SGD(0.1, 5, ridge=-1.0), "ridge"), (lambda: rg.SGD(0.1, 5.5), "steps"),
    (lambda: rg.predict(TASK, rg.Learner(rg.SGD(0.1, 5))), "n, the number"),
    (lambda: rg.predict(TASK, rg.Learner(rg.SGD(0.1, 5, batch=[2, 11])), n=10), "batch must be at most n"),
    (lambda: rg.predict(TASK, rg.Learner(rg.SGD(0.1, 5, reshuffle=True)), n=10), "reshuffle"),
    (lambda: rg.predict(TASK, rg.Learner(rg.SGD(0.1, 5), augmentation=rg.Mixup(0.5)), n=10), "Mixup"),
    (lambda: rg.predict(TASK, rg.Learner(rg.SGD(0.1, 5)), n=10, by_mode=True), "by_mode"),
])
def test_bad_input_is_named(make, word):
    with pytest.raises(ValueError, match=word):
        make()


@pytest.mark.parametrize("n, modes, exponent, batch", [(160, 40, 0.5, 1), (160, 40, 1.2, 4), (60, 120, 0.5, 2)])
def test_exact_moments_given_the_data(n, modes, exponent, batch):
    """The excess over full-batch descent, exact given the data, averaged over 40 draws of them: no noise of batches."""
    noise, rate, steps = 0.25, 0.6, [3, 20, 60]
    lam, power = np.arange(1, modes + 1) ** -exponent, np.arange(1, modes + 1) ** -1.3
    lam, power = lam / lam.sum(), power / power.sum()
    task, rng, found = rg.Task(lam, power, noise), np.random.default_rng(1), []
    for _ in range(40):
        rows = rng.standard_normal((n, modes)) * np.sqrt(lam)
        labels = rows @ np.sqrt(power / lam) + np.sqrt(noise) * rng.standard_normal(n)
        _, spread = given_data(rows, labels, rate, batch, 0.0, 60)
        second = rows.T @ rows / n
        found.append([[np.sum(second * spread[t]), lam @ np.diag(spread[t])] for t in steps])
    mean, error = np.mean(found, axis=0), np.std(found, axis=0, ddof=1) / np.sqrt(40)
    descent = rg.predict(task, rg.Learner(rg.GradientDescent(rate, steps)), n=n)
    excess = {}
    for refined in (False, True):
        curve = rg.predict(task, rg.Learner(rg.SGD(rate, steps, batch=batch, finite_size=refined)), n=n)
        excess[refined] = np.stack([curve.train - descent.train, curve.test - descent.test], axis=1)
    z = (mean - excess[True]) / error
    assert np.abs(z).max() < 4, z
    if exponent > 1:  # early and with few effective dimensions the plain limit is the worse one
        assert (np.abs(mean - excess[True]) < np.abs(mean - excess[False]))[0].all()
