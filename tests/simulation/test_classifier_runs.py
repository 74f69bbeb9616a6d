"""Measures of drawn classifiers against test points and training sets written out; seeds; refusals."""

import jax
import numpy as np
import pytest
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

import rfgen as rg
from rfgen.problems.classes.class_groups import ClassGroups
from rfgen.problems.classes.mixture import Mixture
from rfgen.problems.classes.teacher import Teacher
from rfgen.problems.trainings.classifier import LDA, Averaging, Hinge, Logistic, MaxMargin, SquaredHinge
from rfgen.simulation.fits.margins.mean_rules import averaging, lda
from rfgen.simulation.random_numbers import host_key
from rfgen.simulation.runs.classes.classifier import classifier_runs
from rfgen.simulation.runs.classes.classifier_measures import calibration, group_errors, group_laws, label_error, sign_error
from rfgen.simulation.sampling.labelled_rows import labelled_rows

DIM = 12
MIXTURE = Mixture(np.linspace(1.0, 0.0, DIM), [np.linspace(0.5, 1.5, DIM), np.ones(DIM)], prior=0.3, flip=0.1)
TEACHER = Teacher(np.arange(DIM) + 1.0, np.linspace(2.0, 0.5, DIM), link="probit", scale=0.5, flip=0.05)
GROUPS = ClassGroups(
    [20, 0, 10, 5], [1.0, 1.0, -1.0, 1.0], np.eye(4, DIM), np.ones(DIM), weights=[1.0, 1.0, 2.0, 0.5],
    classes=[1.0, 1.0, -1.0, -1.0],
)


def drawn(problem, n, seed, trial, features=None):
    """The training set of one trial, and its features' weights, as numpy arrays."""
    with jax.enable_x64(True):
        key = jax.random.fold_in(jax.random.key(seed, impl="threefry2x32"), np.uint32(trial))
        of_rows, of_features = jax.random.split(key)
        rows = labelled_rows(problem, n).draw(of_rows)
        mixing = np.eye(problem.dim)
        if features is not None:
            mixing = np.asarray(jax.random.normal(of_features, (problem.dim, features), "float64")) / features**0.5
        return [np.asarray(each) for each in (rows.rows, rows.labels, rows.weights, rows.member)], mixing


def test_measures_of_a_training_set_written_out():
    """Least squares of weighted rows on features, with an intercept, solved here."""
    runs = classifier_runs(GROUPS, rg.Ridge([0.5, 3.0], intercept=True), features=7, trials=3, seed=4, radius=0.2)
    for trial in range(3):
        (rows, labels, weights, member), mixing = drawn(GROUPS, None, 4, trial, 7)
        design = np.c_[rows @ mixing, np.ones(35)]
        for i, ridge in enumerate((0.5, 3.0)):
            found = np.linalg.solve(
                design.T @ (weights[:, None] * design) + ridge * np.diag([1.0] * 7 + [0.0]), design.T @ (weights * labels)
            )
            w, b, t = mixing @ found[:-1], found[-1], labels * (design @ found)
            spread = np.sqrt(w @ w)
            expected = {
                "norm": found[:-1] @ found[:-1], "l1": np.abs(w).sum(), "intercept": b, "train_error": (t < 0).mean(),
                "train_loss": ((1 - t) ** 2).mean(), "support": (t < 1).mean(), "overlap": GROUPS.means @ w,
                "spread": np.full(4, spread**2),
                "group_train_error": [(t[member == g] < 0).mean() if (member == g).any() else np.nan for g in range(4)],
            }
            for name, shift in {"error": 0.0, "l2_error": 0.2 * spread, "linf_error": 0.2 * np.abs(w).sum()}.items():
                with jax.enable_x64(True):
                    behind = (shift - GROUPS.classes * (GROUPS.means @ w + b)) / spread
                    expected[f"group_{name}"] = np.asarray(jax.scipy.stats.norm.cdf(behind))
                expected[name] = expected[f"group_{name}"] @ GROUPS.counts / 35
            for name, value in expected.items():
                np.testing.assert_allclose(getattr(runs, name)[trial, i], value, rtol=1e-9, err_msg=name)


