"""Closed moments of Gaussian inputs: against quadrature, then as judge of the estimator and of the Hermite split."""

from functools import cache

import jax
import numpy as np
import pytest
from scipy.integrate import dblquad

import rfgen as rg
from rfgen.problems.kernels.hermite import hermite_split
from rfgen.problems.views.drawn_views import DrawnViews
from rfgen.problems.views.view_moments import view_moments
from tests.oracles import gaussian_moments as closed

DIM, WIDTH, VARIANCE, VIEWS = 6, 12, 0.4, 8
MIXING = np.random.default_rng(1).normal(size=(DIM, DIM)) / np.sqrt(DIM) + 0.7 * np.eye(DIM)
SECOND, NOISE = MIXING @ MIXING.T, VARIANCE * np.eye(DIM)
CHANGE, DRAWER = rg.GaussianNoise(VARIANCE), cache(DrawnViews)
TEACHER = np.array([1.0, -0.5, 0.3, 0.2, -0.1, 0.0])


def layer(features, inputs, seed=0):
    """Weights (features, inputs) of a RandomFeatureMap."""
    return rg.RandomFeatureMap(features, "linear", seed)(np.eye(inputs)).T * features**0.5


@cache
def data(activation, examples):
    inputs = np.random.default_rng(examples).normal(size=(examples, DIM)) @ MIXING.T
    return rg.DataTask(inputs, inputs @ TEACHER, rg.RandomFeatureMap(WIDTH, activation), sampling="with replacement")


@cache
def estimate(activation, examples, views, seed):
    with jax.enable_x64(True):
        return view_moments(data(activation, examples), (CHANGE,), views, seed)


@pytest.fixture(autouse=True)
def _compile_once(monkeypatch):
    monkeypatch.setattr("rfgen.problems.views.view_moments.DrawnViews", DRAWER)


def size(matrix):
    return np.linalg.norm(matrix)


@pytest.mark.parametrize("activation", ["erf", "relu", "tanh"])
@pytest.mark.parametrize("first, second, correlation", [(0.5, 1.2, 0.6), (1.0, 0.3, -0.8), (2.0, 2.0, 0.1)])
def test_pairs_against_quadrature(activation, first, second, correlation):
    function, rest = closed.ACTIVATIONS[activation], np.sqrt(1 - correlation**2)
    low = 0.0 if activation == "relu" else -9.0  # in z: u = sqrt(first) z

    def integrand(e, z):
        v = np.sqrt(second) * (correlation * z + rest * e)
        return function(np.sqrt(first) * z) * function(v) * np.exp(-(z**2 + e**2) / 2) / (2 * np.pi)

    def start(z):  # where v turns positive
        return -correlation * z / rest if activation == "relu" else -9.0

    expected, _ = dblquad(integrand, low, 9.0, start, 9.0 + abs(low - 9.0), epsabs=1e-10)
    covariance = np.array([[correlation * np.sqrt(first * second)]])
    found = closed.pair_moments(activation, np.array([first]), np.array([second]), covariance)
    assert found[0, 0] == pytest.approx(expected, abs=1e-8)


@pytest.mark.parametrize("activation", ["erf", "relu"])
def test_a_series_sums_to_the_closed_form(activation, monkeypatch):
    own = np.array([0.3, 1.0])
    covariance = np.array([[0.1, -0.2], [0.15, 0.5]])
    exact = closed.pair_moments(activation, own, own, covariance)
    monkeypatch.setitem(closed.ACTIVATIONS, "series", closed.ACTIVATIONS[activation])
    found = closed.pair_moments("series", own, own, covariance)
    assert np.allclose(found, exact, atol=1e-9 if activation == "erf" else 1e-3)


