"""Kernels of two arrays of inputs: wide random networks, closed forms, gradients; and functions of the user's."""

import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import rfgen as rg
from rfgen.problems.own_functions import HostFunction

KERNELS = [
    rg.NNGP("relu", 2, 0.1), rg.NNGP("erf", 2), rg.NTK("relu", 3, 0.3), rg.NTK("erf", 2, 0.2), rg.GaussianKernel(0.7),
    rg.LaplaceKernel(0.7), rg.PolynomialKernel(3),
]
INPUTS = np.random.default_rng(0).normal(size=(12, 3)) * [[0.3]] + np.arange(12)[:, None] % 3


def network(inputs, activation, depth, bias, width, rng):
    """One draw of outputs (points, width) and of the tangent kernel (points, points), by hand: no code of the package."""
    if activation == "relu":
        sigma, slope = (lambda u: math.sqrt(2) * np.maximum(u, 0)), (lambda u: math.sqrt(2) * (u > 0))
    else:
        sigma = np.vectorize(math.erf, otypes=[float])
        slope = lambda u: 2 / math.sqrt(math.pi) * np.exp(-u * u)  # noqa: E731
    hidden, tangent, slopes, layers = inputs, 0.0, [], []
    for layer in range(depth):
        weights = rng.normal(size=(hidden.shape[1], width)) / (math.sqrt(width) if layer else 1.0)
        u = hidden @ weights + math.sqrt(bias) * rng.normal(size=width)
        layers.append((hidden / (math.sqrt(width) if layer else 1.0), weights))
        hidden, own = sigma(u), slope(u)
        slopes.append(own)
    outer = rng.normal(size=width) / math.sqrt(width)
    tangent = hidden @ hidden.T / width + bias
    back = np.broadcast_to(outer, hidden.shape)
    for (before, weights), own in zip(reversed(layers), reversed(slopes), strict=True):
        back = back * own  # derivative of the output by pre-activations, (points, width)
        tangent = tangent + (back @ back.T) * (before @ before.T + bias)
        back = back @ weights.T
    return hidden @ hidden.T / width + bias, tangent


@pytest.mark.parametrize(("activation", "depth", "bias"), [("relu", 1, 0.0), ("relu", 2, 0.3), ("erf", 2, 0.2)])
def test_wide_networks(activation, depth, bias):
    """Twelve draws of width 1,200: entries within 5 standard errors and 2/width of the largest."""
    inputs, rng, width = INPUTS[:4], np.random.default_rng(1), 1200
    draws = np.array([network(inputs, activation, depth, bias, width, rng) for _ in range(12)])
    mean, error = draws.mean(axis=0), draws.std(axis=0, ddof=1) / 12**0.5
    for measured, spread, kind in zip(mean, error, (rg.NNGP, rg.NTK), strict=True):
        exact = kind(activation, depth, bias)(inputs, inputs)
        assert (abs(measured - exact) < 5 * spread + 2 / width * exact.max()).all(), kind


@pytest.mark.parametrize("kernel", KERNELS, ids=repr)
def test_one_kernel_in_two_forms(kernel):
    unit = INPUTS / np.linalg.norm(INPUTS, axis=1, keepdims=True)
    cosines = np.where(np.eye(12, 5), 1.0, unit @ unit[:5].T)
    assert np.allclose(kernel(unit, unit[:5]), kernel(cosines), rtol=0, atol=1e-12 * kernel(1.0))
    assert np.allclose(np.diag(kernel(unit, unit)), kernel(1.0), rtol=1e-13)  # rows that repeat, to the last digit
    matrix = kernel(INPUTS, INPUTS)
    assert np.linalg.eigvalsh(matrix).min() > -1e-13 * np.trace(matrix)
    assert np.array_equal(kernel(INPUTS[:, 0], INPUTS[:2, 0]), kernel(INPUTS[:, :1], INPUTS[:2, :1]))
    with jax.enable_x64(True):
        assert np.allclose(kernel(jnp.asarray(INPUTS), jnp.asarray(INPUTS)), matrix, rtol=1e-13, atol=1e-16)


