"""Sparse regression on bags and random features: limits, the ridge engine, by hand, and agreement with simulations."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import sklearn.linear_model

import rfgen as rg
from rfgen.simulation.random_numbers import HostKey, fold_in, host_key, normals
from rfgen.simulation.runs.ensemble import Members, bag
from rfgen.systems.sparse.l1_fit import l1_fit
from rfgen.systems.sparse.mixed_columns import MixedColumns
from rfgen.systems.sparse.row_groups import CLEAN, row_groups
from rfgen.systems.sparse.simulation import MODELS, ridge_fit, sparse_runs, sparse_source

TASK = rg.SparseRegression([2.0, 1.0, 0.0], 0.5, [3, 3, 34])
NOISE = rg.GaussianNoise(0.3, views=2)
TRAININGS = [rg.Lasso(3.0), rg.BasisPursuit(), rg.ReparametrizedFlow(0.1), rg.Ridge(2.0)]


def predict(training, n, resampling=None, augmentation=None, task: rg.SparseRegression | rg.Task = TASK):
    return rg.predict(task, rg.Learner(training, augmentation=augmentation, resampling=resampling), n)


def test_rows_weigh_as_often_as_they_are_drawn():
    for name, expected in vars(CLEAN).items():
        np.testing.assert_array_equal(getattr(row_groups(None, rg.Subsample(1.0)), name), expected)
    one, bags = row_groups(NOISE), row_groups(NOISE, rg.Bootstrap())
    for name in ("share", "weight"):  # each of mean 1, some at all
        drawn = 1.0 - np.exp(-1.0) if name == "share" else 1.0
        np.testing.assert_allclose(getattr(bags, name).sum(), drawn * getattr(one, name).sum(), rtol=1e-12)
    np.testing.assert_allclose(bags.weight @ bags.variance, 2.0 * one.weight @ one.variance, rtol=1e-12)  # E k^2 = 2
    endless = row_groups(rg.GaussianNoise(0.3, np.inf), rg.Subsample(0.4))
    np.testing.assert_allclose(endless.weight[endless.variance == 0.0].sum(), 0.4 * 0.3, rtol=1e-12)
    with pytest.raises(ValueError, match="resampling is not covered for Mixup, got"):
        row_groups(rg.Mixup(1.0, views=2), rg.Bootstrap())


def test_a_share_of_the_rows_is_fewer_rows():
    lasso = rg.Lasso([0.5, 5.0])
    found = predict(lasso, [20, 80], rg.Subsample(0.5))
    np.testing.assert_allclose(found.test, predict(lasso, [10, 40]).test, rtol=1e-12)
    assert "train" not in found and found.attrs["resampling"] == "Subsample(share=0.5)"
    np.testing.assert_allclose(predict(lasso, 20, rg.Subsample(1.0)).test, predict(lasso, 20).test, rtol=1e-12)


@pytest.mark.parametrize("augmentation", [None, rg.GaussianNoise(0.5, np.inf)], ids=["clean", "all"])
def test_shrinkage_is_the_ridge_engine_on_bags(augmentation):
    ridge, task = rg.Ridge([0.0, 1.0, 30.0]), rg.Task.isotropic(40, signal=15.0, noise=0.5)
    found = predict(ridge, [20, 90], rg.Bootstrap(), augmentation)
    exact = predict(ridge, [20, 90], rg.Bootstrap(), augmentation, task)
    for name in ("test", "norm"):
        np.testing.assert_allclose(found[name], exact[name], rtol=1e-11)


def test_weights_of_what_is_interpolated_do_not_matter():
    drawn, pursuit = 20 * (1.0 - np.exp(-1.0)), rg.BasisPursuit()
    np.testing.assert_allclose(predict(pursuit, 20, rg.Bootstrap()).test, predict(pursuit, drawn).test, rtol=1e-12)


@pytest.mark.parametrize("training", TRAININGS, ids=["lasso", "pursuit", "flow", "ridge"])
def test_limits_of_simulations(training):
    plain = sparse_runs(TASK, training, 30, trials=2)
    for count in (1, 3):  # all rows in another order
        all_of_them = sparse_runs(TASK, training, 30, trials=2, members=Members(count, rg.Subsample(1.0)))
        assert set(plain) - set(all_of_them) == {"train"}
        for name, values in all_of_them.items():
            np.testing.assert_allclose(values, plain[name], rtol=1e-6, err_msg=name)
    # of as many rows and features as inputs what is fitted is least squares, if there is no penalty
    if not isinstance(training, rg.Lasso | rg.Ridge):
        least = sparse_runs(TASK, rg.Ridge(0.0), 60, trials=2)
        for count, resampling in ((1, None), (2, None)):
            wide = sparse_runs(TASK, training, 60, 2, features=70, members=Members(count, resampling))
            np.testing.assert_allclose(wide["test"], least["test"], rtol=1e-6)
            np.testing.assert_allclose(wide["train"], least["train"], rtol=1e-6)


def test_members_by_hand():
    """The lasso on features of rows as often as they are drawn, two models, by coordinate descent."""
    n, count, key = 30, 2, fold_in(host_key(5), 30)
    key = fold_in(key, 0)
    assert isinstance(key, HostKey)
    sample, truth = sparse_source(TASK, None).draw(key, key, n), np.repeat(TASK.coefficients, TASK.multiplicity)
    targets, total = (sample.targets + 0.5**0.5 * sample.errors)[:, 0], np.zeros(40)
    for number in range(count):
        own = fold_in(fold_in(key, MODELS), number)
        drawn, mixing = bag(own, n, rg.Bootstrap()), normals(own, (40, 25)) / 5.0
        lasso = sklearn.linear_model.Lasso(0.5 / n, fit_intercept=False, tol=1e-13, max_iter=10**6)
        total += mixing @ lasso.fit(sample.rows[drawn] @ mixing, targets[drawn]).coef_ / count
    found = sparse_runs(TASK, rg.Lasso(0.5), n, 1, 5, features=25, members=Members(count, rg.Bootstrap()))
    np.testing.assert_allclose(found["excess"], [np.sum((total - truth) ** 2)], rtol=1e-6)
    assert set(found) == {"test", "excess", "norm", "active"}


def test_dimensions_and_refusals():
    learner = rg.Learner(rg.Lasso([1.0, 5.0]), features=[10, np.inf], augmentation=NOISE, resampling=rg.Bootstrap())
    runs = rg.simulate(TASK, learner, n=[10, 20], members=[1, 2], trials=2)
    assert runs.test.dims == ("n", "features", "penalty", "members") and runs.attrs["resampling"] == "Bootstrap()"
    with pytest.raises(ValueError, match="members must be finite to be simulated"):
        rg.simulate(TASK, learner, n=10, members=np.inf, trials=2)
    with pytest.raises(ValueError, match="members of an ensemble differ by random features"):
        rg.simulate(TASK, rg.Learner(rg.Lasso(1.0)), n=10, members=2, trials=2)
    with pytest.raises(ValueError, match="members is not covered by predict for sparse regression, got 2, as"):
        rg.predict(TASK, rg.Learner(rg.Lasso(1.0), resampling=rg.Bootstrap()), n=10, members=2)
    for training, features in ((rg.Lasso(1.0), [10, np.inf]), (rg.ReparametrizedFlow(0.1), 10)):
        with pytest.raises(ValueError, match="features must be None or finite to be predicted, and None for"):
            rg.predict(TASK, rg.Learner(training, features=features), n=10)


@pytest.mark.parametrize("penalty", ["l1", "ridge"])
@pytest.mark.parametrize("features", [200, 600])
def test_what_features_make_of_a_penalty(penalty, features):
    """Its proximal map by fits of one large matrix: |w|^2 and the error scatter by 3 % and 2 % over matrices."""
    draws, beta, tau, theta, dim = np.random.default_rng(2), 1.0, 0.7, 0.5, 400
    mixing = draws.standard_normal((dim, features)) / features**0.5
    targets = beta + tau * draws.standard_normal(dim)
    fit = l1_fit(mixing, targets, theta).coefficients if penalty == "l1" else ridge_fit(mixing, targets, theta)
    with jax.enable_x64(True):
        means = MixedColumns(jnp.array(float(features)), jnp.array(float(dim)), penalty).means(beta, tau, theta)
    error = np.mean((mixing @ fit - beta) ** 2)
    np.testing.assert_allclose([means.square, means.error], [fit @ fit / dim, error], rtol=0.1)


def test_shrinkage_is_the_ridge_engine_on_features():
    ridge, task = rg.Ridge([1e-6, 2.0]), rg.Task.isotropic(40, signal=15.0, noise=0.5)
    learner = rg.Learner(ridge, features=[25, 70], augmentation=NOISE)
    found, exact = (rg.predict(one, learner, [20, 60]) for one in (TASK, task))
    for name in ("test", "norm", "train"):
        np.testing.assert_allclose(found[name], exact[name], rtol=1e-9)


def test_basis_pursuit_of_features():
    """Sizes where simulations scatter little; beyond as many rows and features as inputs it is least squares."""
    pursuit = rg.BasisPursuit()
    report = rg.check(TASK, rg.Learner(pursuit, features=[25, 70]), n=[15, 60], trials=24)
    assert report.agrees, report
    many = rg.predict(TASK, rg.Learner(pursuit, features=70), [40, 60])
    np.testing.assert_allclose(many.test, [np.inf, 0.5 * (1.0 + 40 / 20)], rtol=1e-8)


@pytest.mark.parametrize(("training", "augmentation"), [
    (rg.Lasso([4.0, 12.0]), NOISE), (rg.BasisPursuit(), None),
], ids=["views", "pursuit"])
def test_theory_and_simulation_agree(training, augmentation):
    task = rg.SparseRegression([2.0, 1.0, 0.0], 0.5, [8, 8, 84])
    learner = rg.Learner(training, augmentation=augmentation, resampling=rg.Bootstrap())
    report = rg.check(task, learner, n=[50, 110], trials=24)
    assert report.agrees, report


def test_simulated_ensembles_are_those_of_ridge_regression():
    """Within four standard errors and what n and features of this size are off: at most 3 % in 300 trials."""
    task = rg.Task.isotropic(40, signal=15.0, noise=0.5)
    learner = rg.Learner(rg.Ridge([3.0, 30.0]), features=60, resampling=rg.Subsample(0.6))
    runs = rg.simulate(TASK, learner, n=80, members=[1, 4], trials=60)
    exact = rg.predict(task, learner, n=80, members=[1, 4])
    assert (abs(runs.test - exact.test) < 4.0 * runs.test_se + 0.03 * exact.test).all()