@pytest.mark.parametrize("activation", ["erf", "relu", "tanh"])
def test_the_estimator_finds_the_closed_moments(activation):
    """20,000 examples: every entry within 5 standard errors, those of a mean of products of single views' features."""
    weights = layer(WIDTH, DIM)
    between, within, cross = closed.view_moments(activation, weights, SECOND, NOISE, TEACHER)
    task, found = data(activation, 20_000), estimate(activation, 20_000, VIEWS, 0)
    draws = np.random.default_rng(0).normal(size=task.inputs.shape) * VARIANCE**0.5
    single = task.feature_map(task.inputs + draws)
    labels = task.labels[:, None]
    products = (single[:, :, None] * single[:, None]).std(axis=0) / 20_000**0.5
    for estimated, exact in ((found.means[0, 0] - found.within[0] / VIEWS, between), (found.within[0], within)):
        assert np.all(np.abs(estimated - exact) < 5 * products)
    for estimated in (found.cross[0, 0, 0], found.test_cross[0, 0]):
        assert np.all(np.abs(estimated - cross) < 5 * (single * labels).std(axis=0) / 20_000**0.5)
    # and a wrong one is noticed: the moments of clean features
    clean = closed.view_moments(activation, weights, SECOND, 0 * NOISE, TEACHER)[0]
    assert np.max(np.abs(found.means[0, 0] - found.within[0] / VIEWS - clean) / products) > 15


@pytest.mark.parametrize("activation, views", [("erf", 6), ("relu", 4)])
def test_unbiased_given_the_examples_and_honest_about_it(activation, views):
    """30 seeds on 400 examples: Sigma_mu is known exactly, C from 100 times more views than one seed draws."""
    examples, seeds = 400, 30
    task = data(activation, examples)
    mean = closed.expected_features(activation, layer(WIDTH, DIM), task.inputs, NOISE)
    between, within = mean.T @ mean / examples, estimate(activation, examples, 600, 99).within[0]
    runs = [estimate(activation, examples, views, seed) for seed in range(seeds)]
    for found, exact in (
        (np.array([run.means[0, 0] - run.within[0] / views for run in runs]), between),
        (np.array([run.within[0] for run in runs]), within),
    ):
        error = found.std(axis=0, ddof=1) / seeds**0.5
        assert np.all(np.abs(found.mean(axis=0) - exact) < 5 * error)
    # the reported error, of views alone, is the one made: never a quarter of it, and right on average
    expected = between + within / views
    for ratio in (
        np.array([size(run.means[0, 0] - expected) / size(expected) / run.error[0] for run in runs]),
        np.array([size(run.within[0] - within) / size(within) / run.error[1] for run in runs]),
    ):
        assert ratio.max() < 4 and 0.6 < np.sqrt(np.mean(ratio**2)) < 1.6, ratio


@pytest.mark.parametrize("activation", ["erf", "relu"])
def test_means_of_fewer_views_are_positive_semidefinite(activation):
    """However few the examples: the estimate of Sigma_mu + C/m, m <= V, is a sum of squares."""
    for examples in (5, 30):
        found = estimate(activation, examples, 6, 0)
        for m in range(1, 7):
            matrix = found.means[0, 0] + (1 / m - 1 / 6) * found.within[0]
            assert np.linalg.eigvalsh(matrix)[0] > -1e-14 * np.trace(matrix)


@pytest.mark.parametrize("activation", ["erf", "relu", "tanh"])
def test_the_hermite_split_is_the_limit_of_many_inputs(activation):
    """Sigma_mu = c_0^2 + c_1^2 W S W'/q + nu(r) I and C likewise, up to O(1/sqrt(d)) in every entry."""
    errors = []
    for d in (100, 400, 1600):
        weights, variances = layer(40, d), np.linspace(0.5, 1.5, d)
        between, within, _ = closed.view_moments(activation, weights, np.diag(variances), VARIANCE * np.eye(d), np.zeros(d))
        q, clean = variances.mean() + VARIANCE, (weights * variances) @ weights.T
        split = hermite_split(activation, q, variances.mean() / q)
        slant, identity = split.linear**2 / q, np.eye(40)
        split_between = split.constant**2 + slant * clean + split.shared * identity
        split_within = slant * VARIANCE * weights @ weights.T + (split.rest - split.shared) * identity
        apart = [np.abs(40 * one - other).max() for one, other in ((between, split_between), (within, split_within))]
        errors.append(np.array(apart) * d**0.5)
    assert np.all(np.array(errors) < 1.5), errors
    assert np.all(errors[-1] < 2 * errors[0])
