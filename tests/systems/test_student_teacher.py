"""Students of a ReLU teacher: moments against sampled inputs, flow against descent, parts of the final error, refusals."""

import json
import os
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rfgen.systems.relu_students import relu_networks
from rfgen.systems.relu_students.relu_networks import relu_moments
from rfgen.systems.relu_students.student_teacher import StudentTeacher, decomposition, random_features, training

# The calls below share their shapes, which are compiled once each.
SETTING = StudentTeacher(inputs=12, teacher=6, samples=40, noise=0.2)
TIMES = np.array([0.0, 1.0, 8.0])
STEPS = [0, 1, 30]


def drawn(setting, hidden, number, seed=0):
    """What student `number` is made of, in numpy."""
    with jax.enable_x64(True):
        keys = relu_networks.seed_keys(number + 1, seed)
        teachers, students = relu_networks.draw(setting, hidden, keys)
        return [np.asarray(part)[number] for part in (*teachers, *students)]


def test_relu_moments_against_sampled_inputs():
    random = np.random.default_rng(0)
    first, second = random.standard_normal((4, 5)), random.standard_normal((3, 5))
    second[0], second[1], first[3] = -first[0], 2.0 * first[1], 0.0
    with jax.enable_x64(True):
        exact = np.asarray(relu_moments(jnp.asarray(first), jnp.asarray(second)))
    x = random.standard_normal((200_000, 5))
    products = np.maximum(x @ first.T, 0)[:, :, None] * np.maximum(x @ second.T, 0)[:, None]
    error = products.std(axis=0) / len(x) ** 0.5
    assert (np.abs(products.mean(axis=0) - exact) <= 4 * error + 1e-15).all()
    assert exact[0, 0] == 0 and (exact[3] == 0).all()


@pytest.mark.parametrize("hidden", (15, 90))
def test_random_features_against_explicit_descent(hidden):
    """Small steps of gradient descent and 100,000 test inputs for one student."""
    step = 1e-3
    runs = random_features(SETTING, hidden, TIMES, seeds=3, seed=5)
    x, labels, units, outputs, weights, _ = drawn(SETTING, hidden, 2, seed=5)
    scale = (2 / hidden) ** 0.5
    design, trained, trains, found = np.maximum(x @ weights.T, 0) * scale, np.zeros(hidden), [], []
    for number in range(8001):
        if number in np.round(TIMES / step):
            trains.append(np.mean((labels - design @ trained) ** 2))
            found.append(trained)
        trained = trained + step * design.T @ (labels - design @ trained)
    np.testing.assert_allclose(runs.train[2], trains, rtol=0.02)
    fresh = np.random.default_rng(1).standard_normal((100_000, 12))
    truth = np.maximum(fresh @ units.T, 0) @ outputs
    for time, weight in enumerate(found):
        errors = (truth - np.maximum(fresh @ weights.T, 0) @ weight * scale) ** 2
        spread = errors.std() / len(errors) ** 0.5
        assert abs(runs.test[2, time] - SETTING.noise - errors.mean()) < 4 * spread + 0.01 * errors.mean()
    spectrum = np.linalg.eigvalsh(design.T @ design)
    np.testing.assert_allclose(runs.spectrum[2], spectrum, rtol=1e-9, atol=1e-10)
    assert (runs.spectrum[2] == 0).sum() >= hidden - 40


@pytest.mark.parametrize("hidden", (15, 90))
def test_decomposition_is_the_end_of_the_flow(hidden):
    parts = decomposition(SETTING, hidden, seeds=6, seed=2)
    whole = parts.approximation + parts.null_space + parts.overfitting - 2 * parts.interference
    np.testing.assert_allclose(whole, parts.test, rtol=1e-9)
    runs = random_features(SETTING, hidden, [0.0, 1.0, 1e9], seeds=3, seed=2)
    np.testing.assert_allclose(parts.test[:3] + SETTING.noise, runs.test[:, 2], rtol=1e-6)
    assert (parts.approximation > 0).all() and (parts.overfitting > 0).all()
    if hidden < SETTING.samples:
        np.testing.assert_allclose(parts.null_space, 0.0, atol=1e-20)
    else:
        assert (parts.null_space > 1e-3).all()


def test_more_hidden_units_approximate_better():
    means = [decomposition(SETTING, hidden, seeds=6).approximation.mean() for hidden in (15, 90)]
    assert means[1] < 0.5 * means[0]