def test_lengths_are_factors_of_relu_kernels():
    x = np.array([[2.0, 0.0], [0.0, 0.5], [0.0, 0.0]])
    assert rg.NTK("relu", depth=2)(x, x)[0, 0] == pytest.approx(12.0) and rg.NTK("relu")(x, x)[2].tolist() == [0, 0, 0]
    assert rg.NNGP("relu")(x, x)[0, 1] == pytest.approx(1.0 / math.pi)  # |x| |z| / pi at a right angle
    assert np.allclose(rg.NTK("relu", 3)(1e100 * x, x), 1e100 * rg.NTK("relu", 3)(x, x), rtol=1e-14)


@pytest.mark.parametrize("kernel", [rg.NTK("relu", 2, 0.3), rg.LaplaceKernel(0.7), rg.NTK("tanh", 1, 0.2)], ids=repr)
def test_gradients(kernel):
    """By finite differences, on the diagonal too, where inputs of a kernel matrix meet themselves; both modes."""
    x, step, direction = INPUTS[:4], 1e-6, np.random.default_rng(2).normal(size=(4, 3))

    @jax.jit
    def slopes(x, along):
        def of(x):
            return jnp.sum(kernel(x, x) ** 2)

        both = jnp.sum(jax.grad(of)(x) * along), jax.jvp(of, (x,), (along,))[1]
        return jnp.stack([*both, (of(x + step * along) - of(x - step * along)) / (2 * step)])

    with jax.enable_x64(True):
        backward, forward, differences = np.asarray(slopes(jnp.asarray(x), jnp.asarray(direction)))
    assert backward == pytest.approx(forward, rel=1e-10) and backward == pytest.approx(differences, rel=1e-6)


def _two_roots(x):
    return math.sqrt(2) * jnp.maximum(x, 0.0)


@pytest.mark.parametrize(
    ("function", "name", "values", "near"), [(jax.scipy.special.erf, "erf", 1e-14, 4e-7), (_two_roots, "relu", 1e-8, 0.011)]
)
def test_any_activation(function, name, values, near):
    """Hermite coefficients against closed forms: at cosines, of inputs of any length, and of rows with themselves."""
    cosines = np.linspace(-0.95, 0.95, 9)
    for kind in (rg.NNGP, rg.NTK):
        ours, closed = (kind(each, 2, 0.1) for each in (function, name))
        assert np.allclose(ours(cosines), closed(cosines), rtol=0, atol=(1 if kind is rg.NNGP else 1e3) * values)
        matrix, known = ours(INPUTS, INPUTS), closed(INPUTS, INPUTS)
        assert np.allclose(matrix, known, rtol=near) and np.allclose(np.diag(matrix), np.diag(known), rtol=1e-13)


def test_closed_forms_of_other_activations():
    assert rg.NNGP("cos")(0.5) == pytest.approx(math.exp(-1) * math.cosh(0.5), rel=1e-14)
    assert rg.NNGP("sign")(np.array([0.5, 1.0])) == pytest.approx([1 / 3, 1.0], rel=1e-12)  # 2 asin(t)/pi
    assert rg.NTK("linear", 3)(0.3) == pytest.approx(1.2) and rg.NNGP(np.tanh)(0.5) == rg.NNGP("tanh")(0.5)


