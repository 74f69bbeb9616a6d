"""Ridges below 0: the edge in closed form, continuity at 0, the optimum against a grid, simulations, refusals."""

import jax
import numpy as np
import pytest

import rfgen as rg
from rfgen.theory.ridge.negative_ridge import risk_below_zero
from rfgen.theory.ridge.risk import risk

MODES = rg.Task.isotropic(100).modes
RHO, DIM = 0.1, 1000
SPIKE = rg.Task(
    np.r_[1 - RHO + RHO * DIM, np.full(DIM - 1, 1 - RHO)], np.r_[10.0, np.zeros(DIM - 1)], noise=1.0
)


@pytest.mark.parametrize("n", [25.0, 64.0, 400.0])
def test_edge_of_equal_modes(n):
    """Marchenko and Pastur: -(sqrt(p) - sqrt(n))^2, and the risk diverges there."""
    with jax.enable_x64(True):
        edge = -((10.0 - n**0.5) ** 2)
        at = [risk_below_zero(MODES, n, np.inf, edge * share, 0.5) for share in (1 - 1e-6, 1 + 1e-6)]
    assert float(at[0].edge) == pytest.approx(edge, rel=1e-12)
    assert float(at[0].test) > 100 and bool(at[0].converged) and np.isnan(at[1].test) and not at[1].converged


@pytest.mark.parametrize(("n", "features"), [(25.0, np.inf), (25.0, 60.0), (60.0, 20.0), (300.0, np.inf), (300.0, 40.0)])
def test_continuous_and_smooth_at_0(n, features):
    """Value and slope of both sides meet, for every part."""
    with jax.enable_x64(True):
        below = [risk_below_zero(MODES, n, features, -step, 0.5) for step in (1e-9, 2e-4)]
        above = [risk(MODES, n, features, step, 0.5) for step in (0.0, 2e-4)]
        for name in ("test", "bias", "variance", "noise", "norm", "amplification", "train"):
            left, right, far_left, far_right = (float(getattr(at, name)) for at in (below[0], above[0], below[1], above[1]))
            assert left == pytest.approx(right, rel=1e-8, abs=1e-15)
            assert far_left + far_right == pytest.approx(2 * right, rel=1e-6, abs=1e-8)


def test_spiked_optimum():
    """The optimum is below 0, no ridge of a grid beats it, and without `negative` it is at 0."""
    learner, n = rg.Learner(rg.Ridge()), [32, 64]
    best, plain = (rg.optimal_ridge(SPIKE, learner, n, negative=sign) for sign in (True, False))
    assert np.all(plain.ridge == 0.0) and np.all(best.test < plain.test) and np.all(best.edge < best.ridge)
    grid = rg.predict(SPIKE, rg.Learner(rg.Ridge(np.linspace(-500.0, 100.0, 601))), n)
    assert np.all(best.test <= grid.test.min("ridge") + 1e-12) and np.all(best.test > grid.test.min("ridge") - 1e-6)
    benign = rg.optimal_ridge(rg.Task.isotropic(100, noise=0.5), learner, 50, negative=True)
    assert float(benign.ridge) == pytest.approx(50.0, abs=1e-4)


AGREE = {
    "spiked, kernel": (SPIKE, rg.Learner(rg.Ridge([-150.0, -100.0, 0.0])), 64),
    "features": (rg.Task.isotropic(150, noise=0.3), rg.Learner(rg.Ridge([-3.0, 1.0]), features=200), 60),
    "more samples than modes": (rg.Task.isotropic(20, noise=0.3), rg.Learner(rg.Ridge([-10.0, 1.0])), 120),
    "an infinite spectrum": (rg.Task.power_law(1.5, 1.5, 0.3), rg.Learner(rg.Ridge([-0.1, -0.01])), 60),
}


@pytest.mark.parametrize("case", AGREE)
def test_simulation_agrees(case):
    task, learner, n = AGREE[case]
    report = rg.check(task, learner, n, trials=60, seed=1)
    assert report.agrees, report
    assert np.isfinite(report.dataset.test_simulation).all()


def test_gain_of_the_spiked_task():
    """100 paired runs by hand have risk(-150) - risk(0) = -.0092(20)."""
    curve = rg.predict(SPIKE, rg.Learner(rg.Ridge([-150.0, 0.0])), 64)
    assert abs(float(curve.test[0] - curve.test[1]) + 0.0092) < 3 * 0.002


TWO_CLASSES = rg.Mixture(np.ones(3), np.ones(3))
REFUSED = {
    "two classes": (lambda low: rg.predict(TWO_CLASSES, low(), 20), "negative_ridge is not covered"),
    "views": (lambda low: rg.predict(SPIKE, low(augmentation=rg.Mask(0.5)), 20), "ridge must be >= 0 with an"),
    "members": (lambda low: rg.predict(SPIKE, low(features=30), 20, members=3), "ridge must be >= 0 for members"),
    "flow": (lambda _: rg.GradientFlow(1.0, -1.0), "ridge must be >= 0"),
    "a word": (lambda _: rg.optimal_ridge(SPIKE, rg.Learner(rg.Ridge()), 20, negative="yes"), "negative must be True or"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(case):
    call, words = REFUSED[case]
    with pytest.raises(ValueError, match=words):
        call(lambda **settings: rg.Learner(rg.Ridge(-1.0), **settings))


def test_beyond_the_edge_it_says_where_that_is():
    curve = rg.predict(SPIKE, rg.Learner(rg.Ridge([-600.0, -100.0])), 64)
    assert np.isnan(curve.test[0]) and not curve.converged[0] and np.isfinite(curve.test[1])
    assert "1 point(s) of negative ridge at or beyond the edge of the spectrum, which is at ridge -504.2 for n=64" in (
        curve.attrs["failures"]
    )
