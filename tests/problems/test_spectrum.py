"""Named spectra and tasks: sums, moments, tails, targets, and the eigenstructure of real data."""

import math

import mpmath
import numpy as np
import pytest

import rfgen as rg
from tests.oracles.scalar import exact_risk


@pytest.mark.parametrize("alpha", [1.05, 1.5, 3.0, 8.0])
def test_infinite_power_law_traces(alpha):
    spectrum = rg.Spectrum.power_law(alpha)
    assert spectrum.trace == pytest.approx(float(mpmath.zeta(alpha)), rel=3e-15)
    squares = np.sum(spectrum.multiplicity * spectrum.eigenvalues**2)
    assert squares == pytest.approx(float(mpmath.zeta(2 * alpha)), rel=3e-15)
    assert spectrum.infinite and spectrum.rank == math.inf
    assert spectrum.power_law_target(1.3).sum() == pytest.approx(float(mpmath.zeta(1.3)), rel=3e-15)


def test_infinite_log_power_law_trace():
    # Euler-Maclaurin in 30 digits
    with mpmath.workdps(30):
        def f(i):
            return 1 / (i * mpmath.log(i + 1) ** 2)

        start = 2000
        head = mpmath.fsum(f(mpmath.mpf(i)) for i in range(1, start))
        edges = [mpmath.mpf(start) * mpmath.mpf(10) ** (4 * j) for j in range(60)]
        # beyond the last edge log(i + 1) = log(i) to 30 digits, and the integral is 1 / log
        tail = mpmath.quad(f, edges) + 1 / mpmath.log(edges[-1])
        exact = head + tail + f(start) / 2 - mpmath.diff(f, start) / 12 + mpmath.diff(f, start, 3) / 720
    assert rg.Spectrum.log_power_law(2.0).trace == pytest.approx(float(exact), rel=1e-13)


@pytest.mark.parametrize("n", [1.0, 1e3, 1e6, 1e9])
def test_infinite_tail_keeps_the_scaling_law(n):
    """Ridgeless kernel regression at alpha = 2: sum 1/(1 + kappa i^2) = n in closed form, (pi/sqrt(kappa) coth - 1)/2."""
    kappa = float(rg.predict(rg.Task.power_law(2.0, 2.0), rg.Learner(rg.Ridge(0.0)), n).kappa)
    root = math.pi / math.sqrt(kappa)
    assert (root / math.tanh(root) - 1) / 2 == pytest.approx(n, rel=1e-13)


def test_finite_laws():
    index = np.arange(1.0, 51.0)
    assert np.allclose(rg.Spectrum.power_law(1.2, 50).eigenvalues, index**-1.2, rtol=1e-14)
    assert np.allclose(rg.Spectrum.log_power_law(2.0, 50).eigenvalues, 1 / (index * np.log(index + 1) ** 2), rtol=1e-13)
    assert np.allclose(rg.Spectrum.exponential(0.3, 50).eigenvalues, np.exp(-0.3 * index), rtol=1e-13)
    infinite = rg.Spectrum.exponential(0.3)
    assert infinite.infinite
    assert infinite.trace == pytest.approx(1 / math.expm1(0.3), rel=1e-14)


@pytest.mark.parametrize("task", [rg.Task.exponential(1.0, 1.5, 0.5), rg.Task.power_law(100.0, 1.5, 0.5)])
def test_power_beyond_what_a_double_holds_is_kept(task):
    """Modes whose eigenvalues underflow still carry target power, never learned; past them the curve says so."""
    assert task.null_risk == pytest.approx(float(mpmath.zeta(1.5)) + 0.5, rel=1e-13)
    curve = rg.predict(task, rg.Learner(rg.Ridge(1.0)), [100, 1e4])
    # the oracle on the modes a double holds, the power of all others unlearnable
    index = np.arange(1.0, 601.0)
    eigenvalues = np.exp(-index) if task.name == "exponential" else index**-100.0
    beyond = float(mpmath.zeta(1.5, 601))
    exact = exact_risk(list(eigenvalues), list(index**-1.5), 0.5, 100.0, math.inf, 1.0, null_power=beyond)
    assert float(curve.test[0]) == pytest.approx(float(exact["test"]), rel=1e-11)
    assert curve.converged.values.tolist() == [True, False] and np.isnan(curve.test[1])
    assert "not resolved" in curve.attrs["failures"]


