"""Advani and Saxe's curves: 30-digit integrals, closed limits, published heights, sampled networks, rfgen's own engine."""

import jax
import jax.numpy as jnp
import mpmath
import numpy as np
import pytest

import rfgen as rg
from rfgen.systems.linear_networks.isotropic_flow import isotropic_flow, optimal_ridge, optimal_time, overtraining

FIELDS = ("test", "train", "frozen", "approximation", "overfitting", "noise", "norm")
# Measured worst over the table: 4e-14.
ACCURACY = 1e-12
TABLE = [  # alpha, snr, t/tau, initial to noise
    (0.02, 5.0, 3.0, 0.0),
    (0.5, 1.0, 0.01, 2.0),
    (0.5, 5.0, 300.0, 10.0),
    (1 - 1e-6, 5.0, 1e9, 0.5),
    (1.0, 5.0, 20.0, 0.0),
    (1.0, 0.1, 1e12, 3.0),
    (1 + 1e-9, 100.0, 1e6, 1.0),
    (2.0, 5.0, 1e3, 0.0),
    (40.0, 0.3, 0.02, 7.0),
]
# The published panel: snr 5, zero initial weights; heights at alpha = 1, read from the figure.
PEAKS = {5.0: 0.585, 20.0: 0.785, 50.0: 1.10, 100.0: 1.465, 1000.0: 4.29}
flow = jax.jit(isotropic_flow)
best_time = jax.jit(optimal_time)
along = jax.jit(jax.vmap(isotropic_flow, (None, None, 0, None)))


def values(point):
    return {name: float(getattr(point, name)) for name in (*FIELDS, "slope")}


def oracle(alpha, snr, time, initial_to_noise):
    """Every field by 30-digit quadrature over the eigenvalue's angle, in pieces that shrink towards the lower edge."""
    with mpmath.workdps(30):
        alpha, snr, time, inr = (mpmath.mpf(x) for x in (alpha, snr, time, initial_to_noise))
        lower, init = (mpmath.sqrt(alpha) - 1) ** 2, inr / snr
        cuts = [0, *(mpmath.mpf(10) ** -k for k in range(14, 0, -1)), 0.4, mpmath.pi / 2]

        def bulk(f):
            def integrand(angle):
                square = mpmath.sin(angle) ** 2
                x = lower + 4 * mpmath.sqrt(alpha) * square
                return 16 * alpha / mpmath.pi * square * (1 - square) / x * f(x, mpmath.exp(-x * time))

            return mpmath.quad(integrand, cuts)

        unseen = max(0, 1 - alpha)
        frozen, approximation = unseen * (1 + init), bulk(lambda x, e: (1 + init) * e**2)
        overfitting = bulk(lambda x, e: (1 - e) ** 2 / (x * snr))
        return {
            "frozen": frozen, "approximation": approximation, "overfitting": overfitting, "noise": 1 / snr,
            "test": frozen + approximation + overfitting + 1 / snr,
            "train": bulk(lambda x, e: (x * (1 + init) + 1 / snr) * e**2) / alpha + max(0, 1 - 1 / alpha) / snr,
            "norm": init * unseen + bulk(lambda x, e: init * e**2 + (1 - e) ** 2 * (1 + 1 / (x * snr))),
        }


@pytest.mark.parametrize("case", TABLE)
def test_thirty_digit_integrals(case):
    with jax.enable_x64(True):
        found = values(flow(*case))
    for name, exact in oracle(*case).items():
        np.testing.assert_allclose(found[name], float(exact), rtol=ACCURACY, atol=1e-14, err_msg=name)


def test_published_peaks():
    with jax.enable_x64(True):
        for time, height in PEAKS.items():
            assert abs(float(flow(1.0, 5.0, time).test) / height - 1) < 0.01


