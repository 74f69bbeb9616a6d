"""Classifiers through the verbs: shapes, agreement, limits, bad input."""

import time
from dataclasses import replace

import numpy as np
import pytest

import rfgen as rg

PAIR = rg.Mixture([1.5] + [0.0] * 59, [1.0] * 60, prior=0.3, flip=0.1)
TRAININGS = [
    rg.Ridge(5.0), rg.Ridge(5.0, intercept=True), rg.Logistic(5.0), rg.Logistic(5.0, intercept=True),
    rg.Hinge(5.0, intercept=True), rg.SquaredHinge(5.0, intercept=True), rg.SmoothedHinge(5.0, intercept=True, width=0.5),
    rg.Averaging(), rg.Averaging(intercept=True),
    rg.LDA(), rg.LDA(intercept=True),
]
CORE, SIDE = np.eye(2, 60) * [[1.0], [1.5]]
SPURIOUS = rg.ClassGroups.spurious(CORE, SIDE, np.ones(60), 0.9, weights=[1, 3, 3, 1], test_shares=[1, 1, 1, 1])
# Class +1 tested on where it has moved, with a larger variance.
SHIFTED = rg.ClassGroups(
    [90, 60, 0], [1, -1, 1], [CORE, -CORE, CORE + SIDE], np.ones((3, 60)) * [[1.0], [0.5], [2.0]], test_shares=[0, 1, 1]
)
TAUGHT = rg.Teacher(np.ones(60), np.linspace(0.5, 1.5, 60), "logistic", scale=0.3, flip=0.05)
# slug: task, learner, n
OTHERS = {
    "spurious": (SPURIOUS, rg.Learner(rg.Logistic([1.0, 10.0], intercept=True)), 200),
    "shifted, features": (SHIFTED, rg.Learner(rg.Hinge(5.0, intercept=True), features=80), None),
    "xor": (rg.ClassGroups.xor(CORE, SIDE, np.ones(60)), rg.Learner(rg.SquaredHinge(5.0)), 200),
    "teacher": (TAUGHT, rg.Learner(rg.Logistic(5.0, intercept=True)), [100, 200]),
    "teacher, averaging": (TAUGHT, rg.Learner(rg.Averaging(intercept=True)), 150),
    "teacher, margin": (rg.Teacher(CORE, np.ones(60)), rg.Learner(rg.MaxMargin(), features=[60, 200]), 40),
    "l2 attack": (PAIR, rg.Learner(rg.AdversarialTraining(rg.SquaredHinge(4.0, intercept=True), [0.0, 0.3])), 150),
    "linf attack": (SPURIOUS, rg.Learner(rg.AdversarialTraining(rg.Logistic(2.0), [0.02, 0.05], "linf")), 200),
    "linf attack, hinge": (SHIFTED, rg.Learner(rg.AdversarialTraining(rg.Hinge(2.0, intercept=True), 0.04, "linf")), 300),
    "teacher, linf attack": (TAUGHT, rg.Learner(rg.AdversarialTraining(rg.SquaredHinge(2.0), 0.05, "linf")), 200),
    "teacher, attack, features": (
        TAUGHT, rg.Learner(rg.AdversarialTraining(rg.Logistic(2.0, intercept=True), 0.3), features=[40, 150]), 200
    ),
    "l2 attack, features": (
        PAIR, rg.Learner(rg.AdversarialTraining(rg.SquaredHinge(4.0, intercept=True), 0.3), features=80), 150
    ),
}
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


@pytest.mark.parametrize("slug", OTHERS)
def test_groups_teachers_and_attacks(slug):
    task, learner, n = OTHERS[slug]
    report = rg.check(task, learner, n, trials=40)
    assert report.agrees, report


def test_groups_of_a_mixture_are_the_mixture():
    learner = rg.Learner(rg.Logistic([5.0, 10.0], intercept=True))
    one, groups = rg.predict(PAIR, learner, n=[100, 150]), PAIR.groups(150)
    other = rg.predict(groups, learner, n=[100, 150])
    for name in ("error", "train_error", "train_loss", "norm"):
        np.testing.assert_allclose(other[name], one[name], rtol=1e-10)
    np.testing.assert_allclose(other.error_by_group[..., :2], one.error_by_class, rtol=1e-10)
    assert float(rg.predict(groups, learner).n) == 150.0
    np.testing.assert_allclose(rg.predict(groups, learner).error, one.error.sel(n=150), rtol=1e-10)
    # counts hold no shares of the test
    tested = replace(groups, test_shares=[0.0, 0.0, 0.0, 1.0])
    np.testing.assert_allclose(rg.predict(tested, learner, 150).error, one.error_by_class.sel(n=150)[:, 1], rtol=1e-10)


