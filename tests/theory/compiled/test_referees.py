"""Compiled estimators beside what else knows them: groups, sources of variance, classes, real features, simulations."""

import math
import warnings

import numpy as np
import pytest

import rfgen as rg

a = rg.algebra
X, U = a.data("X"), a.data("U", samples="m")
Y = a.labels(X)
TASK = rg.Task.power_law(alpha=1.2, beta=1.5, noise=0.2, modes=300)


def predict(*arguments, **numbers):
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="theory is expected to be off")
        return rg.predict(*arguments, **numbers)


def test_groups_of_rows_have_a_referee():
    """Two domains of other covariances, targets and noise, each tested."""
    rng, both = np.random.default_rng(0), a.ridge_fit([X, U], [Y, a.labels(U)])
    tasks = {
        name: rg.Task(rng.uniform(0.2, 2.0, 60), rng.uniform(0, 1, 60) / 60, noise=noise)
        for name, noise in (("n", 0.1), ("m", 0.5))
    }
    engine = predict(rg.Domains(tasks), rg.Learner(rg.Ridge(0.3)), n={"n": 40, "m": 70})
    for name in tasks:
        found = predict(tasks, a.Estimator(both), n=40, m=70, ridge=0.3, test=name).test.item()
        assert abs(found / engine.test.sel(test_domain=name).item() - 1) < 1e-11


def test_sources_of_variance_have_a_referee():
    """Covariances of models that share their samples or their features, from the risks of pairs of them."""
    task, second = TASK.with_noise(0.0), a.data("X2")
    rows, features = (X, X, second), [a.random_features("k", name=name) for name in ("W", "W2", "W")]
    one, other_features, other_rows = (
        a.ridge_fit(own, a.labels(own), features=drawn) for own, drawn in zip(rows, features, strict=True)
    )
    sizes = {"n": 60, "k": 50, "ridge": 0.1}
    models = one, a.ensemble([one, other_features]), a.ensemble([one, other_rows])
    alone, *pairs = (predict(task, a.Estimator(own), **sizes) for own in models)
    data, drawn = (2 * pair.test - alone.test - alone.bias for pair in pairs)
    engine = rg.fine_grained_variance(task, rg.Learner(rg.Ridge(0.1), features=50), n=60)
    assert abs(data.item() / engine.variance_data.item() - 1) < 1e-10
    assert abs(drawn.item() / engine.variance_features.item() - 1) < 1e-10


MEAN = 0.15 * np.ones(120)
CLASSES = a.signs("y", share="share")
ROWS = X + CLASSES @ a.direction("mean").T
FITTED = a.ridge_fit(ROWS, CLASSES, weight=a.centring("n"))
CLASSIFIER = a.Estimator(FITTED, inputs=ROWS, intercept=a.intercept(ROWS, CLASSES, FITTED))


def test_fishers_discriminant():
    """Least squares on balanced classes: the error does not depend on the covariance but through the distance of means."""
    variances, n = np.linspace(0.2, 2.0, 120), 300
    found = predict(rg.Task(variances, 0 * variances), CLASSIFIER, n=n, share=0.5, ridge=0.0, mean=MEAN).error.item()
    delta, ratio = 2 * np.sqrt(np.sum(MEAN**2 / variances)), 120 / n
    margin = 0.5 * delta**2 * np.sqrt(1 - ratio) / np.sqrt(delta**2 + 4 * ratio)
    assert abs(found / (0.5 * math.erfc(margin / np.sqrt(2))) - 1) < 1e-11


STEPPED = a.random_features("k") + a.scalar("eta") * (U.T @ a.labels(U)) @ a.normal("head", "k").T / a.scalar("m")
SPIKED = X + a.normal("g") @ a.direction("mean").T + a.ones("n") @ a.direction("shift").T
SINGLE = {
    "spike and mean": (
        a.Estimator(a.ridge_fit(SPIKED, a.labels(SPIKED)), inputs=SPIKED),
        {"n": 150, "mean": 3 * MEAN, "shift": MEAN[::-1] / 2},
    ),
    "a gradient step": (a.Estimator(a.ridge_fit(X, Y, features=STEPPED)), {"n": 150, "m": 80, "k": 90, "eta": 0.5}),
    "classes": (CLASSIFIER, {"n": 150, "share": 0.3, "mean": MEAN}),
}


REFUSED = {
    "length": (CLASSIFIER, {"share": 0.5, "mean": [1.0, 2.0]}, "mean must have 300 values"),
    "share": (CLASSIFIER, {"share": 1.5, "mean": np.ones(300)}, r"share must be in \[0, 1\]"),
    "subset": (a.Estimator(a.ridge_fit(X, Y, weight=a.subsample(X, "m"))), {"m": 7}, "m must be at most n"),
    "time": (a.Estimator(a.ridge_fit(X, Y, time="t")), {"t": -1.0}, "t must be >= 0"),
    "test": (a.Estimator(a.ridge_fit(X, Y)), {"test": "m"}, "test must be among n, or a task, got 'm'"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_bad_numbers_are_refused(case):
    estimator, numbers, said = REFUSED[case]
    with pytest.raises(ValueError, match=said):
        rg.predict(TASK, estimator, n=5, ridge=0.1, **numbers)


@pytest.mark.parametrize("case", SINGLE)
def test_single_directions_agree_with_simulations(case):
    estimator, numbers = SINGLE[case]
    task = rg.Task(np.linspace(2.0, 0.2, 120), np.linspace(0.02, 0.0, 120), noise=0.2)
    assert rg.check(task, estimator, ridge=0.5, trials=24, **numbers)


def test_real_nonlinear_features():
    """A network with tanh units drawn and fitted, its risk measured on fresh inputs, beside the Gaussian equivalent."""
    task, n, k, ridge = rg.Task(np.ones(150), np.ones(150) / 150, noise=0.1), 200, 300, 0.05
    wide = a.random_features("k", activation="tanh", variance=150.0)
    exact = predict(task, a.Estimator(a.ridge_fit(X, Y, features=wide)), n=n, k=k, ridge=ridge).test.item()
    risks = []
    for seed in range(16):
        rng = np.random.default_rng(seed)
        rows, weights = rng.normal(size=(1200, 150)), rng.normal(size=(150, k))
        seen, target = np.tanh(rows @ weights) / np.sqrt(k), rows @ np.ones(150) / np.sqrt(150)
        train, told = seen[:n], target[:n] + np.sqrt(0.1) * rng.normal(size=n)
        fitted = np.linalg.solve(train.T @ train + ridge * np.eye(k), train.T @ told)
        risks.append(np.mean((seen[n:] @ fitted - target[n:]) ** 2) + 0.1)
    assert abs(np.mean(risks) - exact) < 4 * np.std(risks) / 4 + 0.01 * exact