def test_subnormal_eigenvalues_are_zeros():
    task = rg.Task([1.0, 1e-310], [1.0, 0.5], 0.1)
    assert task.spectrum.rank == 1
    curve = rg.predict(task, rg.Learner(rg.Ridge(0.0)), [5, 50])
    assert curve.test.values == pytest.approx((0.5 + 0.1) * np.array([5 / 4, 50 / 49]))


def test_levels():
    two = rg.Spectrum.two_level((20, 300), (1.0, 0.1))
    assert two.rank == 320 and two.trace == pytest.approx(50.0)
    spiked = rg.Spectrum.spiked(100, [5.0, 9.0], bulk=0.5)
    assert spiked.eigenvalues.tolist() == [9.0, 5.0, 0.5] and spiked.multiplicity.tolist() == [1, 1, 98]
    assert spiked.power_law_target(2.0) == pytest.approx([1.0, 0.25, np.sum(np.arange(3.0, 101.0) ** -2)])


def test_levels_are_their_modes():
    levels = rg.Task([1.0, 0.2], [0.8, 0.6], 0.1, multiplicity=[3, 40])
    modes = rg.Task([1.0] * 3 + [0.2] * 40, [0.8, 0, 0, *([0.6 / 40] * 40)], 0.1)
    learner = rg.Learner(rg.Ridge([0.0, 0.1]), features=[10, np.inf])
    for name in ("test", "train", "bias", "norm"):
        left, right = rg.predict(levels, learner, [5, 30]), rg.predict(modes, learner, [5, 30])
        assert left[name].values == pytest.approx(right[name].values, rel=1e-13)


@pytest.mark.parametrize("ratio", [0.25, 1.0, 4.0])
def test_marchenko_pastur_moments(ratio):
    spectrum = rg.Spectrum.marchenko_pastur(ratio, 20_000)
    mean, square = spectrum.eigenvalues.mean(), (spectrum.eigenvalues**2).mean()
    assert mean == pytest.approx(1.0, rel=2e-4) and square == pytest.approx(1 + ratio, rel=1e-3)
    edge = (1 + math.sqrt(ratio)) ** 2
    assert spectrum.eigenvalues[0] <= edge and spectrum.eigenvalues[0] > 0.99 * edge
    assert np.mean(spectrum.eigenvalues == 0) == pytest.approx(max(0.0, 1 - 1 / ratio), abs=1e-4)


def test_unsorted_input_keeps_power_with_its_eigenvalue():
    task = rg.Task([0.1, 1.0, 0.5], [3.0, 1.0, 2.0])
    assert task.eigenvalues.tolist() == [1.0, 0.5, 0.1] and task.power.tolist() == [[1.0, 2.0, 3.0]]


def test_arrays_are_copied_and_frozen():
    values, power = np.array([1.0, 0.5]), np.array([1.0, 1.0])
    task = rg.Task(values, power, 0.1)
    before = float(rg.predict(task, rg.Learner(rg.Ridge(0.1)), 3).test)
    values[0] = power[0] = 100.0
    assert float(rg.predict(task, rg.Learner(rg.Ridge(0.1)), 3).test) == before
    assert task.eigenvalues[0] == 1.0 and task.power[0, 0] == 1.0
    with pytest.raises(ValueError, match="read-only"):
        task.power[0, 0] = 2.0
    ridges = np.array([0.1, 1.0])
    ridge = rg.Ridge(ridges)
    ridges[0] = 5.0
    assert ridge.ridge[0] == 0.1


