"""Fits of linear classifiers against scikit-learn and scipy, their optimality conditions, and degenerate training sets."""

import warnings

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import minimize
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.svm import SVC, LinearSVC

from rfgen.problems.trainings.classifier import SmoothedHinge
from rfgen.simulation.arrays import cholesky, few_threads
from rfgen.simulation.fits.margins.box_quadratic import box_quadratic
from rfgen.simulation.fits.margins.margin_fit import FITS, margin_fit, prepared

# Solved by rows; by the Gram matrix of more rows than dimensions (hinge losses); by dimensions.
SHAPES = {"fewer rows": (40, 70), "more rows": (60, 30), "many rows": (150, 20)}
RIDGES = (0.05, 3.0)
SOLVE = jax.jit(margin_fit, static_argnames=("loss", "intercept"))
SOLVE_DUAL = jax.jit(box_quadratic, static_argnames="intercept")


def drawn(shape, seed=0, flip=0.1, signal=1.2, prior=0.35):
    """Rows off the origin, labels, weights."""
    n, dim = SHAPES[shape] if isinstance(shape, str) else shape
    rng = np.random.default_rng(seed)
    classes = np.where(rng.random(n) < prior, 1.0, -1.0)
    mean = rng.standard_normal(dim)
    rows = classes[:, None] * mean * signal / np.linalg.norm(mean) + rng.standard_normal((n, dim)) + 0.3
    return rows, np.where(rng.random(n) < flip, -classes, classes), rng.uniform(0.5, 2.0, n)


def fitted(rows, labels, weights, loss, ridge=1.0, intercept=False):
    with jax.enable_x64(True):
        numbers = (jnp.asarray(x, jnp.float64) for x in (rows, labels, weights))
        return jax.tree.map(np.asarray, SOLVE(*numbers, loss=loss, ridge=ridge, intercept=intercept))


def slope(loss, t):
    """Derivative of the loss; at a kink any number between its ends is one."""
    return {
        "square": t - 1.0, "logistic": -1.0 / (1.0 + np.exp(np.clip(t, -500, 500))),
        "squared_hinge": -np.maximum(1.0 - t, 0.0), "hinge(0.7)": -np.clip((1.0 - t) / 0.7, 0.0, 1.0),
    }[loss]


@pytest.mark.parametrize("intercept", [False, True])
@pytest.mark.parametrize("ridge", RIDGES)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("loss", ["square", "logistic", "squared_hinge"])
def test_gradient_vanishes(loss, shape, ridge, intercept):
    rows, labels, weights = drawn(shape)
    fit = fitted(rows, labels, weights, loss, ridge, intercept)
    assert fit.converged and fit.separable
    force = weights * labels * slope(loss, fit.margins)
    np.testing.assert_allclose(fit.margins, labels * (rows @ fit.weights + fit.intercept), atol=1e-12)
    # measured 2e-12
    np.testing.assert_allclose(rows.T @ force + ridge * fit.weights, 0.0, atol=1e-9)
    assert abs(force.sum()) < 1e-9 or not intercept
    assert fit.intercept == 0.0 or intercept
    assert (fit.support == (fit.margins < 1.0)).all()


@pytest.mark.parametrize("shape", ["fewer rows", "more rows"])
def test_gradient_of_the_smoothed_hinge_vanishes(shape):
    test_gradient_vanishes("hinge(0.7)", shape, 3.0, True)


@pytest.mark.parametrize("intercept", [False, True])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("kind", ["hinge", "squared hinge", "hard margin"])
def test_optimality_of_the_dual(kind, shape, intercept):
    rows, labels, weights = drawn(shape, flip=0.0, signal=1.2 if kind != "hard margin" else 12.0)
    for ridge in RIDGES:
        design = labels[:, None] * rows / np.sqrt(ridge)
        diagonal, upper = 1.0 / weights if kind == "squared hinge" else None, weights if kind == "hinge" else None
        with jax.enable_x64(True):
            given = [None if x is None else jnp.asarray(x) for x in (design, labels, diagonal, upper)]
            found = jax.tree.map(np.asarray, SOLVE_DUAL(*given, intercept=intercept))
        dual = found.dual
        assert found.converged and found.separable and found.gap < 1e-11
        size = (design**2).sum(axis=1).max()
        slack = design @ (design.T @ dual) + labels * float(found.intercept) - 1.0
        slack += 0.0 if diagonal is None else diagonal * dual
        nearest = np.clip(dual - slack / size, 0.0, np.inf if upper is None else upper)
        # measured 3e-12
        np.testing.assert_allclose(size * (dual - nearest), 0.0, atol=1e-8)
        assert abs(labels @ dual) < 1e-10 * dual.sum() or not intercept
        assert (dual[~found.active] * size < 1e-7).all()


