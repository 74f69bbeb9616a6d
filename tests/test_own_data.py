"""`learning_curve` of one's own rows: held-out risks of real data, statuses, groups, refusals."""

import warnings

import matplotlib.pyplot as plt
import numpy as np
import pytest
import scipy.sparse

import rfgen as rg
from rfgen.numerics.gram import centred_kernel, gram_of_kernel
from rfgen.simulation.runs.splits import random_splits
from rfgen.theory.estimation.held_out_risk import held_out_risk

X, Y = rg.datasets.digits()
INPUTS, LABELS = X[:120], Y[:120]


def gaussian_kernel(one, other):
    return np.exp(-0.02 * np.sum((one[:, None] - other) ** 2, axis=2))


def test_held_out_risk_of_diabetes():
    """100 hold-out fits gave 1.350 +- .021, .898 +- .012, .560 +- .003, .522 +- .005."""
    datasets, preprocessing = pytest.importorskip("sklearn.datasets"), pytest.importorskip("sklearn.preprocessing")
    inputs, labels = datasets.load_diabetes(return_X_y=True)
    inputs = preprocessing.StandardScaler().fit_transform(inputs)
    labels = (labels - labels.mean()) / labels.std()
    curve = rg.learning_curve(inputs, labels, [100, 300], [1e-3, 0.1], kernel=gaussian_kernel, intercept=False)
    np.testing.assert_allclose(curve.test, [[1.350, 0.560], [0.898, 0.522]], rtol=0.03)
    assert (curve.status == "ok").all() and curve.attrs["kind"] == "kernel"


def test_features_kernels_and_maps_are_one():
    settings = {"n": [30, 90, 120], "ridge": [1.0, 10.0]}
    curve = rg.learning_curve(INPUTS, LABELS, **settings)
    for other in (
        rg.learning_curve(INPUTS @ INPUTS.T, LABELS, **settings),
        rg.learning_curve(INPUTS, LABELS, kernel=lambda x, z: x @ z.T, **settings),
        rg.learning_curve(INPUTS / 2.0, LABELS, feature_map=lambda x: 2.0 * x, **settings),
        rg.learning_curve(INPUTS - 7.0, LABELS + 3.0, **settings),
    ):
        for name in ("test", "train", "test_se", "best_ridge"):
            np.testing.assert_allclose(other[name], curve[name], rtol=1e-6, atol=1e-12)
    assert curve.test.dims == ("n", "ridge") and curve.per_example.sizes["example"] == 120
    loo = rg.estimate_risk(INPUTS, LABELS, [1.0, 10.0], intercept=True)
    np.testing.assert_allclose(curve.test.sel(n=120), loo.loo, rtol=1e-10)
    two = rg.learning_curve(INPUTS, np.stack([LABELS, 2.0 * LABELS], axis=1), **settings)
    assert two.test.dims == ("n", "ridge", "output")
    np.testing.assert_allclose(two.test[..., 1], 4.0 * curve.test, rtol=1e-6)
    one = rg.learning_curve(INPUTS, LABELS, n=90, ridge=10.0)
    np.testing.assert_allclose(one.test, curve.test.sel(n=90, ridge=10.0), rtol=1e-6)


def test_share_of_wrong_signs():
    curve = rg.learning_curve(INPUTS, LABELS, n=60, ridge=10.0)
    random, missed = np.random.default_rng(0), []
    for _ in range(300):
        order = random.permutation(120)
        inside, outside = order[:60], order[60:]
        mean, level = INPUTS[inside].mean(axis=0), LABELS[inside].mean()
        rows = INPUTS[inside] - mean
        weights = rows.T @ np.linalg.solve(rows @ rows.T + 10.0 * np.eye(60), LABELS[inside] - level)
        missed.append(np.mean(np.sign((INPUTS[outside] - mean) @ weights + level) != LABELS[outside]))
    np.testing.assert_allclose(curve.error, np.mean(missed), rtol=0.06)