@pytest.mark.parametrize("alpha", (0.1, 0.5, 1 - 1e-5, 1 + 1e-5, 1.7, 30.0))
def test_both_ends_of_training(alpha):
    snr, inr = 4.0, 6.0
    gap = abs(1 - alpha)
    with jax.enable_x64(True):
        start, end, late = (values(flow(alpha, snr, time, inr)) for time in (0.0, np.inf, 1e13))
    np.testing.assert_allclose([start["test"], start["norm"]], [1 + (inr + 1) / snr, inr / snr], rtol=1e-13)
    np.testing.assert_allclose(start["train"], 1 + (inr + 1) / snr, rtol=1e-13)
    exact = max(0, 1 - alpha) * (1 + inr / snr) + min(1, alpha) / gap / snr + 1 / snr
    np.testing.assert_allclose(end["test"], exact, rtol=1e-12)
    np.testing.assert_allclose(end["train"], max(0, 1 - 1 / alpha) / snr, rtol=1e-12)
    for name, value in end.items():
        np.testing.assert_allclose(late[name], value, rtol=1e-10, atol=1e-10, err_msg=name)


def test_peak_itself_diverges_only_with_noise():
    with jax.enable_x64(True):
        noisy, clean = (values(flow(1.0, snr, np.inf)) for snr in (5.0, np.inf))
    assert noisy["test"] == noisy["norm"] == np.inf and noisy["train"] == 0
    assert clean["test"] == clean["train"] == 0 and clean["norm"] == 1


@pytest.mark.parametrize("alpha", (0.5, 2.0))
def test_end_of_training_is_the_ridgeless_risk_of_the_engine(alpha):
    """rfgen's conventions: unit-variance inputs, n = alpha N, noise 1/snr, squared length of all weights."""
    modes, snr = 300, 5.0
    with jax.enable_x64(True):
        end, best = values(flow(alpha, snr, np.inf)), optimal_ridge(alpha, snr)
        gamma, least = float(best.ridge), float(best.test)
    ridges = modes * gamma * np.array([0.0, 1.0, 0.99, 1.01])
    curve = rg.predict(rg.Task.isotropic(modes, 1.0, 1 / snr), rg.Learner(rg.Ridge(ridges)), n=alpha * modes)
    for name in ("test", "train", "norm"):
        np.testing.assert_allclose(end[name], curve[name].values[0], rtol=1e-12, atol=1e-14, err_msg=name)
    np.testing.assert_allclose(least, curve.test.values[1], rtol=1e-12)
    assert (curve.test.values[2:] > least).all()


@pytest.mark.parametrize("alpha", (0.5, 1.0, 1.5))
def test_sampled_linear_networks(alpha):
    """Gradient flow of N = 300 weights by one eigendecomposition a draw, in the paper's own clock."""
    size, snr, draws, inrs = 300, 5.0, 16, np.array([0.0, 4.0])
    times, samples = np.array([0.3, 3.0, 30.0]), int(alpha * size)
    random, noise = np.random.default_rng(3), snr**-0.5
    measured = []
    for _ in range(draws):
        x = random.standard_normal((size, samples)) / size**0.5
        teacher, start = random.standard_normal(size), random.standard_normal(size)
        y = teacher @ x + noise * random.standard_normal(samples)
        spectrum, vectors = np.linalg.eigh(x @ x.T)
        rate = np.maximum(spectrum, 0.0)[:, None]
        filters = np.where(rate > 1e-9, -np.expm1(-rate * times) / np.where(rate > 1e-9, rate, 1.0), times)
        learned = vectors @ (filters * (vectors.T @ (x @ y))[:, None])
        kept = vectors @ (np.exp(-rate * times) * (vectors.T @ start)[:, None])
        weights = learned[:, None] + kept[:, None] * (inrs[:, None] / snr) ** 0.5  # (weights, initial, times)
        test = np.mean((weights - teacher[:, None, None]) ** 2, axis=0) + noise**2
        residual = np.tensordot(x, weights, (0, 0)) - y[:, None, None]
        measured.append([test, np.mean(residual**2, axis=0), np.mean(weights**2, axis=0)])
    mean, error = np.mean(measured, axis=0), np.std(measured, axis=0, ddof=1) / draws**0.5
    with jax.enable_x64(True):
        points = [[flow(alpha, snr, time, inr) for time in times] for inr in inrs]
        names = ("test", "train", "norm")
        exact = np.array([[[float(getattr(point, name)) for point in row] for row in points] for name in names])
    z = (mean - exact) / error
    assert (np.abs(z) <= 4).all(), z


