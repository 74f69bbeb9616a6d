"""Sparse regression on samples in views: the ridge engine, the elastic net, its limits, and agreement with simulations."""

from dataclasses import dataclass

import jax
import numpy as np
import pytest
import sklearn.linear_model
from scipy.stats import norm

import rfgen as rg
from rfgen.simulation.random_numbers import host_key
from rfgen.systems.sparse import SoftThreshold, state_evolution
from rfgen.systems.sparse.l1_fit import l1_fit
from rfgen.systems.sparse.row_groups import row_groups
from rfgen.systems.sparse.simulation import sparse_source

TASK = rg.SparseRegression.equal(60, 6, noise=0.3)
BOTH = rg.Compose([rg.Gain([0.5, 1.5]), rg.GaussianNoise(0.3)], views=2)


def predict(training, n, augmentation=None, task=TASK):
    return rg.predict(task, rg.Learner(training, augmentation=augmentation), n)


@pytest.mark.parametrize(
    "augmentation",
    [
        BOTH, rg.Mask(0.7, views=3), rg.Mixup(1.0, views=2),
    ],
    ids=["gain and noise", "mask", "pairs"],
)
def test_shrinkage_is_the_ridge_engine_on_views(augmentation):
    """To 2e-12, measured on these and on ten others; 20 rows in 3 views are as many as coefficients."""
    ridge = rg.Ridge([0.0, 1.0, 30.0])
    found, n = predict(ridge, [20, 40, 100], augmentation), [20, 40, 100]
    exact = rg.predict(rg.Task.isotropic(60, signal=6.0, noise=0.3), rg.Learner(ridge, augmentation=augmentation), n)
    for name in ("test", "train", "norm"):
        np.testing.assert_allclose(found[name], exact[name], rtol=1e-10, atol=1e-14)


def test_rows_keep_the_moments_of_views():
    law = BOTH.mode_law(60)
    for views in (1, 2, 5, np.inf):
        rows = row_groups(rg.Compose([rg.Gain([0.5, 1.5]), rg.GaussianNoise(0.3)], views=views))
        square = law.probability @ (law.gain**2 + law.slope + law.level)[:, 0]
        np.testing.assert_allclose(rows.weight.sum(), square, rtol=1e-12)
        np.testing.assert_allclose(rows.weight @ rows.signal, law.probability @ law.gain[:, 0], rtol=1e-12)
        np.testing.assert_allclose(rows.share @ rows.label + rows.idle, 1.0, rtol=1e-12)


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Own(SoftThreshold):
    """A map of which three means are told, as one's own are."""

    def means(self, beta, tau, theta):
        known = super().means(beta, tau, theta)
        return type(known)(known.slope, known.error, known.square)


def test_a_map_of_ones_own_is_seen_in_views():
    rows, at = row_groups(BOTH), (np.array([0.0, 1.0]), np.array([285.0, 15.0]))
    with jax.enable_x64(True):
        found = [state_evolution(one, *at, 0.25, 200, 10.0, rows) for one in (SoftThreshold(), Own())]
    assert float(found[1].test) == pytest.approx(float(found[0].test), rel=1e-12)


def test_infinitely_many_noisy_views_are_the_elastic_net():
    n, noise, penalty = 40, 0.2, 3.0
    augmentation = rg.GaussianNoise(noise, views=np.inf)
    # what is minimised
    sample = sparse_source(TASK, augmentation).draw(host_key(0), None, n)
    targets = (sample.targets + 0.3**0.5 * sample.errors)[:, 0]
    exact = sklearn.linear_model.ElasticNet(
        (penalty + n * noise) / n, l1_ratio=penalty / (penalty + n * noise), fit_intercept=False, tol=1e-12, max_iter=10**5
    ).fit(sample.rows[:n], targets[:n])
    np.testing.assert_allclose(l1_fit(sample.rows, targets, penalty).coefficients, exact.coef_, atol=1e-8)
    # its state evolution, by quadrature
    found = predict(rg.Lasso(penalty), n, augmentation)
    stretch = 1.0 - float(found.theta) * n * noise / penalty
    tau, theta = float(found.tau) / stretch, float(found.theta) / stretch
    z = np.linspace(-9.0, 9.0, 400_001)
    error = active = 0.0
    for beta, count in zip(TASK.coefficients, TASK.multiplicity, strict=True):
        b = beta + tau * z
        x, mass = stretch * np.sign(b) * np.maximum(np.abs(b) - theta, 0.0), count * norm.pdf(z) * (z[1] - z[0])
        error, active = error + mass @ (x - beta) ** 2, active + mass @ (np.abs(b) > theta)
    np.testing.assert_allclose([found.excess, n * tau**2], [error, 0.3 + error], rtol=1e-8)
    np.testing.assert_allclose(n, stretch * active + penalty / theta, rtol=1e-5)


