"""Losses of the residual on views: ridge regression on views, smoothed losses, the fit, and agreement with simulations."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import rfgen as rg
from rfgen.simulation.fits.margins.smoothed_fit import smoothed_clip, smoothed_fit
from rfgen.systems.robust import robust_fit
from rfgen.systems.robust.residual_loss import ClippedLoss

TASK = rg.Task(np.arange(1, 61) ** -0.6, np.arange(1, 61) ** -1.5).with_noise(0.2)
SHIFTED = rg.NoisyTask(TASK, rg.ContaminatedNoise(0.1, outliers=5.0, shift=2.0))
HEAVY = rg.NoisyTask(TASK, rg.StudentNoise(3.0))
INF = np.inf


@pytest.mark.parametrize(("augmentation", "features", "error"), [
    (rg.Compose([rg.Gain([0.5, 1.5]), rg.GaussianNoise(0.1)]), None, 1e-12), (rg.GaussianNoise(0.5, views=2), None, 1e-10),
], ids=["gain and noise", "two views"])
def test_a_large_threshold_is_ridge_regression_on_views(augmentation, features, error):
    """One view, and several."""
    given = {"augmentation": augmentation, "features": features}
    huber = rg.predict(TASK, rg.Learner(rg.Huber([0.1, 10.0], 1e5), **given), n=[40, 120])
    ridge = rg.predict(TASK, rg.Learner(rg.Ridge([0.1, 10.0]), **given), n=[40, 120])
    np.testing.assert_allclose(huber.test, ridge.test, rtol=error)
    np.testing.assert_allclose(huber.norm, ridge.norm, rtol=error)


def test_squares_under_noise_of_any_law_are_those_of_normal_noise():
    noise, learner = rg.NoisyTask(TASK, rg.LaplaceNoise(0.5)), rg.Learner(rg.Ridge(1.0), augmentation=rg.Mask(0.7))
    np.testing.assert_allclose(
        rg.predict(noise, learner, n=80).test, rg.predict(TASK.with_noise(0.7), learner, n=80).test, rtol=1e-12
    )


def test_smoothed_forces_are_means():
    z = np.linspace(-9.0, 9.0, 20_001)
    measure = np.exp(-0.5 * z**2) / np.sqrt(2.0 * np.pi) * (z[1] - z[0])
    for softness, low, high in ((1.0, -0.7, 0.7), (0.0, -0.2, 0.8)):
        margin, loss = np.linspace(-2.0, 2.0, 5), ClippedLoss(softness, low, high)
        with jax.enable_x64(True):
            force, slope = loss.smoothed(jnp.asarray(margin), 0.6, 1.0, (None, None))
            assert float(loss.value(jnp.asarray(-3.0))) == pytest.approx(3.0 * high - softness * high**2 / 2)
        clean = np.clip(-(margin[:, None] + 0.6 * z) / (softness + 1e-12), low, high)
        np.testing.assert_allclose(force, clean @ measure, atol=1e-3)
        np.testing.assert_allclose(slope, -(clean * z) @ measure / 0.6, atol=1e-3)  # Stein's lemma


@pytest.mark.parametrize("force", [(1.0, -0.7, 0.7), (0.0, -0.2, 0.8)], ids=["Huber", "quantile"])
def test_the_smoothed_fit(force):
    """Of little noise that of clean rows; of more, one that no step improves."""
    rng = np.random.default_rng(1)
    rows, ones = rng.normal(size=(30, 5)), np.ones(30)
    targets = 1.0 + rows[:, 0] + rng.standard_t(2, size=30)
    loss, plain = smoothed_clip(*force), robust_fit(rows, targets, force, 0.5, True)

    def fitted(level):
        private = 0.0 * rows, np.full(5, level)
        return smoothed_fit(rows, ones, ones, private, None, loss, np.array(0.5), True, shift=targets)

    little, fit = fitted(1e-9), fitted(0.4)
    np.testing.assert_allclose(little.weights, plain.weights, atol=1e-3)
    here = np.append(fit.weights, fit.intercept)

    def objective(x):
        deviation = np.full(30, np.sqrt(0.4 * x[:5] @ x[:5]))
        return np.sum(loss(rows @ x[:5] + x[5] - targets, deviation)[0]) + 0.25 * x[:5] @ x[:5]

    around = [objective(here + 1e-3 * step) for step in rng.normal(size=(40, 6))]
    assert bool(fit.converged) and min(around) > objective(here)


@pytest.mark.parametrize(("task", "training", "augmentation", "features"), [
    (HEAVY, rg.Huber(1.0, 1.0), rg.Compose([rg.Gain([0.5, 1.5]), rg.GaussianNoise(0.2)]), None),
    (SHIFTED, rg.Huber(1.0, 0.7, True), rg.GaussianNoise(0.3, views=2), None),
], ids=["gain and noise", "two views"])
def test_theory_and_simulation_agree(task, training, augmentation, features):
    learner = rg.Learner(training, augmentation=augmentation, features=features)
    report = rg.check(task, learner, n=100, trials=40, seed=5)
    assert report.agrees, report


def test_refused_in_sentences():
    def predict(task, augmentation):
        return rg.predict(task, rg.Learner(rg.Huber(1.0), augmentation=augmentation), n=20)

    with pytest.raises(ValueError, match="several views must change coordinates independently for losses of the residual"):
        predict(TASK, rg.Gain([0.5, 1.5], views=2))
    with pytest.raises(ValueError, match="must change rows one by one for losses of the residual"):
        predict(TASK, rg.Mixup(1.0))
    with pytest.raises(ValueError, match="several views must have normal noise for losses of the residual"):
        predict(HEAVY, rg.GaussianNoise(0.1, views=2))
    learner = rg.Learner(rg.Huber(1.0), augmentation=rg.Gain([0.5, 1.5], views=2))
    assert np.isfinite(rg.simulate(TASK, learner, n=20, trials=2).excess)
