"""One pass: the full second-moment matrix as oracle, limits, rest and growth, random features, compression, claims."""

import timeit

import jax
import numpy as np
import pytest

import rfgen as rg
from rfgen.theory.sgd.streaming.one_pass import iteration_of, one_pass_sgd

P = 12
EIGENVALUES, POWER, NOISE = np.arange(1, P + 1) ** -1.3, np.arange(1, P + 1) ** -1.5, 0.3
TASK = rg.Task(EIGENVALUES, POWER, NOISE)
STEPS = [0, 1, 2, 5, 20, 60]
METHODS = {
    "descent": rg.OnePassSGD(0.35, STEPS),
    "large batch": rg.OnePassSGD(0.8, STEPS, batch=8),
    "heavy ball": rg.OnePassSGD(0.2, STEPS, batch=4, momentum=0.7),
    "nesterov": rg.OnePassSGD(0.15, STEPS, batch=2, momentum=0.7, nesterov=True),
    "schedule": rg.OnePassSGD(lambda t: 0.5 / (1 + t / 20), STEPS, batch=2),
    "momentum schedule": rg.OnePassSGD(0.1, STEPS, batch=8, momentum=lambda t: t / (t + 3), nesterov=True),
    "accelerated": rg.AcceleratedSGD(0.9, 0.1, 0.4, 0.1, STEPS),
    "average": rg.OnePassSGD(0.35, STEPS, average_from=5),
    "average with momentum": rg.OnePassSGD(0.2, STEPS, batch=4, momentum=0.7, average_from=2),
    "average of accelerated": rg.AcceleratedSGD(0.9, 0.1, 0.4, 0.1, STEPS, batch=2, average_from=5),
    "average of a schedule": rg.OnePassSGD(lambda t: 0.5 / (1 + t), STEPS, momentum=lambda t: t / (t + 5), average_from=5),
}


def whole_matrix(training, lam, start, noise, steps):
    """Second moments of all weights together, by Wick's theorem: excess risk, bias, norm (steps + 1,)."""
    p, batch = lam.size, float(training.batch)
    sigma, one, none = np.diag(lam), np.eye(p), np.zeros((p, p))

    def at(name, t):
        value = getattr(training, name)
        return float(value(np.arange(t + 1))[t]) if callable(value) else float(value)

    mean = np.concatenate([start, start])
    second = np.outer(mean, mean)
    total, total_mean, along, count = np.zeros((p, p)), np.zeros(p), np.zeros((p, 2 * p)), 0
    found = []
    for t in range(steps + 1):
        here, mean_here = second[:p, :p], mean[:p]
        if training.average_from is not None and t >= training.average_from:
            total = total + along[:, :p] + along[:, :p].T + here
            along, total_mean, count = along + second[:p], total_mean + mean_here, count + 1
            here, mean_here = total / count**2, total_mean / count
        norm = np.trace(here) - 2 * start @ mean_here + start @ start
        found.append((np.trace(sigma @ here), lam @ mean_here**2, norm))
        if isinstance(training, rg.AcceleratedSGD):
            a, b, c, d = (float(getattr(training, name)) for name in ("alpha", "beta", "gamma", "delta"))
            look = np.hstack([a * one, (1 - a) * one])
            still = np.vstack([look, b * look + np.hstack([none, (1 - b) * one])])
            kick = np.vstack([d * one, c * one])
        else:
            rate, beta = at("rate", t), at("momentum", t)
            ahead = np.hstack([(1 + beta) * one, -beta * one])
            look = ahead if training.nesterov else np.hstack([one, none])
            still, kick = np.vstack([ahead, np.hstack([one, none])]), np.vstack([rate * one, none])
        seen = look @ second @ look.T
        gradient = (sigma * np.trace(sigma @ seen) + 2 * sigma @ seen @ sigma + noise * sigma) / batch
        gradient = gradient + (1 - 1 / batch) * sigma @ seen @ sigma
        cross = kick @ sigma @ look @ second @ still.T
        second = still @ second @ still.T - cross - cross.T + kick @ gradient @ kick.T
        move = still - kick @ sigma @ look
        along, mean = along @ move.T, move @ mean
    return np.array(found).T


