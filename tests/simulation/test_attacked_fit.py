"""Fits under attack: their optimality conditions, neighbours, arrays of either kind."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rfgen.simulation.fits.margins.attacked_fit import attacked_fit
from tests.simulation.test_margin_fit import drawn

LOSSES = {
    "logistic": lambda u: (np.logaddexp(0.0, -u), 1.0 / (1.0 + np.exp(u))),
    "squared_hinge": lambda u: (0.5 * np.maximum(1.0 - u, 0.0) ** 2, np.maximum(1.0 - u, 0.0)),
    "hinge(0.5)": lambda u: (
        np.where(u < 0.5, 0.75 - u, np.maximum(1.0 - u, 0.0) ** 2), np.clip(2.0 * (1.0 - u), 0.0, 1.0)
    ),
    "hinge": lambda u: (np.maximum(1.0 - u, 0.0), None),
}
SETTINGS = ((2.0, 0.1), (0.1, 0.3))  # ridge, radius


def fitted(loss, norm, intercept, ridge, radius, shape="more rows"):
    rows, labels, weights = drawn(shape)
    return rows, labels, weights, attacked_fit(
        rows, labels, weights, loss, np.array(ridge), intercept, np.array(radius), norm
    )


@pytest.mark.parametrize("intercept", [False, True])
@pytest.mark.parametrize("norm", ["l2", "linf"])
@pytest.mark.parametrize("loss", ["logistic", "squared_hinge"])
def test_no_force_is_left(loss, norm, intercept):
    """Residuals measured: at most 2e-7 of the penalty."""
    for (ridge, radius), shape in zip(SETTINGS, ("more rows", "fewer rows"), strict=True):
        rows, labels, weights, fit = fitted(loss, norm, intercept, ridge, radius, shape)
        w, length = fit.weights, np.linalg.norm(fit.weights) if norm == "l2" else np.abs(fit.weights).sum()
        assert fit.converged
        np.testing.assert_allclose(fit.margins, labels * (rows @ w + fit.intercept), atol=1e-12)
        force = weights * LOSSES[loss](fit.margins - radius * length)[1]
        pull, penalty = rows.T @ (labels * force) - ridge * w, radius * force.sum()
        assert abs(labels @ force) < 1e-5 or not intercept
        if norm == "l2":
            np.testing.assert_allclose(pull, penalty * w / length, atol=1e-5 * penalty)
        else:
            active = np.abs(w) > 1e-5
            assert 0 < active.sum() <= w.size
            np.testing.assert_allclose(pull[active], penalty * np.sign(w[active]), rtol=1e-4)
            assert (np.abs(pull) <= penalty * (1.0 + 1e-6)).all()


@pytest.mark.parametrize("norm", ["l2", "linf"])
@pytest.mark.parametrize("loss", LOSSES)
def test_no_neighbour_is_better(loss, norm):
    """The objective is convex: a least value nearby is the least."""
    random = np.random.default_rng(0)
    for ridge, radius in SETTINGS:
        rows, labels, weights, fit = fitted(loss, norm, True, ridge, radius)

        def objective(w, b, rows=rows, labels=labels, weights=weights, ridge=ridge, radius=radius):
            margins = labels * (rows @ w + b) - radius * np.linalg.norm(w, 2 if norm == "l2" else 1)
            return weights @ LOSSES[loss](margins)[0] + 0.5 * ridge * w @ w

        least = objective(fit.weights, fit.intercept)
        for size in (1e-1, 1e-2, 1e-3):
            for _ in range(50):
                moved = fit.weights + size * random.standard_normal(fit.weights.size)
                assert objective(moved, fit.intercept + size * random.standard_normal()) > least


@pytest.mark.parametrize("features", [3, 40])
def test_features_that_inputs_are_mixed_into(features):
    """What weights a of few or many features want: F (pull of the rows - penalty w / |w|) = ridge a, w = F'a."""
    rows, labels, weights = drawn("more rows")
    mixing = np.random.default_rng(0).normal(size=(rows.shape[1], features)) / features**0.5
    ridge, radius = np.array(2.0), np.array(0.1)
    fit = attacked_fit(rows, labels, weights, "squared_hinge", ridge, True, radius, "l2", mixing)
    w = mixing @ fit.weights
    force = weights * LOSSES["squared_hinge"](labels * (rows @ w + fit.intercept) - radius * np.linalg.norm(w))[1]
    pull = rows.T @ (labels * force) - radius * force.sum() * w / np.linalg.norm(w)
    assert fit.converged and abs(labels @ force) < 1e-5
    np.testing.assert_allclose(mixing.T @ pull, ridge * fit.weights, atol=1e-5 * np.linalg.norm(fit.weights))


def test_either_kind_of_arrays():
    rows, labels, weights, fit = fitted("hinge", "linf", True, 2.0, 0.1)
    solve = jax.jit(attacked_fit, static_argnames=("loss", "intercept", "norm"))
    with jax.enable_x64(True):
        arrays = [jnp.asarray(each, jnp.float64) for each in (rows, labels, weights, 2.0, 0.1)]
        *given, ridge, radius = arrays
        other = solve(*given, loss="hinge", ridge=ridge, intercept=True, radius=radius, norm="linf")
        assert other.converged
        np.testing.assert_allclose(other.weights, fit.weights, atol=1e-7)
