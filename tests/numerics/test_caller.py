"""Warnings point at the line of the person who called."""

import inspect

import pytest

import rfgen as rg

CIRCLE = rg.Task.sphere(2, rg.GaussianKernel(0.3), target={1: 1.0}, noise=0.1)
LEARNER = rg.Learner(rg.Ridge(1e-6))
CALLS = {
    "predict": lambda: rg.predict(CIRCLE, LEARNER, 20),
    "check": lambda: rg.check(CIRCLE, LEARNER, 20, trials=2),
    "overfitting_cost": lambda: rg.overfitting_cost(CIRCLE, 20),
    "ensemble": lambda: rg.predict(CIRCLE, rg.Learner(rg.Ridge(1e-6), features=1000), 20, members=3),
    "network": lambda: rg.predict(rg.XORClusters(40, 6.0), rg.TwoLayerReLU(10, 0.01, 1, 1e-3), 20),
    "sensitivity": lambda: rg.sensitivity(5, n=100, features=100),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_warning_points_at_the_caller(name):
    with pytest.warns(UserWarning) as caught:  # noqa: PT030  whatever it says
        CALLS[name]()
    assert {record.filename for record in caught} == {__file__}
    line = inspect.getsourcelines(CALLS[name])[1]
    assert caught[0].lineno == line
