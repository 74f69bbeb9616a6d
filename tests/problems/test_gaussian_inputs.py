"""The Hermite split against closed kernels, and Task.gaussian_inputs against tasks that say the same in another way."""

import math

import jax.numpy as jnp
import numpy as np
import pytest

import rfgen as rg
from rfgen.problems.augmentations import (
    Compose,
    Crop,
    Dropout,
    Flip,
    Gain,
    GaussianNoise,
    LabelSmoothing,
    Mask,
    Mixup,
    SaltAndPepper,
)  # fmt: skip
from rfgen.problems.kernels.hermite import hermite_split

DIM = 40
VARIANCES = np.random.default_rng(3).uniform(0.3, 1.8, DIM)
POWER = np.random.default_rng(4).exponential(size=DIM) / DIM
RISKS = ("test", "train", "bias", "variance", "noise")
LEARNER = dict(training=rg.Ridge([1e-3, 0.1]), features=[25, 60, math.inf])


def arc_sine(q, r):
    """Williams 1997."""
    return 2 / np.pi * np.arcsin(2 * q * r / (1 + 2 * q))


def arc_cosine(q, r):
    """Cho and Saul 2009."""
    angle = np.arccos(r)
    return q / (2 * np.pi) * (np.sin(angle) + (np.pi - angle) * r)


CLOSED = {
    "erf": arc_sine,
    "relu": arc_cosine,
    "sign": lambda q, r: 2 / np.pi * np.arcsin(r),
    "cos": lambda q, r: np.exp(-q) * np.cosh(q * r),
    "linear": lambda q, r: q * r,
}


def curve(task, augmentation=None, n=50, **changes):
    return rg.predict(task, rg.Learner(augmentation=augmentation, **{**LEARNER, **changes}), n)


def assert_same(first, second, names=RISKS, rtol=1e-9):
    assert first.converged.all()
    for name in names:
        assert np.allclose(first[name], second[name], rtol=rtol, atol=1e-14), name


@pytest.mark.parametrize("activation", CLOSED)
@pytest.mark.parametrize("q", [0.05, 1.0, 9.0])
def test_split_of_closed_kernels(activation, q):
    exact = CLOSED[activation]
    for r in (0.0, 0.2, 0.9, 1 - 1e-6, 1 - 1e-12, 1.0):
        split = hermite_split(activation, q, r)
        for found, at in ((split.rest, 1.0), (split.shared, r)):
            total = split.constant**2 + split.linear**2 * at + found
            assert total == pytest.approx(exact(q, at), abs=1e-12 * (1 + q))
        # c_1^2 / q is the kernel's slope at 0
        slope = (exact(q, 1e-5) - exact(q, 0)) / 1e-5 if activation != "cos" else 0.0
        assert split.linear**2 == pytest.approx(slope, rel=1e-4, abs=1e-12)


def test_split_of_a_function_is_its_hermite_series():
    """h = 1 + z + 2 He_2/sqrt(2) + 3 He_3/sqrt(6) at unit variance: squared coefficients 1, 1, 4, 9."""

    def cubic(z):
        return 1.0 + z + 2.0 * (z**2 - 1.0) / math.sqrt(2.0) + 3.0 * (z**3 - 3.0 * z) / math.sqrt(6.0)

    split = hermite_split(cubic, 1.0, 0.6)
    assert np.allclose([split.constant, split.linear, split.rest, split.shared], [1, 1, 13, 4 * 0.36 + 9 * 0.216])


def test_levels_are_the_kernel():
    task = rg.Task.gaussian_inputs(VARIANCES, "relu", POWER, noise=0.1)
    q = VARIANCES.mean()
    assert task.spectrum.trace == pytest.approx(q / 2)  # E[relu(u)^2]
    assert task.eigenvalues[0] == pytest.approx(q / (2 * np.pi))  # of the constant: E[relu(u)]^2
    assert np.allclose(task.eigenvalues[1:-1], np.sort(VARIANCES)[::-1] / (4 * DIM))
    assert task.power.sum() == pytest.approx(POWER.sum()) and task.null_risk == pytest.approx(POWER.sum() + 0.1)
    assert repr(task) == "Task.gaussian_inputs(dim=40, activation='relu', noise=0.1)"


def test_a_linear_layer_is_the_task_of_its_inputs():
    task, modes = rg.Task.gaussian_inputs(VARIANCES, "linear", POWER, noise=0.1), rg.Task(VARIANCES / DIM, POWER, 0.1)
    assert_same(curve(task), curve(modes), (*RISKS, "norm"))

    def change(variance, **covariance):
        noises = [SaltAndPepper(0.8, 0.0), GaussianNoise(variance, **covariance)]
        return Compose([Mask(0.9), LabelSmoothing(0.1), *noises], [1, 3, math.inf])

    for covariance in ({}, {"covariance": VARIANCES**2}):
        first, second = (change(variance, **covariance) for variance in (0.7, 0.7 / DIM))
        assert_same(curve(task, first), curve(modes, second), (*RISKS, "norm"))


