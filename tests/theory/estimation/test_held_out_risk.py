"""Risk of n of N given rows: against refits, closed limits, a second route where rows are alike, and real splits."""

import itertools
import math

import numpy as np
import pytest
from scipy.stats import binom

import rfgen as rg
from rfgen.numerics.gram import centred_kernel, gram_of_features, gram_of_kernel
from rfgen.simulation.runs.splits import random_splits
from rfgen.theory.estimation.held_out_risk import held_out_risk
from rfgen.theory.estimation.multiplicities import answers
from rfgen.theory.estimation.risk_estimators import risk_estimators
from rfgen.theory.estimation.subsample_risk import subsample_risk

MOST_Z = 4.0


def sample(rows, kind, centred, seed=0):
    """Kernel of mean diagonal 1, its decomposition and labels of two outputs; elliptic rows, so that leverages differ."""
    random = np.random.default_rng(seed)
    inputs = random.normal(size=(rows, 10)) * np.exp(0.5 * random.normal(size=(rows, 1)))
    if kind == "alike":  # a circle: every R_ii is the same
        angles = 2.0 * np.pi * np.arange(rows) / rows
        kernel = np.exp(-2.0 * np.abs(np.sin((angles[:, None] - angles) / 2.0)))
    elif kind == "low rank":
        kernel = inputs[:, :8] @ inputs[:, :8].T
    else:
        kernel = np.exp(-np.sqrt(np.sum((inputs[:, None] - inputs) ** 2, axis=2) / 10.0))
    labels = np.stack([np.sin(inputs[:, 0]) + 0.3 * random.normal(size=rows), random.normal(size=rows)], axis=1)
    if centred:
        mean, labels = kernel.mean(axis=0), labels - labels.mean(axis=0)
        kernel = kernel - mean - mean[:, None] + mean.mean()
    kernel /= np.trace(kernel) / rows
    return kernel, gram_of_kernel(kernel, centred=centred), labels


def left_out(kernel, labels, ridge, centred):
    """Residuals of each row under a fit to all others, solved again."""
    found = np.empty_like(labels)
    for row in range(len(labels)):
        others = np.delete(np.arange(len(labels)), row)
        part, known, across = kernel[np.ix_(others, others)], labels[others], kernel[row, others]
        if centred:
            mean = part.mean(axis=0)
            across, known = across - mean - (across - mean).mean(), known - known.mean(axis=0)
            part = part - mean - mean[:, None] + mean.mean()
        values, vectors = np.linalg.eigh(part)
        values = np.where(values > 1e-11 * values[-1], values, np.inf) + ridge
        constant = labels[others].mean(axis=0) if centred else 0.0
        found[row] = labels[row] - constant - across @ vectors @ (vectors.T @ known / values[:, None])
    return found


@pytest.mark.parametrize("centred", [False, True])
@pytest.mark.parametrize(("kind", "ridge"), [("full", 0.0), ("full", 0.03), ("low rank", 0.0), ("low rank", 0.5)])
def test_all_rows_leave_one_out(kind, ridge, centred):
    kernel, gram, labels = sample(40, kind, centred)
    found = held_out_risk(kernel, gram, labels, 40, ridge)
    exact = left_out(kernel, labels, ridge, centred)
    np.testing.assert_allclose(found.mean_residual, exact, rtol=0, atol=1e-11 * np.abs(exact).max())
    own = risk_estimators(gram, labels, ridge)
    np.testing.assert_allclose(found.test, own.loo, rtol=1e-11)
    np.testing.assert_allclose(found.train, own.train, rtol=1e-9, atol=1e-20)
    # and n just below all is near
    np.testing.assert_allclose(held_out_risk(kernel, gram, labels, 39.99, ridge).test, own.loo, rtol=1e-3)


@pytest.mark.parametrize("centred", [False, True])
@pytest.mark.parametrize(("n", "ridge"), [(12, 0.0), (12, 1.0), (45, 0.0), (45, 1e-3), (59, 0.0), (59, 1.0), (90, 1.0)])
def test_rows_that_are_alike_share_one_effective_ridge(n, ridge, centred):
    """The two forms are solved by other means, and are one where every row has the same leverage."""
    kernel, gram, labels = sample(60, "alike", centred)
    scalar, found = subsample_risk(gram, labels, n, ridge), held_out_risk(kernel, gram, labels, n, ridge, influence=True)
    assert scalar.status == "ok" and found.converged
    np.testing.assert_allclose(found.effective_ridges, scalar.effective_ridge, rtol=1e-6)
    for name in ("test", "train"):
        np.testing.assert_allclose(getattr(found, name), getattr(scalar, name), rtol=1e-6, atol=1e-18)