def test_trained_student_against_numpy_descent():
    hidden, rate, initial = 9, 0.3, 0.5
    runs = training(SETTING, hidden, STEPS, rate, initial, seeds=2, seed=4, dtype="float64")
    x, labels, _, _, weights, readout = drawn(SETTING, hidden, 1, seed=4)
    w, a, scale, trains = weights * 12**0.5, readout * initial, (2 / hidden) ** 0.5, []
    for number in range(31):
        before = x @ w.T / 12**0.5
        units = np.maximum(before, 0) * scale
        residual = labels - units @ a
        if number in STEPS:
            trains.append(np.mean(residual**2))
        slope_w = -scale * ((residual[:, None] * (before > 0)) * a).T @ x / 12**0.5 / len(x)
        w, a = w - rate * slope_w, a + rate * units.T @ residual / len(x)
    np.testing.assert_allclose(runs.train[1], trains, rtol=1e-10)


def test_precision_of_training():
    single, double = (training(SETTING, 9, STEPS, 0.3, 0.5, seeds=2, dtype=dtype) for dtype in ("float32", "float64"))
    assert single.test.dtype == np.float32 and double.test.dtype == np.float64
    np.testing.assert_allclose(single.test, double.test, rtol=1e-3)
    assert single.test.shape == (2, 3) and (double.test[:, 2] < double.test[:, 0]).all()


def test_students_depend_on_seed_and_number_alone():
    few, many = (random_features(SETTING, 15, TIMES, seeds=seeds, seed=1) for seeds in (3, 4))
    np.testing.assert_allclose(few.test, many.test[:3], rtol=1e-12)
    assert (random_features(SETTING, 15, TIMES, seeds=3, seed=2).test[:, 1:] != few.test[:, 1:]).all()
    # a student never trained has the mean square of the labels, and the training set does not depend on it
    np.testing.assert_allclose(few.test[:, 0], 1.0 + SETTING.noise, rtol=1e-12)
    wide = random_features(SETTING, 90, TIMES, seeds=3, seed=1)
    np.testing.assert_allclose(wide.train[:, 0], few.train[:, 0], rtol=1e-12)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: StudentTeacher(0, 5, 30), "inputs must be an integer >= 1, got 0"),
        (lambda: StudentTeacher(5, -1, 30), "teacher must be an integer >= 1, got -1"),
        (lambda: StudentTeacher(5, 5, 30, noise=-1.0), "noise must be >= 0"),
        (lambda: random_features(SETTING, 0, [1.0]), "hidden must be an integer >= 1"),
        (lambda: random_features(SETTING, 5, [-1.0]), "times must be >= 0"),
        (lambda: random_features(SETTING, 5, [np.inf]), "times must be finite"),
        (lambda: decomposition(SETTING, 5, seeds=0), "seeds must be an integer >= 1"),
        (lambda: training(SETTING, 5, [3, 2], 0.1, 1.0), "steps must be increasing integers"),
        (lambda: training(SETTING, 5, [0.5], 0.1, 1.0), "steps must be increasing integers"),
        (lambda: training(SETTING, 5, [1], 0.0, 1.0), "rate must be > 0"),
        (lambda: training(SETTING, 5, [1], 0.1, -1.0), "initial must be >= 0"),
        (lambda: training(SETTING, 5, [1], 0.1, 1.0, dtype="float16"), "dtype must be 'float32' or 'float64'"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()


SHARED = """
import numpy as np, jax
from rfgen.systems.relu_students.student_teacher import StudentTeacher, training
assert len(jax.devices()) == 3
setting = StudentTeacher(inputs=12, teacher=6, samples=40, noise=0.2)
for seeds in (3, 4, 5):
    print(training(setting, 20, [0, 30], 0.5, 0.1, seeds=seeds, dtype="float64").test[:, 1].tolist())
"""


def test_seeds_are_shared_out_over_devices():
    """On 3, 2 and 1 devices the same as on one."""
    flags = f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count=3"
    environment = {**os.environ, "XLA_FLAGS": flags}
    ran = subprocess.run([sys.executable, "-c", SHARED], env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    one = training(SETTING, 20, [0, 30], 0.5, 0.1, seeds=5, dtype="float64").test[:, 1]
    for line in ran.stdout.splitlines():
        values = np.array(json.loads(line))
        assert np.allclose(values, one[: values.size], rtol=1e-9)
    assert len(ran.stdout.splitlines()) == 3
