"""Classes of unequal size: one class is plain descent, many samples are the population's, repeated settings agree."""

import jax
import numpy as np
import pytest

import rfgen as rg
from rfgen.systems.class_imbalance.problem import GaussianMixture
from rfgen.systems.class_imbalance.theory import class_imbalance, time_domain

WEIGHTINGS = ("plain", "balanced", "normalised")
CURVES = ("test", "train", "squared_gradient")
# Opposite means and a bias; the figure shows the same.
PAIR = GaussianMixture([160, 40], [1.0, -1.0], [[4 / 120], [6.76 / 120]], [[1.5], [-1.5]], [120], bias=True)
STEPS = 40


def distance(found, expected):
    return max(np.max(np.abs(getattr(found, name) - getattr(expected, name))) for name in CURVES)


def mixture(**change):
    given = {
        "counts": [60, 20], "labels": [1.0, -1.0], "variances": [[0.3, 0.1], [0.2, 0.2]],
        "means": [[0.7, 0.0], [-0.5, 0.4]], "multiplicities": [3, 20], "bias": True,
    }
    return GaussianMixture(**{**given, **change})


@pytest.mark.parametrize(("n", "momentum"), [(30, 0.0), (80, 0.0), (80, 0.6)])
def test_labels_of_noise_are_the_engine_of_one_class(n, momentum):
    """Inputs of mean zero know nothing of a constant label: the same as a task of label noise alone, on contours."""
    eigenvalues, rate, steps = 2.0 * np.arange(1, 41) ** -1.1, 0.3, [1, 3, 10, 40]
    alone = GaussianMixture([n], [1.3], [eigenvalues], [np.zeros(40)])
    method = rg.HeavyBall(rate, momentum, steps) if momentum else rg.GradientDescent(rate, steps)
    expected = rg.predict(rg.Task(eigenvalues, np.zeros(40), noise=1.3**2), rg.Learner(method), n)
    found = class_imbalance(alone, rate, STEPS, momentum=momentum)
    for name in ("test", "train"):
        # measured worst 4e-12
        assert np.max(np.abs(getattr(found, name)[0, steps] - expected[name].values)) < 1e-11


def test_classes_of_mean_zero_are_one_class_when_alike():
    eigenvalues = 2.0 * np.arange(1, 41) ** -1.1
    alone = GaussianMixture([80], [1.3], [eigenvalues], [np.zeros(40)])
    halves = GaussianMixture([60, 20], [1.3, -1.3], [eigenvalues] * 2, np.zeros((2, 40)))
    whole, parts = (class_imbalance(each, 0.3, STEPS) for each in (alone, halves))
    for name in ("test", "train"):
        assert np.max(np.abs(getattr(parts, name) - getattr(whole, name))) < 1e-12


def population(each, rate, steps, weighting, momentum):
    """Descent of the mean weights, explicitly, in the features along which the means lie."""
    means = np.hstack([each.means, np.ones((2, 1))])
    variances = np.hstack([each.variances, np.zeros((2, 1))])
    w, velocity, curves = np.zeros(means.shape[1]), 0.0, []
    for _ in range(steps + 1):
        residual = each.labels - means @ w
        gradients = means * residual[:, None] - variances * w
        test = residual**2 + variances @ (w * w)
        squares = (gradients**2).sum(axis=1)
        curves.append([test, test, squares])
        weights = {"plain": each.counts / each.counts.sum(), "balanced": np.full(2, 0.5), "normalised": squares**-0.5}
        velocity = momentum * velocity + rate * weights[weighting] @ gradients
        w = w + velocity
    return np.moveaxis(np.array(curves), 0, -1)


@pytest.mark.parametrize("momentum", [0.0, 0.4])
@pytest.mark.parametrize("weighting", WEIGHTINGS)
def test_many_samples_are_the_population(weighting, momentum):
    errors = []
    for n in (10**6, 10**8):
        each = mixture(counts=[3 * n, n])
        found = class_imbalance(each, 0.02, 30, weighting, momentum)
        expected = population(each, 0.02, 30, weighting, momentum)
        errors.append(np.max(np.abs(np.stack([getattr(found, name) for name in CURVES]) - expected)))
    # measured 4.6e-8, mostly the tr S / n of the first gradient
    assert errors[1] < 1e-7 and 50 < errors[0] / errors[1] < 200


@pytest.mark.parametrize("weighting", WEIGHTINGS)
def test_start(weighting):
    found = class_imbalance(PAIR, 0.01, 0, weighting)
    np.testing.assert_allclose(found.test[:, 0], 1.0, rtol=1e-14)
    np.testing.assert_allclose(found.train[:, 0], 1.0, rtol=1e-14)
    # |m|^2 + bias + tr S / n
    np.testing.assert_allclose(found.squared_gradient[:, 0], 3.25 + np.array([4.0, 6.76]) / PAIR.counts, rtol=1e-12)


@pytest.mark.parametrize("weighting", WEIGHTINGS)
def test_levels_may_be_split(weighting):
    whole = mixture()
    parts = mixture(
        variances=[[0.3, 0.3, 0.1, 0.1], [0.2, 0.2, 0.2, 0.2]], means=[[0.7, 0.0, 0.0, 0.0], [-0.5, 0.0, 0.0, 0.4]],
        multiplicities=[1, 2, 13, 7],
    )
    assert distance(*(class_imbalance(each, 0.02, STEPS, weighting, 0.3) for each in (whole, parts))) < 1e-12


