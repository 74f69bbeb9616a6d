"""What a curve says of its own error at finite size, and what `check` does not judge."""

import importlib.util
import json
import math
import pathlib

import jax.numpy as jnp
import numpy as np
import pytest

import rfgen as rg
import rfgen.api.check.check as checking
from rfgen.api.finite_size import expected_error
from rfgen.api.methods.table import METHODS

ROOT = pathlib.Path(__file__).resolve().parents[1]


def laplace(t):
    return jnp.exp(-jnp.sqrt(jnp.maximum(2.0 - 2.0 * t, 1e-30)))


def circle(noise):
    """The sign of a coordinate on the circle, by its Fourier series."""
    odd = np.arange(1, 201, 2)
    power = np.zeros(201)
    power[odd] = 8 / (np.pi * odd) ** 2
    return rg.Task.sphere(2, laplace, power, noise=noise, degrees=200)


def steep(activation):
    return rg.Task.gaussian_inputs(np.ones(100), activation, np.full(100, 0.01), noise=0.1)


def ridge(value, features=None):
    return rg.Learner(rg.Ridge(value), features=features)


PEAK = rg.Task.sphere(10, lambda t: t + t * t, {1: 1.0}, noise=0.5, degrees=5)
DIGITS = [
    # what is measured, by hand-written simulations of 30 to 300 runs: task, learner, n, share by which theory is off
    ("least squares on 10 inputs", rg.Task.isotropic(10, noise=0.5), ridge(0.0), 15, 1 / 6),
    ("exp", steep(jnp.exp), ridge(0.01, 300), 200, 0.19),
    ("t^2", steep(jnp.square), ridge(0.01, 300), 200, 0.09),
    ("one degree left, 4 dimensions", rg.Task.sphere(4, laplace, {1: 1.0}, degrees=60), ridge(0.0), 160, 0.27),
    ("a second-degree peak", PEAK, ridge(1e-3), 55, 0.2),
]


@pytest.mark.filterwarnings("ignore:inputs on the sphere")
@pytest.mark.parametrize(("task", "learner", "n", "off"), [case[1:] for case in DIGITS], ids=[case[0] for case in DIGITS])
def test_size_of_the_error_that_was_measured(task, learner, n, off):
    found = float(rg.predict(task, learner, n).finite_size)
    assert off / 2.5 < found < 2.5 * off


# Simulations of 35 to 680 training sets, with the theory's errors at their test points as control; errors a tenth.
SIGNS = [
    (4, rg.Ridge([0.0, 0.1]), 400, [0.038, 0.032]), (8, rg.Ridge([0.0, 0.1]), 400, [0.0125, 0.0114]),
    (4, rg.GradientFlow(1000.0), 200, 0.037),
]


@pytest.mark.parametrize(("dim", "training", "n", "off"), SIGNS, ids=["4", "8", "flow"])
def test_signs_on_the_sphere_by_dimension(dim, training, n, off):
    slope = 2.5 * (dim / 8) ** 0.5
    labels = rg.ZonalLabels(dim, rg.NTK("relu", depth=2), lambda t: np.tanh(slope * t))
    curve = rg.predict(labels, rg.Learner(training), n)
    found = expected_error(labels, curve, "error")
    assert np.all(np.array(off) < found) and np.all(found < 2.0 * np.array(off))
    assert np.array_equal(curve.finite_size, found)  # and of the squared risk that of regression
    regression = rg.predict(labels.task, rg.Learner(training), n)
    np.testing.assert_allclose(curve.amplification, regression.amplification, rtol=1e-12)
    np.testing.assert_allclose(expected_error(labels, curve, "test"), regression.finite_size, rtol=0.1)


