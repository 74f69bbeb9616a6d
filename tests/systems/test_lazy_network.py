"""Networks in the lazy regime: simulated from a Gaussian start, from a real network, and linearised, against theory."""

import numpy as np
import pytest

import rfgen as rg
from rfgen.api.check.agreement import allowance
from rfgen.systems.lazy.lazy_network import linearised_network, wide_network

MOST_Z = 4.0
POWER = {1: 0.7, 2: 0.4}
RIDGES = [0.0, 1.0]


def lazy_task(kernel, variance=0.0, points=500):
    task = rg.Task.sphere(8, kernel, POWER, 0.2, test_points=points)
    return task.with_initial_network(variance) if variance else task


def scores(task, n, runs, ridges=RIDGES):
    """Standard errors between simulation and theory, beyond the finite-size error that `check` grants."""
    curve = rg.predict(task, rg.Learner(rg.Ridge(ridges)), n)
    granted = allowance(curve.test, curve.finite_size, 1.0)
    return np.maximum(np.abs(runs.test - curve.test.values) - np.asarray(granted), 0.0) / runs.test_se


@pytest.mark.parametrize(
    ("depth", "n", "width", "trials"), [(1, 120, 1000, 40), (2, 120, 400, 30), (2, 400, 300, 10), (3, 300, 400, 12)]
)
def test_real_network_as_start(depth, n, width, trials):
    """From 0 and from a random network; and whoever forgets the network is found out."""
    plain, started = (lazy_task(rg.NTK("relu", depth), variance) for variance in (0.0, 1.0))
    for task in (plain, started):
        runs = wide_network(task, n, width, RIDGES, trials, seed=1)
        assert scores(task, n, runs).max() < MOST_Z
    assert scores(plain, n, runs).min() > MOST_Z


@pytest.mark.parametrize("kernel", [rg.NTK("relu"), rg.NTK("erf")])
def test_linearised_network(kernel):
    task = lazy_task(kernel, 1.0)
    assert scores(task, 120, linearised_network(task, 120, 4000, RIDGES, 15, seed=2)).max() < MOST_Z


# Bias and variance hold the network fixed over the training sets of a pair, where the test points determine it: these are
# to be many more than n.  With 400 of them at n = 300 the bias is 7 % low.
EVERY = ("test", "train", "bias", "variance")


@pytest.mark.parametrize(
    ("depth", "n", "trials", "variables"),
    [(1, 60, 40, EVERY), (3, 300, 10, ("test", "train"))],
)
def test_gaussian_start(depth, n, trials, variables):
    task = lazy_task(rg.NTK("relu", depth), 1.0, points=400)
    report = rg.check(task, rg.Learner(rg.Ridge(RIDGES)), n, trials=trials, seed=3, variables=variables)
    assert report.agrees, report


def test_gaussian_start_along_training():
    task = lazy_task(rg.NTK("relu", 2), 1.0, points=300)
    report = rg.check(task, rg.Learner(rg.GradientFlow([3.0, 100.0, np.inf])), 80, trials=40, seed=4)
    assert report.agrees, report


def test_same_samples_with_and_without_a_start():
    """The network has keys of its own: what label noise alone does is the same to the digit."""
    learner = rg.Learner(rg.Ridge(0.1))
    plain, started = (rg.simulate(lazy_task(rg.NTK(), v, points=60), learner, 30, trials=4) for v in (0.0, 1.0))
    np.testing.assert_allclose(plain.noise, started.noise, rtol=1e-12)
    assert not np.isclose(plain.test, started.test)


def test_trials_do_not_depend_on_their_number():
    task = lazy_task(rg.NTK("relu"), 1.0, points=50)
    two, three = (wide_network(task, 20, 30, 1.0, trials) for trials in (2, 3))
    mean, error, third = two.test[0], two.test_se[0], 3 * three.test[0] - 2 * two.test[0]
    spread = np.std([mean - error, mean + error, third], ddof=1)  # of two trials the mean and its error tell both
    np.testing.assert_allclose(three.test_se[0], spread / 3**0.5, rtol=1e-9)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: wide_network(rg.Task.isotropic(5), 5, 5), r"task must be a Task\.sphere with an rg\.NTK without biases"),
        (lambda: wide_network(lazy_task(rg.NTK("relu", 1, 0.1)), 5, 5), "without biases"),
        (
            lambda: wide_network(lazy_task(rg.NTK()).with_initial_network(1.0, rg.NNGP("erf")), 5, 5),
            "kernel of the initial network must be that of the network",
        ),
        (lambda: linearised_network(lazy_task(rg.NTK("relu", 2)), 5, 5), "depth of the task's kernel must be 1"),
        (lambda: wide_network(lazy_task(rg.NTK()), 5, 0), "width must be an integer >= 1"),
        (lambda: wide_network(lazy_task(rg.NTK()), 5, 5, -1.0), "ridge must be >= 0"),
        (lambda: wide_network(lazy_task(rg.NTK()), 5, 5, trials=1), "trials must be an integer >= 2"),
    ],
)
def test_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
