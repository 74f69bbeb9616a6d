"""Combinations at which verbs once failed, or gave a wrong number without a word."""

import warnings

import numpy as np
import pytest

import rfgen as rg

X, Y = rg.datasets.digits()
DATA = rg.DataTask(X[:80], Y[:80], feature_map=rg.RandomFeatureMap(20, "tanh"), moment_views=8, sampling="with replacement")
STEEP = rg.Task.power_law(alpha=1.5, beta=1.5, modes=40, noise=0.3)


def test_optimal_stopping_of_augmented_data():
    """The time found is no worse than those around it."""
    augmentation = rg.Gain([0.5, 1.5], views=2)
    learner = rg.Learner(rg.GradientFlow(1.0), features=30, augmentation=augmentation)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # 80 examples are few
        best = rg.optimal_stopping(DATA, learner, 40)
        times = float(best.time) * np.array([0.8, 1.0, 1.25])
        around = rg.predict(DATA, rg.Learner(rg.GradientFlow(times), features=30, augmentation=augmentation), 40).test
    assert 0.0 < float(best.time) < np.inf and float(best.test) <= float(around.min()) * (1.0 + 1e-9)
    np.testing.assert_allclose(best.test, around[1], rtol=1e-6)


@pytest.mark.parametrize(
    "augmentation", [rg.Flip(0.5, views=2), rg.RandomApply(rg.Mask(0.3), probability=0.5, views=2)]
)
def test_optimal_augmentation_whose_best_is_at_an_end(augmentation):
    """The least of the range, where patterns without probability are left out, is not passed over."""
    best = rg.optimal_augmentation(STEEP, rg.Learner(rg.Ridge(0.1), augmentation=augmentation), 20)
    name = augmentation.axes.keys() - {"views"}
    assert len(name) == 1
    grid = [
        float(rg.predict(STEEP, rg.Learner(rg.Ridge(0.1), augmentation=augmentation.at(**{next(iter(name)): at})), 20).test)
        for at in np.linspace(0.0, 1.0, 9)
    ]
    assert float(best.test) <= min(grid) * (1.0 + 1e-9)


def test_windows_need_an_order():
    sphere = rg.Task.sphere(6, rg.NTK("relu", depth=2), {1: 0.7}, noise=0.2, degrees=10)
    with pytest.raises(ValueError, match=r"Cutout needs modes in an order.*use Mask"):
        rg.predict(sphere, rg.Learner(rg.Ridge(0.1), augmentation=rg.Cutout(2, views=3)), 20)


@pytest.mark.parametrize("resampling", [rg.Bootstrap(), rg.Subsample(0.5)])
@pytest.mark.parametrize("training", [rg.Ridge(1.0), rg.GradientFlow(1.0)])
def test_mixtures_are_not_resampled(resampling, training):
    """Bags of mixtures: theory gave .750 where simulation has .807."""
    learner = rg.Learner(training, augmentation=rg.Mixup(1.0, views=2), resampling=resampling)
    with pytest.raises(ValueError, match=r"resampling is not covered for Mixup.*or simulate"):
        rg.predict(STEEP, learner, 20, members=3)


def test_the_least_penalty_is_none_and_the_largest_leaves_nothing():
    """1e-300 was NaN, and 1e300 of one sample."""
    task = rg.SparseRegression.equal(1000, 20, 1.0, 0.25)
    all_of_them = rg.predict(task, rg.Learner(rg.Lasso([0.0, 1e-300, 1e-30, 1e300])), n=[500, 1500, 1])
    np.testing.assert_allclose(all_of_them[["test", "train"]].sel(penalty=1e300).to_array(), 20.25, rtol=1e-9)
    curve = all_of_them.sel(n=[500, 1500])
    np.testing.assert_allclose(curve.test[:, 1], curve.test[:, 0], rtol=1e-9)
    np.testing.assert_allclose(curve.test[:, 1], curve.test[:, 2], rtol=1e-9)


def test_subsamples_descend_their_own_objective():
    """200 runs in plain NumPy, the gradient divided by the 40 samples drawn: 1.0677, 1.0496; by all 80 1.135, 1.029."""
    task, steps = rg.Task.isotropic(100, noise=0.3), [5, 50]
    learner = rg.Learner(rg.GradientDescent(0.05, steps, ridge=4.0), resampling=rg.Subsample(0.5))
    curve, runs = rg.predict(task, learner, 80), rg.simulate(task, learner, 80, trials=40)
    np.testing.assert_allclose(curve.test, [1.0677, 1.0496], rtol=0.01)
    assert np.all(np.abs(runs.test - curve.test) < 4 * runs.test_se) and np.array_equal(curve.steps, steps)
    # half the samples, once and for all, are as good
    half = rg.predict(task, rg.Learner(rg.GradientFlow([0.5, 2.0], ridge=4.0)), 40)
    drawn = rg.predict(task, rg.Learner(rg.GradientFlow([0.5, 2.0], ridge=4.0), resampling=rg.Subsample(0.5)), 80)
    np.testing.assert_allclose(drawn.test, half.test, rtol=1e-8)
    ends = rg.Chebyshev(0.2, 8.0, steps=[3])
    np.testing.assert_allclose(
        rg.predict(task, rg.Learner(ends, resampling=rg.Subsample(0.5)), 80).test,
        rg.predict(task, rg.Learner(ends), 40).test, rtol=1e-8,
    )


def test_a_flow_ends_where_ridge_regression_is():
    flow = rg.predict(STEEP, rg.Learner(rg.GradientFlow(ridge=0.5)), 20)
    ridge = rg.predict(STEEP, rg.Learner(rg.Ridge(0.5)), 20)
    assert np.isinf(flow.time) and float(flow.test) == pytest.approx(float(ridge.test))