@pytest.mark.parametrize("centred", [False, True])
@pytest.mark.parametrize(("width", "n", "ridge"), [(0.3, 4, 0.1), (0.3, 9, 0.0), (1.0, 6, 0.1), (8.0, 9, 0.1)])
def test_held_out_rows_do_not_weigh_on_the_others(width, n, ridge, centred):
    """All subsets of 12 rows: the form itself is up to 10 % off; n = N - 1 is leave-one-out."""
    random = np.random.default_rng(5)
    inputs = random.normal(size=(12, 3))
    kernel = np.exp(-np.sum((inputs[:, None] - inputs) ** 2, axis=2) / (2.0 * width))
    labels = (inputs[:, 0] + 0.5 * random.normal(size=12))[:, None]
    if centred:
        kernel, labels = centred_kernel(kernel), labels - labels.mean(axis=0)
    exact, risks, means, train = left_out(kernel, labels, ridge, centred), np.zeros(12), np.zeros(12), []
    for inside in itertools.combinations(range(12), n):
        rest, dual = np.setdiff1d(np.arange(12), inside), np.zeros(12)
        inside = list(inside)
        shifted = kernel[np.ix_(inside, inside)] + (ridge + 1e-12) * np.eye(n)
        solved = np.linalg.solve(shifted + centred, np.stack([labels[inside, 0], np.ones(n)], axis=1))
        constant = solved[:, 0].sum() / solved[:, 1].sum() if centred else 0.0
        dual[inside] = solved[:, 0] - constant * solved[:, 1]
        missed = (labels[:, 0] - kernel @ dual - constant)[rest]
        risks[rest], means[rest] = risks[rest] + missed**2, means[rest] + missed
        train.append(np.mean((ridge * dual[inside]) ** 2))
    times = math.comb(11, n)
    gram = gram_of_kernel(kernel, centred=centred)
    found, form = (held_out_risk(kernel, gram, labels, n, ridge, influence=each) for each in (False, True))
    gaps = [abs(float(each.test[0]) / risks.mean() * times - 1.0) for each in (found, form)]
    # measured at most .038 (of .091), with an intercept of few rows .05
    assert gaps[0] < min(0.04 + 0.3 / n**2 * centred, gaps[1])
    # of the form itself .17 off, .25 with an intercept of four rows
    np.testing.assert_allclose(found.train[0], np.mean(train), rtol=0.07 + 1.5 / n**2 * centred, atol=1e-20)
    np.testing.assert_allclose(found.bias[0], np.mean((means / times) ** 2), rtol=0.02)
    np.testing.assert_allclose(held_out_risk(kernel, gram, labels, 11, ridge).test, np.mean(exact**2, axis=0), rtol=1e-11)


@pytest.mark.parametrize("kind", ["full", "low rank"])
def test_limits_of_the_scalar_form(kind):
    _, gram, labels = sample(50, kind, True)
    squares = np.mean(labels**2, axis=0)
    estimators = risk_estimators(gram, labels, 0.2)
    np.testing.assert_allclose(subsample_risk(gram, labels, 50, 0.2).test, estimators.gcv, rtol=1e-12)
    for n in (49.9999, 50.0001):
        np.testing.assert_allclose(subsample_risk(gram, labels, n, 0.2).test, estimators.gcv, rtol=1e-4)
    # nothing is learned but the mean: s^2 n/(n - 1), s^2 without bias
    np.testing.assert_allclose(subsample_risk(gram, labels, 20, 1e9).test, squares * 50 / 49 * 20 / 19, rtol=1e-6)
    if kind == "full":
        return
    # least squares on 8 features and a mean: R_full s / ((N - 9)(n - 9)) n
    left = labels - gram.vectors @ (gram.vectors.T @ labels)
    expected = np.sum(left**2, axis=0) * 20 / ((50 - 9) * (20 - 9))
    np.testing.assert_allclose(subsample_risk(gram, labels, 20, 0.0).test, expected, rtol=1e-12)
    np.testing.assert_allclose(subsample_risk(gram, labels, 20, 1e-9).test, expected, rtol=1e-6)
    assert np.isinf(subsample_risk(gram, labels, 9, 0.0).test).all()


@pytest.mark.parametrize("centred", [False, True])
def test_a_row_unlike_all_others_has_a_limit(centred):
    """Row 0 alone has feature 3: its leverage at ridge 0 is 1, and its residual is that of an untrained coordinate."""
    random = np.random.default_rng(0)
    rows, labels = random.normal(size=(40, 8)), random.normal(size=(40, 2))
    rows[0], rows[1:, 3] = 0.0, 0.0
    rows[0, 3] = 2.0
    rows, labels = (rows - rows.mean(axis=0), labels - labels.mean(axis=0)) if centred else (rows, labels)
    found = held_out_risk(rows @ rows.T, gram_of_features(rows, centred=centred), labels, 40, 0.0)
    exact = left_out(rows @ rows.T, labels, 0.0, centred)
    assert found.converged
    np.testing.assert_allclose(found.mean_residual, exact, rtol=0, atol=1e-9)


@pytest.mark.parametrize("n", [12, 45, 60, 90])
@pytest.mark.parametrize("centred", [False, True])
def test_a_ridge_without_end_leaves_nothing_but_the_mean(n, centred):
    kernel, gram, labels = sample(60, "full", centred)
    found = held_out_risk(kernel, gram, labels, n, 1e9)
    # to the form's own order, 1/n^2; the mean's risk is s^2 (1 + 1/n), and its training error s^2 (1 - 1/n), s^2 over N - 1
    squares, share = np.sum(labels**2, axis=0) / (60 - centred), centred / n
    np.testing.assert_allclose(found.test, squares * (1.0 + share), rtol=2.0 * share**2 + 1e-6)
    np.testing.assert_allclose(found.train, squares * (1.0 - share), rtol=2.0 * share**2 + 1e-6)