@pytest.mark.parametrize("intercept", [False, True])
@pytest.mark.parametrize("ridge", RIDGES)
@pytest.mark.parametrize("shape", SHAPES)
def test_scikit_learn(shape, ridge, intercept):
    rows, labels, weights = drawn(shape)

    def compare(theirs, loss, tolerance):
        fit = fitted(rows, labels, weights, loss, ridge, intercept)
        np.testing.assert_allclose(fit.weights, np.ravel(theirs.coef_), atol=tolerance)
        np.testing.assert_allclose(fit.intercept, np.ravel(theirs.intercept_ if intercept else 0.0)[0], atol=tolerance)

    compare(Ridge(ridge, fit_intercept=intercept).fit(rows, labels, weights), "square", 1e-9)
    logistic = LogisticRegression(C=1.0 / ridge, fit_intercept=intercept, solver="newton-cholesky", tol=1e-12, max_iter=500)
    compare(logistic.fit(rows, labels, weights), "logistic", 1e-6)
    if not intercept:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a tolerance it cannot always reach
            # theirs has no half
            theirs = LinearSVC(C=0.5 / ridge, fit_intercept=False, tol=1e-13, max_iter=10**6).fit(rows, labels, weights)
            compare(theirs, "squared_hinge", 1e-6)
    # with every row and its mirror image theirs is 0
    given = (rows, labels, weights)
    if not intercept:
        given = (np.r_[rows, -rows], np.r_[labels, -labels], np.r_[weights, weights] / 2)
    theirs = SVC(kernel="linear", C=1.0 / ridge, tol=1e-10).fit(*given)
    # theirs stops at objectives up to 2e-5 above the least
    compare(theirs, "hinge", 1e-4)
    fit = fitted(rows, labels, weights, "hinge", ridge, intercept)

    def objective(w, b):
        return weights @ np.maximum(1.0 - labels * (rows @ w + b), 0.0) + 0.5 * ridge * w @ w

    best, found = objective(theirs.coef_[0], theirs.intercept_[0]), objective(fit.weights, fit.intercept)
    assert -1e-4 * best < found - best < 1e-12 * best


def test_squared_hinge_with_intercept_against_scipy():
    rows, labels, weights = drawn("more rows")

    def objective(x):
        short = np.maximum(1.0 - labels * (rows @ x[:-1] + x[-1]), 0.0)
        force = -weights * labels * short
        value = 0.5 * weights @ short**2 + 1.5 * x[:-1] @ x[:-1]
        return value, np.append(rows.T @ force + 3.0 * x[:-1], force.sum())

    best = minimize(objective, np.zeros(31), jac=True, method="BFGS", options={"gtol": 1e-10})
    fit = fitted(rows, labels, weights, "squared_hinge", 3.0, True)
    np.testing.assert_allclose(np.append(fit.weights, fit.intercept), best.x, atol=1e-6)


@pytest.mark.parametrize("intercept", [False, True])
@pytest.mark.parametrize("shape", SHAPES)
def test_hard_margin(shape, intercept):
    rows, labels, weights = drawn(shape, flip=0.0, signal=12.0)
    fit = fitted(rows, labels, weights, "hard_margin", intercept=intercept)
    assert fit.converged and fit.separable
    np.testing.assert_allclose(fit.margins.min(), 1.0, atol=1e-9)
    if intercept:
        theirs = SVC(kernel="linear", C=1e10, tol=1e-10).fit(rows, labels)
        np.testing.assert_allclose(fit.weights, theirs.coef_[0], atol=1e-6 * np.abs(theirs.coef_).max())
        np.testing.assert_allclose(fit.intercept, theirs.intercept_[0], atol=1e-6)
        assert fit.support.sum() == theirs.n_support_.sum()
    # the hinge losses at ridge 0 are the same
    for loss in ("hinge", "squared_hinge"):
        limit = fitted(rows, labels, weights, loss, 0.0, intercept)
        assert limit.converged
        np.testing.assert_allclose(limit.weights, fit.weights, atol=1e-6 * np.abs(fit.weights).max())


@pytest.mark.parametrize("intercept", [False, True])
def test_inseparable(intercept):
    rows, labels, weights = drawn("many rows", flip=0.0, signal=20.0)
    assert fitted(rows, labels, weights, "hard_margin", intercept=intercept).separable
    # a wrong label in the midst of a class
    rows[0], labels[0] = rows[labels > 0].mean(axis=0), -1.0
    fit = fitted(rows, labels, weights, "hard_margin", intercept=intercept)
    assert fit.converged and not fit.separable
    assert np.isnan(fit.weights).all() and not fit.support.any()
    # what does not ask for separable rows goes on
    for loss in ("square", "logistic", "hinge", "squared_hinge"):
        assert fitted(rows, labels, weights, loss, 0.0, intercept).converged