@pytest.mark.parametrize("training", [Hinge(1.0, intercept=True), LDA(intercept=True)])
def test_errors_are_those_of_test_points(training):
    runs = classifier_runs(MIXTURE, training, n=40, trials=1, seed=2)
    assert runs.converged.all() and 0.0 < runs.error[0] < 0.5
    # error from the recorded moments of the scores, by sampling
    rng = np.random.default_rng(0)
    scores = runs.overlap[0] + runs.intercept[0] + np.sqrt(runs.spread[0]) * rng.standard_normal((200_000, 2))
    np.testing.assert_allclose((scores * [1, -1] < 0).mean(axis=0), runs.group_error[0], atol=4e-3)
    np.testing.assert_allclose(runs.error, runs.group_error @ MIXTURE.shares, rtol=1e-12)


@pytest.mark.parametrize("link", ["sign", "probit", "logistic"])
def test_teacher_errors_against_sampling(link):
    rng, size = np.random.default_rng(0), 400_000
    for overlap, intercept in ((0.8, 0.0), (-0.5, 0.7), (1.9, -0.4), (0.0, 0.3)):
        u = rng.standard_normal(size)
        right = overlap * u + np.sqrt(4.0 - overlap**2) * rng.standard_normal(size) + intercept > 0.0
        noise = {"sign": 0.0, "probit": rng.standard_normal(size), "logistic": rng.logistic(size=size)}[link]
        label = (u + 0.6 * noise > 0.0) ^ (rng.random(size) < 0.1)
        with jax.enable_x64(True):
            numbers = [jax.numpy.asarray(x) for x in (overlap, 4.0, intercept)]
            clean, wrong = sign_error(*numbers), label_error(*numbers, link, *map(jax.numpy.asarray, (0.6, 0.1)))
        assert abs((right != (u > 0.0)).mean() - float(clean)) < 3e-3
        assert abs((right != label).mean() - float(wrong)) < 3e-3


def test_no_weights_are_wrong_half_of_the_time():
    with jax.enable_x64(True):
        one, zero = jax.numpy.ones((2, 1)), jax.numpy.zeros(())
        signs = jax.numpy.array([1.0, -1.0])
        assert group_errors(0 * one[0], zero, one, one, signs).tolist() == [0.5, 0.5]
        assert group_errors(0 * one[0], zero + 1, one, one, signs).tolist() == [0.0, 1.0]
        assert float(sign_error(zero, zero, zero)) == 0.5


def test_draws_have_the_announced_law():
    with jax.enable_x64(True):
        source = labelled_rows(MIXTURE, 25)
        draw = jax.jit(jax.vmap(source.draw))
        many = jax.tree.map(np.asarray, draw(jax.random.split(jax.random.key(0), 4000)))
        upper = (many.member == 0).sum(axis=1)
        assert set(upper) == {7, 8} and abs(upper.mean() - 7.5) < 0.04
        true = 1.0 - 2.0 * many.member
        assert abs((many.labels != true).mean() - 0.1) < 0.004
        for group, sign in ((0, 1.0), (1, -1.0)):
            rows = many.rows[many.member == group]
            np.testing.assert_allclose(rows.mean(axis=0), sign * MIXTURE.mean, atol=0.03)
            np.testing.assert_allclose(rows.var(axis=0), MIXTURE.covariance[group], rtol=0.05)
        taught = jax.tree.map(np.asarray, labelled_rows(TEACHER, 100_000).draw(jax.random.key(1)))
        np.testing.assert_allclose(taught.rows.var(axis=0), TEACHER.variances, rtol=0.03)
        u = taught.rows @ TEACHER.direction
        # of sign(u + noise / 2), flipped with probability 0.05
        wrong = np.arctan(0.5) / np.pi
        assert abs((taught.labels != np.sign(u)).mean() - (0.05 + 0.9 * wrong)) < 0.005


