"""The transform in time and spectrum against the recursion over steps, and the frontier against the published phases."""

import numpy as np
import pytest

import rfgen as rg
from rfgen.theory.overfitting.scaling_exponents import phase
from rfgen.theory.sgd.compute_optimal import compute_optimal
from rfgen.theory.sgd.many_passes.feature_ridges import FeatureModes
from rfgen.theory.sgd.streaming.step_transform import step_transform

CURVES = {
    "infinite": (rg.Task.power_law(1.5, 1.5, 0.5), 100.0, 0.3, 1.0),
    "fewer modes than features": (rg.Task(100.0 * np.ones(3), np.ones(3), 0.2, [30, 20, 40]), 150.0, 2e-4, 4.0),
}
STEPS = np.array([0, 1, 2, 6, 19, 20, 21, 100, 300, 1000])
# Relative distance from the recursion; measured worst 1e-12, the recursion's own contour.
CLOSE = 1e-9
# Two pairs in each phase; the slopes of the frontier at this compute, measured worst 0.0046 (width of phase II).
PAIRS = [(1.5, 1.8), (2.0, 2.6), (1.5, 2.7), (2.0, 3.6), (1.5, 4.0), (2.0, 5.0)]
COMPUTE, EXPONENTS = 1e14, 0.006


def transformed(task, width, rate, batch, times, **options):
    widths = np.array([width])
    modes = FeatureModes.of(task.modes, widths)
    return step_transform(
        modes, widths, np.array([rate]), np.array([batch]), np.asarray(times, float)[None], **options
    )


@pytest.mark.parametrize("name", CURVES)
def test_the_recursion_over_steps(name):
    task, width, rate, batch = CURVES[name]
    training = rg.OnePassSGD(rate, STEPS, int(batch))
    curve = rg.predict(task, rg.Learner(training, features=width))
    found = transformed(task, width, rate, batch, STEPS)
    np.testing.assert_allclose(found.signal[0, 0] + task.risk_noise * found.amplification[0], curve.test, rtol=CLOSE)
    np.testing.assert_allclose(found.mass, curve.stability_mass, rtol=CLOSE)


def test_late_times_with_fewer_nodes_and_from_close_by():
    task, width, rate, batch = CURVES["infinite"]
    times = np.geomspace(30, 1e12, 12)
    fine = transformed(task, width, rate, batch, times)
    coarse = transformed(task, width, 1.001 * rate, batch, times, coarse=True)
    near = transformed(task, width, rate, batch, times, coarse=True, near=coarse.deltas)
    np.testing.assert_allclose(near.signal, fine.signal, rtol=2e-8)
    assert not transformed(task, width, 1.2, batch, times).stable
    rest = 1.0 / (1.0 - fine.mass[0])
    np.testing.assert_allclose(fine.amplification[0, -1], rest, rtol=1e-9)


@pytest.mark.parametrize("pair", PAIRS)
def test_exponents_of_the_phases(pair):
    limit = phase(*pair)
    best = rg.compute_frontier(rg.Task.power_law(*pair), rg.OnePassSGD(0.3, 1), np.geomspace(3e4, 1e8, 8), COMPUTE)
    assert best.phase.item() == limit.name
    assert abs(best.loss_exponent - limit.loss) < EXPONENTS and abs(best.width_exponent - limit.width) < EXPONENTS


def test_the_frontier_is_the_least_of_exact_curves():
    task = rg.Task.power_law(1.5, 1.8, 0.01)
    best = compute_optimal(task.modes, np.geomspace(30, 3000, 8), 0.3, 2.0, 0.01, np.array([1e6, 1e7]))
    for loss, width, steps in zip(best.loss, best.width, best.steps, strict=True):
        at = [transformed(task, width * turn, 0.3, 2.0, [steps / turn]) for turn in (0.9, 1.0, 1.1)]
        risks = [(found.signal[0] + 0.01 * found.amplification).item() for found in at]
        np.testing.assert_allclose(risks[1], loss, rtol=1e-5)
        assert min(risks[0], risks[2]) > risks[1]


TASK, PLAIN, WIDTHS = rg.Task.power_law(1.5, 1.8), rg.OnePassSGD(0.3, 1), [10.0, 20.0, 40.0, 80.0]


@pytest.mark.parametrize(("training", "features", "compute", "says"), [
    (rg.OnePassSGD([0.1, 0.3], 1), WIDTHS, 1e5, "one constant rate"), (rg.Ridge(0.1), WIDTHS, 1e5, "an rg.OnePassSGD"),
    (PLAIN, [10.0, 20.0], 1e5, "at least 4"), (PLAIN, WIDTHS, 10.0, "at least 4 steps"),
    (rg.OnePassSGD(3.0, 1), WIDTHS, 1e5, "lower the rate"), (PLAIN, WIDTHS, -1.0, "compute must be"),
])
def test_what_the_frontier_refuses(training, features, compute, says):
    with pytest.raises(ValueError, match=says):
        rg.compute_frontier(TASK, training, features, compute)


def test_a_best_width_beyond_the_widths_is_told():
    with pytest.warns(UserWarning, match="widen them"):
        best = rg.compute_frontier(TASK, PLAIN, WIDTHS, [1e3, 1e9])
    assert "1 of 2" in best.attrs["edge"] or "2 of 2" in best.attrs["edge"]
    assert np.isnan(best.loss_exponent[1])
