"""Losses of the residual on bags, and means of models: limits, the ridge engine, by hand, agreement with simulations."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import rfgen as rg
from rfgen.simulation.random_numbers import fold_in, host_key, split
from rfgen.simulation.runs.ensemble import Members, bag
from rfgen.systems.robust import robust_fit
from rfgen.systems.robust.paired_forces import paired_power
from rfgen.systems.robust.problem import force_of
from rfgen.systems.robust.residual_loss import ClippedLoss
from rfgen.systems.robust.simulation import NoisyRows, robust_runs

TASK = rg.Task(np.arange(1, 41) ** -0.6, np.arange(1, 41) ** -1.5).with_noise(0.2)
LAW = rg.ContaminatedNoise(0.1, outliers=5.0, shift=2.0)
NOISY = rg.NoisyTask(TASK, LAW)
NAMES = ("excess", "norm", "intercept")


@pytest.mark.parametrize("softness", [0.0, 1.0], ids=["absolute", "huber"])
def test_what_two_forces_share(softness):
    """Against sums over two normal variables; at the whole spread one model's, without noise too."""
    draws = np.array([1.0, 3.0]), np.array([0.5, 0.2])
    noise = np.array([0.7, 0.3]), np.array([0.1, -0.5]), np.array([0.3, 2.0])
    z, measure = np.polynomial.hermite_e.hermegauss(100)
    measure = measure / measure.sum()
    with jax.enable_x64(True):
        loss = ClippedLoss(jnp.asarray(softness), jnp.asarray(-0.6), jnp.asarray(1.0))
        found = [float(paired_power(loss, 0.4, 2.0, shared, noise, draws)) for shared in (0.5, 2.0 - 1e-9)]

    def force(r):
        stiff = softness + 0.4 * draws[0]
        return np.clip(r[..., None] / stiff, -0.6, 1.0) @ (draws[0] * draws[1])

    wanted = np.zeros(2)
    grid = np.linspace(-9.0, 9.0, 40_001)
    fine = np.exp(-0.5 * grid**2) / np.sqrt(2.0 * np.pi) * (grid[1] - grid[0])
    for share, center, deviation in zip(*noise, strict=True):
        common = center + np.sqrt(deviation**2 + 0.5) * grid[::40]
        mean = force(common[:, None] + np.sqrt(1.5) * z) @ measure
        whole = force(center + np.sqrt(deviation**2 + 2.0) * grid)
        wanted += share * np.array([40.0 * fine[::40] @ mean**2, fine @ whole**2])
    np.testing.assert_allclose(found, wanted, rtol=2e-4)


def test_limits_of_simulations():
    """All rows once, in another order; features make models differ, and one is none."""
    for training, features in ((rg.Huber([1.0, 5.0], 0.5, intercept=True), None), (rg.Ridge(2.0), 25)):
        plain = robust_runs(TASK, LAW, training, 50, features, 2)
        for count in (1, 2) if features is None else (1,):
            once = robust_runs(TASK, LAW, training, 50, features, 2, members=Members(count, rg.Subsample(1.0)))
            for name in NAMES:
                np.testing.assert_allclose(once[name], plain[name], rtol=1e-6, atol=1e-9)


def test_rows_drawn_again_weigh_as_often():
    n, training = 40, rg.Absolute(1.0, intercept=True)
    key = fold_in(fold_in(fold_in(host_key(3), n), 0), 0)
    *_, models = split(key, 4)
    scale = np.sqrt(TASK.eigenvalues)
    truth = np.sqrt(TASK.power[0] / TASK.eigenvalues)
    sample = NoisyRows(scale, truth, np.sqrt(0.2), LAW).draw(key, key, n)
    total, targets = np.zeros(40), (sample.targets + sample.errors)[:, 0]
    for number in range(2):
        drawn = bag(fold_in(models, number), n, rg.Bootstrap())
        total += robust_fit(sample.rows[drawn], targets[drawn], force_of(training, np.ones(())), 1.0, True).weights / 2
    found = robust_runs(TASK, LAW, training, n, None, 1, 3, members=Members(2, rg.Bootstrap()))
    np.testing.assert_allclose(found["excess"], [np.sum((scale * (total - truth)) ** 2)], rtol=1e-6)


def test_a_large_threshold_is_ridge_regression_on_bags():
    given = {"features": 30, "augmentation": rg.Gain([0.5, 1.5]), "resampling": rg.Bootstrap()}
    huber, ridge = (
        rg.predict(TASK, rg.Learner(one, **given), n=[30, 90], members=[1, 3, np.inf])
        for one in (rg.Huber([0.1, 10.0], 1e5), rg.Ridge([0.1, 10.0]))
    )
    np.testing.assert_allclose(huber.test, ridge.test, rtol=2e-10)
    np.testing.assert_allclose(huber.norm, ridge.norm, rtol=1e-12)


def test_a_share_of_the_rows_is_fewer_rows():
    training = rg.Absolute([0.5, 5.0])
    half, same = (rg.predict(NOISY, rg.Learner(training, resampling=rg.Subsample(share)), 80) for share in (0.5, 1.0))
    plain = rg.predict(NOISY, rg.Learner(training), [40, 80])
    np.testing.assert_allclose([half.test, same.test], plain.test, rtol=1e-11)
    assert "clipped" not in same and same.test.dims == ("ridge",)


def test_theory_and_simulation_agree():
    learner = rg.Learner(rg.Huber([1.0, 10.0], intercept=True), features=60, resampling=rg.Bootstrap())
    report = rg.check(NOISY, learner, n=120, members=[1, 4], trials=32)
    assert report.agrees, report


def test_refusals():
    learner = rg.Learner(rg.Huber(1.0), augmentation=rg.Mask(0.7, views=2), resampling=rg.Bootstrap())
    with pytest.raises(ValueError, match="predicted on clean rows and on single views, got Mask"):
        rg.predict(NOISY, learner, n=40)
    with pytest.raises(ValueError, match="members must be finite to be simulated, got inf"):
        rg.simulate(NOISY, rg.Learner(rg.Huber(1.0), features=10), n=20, members=np.inf, trials=1)
