"""Fits of sparse regression against scipy and scikit-learn, against gradient descent, and against state evolution."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.optimize
import sklearn.linear_model

import rfgen as rg
from rfgen.systems.sparse.l1_fit import l1_fit
from rfgen.systems.sparse.problem import BasisPursuit, Lasso, ReparametrizedFlow, SparseRegression
from rfgen.systems.sparse.simulation import reparametrized_descent, reparametrized_fit, ridge_fit, sparse_runs

TASK = SparseRegression.equal(400, 8, noise=0.25)
# Largest error of a coefficient of the lasso.
COEFFICIENTS = 1e-9
# Relative finite-size error times n: with ten samples per nonzero, interpolators miss rarely what theory never misses;
# measured 3.0(8), 5.5(1.2), 4.8(2.3), 7.0(4.5) at n = 40, 80, 160, 320 for basis pursuit, 3.5(8), 7.8(1.7), 7.6(2.9),
# 7.7(5.3) for the flow from 0.01.
RARE = 8.0


def drawn(n, dim, nonzeros, noise, seed=0):
    random = np.random.default_rng(seed)
    rows, beta = random.standard_normal((n, dim)), (np.arange(dim) < nonzeros).astype(float)
    return rows, rows @ beta + noise**0.5 * random.standard_normal(n)


@pytest.mark.parametrize(("n", "nonzeros", "noise"), [(60, 4, 0.25), (140, 8, 0.25), (195, 8, 0.25), (120, 8, 0.0)])
def test_basis_pursuit_is_the_linear_program(n, nonzeros, noise):
    rows, targets = drawn(n, 200, nonzeros, noise)
    exact = scipy.optimize.linprog(np.ones(400), A_eq=np.hstack([rows, -rows]), b_eq=targets, method="highs").x
    with jax.enable_x64(True):
        fit = l1_fit(jnp.asarray(rows), jnp.asarray(targets), 0.0)
    assert fit.converged
    np.testing.assert_allclose(fit.coefficients, exact[:200] - exact[200:], atol=1e-6)
    assert int(fit.active.sum()) == (nonzeros if noise == 0 else n)


@pytest.mark.parametrize("n", [60, 140, 300])
def test_lasso_is_that_of_scikit_learn_and_optimal(n):
    rows, targets = drawn(n, 200, 8, 0.25)
    for penalty in (2.0, 20.0, 1e6):
        exact = sklearn.linear_model.Lasso(penalty / n, fit_intercept=False, tol=1e-12, max_iter=100_000)
        exact = exact.fit(rows, targets).coef_
        with jax.enable_x64(True):
            fit = l1_fit(jnp.asarray(rows), jnp.asarray(targets), penalty)
        found = np.asarray(fit.coefficients)
        np.testing.assert_allclose(found, exact, atol=COEFFICIENTS)
        np.testing.assert_array_equal(found != 0, exact != 0)
        pull = rows.T @ (targets - rows @ found)
        assert fit.converged and np.abs(pull).max() < penalty * (1 + 1e-7)
        np.testing.assert_allclose(pull[found != 0], penalty * np.sign(found[found != 0]), rtol=1e-7)


@pytest.mark.parametrize(("init", "linear"), [(0.1, 0.0), (0.05, 0.2)])
def test_the_end_of_the_flow_is_where_gradient_descent_comes_to_rest(init, linear):
    rows, targets = drawn(20, 50, 3, 0.1)
    with jax.enable_x64(True):
        given = (jnp.asarray(rows), jnp.asarray(targets), init, linear)
        fit, converged = (np.asarray(each) for each in reparametrized_fit(*given))
        slow = np.asarray(jax.jit(reparametrized_descent, static_argnames="steps")(*given, 0.005, steps=30_000))
    assert converged
    np.testing.assert_allclose(rows @ fit, targets, atol=1e-9)
    # the error is that of finite steps
    assert np.linalg.norm(fit - slow) < 2e-3 * np.linalg.norm(fit)


def test_limits_of_the_flow_and_of_the_ridge():
    rows, targets = drawn(30, 60, 3, 0.1)
    with jax.enable_x64(True):
        rows, targets = jnp.asarray(rows), jnp.asarray(targets)
        least, fewest = ridge_fit(rows, targets, 0.0), l1_fit(rows, targets, 0.0).coefficients
        np.testing.assert_allclose(least, np.linalg.pinv(rows) @ targets, atol=1e-10)
        np.testing.assert_allclose(ridge_fit(rows.T, jnp.ones(60), 0.0), np.linalg.pinv(rows.T) @ np.ones(60), atol=1e-10)
        for init, linear in ((100.0, 0.0), (1e-3, 100.0)):
            np.testing.assert_allclose(reparametrized_fit(rows, targets, init, linear)[0], least, atol=1e-5)
        away = [float(jnp.abs(reparametrized_fit(rows, targets, init, 0.0)[0] - fewest).max()) for init in (1e-3, 1e-20)]
    assert away[1] < 0.3 * away[0]


@pytest.mark.parametrize("n", [80, 160, 280])
def test_theory_and_simulation_agree(n):
    lasso = Lasso(np.array([0.3, 1.0]) * n * np.sqrt(2 * 0.25 / n))
    flows = ReparametrizedFlow([0.1, 0.01]), ReparametrizedFlow(1e-3, 0.1)
    for training in (BasisPursuit(), lasso, *flows, rg.Ridge([0.0, 50.0])):
        runs = sparse_runs(TASK, training, n, trials=24, seed=1)
        curve = rg.predict(TASK, rg.Learner(training), n)
        for name, values in runs.items():
            theory, error = curve[name].values, values.std(axis=0, ddof=1) / 24**0.5
            missed = np.abs(values.mean(axis=0) - theory)
            assert (missed <= 4 * error + RARE * np.abs(theory) / n + 1e-12).all(), (training, name, missed / error)


def test_rare_failures_fade_with_size():
    off = []
    for times, trials in ((1, 200), (4, 40)):
        # noise per sample, and so tau, is the same at both sizes
        task = SparseRegression.equal(200 * times, 4 * times, noise=0.25 * times)
        excess = sparse_runs(task, BasisPursuit(), 40 * times, trials)["test"]
        exact = float(rg.predict(task, rg.Learner(BasisPursuit()), 40 * times).test)
        off.append((excess.mean() / exact - 1, excess.std(ddof=1) / trials**0.5 / exact))
    assert abs(off[0][0]) < 4 * off[0][1] + RARE / 40
    assert abs(off[1][0]) < 4 * off[1][1] + RARE / 160


def test_trials_depend_on_their_number_alone():
    whole = sparse_runs(TASK, BasisPursuit(), 40, trials=4, seed=3)
    part = sparse_runs(TASK, BasisPursuit(), 40, trials=2, seed=3, start=2)
    for name, values in whole.items():
        np.testing.assert_array_equal(values[2:], part[name])
    assert not np.array_equal(whole["test"], sparse_runs(TASK, BasisPursuit(), 40, trials=4, seed=4)["test"])
