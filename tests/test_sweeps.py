"""Lists of a task's parameters are dimensions of curves, whose points are those of the single tasks."""

import numpy as np
import pytest

import rfgen as rg

RIDGE = rg.Learner(rg.Ridge([0.1, 1.0]))
VERBS = {
    "predict": lambda task: rg.predict(task, RIDGE, n=[20, 40]),
    "simulate": lambda task: rg.simulate(task, RIDGE, n=[20, 40], trials=3, seed=1),
    "check": lambda task: rg.check(task, RIDGE, n=[20, 40], trials=5).dataset,
    "optimal_ridge": lambda task: rg.optimal_ridge(task, RIDGE, n=[20, 40]),
    "best_possible": lambda task: rg.best_possible(task, n=[20, 40]),
}


@pytest.mark.parametrize("verb", VERBS)
def test_points_of_a_sweep_are_those_of_its_tasks(verb):
    swept = VERBS[verb](rg.Task.isotropic(10, signal=[0.5, 1.0, 2.0], noise=[0.1, 0.3]))
    one = VERBS[verb](rg.Task.isotropic(10, signal=2.0, noise=0.1)).drop_vars("features", errors="ignore")
    assert dict(swept.sizes) == {"signal": 3, "noise_variance": 2, **one.sizes}
    for name in one.data_vars:
        assert swept[name].dims == ("signal", "noise_variance", *one[name].dims)
        assert swept[name].attrs == one[name].attrs
        np.testing.assert_array_equal(swept[name].sel(signal=2.0, noise_variance=0.1).values, one[name].values)


def test_constructors_take_lists_and_tasks_anything():
    sizes = rg.predict(rg.Task.isotropic([5, 10]), RIDGE, n=20)
    assert sizes.dim.values.tolist() == [5, 10] and sizes.test.dims == ("dim", "ridge")
    laws = rg.Task.power_law([1.2, 1.5], beta=2.0, noise=[0.1, 0.2], modes=50)
    assert laws.each[0].spectrum is laws.each[1].spectrum  # made once
    assert rg.Task.exponential(rate=[0.1, 0.2], beta=2.0).over.keys() == {"decay_rate"}
    linear = rg.Tasks({"flip": [0.0, 0.2]}, lambda flip: rg.Mixture(np.full(5, 0.5), 1.0, flip=flip))
    error = rg.predict(linear, rg.Learner(rg.LDA()), n=50).error
    assert error.dims == ("flip",) and error[0] < error[1]


def test_the_parts_of_textbooks():
    curve, own = (rg.predict(rg.Task.isotropic(10, noise=0.2), RIDGE, n=[20, 40], split=one) for one in ("classical", None))
    np.testing.assert_allclose(curve.bias + curve.variance + curve.irreducible, curve.test, rtol=1e-12)
    np.testing.assert_array_equal(curve.variance, own.variance_with_noise)
    assert "noise" not in curve and curve.attrs["split"] == "classical"


def test_checks_of_sweeps_hand_on_the_engine():
    with pytest.raises(ValueError, match="engine must be"):
        rg.check(rg.Task.isotropic(5, noise=[0.1, 0.2]), rg.Learner(rg.Ridge(0.1)), 4, trials=2, engine="dask")