def test_the_sign_of_a_teacher_by_averages():
    """The angle of w = mean(y x) with the teacher is known (Hebb's rule)."""
    share, taught = np.array([0.5, 2.0, 10.0]), rg.Teacher(np.ones(300), np.ones(300))
    curve = rg.predict(taught, rg.Learner(rg.Averaging()), 300 * share)
    hebb = np.arccos(np.sqrt(2.0 * share / (2.0 * share + np.pi))) / np.pi
    np.testing.assert_allclose(curve.sign_error, hebb, rtol=1e-10)
    np.testing.assert_allclose(curve.error, hebb, rtol=1e-10)
    np.testing.assert_allclose(curve.norm, 2.0 / np.pi + 1.0 / share, rtol=1e-10)


@pytest.mark.parametrize("norm", ["l2", "linf"])
def test_radius_zero_is_no_attack(norm):
    attacked = rg.Learner(rg.AdversarialTraining(rg.Logistic(5.0, intercept=True), [0.0, 0.2], norm))
    plain = rg.Learner(rg.Logistic(5.0, intercept=True))
    curve, clean = rg.predict(PAIR, attacked, 150), rg.predict(PAIR, plain, 150)
    for name in ("error", "train_error", "train_loss", "norm"):
        np.testing.assert_allclose(curve[name][0], clean[name], rtol=1e-9)
    np.testing.assert_allclose(curve.robust_error[0], clean.error, rtol=1e-9)
    assert curve.robust_error[1] > curve.error[1]
    # the attack trained for, by its own verb
    once = rg.Learner(rg.AdversarialTraining(rg.Logistic(5.0, intercept=True), 0.2, norm))
    under = rg.adversarial_error(PAIR, once, 150, 0.2, norm=norm)
    np.testing.assert_allclose(under.error, curve.robust_error[1], rtol=1e-9)
    runs = [rg.simulate(PAIR, learner, 80, trials=2) for learner in (attacked, plain)]
    np.testing.assert_allclose(runs[0].error[0], runs[1].error, rtol=1e-12)


