"""The optimal fitting ratio of power laws, and the threshold of interpolation, against the exact engine as n grows."""

import jax
import numpy as np
import pytest

import rfgen as rg
from rfgen.theory.overfitting.power_law_fitting import interpolation_threshold, power_law_fitting

LAWS = [(1.5, 1.5), (1.5, 3.0), (1.2, 1.4), (2.0, 4.0), (3.0, 2.0)]
# Relative distance of ratio and cost from the engine at n = 10^4; measured at most 1e-4 and 2e-5.
RATIO, COST = 5e-4, 1e-4


@pytest.mark.parametrize("law", LAWS)
def test_engine_tends_to_the_formula(law):
    gaps = []
    for n in (100.0, 10_000.0):
        clean = float(rg.predict(rg.Task.power_law(*law), rg.Learner(rg.Ridge(0.0)), n=n).test)
        rows = []
        for noise in (0.3, 2.5, 20.0):
            task = rg.Task.power_law(*law, noise * clean)
            best = rg.optimal_ridge(task, rg.Learner(rg.Ridge()), n=n)
            free = rg.predict(task, rg.Learner(rg.Ridge(0.0)), n=n)
            with jax.enable_x64(True):
                at = power_law_fitting(*law, noise)
            ratio, cost = float(best.train / best.test), float(free.test / best.test)
            assert (ratio == 0.0) == (float(at.ratio) == 0.0) == (noise <= interpolation_threshold(*law))
            test = float(best.test) / clean
            rows.append((ratio - float(at.ratio), cost / float(at.cost) - 1, test / float(at.best_test) - 1))
        gaps.append(np.abs(rows).max(axis=0))
    assert gaps[1][0] < RATIO and gaps[1][1] < COST and gaps[1][2] < COST
    assert (gaps[1] < 0.1 * gaps[0] + 1e-9).all()


def test_threshold_and_limits():
    with jax.enable_x64(True):
        for alpha, beta in LAWS:
            threshold = interpolation_threshold(alpha, beta)
            if threshold > 0:
                assert float(power_law_fitting(alpha, beta, threshold * (1 - 1e-9)).ratio) == 0.0
                assert 0.0 < float(power_law_fitting(alpha, beta, threshold * 1.001).ratio) < 1e-5
            pure = power_law_fitting(alpha, beta, 1e15)
            assert float(pure.cost) == pytest.approx(alpha, rel=1e-3) and float(pure.ratio) > 0.99
        for outside in ((1.5, 4.1), (0.9, 2.0), (1.5, 1.0)):
            assert np.isnan(float(power_law_fitting(*outside, 1.0).ratio))
