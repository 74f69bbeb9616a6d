"""Memory of simulations: planned before anything is drawn, and what is then taken."""

import re

import numpy as np
import pytest

import rfgen as rg
from tests.benchmarks.memory import MOST, measured


def planned(task, learner, n):
    """Bytes of the plan, as a refusal tells them."""
    with pytest.raises(MemoryError) as refused:
        rg.simulate(task, learner, n, memory=1)
    size, unit = re.search(r"needs about (\S+) (\w+)", str(refused.value)).groups()
    return float(size) * 1024 ** ("bytes", "KiB", "MiB", "GiB").index(unit)


def test_a_plan_holds_two_samples_and_one_fit():
    task = rg.Task.power_law(1.5, 1.5, 0.5, 2000)
    few = planned(task, rg.Learner(rg.Ridge(1.0)), 100)
    assert 2 * 8 * 100 * 2000 < few < 2 * 8 * 100 * 2000 + 6 * 8 * 100**2 + 2**20
    assert planned(task, rg.Learner(rg.Ridge(1.0)), 200) == pytest.approx(2 * few, rel=0.2)


def test_real_rows_stay_in_single_precision():
    rows = np.random.default_rng(0).standard_normal((50, 8)).astype(np.float32)
    single, double = (rg.DataTask(own, own[:, 0], sampling="with replacement") for own in (rows, rows.astype(float)))
    assert single.eigen.population.coordinates.dtype == np.float32
    for training in (rg.Ridge(1.0), rg.GradientFlow(2.0), rg.OnePassSGD(0.05, 5)):
        n = 20 if training.needs_samples else None
        one, other = (rg.simulate(task, rg.Learner(training), n, trials=4) for task in (single, double))
        assert float(one.test) == pytest.approx(float(other.test), rel=1e-5)


@pytest.mark.parametrize("shape", ["features, few rows"])
def test_the_peak_is_within_the_plan(shape):
    found = measured(shape, 0.6)["peak / planned"]
    assert 0.5 < found < MOST