def test_rows_of_groups_are_rounded_at_random():
    """9.45, 22.05, 1.05 and 2.45 of 35 rows by their shares."""
    source = labelled_rows(MIXTURE.groups(20), 35)
    counts = np.array([np.bincount(source.draw(host_key(seed)).member, minlength=4) for seed in range(400)])
    exact = 35 * MIXTURE.groups(20).counts / 20
    assert (counts.sum(axis=1) == 35).all() and (np.abs(counts - exact) < 1.0).all()
    np.testing.assert_allclose(counts.mean(axis=0), exact, atol=4 * 0.5 / 20)
    assert np.bincount(labelled_rows(GROUPS).draw(host_key(0)).member, minlength=4).tolist() == [20, 0, 10, 5]


def test_trials_depend_on_seed_and_number_alone():
    training = SquaredHinge([0.1, 1.0])
    names = ("error", "norm", "train_error")
    whole = classifier_runs(TEACHER, training, n=20, trials=5, seed=3)
    first = classifier_runs(TEACHER, training, n=20, trials=2, seed=3)
    rest = classifier_runs(TEACHER, training, n=20, trials=3, seed=3, start=2)
    other = classifier_runs(TEACHER, training, n=20, trials=5, seed=4)
    for name in names:
        together = np.concatenate([getattr(first, name), getattr(rest, name)])
        np.testing.assert_allclose(together, getattr(whole, name), rtol=1e-12)
    assert (whole.norm != other.norm).all() and (whole.norm[:-1] != whole.norm[1:]).all()


def test_a_ridge_of_many_is_the_one_alone():
    both = classifier_runs(TEACHER, SquaredHinge([0.1, 1.0]), n=20, trials=2)
    one = classifier_runs(TEACHER, SquaredHinge(1.0), n=20, trials=2)
    assert both.error.shape == (2, 2) and one.error.shape == (2,)
    np.testing.assert_allclose(both.norm[:, 1], one.norm, rtol=1e-9)
    np.testing.assert_allclose(both.train_loss[:, 1], one.train_loss, rtol=1e-9, atol=1e-15)


def test_inseparable_trials_do_not_count():
    runs = classifier_runs(Mixture([1.0, 0.0, 0.0], np.ones(3)), MaxMargin(intercept=True), n=9, trials=40)
    share = runs.separable.mean()
    assert 0.1 < share < 0.9 and runs.converged.all()
    assert (np.isnan(runs.error) == ~runs.separable).all()
    mean, error = runs.summary("error")
    np.testing.assert_allclose(mean, np.nanmean(runs.error))
    np.testing.assert_allclose(error, np.nanstd(runs.error, ddof=1) / runs.separable.sum() ** 0.5)
    assert (runs.support[runs.separable] >= 2 / 9).all()


def test_logistic_at_ridge_zero():
    """Where classes are separable the largest margin, of infinite norm; else maximum likelihood."""
    problem = Mixture([1.0, 0.0, 0.0], np.ones(3))
    runs = classifier_runs(problem, Logistic([0.0, 1e-9], intercept=True), n=9, trials=20)
    margin = classifier_runs(problem, MaxMargin(intercept=True), n=9, trials=20)
    separable = margin.separable
    assert 0 < separable.sum() < 20
    np.testing.assert_allclose(runs.error[separable, 0], margin.error[separable], rtol=1e-6)
    assert np.isinf(runs.norm[separable, 0]).all() and (runs.train_loss[separable, 0] == 0.0).all()
    np.testing.assert_allclose(runs.error[~separable, 0], runs.error[~separable, 1], rtol=1e-5)
    assert np.isfinite(runs.norm[~separable]).all()


