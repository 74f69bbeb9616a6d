"""The best ridge of augmented and of resampled rows: exact values, and the least of a fine grid of `predict`."""

import numpy as np
import pytest

import rfgen as rg
from tests.benchmarks.compilations import count_compilations

TASK = rg.Task.isotropic(100, signal=1.0, noise=0.5)  # the best ridge of clean rows is dim noise / signal, 50


def test_noise_in_all_views_is_a_part_of_the_ridge():
    """n times its variance, by theory (5.4); where that is more than the best one the ridge is 0."""
    noisy = rg.Learner(rg.Ridge(), augmentation=rg.GaussianNoise([0.1, 0.3], views=np.inf))
    best = rg.optimal_ridge(TASK, noisy, n=200)
    np.testing.assert_allclose(best.ridge.values, [50.0 - 200 * 0.1, 0.0], rtol=1e-3)
    clean = rg.optimal_ridge(TASK, rg.Learner(rg.Ridge()), n=200)
    np.testing.assert_allclose(best.test.values[0], clean.test, rtol=1e-7)


@pytest.mark.parametrize("learner", [
    rg.Learner(rg.Ridge(), features=80, augmentation=rg.Mask(0.8, views=2)),
    rg.Learner(rg.Ridge(), resampling=rg.Bootstrap()),
], ids=["masks of features", "bootstrap"])
def test_nothing_on_a_fine_grid_is_better(learner):
    with count_compilations() as compiled:
        best = rg.optimal_ridge(TASK, learner, n=[150, 170]).sel(n=150)
    assert len(compiled) <= 2  # the risk, and what resampling makes of the problem: none by point or grid
    tried = rg.Learner(
        rg.Ridge(best.ridge.item() * np.geomspace(0.25, 4.0, 81)), learner.features, learner.augmentation,
        resampling=learner.resampling,
    )
    grid = rg.predict(TASK, tried, n=150).test
    assert best.test <= grid.min() + 1e-12 and grid[0] > grid.min() < grid[-1]
    np.testing.assert_allclose(best.test, grid[40], rtol=1e-9)
