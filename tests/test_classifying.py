"""Classifiers through the verbs: shapes, agreement, limits, bad input."""

import time

import numpy as np
import pytest

import rfgen as rg
from rfgen.problems.classes.class_groups import ClassGroups
from rfgen.problems.classes.teacher import Teacher

PAIR = rg.Mixture([1.5] + [0.0] * 59, [1.0] * 60, prior=0.3, flip=0.1)
TRAININGS = [
    rg.Ridge(5.0), rg.Ridge(5.0, intercept=True), rg.Logistic(5.0), rg.Logistic(5.0, intercept=True),
    rg.Hinge(5.0, intercept=True), rg.SquaredHinge(5.0, intercept=True), rg.SmoothedHinge(5.0, 0.5, intercept=True),
    rg.Averaging(), rg.Averaging(intercept=True),
    rg.LDA(), rg.LDA(intercept=True),
]  # fmt: skip
# Seconds of one solve after compilation; measured at most 0.06 on a quiet machine.
SECONDS = 0.5


def test_dimensions_variables_and_attributes():
    learner = rg.Learner(rg.Logistic([0.1, 10.0], intercept=True), features=[30, np.inf])
    curve = rg.predict(PAIR, learner, n=[40, 100, 200])
    assert dict(curve.sizes) == {"n": 3, "features": 2, "ridge": 2, "class": 2}
    assert curve.error_by_class.dims == ("n", "features", "ridge", "class")
    for name in ("error", "train_error", "train_loss", "norm", "intercept", "support", "residual", "converged"):
        assert curve[name].dims == ("n", "features", "ridge")
    np.testing.assert_allclose(curve.error, 0.3 * curve.error_by_class[..., 0] + 0.7 * curve.error_by_class[..., 1])
    assert bool(curve.converged.all()) and float(curve.residual.max()) < 1e-10
    runs = rg.simulate(PAIR, learner.__class__(rg.Logistic([0.1, 10.0])), n=[40], trials=4)
    assert runs.error_by_class.dims == ("n", "ridge", "class") and float(runs.trials) == 4
    again = rg.simulate(PAIR, learner.__class__(rg.Logistic([0.1, 10.0])), n=[40, 50], trials=4)
    np.testing.assert_array_equal(again.error.sel(n=40), runs.error.sel(n=40))
    assert rg.plot(curve[["error"]].isel(features=0), x="n").get_ylabel().startswith("test error")


@pytest.mark.parametrize("training", TRAININGS, ids=repr)
def test_theory_and_simulation_agree(training):
    report = rg.check(PAIR, rg.Learner(training), n=150, trials=60, variables=("error", "train_error", "norm"))
    assert report.agrees, report


def test_two_covariances_and_the_largest_margin():
    pair = rg.Mixture([1.2] + [0.0] * 99, np.stack([np.full(100, 0.5), np.linspace(0.5, 2.0, 100)]), prior=0.4)
    report = rg.check(pair, rg.Learner(rg.MaxMargin(intercept=True), features=[80, np.inf]), n=60, trials=60)
    assert report.agrees, report
    many = rg.predict(pair, rg.Learner(rg.MaxMargin()), n=[60, 5000])
    assert np.isfinite(many.error[0]) and np.isnan(many.error[1]) and not many.converged[1]
    assert "1 points not separable" in many.attrs["failures"]


def test_logistic_loss_without_ridge_is_the_largest_margin_where_classes_are_separable():
    endless = rg.predict(PAIR, rg.Learner(rg.Logistic(0.0)), n=[40, 400])
    margin = rg.predict(PAIR, rg.Learner(rg.MaxMargin()), n=40)
    np.testing.assert_allclose(endless.error[0], margin.error)
    assert np.isinf(endless.norm[0]) and np.isfinite(endless.norm[1])


def test_attacks():
    learner = rg.Learner(rg.Ridge(5.0))
    under = rg.adversarial_error(PAIR, learner, n=[50, 150], radius=[0.0, 0.1, 0.3], norm="linf")
    np.testing.assert_allclose(under.error[:, 0], rg.predict(PAIR, learner, n=[50, 150]).error)
    assert (under.error.diff("radius") > 0).all() and under.attrs["norm"] == "linf"
    for training in (rg.MaxMargin(), rg.Averaging(intercept=True), rg.LDA()):
        n = 40 if isinstance(training, rg.MaxMargin) else 150
        plain = rg.predict(PAIR, rg.Learner(training), n=n).error
        np.testing.assert_allclose(rg.adversarial_error(PAIR, rg.Learner(training), n, 0.0).error, plain, rtol=1e-9)


