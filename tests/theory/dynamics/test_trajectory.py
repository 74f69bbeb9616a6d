"""Curves along training: closed forms, limits, quadrature over eigenvalues, nodes doubled, both halves of the plane."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import rfgen as rg
from rfgen.equivalents.augmented.blocks import Blocks
from rfgen.equivalents.node_kernels import node_kernels
from rfgen.equivalents.path_equilibria import approach, path_equilibria, upper_edge
from rfgen.numerics.quadrature import contours
from rfgen.systems.linear_networks.isotropic_flow import isotropic_flow
from rfgen.theory.dynamics import spectral_filters
from rfgen.theory.ridge.block_risk import augmented_modes

STEEP = rg.Task.power_law(alpha=1.4, beta=1.3, noise=0.3, modes=400)
MANY = rg.Task.power_law(alpha=1.2, beta=1.5, noise=0.2, modes=10**6)
TIMES = (0.02, 0.7, 9.0, 250.0, 1e5)
STEPS = (1, 2, 7, 40, 300, 10**6)


def curve(training, n=120, task=STEEP, features=None, augmentation=None):
    found = rg.predict(task, rg.Learner(training, features=features, augmentation=augmentation), n=n)
    assert found.converged.all(), found.attrs
    return found


def close(found, expected, tolerance):
    assert np.max(np.abs(np.asarray(found) / np.asarray(expected) - 1.0)) < tolerance


@pytest.mark.parametrize("alpha", [0.2, 0.9, 1.0, 1.3, 5.0])
@pytest.mark.parametrize("snr", [0.5, 5.0])
def test_isotropic_flow_is_the_quadrature_over_eigenvalues(alpha, snr):
    size, times = 200, np.array([0.0, 0.01, 0.3, 4.0, 60.0, 5e3, 1e9])
    task = rg.Task.isotropic(size, signal=1.0, noise=1.0 / snr)
    start = 0.4
    found = curve(rg.GradientFlow(times * alpha, initial_variance=start / size), alpha * size, task)
    with jax.enable_x64(True):
        exact = jax.vmap(lambda t: isotropic_flow(alpha, snr, t, start * snr))(jnp.asarray(times))
    close(found.test, exact.test, 1e-8)
    scale = 1.0 + start + 1.0 / snr
    assert np.max(np.abs(found.train.values - np.asarray(exact.train))) < 1e-8 * scale
    close(found.norm[1:], exact.norm[1:], 1e-8)


@pytest.mark.parametrize("features", [None, 60, 120, 300])
@pytest.mark.parametrize("n", [50, 120, 700])
def test_limits(n, features):
    """At the start the null risk and what the initial weights add; at the end ridge regression, with any weight decay."""
    for ridge in (0.0, 2.0):
        found = curve(rg.GradientFlow([0.0, 1e12, math.inf], ridge, initial_variance=0.3), n, STEEP, features)
        end = rg.predict(STEEP, rg.Learner(rg.Ridge(ridge), features=features), n)
        trace = STEEP.eigenvalues.sum()
        close(found.test[0], STEEP.null_risk + 0.3 * trace, 1e-12)
        close(found.train[0], STEEP.null_risk + 0.3 * trace, 1e-12)
        if not np.isfinite(end.test):
            assert np.isposinf(found.test[2])
            continue
        frozen = found.initial_variance[2]
        assert (frozen == 0.0) == (ridge > 0.0) or abs(float(frozen)) < 1e-10
        close(found.test[1:], float(end.test + frozen), 1e-8)
        assert np.max(np.abs(found.train.values[1:] - float(end.train))) < 1e-8
        at_rest = curve(rg.GradientFlow([1e12, math.inf], ridge), n, STEEP, features)
        close(at_rest.test, float(end.test), 1e-8)
        close(at_rest.norm, float(end.norm), 1e-8)


def test_limits_of_features_and_views():
    times = [0.0, 0.5, 20.0, 3e3, math.inf]
    for ridge in (0.0, 2.0):
        plain = curve(rg.GradientFlow(times, ridge, 0.1), 120)
        close(curve(rg.GradientFlow(times, ridge, 0.1), 120, features=1e9).test, plain.test, 1e-5)
        clean = curve(rg.GradientFlow(times, ridge, 0.1), 120, augmentation=rg.Mask(1.0, views=3))
        for name in ("test", "train"):
            assert np.max(np.abs(clean[name].values - plain[name].values)) < 1e-9
    # infinitely many noisy views are weight decay, at every time
    noisy = curve(rg.GradientFlow(times), 120, augmentation=rg.GaussianNoise(0.05, views=math.inf))
    close(noisy.test, curve(rg.GradientFlow(times, 0.05 * 120), 120).test, 1e-9)


def test_matrices_and_eigen_coordinates_are_one():
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(400, 5))
    task = rg.DataTask(
        inputs, np.sin(inputs[:, 0]), rg.RandomFeatureMap(8, "tanh", seed=0), noise=0.1, sampling="with replacement"
    )
    unchanged = rg.Augmentation(lambda key, x: x)
    for training in (rg.GradientFlow([0.0, 1.0, 50.0, math.inf], 1.0, 0.2), rg.GradientDescent(0.3, [1, 20, 500])):
        dense, diagonal = curve(training, 12, task, None, unchanged), curve(training, 12, task)
        for name in ("test", "train", "norm"):
            assert np.max(np.abs(dense[name].values - diagonal[name].values)) < 1e-8 * float(diagonal[name].max())


def test_one_step_in_closed_form():
    """One step from rest: w = rate X'y/n, whose moments are elementary."""
    rate, n = 0.3, 90
    eigenvalues, power = STEEP.eigenvalues, STEEP.power[0]
    exact = ((1 - rate * eigenvalues) ** 2 * power).sum() + rate**2 / n * (eigenvalues**2).sum() * STEEP.null_risk + 0.3
    for training in (
        rg.GradientDescent(rate, 1), rg.HeavyBall(rate, 0.8, 1), rg.Nesterov(rate, 1), rg.Nesterov(rate, 1, 0.8),
        rg.Chebyshev(0.5, 2 / rate - 0.5, 1),
    ):
        close(curve(training, n).test, exact, 1e-11)