def test_limits():
    lasso, n = rg.Lasso([0.5, 5.0]), [20, 90]
    # no noise is no view; one view is a design of more variance, with errors in variables
    plain = predict(lasso, n)
    for views in (1, 2, np.inf):
        np.testing.assert_allclose(predict(lasso, n, rg.GaussianNoise(1e-13, views)).test, plain.test, rtol=1e-9)
    wide = rg.SparseRegression(TASK.coefficients / 1.5**0.5, 0.3 + 6.0 / 3.0, TASK.multiplicity)
    once, other = predict(lasso, n, rg.GaussianNoise(0.5)), predict(rg.Lasso(lasso.penalty / 1.5**0.5), n, task=wide)
    np.testing.assert_allclose([once.norm, once.train], [other.norm / 1.5, other.train], rtol=1e-10)
    # many views are all; without a penalty, where views outnumber coefficients, it is least squares
    many, every = (predict(lasso, n, rg.GaussianNoise(0.5, views)) for views in (10**6, np.inf))
    np.testing.assert_allclose(many.test, every.test, rtol=1e-5)
    views = rg.GaussianNoise(0.5, views=3)
    np.testing.assert_allclose(predict(rg.Lasso(1e-9), 30, views).test, predict(rg.Ridge(0.0), 30, views).test, rtol=1e-8)


def test_strengths_are_dimensions():
    lasso = rg.Lasso([1.0, 5.0])
    curve = predict(lasso, [20, 40], rg.GaussianNoise([0.1, 0.4], views=[1, np.inf]))
    assert curve.test.dims == ("n", "penalty", "views", "view_variance") and bool(curve.converged.all())
    one = predict(lasso, 40, rg.GaussianNoise(0.4))
    np.testing.assert_allclose(curve.test.sel(n=40, views=1, view_variance=0.4), one.test, rtol=1e-12)
    learner = rg.Learner(lasso, augmentation=rg.GaussianNoise([0.1, 0.4], views=[1, np.inf]))
    assert rg.simulate(TASK, learner, n=[10, 20], trials=2).test.dims == curve.test.dims


@pytest.mark.parametrize(("training", "augmentation"), [
    (rg.Lasso(4.0), BOTH), (rg.BasisPursuit(), rg.Mask(0.7, views=2)),
], ids=["gain and noise", "pursuit of masks"])
def test_theory_and_simulation_agree(training, augmentation):
    task = rg.SparseRegression([2.0, 1.0, 0.0], 0.5, [8, 8, 84])
    report = rg.check(task, rg.Learner(training, augmentation=augmentation), n=[35, 80], trials=24)
    assert report.agrees, report


def test_refused_in_sentences():
    for augmentation in (rg.Flip(), rg.Cutout(2), rg.Jitter(0.3, 2)):
        with pytest.raises(ValueError, match="must treat all coordinates alike on a sparse task, whose coefficients"):
            predict(rg.Lasso(1.0), 20, augmentation)
    with pytest.raises(ValueError, match="must leave something of inputs and labels"):
        predict(rg.Lasso(1.0), 20, rg.Mask(0.0))
    with pytest.raises(ValueError, match="must have a penalty on views that differ by factors alone"):
        rg.simulate(TASK, rg.Learner(rg.BasisPursuit(), augmentation=rg.Gain([0.5, 1.5], views=2)), n=20, trials=2)
    with pytest.raises(ValueError, match="views must be fewer, or inf, as 3 kinds of them are drawn in"):
        predict(rg.Lasso(1.0), 20, rg.Gain([0.5, 1.0, 1.5], views=200))
