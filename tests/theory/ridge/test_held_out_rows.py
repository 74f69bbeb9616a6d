"""Rows of real examples drawn without replacement: the closed equation, its limits, its other engine, its simulation."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import brentq

import rfgen as rg
from rfgen.equivalents import equilibrium, training_group
from rfgen.theory.ridge.block_risk import augmented_modes, augmented_risk, resampled
from rfgen.theory.ridge.risk import risk

N, INF = 60, float("inf")
RANDOM = np.random.default_rng(0)
ROWS = RANDOM.normal(size=(N, 80)) * np.arange(1, 81) ** -0.5
LABELS = ROWS @ RANDOM.normal(size=80) * 0.3 + RANDOM.normal(size=N)
KERNEL = ROWS @ ROWS.T
RIDGE = rg.Learner(rg.Ridge(1.0))
PARTS = ("test", "train", "bias", "variance", "noise", "norm", "df1")


@pytest.fixture
def double():
    with jax.enable_x64(True):
        yield


def task(kernel=KERNEL, noise=0.0, **settings):
    return rg.Task.from_kernel(kernel, LABELS, noise, **settings)


def by_hand(n, ridge):
    """(w - ridge) tr R = N - n, R = (K + w)^-1, and the risk there: nothing of the engine."""
    values, vectors = np.linalg.eigh(KERNEL)
    squares = (vectors.T @ LABELS) ** 2
    w = brentq(lambda w: (w - ridge) * np.sum(1 / (values + w)) - (N - n), ridge, 1e9, xtol=1e-15, rtol=1e-15)
    trace, of_square = np.sum(1 / (values + w)), np.sum(1 / (values + w) ** 2)
    left = np.sum(squares / (values + w) ** 2)
    test = n * left / (trace**2 - (N - n) * of_square)
    return {"gamma": w / N, "test": test, "train": (ridge * trace / n) ** 2 * test, "bias": N * left / trace**2}


@pytest.mark.parametrize("n, ridge", [(1, 0.0), (30, 0.0), (30, 1e-6), (59, 0.1), (50, 1e3)])
def test_closed_equation(double, n, ridge):
    found = risk(task().modes, n, INF, ridge)
    for name, expected in by_hand(n, ridge).items():
        assert float(getattr(found, name)) == pytest.approx(expected, rel=1e-11, abs=1e-30), name
    assert bool(found.converged)


@pytest.mark.parametrize("kernel", [KERNEL, ROWS[:, :20] @ ROWS[:, :20].T], ids=["full rank", "rank 20"])
def test_limits(double, kernel):
    """All rows in training: generalised cross-validation.  Endlessly many examples: independent rows."""
    resolvent = np.linalg.inv(kernel + np.eye(N))
    found = risk(task(kernel).modes, N - 1e-7, INF, 1.0)
    assert float(found.test) == pytest.approx(N * np.sum((resolvent @ LABELS) ** 2) / np.trace(resolvent) ** 2, rel=1e-7)
    independent = task(kernel, 0.3, sampling="with replacement").modes
    endless = replace(independent, examples=np.float64(1e12))
    for features in (INF, 25.0):
        ours, theirs = (risk(one, 30, features, 0.1, 0.3) for one in (endless, independent))
        for name in PARTS:
            assert float(getattr(ours, name)) == pytest.approx(float(getattr(theirs, name)), rel=1e-9), name


@pytest.mark.parametrize("n, features, ridge", [(30, INF, 1e-3), (55, INF, 3.0), (30, 40.0, 0.1), (59, 20.0, 0.0)])
def test_two_engines_are_one(double, n, features, ridge):
    """The error kernel of blocks, from which all other trainings follow, against the closed form."""
    given = task(ROWS[:, :50] @ ROWS[:, :50].T, 0.3)
    at = n, features, ridge, 0.3
    ours, closed = augmented_risk(augmented_modes(given, None)[0], *at), risk(given.modes, *at)
    for name in PARTS:
        assert float(getattr(ours, name)) == pytest.approx(float(getattr(closed, name)), rel=1e-10, abs=1e-12), name


@pytest.mark.parametrize(
    "augmentation", [rg.GaussianNoise(0.2, views=3), rg.Mask(0.6, views=2), rg.Mask(0.6, views=INF)], ids=repr
)
def test_views_of_endlessly_many_examples_are_those_of_independent_rows(double, augmentation):
    free = augmented_modes(task(noise=0.3, sampling="with replacement"), augmentation)[0]
    held = augmented_modes(task(noise=0.3), augmentation)[0]
    held = replace(held, blocks=replace(held.blocks, examples=jnp.asarray(1e12)))
    for features in (INF, 25.0):
        ours, theirs = (augmented_risk(one, 30, features, 0.1, 0.3) for one in (held, free))
        for name in PARTS:
            assert float(getattr(ours, name)) == pytest.approx(float(getattr(theirs, name)), rel=1e-9), name


def test_endlessly_many_views_with_noise_are_a_ridge(double):
    """n times the variance, whatever is drawn: penalties do not know of samples."""
    given = task(noise=0.3)
    problem = augmented_modes(given, rg.GaussianNoise(0.2, views=INF))[0]
    ours, plain = augmented_risk(problem, 30, INF, 0.1, 0.3), risk(given.modes, 30, INF, 0.1 + 30 * 0.2, 0.3)
    for name in ("test", "bias", "variance", "noise", "norm"):
        assert float(getattr(ours, name)) == pytest.approx(float(getattr(plain, name)), rel=1e-11), name


@pytest.mark.parametrize("share", [0.5, 1.0])
def test_one_bag_is_a_smaller_training_set(double, share):
    given = task(noise=0.3)
    bag = resampled(augmented_modes(given, None)[0], rg.Subsample(share))
    ours, plain = augmented_risk(bag, 40, INF, 0.1, 0.3), risk(given.modes, 40 * share, INF, 0.1, 0.3)
    assert float(ours.test) == pytest.approx(float(plain.test), rel=1e-11)
    if share == 1.0:  # two bags of all rows are one model
        pair = augmented_risk(bag, 40, INF, 0.1, 0.3, "population")
        assert float(pair.test) == pytest.approx(float(ours.test), rel=1e-11)


def test_ridges_below_zero():
    """The closed equation on its way down from ridge 0; where it turns, no risk is left."""
    values, vectors = np.linalg.eigh(KERNEL)
    squares, n = (vectors.T @ LABELS) ** 2, 20
    for w in (3.0, 1.4):
        trace, of_square = np.sum(1 / (values + w)), np.sum(1 / (values + w) ** 2)
        ridge = w - (N - n) / trace
        expected = n * np.sum(squares / (values + w) ** 2) / (trace**2 - (N - n) * of_square)
        found = float(rg.predict(task(), rg.Learner(rg.Ridge(ridge)), n).test)
        assert ridge < 0 and found == pytest.approx(expected, rel=1e-11)
    best = rg.optimal_ridge(task(), rg.Learner(rg.Ridge()), n, negative=True)
    assert -0.63 < float(best.edge) < -0.58
    assert np.isnan(rg.predict(task(), rg.Learner(rg.Ridge(-0.63)), n).test)


def test_cost_of_overfitting():
    given, sizes = task(noise=0.1), [20, 40]
    cost = rg.overfitting_cost(given, sizes)
    best = rg.optimal_ridge(given, rg.Learner(rg.Ridge()), sizes)
    ridgeless = rg.predict(given, rg.Learner(rg.Ridge(0.0)), sizes)
    assert np.allclose(cost.cost, ridgeless.test / best.test, rtol=1e-9) and "bound" not in cost
    assert np.allclose(cost.amplification, ridgeless.amplification, rtol=1e-9)


def test_the_best_strength_of_views():
    given, learner = task(noise=0.3), rg.Learner(rg.Ridge(0.1), augmentation=rg.GaussianNoise(1.0, views=INF))
    best = rg.optimal_augmentation(given, learner, 30)
    plain = rg.optimal_ridge(given, rg.Learner(rg.Ridge()), 30)
    # endlessly many views with noise are a ridge
    assert float(0.1 + 30 * best.view_variance) == pytest.approx(float(plain.ridge), rel=1e-4)
    assert float(best.test) == pytest.approx(float(plain.test), rel=1e-9)


def test_derivatives_at_the_ends(double):
    modes = task(noise=0.3).modes
    for n, features, ridge in ((30.0, INF, 0.5), (30.0, 40.0, 0.5), (40.0, 30.0, 1e-3)):
        slope = jax.grad(lambda at, n=n, features=features: risk(modes, n, features, at, 0.3).test)(ridge)
        step = 1e-4 * ridge
        apart = [float(risk(modes, n, features, ridge + sign * step, 0.3).test) for sign in (-1, 1)]
        assert float(slope) == pytest.approx((apart[1] - apart[0]) / (2 * step), rel=1e-5)
    at = equilibrium(training_group(modes, 30.0, 0.0), jnp.asarray(40.0), jnp.asarray(0.5))
    assert float(at.gamma * at.row_gap * at.feature_gap) == pytest.approx(0.5 * (1.0 - float(at.df1) / N), rel=1e-12)


@pytest.mark.parametrize(
    "learner, members",
    [
        (rg.Learner(rg.Ridge([0.1, 3.0])), None), (rg.Learner(rg.Ridge(0.3), features=[20, 100]), None),
        (rg.Learner(rg.Ridge(1.0), features=30), [1, 4]), (rg.Learner(rg.GradientFlow([0.1, 1.0, 30.0])), None),
        (rg.Learner(rg.HeavyBall(0.1, 0.5, [0, 3, 30]), features=30, resampling=rg.Bootstrap()), None),
        (rg.Learner(rg.GradientFlow([0.0, 0.3, 3.0, INF], initial_variance=2.0)), None),
        (rg.Learner(rg.Ridge([0.1, 3.0]), augmentation=rg.GaussianNoise(0.1, views=3)), None),
        (rg.Learner(rg.Ridge(0.3), features=30, augmentation=rg.Mask(0.6, views=2)), None),
        (rg.Learner(rg.GradientFlow([0.3, 3.0]), augmentation=rg.Mask(0.6, views=2), test_views=2), None),
        (rg.Learner(rg.Ridge(1.0), resampling=rg.Subsample(0.5)), [1, 4]),
        (rg.Learner(rg.Ridge(0.1), augmentation=rg.Mask(0.6, views=2), resampling=rg.Bootstrap()), 3),
    ],
    ids=[
        "kernel", "features", "members", "flow", "bags by momentum", "initial weights", "noise", "mask", "views of tests",
        "bags", "bags of views",
    ],
)
def test_simulations_agree(learner, members):
    random = np.random.default_rng(1)
    rows = random.normal(size=(160, 60)) * np.arange(1, 61) ** -0.5
    given = rg.Task.from_features(rows, rows @ np.arange(1, 61) ** -0.5 + random.normal(size=160), noise=0.1)
    report = rg.check(given, learner, n=[40, 100], trials=60, members=members)
    assert report.agrees and report.dataset.attrs["test_rows"] == "rest", report


def test_one_effective_ridge_is_told_apart_where_it_does_not_do():
    """Diabetes with a narrow kernel: one effective ridge gives 1.143 and .863 where fits have 1.35 and .90."""
    load_diabetes = pytest.importorskip("sklearn.datasets").load_diabetes
    data, target = load_diabetes(return_X_y=True)
    data, target = ((each - each.mean(axis=0)) / each.std(axis=0) for each in (data, target))
    kernel = np.exp(-0.02 * np.sum((data[:, None] - data) ** 2, axis=2))
    given, learner = rg.Task.from_kernel(kernel, target), rg.Learner(rg.Ridge([1e-3, 0.1]))
    with pytest.warns(UserWarning, match=r"leverages that differ.*change by 15%.*rg\.learning_curve"):
        report = rg.check(given, learner, n=[100, 300], trials=30)
    assert report.dataset.test_theory.values == pytest.approx(np.array([[1.143, 0.567], [0.863, 0.528]]), abs=1e-3)
    assert not report.agrees
    apart = np.abs(report.dataset.test_simulation / report.dataset.test_theory - 1.0).sel(ridge=0.1)
    assert float(apart.max()) < 0.05


def test_where_variance_comes_from():
    """Parts add up, and label noise acts through rows."""
    noisy, learner = task(noise=0.5), rg.Learner(rg.Ridge(0.3), features=25)
    parts, curve = rg.fine_grained_variance(noisy, learner, [20, 50]), rg.predict(noisy, learner, [20, 50])
    of_rows = parts.variance_data + parts.variance_features + parts.variance_data_features
    np.testing.assert_allclose(of_rows, curve.variance, rtol=1e-9)
    of_noise = parts.irreducible + parts.variance_data_noise + parts.variance_data_features_noise
    np.testing.assert_allclose(of_noise, curve.noise, rtol=1e-9)
    assert (parts.irreducible == 0.5).all()


def test_where_variance_comes_from_by_hand():
    """Means over pairs of 80 draws of rows and 40 of features, of each row while it is left out."""
    random, n, features = np.random.default_rng(1), 40, 25
    maps = random.normal(size=(40, 80, features)) / features**0.5
    held, missed = np.zeros((80, 1, N)), np.zeros((80, 40, N))
    for draw in range(80):
        inside, outside = np.split(random.permutation(N), [n])
        held[draw, :, outside] = 1.0
        for number, each in enumerate(maps):
            z = ROWS @ each
            weights = np.linalg.solve(z[inside].T @ z[inside] + 0.3 * np.eye(features), z[inside].T @ LABELS[inside])
            missed[draw, number, outside] = LABELS[outside] - z[outside] @ weights
    count = held.sum(axis=0)[0]
    rows, maps_of = missed.sum(axis=0), missed.sum(axis=1)
    square, of_features, of_data, every = (
        np.sum(missed**2, axis=(0, 1)), np.sum(rows**2, axis=0), np.sum(maps_of**2, axis=0), np.sum(rows, axis=0) ** 2
    )
    apart = np.mean((every - of_features - of_data + square) / (count * (count - 1) * 40 * 39))
    data = np.mean((of_data - square) / (count * 40 * 39)) - apart
    by_features = np.mean((of_features - square) / (count * (count - 1) * 40)) - apart
    parts = rg.fine_grained_variance(task(), rg.Learner(rg.Ridge(0.3), features=features), n)
    found = [float(parts[name]) for name in ("bias", "variance_data", "variance_features")]
    np.testing.assert_allclose(found, [apart, data, by_features], rtol=0.12)


REFUSED = {
    "all rows": (lambda: rg.predict(task(), RIDGE, N), "n must be below the 60 examples.*learning_curve"),
    "more rows": (lambda: rg.simulate(task(), RIDGE, 99), "n must be below the 60 examples.*learning_curve"),
    "another sampling": (lambda: task(sampling="some"), "sampling must be one of 'without replacement', 'with repl"),
    "views that move as a whole": (
        lambda: rg.predict(task(), rg.Learner(rg.Ridge(1.0), augmentation=rg.Gain([1.0, 2.0])), 20),
        "augmentation must change all modes alike and independently.*sampling='with replacement'",
    ),
    "initial weights": (
        lambda: rg.predict(task(), rg.Learner(rg.GradientFlow(1.0, initial_variance=np.ones(N))), 20),
        "initial_variance of each level is not predicted for rows drawn without.*sampling='with replacement'",
    ),
    "batches": (
        lambda: rg.predict(task(), rg.Learner(rg.SGD(0.1, 5, batch=2)), 20), "SGD is not predicted for.*'with replacement'",
    ),
    "one pass": (
        lambda: rg.simulate(task(), rg.Learner(rg.OnePassSGD(0.1, 5))), "OnePassSGD is not .* again and again$",
    ),
}


@pytest.mark.parametrize("call, sentence", REFUSED.values(), ids=REFUSED.keys())
def test_refused_with_the_remedy(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()
