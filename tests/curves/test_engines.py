"""Engines agree, whatever becomes of their workers."""

import os
import random
import signal
import threading

import numpy as np
import pytest

import rfgen as rg
from rfgen.curves.cells.engines import LostEngineError
from rfgen.curves.cells.store import CELL
from tests.benchmarks import survival

distributed = pytest.importorskip("distributed")
TASK, LEARNER = rg.Task.isotropic(20, noise=0.1), rg.Learner(rg.Ridge([0.1, 1.0]))


@pytest.fixture(scope="module")
def client():
    """Workers that are threads of this process."""
    with distributed.Client(processes=False, n_workers=1, threads_per_worker=2, dashboard_address=None) as client:
        yield client


def test_the_same_numbers_and_cells(client, tmp_path):
    task = rg.DataTask(np.eye(30), np.arange(30.0), feature_map=lambda x: np.sin(x) + TASK.noise)
    both = [rg.simulate(task, LEARNER, [8, 12], trials=34, seed=3, engine=rg.Dask(client), store=tmp_path)]
    written = {path: path.stat().st_mtime_ns for path in tmp_path.glob(f"*{CELL}")}
    both += [rg.simulate(task, LEARNER, [8, 12], trials=34, seed=3, **there) for there in ({}, {"store": tmp_path})]
    assert both[0].identical(both[1]) and both[0].identical(both[2])
    assert written == {path: path.stat().st_mtime_ns for path in tmp_path.glob(f"*{CELL}")} and len(written) == 4
    assert rg.check(TASK, LEARNER, 40, trials=8, engine=rg.Dask(client)).dataset.attrs["trials"] == 8


class Poison(survival.At):
    def __call__(self, start, stop, advance):
        if self.number in self.options.get("fail", ()):
            raise ZeroDivisionError("a poison")
        return super().__call__(start, stop, advance)


def test_a_cell_that_raises_is_told_and_the_rest_finish(client, monkeypatch):
    truth = survival.run()[0]
    monkeypatch.setattr(survival, "At", lambda number, **options: Poison(number) if number != 7 else Failing(number))
    with pytest.warns(UserWarning, match=r"1 of 40 pieces were lost.*trials 0 to 4 at n=7: ZeroDivisionError: a poison"):
        found, attributes = survival.run(rg.Dask(client))
    assert "n=7" in attributes["lost"] and np.isnan(found[7]).all()
    assert np.array_equal(np.delete(found, 7, 0), np.delete(truth, 7, 0))
    monkeypatch.setattr(survival, "At", Failing)
    with pytest.raises(ZeroDivisionError, match="a poison"):
        survival.run(rg.Dask(client))


class Failing(survival.At):
    def __call__(self, start, stop, advance):
        raise ZeroDivisionError("a poison")
