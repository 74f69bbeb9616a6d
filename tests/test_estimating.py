"""The verb `estimate_risk`: what it takes, what it returns, what it refuses."""

import jax.numpy as jnp
import numpy as np
import pytest

import rfgen as rg
from tests.theory.estimation.test_risk_estimators import draw, refitted


def test_what_is_kernel_and_what_is_features():
    rows, labels = draw(8, 8)
    assert rg.estimate_risk(rows, labels, 1.0).attrs["kind"] == "features"
    assert rg.estimate_risk(rows @ rows.T, labels, 1.0).attrs["kind"] == "kernel"
    symmetric = rows @ rows.T
    assert rg.estimate_risk(symmetric, labels, 1.0, kind="features").attrs["kind"] == "features"
    np.testing.assert_allclose(
        rg.estimate_risk(rows, labels, 1.0).loo, rg.estimate_risk(rows @ rows.T, labels, 1.0).loo, rtol=1e-10
    )


@pytest.mark.parametrize("ridge", [0.0, 1e-3])
def test_single_precision_has_the_same_rank(ridge):
    rows, labels = draw(30, 10)
    rows = rows.astype(np.float32)
    exact = rg.estimate_risk(rows.astype(np.float64), labels, ridge)
    for data in (rows, jnp.asarray(rows), rows @ rows.T):
        found = rg.estimate_risk(data, labels, ridge)
        assert found.attrs["rank"] == 10
        np.testing.assert_allclose(found.loo, exact.loo, rtol=1e-4)


def test_groups_are_refits():
    rows, labels = draw(12, 5)
    groups = ["ann", "bob", "ann", "cy"] * 3
    found = rg.estimate_risk(rows, labels, 0.4, groups=groups)
    blocks = [np.flatnonzero(np.array(groups) == name) for name in ("ann", "bob", "cy")]
    expected = refitted(rows @ rows.T, labels, blocks, 0.4)[0]
    np.testing.assert_allclose(found.loo, np.mean(expected**2, axis=0), rtol=1e-12)
    assert "gcv" not in found and found.attrs["blocks"] == 3


def test_dimensions():
    rows, labels = draw(12, 5)
    with pytest.warns(UserWarning, match="gcv is inconsistent"):
        found = rg.estimate_risk(rows, labels, [0.0, 1.0], time=[1.0, 2.0, np.inf])
    assert found.loo.dims == ("ridge", "time", "output") and found.df1.dims == ("ridge", "time")
    plain = rg.estimate_risk(rows, labels[:, 0], 1.0)
    assert plain.loo.dims == () and float(plain.ridge) == 1.0 and float(plain.gcv_se) > 0
    np.testing.assert_allclose(found.loo[1, 2, 0], plain.loo, rtol=1e-12)
    np.testing.assert_allclose(found.gcv[1, 2, 0], plain.gcv, rtol=1e-12)


def test_rounding_has_a_status():
    """A Gaussian kernel of 40 rows, whose eigenvalues run into rounding, against leave-one-out in 50 digits."""
    random = np.random.default_rng(0)
    inputs = random.uniform(size=(40, 2))
    labels = np.sin(3.0 * inputs[:, 0]) + 0.1 * random.normal(size=40)
    kernel = np.exp(-0.5 * np.sum((inputs[:, None] - inputs) ** 2, axis=2))
    found = rg.estimate_risk(kernel, labels, 40.0 * np.array([1e-14, 1e-13, 1e-10, 1e-6]))
    gaps = np.abs(found.loo / [9.294983674986, 0.233400875708, 0.022431299998, 0.013705980569] - 1.0)
    assert (gaps[:2] > 0.2).all() and (gaps[2:] < 1e-4).all()
    assert found.status.values.tolist() == ["rounding", "rounding", "ok", "ok"] and "last digits" in found.attrs["rounding"]
    # a rank that is exact, singular values and a large effective ridge are none
    rows = random.normal(size=(40, 5))
    assert rg.estimate_risk(rows @ rows.T, labels).status == rg.estimate_risk(rows, labels).status == "ok"
    curve = rg.learning_curve(kernel, labels, [20, 40], 4e-13, intercept=False)
    assert curve.status[1] == "rounding"


def test_rounding_is_that_of_the_entries_as_given():
    """A constant that the mean takes away leaves its rounding behind; a row of zeros is known by last digits alone."""
    rows = np.random.default_rng(0).normal(size=(30, 40))
    kernel, labels = rows @ rows.T, rows[:, 0] + rows[:, 1] ** 2
    risks = [rg.estimate_risk(kernel + level, labels, intercept=True) for level in (0.0, 1e10, 1e13)]
    assert [str(risk.status.values) for risk in risks] == ["ok", "ok", "rounding"]
    np.testing.assert_allclose(risks[1].loo, risks[0].loo, rtol=1e-2)
    kernel[3] = kernel[:, 3] = 0.0
    curve = rg.learning_curve(kernel, labels, 15, [1e-12, 1e-3], intercept=False)
    assert curve.status.values.tolist() == ["rounding", "ok"]


