"""Bags of rows drawn without replacement from real examples, tested on those left out: equations, limits, simulations."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import brentq

import rfgen as rg
from rfgen.theory.ridge.block_risk import augmented_modes, augmented_risk, resampled

N, P, INF = 60, 80, float("inf")
RANDOM = np.random.default_rng(0)
ROWS = RANDOM.normal(size=(N, P)) * np.arange(1, P + 1) ** -0.5
LABELS = ROWS @ RANDOM.normal(size=P) * 0.3 + RANDOM.normal(size=N)
NOISE, BAG = 0.3, rg.Bootstrap()
PARTS = ("test", "bias", "variance", "noise", "norm", "df1")


@pytest.fixture
def double():
    with jax.enable_x64(True):
        yield


def task(**settings):
    return rg.Task.from_features(ROWS, LABELS, noise=NOISE, **settings)


def alike(one, other, rel):
    for name in PARTS:
        assert float(getattr(one, name)) == pytest.approx(float(getattr(other, name)), rel=rel), name


def by_hand(n, ridge):
    """Of one bag, and of two of one training set, (11.18) in numpy: means over the numbers of times that a row is drawn."""
    values, vectors = np.linalg.eigh(ROWS.T @ ROWS / N)
    values, cross = np.maximum(values, 0.0), vectors.T @ (ROWS.T @ LABELS) / N
    times, probability = BAG.draws()
    drawn = n / N * probability

    def misfit(log_t):
        pull = times / (1.0 + times * np.exp(log_t))
        mean, u = drawn @ pull, 1.0 - drawn @ pull * np.exp(log_t)
        return np.exp(log_t) - np.sum(values / (N * mean * values + ridge * u))

    t = np.exp(brentq(misfit, -12.0, 12.0, xtol=1e-13))
    pull = times / (1.0 + times * t)
    mean, fit = drawn @ pull, pull * t
    u = 1.0 - mean * t
    resolvent = 1.0 / (N * mean / u * values + ridge)
    weights = N * mean / u * resolvent * cross
    rho = np.mean(LABELS**2) - 2.0 * weights @ cross + weights @ (values * weights)
    twice = N / u**2 * np.sum((values * resolvent) ** 2)
    found = []
    for both in (lambda one, two: drawn @ (one * two), lambda one, two: (drawn @ one) * (drawn @ two) * N / n):
        square, fitted = both(pull, pull), both(fit, fit)
        room = 1.0 - 2.0 * drawn @ fit + fitted - twice * (square - mean**2)
        found.append(((rho + NOISE * (twice * square - fitted)) / room + NOISE, rho / u**2))
    return found


@pytest.mark.parametrize("n, ridge", [(20, 0.01), (50, 3.0)])
def test_closed_equations(double, n, ridge):
    problem = resampled(augmented_modes(task(), None)[0], BAG)
    for shared, (test, bias) in zip(("all", "population"), by_hand(n, ridge), strict=True):
        found = augmented_risk(problem, n, INF, ridge, NOISE, shared)
        assert float(found.test) == pytest.approx(test, rel=1e-10) and float(found.bias) == pytest.approx(bias, rel=1e-10)


def test_endlessly_many_examples_are_independent_rows(double):
    held, free = (resampled(augmented_modes(each, None)[0], BAG) for each in (task(), task(sampling="with replacement")))
    endless = replace(held, blocks=replace(held.blocks, examples=jnp.asarray(1e12)))
    for features in (INF, 25.0):
        ours, theirs = (augmented_risk(one, 30, features, 0.1, NOISE, "population") for one in (endless, free))
        alike(ours, theirs, 1e-9)


def test_rows_that_are_all_drawn_once_are_no_bag(double):
    """Whatever else might be drawn; two such models are one."""
    clean, (draws, _) = augmented_modes(task(), None)[0], BAG.draws()
    blocks = clean.blocks.resampled(jnp.asarray(draws), jnp.zeros(draws.size).at[0].set(1.0))
    bag = replace(clean, blocks=blocks, target=clean.target.repeated(draws.size))
    for features in (INF, 25.0):
        plain = augmented_risk(clean, 40, features, 0.1, NOISE)
        alike(augmented_risk(bag, 40, features, 0.1, NOISE), plain, 1e-11)
    alike(augmented_risk(bag, 40, INF, 0.1, NOISE, "population"), augmented_risk(clean, 40, INF, 0.1, NOISE), 1e-11)


def test_an_endless_ridge_leaves_the_null_risk(double):
    found = augmented_risk(resampled(augmented_modes(task(), None)[0], BAG), 30, INF, 1e12, NOISE)
    assert float(found.test) == pytest.approx(np.mean(LABELS**2) + NOISE, rel=1e-9)


def test_simulations_agree():
    learner = rg.Learner(rg.Ridge([0.1, 3.0]), features=30, resampling=BAG)
    random = np.random.default_rng(1)
    rows = random.normal(size=(160, 60)) * np.arange(1, 61) ** -0.5
    given = rg.Task.from_features(rows, rows @ np.arange(1, 61) ** -0.5 + random.normal(size=160), noise=0.1)
    report = rg.check(given, learner, n=[40, 80, 120], trials=60, members=[1, 4])
    assert report.agrees and report.dataset.attrs["test_rows"] == "rest", report