def test_gradients_at_the_ends():
    """dK/dt of ReLU networks is a product of 1 - angle/pi over layers: 1 at t = 1; that of their tangent kernel inf."""
    with jax.enable_x64(True):
        for depth in (1, 3):
            slope = jax.jit(jax.vmap(jax.grad(rg.NNGP("relu", depth))))(jnp.array([1.0, -1.0, 1.0 - 1e-9]))
            assert np.allclose(slope, [1.0, 0.0, 1.0], rtol=0, atol=[0, 0, 1e-4])
        assert float(jax.grad(rg.NTK("relu", 2))(1.0)) == math.inf
        slope = jax.jit(jax.vmap(jax.grad(rg.NNGP("cos"))))(jnp.array([1.0, -1.0]))
        assert np.allclose(slope, [math.sinh(1) / math.e, -math.sinh(1) / math.e], rtol=1e-13)  # E[sin u sin v]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: rg.NTK("relu", 2)(4.0), r"t must be cosines, between -1 and 1, got 4: give inputs twice, kernel\(X, X\)"),
        (lambda: rg.NTK("sign"), r"activation must be continuous for a tangent kernel.*rg\.NNGP"),
        (lambda: rg.NTK(np.tanh), r"activation must be written with jax\.numpy"),
        (lambda: rg.NTK()(INPUTS, INPUTS[:, :2]), r"x and z must have as many coordinates, got shapes .* and \(12, 2\)"),
        (lambda: rg.NNGP()(INPUTS, np.nan * INPUTS), "z must be finite, got nan"),
        (lambda: rg.LaplaceKernel(1.0)(1e200 * INPUTS, INPUTS), r"x must hold numbers below 1e\+150"),
        (lambda: rg.Task.gaussian_inputs([1.0], math.tanh, [1.0]), "activation must be a function of an array"),
        (lambda: rg.RandomFeatureMap(5, lambda x: x.sum()), r"activation must map arrays .*got shape \(\) from \(2, 7\)"),
        (lambda: rg.Task.sphere(5, lambda t: t if t > 0 else -t, {}), r"kernel must be a function of an array .*np\.where"),
        (lambda: rg.Task.gaussian_inputs(np.eye(3), "relu", [1.0] * 3), r"variances must be .*got shape \(3, 3\).*eigh"),
        (lambda: rg.learning_curve(INPUTS, INPUTS[:, 0], kernel="rbf"), "kernel must be a function of 2 arrays"),
        (lambda: rg.sensitivity(20, 30, 40, activation=np.sin), r"activation must be written with jax\.numpy"),
    ],
)
def test_refused_in_words(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_a_function_without_a_hash():
    class Steep:
        __hash__ = None

        def __call__(self, x):
            return jnp.tanh(3 * x)

    with pytest.raises(ValueError, match="activation must be hashable"):
        rg.Task.gaussian_inputs([1.0], Steep(), [1.0])


def test_functions_of_numpy_are_called_back():
    """Ufuncs twice: JAX ends the process where one is traced a second time.  The same numbers as with JAX's."""
    learner, rest = rg.Learner(rg.Ridge(0.1), features=8), {"n": 12, "trials": 2}
    for of in (np.tanh, np.tanh, lambda x: np.tanh(x)):  # noqa: PLW0108
        mine, there = (rg.Task.gaussian_inputs(np.ones(6), f, np.ones(6) / 6) for f in (of, jnp.tanh))
        runs = [float(rg.simulate(task, learner, **rest).test) for task in (mine, there)]
        assert runs[0] == pytest.approx(runs[1])
    kernels = (np.exp, jnp.exp)
    runs = [rg.simulate(rg.Task.sphere(4, f, {1: 1.0}, test_points=40), rg.Learner(rg.Ridge(0.1)), **rest) for f in kernels]
    assert float(runs[0].test) == pytest.approx(float(runs[1].test), rel=1e-6)
    with jax.enable_x64(True):  # in a program, to the last digit, whatever thread calls back
        values = jnp.linspace(-1.0, 1.0, 1 << 16)
        assert np.array_equal(jax.jit(HostFunction(np.exp))(values), np.exp(np.asarray(values)))


def test_one_dimension_and_own_data():
    x = np.linspace(-2.0, 2.0, 40)
    curve = rg.learning_curve(x, np.sin(3 * x), n=[20, 40], ridge=0.1, kernel=rg.NTK("relu", bias=0.5))
    assert (curve.test < 0.5).all()
    task = rg.Task.from_kernel(rg.NTK("relu", bias=0.5)(x, x), np.sin(3 * x))
    assert task.spectrum.trace == pytest.approx(np.mean(functools.partial(rg.NTK("relu", bias=0.5), x)(x).diagonal()))