def test_small_steps_are_the_flow_and_no_momentum_is_descent():
    flow = curve(rg.GradientFlow([2.0, 50.0], 1.0, 0.1))
    for rate, tolerance in ((1e-3, 2e-3), (1e-5, 2e-5), (1e-6, 2e-6)):
        steps = np.round(np.array([2.0, 50.0]) / rate)
        close(curve(rg.GradientDescent(rate, steps, 1.0, 0.1)).test, flow.test, tolerance)
    descent = curve(rg.GradientDescent(0.3, STEPS, 1.0, 0.1))
    close(curve(rg.HeavyBall(0.3, 0.0, STEPS, 1.0, 0.1)).test, descent.test, 1e-9)
    close(curve(rg.Nesterov(0.3, STEPS, 0.0, 1.0, 0.1)).test, descent.test, 1e-9)


def test_chebyshev():
    """From 0 steps to the end, against the quadrature of the closed polynomial over the eigenvalues of white inputs."""
    steps, (low, high), share = np.array([0, 1, 3, 20, 150]), (0.15, 3.0), 0.5
    angle = np.arange(1, 400) * np.pi / 400
    h = 1 + share + 2 * math.sqrt(share) * np.cos(angle)
    weight = 2 / h * np.sin(angle) ** 2 / 400
    z, top = (high + low - 2 * h) / (high - low), (high + low) / (high - low)
    polynomial = np.polynomial.chebyshev.chebval
    left = np.array([polynomial(z, each) / polynomial(top, each) for each in (np.eye(151)[t] for t in steps)])
    exact = 0.4 + (left**2 + 0.4 * share * (1 - left) ** 2 / h) @ weight
    found = curve(rg.Chebyshev(low, high, steps), 120, rg.Task.isotropic(60, signal=1.0, noise=0.4))
    close(found.test, exact, 1e-10)
    end = rg.predict(STEEP, rg.Learner(rg.Ridge(5.0), features=80), 120)
    close(curve(rg.Chebyshev(0.05, 1.5, [3000], 5.0, 0.1), features=80).test, float(end.test), 1e-10)
    beyond = rg.predict(STEEP, rg.Learner(rg.Chebyshev(0.05, 0.9, [0, 3])), 120)
    assert np.isfinite(beyond.test[0]) and np.isposinf(beyond.test[1]) and "edge of stability" in beyond.attrs["unstable"]