@pytest.mark.parametrize("centred", [False, True])
@pytest.mark.parametrize(
    ("kind", "n", "ridge", "replace"),
    [
        ("full", 30, 0.0, False), ("full", 60, 0.05, False), ("low rank", 30, 0.3, False),
        ("full", 30, 0.05, True), ("full", 160, 1.0, True), ("low rank", 60, 0.3, True),
    ],
)
def test_real_splits_agree(kind, n, ridge, replace, centred):
    """400 splits of 80 rows, drawn once or again: each output's risk, training error, and every row's own risk."""
    kernel, gram, labels = sample(80, kind, centred)
    found = held_out_risk(kernel, gram, labels, n, ridge, replace=replace)
    runs = random_splits(kernel, labels, n, ridge, 400, 0, centred, replace=replace)
    held = runs.held_out.astype(float)
    # whose rows are held out is known, and takes most of the scatter away
    differences = runs.test - held @ found.per_example / held.sum(axis=1)[:, None]
    error = differences.std(axis=0, ddof=1) / 20.0
    # measured |gap| < 1.6 % at 80 rows
    assert np.all(np.abs(differences.mean(axis=0)) < MOST_Z * error + 0.02 * found.test)
    np.testing.assert_allclose(runs.train.mean(axis=0), found.train, rtol=0.05, atol=1e-12)


def test_copies_count_once_without_ridge():
    """And a ridge of n/N times that of all rows drawn once, where each is drawn often."""
    kernel, gram, labels = sample(60, "full", True)
    again = held_out_risk(kernel, gram, labels, 40, 0.0, replace=True)
    once = held_out_risk(kernel, gram, labels, 60 * (1.0 - (1.0 - 1.0 / 60) ** 40), 0.0, influence=True)
    np.testing.assert_allclose(again.per_example, once.per_example, rtol=1e-6)
    often = held_out_risk(kernel, gram, labels, 600_000, 1000.0, replace=True)
    np.testing.assert_allclose(often.test, held_out_risk(kernel, gram, labels, 60, 0.1).test, rtol=1e-3)


def test_starts_and_scales_change_nothing():
    kernel, gram, labels = sample(60, "full", True)
    cold = held_out_risk(kernel, gram, labels, 40, 0.01)
    for n, ridge in ((40, 1.0), (20, 0.01)):
        start = held_out_risk(kernel, gram, labels, n, ridge).effective_ridges
        warm = held_out_risk(kernel, gram, labels, 40, 0.01, start)
        np.testing.assert_allclose(warm.test, cold.test, rtol=1e-7)
    big = held_out_risk(1e9 * kernel, gram_of_kernel(1e9 * kernel, centred=True), labels, 40, 1e7)
    np.testing.assert_allclose(big.test, cold.test, rtol=1e-7)


def test_the_population_beyond_the_sample():
    """Gaussian rows, mean over 30 samples of 80 at n = 160 against the exact curve; the jackknife knows the scatter."""
    random, found = np.random.default_rng(2), []
    modes = np.arange(1, 301.0)
    for _ in range(30):
        rows = random.normal(size=(80, 300)) * modes**-0.6
        labels = (rows @ modes**-0.3 + 0.5 * random.normal(size=80))[:, None]
        gram = gram_of_features(rows)
        scalar, local = subsample_risk(gram, labels, 160, 2.0), held_out_risk(rows @ rows.T, gram, labels, 160, 2.0)
        found.append([local.test[0], scalar.test[0], scalar.relative_error[0]])
    found = np.array(found)
    task = rg.Task(modes**-1.2, modes**-1.8, 0.25)
    expected = float(rg.predict(task, rg.Learner(rg.Ridge(2.0)), 160).test)
    for column in (0, 1):
        error = found[:, column].std(ddof=1) / 30**0.5
        assert abs(found[:, column].mean() - expected) < MOST_Z * error
    seen = np.log(found[:, 1]).std(ddof=1)
    assert 0.6 < seen / found[:, 2].mean() < 1.4


@pytest.mark.parametrize("ridge", [1e-60, 1e-14, 0.14, 5e7])
def test_multiplicities_at_ridges_of_any_size(ridge):
    """Rows that do not know each other; at ridges that are small beside the kernel the field was none, and the risk 0."""
    times = np.arange(1.0, 12.0)
    chance = binom.pmf(times, 11, 1.0 / 18)
    each = times / (ridge + times)
    field = each @ chance
    sought, share, _ = answers(11, 18, ridge, True).of(np.array([1.0 / field]))
    np.testing.assert_allclose(sought, 1.0 / field - 1.0, rtol=1e-9)
    np.testing.assert_allclose(share, 1.0 - field**2 / (each**2 @ chance), rtol=1e-6)