@pytest.mark.parametrize(
    ("task", "plain"),
    [(PAIR, rg.SquaredHinge(4.0, intercept=True)), (TAUGHT, rg.Logistic(5.0, intercept=True))], ids=["classes", "teacher"],
)
def test_attacks_of_very_many_features_are_those_of_inputs(task, plain):
    training = rg.AdversarialTraining(plain, [0.0, 0.2])
    many, all_of = (rg.predict(task, rg.Learner(training, features=features), 150) for features in (1e8, None))
    for name in ("error", "robust_error", "train_loss", "norm"):
        np.testing.assert_allclose(many[name], all_of[name], rtol=1e-5)
    clean = rg.predict(task, rg.Learner(plain, features=80), 150)
    attacked = rg.predict(task, rg.Learner(training, features=80), 150).isel(radius=0)
    for name in ("error", "train_error", "train_loss", "norm", "support"):
        np.testing.assert_allclose(attacked[name], clean[name], rtol=1e-9)
    np.testing.assert_allclose(attacked.robust_error, clean.error, rtol=1e-9)
    if task is PAIR:  # by the law of the weights
        once = rg.Learner(rg.AdversarialTraining(plain, 0.2), features=80)
        under = rg.adversarial_error(PAIR, once, 150, 0.2)
        np.testing.assert_allclose(under.error, rg.predict(PAIR, once, 150).robust_error, rtol=1e-9)


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
        (lambda: rg.Mixture([1.0], [1.0], prior=1.0), r"prior must be in \(0, 1\), got 1"),
        (lambda: rg.Mixture([1.0], [1.0], flip=0.5), r"flip must be in \[0, 1/2\), got 0.5"),
        (lambda: rg.Mixture([1.0], [1.0], flip=-0.1), r"flip must be in \[0, 1/2\)"),
        (lambda: rg.Mixture([np.nan], [1.0]), "mean must be finite"),
        (lambda: rg.Logistic(-1.0), "ridge must be >= 0, got -1.0"),
        (lambda: rg.Hinge(1.0, intercept=1), "intercept must be True or False, got 1"),
        (lambda: rg.predict(PAIR, rg.Learner(rg.Hinge(1.0)), n=2), "n must leave a sample to each class, got n"),
        (lambda: rg.predict(PAIR, rg.Learner(rg.Hinge(1.0))), "n, the number of training samples, is missing"),
        (lambda: rg.predict(PAIR, rg.Learner(rg.Lasso(1.0)), n=50), "on which are trained rg.Ridge, rg.Logistic"),
        (lambda: rg.predict(rg.Task.isotropic(5), rg.Learner(rg.LDA()), n=50), "task must be an rg.Mixture"),
        (lambda: rg.predict(rg.Task.isotropic(5), rg.Learner(rg.Ridge(1.0, True)), n=50), "intercept is not covered"),
        (lambda: rg.optimal_ridge(PAIR, rg.Learner(rg.Ridge()), n=50), "it takes rg.Ridge on rg.Task"),
        (lambda: rg.adversarial_error(PAIR, rg.Learner(rg.Ridge(1.0)), 50, -0.1), "radius must be >= 0, got -0.1"),
        (lambda: rg.adversarial_error(PAIR, rg.Learner(rg.Ridge(1.0)), 50, 0.1, norm="l1"), "norm must be 'l2' or 'linf'"),
        (lambda: rg.simulate(PAIR, rg.Learner(rg.Hinge(1.0)), n=50.5, trials=2), "n must be whole numbers"),
        (lambda: rg.ClassGroups([1, 1], [1, 0], np.eye(2), np.ones(2)), r"labels must be \+1 or -1"),
        (lambda: rg.ClassGroups([0, 0], [1, -1], np.eye(2), np.ones(2)), "counts must hold at least one row"),
        (lambda: rg.ClassGroups([1, 1], [1, -1], np.eye(2), np.ones(3)), "variances must have one entry per coordinate"),
        (lambda: rg.ClassGroups([1], [1], [[1.0]], [1.0], test_shares=[0.0]), "test_shares must have one entry per group"),
        (lambda: rg.ClassGroups.spurious([1.0], [1.0], [1.0], 1.5), r"agreement must be in \[0, 1\], got 1.5"),
        (lambda: rg.predict(SPURIOUS, rg.Learner(rg.Hinge(1.0))), "n, the number of training samples, is missing"),
        (lambda: rg.predict(SPURIOUS, rg.Learner(rg.LDA()), 200), "weights must be equal for LDA, which has no loss"),
        (lambda: rg.predict(TAUGHT, rg.Learner(rg.LDA()), 50), "to train LDA.*on which are trained .*rg.Ridge"),
        (lambda: rg.adversarial_error(TAUGHT, rg.Learner(rg.Hinge(1.0)), 50, 0.1), "is not there for .*it takes rg.Ridge"),
        (
            lambda: rg.adversarial_error(TAUGHT, rg.Learner(rg.AdversarialTraining(rg.Hinge(1.0), 0.1)), 50, 0.1),
            "task must be an rg.Mixture or rg.ClassGroups for adversarial_error",
        ),
        (
            lambda: rg.predict(PAIR, rg.Learner(rg.AdversarialTraining(rg.Hinge(1.0), 0.1, "linf"), features=8), 50),
            "features must be None under attacks of bounded coordinates",
        ),
        (lambda: rg.AdversarialTraining(rg.LDA(), 0.1), "training must be rg.Logistic, rg.Hinge, rg.SmoothedHinge"),
        (lambda: rg.AdversarialTraining(rg.Hinge(0.0), 0.1), "ridge of an adversarial training must be > 0"),
        (lambda: rg.AdversarialTraining(rg.Hinge(1.0), -0.1), "radius must be >= 0, got -0.1"),
        (lambda: rg.AdversarialTraining(rg.Hinge(1.0), 0.1, "l1"), "norm must be one of 'l2', 'linf', got 'l1'"),
        (lambda: rg.Teacher([1.0], [1.0], link="tanh"), "link must be one of 'sign', 'probit', 'logistic', got 'tanh'"),
        (lambda: rg.Teacher([0.0, 1.0], [1.0, 0.0]), "direction must have a part where variances are positive"),
    ],
)
def test_bad_input_is_refused_by_name(make, message):
    with pytest.raises(ValueError, match=message):
        make()