def test_distillation():
    ridge = rg.predict(STEEP, rg.Learner(rg.Ridge(0.4), features=100), 120)
    found = curve(rg.IteratedRidge(0.4, [1, 2, 3]), features=100)
    for name in ("test", "train", "norm", "bias", "noise"):
        close(found[name][0], ridge[name], 1e-9)
    # the second round: both weights of  S (S + r)^-2 = (S + r)^-1 - r (S + r)^-2,  the derivative of the first in r
    assert float(found.train[1]) > float(found.train[0]) and float(found.norm[1]) < float(found.norm[0])
    none = curve(rg.IteratedRidge(0.0, [1, 5]))
    close(none.test, rg.predict(STEEP, rg.Learner(rg.Ridge(0.0)), 120).test, 1e-12)


def test_times_keep_their_order():
    times = np.array([50.0, 0.0, math.inf, 1.0, 50.0])
    found, sorted_ = curve(rg.GradientFlow(times)), curve(rg.GradientFlow(np.sort(times)))
    assert np.array_equal(found.time, times)
    close(found.test[np.argsort(times, kind="stable")], sorted_.test, 1e-9)


def test_edge_of_stability():
    n = 120
    with jax.enable_x64(True):
        problem = augmented_modes(STEEP, None)[0]
        blocks = Blocks(problem.blocks.mass, problem.blocks.weight / n, problem.blocks.covariance)
        edge = float(jax.jit(upper_edge)(problem.operators, blocks, jnp.asarray(jnp.inf)))
    for training, limit in (
        (rg.GradientDescent, 2.0), (rg.Nesterov, 4 / 3), (lambda rate, steps: rg.HeavyBall(rate, 0.5, steps), 3.0)
    ):
        below = curve(training(limit / edge * 0.9999, [0, 3, 60]))
        assert np.isfinite(below.test).all()
        above = rg.predict(STEEP, rg.Learner(training([limit / edge * 0.5, limit / edge * 1.0001], [0, 3, 60])), n)
        assert np.isfinite(above.test[0]).all() and np.isfinite(above.test[1, 0]) and np.isposinf(above.test[1, 1:]).all()
        assert "beyond the edge of stability" in above.attrs["unstable"]
    # isotropic: (1 + sqrt(dim/n))^2
    with jax.enable_x64(True):
        problem = augmented_modes(rg.Task.isotropic(60), None)[0]
        blocks = Blocks(problem.blocks.mass, problem.blocks.weight / n, problem.blocks.covariance)
        edge = float(jax.jit(upper_edge)(problem.operators, blocks, jnp.asarray(jnp.inf)))
    assert abs(edge / (1 + math.sqrt(0.5)) ** 2 - 1) < 1e-5


def test_what_no_contour_serves_is_said():
    found = rg.predict(STEEP, rg.Learner(rg.HeavyBall(0.1, 0.99, [0, 20, 3000, 10**5])), 120)
    assert found.converged.values.tolist() == [True, True, False, True]
    assert np.isnan(found.test[2]) and "momentum near 1" in found.attrs["failures"]
    scheduled = rg.predict(STEEP, rg.Learner(rg.Nesterov(0.1, [20, 10**4])), 120)
    assert np.isfinite(scheduled.test[0]) and np.isnan(scheduled.test[1])


