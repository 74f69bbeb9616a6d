"""What verbs refuse: one sentence that names the argument, what came and the remedy."""

import pathlib
import re

import numpy as np
import pandas
import pytest

import rfgen as rg

TASK, LEARNER = rg.Task.isotropic(10, noise=0.1), rg.Learner(rg.Ridge(0.1))
X, Y = np.random.default_rng(0).normal(size=(12, 3)), np.ones(12)


def simulate(**arguments):
    return rg.simulate(TASK, LEARNER, 5, **{"trials": 2, **arguments})


def check(**arguments):
    return rg.check(TASK, LEARNER, 5, **{"trials": 4, **arguments})


MANY = np.ones(10**5)


def curve():
    return rg.predict(TASK, LEARNER, [5, 6])


def shuffled():
    return pandas.DataFrame(X), pandas.Series(Y, index=range(12)[::-1])


CASES = {
    "a store that is no name": (lambda: simulate(store=5), "store must be the name of a folder, got 5"),
    "a store without a name": (lambda: simulate(store=""), "store must be the name of a folder, got ''"),
    "a store that is a file": (lambda: simulate(store=__file__), "store must be a folder that can be written"),
    "progress in words": (lambda: simulate(progress="no"), "progress must be True, False or None, got 'no'"),
    "a trial and a half": (lambda: simulate(trials=1.5), "trials must be an integer >= 1"),
    "a seed of nothing": (lambda: simulate(seed=None), "seed must be an integer >= 0"),
    "memory of none": (lambda: simulate(memory=0), "memory must be > 0"),
    "a dtype of NumPy": (lambda: simulate(dtype=np.float32), "dtype must be 'float32' or 'float64'"),
    "a finite size below 0": (lambda: check(finite_size=-1), "finite_size must be >= 0, got -1"),
    "a threshold without end": (lambda: check(threshold=np.inf), "threshold must be finite, got inf"),
    "variables that are not there": (lambda: check(variables="tset"), "variables must be among test, train"),
    "a curve as runs": (lambda: rg.plot(curve(), curve()), "runs must hold test_se"),
    "axes by name": (lambda: rg.plot(curve(), ax="left"), "ax must be matplotlib Axes, got 'left'"),
    "groups that are missing": (lambda: rg.estimate_risk(X, Y, groups=[*"abcabcabcab", None]), "got None for 1 of 12"),
    "groups not a number": (lambda: rg.estimate_risk(X, Y, groups=[np.nan, *range(11)]), "got nan for 1 of 12"),
    "rows of other labels": (lambda: rg.estimate_risk(*shuffled()), "y must have the index of data"),
    "n in words": (lambda: rg.predict(TASK, LEARNER, "10"), "n must be numeric, got str"),
    "n of four hundred digits": (lambda: rg.predict(TASK, LEARNER, 10**400), "n must be numeric, got int"),
    "members in words": (lambda: rg.predict(TASK, LEARNER, 5, members="2"), "members must be numeric, got str"),
    "one group": (lambda: rg.estimate_risk(X, Y, groups=["a"] * 12), "groups must name at least two blocks"),
    "features beyond squares": (lambda: rg.estimate_risk(X * 1e200, Y), r"data must be between 1e-150 and 1e+150 in size"),
    "features without end": (
        lambda: rg.simulate(TASK, rg.Learner(rg.Ridge(0.1), features=1e200), 5, trials=2),
        "a pair of trials at n=5, features=1e+200",
    ),
    "modes of features": (
        lambda: rg.predict(TASK, rg.Learner(rg.OnePassSGD(0.1, 5), features=5), by_mode=True), "by_mode needs one pass on"
    ),
    "too many points": (lambda: rg.predict(TASK, rg.Learner(rg.Ridge(MANY)), MANY), "100000 of n x 100000 of ridge"),
}


@pytest.mark.parametrize("case", CASES)
def test_is_refused(case):
    call, message = CASES[case]
    with pytest.raises((ValueError, MemoryError), match=re.escape(message)):
        call()


def test_a_cell_that_cannot_be_kept_is_still_returned(tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pathlib.Path, "replace", full)
    with pytest.warns(UserWarning, match="cannot keep .*No space left"):
        runs = simulate(store=tmp_path)
    assert np.isfinite(runs.test) and not list(tmp_path.iterdir())