def test_a_flipped_twin_is_inseparable():
    """A row twice, once with either label: inseparable however many dimensions there are."""
    rows, labels, weights = drawn("fewer rows", flip=0.0)
    rows[1], labels[1] = rows[0], -labels[0]
    for intercept in (False, True):
        fit = fitted(rows, labels, weights, "hard_margin", intercept=intercept)
        assert fit.converged and not fit.separable
        assert fitted(rows, labels, weights, "logistic", 1e-3, intercept).converged


@pytest.mark.parametrize("intercept", [False, True])
@pytest.mark.parametrize("shape", ["fewer rows", "many rows"])
@pytest.mark.parametrize("loss", FITS)
def test_rows_twice_are_weights_twice(loss, shape, intercept):
    rows, labels, weights = drawn(shape, flip=0.0, signal=12.0)
    twice = fitted(rows, labels, 2.0 * weights, loss, 0.7, intercept)
    doubled = fitted(*(np.concatenate([x, x]) for x in (rows, labels, weights)), loss, 0.7, intercept)
    assert twice.converged and doubled.converged
    np.testing.assert_allclose(doubled.weights, twice.weights, atol=1e-7)
    np.testing.assert_allclose(doubled.intercept, twice.intercept, atol=1e-7)


@pytest.mark.parametrize("loss", FITS)
def test_two_rows(loss):
    """One of each class at +-x: w along x, the intercept 0; a half line for one row alone."""
    x = np.array([[2.0, 0.0, 1.0], [-2.0, 0.0, -1.0]])
    fit = fitted(x, [1.0, -1.0], [1.0, 1.0], loss, 0.5, True)
    assert fit.converged and abs(fit.intercept) < 1e-9
    np.testing.assert_allclose(fit.weights[1], 0.0, atol=1e-12)
    np.testing.assert_allclose(fit.weights[2], fit.weights[0] / 2.0, atol=1e-10)
    t = fit.margins[0]
    np.testing.assert_allclose(fit.margins[1], t, atol=1e-9)
    if loss in ("hinge", "hard_margin"):
        np.testing.assert_allclose(t, 1.0, atol=1e-9)
    else:
        np.testing.assert_allclose(fit.weights[0] * 0.5, -2.0 * slope(loss, t) * 2.0, atol=1e-9)
    assert fitted(x[:1], [1.0], [1.0], loss, 0.5, False).converged


def test_ridge_zero_of_the_square_loss():
    for shape in SHAPES:
        rows, labels, _ = drawn(shape)
        for intercept in (False, True):
            theirs = LinearRegression(fit_intercept=intercept).fit(rows, labels)
            fit = fitted(rows, labels, np.ones(labels.size), "square", 0.0, intercept)
            np.testing.assert_allclose(fit.weights, theirs.coef_, atol=1e-8)
            np.testing.assert_allclose(fit.intercept, theirs.intercept_, atol=1e-8)


def test_ridges_and_sets_are_batched():
    """vmap and scan over ridges and training sets give the fits one by one."""
    rows, labels, weights = drawn("more rows")
    for loss in FITS[:-1]:
        single = np.stack([fitted(rows, labels, weights, loss, ridge, True).weights for ridge in RIDGES])
        with jax.enable_x64(True):
            numbers = [jnp.asarray(x) for x in (rows, labels, weights)]

            def fit(ridge, loss=loss, numbers=numbers):
                return margin_fit(*numbers, loss, ridge, True).weights

            np.testing.assert_allclose(jax.vmap(fit)(jnp.asarray(RIDGES)), single, atol=1e-9)
            np.testing.assert_allclose(jax.lax.map(fit, jnp.asarray(RIDGES)), single, atol=1e-9)


@np.errstate(all="ignore")  # as simulations have it
@pytest.mark.parametrize("shape", SHAPES)
def test_what_ridges_share_changes_no_fit(shape):
    """On the host, with the factor of one thread; fits of their own by NumPy's."""
    rows, labels, weights = drawn(shape)
    for loss in FITS:
        alone = [margin_fit(rows, labels, weights, loss, ridge, True) for ridge in RIDGES]
        with few_threads(0.0):
            shared = prepared(rows, weights, loss, True)
            found = [margin_fit(shared, labels, weights, loss, ridge, True) for ridge in RIDGES]
        for one, other in zip(alone, found, strict=True):
            np.testing.assert_allclose(other.weights, one.weights, rtol=1e-7, atol=1e-10, err_msg=loss)
    with few_threads(0.0):
        assert np.isnan(cholesky(np.diag([1.0, -1.0]))).all()


def test_an_unknown_loss_is_refused():
    with pytest.raises(ValueError, match=r"loss must be one of square, logistic.*got 'cross'"):
        margin_fit(jnp.ones((2, 1)), jnp.ones(2), jnp.ones(2), "cross")
    with pytest.raises(ValueError, match="width must be > 0, got 0"):
        SmoothedHinge(1.0, width=0.0)