MASK, GAIN = rg.Mask(0.7, views=3), rg.Gain([0.5, 1.5], views=2)
CASES = {
    f"{training!r} {n} {features} {task.parameters['alpha']} {augmentation and type(augmentation).__name__}":
        (training, n, features, task, augmentation)
    for training in (
        rg.GradientFlow(TIMES), rg.GradientFlow(TIMES, 3.0, 0.2), rg.GradientDescent(0.2, STEPS, 1.0),
        rg.HeavyBall(0.2, 0.4, STEPS), rg.Nesterov(0.2, (1, 20, 60)),
    )
    for n, features, task, augmentation in (
        (60, None, STEEP, None), (300, None, STEEP, None), (60, 100, STEEP, None), (200, 80, STEEP, None),
        (100, 100, STEEP, None), (100, 60, MANY, None), (90, 50, STEEP, MASK), (90, None, STEEP, GAIN),
    )
}


@pytest.mark.parametrize("name", CASES)
def test_twice_the_nodes_change_nothing(name, monkeypatch):
    training, n, features, task, augmentation = CASES[name]
    found = curve(training, n, task, features, augmentation)
    assert float(found.residual.max()) < 1e-8
    monkeypatch.setattr(contours, "NODES", 2 * contours.NODES)
    monkeypatch.setattr(contours, "PER_STEP", 2 * contours.PER_STEP)
    monkeypatch.setattr(spectral_filters, "SHARED", 6.0)
    twice = curve(training, n, task, features, augmentation)
    change = np.abs(twice.test / found.test - 1.0)
    assert (change <= found.residual + 1e-10).all()
    assert (np.abs(twice.train - found.train) <= found.test * (found.residual + 1e-10)).all()


@pytest.mark.parametrize("features", [np.inf, 70.0])
def test_both_halves_of_the_plane_and_both_orders_of_a_pair(features):
    with jax.enable_x64(True):
        problem = augmented_modes(STEEP, MASK)[0]
        blocks = Blocks(problem.blocks.mass, problem.blocks.weight / 90, problem.blocks.covariance)
        ridges = jnp.asarray([0.3 + 0.1j, 0.05 + 0.4j, -0.2 + 0.3j, -0.5 + 0.05j])

        @jax.jit
        def at(ridges):
            path = approach(problem.operators, blocks, ridges[0])
            nodes = path_equilibria(problem.operators, blocks, jnp.asarray(features), path, ridges)
            return nodes, node_kernels(problem.operators, blocks, problem.target, jnp.asarray(features), nodes)

        (nodes, kernels), (mirrored, mirror) = at(ridges), at(jnp.conj(ridges))
    assert nodes.converged.all() and mirrored.converged.all()
    for name in ("traces", "nu"):
        close(getattr(mirrored, name), np.conj(getattr(nodes, name)), 1e-12)
    size = ridges.size + 1
    for name in ("bias", "spread", "train", "norm"):
        both = np.asarray(getattr(kernels, name)) + 0.0
        scale = np.abs(both).max()
        assert np.abs(np.asarray(getattr(mirror, name)) - np.conj(both)).max() < 1e-12 * scale
        half, across = both[:, :size], both[:, size:]
        assert np.abs(half - np.swapaxes(half, 0, 1)).max() < 1e-12 * scale
        assert np.abs(across - np.conj(np.swapaxes(across, 0, 1))).max() < 1e-12 * scale