def test_where_the_formula_fails_real_splits_decide():
    """One input dimension, near interpolation: the formula is far too low, and the splits of the curve say so."""
    inputs = np.sort(np.random.default_rng(0).uniform(size=80))[:, None]
    labels = np.sign(np.sin(9.0 * inputs[:, 0]))
    curve = rg.learning_curve(inputs, labels, [10, 40], [1e-5, 10.0], kernel=lambda x, z: np.exp(-np.abs(x - z.T) / 0.3))
    assert "simulated" in curve.status.values and "real splits" in curve.attrs["simulated"]
    found = curve.where(curve.status == "simulated")
    assert (found.test_low <= found.test).sum() == (curve.status == "simulated").sum() == np.isfinite(curve.test_high).sum()


def test_kernels_of_one_direction():
    """The constant, lifted to the trace, mixed with the one direction there is: three times the risk, and status ok."""
    inputs = np.linspace(-1.7, 1.7, 90)[:, None]
    labels = inputs[:, 0] + 0.1 * np.random.default_rng(0).normal(size=90)
    kernel = inputs @ inputs.T
    curve = rg.learning_curve(kernel, labels, [45, 90], 10.0)
    np.testing.assert_allclose(curve.test, rg.learning_curve(inputs, labels, [45, 90], 10.0).test, rtol=1e-9)
    runs = random_splits(kernel, labels[:, None], 45, 10.0, 400, 3, True).test
    np.testing.assert_allclose(curve.test[0], runs.mean(), rtol=0.03)
    np.testing.assert_allclose(rg.estimate_risk(kernel, labels, 10.0, intercept=True).loo, curve.test[1], rtol=1e-9)


