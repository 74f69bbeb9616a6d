"""Simulated classes against the exact curves, and against descent written out; refusals."""

import jax
import numpy as np
import pytest

import rfgen as rg
from rfgen.systems.class_imbalance import simulation
from rfgen.systems.class_imbalance.problem import GaussianMixture
from rfgen.systems.class_imbalance.simulation import class_imbalance as simulated
from rfgen.systems.class_imbalance.theory import class_imbalance

CURVES = ("test", "train", "squared_gradient")
PAIR = GaussianMixture([160, 40], [1.0, -1.0], [[4 / 120], [6.76 / 120]], [[1.5], [-1.5]], [120], bias=True)
# Three classes, means in three directions, levels of unequal variance.
THREE = GaussianMixture(
    [90, 60, 30], [1.0, -1.0, 0.5], [[0.05, 0.05, 0.02, 0.01], [0.03, 0.03, 0.04, 0.01], [0.05, 0.05, 0.05, 0.02]],
    [[1.0, 0.5, 0.0, 0.0], [-1.0, 0.0, 0.0, 0.3], [0.0, -1.0, 0.0, 0.0]], [1, 20, 30, 40], bias=True,
)


def distances(mixture, rate, steps, weighting, momentum=0.0, trials=250):
    """Standard errors between measured and exact curves, (curves, classes, steps + 1); and the exact ones."""
    exact = class_imbalance(mixture, rate, steps, weighting, momentum)
    runs = simulated(mixture, rate, steps, weighting, momentum, trials=trials, seed=2)
    apart = [np.abs(getattr(runs, name) - getattr(exact, name)) for name in CURVES]
    # where nothing is random, at step 0, rounding stands for the standard error
    errors = [getattr(runs, f"{name}_se") + 1e-12 for name in CURVES]
    return np.array(apart) / np.array(errors), exact


@pytest.mark.parametrize(
    ("mixture", "rate", "weighting", "momentum"),
    [
        (PAIR, 0.2, "plain", 0.0), (PAIR, 0.2, "balanced", 0.0), (PAIR, 0.1, "balanced", 0.5),
        (PAIR, 0.008, "normalised", 0.0), (PAIR, 0.03, "normalised", 0.0), (PAIR, 0.008, "normalised", 0.5),
        (THREE, 0.2, "plain", 0.0), (THREE, 0.2, "balanced", 0.3), (THREE, 0.01, "normalised", 0.0),
    ],
)
def test_agrees_with_the_exact_curves_while_they_are_valid(mixture, rate, weighting, momentum):
    z, exact = distances(mixture, rate, 59, weighting, momentum)
    assert exact.valid_until >= 8
    # measured worst 2.7
    assert z[..., exact.valid].max() <= 4.0


def test_the_mark_stands_where_the_limit_fails():
    """Rate 0.03: within six steps of the mark losses are off by more than any error of sampling."""
    z, exact = distances(PAIR, 0.03, 24, "normalised")
    after = exact.valid_until + 1 + np.arange(6)
    assert z[0][:, after].max() > 5.0 and z[2][:, after].max() > 8.0


def test_descent_written_out():
    """The same draws, without loops in JAX."""
    mixture = GaussianMixture([7, 3], [1.0, -1.0], [[0.1], [0.3]], [[0.8], [-0.8]], [4], bias=True)
    rate, momentum, found = 0.05, 0.4, []
    with jax.enable_x64(True):
        key = jax.random.key(5, impl="threefry2x32")
        draws = [np.asarray(jax.random.normal(jax.random.fold_in(key, trial), (10, 5), "float64")) for trial in range(3)]
    for drawn in draws:
        x = drawn * np.sqrt(np.repeat([[0.1], [0.3]], [7, 3], axis=0))
        x[:, 0] += np.repeat([0.8, -0.8], [7, 3])
        x[:, 4] = 1.0
        labels, w, velocity, curves = np.repeat([1.0, -1.0], [7, 3]), np.zeros(5), 0.0, []
        for _ in range(5):
            residual = labels - x @ w
            gradients = [x[rows].T @ residual[rows] / len(x[rows]) for rows in (slice(7), slice(7, 10))]
            squares = [gradient @ gradient for gradient in gradients]
            test = [
                (label - label * 0.8 * w[0] - w[4]) ** 2 + variance * w[:4] @ w[:4]
                for label, variance in ((1.0, 0.1), (-1.0, 0.3))
            ]
            curves.append([test, [np.mean(residual[:7] ** 2), np.mean(residual[7:] ** 2)], squares])
            velocity = momentum * velocity + rate * sum(g / s**0.5 for g, s in zip(gradients, squares, strict=True))
            w = w + velocity
        found.append(np.moveaxis(np.array(curves), 0, -1))
    runs = simulated(mixture, rate, 4, "normalised", momentum, trials=3, seed=5)
    for i, name in enumerate(CURVES):
        values = np.array(found)[:, i]
        np.testing.assert_allclose(getattr(runs, name), values.mean(axis=0), rtol=1e-12)
        np.testing.assert_allclose(getattr(runs, f"{name}_se"), values.std(axis=0, ddof=1) / 3**0.5, atol=1e-13)


def test_numbers_held_at_a_time_change_nothing(monkeypatch):
    whole = simulated(PAIR, 0.1, 3, trials=5)
    monkeypatch.setattr(simulation, "HELD", 2 * 200 * 121)
    parts = simulated(PAIR, 0.1, 3, trials=5)
    for name in CURVES:
        np.testing.assert_allclose(getattr(whole, name), getattr(parts, name), rtol=1e-12)
    assert (simulated(PAIR, 0.1, 3, trials=5, seed=1).test[:, 1:] != whole.test[:, 1:]).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rate": -1.0}, "rate must be > 0, got -1.0"),
        ({"steps": 2.5}, "steps must be an integer >= 0, got 2.5"),
        ({"weighting": "fair"}, "weighting must be one of plain, balanced, normalised, got 'fair'"),
        ({"momentum": 1.0}, "momentum must be < 1, got 1.0"),
        ({"trials": 1}, "trials must be an integer >= 2, got 1"),
        ({"seed": -1}, "seed must be an integer >= 0"),
    ],
)
def test_bad_input(change, message):
    with pytest.raises(ValueError, match=message):
        simulated(PAIR, **{"rate": 0.1, "steps": 3, **change})


def test_the_verbs_serve_classes():
    learner = rg.Learner(rg.ClassDescent([0.008, 0.03], [1, 20], "normalised"))
    report = rg.check(PAIR, learner, trials=60, variables="squared_gradient")
    data = report.dataset
    assert data.test_theory.dims == ("rate", "steps", "class") and int(data.n) == 200
    assert np.isnan(data.test_theory[1, 1]).all() and "beyond the regime" in data.attrs["failures"]
    assert np.nanmax(np.abs(data.squared_gradient_z)) < 4.0
    # other steps and trials are those of the public function
    runs = rg.simulate(PAIR, rg.Learner(rg.ClassDescent(0.03, 20, "normalised")), trials=5, seed=2)
    assert np.allclose(runs.train, simulated(PAIR, 0.03, 20, "normalised", trials=5, seed=2).train[:, -1], rtol=1e-12)
    with pytest.raises(ValueError, match=r"n must be left out: GaussianMixture\(counts=\[160, 40\].*states"):
        rg.predict(PAIR, learner, n=10)
    with pytest.raises(ValueError, match=r"weighting must be one of 'plain', .*, got 'odd'"):
        rg.ClassDescent(0.1, 1, "odd")
