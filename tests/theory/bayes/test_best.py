"""The line that no algorithm beats."""

import math

import matplotlib
import numpy as np
import pytest

import rfgen as rg
from rfgen.theory.bayes.best_classifier import best_mixture, best_teacher
from rfgen.theory.bayes.best_regression import best_regression, best_sparse

ONES = np.ones(100)


def test_normal_targets_are_best_learned_by_the_kernel_of_their_power():
    power = np.arange(1.0, 301) ** -1.6
    found = rg.best_possible(rg.Task(np.arange(1.0, 301) ** -1.2, power, noise=0.3), n=[50, 200])
    same = rg.predict(rg.Task(power, power, noise=0.3), rg.Learner(rg.Ridge(0.3)), n=[50, 200])
    np.testing.assert_allclose(found.test, same.test, rtol=1e-9)
    assert best_regression(ONES, ONES, 0.0, 100) == 0.0


@pytest.mark.parametrize("link", ["probit", "logistic"])
def test_no_ridge_is_better_than_the_best(link):
    teacher = rg.Teacher(ONES, ONES, link=link, scale=0.5)
    least = float(rg.best_possible(teacher, n=200).error)
    tuned = float(rg.predict(teacher, rg.Learner(rg.Ridge(np.geomspace(10.0, 1000.0, 20))), n=200).error.min())
    assert least < tuned < 1.02 * least


def test_published_limits_of_classifiers():
    # probit labels of scale 0.5 at two rows a dimension; sign labels: .442 dim / n (Opper and Haussler)
    assert abs(best_teacher(ONES, "probit", 0.5, 0.0, 200).error - 0.25616) < 1e-5
    assert abs(best_teacher(ONES, "sign", 1.0, 0.0, 4e4).sign_error * 400 - 0.442) < 1e-3
    # without flips the posterior mean is the average of label times input
    mean, n = 0.17 * ONES, 150
    square = 100 * 0.17**2
    plain = 0.5 * math.erfc(math.sqrt(0.5 * square / (1.0 + 1.0 / (n * 0.17**2))))
    assert abs(best_mixture(mean, ONES, 0.0, n) - plain) < 1e-12
    assert best_mixture(mean, ONES, 0.1, n) > plain


def test_the_line_is_drawn():
    matplotlib.use("Agg")
    mixture, n = rg.Mixture(0.17 * ONES, ONES), [50, 200]
    ax = rg.plot(rg.predict(mixture, rg.Learner(rg.Averaging()), n), bayes=rg.best_possible(mixture, n))
    assert ax.lines[-1].get_label() == "best possible"
    np.testing.assert_allclose(*(line.get_ydata() for line in ax.lines), rtol=1e-9)  # averaging is best without flips
    same = rg.plot(rg.predict(mixture, rg.Learner(rg.Averaging()), n), bayes=mixture)
    np.testing.assert_array_equal(same.lines[-1].get_ydata(), ax.lines[-1].get_ydata())
    with pytest.raises(ValueError, match="bayes must be the task, which curves do not keep"):
        rg.plot(rg.predict(mixture, rg.Learner(rg.Averaging()), n), bayes=True)
    with pytest.raises(ValueError, match="bayes must hold error along n"):
        rg.plot(rg.predict(mixture, rg.Learner(rg.Averaging()), n), bayes=rg.best_possible(mixture, 50))


def test_sparse_targets_have_two_lines_where_they_are_hard():
    hard, easy = best_sparse([1.0, 0.0], [200, 1800], 1e-3, 300), best_sparse([1.0, 0.0], [200, 1800], 1e-3, 1500)
    assert hard.any_algorithm < 0.1 * hard.reached
    assert abs(easy.any_algorithm / easy.reached - 1.0) < 1e-6
    task = rg.SparseRegression.equal(2000, 200, noise=1.0)
    assert float(rg.best_possible(task, n=800).reached) < float(rg.predict(task, rg.Learner(rg.Ridge(200.0)), n=800).test)


@pytest.mark.parametrize(
    ("task", "words"),
    [
        (rg.Mixture([1.0], [1.0], prior=0.3), "one size and covariance"), (rg.XORClusters(20, 5.0), "must be one of"),
        (rg.Task([1.0], [[1.0], [1.0]]), "one output"),
    ],
)
def test_what_has_no_line_is_refused(task, words):
    with pytest.raises(ValueError, match=words):
        rg.best_possible(task, n=20)


def test_bernoulli_gaussian_targets():
    """Message passing is stuck at 600 and 680 rows, and at 760 it is not."""
    task = rg.SparseRegression.normal(2000, 400, noise=0.1)
    found = rg.best_possible(task, n=[600, 680, 760])
    np.testing.assert_allclose(found.reached, [168.0772, 104.7683, 0.264499], rtol=1e-3)
    np.testing.assert_allclose(found.test, [0.666993, 0.345889, 0.264499], rtol=1e-3)
    # many sizes that are known are a normal law
    few = rg.SparseRegression.normal(200, 3)
    assert few.multiplicity.tolist() == [1, 1, 1, 197] and abs(few.null_risk - 3.0) < 1e-12


def test_intervals_of_fresh_labels():
    """Of a fit on drawn rows: leave-one-out lengths, and what the residuals of training cover."""
    task = rg.Task.isotropic(150, noise=0.5)
    curve = rg.predict(task, rg.Learner(rg.Ridge(40.0)), n=200)
    rng, risks, trains = np.random.default_rng(0), [], []
    for _ in range(40):
        rows, truth = rng.normal(size=(200, 150)), np.full(150, 150**-0.5)
        targets = rows @ truth + 0.5**0.5 * rng.normal(size=200)
        fit = np.linalg.solve(rows.T @ rows + 40.0 * np.eye(150), rows.T @ targets)
        risks.append(0.5 + np.sum((fit - truth) ** 2))
        trains.append(np.mean((targets - rows @ fit) ** 2))
    covered = [math.erf(1.6448536 * math.sqrt(share / 2.0)) for share in np.divide(trains, risks)]
    assert abs(np.mean(covered) - float(curve.naive_coverage)) < 0.01
    assert abs(2.0 * 1.6448536 * np.mean(np.sqrt(risks)) / float(curve.interval_length) - 1.0) < 0.01