@pytest.mark.parametrize("activation", ["relu", "tanh", "sign"])
def test_no_change_is_no_augmentation(activation):
    task = rg.Task.gaussian_inputs(VARIANCES, activation, POWER, noise=0.1)
    for none in (Mask(1.0, [1, 4, math.inf]), GaussianNoise(0.0, [1, 4])):
        found = curve(task, none)
        for views in found.views.values:
            assert_same(found.sel(views=views), curve(task), (*RISKS, "norm"))


def test_two_forms_one_law():
    """Given a single pattern the views of a sample are a symmetric block: its mean and differences are the moment form."""
    task = rg.Task.gaussian_inputs(VARIANCES, "relu", POWER, noise=0.1)
    learner = rg.Learner(augmentation=Mask(0.7, 2), **LEARNER)
    assert_same(*(rg.predict(task, learner, 50, form=form) for form in ("moment", "pattern")), (*RISKS, "norm"))


def test_a_homogeneous_activation_passes_scales_on():
    """ReLU features of Dropout(0.3) are those of Mask(0.7) divided by 0.7: so are all predictions from views, by ridge."""
    task = rg.Task.gaussian_inputs(VARIANCES, "relu", POWER, noise=0.1)
    for views in (1, 4, math.inf):
        dropped = curve(task, Dropout(0.3, views), test_views=2)
        masked = curve(task, Mask(0.7, views), test_views=2, training=rg.Ridge(np.array([1e-3, 0.1]) * 0.49))
        assert np.allclose(dropped.test, masked.test, rtol=1e-9) and np.allclose(dropped.train, masked.train, rtol=1e-9)


def test_scaled_inputs_are_the_same_inputs():
    """Inputs and noise times 3 for tanh(x / 3) on them, in another order."""
    order = np.random.default_rng(0).permutation(DIM)
    noise = np.linspace(0, 2, DIM)
    change = Compose([Mask(0.8), GaussianNoise(0.3, covariance=noise)], 3)
    scaled = Compose([Mask(0.8), GaussianNoise(2.7, covariance=noise[order])], 3)
    first = rg.Task.gaussian_inputs(VARIANCES, "tanh", POWER, noise=0.1)
    second = rg.Task.gaussian_inputs(9 * VARIANCES[order], lambda x: jnp.tanh(x / 3.0), POWER[order], noise=0.1)
    for pair in ((None, None), (change, scaled)):
        assert_same(curve(first, pair[0]), curve(second, pair[1]), (*RISKS, "norm"))


def test_no_view_says_anything():
    found = curve(rg.Task.gaussian_inputs(VARIANCES, "tanh", POWER, noise=0.1), Mask(0.0, 2))
    assert np.allclose(found.test, POWER.sum() + 0.1) and np.allclose(found.train, POWER.sum() + 0.1)


def test_an_even_activation_learns_nothing_linear():
    task = rg.Task.gaussian_inputs(VARIANCES, "cos", POWER)
    for change in (None, Mask(0.7, 2)):
        assert np.allclose(curve(task, change, features=math.inf).bias, POWER.sum())


def test_many_outputs():
    powers = np.stack([POWER, POWER[::-1]])
    both = curve(rg.Task.gaussian_inputs(VARIANCES, "relu", powers, noise=0.1), Mask(0.7, 2))
    each = [curve(rg.Task.gaussian_inputs(VARIANCES, "relu", power, noise=0.1), Mask(0.7, 2)) for power in powers]
    assert np.allclose(both.test, each[0].test + each[1].test, rtol=1e-9)


@pytest.mark.parametrize("change", [Gain([0.5, 1.5]), Flip(), Mixup(0.4), Compose([Mask(0.5), Flip()])])
def test_refuses_what_moves_a_view_as_a_whole(change):
    task = rg.Task.gaussian_inputs(VARIANCES, "relu", POWER)
    with pytest.raises(ValueError, match=r"one by one .* use GaussianNoise, Mask, Dropout, SaltAndPepper"):
        curve(task, change)


def test_refuses_bad_input():
    with pytest.raises(ValueError, match="power must have one entry per variance"):
        rg.Task.gaussian_inputs(VARIANCES, "relu", POWER[1:])
    with pytest.raises(ValueError, match="variances must be > 0"):
        rg.Task.gaussian_inputs([1.0, 0.0], "relu", [1.0, 1.0])
    with pytest.raises(ValueError, match="activation must be one of"):
        rg.Task.gaussian_inputs(VARIANCES, "selu", POWER)
    with pytest.raises(ValueError, match="activation must not be 0 everywhere"):
        rg.Task.gaussian_inputs(VARIANCES, lambda x: 0.0 * x, POWER)
    with pytest.raises(ValueError, match="activation must be finite"):
        rg.Task.gaussian_inputs(VARIANCES, lambda x: jnp.exp(x**4), POWER)
    task = rg.Task.gaussian_inputs(np.ones(DIM), lambda x: x**2 - 1.0, POWER)
    with pytest.raises(ValueError, match="activation must have a constant part on the inputs"):
        curve(task, Mask(0.5))
    task = rg.Task.gaussian_inputs(VARIANCES, "relu", POWER)
    with pytest.raises(ValueError, match=r"covariance must have one entry per input \(40\), got 3"):
        curve(task, GaussianNoise(0.1, covariance=np.ones(3)))
    with pytest.raises(ValueError, match="Crop acts on inputs"):
        curve(task, Crop(1))