def test_solves_are_fast_after_compilation():
    for training in (rg.Logistic(0.01, intercept=True), rg.Hinge(0.01, intercept=True), rg.MaxMargin()):
        learner = rg.Learner(training)
        rg.predict(PAIR, learner, n=40)
        took = []
        for n in (41, 42, 43):
            began = time.perf_counter()
            rg.predict(PAIR, learner, n=n)
            took.append(time.perf_counter() - began)
        assert min(took) < SECONDS


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: rg.Mixture([1.0, 2.0], [1.0]), "covariance must hold 2 eigenvalues"),
        (lambda: rg.Mixture([1.0], 0.0), "covariance must not be all zero"),
        (lambda: rg.Mixture([1.0], [-1.0]), "covariance must be >= 0, got -1.0"),
        (lambda: rg.Mixture([1.0], [0.0]), "covariance must not be all zero"),
        (lambda: rg.Mixture([1.0], [1.0], prior=1.0), "prior must lie strictly between 0 and 1, else a class"),
        (lambda: rg.Mixture([1.0], [1.0], flip=0.5), r"flip must be in \[0, 1/2\), got 0.5"),
        (lambda: rg.Mixture([1.0], [1.0], flip=-0.1), "flip must be >= 0"),
        (lambda: rg.Mixture([np.nan], [1.0]), "mean must be finite"),
        (lambda: rg.Logistic(-1.0), "ridge must be >= 0, got -1.0"),
        (lambda: rg.Hinge(1.0, intercept=1), "intercept must be True or False, got 1"),
        (lambda: rg.predict(PAIR, rg.Learner(rg.Hinge(1.0)), n=2), "n must leave a sample to each class, got n"),
        (lambda: rg.predict(PAIR, rg.Learner(rg.Hinge(1.0))), "n, the number of training samples, is missing"),
        (lambda: rg.predict(PAIR, rg.Learner(rg.GradientFlow(1.0)), n=50), "on which are trained rg.Ridge, rg.Logistic"),
        (lambda: rg.predict(rg.Task.isotropic(5), rg.Learner(rg.LDA()), n=50), "task must be an rg.Mixture"),
        (lambda: rg.predict(rg.Task.isotropic(5), rg.Learner(rg.Ridge(1.0, True)), n=50), "intercept is not covered"),
        (lambda: rg.optimal_ridge(PAIR, rg.Learner(rg.Ridge()), n=50), "it takes rg.Ridge on rg.Task"),
        (lambda: rg.adversarial_error(PAIR, rg.Learner(rg.Ridge(1.0)), 50, -0.1), "radius must be >= 0, got -0.1"),
        (lambda: rg.adversarial_error(PAIR, rg.Learner(rg.Ridge(1.0)), 50, 0.1, "l1"), "norm must be 'l2' or 'linf'"),
        (lambda: rg.simulate(PAIR, rg.Learner(rg.Hinge(1.0)), n=50.5, trials=2), "n must be whole numbers"),
        (lambda: rg.predict(PAIR, rg.Learner(rg.Ridge(1.0), augmentation=rg.Mask(0.5, views=2)), 50), "augmentation is"),
        (lambda: ClassGroups([1, 1], [1, 0], np.eye(2), np.ones(2)), r"labels must be \+1 or -1"),
        (lambda: ClassGroups([0, 0], [1, -1], np.eye(2), np.ones(2)), "counts must hold at least one row"),
        (lambda: ClassGroups([1, 1], [1, -1], np.eye(2), np.ones(3)), "variances must have one entry per coordinate"),
        (lambda: Teacher([1.0], [1.0], link="tanh"), "link must be one of sign, probit, logistic, got 'tanh'"),
        (lambda: Teacher([0.0, 1.0], [1.0, 0.0]), "direction must have a part where variances are positive"),
    ],
)
def test_bad_input_is_refused_by_name(make, message):
    with pytest.raises(ValueError, match=message):
        make()
