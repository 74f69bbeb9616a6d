"""Sparse regression through the verbs: shapes, store, bad input."""

import numpy as np
import pytest

import rfgen as rg
from rfgen.systems.sparse.problem import BasisPursuit, Lasso, ReparametrizedFlow, SparseRegression

TASK = SparseRegression.equal(60, 3, noise=0.1)
FLOW = rg.Learner(ReparametrizedFlow(init=[0.01, 0.1], linear=[0.0, 0.1, 1.0]))


def simulate(learner, n, trials=3, seed=0, store=None):
    return rg.simulate(TASK, learner, n, trials=trials, seed=seed, store=store)


def test_dimensions_variables_and_attributes():
    curve = rg.predict(TASK, FLOW, [20, 40])
    assert dict(curve.sizes) == {"n": 2, "init": 2, "linear": 3} and curve.test.dims == ("n", "init", "linear")
    assert bool(curve.converged.all()) and "true_positives" not in curve
    np.testing.assert_allclose(curve.test, curve.excess + 0.1)
    lasso = rg.predict(TASK, rg.Learner(Lasso([1.0, 5.0, 50.0])), 30)
    assert lasso.false_discoveries.dims == ("penalty",) and float(lasso.n) == 30
    assert (lasso.true_positives.diff("penalty") <= 0).all() and (lasso.active.diff("penalty") < 0).all()
    np.testing.assert_allclose(lasso.active * (1 - lasso.false_discoveries), 3 * lasso.true_positives)
    runs = simulate(FLOW, [20, 40])
    assert runs.test_se.dims == ("n", "init", "linear") and float(runs.trials) == 3
    np.testing.assert_array_equal(simulate(FLOW, 40).test, runs.test.sel(n=40))


def test_points_that_cannot_be_solved_are_nan_with_a_reason():
    curve = rg.predict(TASK, rg.Learner(BasisPursuit()), [30, 60 * (1 - 1e-12), 60, 90])
    np.testing.assert_array_equal(curve.converged, [True, False, True, True])
    assert np.isnan(curve.test[1]) and np.isinf(curve.test[2]) and np.isfinite(curve.test[[0, 3]]).all()
    assert curve.attrs["failures"].startswith("1 points not solved")


def test_a_killed_run_continues_from_its_store(tmp_path):
    learner = rg.Learner(Lasso([1.0, 5.0]))
    first = simulate(learner, [20, 30], store=tmp_path)
    written = {path: path.stat().st_mtime_ns for path in tmp_path.glob("*.npz")}
    assert len(written) == 2
    again = simulate(learner, [20, 30], store=tmp_path)
    assert first.identical(again) and written == {path: path.stat().st_mtime_ns for path in tmp_path.glob("*.npz")}
    simulate(learner, [20, 30], seed=1, store=tmp_path)
    assert len(list(tmp_path.glob("*.npz"))) == 4


def test_equal_sizes_are_gathered():
    task = SparseRegression([0.0, -2.0, 1.0, 2.0, 0.0, 0.0], noise=0.5)
    assert task.coefficients.tolist() == [2.0, 1.0, 0.0] and task.multiplicity.tolist() == [2, 1, 3]
    assert task.dim == 6 and task.nonzeros == 3 and task.null_risk == 9.5
    assert SparseRegression.equal(5, 5).multiplicity.tolist() == [5]
    assert SparseRegression.equal(5, 0).multiplicity.tolist() == [5]
    given = np.array([1.0, 0.0])
    kept = SparseRegression(given)
    given[0] = 7.0
    assert kept.coefficients[0] == 1.0


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SparseRegression([1.0], -0.1), "noise must be >= 0, got -0.1"),
        (lambda: SparseRegression([np.nan]), "coefficients must be finite"),
        (lambda: SparseRegression([1.0, 0.0], multiplicity=[1.5, 2]), "multiplicity must be whole numbers >= 1"),
        (lambda: SparseRegression([1.0, 0.0], multiplicity=[1]), "multiplicity must have one entry per coefficient"),
        (lambda: SparseRegression.equal(10, 11), "nonzeros must be at most dim = 10, got 11"),
        (lambda: Lasso(-1.0), "penalty must be >= 0, got -1.0"),
        (lambda: ReparametrizedFlow(0.0), r"init must be in \[1e-100, 1e100\], got 0"),
        (lambda: ReparametrizedFlow(1e-200), r"init must be in \[1e-100, 1e100\], got 1e-200"),
        (lambda: ReparametrizedFlow(0.1, -1.0), r"linear must be in \[0, 1e100\], got -1"),
        (lambda: ReparametrizedFlow(0.1, 1e200), r"linear must be in \[0, 1e100\], got 1e\+200"),
        (lambda: rg.predict(TASK, rg.Learner(rg.GradientFlow(1.0)), 20), "on which are trained rg.Lasso, rg.Basis"),
        (lambda: rg.predict(TASK, rg.Learner(rg.Ridge(1.0, True)), 20), "intercept is not covered by predict"),
        (lambda: rg.predict(TASK, rg.Learner(Lasso(1.0), features=10), 20, members=2), "members is not covered by predict"),
        (lambda: rg.predict(TASK, rg.Learner(Lasso(1.0)), None), "n, the number of training samples, is missing"),
        (lambda: rg.predict(TASK, rg.Learner(Lasso(1.0)), -1), "n must be > 0, got -1.0"),
        (lambda: rg.predict(rg.Task.isotropic(5), rg.Learner(Lasso(1.0)), 3), "rg.SparseRegression to train Lasso"),
        (lambda: rg.predict(TASK, Lasso(1.0), 20), "learner must be an rg.Learner, got Lasso"),
        (lambda: simulate(rg.Learner(Lasso(1.0)), 20.5), "n must be whole numbers for a simulation"),
    ],
)
def test_bad_input_is_refused_by_name(make, message):
    with pytest.raises(ValueError, match=message):
        make()
