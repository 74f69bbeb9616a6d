"""Engines agree, whatever becomes of their workers."""

import random
import sys
import threading

import distributed
import numpy as np
import pytest

import rfgen as rg
from rfgen.curves.cells.store import CELL
from tests.benchmarks import survival

TASK, LEARNER = rg.Task.isotropic(20, noise=0.1), rg.Learner(rg.Ridge([0.1, 1.0]))


@pytest.fixture(scope="module")
def client():
    """Workers that are threads of this process."""
    with distributed.Client(processes=False, n_workers=1, threads_per_worker=2, dashboard_address=":0") as client:
        yield client


def test_the_same_numbers_and_cells(client, tmp_path):
    inputs = np.random.default_rng(0).normal(size=(60, 3))
    task = rg.DataTask(inputs, inputs[:, 0], feature_map=lambda x: np.sin(x) + float(TASK.noise[0]))
    call = dict(n=[8, 12], trials=34, seed=3, store=tmp_path)
    first = rg.simulate(task, LEARNER, **call, engine=rg.Dask(client))
    written = {path: path.stat().st_mtime_ns for path in tmp_path.glob(f"*{CELL}")}
    assert len(written) == 4
    assert rg.simulate(task, LEARNER, **call).identical(first)
    assert written == {path: path.stat().st_mtime_ns for path in tmp_path.glob(f"*{CELL}")}
    assert rg.simulate(task, LEARNER, **{**call, "store": None}).identical(first)


class Failing(survival.At):
    def __call__(self, start, stop, advance):
        if self.number in (7, self.options.get("of")):
            raise ZeroDivisionError("a poison")
        return super().__call__(start, stop, advance)


def test_a_cell_that_raises_is_told_and_the_rest_finish(client, monkeypatch):
    truth = survival.run()[0]
    monkeypatch.setattr(survival, "At", Failing)
    with pytest.warns(UserWarning, match=r"1 of 40 pieces were lost.*trials 0 to 4 at n=7: ZeroDivisionError: a poison"):
        found, attributes = survival.run(rg.Dask(client))
    assert "n=7" in attributes["lost"] and np.isnan(found[7]).all()
    assert np.array_equal(np.delete(found, 7, 0), np.delete(truth, 7, 0))
    monkeypatch.setattr(survival, "At", lambda number: Failing(7))
    with pytest.raises(ZeroDivisionError, match="a poison"):
        survival.run(rg.Dask(client))


class Closing(rg.Dask):
    """Its cluster is closed, by another thread, once three pieces have been given."""

    def measured(self, *call):
        for number, given in enumerate(super().measured(*call)):
            yield given
            if number == 2:
                threading.Thread(target=self.client.cluster.close).start()


def test_a_cluster_that_goes(tmp_path):
    """What is finished is kept, and another goes on; without a store it is returned."""
    truth, stores = survival.run()[0], {"kept": tmp_path / "cells", "returned": None}
    for store in stores.values():
        with distributed.Client(processes=False, n_workers=1, threads_per_worker=1, dashboard_address=":0") as client:
            if store:
                with pytest.raises(ConnectionError, match=r"cluster is gone .*: \d+ of 40 pieces are in store=.*goes on"):
                    survival.run(Closing(client), store, pause=0.2)
            else:
                with pytest.warns(UserWarning, match="stopped after"):
                    found, attributes = survival.run(Closing(client), pause=0.2)
    some = ~np.isnan(found).all((1, 2))
    assert "interrupted" in attributes and 0 < some.sum() < 40 and np.array_equal(found[some], truth[some])
    kept, log = {path.name for path in stores["kept"].glob(f"*{CELL}")}, tmp_path / "log"
    assert 0 < len(kept) < 40
    assert np.array_equal(survival.run(None, stores["kept"], log=log)[0], truth)
    assert len(log.read_text().split()) == 40 - len(kept)
    with pytest.raises(ValueError, match="client must be connected and not asynchronous"):
        rg.Dask(client)


def test_a_killed_worker():
    found = survival.workers(1, random.Random(0))
    assert found["complete and bit-equal"] == 1 and found["cells begun again"][0] <= 3


@pytest.mark.parametrize(("client", "message"), [(None, "client must be a distributed.Client"), ("tcp://x", "got 'tcp://x'")])
def test_what_is_no_client(client, message):
    with pytest.raises(ValueError, match=message):
        rg.Dask(client)


def test_without_dask(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ImportError, match=r'rg.Dask needs dask.distributed.*pip install "rfgen\[cluster\]"'):
        rg.Dask("tcp://scheduler:8786")
