"""Decoupled deep linear networks: the mode equation, both ends of training, depth 1, full matrices trained step by step."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.integrate

import rfgen as rg
from rfgen.systems.linear_networks.deep_linear import deep_linear, mode_strength
from rfgen.systems.linear_networks.isotropic_flow import isotropic_flow

MODES = [  # strength, eigenvalue, time, initial: below and above the end s/lambda, at it, and far from it
    (1.0, 0.5, 3.0, 0.1),
    (1.0, 0.5, 3.0, 0.01),
    (0.2, 1.5, 4.0, 1.0),
    (2.0, 1.0, 50.0, 0.5),
    (1e-3, 2.0, 10.0, 0.3),
    (1.0, 1.0, 2.0, 1.0),
    (3.0, 0.01, 0.7, 0.2),
]
deep = jax.jit(deep_linear, static_argnames="depth")


@pytest.mark.parametrize("depth", (1, 2, 3, 4, 7))
def test_modes_against_the_differential_equation(depth):
    with jax.enable_x64(True):
        strength, eigenvalue, time, initial = (jnp.asarray(column) for column in zip(*MODES, strict=True))
        found = np.asarray(jax.jit(lambda *x: mode_strength(*x[:3], depth, x[3]))(strength, eigenvalue, time, initial))
    for value, (s, x, t, start) in zip(found, MODES, strict=True):
        power = 2 - 2 / depth
        solved = scipy.integrate.solve_ivp(
            lambda _, u, s=s, x=x, power=power: depth * u**power * (s - x * u), (0, t), [start], "LSODA", rtol=1e-11,
            atol=1e-14,
        )
        np.testing.assert_allclose(value, solved.y[0, -1], rtol=1e-8)


@pytest.mark.parametrize("alpha", (0.5, 1.0, 2.0))
@pytest.mark.parametrize("time", (0.2, 7.0))
def test_depth_one_is_the_isotropic_flow(alpha, time):
    with jax.enable_x64(True):
        found, exact = deep(alpha, 5.0, time, depth=1, initial=0.0), isotropic_flow(alpha, 5.0, time)
        for name in ("test", "train", "frozen", "norm"):
            np.testing.assert_allclose(getattr(found, name), getattr(exact, name), rtol=1e-10, err_msg=name)


@pytest.mark.parametrize("depth", (2, 3))
@pytest.mark.parametrize("alpha", (0.4, 1.7))
def test_both_ends_of_training(alpha, depth):
    """At the start all modes are u_0; in the end all seen modes fit, as they do in the linear network."""
    snr, initial = 4.0, 0.3
    with jax.enable_x64(True):
        start, late = (deep(alpha, snr, time, depth=depth, initial=initial) for time in (0.0, 1e9))
        # what a network of one layer learns in the end, with the same frozen modes
        end = isotropic_flow(alpha, snr, jnp.inf, initial_to_noise=initial**2 * snr)
        np.testing.assert_allclose(start.norm, initial**2, rtol=1e-9)
        np.testing.assert_allclose(start.frozen, max(0, 1 - alpha) * (1 + initial**2), rtol=1e-12)
        for name in ("test", "frozen", "norm"):
            np.testing.assert_allclose(getattr(late, name), getattr(end, name), rtol=1e-6, err_msg=name)
        np.testing.assert_allclose(late.train, end.train, atol=1e-9)


def trained(depth, inputs, samples, snr, initial, times, draws, step=0.02):
    """Test error without label noise and train error of full matrices, by midpoint steps: (2, times, draws)."""
    random = np.random.default_rng(depth * inputs)
    x = random.standard_normal((draws, inputs, samples)) / inputs**0.5
    rotations = np.linalg.qr(random.standard_normal((depth, draws, inputs, inputs)))[0]
    left, singular, right = np.linalg.svd(x, full_matrices=True)
    seen = min(inputs, samples)
    teacher, noise = random.standard_normal((draws, inputs)), random.standard_normal((draws, seen)) / snr**0.5
    drive = teacher[:, :seen] * singular + noise  # targets over the right singular vectors
    # signs go into the outputs' rotation; modes never seen are given no sign
    sign = np.ones((draws, inputs))
    sign[:, :seen] = np.sign(drive)
    outputs = rotations[-1] * sign[:, None, :]
    truth = (rotations[-1] * teacher[:, None, :]) @ left.swapaxes(1, 2)
    labels = (rotations[-1][:, :, :seen] * drive[:, None, :]) @ right[:, :seen]
    bases = [left, *rotations[:-1], outputs]
    layers = [initial ** (1 / depth) * bases[i + 1] @ bases[i].swapaxes(1, 2) for i in range(depth)]
    second, cross = x @ x.swapaxes(1, 2), labels @ x.swapaxes(1, 2)

    def whole(layers):
        product = layers[0]
        for layer in layers[1:]:
            product = layer @ product
        return product

    def slopes(layers):
        missing, found = cross - whole(layers) @ second, []
        for i in range(depth):
            slope = missing
            for layer in reversed(layers[i + 1 :]):
                slope = layer.swapaxes(1, 2) @ slope
            if i:
                slope = slope @ whole(layers[:i]).swapaxes(1, 2)
            found.append(slope)
        return found

    measured = []
    for number in range(round(times[-1] / step) + 1):
        if number in np.round(times / step):
            product = whole(layers)
            errors = ((truth - product, inputs), (labels - product @ x, samples))
            measured.append([np.sum(error**2, axis=(1, 2)) / count for error, count in errors])
        middle = [layer + 0.5 * step * slope for layer, slope in zip(layers, slopes(layers), strict=True)]
        layers = [layer + step * slope for layer, slope in zip(layers, slopes(middle), strict=True)]
    return np.array(measured).swapaxes(0, 1)


@pytest.mark.parametrize(("depth", "inputs", "samples"), [(2, 40, 64), (2, 60, 40), (3, 40, 64)])
def test_full_matrices(depth, inputs, samples):
    """Label noise of variance 10 for a teacher of length N: snr = N/10; times .5, 1.5, 4 of the flow on (1/2P)|.|^2."""
    alpha, snr, initial, draws = samples / inputs, inputs / 10, 0.05, 40
    times = np.round(np.array([0.5, 1.5, 4.0]) / alpha, 1)
    test, train = trained(depth, inputs, samples, snr, initial, times, draws)
    with jax.enable_x64(True):
        curve = [deep(alpha, snr, time, depth=depth, initial=initial) for time in times]
        exact_test = np.array([float(point.test) for point in curve]) - 1 / snr
        exact_train = np.array([float(point.train) for point in curve]) - max(0, 1 - 1 / alpha) / snr
    for measured, exact in ((test, exact_test), (train, exact_train)):
        z = (measured.mean(axis=1) - exact) / (measured.std(axis=1, ddof=1) / draws**0.5)
        assert (np.abs(z) <= 4).all(), z


def test_derivatives_batches_and_refusals():
    with jax.enable_x64(True):
        for depth in (2, 3):
            slope = float(jax.grad(lambda t, depth=depth: deep(1.6, 4.0, t, depth=depth, initial=0.2).test)(2.0))
            ends = [float(deep(1.6, 4.0, time, depth=depth, initial=0.2).test) for time in (2.001, 1.999)]
            np.testing.assert_allclose(slope, (ends[0] - ends[1]) / 0.002, rtol=1e-4)
        batch = jax.vmap(lambda t: deep(1.6, 4.0, t, depth=2, initial=0.2).test)(jnp.array([0.5, 2.0]))
        single = float(deep(1.6, 4.0, 2.0, depth=2, initial=0.2).test)
        np.testing.assert_allclose(float(batch[1]), single, rtol=1e-13)
        with pytest.raises(ValueError, match="depth must be an integer >= 1, got 0"):
            deep_linear(1.0, 5.0, 1.0, depth=0, initial=0.1)
    with pytest.raises(rg.PrecisionError, match=r"rfgen\.systems\.linear_networks\.deep_linear"):
        deep_linear(1.0, 5.0, 1.0, depth=2, initial=0.1)