@pytest.mark.parametrize("intercept", [False, True])
def test_rules_from_means(intercept):
    (rows, labels, *_), _ = drawn(MIXTURE, 60, 0, 0)
    upper, lower = rows[labels > 0].mean(axis=0), rows[labels < 0].mean(axis=0)
    with jax.enable_x64(True):
        numbers = [jax.numpy.asarray(each) for each in (rows, labels)]
        (w, b), (v, c) = ([np.asarray(x) for x in rule(*numbers, intercept)] for rule in (averaging, lda))
    np.testing.assert_allclose(w, (upper - lower) / 2 if intercept else (labels[:, None] * rows).mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(b, -(upper - lower) @ (upper + lower) / 4 if intercept else 0.0, rtol=1e-10)
    # theirs divides the pooled covariance by n, and weighs classes by their shares
    theirs = LinearDiscriminantAnalysis(solver="lsqr").fit(rows, labels)
    np.testing.assert_allclose(v * 60 / 58, theirs.coef_[0], rtol=1e-8)
    if intercept:
        odds = (labels > 0).sum() / (labels < 0).sum()
        np.testing.assert_allclose(c + 0.5 * v @ (upper + lower), np.log(odds), rtol=1e-9)
    else:
        assert c == 0.0


REFUSED = {
    "problem": (lambda: classifier_runs(3, Hinge(1.0), 5), r"problem must be a Mixture, ClassGroups or Teacher, got int"),
    "training": (lambda: classifier_runs(MIXTURE, rg.GradientFlow(1.0), 5), r"training must be one of Ridge, Logistic"),
    "no n": (lambda: classifier_runs(TEACHER, Hinge(1.0)), r"n must be an integer >= 1, got None"),
    "an empty class": (lambda: classifier_runs(MIXTURE, Hinge(1.0), 2), r"n must leave a sample to each class"),
    "parts of rows": (
        lambda: classifier_runs(MIXTURE.groups(35.5), Hinge(1.0)), r"counts must sum to a whole number of rows.*got \[9.58",
    ),
    "features": (lambda: classifier_runs(MIXTURE, Hinge(1.0), 9, features=2.5), r"features must be an integer.*got 2.5"),
    "trials": (lambda: classifier_runs(MIXTURE, Hinge(1.0), 9, trials=0), r"trials must be an integer >= 1, got 0"),
    "radius": (lambda: classifier_runs(MIXTURE, Hinge(1.0), 9, radius=-1.0), r"radius must be >= 0, got -1"),
    "radius of a teacher": (lambda: classifier_runs(TEACHER, Hinge(1.0), 9, radius=1.0), r"radius must be.*got 1.0"),
    "few rows": (lambda: classifier_runs(MIXTURE, LDA(), 13), r"n must be at least 14, 2 more than .* for LDA, got 13"),
    "weights": (lambda: classifier_runs(GROUPS, Averaging()), r"weights must be equal for Averaging, which has no loss"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refusals(name):
    call, message = REFUSED[name]
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize("gap", [0.1, 2.0, 20.0])
def test_temperatures_are_where_the_loss_is_least(gap):
    """Of two normal classes their distance over the variance; beyond both ends of the grid the ends of what is sought."""
    scores, above, below = group_laws(np.array([gap, -gap]), np.full(2, 1.5), np.array([1.0, -1.0]), np.full(2, 0.5))
    with np.errstate(all="ignore"):
        found = calibration(scores, above, below)["temperature"]
        never = calibration(scores, np.where(scores > 0, above, 0.0), np.where(scores > 0, 0.0, below))["temperature"]
    assert found == pytest.approx(1.5**2 / (2.0 * gap), rel=1e-6)
    size = (np.sum((above + below) * scores**2) * (scores[1] - scores[0])) ** 0.5
    assert never <= 1.01 * np.exp(-12.0) * size + 0.05 * gap