@pytest.mark.parametrize("name", METHODS)
def test_the_whole_matrix_of_second_moments(name):
    training = METHODS[name]
    curve = rg.predict(TASK, rg.Learner(training))
    risk, bias, norm = whole_matrix(training, EIGENVALUES, np.sqrt(POWER / EIGENVALUES), NOISE, max(STEPS))
    np.testing.assert_allclose(curve.test, risk[STEPS] + NOISE, rtol=1e-12)
    np.testing.assert_allclose(curve.bias, bias[STEPS], rtol=1e-11)
    noiseless = whole_matrix(training, EIGENVALUES, np.sqrt(POWER / EIGENVALUES), 0.0, max(STEPS))[0]
    np.testing.assert_allclose(curve.bias + curve.variance, noiseless[STEPS], rtol=1e-11)
    np.testing.assert_allclose(curve.norm, norm[STEPS], rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize(
    "training",
    [rg.OnePassSGD(0.35, 60_000), rg.OnePassSGD(0.2, 60_000, batch=4, momentum=0.7),
     rg.OnePassSGD(0.15, 60_000, momentum=0.7, nesterov=True), rg.AcceleratedSGD(0.95, 0.05, 0.3, 0.1, 60_000, batch=2)],
)
def test_the_recursion_comes_to_rest_where_the_closed_form_says(training):
    curve = rg.predict(TASK, rg.Learner(training))
    assert abs(float(curve.test / curve.stationary_test) - 1) < 1e-12
    assert curve.growth == 1 and curve.stability_mass < 1


def test_the_closed_form_of_plain_descent():
    rate, batch = 0.4, 3
    curve = rg.predict(TASK, rg.Learner(rg.OnePassSGD(rate, 10, batch=batch)))
    mass = rate / batch * np.sum(EIGENVALUES / (2 - rate * EIGENVALUES * (1 + 1 / batch)))
    np.testing.assert_allclose(curve.stability_mass, mass, rtol=1e-13)
    np.testing.assert_allclose(curve.stationary_test, NOISE / (1 - mass), rtol=1e-13)


@pytest.mark.parametrize("training", [
    rg.OnePassSGD(1.1, [300, 301]), rg.OnePassSGD(2.05, [300, 301], batch=100),
    rg.OnePassSGD(0.6, [300, 301], momentum=0.9, batch=2), rg.AcceleratedSGD(0.9, 0.1, 2.5, 0.3, [300, 301]),
])
@pytest.mark.parametrize("features", [None, 30])
def test_unstable_settings_grow_as_reported(training, features):
    task = rg.Task.power_law(1.1, 1.5, 0.3, modes=60)
    with pytest.warns(UserWarning, match="unstable"):
        curve = rg.predict(task, rg.Learner(training, features=features))
    assert curve.growth > 1 and np.isinf(curve.stationary_test) and "unstable" in curve.attrs
    assert curve.converged.all()
    # without an isolated root the edge of a continuous spectrum grows as t^-3/2 growth^t
    np.testing.assert_allclose(curve.test[1] / curve.test[0], curve.growth, rtol=1e-2 if features else 1e-6)


def test_overflow_is_infinite_not_nan():
    for features in (None, 30):
        learner = rg.Learner(rg.OnePassSGD(3.0, [0, 10, 10_000]), features=features)
        with pytest.warns(UserWarning, match="unstable"):
            curve = rg.predict(TASK, learner)
        assert np.isfinite(curve.test[:2]).all() and np.isposinf(curve.test[2])


def test_accelerated_with_alpha_1_is_plain_descent():
    plain = rg.predict(TASK, rg.Learner(rg.OnePassSGD(0.3, STEPS, batch=2)))
    same = rg.predict(TASK, rg.Learner(rg.AcceleratedSGD(1.0, 0.3, 0.7, 0.3, STEPS, batch=2)))
    for name in ("test", "bias", "variance", "noise", "norm"):
        np.testing.assert_allclose(same[name], plain[name], rtol=1e-12, err_msg=name)


def test_infinite_batches_are_descent_on_the_population():
    curve = rg.predict(TASK, rg.Learner(rg.OnePassSGD(0.5, STEPS, batch=10**15)))
    expected = [np.sum(POWER * (1 - 0.5 * EIGENVALUES) ** (2 * t)) for t in STEPS]
    np.testing.assert_allclose(curve.test - NOISE, expected, rtol=1e-12)


def test_a_window_of_one_iterate_is_the_iterate():
    whole = rg.predict(TASK, rg.Learner(rg.OnePassSGD(0.3, [10, 40])))
    window = rg.predict(TASK, rg.Learner(rg.OnePassSGD(0.3, [10, 40], average_from=40)))
    np.testing.assert_allclose(window.test, whole.test, rtol=1e-13)


@pytest.mark.parametrize("training", [
    rg.OnePassSGD([0.05, 0.3], [10, 1000, 100_000]), rg.OnePassSGD(0.05, [10, 1000, 30_000], momentum=0.9),
    rg.OnePassSGD(0.05, [10, 1000, 30_000], momentum=0.9, nesterov=True),
    rg.AcceleratedSGD(0.95, 0.05, 0.3, 0.1, [10, 1000, 30_000], average_from=7),
])
def test_compressed_modes_give_the_sums_of_all(training):
    task = rg.Task.power_law(1.5, 1.5, 0.5, modes=3000)
    curve, exact = (rg.predict(task, rg.Learner(training), by_mode=by_mode) for by_mode in (False, True))
    assert float(curve.residual.max()) < 1e-11
    for name in ("test", "bias", "norm"):
        np.testing.assert_allclose(curve[name], exact[name], rtol=1e-10, err_msg=name)
    total = exact.bias_by_mode + exact.variance_by_mode + exact.noise_by_mode
    np.testing.assert_allclose(total.sum("mode") + 0.5, exact.test, rtol=1e-12)


def test_infinitely_many_modes_are_the_limit_of_many():
    training = rg.OnePassSGD(0.3, [10, 1000, 100_000], batch=4)
    infinite = rg.predict(rg.Task.power_law(1.6, 2.0, 0.2), rg.Learner(training)).test
    errors = []
    for modes in (20_000, 80_000):
        many = rg.predict(rg.Task.power_law(1.6, 2.0, 0.2, modes=modes), rg.Learner(training)).test
        errors.append(np.abs(many / infinite - 1))
    # the power beyond falls as 1/modes
    assert (errors[0] < 4e-4).all() and (np.abs(errors[0] / errors[1] - 4) < 0.6).all()


@pytest.mark.parametrize("training", [
    rg.OnePassSGD(0.4, STEPS), rg.OnePassSGD(0.2, STEPS, batch=4, momentum=0.8),
    rg.AcceleratedSGD(0.9, 0.1, 0.4, 0.1, STEPS, average_from=5),
])
def test_infinitely_many_features_are_the_kernel(training):
    kernel, features = (rg.predict(TASK, rg.Learner(training, features=each)) for each in (None, 1e9))
    for name in ("test", "bias", "noise", "norm"):
        np.testing.assert_allclose(features[name], kernel[name], rtol=1e-6, atol=1e-12, err_msg=name)
    assert (np.abs(features.variance - kernel.variance) < 1e-6).all()


@pytest.mark.parametrize("k, training", [
    (60, rg.OnePassSGD(0.5, [1, 10, 60, 200])), (150, rg.OnePassSGD(0.5, [1, 10, 60, 200], momentum=0.6, batch=4)),
    (60, rg.AcceleratedSGD(0.9, 0.1, 0.5, 0.2, [1, 10, 60, 200], batch=2, average_from=10)),
])
def test_random_features_against_draws_of_them(k, training):
    """Given the features the recursion is exact on their own spectrum; its average over 60 draws of them."""
    modes, rng = 150, np.random.default_rng(k)
    lam, power = np.arange(1, modes + 1) ** -1.1, np.arange(1, modes + 1) ** -1.4
    lam, power, noise = lam / lam.sum(), power / power.sum(), 0.2
    curve = rg.predict(rg.Task(lam, power, noise), rg.Learner(training, features=k))
    assert float(curve.residual.max()) < 1e-10
    draws = []
    for _ in range(60):
        design = rng.standard_normal((modes, k)) * np.sqrt(lam)[:, None] / np.sqrt(k)
        left, root, _ = np.linalg.svd(design, full_matrices=False)
        seen = (left.T @ np.sqrt(power)) ** 2
        task = rg.Task(root**2, seen, noise, null_power=max(power.sum() - seen.sum(), 0.0))
        own = rg.predict(task, rg.Learner(training))
        draws.append(np.stack([own.test, own.noise, own.norm]))
    theory = np.stack([curve.test, curve.noise, curve.norm])
    error = np.std(draws, axis=0, ddof=1) / np.sqrt(60)
    z = (np.mean(draws, axis=0) - theory) / error
    # the self-average leaves a relative error of order 1/k
    assert (np.abs(np.mean(draws, axis=0) - theory) < 4 * error + theory / k / 2).all(), z


def test_claims_on_accelerated_descent():
    """Of arXiv 2311.14222: bias falls faster where eigenvalues are small, slower where large; the variance is larger."""
    task, steps, rate, kappa = rg.Task.power_law(1.0, 1.2, 1.0, modes=300), [20, 50, 100, 200, 400], 0.3, 20.0
    plain = rg.predict(task, rg.Learner(rg.OnePassSGD(rate, steps, batch=4)), by_mode=True)
    beta = 1 / kappa
    alpha = 1 / (1 + beta)
    training = rg.AcceleratedSGD(alpha, beta, gamma=4 * rate, delta=rate, steps=steps, batch=4)
    fast = rg.predict(task, rg.Learner(training), by_mode=True)
    # the slow root of M decays by alpha (1 - beta) a step, plain descent by 1 - rate eigenvalue
    forgets = 1 - alpha * (1 - beta)
    large, small = rate * task.eigenvalues > 2 * forgets, rate * task.eigenvalues < forgets / 2
    assert large.sum() == 1 and small.sum() > 290
    for sources in (("bias",), ("bias", "variance")):
        slow_error, fast_error = (sum(curve[f"{name}_by_mode"] for name in sources) for curve in (plain, fast))
        assert (fast_error[:, small].sum("mode") < slow_error[:, small].sum("mode")).all()
        # later, what gradient noise brings from the small ones is most of the error in the large ones
        early = slice(None) if sources == ("bias",) else slice(0, 3)
        assert (fast_error[early, large].sum("mode") > slow_error[early, large].sum("mode")).all()
    assert (fast.noise > plain.noise).all()


def test_ten_thousand_modes_take_microseconds_a_step():
    learner = rg.Learner(rg.OnePassSGD(0.3, 100_000))
    task = rg.Task.power_law(1.5, 1.5, 0.5, modes=10_000)
    rg.predict(task, learner)
    # the least of three runs: machines are noisy
    assert min(timeit.repeat(lambda: rg.predict(task, learner), number=1, repeat=3)) < 2.0


@pytest.mark.parametrize("make, word", [
    (lambda: rg.OnePassSGD(0.0, 5), "rate"), (lambda: rg.OnePassSGD(0.1, 5, batch=0), "batch"),
    (lambda: rg.OnePassSGD(0.1, 5, batch=1.5), "batch"), (lambda: rg.OnePassSGD(0.1, 5, momentum=1.0), "momentum"),
    (lambda: rg.OnePassSGD(0.1, -1), "steps"), (lambda: rg.OnePassSGD(0.1, [5, 9], average_from=10), "average_from"),
    (lambda: rg.OnePassSGD(0.1, 5, average_from=-1), "average_from"), (lambda: rg.AcceleratedSGD(1.1, 0, 1, 1, 5), "alpha"),
    (lambda: rg.AcceleratedSGD(0.5, -0.1, 1, 1, 5), "beta"), (lambda: rg.AcceleratedSGD(0.5, 0.1, -1, 1, 5), "gamma"),
    (lambda: rg.predict(TASK, rg.Learner(rg.OnePassSGD(0.1, 5)), n=10), "n must be left out"),
    (lambda: rg.predict(TASK, rg.Learner(rg.OnePassSGD(lambda t: -1.0 + 0 * t, 5))), "rate"),
    (lambda: rg.predict(TASK, rg.Learner(rg.OnePassSGD(lambda t: "x", 5))), "rate"),
    (lambda: rg.predict(TASK, rg.Learner(rg.OnePassSGD(0.1, 5), augmentation=rg.Mixup(0.5))), "Mixup"),
    (lambda: rg.predict(TASK, rg.Learner(rg.OnePassSGD(0.1, 5)), form="moment"), "form"),
    (lambda: rg.predict(TASK, rg.Learner(rg.OnePassSGD(0.1, 5), features=5), by_mode=True), "by_mode"),
    (lambda: rg.predict(TASK, rg.Learner(rg.Ridge(0.1)), n=5, by_mode=True), "by_mode"),
])
def test_bad_input_is_named(make, word):
    with pytest.raises(ValueError, match=word):
        make()


def test_the_pure_layer_in_any_order_of_steps():
    with jax.enable_x64(True):
        iteration = iteration_of(rg.OnePassSGD(0.3, 50), {"rate": 0.3, "batch": 1.0})
        one, other = (one_pass_sgd(TASK, np.inf, iteration, clock).test for clock in ([50, 0, 7], [0, 7, 50]))
    assert one[[1, 2, 0]].tolist() == other.tolist()