def test_rotated_means_change_nothing():
    """Two directions of equal variance: turning the means within them is a change of coordinates."""
    turn, means = np.array([[0.6, 0.8], [-0.8, 0.6]]), np.array([[0.7, 0.2], [-0.5, 0.4]])
    same = {"variances": [[0.3, 0.3, 0.1], [0.2, 0.2, 0.2]], "multiplicities": [1, 1, 20]}
    made = (mixture(means=np.hstack([given, np.zeros((2, 1))]), **same) for given in (means, means @ turn))
    assert distance(*(class_imbalance(each, 0.02, STEPS, "normalised") for each in made)) < 1e-12


def test_order_and_sign_of_classes():
    found = class_imbalance(mixture(), 0.02, STEPS, "normalised")
    turned = class_imbalance(
        mixture(
            counts=[20, 60], labels=[1.0, -1.0], variances=[[0.2, 0.2], [0.3, 0.1]], means=[[-0.5, 0.4], [0.7, 0.0]]
        ), 0.02, STEPS, "normalised",
    )
    for name in CURVES:
        assert np.max(np.abs(getattr(found, name)[::-1] - getattr(turned, name))) < 1e-12


def test_balanced_is_plain_for_equal_counts_and_a_shorter_run_is_its_start():
    equal = mixture(counts=[40, 40])
    plain = class_imbalance(equal, 0.2, STEPS)
    assert distance(plain, class_imbalance(equal, 0.2, STEPS, "balanced")) < 1e-13
    short = class_imbalance(equal, 0.2, 7)
    for name in CURVES:
        assert np.max(np.abs(getattr(short, name) - getattr(plain, name)[:, :8])) < 1e-14


def test_the_force_is_the_rule_of_its_gradient():
    rate, counts = 0.01, PAIR.counts
    found = time_domain(PAIR, 30, lambda squares: rate / (counts * np.sqrt(squares)))
    np.testing.assert_allclose(found.force, rate / (counts[:, None] * np.sqrt(found.gradient)), rtol=1e-13)
    # the same steps, given in advance, make the same curves
    given = iter(found.force.T)
    again = time_domain(PAIR, 30, lambda squares: next(given))
    np.testing.assert_array_equal(found.test, again.test)


@pytest.mark.parametrize(("rate", "least", "most"), [(0.03, 9, 13), (0.015, 20, 24), (0.008, 40, 45)])
def test_the_normalised_curve_is_marked_before_its_gradient_vanishes(rate, least, most):
    found = class_imbalance(PAIR, rate, 59, "normalised")
    assert least <= found.valid_until <= most
    assert (found.valid == (np.arange(60) <= found.valid_until)).all()
    # nothing is clipped
    assert np.isfinite(found.test).all()
    assert class_imbalance(PAIR, rate, 59).valid.all()


def test_many_samples_leave_the_length_of_a_step():
    """Without differences between draws the mark is where one step would cross the minimum."""
    many = GaussianMixture(PAIR.counts * 10**4, PAIR.labels, PAIR.variances, PAIR.means, [120], bias=True)
    found = class_imbalance(many, 0.03, 30, "normalised")
    assert 10 <= found.valid_until <= 14
    lengths = np.sqrt(found.squared_gradient[:, found.valid_until + 1])
    assert 0.03 * np.sum(3.25 / lengths) > 1.0


def test_what_diverges_is_marked():
    found = class_imbalance(PAIR, 20.0, 400)
    assert not found.valid[-1] and np.isnan(found.test[:, -1]).all()
    assert 0 < found.valid_until < 400 and np.isfinite(found.test[:, : found.valid_until + 1]).all()
    nothing = class_imbalance(mixture(labels=[0.0, 0.0]), 0.1, 3, "normalised")
    assert nothing.valid_until == -1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"counts": [0, 20]}, r"counts must be whole numbers >= 1, got \[0, 20\]"),
        ({"counts": [2.5, 20]}, "counts must be whole numbers >= 1"),
        ({"labels": [1.0]}, r"labels must have one entry per class \(2\), got shape \(1,\)"),
        ({"labels": [1.0, np.nan]}, "labels must be finite"),
        ({"variances": [[-0.3, 0.1], [0.2, 0.2]]}, "variances must be >= 0, got -0.3"),
        ({"variances": [[0.3, 0.1]]}, r"variances must have one row per class \(2\), got shape \(1, 2\)"),
        ({"variances": [0.3, 0.1]}, "variances must have 2 dimension"),
        ({"means": [[0.7], [-0.5]]}, r"means must have the shape of variances, \(2, 2\), got \(2, 1\)"),
        ({"multiplicities": [3]}, r"multiplicities must have one entry per level \(2\), got shape \(1,\)"),
        ({"multiplicities": [3, 0]}, "multiplicities must be whole numbers >= 1"),
        ({"bias": 1}, "bias must be True or False, got 1"),
    ],
)
def test_bad_mixture(change, message):
    with pytest.raises(ValueError, match=message):
        mixture(**change)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rate": 0.0}, "rate must be > 0, got 0.0"),
        ({"rate": np.inf}, "rate must be finite"),
        ({"steps": 2.5}, "steps must be an integer >= 0, got 2.5"),
        ({"steps": -1}, "steps must be an integer >= 0, got -1"),
        ({"weighting": "fair"}, "weighting must be one of plain, balanced, normalised, got 'fair'"),
        ({"momentum": 1.0}, "momentum must be < 1, got 1.0"),
        ({"momentum": -0.1}, "momentum must be >= 0"),
    ],
)
def test_bad_input(change, message):
    with pytest.raises(ValueError, match=message):
        class_imbalance(PAIR, **{"rate": 0.1, "steps": 3, **change})


def test_needs_no_double_precision_scope():
    with jax.enable_x64(False):
        assert class_imbalance(PAIR, 0.1, 2).test.dtype == np.float64
