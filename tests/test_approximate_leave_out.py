"""Leave-one-out of logistic regression and the lasso by one step, against fits without each row."""

import numpy as np
import pytest

import rfgen as rg
from rfgen.simulation.fits.margins.logistic_fit import logistic_fit
from rfgen.systems.sparse.l1_fit import l1_fit
from rfgen.theory.estimation.leave_out import approximately_left_out

RANDOM = np.random.default_rng(0)
ROWS = RANDOM.normal(size=(50, 50)) / 50**0.5
SIGNS = np.sign(3.0 * ROWS @ RANDOM.normal(size=50) + RANDOM.logistic(size=50))
LABELS = 9.0 * ROWS[:, :6].sum(axis=1) + RANDOM.normal(size=50) + 2.0
# Worst of 24 settings each, at ridge .1 and .3, n = 50; of 46 lassos.
LOGISTIC, LASSO = {0.1: 0.0135, 0.3: 0.002}, 0.21


def without(row):
    return np.arange(50) != row


@pytest.mark.parametrize(("intercept", "columns"), [(True, 50), (False, 25)])
def test_logistic_regression_is_refitted(intercept, columns):
    rows, ridges = ROWS[:, :columns], [0.1, 0.3]
    found = rg.estimate_risk(rows, SIGNS, kind="features", training=rg.Logistic(ridges, intercept=intercept))
    for at, ridge in enumerate(ridges):
        scores = np.empty(50)
        for row in range(50):
            weights, level, _ = logistic_fit(rows[without(row)], SIGNS[without(row)], np.ones(49), ridge, intercept)
            scores[row] = rows[row] @ weights + level
        np.testing.assert_allclose(found.loo[at], np.mean(np.logaddexp(0.0, -SIGNS * scores)), rtol=LOGISTIC[ridge])
        np.testing.assert_allclose(found.loo_error[at], np.mean(SIGNS * scores < 0.0), atol=0.021)
    assert (found.train < found.loo).all() and found.loo.dims == ("ridge",) and found.attrs["best_loo_ridge"] == 0.3
    of_kernel = rg.estimate_risk(rows @ rows.T, SIGNS, training=rg.Logistic(ridges, intercept=intercept))
    np.testing.assert_allclose(of_kernel.loo, found.loo, rtol=1e-6)


def test_the_lasso_is_refitted_and_exact_where_its_support_stays():
    fit = l1_fit(ROWS, LABELS, 1.5)
    fitted, active = ROWS @ fit.coefficients, np.asarray(fit.active)
    left = approximately_left_out(ROWS[:, active], fitted, fitted - LABELS, np.ones(50), 0.0, intercept=False)
    others = [l1_fit(ROWS[without(row)], LABELS[without(row)], 1.5).coefficients for row in range(50)]
    exact = np.array([ROWS[row] @ other for row, other in enumerate(others)])
    stays = np.array([(np.sign(other) == np.sign(fit.coefficients)).all() for other in others])
    assert 5 < stays.sum() < 50
    np.testing.assert_allclose(left[stays], exact[stays], rtol=1e-6)
    found = rg.estimate_risk(ROWS, LABELS, kind="features", training=rg.Lasso([1.5, 3.0]))
    np.testing.assert_allclose(found.loo[0], np.mean((exact - LABELS) ** 2), rtol=LASSO)
    assert found.active[0] == active.sum() <= 25 and found.attrs["best_loo_penalty"] in (1.5, 3.0)


def test_least_squares_is_exact_and_others_say_so():
    few = ROWS[:, :10]
    for intercept in (True, False):
        found = rg.estimate_risk(few, LABELS, training=rg.Lasso(0.0), intercept=intercept)
        expected = rg.estimate_risk(few, LABELS, 0.0, intercept=intercept).loo
        np.testing.assert_allclose(found.loo, expected, rtol=1e-8)
    with pytest.warns(UserWarning, match="coefficients are active for 50 rows at penalty 0.01: .* raise the penalty"):
        rg.estimate_risk(ROWS, LABELS, kind="features", training=rg.Lasso(1e-2))
    # no finite fit of classes that are separable
    none = rg.estimate_risk(ROWS, SIGNS, kind="features", training=rg.Logistic(0.0))
    assert np.isnan(none.loo) and "did not converge" in none.attrs["failures"]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"training": rg.Ridge(1.0)}, "training must be rg.Lasso or rg.Logistic .None: ridge regression"),
        ({"ridge": 1.0}, "ridge must be left out with training="),
        ({"groups": np.arange(50)}, "groups must be left out with training="),
        ({"y": LABELS}, "y must hold the signs 1 and -1"),
        ({"y": np.ones(50)}, "y must hold the signs 1 and -1, both"),
        ({"intercept": True}, "intercept must be left out with rg.Logistic, which has its own"),
        ({"training": rg.Lasso(1.0), "y": np.stack([LABELS, LABELS], axis=1)}, "y must have one column with Lasso, got 2"),
        ({"training": rg.Lasso(1.0), "data": ROWS @ ROWS.T}, "data must be features with rg.Lasso"),
    ],
)
def test_refusals(given, message):
    with pytest.raises(ValueError, match=message):
        rg.estimate_risk(**{"data": ROWS, "y": SIGNS, "training": rg.Logistic(1.0), **given})