@pytest.mark.parametrize("alpha", (0.05, 0.7, 1.0, 1.3, 20.0))
@pytest.mark.parametrize(("snr", "inr"), [(0.1, 0.0), (5.0, 0.0), (5.0, 20.0), (1e4, 1.0)])
def test_optimal_time_is_the_minimum(alpha, snr, inr):
    grid = np.geomspace(1e-3, 1e7, 400)
    with jax.enable_x64(True):
        best = best_time(alpha, snr, inr)
        least, ridge = values(flow(alpha, snr, best, inr)), optimal_ridge(alpha, snr)
        curve = along(alpha, snr, jnp.asarray(grid), inr).test
        best, curve, ridge = float(best), np.asarray(curve), float(ridge.test)
    assert abs(least["slope"] * best) < 1e-12 * least["test"]
    assert least["test"] <= curve.min() * (1 + 1e-13)
    if least["test"] > 1e-3:  # elsewhere the curve is flat to rounding
        moves = np.sign(np.diff(curve)[np.abs(np.diff(curve)) > 1e-13 * curve.max()])
        assert (np.diff(moves) != 0).sum() <= 1, "one minimum"
    assert ridge <= least["test"] * (1 + 1e-14)


def test_training_never_hurts_without_noise():
    with jax.enable_x64(True):
        assert float(best_time(0.7, np.inf)) == np.inf and float(overtraining(0.7, np.inf)) == 0
        assert float(overtraining(1.0, 2.0)) == np.inf
        # 1/snr times a regular function of time: the optimum stays finite however little noise there is
        assert 1e3 < float(best_time(0.7, 1e100)) < 1e5


def test_optimal_time_of_a_narrow_spectrum_is_that_of_one_mode():
    """alpha -> inf: every eigenvalue is alpha."""
    alpha, snr, inr = 1e10, 3e-10, 2e-10
    with jax.enable_x64(True):
        found = float(best_time(alpha, snr, inr))
    np.testing.assert_allclose(found, np.log1p(alpha * (snr + inr)) / alpha, rtol=1e-4)


def test_derivatives():
    with jax.enable_x64(True):
        at = (0.8, 5.0, 12.0, 1.5)
        for argument in range(4):
            slope = float(jax.grad(lambda *x: flow(*x).test, argument)(*at))
            step = 1e-5 * at[argument]
            ends = [(*at[:argument], at[argument] + shift, *at[argument + 1 :]) for shift in (step, -step)]
            difference = float(flow(*ends[0]).test - flow(*ends[1]).test) / (2 * step)
            np.testing.assert_allclose(slope, difference, rtol=1e-7)
        np.testing.assert_allclose(float(flow(*at).slope), float(jax.grad(lambda t: flow(0.8, 5.0, t, 1.5).test)(12.0)))
        # at the ends of every branch
        for alpha, time in ((1.0, 20.0), (0.5, np.inf), (1.5, np.inf), (1.0, 0.0)):
            gradient = jax.grad(lambda a, s, t: flow(a, s, t, 1.0).test, (0, 1, 2))(alpha, 5.0, time)
            assert np.isfinite(gradient).all()
        moved = float(jax.grad(best_time, 1)(0.8, 5.0, 1.5))
        difference = float(best_time(0.8, 5.001, 1.5) - best_time(0.8, 4.999, 1.5)) / 0.002
        np.testing.assert_allclose(moved, difference, rtol=1e-6)


def test_batches_and_precision():
    with jax.enable_x64(True):
        alphas = jnp.array([0.3, 1.0, 2.0])
        batch = jax.vmap(lambda alpha: flow(alpha, 5.0, 7.0, 1.0))(alphas)
        for i, alpha in enumerate((0.3, 1.0, 2.0)):
            single = flow(alpha, 5.0, 7.0, 1.0)
            for name in FIELDS:
                np.testing.assert_allclose(getattr(batch, name)[i], getattr(single, name), rtol=1e-13)
    with pytest.raises(rg.PrecisionError, match=r"rfgen\.systems\.linear_networks\.isotropic_flow"):
        isotropic_flow(1.0, 5.0, 1.0)
    with pytest.raises(rg.PrecisionError, match=r"rfgen\.systems\.linear_networks\.optimal_time"):
        optimal_time(1.0, 5.0)
