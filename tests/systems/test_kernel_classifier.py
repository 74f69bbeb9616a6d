"""0-1 errors of kernel classifiers on the sphere: theory within what it says of itself of simulations."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import rfgen as rg
from rfgen.systems.sphere_labels.problem import ZonalLabels
from rfgen.systems.sphere_labels.simulation import kernel_classifier as simulated
from rfgen.systems.sphere_labels.simulation import kernel_flow_classifier as simulated_flow
from rfgen.systems.sphere_labels.theory import kernel_classifier, kernel_flow_classifier

MOST_Z = 4.0
# What the Gaussian approximation promises.
PROMISED = 0.01


def target(t):
    return (jnp if isinstance(t, jax.Array) else np).tanh(2.5 * t)


LABELS = ZonalLabels(8, rg.NTK("relu", depth=2), target)
NUMPY = ZonalLabels(8, rg.NTK("relu"), np.tanh)


@pytest.mark.parametrize(("n", "trials"), [(100, 200), (400, 25)])
def test_within_one_per_cent(n, trials):
    ridges = [0.0, 2.0]
    runs = simulated(LABELS, n, ridges, trials, seed=1)
    for number, ridge in enumerate(ridges):
        with jax.enable_x64(True):
            found = kernel_classifier(LABELS, n, ridge)
        miss = abs(runs.error[number] - float(found.error))
        assert miss < MOST_Z * runs.error_se[number] + PROMISED * float(found.error)
        # the squared risk is the engine's, which has no such limit
        assert abs(runs.test[number] - float(found.test)) < MOST_Z * runs.test_se[number] + float(found.test) / n


def test_flow_within_one_per_cent():
    times = [1.0, 30.0, 1000.0]
    runs = simulated_flow(LABELS, 100, times, 150, seed=2)
    for number, time in enumerate(times):
        with jax.enable_x64(True):
            found = kernel_flow_classifier(LABELS, 100, time)
        for name, allowed in (("error", PROMISED * float(found.error)), ("test", float(found.test) / 100)):
            miss = abs(getattr(runs, name)[number] - float(getattr(found, name)))
            assert miss < MOST_Z * getattr(runs, f"{name}_se")[number] + allowed


def test_a_wrong_theory_is_found_out():
    """Without the noise's own shape and size, V of a hundredth: far off."""
    runs = simulated(LABELS, 100, 0.0, 100, seed=1)
    with jax.enable_x64(True):
        found = kernel_classifier(LABELS, 100, 0.0)
    wrong = LABELS.weights @ (0.5 - 0.5 * LABELS.means * np.sign(found.mean))
    assert runs.error[0] - wrong > MOST_Z * runs.error_se[0] + PROMISED * wrong


def test_trials_do_not_depend_on_their_number():
    few, more = (simulated(LABELS, 20, 1.0, trials, test_points=50) for trials in (2, 4))
    again = simulated(LABELS, 20, [1.0, 3.0], 2, test_points=50)
    np.testing.assert_allclose(again.error[0], few.error[0], rtol=1e-12)
    assert more.error[0] != few.error[0]


def test_refused():
    for arguments, message in (
        ((0,), "n must be an integer >= 1"),
        ((5, -1.0), "ridge must be >= 0"),
        ((5, 0.0, 1), "trials must be an integer >= 2"),
    ):
        with pytest.raises(ValueError, match=message):
            simulated(LABELS, *arguments)
    with pytest.raises(ValueError, match="time must be > 0"):
        simulated_flow(LABELS, 5, 0.0)


def test_the_verbs_serve_labels_on_the_sphere():
    labels = rg.ZonalLabels(8, rg.NTK("relu", depth=2), lambda t: jnp.tanh(2.5 * t))
    curve = rg.predict(labels, rg.Learner(rg.Ridge([0.0, 2.0])), n=[50, 100])
    with jax.enable_x64(True):
        one = kernel_classifier(LABELS, 100, 2.0)
    assert curve.error.dims == ("n", "ridge") and curve.attrs["bayes_error"] == pytest.approx(float(one.bayes))
    for name in ("error", "uniform_error", "test"):
        assert float(curve[name][1, 1]) == pytest.approx(float(getattr(one, name)), rel=1e-12)
    runs = rg.simulate(labels, rg.Learner(rg.Ridge(1.0)), n=20, trials=3, seed=4)
    assert float(runs.error) == pytest.approx(simulated(labels, 20, 1.0, trials=3, seed=4).error[0])
    for call, message in (
        (lambda: rg.predict(LABELS, rg.Learner(rg.GradientFlow(0.0)), n=5), r"time must be finite and > 0 .*rg\.Ridge"),
        (lambda: rg.predict(LABELS, rg.Learner(rg.GradientFlow(1.0, 2.0)), n=5), "ridge must be 0 for gradient flow"),
    ):
        with pytest.raises(ValueError, match=message):
            call()


def test_theory_and_simulation_agree_through_the_verbs():
    for training in (rg.Ridge([0.0, 2.0]), rg.GradientFlow([1.0, 30.0])):
        report = rg.check(LABELS, rg.Learner(training), n=[50, 100], trials=40)
        assert report.agrees, report


def test_what_few_dimensions_leave_is_granted():
    """3.5 % in four dimensions, 3 % beyond 1/n: 5 standard errors."""
    labels = rg.ZonalLabels(4, rg.NTK("relu", depth=2), lambda t: jnp.tanh(1.8 * t))
    report = rg.check(labels, rg.Learner(rg.Ridge(0.0)), n=200, trials=80, variables="error")
    assert report.agrees, report
    found = report.dataset
    off = float(found.error_simulation / found.error_theory) - 1.0
    assert off > 0.015 and float(found.error_z) > 4.0 + 1.0 / 200 * float(found.error_theory / found.error_se)