def test_levels_of_initial_variance():
    """Without weight decay the initial weights act as more target power, eigenvalue times variance, at every time."""
    levels = np.linspace(0.1, 1.0, 400)
    found = curve(rg.GradientFlow(TIMES, 0.0, levels), 80)
    like = rg.Task(STEEP.eigenvalues, STEEP.power[0] + STEEP.eigenvalues * levels, 0.3)
    target = curve(rg.GradientFlow(TIMES), 80, like)
    close(found.test, target.test, 1e-9)
    assert np.abs(found.train.values - target.train.values).max() < 1e-9
    same = curve(rg.GradientFlow(TIMES, 2.0, np.full(400, 0.6)), 80)
    one = curve(rg.GradientFlow(TIMES, 2.0, 0.6), 80)
    for name in ("test", "train", "norm"):
        assert np.abs(same[name].values / one[name].values - 1).max() < 1e-8


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: rg.GradientFlow(-1.0), "time must be >= 0, got -1"),
        (lambda: rg.GradientFlow([1.0, math.nan]), "time must be free of NaN"),
        (lambda: rg.GradientFlow("late"), "time must be numeric, got str"),
        (lambda: rg.Chebyshev([0.1, 2.0], 1.0, 1), "lower_bound must be below upper_bound, got 2 and 1"),
        (lambda: rg.GradientDescent(0.0, 1), "rate must be > 0, got 0"),
        (lambda: rg.GradientDescent(-0.1, 1), "rate must be > 0, got -0.1"),
        (lambda: rg.GradientDescent(0.1, 1.5), r"steps must be whole numbers >= 0, got 1\.5"),
        (lambda: rg.GradientDescent(0.1, -1), "steps must be whole numbers >= 0, got -1"),
        (lambda: rg.HeavyBall(0.1, 1.0, 1), r"momentum must be in \[0, 1\), got 1"),
        (lambda: rg.Nesterov(0.1, 1, 1.2), r"momentum must be in \[0, 1\), got 1\.2"),
        (lambda: rg.IteratedRidge(0.1, 0), "steps must be whole numbers >= 1, got 0"),
        (lambda: rg.GradientFlow(1.0, -1.0), "ridge must be >= 0"),
        (lambda: rg.GradientFlow(1.0, 0.0, -1.0), "initial_variance must be >= 0"),
        (lambda: curve(rg.GradientFlow(1.0, 0.0, [1.0, 2.0])), r"one entry per level of the task \(400\), got 2"),
        (lambda: curve(rg.GradientFlow(1.0, 0.0, [1.0, 2.0]), features=3), "must be one number where there are random"),
        (lambda: rg.optimal_stopping(STEEP, rg.Learner(rg.Ridge(1.0)), 10), "it takes rg.GradientFlow"),
        (lambda: rg.optimal_ridge(STEEP, rg.Learner(rg.GradientFlow(1.0)), 10), "it takes rg.Ridge on"),
    ],
)
def test_bad_input(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_optimal_stopping():
    best = rg.optimal_stopping(STEEP, rg.Learner(rg.GradientFlow(0.0), features=[60, 200]), n=120)
    around = curve(rg.GradientFlow(best.time.values[0] * np.array([0.98, 1.0, 1.02])), features=60)
    assert float(around.test[1]) < float(around.test[0]) and float(around.test[1]) < float(around.test[2])
    end = rg.predict(STEEP, rg.Learner(rg.Ridge(0.0), features=[60, 200]), 120)
    close(best.end_test, end.test, 1e-9)
    close(best.late_loss, end.test - best.test, 1e-9)
    assert (best.test > best.best_ridge_test).all() and (best.test < 1.05 * best.best_ridge_test).all()
    stepped = rg.optimal_stopping(STEEP, rg.Learner(rg.GradientDescent(0.05, 1), features=60), n=120)
    assert float(stepped.steps) == round(float(stepped.steps))
    assert abs(float(stepped.steps) * 0.05 / float(best.time[0]) - 1) < 0.05
    nothing = rg.optimal_stopping(rg.Task([1.0, 0.5], [0.0, 0.0], noise=1.0), rg.Learner(rg.GradientFlow(0.0)), n=[1, 2, 9])
    assert (nothing.time == 0.0).all() and np.isposinf(nothing.end_test[1])
    unstable = rg.optimal_stopping(STEEP, rg.Learner(rg.GradientDescent(9.0, 1)), n=120)
    assert np.isnan(unstable.test) and not unstable.converged and "edge of stability" in unstable.attrs["failures"]
    clean = rg.optimal_stopping(rg.Task.isotropic(50), rg.Learner(rg.GradientFlow(0.0)), n=80)
    assert np.isposinf(clean.time) and float(clean.late_loss) == 0.0