def test_kernel_and_features_are_one_task():
    """A kernel matrix and features whose inner products it holds have one spectrum, one curve, one population."""
    rng = np.random.default_rng(0)
    features, labels = rng.standard_normal((60, 8)), rng.standard_normal((60, 2))
    by_kernel, by_features = rg.Task.from_kernel(features @ features.T, labels), rg.Task.from_features(features, labels)
    assert by_kernel.eigenvalues == pytest.approx(by_features.eigenvalues, rel=1e-10)
    assert by_kernel.power == pytest.approx(by_features.power, rel=1e-8)
    assert by_kernel.null_power == pytest.approx(by_features.null_power, rel=1e-10)
    total = by_kernel.power.sum(axis=1) + by_kernel.null_power
    assert total == pytest.approx(np.mean(labels**2, axis=0), rel=1e-12)
    rows = by_kernel.population.coordinates
    assert rows @ rows.T == pytest.approx(features @ features.T, abs=1e-10)


def test_full_rank_kernel_leaves_nothing_unlearnable():
    inputs, labels = rg.datasets.digits()
    unit = inputs[:300] / np.linalg.norm(inputs[:300], axis=1, keepdims=True)
    task = rg.Task.from_kernel(rg.GaussianKernel(0.5)(np.clip(unit @ unit.T, -1, 1)), labels[:300])
    assert task.spectrum.rank == 300 and task.null_power.tolist() == [0.0]
    assert task.power.sum() == pytest.approx(1.0)


def test_kernel_eigenvalues_are_those_of_kernel_over_n():
    kernel = np.diag([4.0, 2.0, 0.0])
    task = rg.Task.from_kernel(kernel, [1.0, 2.0, 3.0])
    assert task.eigenvalues == pytest.approx([4 / 3, 2 / 3])
    assert task.power[0] == pytest.approx([1 / 3, 4 / 3]) and task.null_power[0] == pytest.approx(3.0)


def test_representations_say_what_is_learned():
    assert repr(rg.Task.power_law(1.5, 1.2, 0.3)) == "Task.power_law(alpha=1.5, beta=1.2, modes=None, noise=0.3)"
    assert repr(rg.Spectrum.isotropic(3)) == "Spectrum.isotropic(dim=3, scale=1)"
    assert repr(rg.Spectrum([1.0, 2.0])) == "Spectrum(modes=2, eigenvalues=2 ... 1)"
    assert repr(rg.Task([1.0], [1.0], 0.5)) == "Task(modes=1, eigenvalues=1, noise=0.5)"


@pytest.mark.parametrize("target", ["parity", "classes", "digit"])
def test_digits(target):
    inputs, labels = rg.datasets.digits(target)
    assert inputs.shape == (1797, 64) and inputs.min() == 0.0 and inputs.max() == 1.0
    assert labels.shape == ((1797, 10) if target == "classes" else (1797,))


def test_digits_are_scikit_learns():
    from sklearn.datasets import load_digits

    inputs, labels = rg.datasets.digits("digit")
    assert np.array_equal(inputs * 16, load_digits().data) and np.array_equal(labels, load_digits().target)


def test_feature_maps():
    x = np.random.default_rng(0).standard_normal((4000, 3))
    for activation in ("relu", "tanh", "erf", "cos", "sign", "gelu", "linear", np.square):
        features = rg.RandomFeatureMap(50, activation, seed=3)(x)
        assert features.shape == (4000, 50) and np.isfinite(features).all()
        assert np.array_equal(features, rg.RandomFeatureMap(50, activation, seed=3)(x))
        assert not np.array_equal(features, rg.RandomFeatureMap(50, activation, seed=4)(x))
    # E over features of relu(w.x) relu(w.x') is half the first arc-cosine kernel of variance |x||x'|/3
    unit = x[:2] / np.linalg.norm(x[:2], axis=1, keepdims=True)
    wide = rg.RandomFeatureMap(200_000, "relu", seed=0)(unit)
    exact = rg.NNGP("relu")(np.clip(unit @ unit.T, -1, 1)) / 6
    assert wide @ wide.T == pytest.approx(exact, rel=0.03)


@pytest.mark.parametrize("depth", [1, 2, 5])
def test_tangent_kernel_is_not_normalised(depth):
    """The convention row `NTK`: one unit for each layer, the output's included."""
    assert float(rg.NTK("relu", depth=depth)(np.ones(1))[0]) == pytest.approx(depth + 1, rel=1e-14)
    assert float(rg.NNGP("relu", depth=depth)(np.ones(1))[0]) == pytest.approx(1.0, rel=1e-14)
