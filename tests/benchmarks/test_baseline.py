"""The baseline of the speed figures is right, and a sweep compiles nothing new: the untimed half of `speed.py`."""

import jax
import numpy as np
import pytest

import rfgen as rg
from tests.benchmarks.compilations import count_compilations, sweep_one_by_one
from tests.benchmarks.nested_bisection import nested_bisection

# Textbook formulas cancel; measured difference 3e-13.
ACCURACY = 1e-9


@pytest.mark.parametrize(("n", "features", "ridge"), [(30.0, 100.0, 0.02), (100.0, 30.0, 0.5), (60.0, 60.0, 0.1)])
def test_nested_bisection_agrees(n, features, ridge):
    index = np.arange(1.0, 2001.0)
    theirs = nested_bisection(index**-1.5, index**-1.3, n, features, ridge, 0.5)
    curve = rg.predict(rg.Task(index**-1.5, index**-1.3, noise=0.5), rg.Learner(rg.Ridge(ridge), features), n=n)
    for name, value in theirs.items():
        assert float(curve[name]) == pytest.approx(value, rel=ACCURACY), name


@pytest.mark.parametrize("modes", [10_000, None], ids=["finite", "infinite"])
def test_sweeps_compile_once(modes):
    counts = sweep_one_by_one(modes)
    assert counts.pop("first") > 0
    assert counts == {"n": 0, "ridge": 0, "noise": 0}


def test_programs_read_from_the_folder_are_counted_too():
    """A warm folder hides no compilation: the second round finds its program there."""
    for _ in range(2):
        jax.clear_caches()
        with count_compilations() as compiled:
            jax.jit(lambda x: jax.numpy.sin(x) * 0.375)(np.ones(3, np.float32))
        assert len(compiled) > 0