def test_copies_are_groups():
    inputs, labels = np.repeat(INPUTS[:60], 2, axis=0), np.repeat(LABELS[:60], 2)
    with pytest.warns(UserWarning, match="120 rows repeat others exactly: .* give groups"):
        hopeful = rg.learning_curve(inputs, labels, 60, 1.0)
    settings = {"n": [20, 30, 60], "kernel": gaussian_kernel}
    names, ridges = np.repeat(np.arange(60), 2), np.array([0.0, 0.1])
    grouped = rg.learning_curve(inputs, labels, ridge=ridges, groups=names, **settings)
    assert hopeful.test < 0.7 * rg.learning_curve(inputs, labels, 30, 1.0, groups=names).test
    # copies drawn together are one row at half the ridge
    single = rg.learning_curve(INPUTS[:60], LABELS[:60], ridge=ridges / 2.0, **settings)
    views = rg.learning_curve(inputs, labels, ridge=ridges / 2.0, views=2, **settings)
    assert (single.status == "ok").all() and (grouped.status == "ok").sum() >= 5
    # as the form of rows is before it takes back what held-out rows weigh
    matrix, level = centred_kernel(gaussian_kernel(INPUTS[:60], INPUTS[:60])), LABELS[:60] - LABELS[:60].mean()
    for ridge in ridges[(grouped.status.sel(n=30) == "ok").values]:
        form = held_out_risk(matrix, gram_of_kernel(matrix, centred=True), level[:, None], 30, ridge / 2.0, influence=True)
        for name in ("test", "train", "bias"):
            np.testing.assert_allclose(grouped[name].sel(n=30, ridge=ridge), getattr(form, name)[0], rtol=1e-5, atol=1e-9)
    for name in ("test", "train", "bias", "error"):
        np.testing.assert_allclose(grouped[name][2], single[name][2], rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(views[name], grouped[name], rtol=1e-8, atol=1e-12)
    loo = rg.estimate_risk(gaussian_kernel(inputs, inputs), labels, ridges, groups=names, intercept=True)
    np.testing.assert_allclose(grouped.test.sel(n=60), loo.loo, rtol=1e-9)
    assert (grouped.reach == 60).all() and np.isnan(grouped.test_se).all()


def test_drawn_with_replacement_and_tested_out_of_bag():
    settings = {"n": [40, 120, 300], "ridge": [0.1, 10.0], "kernel": gaussian_kernel, "replace": True}
    curve = rg.learning_curve(INPUTS, LABELS, **settings)
    assert (curve.status == "ok").all() and np.isinf(curve.reach).all() and np.isnan(curve.test_se).all()
    runs = random_splits(gaussian_kernel(INPUTS, INPUTS), LABELS[:, None], 120, 10.0, 200, 0, True, replace=True)
    np.testing.assert_allclose(curve.test[1, 1], runs.test.mean(), rtol=0.03)
    np.testing.assert_allclose(curve.train[1, 1], runs.train.mean(), rtol=0.03)
    few = rg.learning_curve(INPUTS[:20], LABELS[:20], 5, 0.1, replace=True)
    assert few.status in ("ok", "simulated")


def test_beyond_the_sample():
    random = np.random.default_rng(1)
    inputs = random.normal(size=(60, 200))
    labels = inputs @ random.normal(size=200) / 15.0 + 0.5 * random.normal(size=60)
    curve = rg.learning_curve(inputs, labels, [60, 90, 2000], [0.0, 200.0])
    assert curve.status.values.tolist() == [["ok", "ok"], ["unreachable", "edge"], ["unreachable", "unreachable"]]
    assert curve.reach[0] == 60 and 90 < curve.reach[1] < 2000 and "reach" in curve.attrs["unreachable"]
    assert np.isnan(curve.test[2]).all() and curve.test[1, 1] < curve.test[0, 1] and "hindcast" in curve.attrs
    # the best ridge of 90 rows would lie below the reach
    assert curve.best_ridge[1] == 200.0 and np.isnan(curve.best_ridge[2])


def test_intervals_cover_and_ridges_lose_little():
    """Eight samples of four populations at 1, 2, 4 times the rows: intervals cover what they are called, 95 %."""
    beyond = pytest.importorskip("tests.benchmarks.own_data_beyond")
    covered, regrets = [], []
    for law in beyond.LAWS:
        found = beyond.measure(("steep", law), 8, 4, multiples=(1, 2, 4)).values()
        covered.append(np.mean(np.concatenate([each["covered"] for each in found])))
        regrets += [each["curve"] for each in found]
    # measured .99, .99, .86, .90 (of 20 samples of eight populations 1.00, .98, .95, .90) and 1.2 %
    assert abs(np.mean(covered) - 0.95) < 0.05 and min(covered) > 0.8 and np.mean(regrets) < 0.14


def test_alarms_are_few_and_no_large_gap_is_silent():
    """204 points of 17 data sets and kernels at 120 rows, against 60 splits each."""
    gaps, alone, errors, statuses = pytest.importorskip("tests.benchmarks.own_data").accuracy(120, 60, shown=False)
    right = np.abs(alone) <= np.maximum(0.1, 3.0 * errors)
    # measured 5.4 %, none, and .028, .069
    assert np.mean((statuses == "simulated")[right]) <= 0.08
    assert not ((statuses == "ok") & ~right & (np.abs(gaps) > 0.25)).any()
    assert np.quantile(np.abs(gaps[statuses == "ok"]), 0.9) < 0.1


def test_many_rows_share_one_effective_ridge(monkeypatch):
    exact = rg.learning_curve(INPUTS, LABELS, [60, 100], 30.0)
    monkeypatch.setattr("rfgen.api.own_data.held_out_points.MOST_ROWS", 100)
    found = rg.learning_curve(INPUTS, LABELS, [60, 100], 30.0)
    np.testing.assert_allclose(found.test, exact.test, rtol=0.03)
    assert np.isnan(found.per_example).all()


def test_least_squares_and_its_peak():
    random = np.random.default_rng(0)
    rows = random.normal(size=(100, 20))
    labels = rows @ np.ones(20) + random.normal(size=100)
    curve = rg.learning_curve(rows, labels, [21, 60])
    assert curve.status.values.tolist() == ["near peak", "ok"]
    # 60 of 100 Gaussian rows: noise n/(n - p - 1)-like
    assert abs(float(curve.test[1]) / (60 / 39) - 1.0) < 0.25


def test_labels_without_scatter_have_no_risk():
    """The hindcast divided by 0."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert (rg.learning_curve(INPUTS, np.ones(120), [60, 240], 1.0).test == 0.0).all()


def test_drawn_with_its_error():
    with pytest.warns(UserWarning, match="half of the rows miss the risk of all 120 by -"):
        curve = rg.learning_curve(INPUTS, LABELS, [30, 60, 120, 240], [1.0, 10.0])
    ax = rg.plot(curve)
    assert len(ax.lines) >= 2 and len(ax.collections) >= 2
    plt.close(ax.figure)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"n": 1}, "n must be at least 2 rows, got 1"),
        ({"n": 10.5}, "n must hold whole numbers of rows, got 10.5"),
        ({"n": "many"}, "n must be numeric"),
        ({"ridge": -1.0}, "ridge must be >= 0"),
        ({"replace": True, "n": 800}, "n must leave a row undrawn in the mean, as those are tested on, got 800 draws"),
        ({"replace": True, "views": 2}, "replace must be False with groups or views"),
        ({"intercept": "no"}, "intercept must be True or False, got 'no'"),
        ({"groups": np.arange(120), "views": 2}, "groups must be left out where views are given"),
        ({"groups": np.arange(120), "n": 121}, "n must be at most the number of groups"),
        ({"views": 7}, "views must divide the rows"),
        ({"kernel": gaussian_kernel, "feature_map": np.tanh}, "feature_map must be left out where kernel is given"),
        ({"kind": "image"}, "kind must be 'auto', 'kernel' or 'features'"),
        ({"y": LABELS[:-1]}, "y must have one row per row of data"),
        ({"data": np.ones((120, 3))}, "data must hold rows that differ"),
        ({"data": np.full((120, 3), np.nan)}, "data must be finite"),
        ({"data": INPUTS[:2], "y": LABELS[:2]}, "data must hold at least 3 rows, got 2"),
        ({"data": 1e200 * INPUTS}, "data must be between 1e-150 and 1e\\+150 in size"),
        ({"data": 1e-200 * INPUTS}, "data must be between 1e-150 and 1e\\+150 in size"),
        ({"y": 1e160 * LABELS}, "y must be between 1e-75 and 1e\\+75 in size"),
        ({"feature_map": lambda rows: rows[0]}, r"feature_map\(data\) must have 2 dimension"),
        ({"seed": -1}, "seed must be an integer >= 0"),
        ({"data": scipy.sparse.csr_matrix(INPUTS)}, "must be a dense array, got a sparse csr_matrix: give data.toa"),
        ({"data": -INPUTS @ INPUTS.T}, r"data \(a kernel, being symmetric, .* must be positive semidefinite"),
        ({"kernel": lambda x, z: -x @ z.T}, r"kernel\(data, data\) must be positive semidefinite, got the eigenvalue"),
    ],
)
def test_refusals(given, message):
    with pytest.raises(ValueError, match=message):
        rg.learning_curve(**{"data": INPUTS, "y": LABELS, **given})


@pytest.mark.parametrize(("p", "ridge"), [(10, 1e-3), (10, 5.0), (60, 0.0), (60, 0.5)])
def test_leave_one_out_with_an_intercept_is_refitting(p, ridge):
    """Rows, and groups of four, refitted without each; a RidgeCV with an intercept too where it can."""
    random = np.random.default_rng(0)
    rows, labels = 1.0 + random.normal(size=(40, p)), random.normal(size=40)
    for names in (np.arange(40), np.repeat(np.arange(10), 4)):
        expected = np.empty(40)
        for name in np.unique(names):
            out = names == name
            mean, known = rows[~out].mean(axis=0), labels[~out]
            part = rows[~out] - mean
            dual = np.linalg.lstsq(part @ part.T + ridge * np.eye(len(part)), known - known.mean(), rcond=1e-12)[0]
            expected[out] = labels[out] - known.mean() - (rows[out] - mean) @ part.T @ dual
        for data in (rows, rows @ rows.T):
            found = rg.estimate_risk(data, labels, ridge, intercept=True, groups=names if names[1] == 0 else None)
            np.testing.assert_allclose(found.loo, np.mean(expected**2), rtol=1e-9)
    if ridge:
        part = rows - rows.mean(axis=0)
        hat = 1.0 / 40 + part @ np.linalg.solve(part.T @ part + ridge * np.eye(p), part.T)
        gcv = np.mean((labels - hat @ labels) ** 2) / (1.0 - np.trace(hat) / 40) ** 2
        for data in (rows, rows @ rows.T):
            np.testing.assert_allclose(rg.estimate_risk(data, labels, ridge, intercept=True).gcv, gcv, rtol=1e-9)
    linear = pytest.importorskip("sklearn.linear_model")
    if ridge:
        oracle = linear.RidgeCV([ridge], fit_intercept=True, store_cv_results=True).fit(rows, labels)
        found = rg.estimate_risk(rows, labels, ridge, intercept=True)
        np.testing.assert_allclose(found.loo, oracle.cv_results_.mean(), rtol=1e-10)


def test_rows_centred_together_are_told():
    with pytest.warns(UserWarning, match="centred together.*intercept=True"):
        rg.estimate_risk(INPUTS - INPUTS.mean(axis=0), LABELS, 1.0)
    with pytest.raises(ValueError, match="intercept must be False with time"):
        rg.estimate_risk(INPUTS, LABELS, 1.0, intercept=True, time=1.0)
    with pytest.raises(ValueError, match="intercept must be False where all rows are left out together"):
        rg.estimate_risk(INPUTS[:4], LABELS[:1], 1.0, intercept=True, views=4)


@pytest.mark.parametrize("ridge", [1e-3, 5.0])
def test_clean_inputs_with_an_intercept_are_refits(ridge):
    """Each sample's four views left out, its clean input predicted by the fit to the views of the others."""
    random = np.random.default_rng(0)
    samples, labels = 2.0 + random.normal(size=(20, 6)), random.normal(size=20)
    rows = np.repeat(samples, 4, axis=0) + 0.3 * random.normal(size=(80, 6))
    missed = []
    for out in range(20):
        kept = np.repeat(np.arange(20) != out, 4)
        mean, known = rows[kept].mean(axis=0), np.delete(labels, out)
        part, level = rows[kept] - mean, known.mean()
        weights = np.linalg.solve(part.T @ part + 4.0 * ridge * np.eye(6), part.T @ np.repeat(known - level, 4))
        missed.append(labels[out] - level - (samples[out] - mean) @ weights)
    settings = {"y": labels, "ridge": ridge, "views": 4, "intercept": True}
    for data, clean in ((rows, samples), (rows @ rows.T, samples @ rows.T)):
        found = rg.estimate_risk(data, clean=clean, **settings)
        np.testing.assert_allclose(found.loo_clean, np.mean(np.square(missed)), rtol=1e-9)
    alike = rg.estimate_risk(np.ones((80, 3)), clean=np.ones((20, 3)), **settings)  # nothing but the mean of the others
    np.testing.assert_allclose(alike.loo_clean, np.mean(((labels - labels.mean()) * 20 / 19) ** 2), rtol=1e-12)
    np.testing.assert_allclose(alike.loo, alike.loo_clean, rtol=1e-12)


def test_ridges_that_doubles_do_not_tell_from_none_or_all():
    """1e-300 overflowed, 1e300 gave a third of the risk of fitting nothing, and a diagnosis of rare rows."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        curve = rg.learning_curve(INPUTS, LABELS, 60, [0.0, 1e-300, 1e30, 1e300])
        assert not rg.diagnose(INPUTS, LABELS, 60, 1e300)
    np.testing.assert_allclose(curve.test[[1, 3]], curve.test[[0, 2]], rtol=1e-9)