@pytest.mark.parametrize(("size", "off"), [(0.5, 1.1), (1, 0.8), (2, 0.37)])
def test_rare_training_errors(size, off):
    """Of 0.32 % by theory, at 200, 400 and 800 rows; 300 runs of each have that much more, within .17 of theory."""
    dim = round(300 * size)
    task = rg.Mixture(np.full(dim, 0.1 / size), np.full(dim, 1.0 / size), 0.3, 0.1)
    curve = rg.predict(task, rg.Learner(rg.Logistic(1.0, intercept=True), features=round(200 * size)), n=round(400 * size))
    found = float(expected_error(task, curve, "train_error"))
    assert off / 2.5 < found < 2.5 * off and float(expected_error(task, curve, "error")) < 0.05


def test_least_squares_to_the_digit():
    """Gaussian inputs, n > p + 1: test risk noise (n - 1)/(n - p - 1), theory noise n/(n - p)."""
    n = np.array([15.0, 30.0, 90.0])
    curve = rg.predict(rg.Task.isotropic(10, noise=0.5), ridge(0.0), n)
    exact = 0.5 * (n - 1) / (n - 11)
    assert float(curve.test[0] * (1 + curve.finite_size[0])) == pytest.approx(exact[0], rel=1e-12)
    assert np.all(exact / curve.test - 1 <= curve.finite_size * (1 + 1e-9))


WARNED = {
    "few samples": (rg.Task.isotropic(10, noise=0.5), ridge(0.0), 15, r"off by 17 % at n=15, .* few samples"),
    "steep activation": (steep(jnp.exp), ridge(0.01, 300), 200, "activation too steep for 100 inputs"),
    "a peak on the sphere": (PEAK, ridge(1e-3), 55, "modes of inputs in 10 dimensions"),
    "the circle, both sides": (circle(1.0), ridge(0.0), 50, "theory is too high, .* without noise is too low, by about"),
}


@pytest.mark.parametrize("case", WARNED)
def test_predict_warns(case):
    task, learner, n, words = WARNED[case]
    with pytest.warns(UserWarning, match=words):
        rg.predict(task, learner, n)


def test_silent_in_the_regime(recwarn):
    rg.predict(rg.Task.power_law(1.5, 1.5, 0.5, modes=1000), ridge([0.1, 1.0]), [100, 400])
    assert not recwarn.list


@pytest.mark.parametrize("factor", [0.5, 2.0])
@pytest.mark.parametrize("n", [38, 40, 42, 80])
def test_a_wrong_theory_never_agrees(factor, n, monkeypatch):
    honest = checking.predict

    def wrong(*arguments, **named):
        curve = honest(*arguments, **named)
        return curve.assign(test=curve.test * factor, train=curve.train * factor)

    monkeypatch.setattr(checking, "predict", wrong)
    report = rg.check(rg.Task.isotropic(40, noise=0.1), ridge(0.0), n, trials=20)
    assert not report.agrees or report.compared == 0, report
    assert not report


def test_what_is_not_judged_is_told():
    text = str(rg.check(rg.Task.isotropic(40, noise=0.1), ridge(0.0), [38, 60], trials=20))
    assert "granted" in text and "not judged" in text


def test_the_usual_split():
    curve = rg.predict(rg.Task.isotropic(10, noise=0.5), ridge([0.1, 3.0]), [15, 30])
    assert np.all(curve.irreducible == 0.5)
    assert np.allclose(curve.bias + curve.variance_with_noise + curve.irreducible, curve.test, rtol=1e-14)
    assert np.all(curve.variance_with_noise > curve.variance)


def test_constants_are_those_of_the_scale_study():
    """1, or the error over the figure with two standard errors, in halves, where that is more."""
    study = importlib.util.spec_from_file_location("scale", ROOT / "docs" / "scale.py")
    scale = importlib.util.module_from_spec(study)
    study.loader.exec_module(scale)
    results = json.loads(scale.RESULTS.read_text())
    for row in METHODS:
        fits = [scale.fitted(rows) for name, rows in results.items() if name.split(",")[0] == row.name]
        most = max((abs(fit["ratio"]) + 2.0 * fit["ratio_se"] for fit in fits), default=1.0)
        assert row.finite_size == max(1.0, math.ceil(2.0 * most) / 2.0 if most > 1.0 else 1.0), row.name
    assert scale.table(results) in scale.PAGE.read_text()