def test_rows_that_were_centred_beside_those_as_they_came():
    """Least risk at ridge 0, of 1e-26, and the right best ridge: refits of RidgeCV give 3.49, 2.35, 1.47."""
    random = np.random.default_rng(0)
    rows = random.normal(size=(40, 60))
    labels, ridges = rows[:, 0] + random.normal(size=40), [0.0, 1.0, 10.0]
    with pytest.warns(UserWarning, match="centred together"):
        assert rg.estimate_risk(rows - rows.mean(axis=0), labels - labels.mean(), ridges).loo[0] < 1e-20
    right = rg.estimate_risk(rows, labels, ridges, intercept=True)
    np.testing.assert_allclose(right.loo, [3.49291016, 2.34861131, 1.47465691], rtol=1e-8)
    assert right.attrs["best_loo_ridge"] == 10.0


@pytest.mark.parametrize("ridge", [0.0, 1e-300, 1.0, 1e300])
def test_nothing_to_learn_from(ridge):
    none = rg.estimate_risk(np.zeros((4, 4)), np.ones(4), ridge)
    assert float(none.loo) == float(none.gcv) == float(none.train) == 1.0 and float(none.df1) == 0.0
    one = rg.estimate_risk([[2.0]], [3.0], ridge)
    assert float(one.loo) == float(one.gcv) == 9.0


def test_a_flow_that_fits_all_says_so():
    rows, labels = draw(5, 30)
    with pytest.warns(UserWarning, match="gcv is inconsistent"):
        found = rg.estimate_risk(rows, labels, time=1e6)
    assert np.isnan(found.gcv).all() and np.isfinite(found.loo).all() and "gcv: 0/0" in found.attrs["failures"]


X, Y = draw(6, 3)
K = X @ X.T
CASES = {
    "labels": (lambda: rg.estimate_risk(X, Y[:5]), r"y must have one row per row of data \(6\), got 5"),
    "labels of views": (lambda: rg.estimate_risk(X, Y[:4], views=2), r"y must have .*\(6\) or one per sample \(3\), got 4"),
    "NaN label": (lambda: rg.estimate_risk(X, [np.nan] * 6), r"y must be finite, got nan at index \(0,\)"),
    "NaN feature": (lambda: rg.estimate_risk(X * np.nan, Y), r"data must be finite, got nan"),
    "vector": (lambda: rg.estimate_risk(X[0], Y), r"data must have 2 dimension\(s\), got shape \(3,\)"),
    "asymmetric": (lambda: rg.estimate_risk(K + 1e-4 * np.tri(6), Y), r"data must be symmetric .* differ by 0\.0001"),
    "told a kernel": (lambda: rg.estimate_risk(np.tri(6), Y, kind="kernel"), r"data must be symmetric .* differ by 1"),
    "oblong": (
        lambda: rg.estimate_risk(X, Y, kind="kernel"),
        r"data must be a square matrix where kind='kernel'.*\(6, 3\)",
    ),
    "indefinite": (
        lambda: rg.estimate_risk(K - 2 * np.eye(6), Y),
        r"data .*must be positive semidefinite, got the eigenv.* -2",
    ),
    "kind": (lambda: rg.estimate_risk(X, Y, kind="gram"), r"kind must be 'auto', 'kernel' or 'features', got 'gram'"),
    "ridge": (lambda: rg.estimate_risk(X, Y, -0.1), r"ridge must be >= 0, got -0\.1"),
    "infinite ridge": (lambda: rg.estimate_risk(X, Y, np.inf), r"ridge must be finite, got inf"),
    "time": (lambda: rg.estimate_risk(X, Y, time=-1.0), r"time must be >= 0 \(inf: the end of training\), got -1.0"),
    "views": (lambda: rg.estimate_risk(X, Y, views=4), r"views must divide the rows of data \(6\), got 4"),
    "views zero": (lambda: rg.estimate_risk(X, Y, views=0), r"views must be an integer >= 1, got 0"),
    "groups": (lambda: rg.estimate_risk(X, Y, groups=[1, 2]), r"groups must hold one label per row of data \(6,\).*\(2,\)"),
    "both": (lambda: rg.estimate_risk(X, Y, views=2, groups=[0] * 6), r"groups must be left out where views are given"),
    "clean alone": (lambda: rg.estimate_risk(X, Y, clean=X), r"clean must come with views"),
    "clean": (lambda: rg.estimate_risk(X, Y, views=2, clean=X), r"clean must hold the features .*\(3, 3\), got \(6, 3\)"),
    "clean kernel": (
        lambda: rg.estimate_risk(K, Y, views=2, clean=X[:3]),
        r"clean must hold the kernel .*\(3, 6\), got \(3, 3\)",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_refused(name):
    call, message = CASES[name]
    with pytest.raises(ValueError, match=message):
        call()
