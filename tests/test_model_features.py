"""`features_of` any model, and the tangent features of a network against its exact tangent kernel."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import rfgen as rg

X, Y = rg.datasets.digits()
WEIGHTS = np.random.default_rng(0).normal(size=(64, 6)) / 8.0


def layer(rows):
    return np.tanh(np.asarray(rows).reshape(len(rows), -1) @ WEIGHTS)


def network(params, rows):
    return jnp.tanh(rows @ params["in"]) @ params["out"][0] + params["out"][1]


def small_network():
    random = np.random.default_rng(1)
    return {
        "in": random.normal(size=(5, 7)), "out": (random.normal(size=(7, 2)), random.normal(size=2)), "steps": 3,
    }, random.normal(size=(7, 5))


def exact_kernel(params, rows):
    """By all derivatives, averaged over outputs."""
    given = {key: params[key] for key in ("in", "out")}
    slopes = jax.jacobian(lambda p: network(p, jnp.asarray(rows)))(given)
    flat = np.concatenate([np.asarray(leaf).reshape(len(rows), 2, -1) for leaf in jax.tree.leaves(slopes)], axis=2)
    return np.einsum("iop,jop->ij", flat, flat) / 2


def test_features_in_batches_are_features():
    expected = layer(X[:50])
    for batch in (1, 7, 50, 256):
        np.testing.assert_allclose(rg.features_of(layer, X[:50], batch=batch), expected, rtol=1e-12)
    seen = []

    def jitted(rows):
        seen.append(rows.shape)
        return jnp.tanh(rows @ WEIGHTS).reshape(len(rows), 2, 3)

    found = rg.features_of(jax.jit(jitted), X[:50], batch=20)
    assert seen == [(20, 64)] and found.dtype == np.float64  # one program, the last batch of 10 included
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_models_of_other_libraries():
    eqx, pandas = pytest.importorskip("equinox"), pytest.importorskip("pandas")
    preprocessing, pipeline = pytest.importorskip("sklearn.preprocessing"), pytest.importorskip("sklearn.pipeline")
    model = eqx.nn.MLP(64, 3, 8, 1, key=jax.random.key(0))
    hidden = rg.features_of(jax.vmap(model.layers[0]), X[:9].astype(np.float32), batch=4)
    np.testing.assert_allclose(hidden, X[:9] @ model.layers[0].weight.T + model.layers[0].bias, atol=1e-4)
    tangents = rg.tangent_features(lambda model, rows: jax.vmap(model)(rows), model, X[:9], directions=5, batch=4)
    assert tangents.shape == (9, 15) and np.isfinite(tangents).all()
    frame = pandas.DataFrame(X[:30, 18:24])
    piped = pipeline.make_pipeline(preprocessing.PolynomialFeatures(2), preprocessing.StandardScaler()).fit(frame)
    np.testing.assert_allclose(rg.features_of(piped.transform, frame, batch=8), piped.transform(frame), rtol=1e-12)
    rare = preprocessing.OneHotEncoder().fit(frame)
    np.testing.assert_array_equal(rg.features_of(rare.transform, frame, batch=8), rare.transform(frame).toarray())


class Tensor:
    """As much of a tensor of torch as is used; it refuses NumPy while it tracks derivatives."""

    def __init__(self, values, tracked=True):
        self.values, self.tracked, self.shape = np.asarray(values, np.float32), tracked, np.shape(values)

    def __getitem__(self, rows):
        return Tensor(self.values[rows], self.tracked)

    def __array__(self, dtype=None, copy=None):
        if self.tracked:
            raise RuntimeError("Can't call numpy() on Tensor that requires grad")
        return self.values

    def detach(self):
        return Tensor(self.values, tracked=False)

    def cpu(self):
        return self

    def is_floating_point(self):
        return True

    def double(self):
        return self


def test_a_tensor_is_detached():
    np.testing.assert_allclose(rg.features_of(lambda rows: rows, Tensor(X[:9]), batch=4), X[:9], rtol=1e-6)


def test_tangent_kernel_is_unbiased_and_its_error_falls_as_the_root():
    params, rows = small_network()
    exact = exact_kernel(params, rows)
    found = rg.tangent_features(network, params, rows, directions=7000, batch=3)
    # directions are independent: 100 estimates by 70 of them, 10 by 700
    errors = {}
    for parts in (100, 10):
        each = found.reshape(7, parts, -1)
        kernels = parts * np.einsum("ipd,jpd->pij", each, each)
        errors[parts] = np.sqrt(np.mean((kernels - exact) ** 2, axis=0))
        assert np.all(np.abs(kernels.mean(axis=0) - exact) < 4.0 * errors[parts] / np.sqrt(parts) + 1e-5)
    size = np.sqrt(np.outer(np.diag(exact), np.diag(exact)))
    assert 0.5 / np.sqrt(140) < np.mean(errors[100] / size) < 1.5 / np.sqrt(140)
    np.testing.assert_allclose(np.mean(errors[100]) / np.mean(errors[10]), np.sqrt(10), rtol=0.35)
    one, other = (rg.tangent_features(network, params, rows, directions=70, seed=seed) for seed in (0, 1))
    np.testing.assert_allclose(one * 70**0.5, found[:, :140] * 7000**0.5, rtol=1e-4, atol=1e-4)
    assert np.abs(one - other).max() > 0.1


def dropout():
    random = np.random.default_rng(0)
    return lambda rows: layer(rows) * random.integers(0, 2, 6)


@pytest.mark.parametrize(
    ("apply", "message"),
    [
        (dropout(), "apply must give the same features for a row in every call .* evaluation mode"),
        (lambda rows: rows - rows.mean(axis=0), "apply must give the same features .* any company"),
        (lambda rows: layer(rows)[0], r"row per input \(20, ...\), got shape \(6,\): .* jax.vmap a model of one input"),
        (lambda rows: (layer(rows), 0), "one array .* got tuple: choose one of several"),
        (lambda rows: layer(rows) / 0.0, "apply.inputs. must be finite, got"),
        (lambda rows: rows @ np.ones(3), "apply must take a batch of inputs .*it failed"),
        (WEIGHTS, "apply must be callable, got ndarray: .* model.transform"),
    ],
)
@pytest.mark.filterwarnings("ignore:divide by zero")
def test_refusals(apply, message):
    with pytest.raises(ValueError, match=message):
        rg.features_of(apply, X[:50], batch=20)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"params": {"a": 3}}, "params must hold arrays of floating point, got none"),
        ({"apply": lambda p, x: np.tanh(np.asarray(x) @ p["in"])}, "apply must be a JAX function .* it failed"),
        ({"apply": lambda p, x: p["in"]}, r"it failed: one row of outputs per input \(7\), got shape \(5, 7\)"),
        ({"directions": 0}, "directions must be an integer >= 1"),
        ({"apply": lambda p, x: jnp.sqrt(0.0 * x @ p["in"])}, "derivatives of apply must be finite"),
        ({"inputs": 3.0}, "inputs must hold at least one row"),
    ],
)
def test_refusals_of_tangents(given, message):
    params, rows = small_network()
    with pytest.raises(ValueError, match=message):
        rg.tangent_features(**{"apply": network, "params": params, "inputs": rows, "directions": 3, **given})
