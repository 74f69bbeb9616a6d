"""Runs that are killed, by hand: workers, schedulers and whole runs, and stored cells whose bits flip.

    python tests/benchmarks/survival.py workers --times 20      a worker of two killed at a random moment of 40 cells
    python tests/benchmarks/survival.py scheduler               the cluster gone half-way, another goes on with the store
    python tests/benchmarks/survival.py poison                  a cell that no worker survives
    python tests/benchmarks/survival.py runs --times 50         SIGKILL of a serial run with a store
    python tests/benchmarks/survival.py bits --times 10000      single bits of stored cells flipped

Each prints one line of JSON.
"""

import argparse
import contextlib
import json
import multiprocessing
import os
import random
import signal
import sys
import tempfile
import threading
import time
import warnings
from pathlib import Path

import numpy as np

import rfgen as rg
from rfgen.curves.cells.engines import LostEngineError, call_in
from rfgen.curves.cells.run import Cell, run_cells
from rfgen.curves.cells.store import CELL, Store

CELLS, TRIALS = 40, 4
# Of a machine so busy that a new worker takes more than the 15 s in which a local cluster gives it up.
PATIENT = {"distributed.deploy.lost-worker-timeout": "1h", "distributed.comm.timeouts.connect": "600s"}


def measured(start, stop, advance, number=0, pause=0.0, log=None, poison=None):
    """Eigenvalues of drawn matrices, after a pause; what is begun is written to `log`."""
    if log is not None:
        with Path(log).open("a") as file:
            file.write(f"{number}\n")
    if number == poison:
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(pause)
    found = []
    for trial in range(start, stop):
        matrix = np.random.default_rng((number, trial)).standard_normal((30, 30))
        found.append(np.linalg.eigvalsh(matrix @ matrix.T))
        advance(1)
    return {"test": np.array(found)}


class At:
    """`measured` of one cell."""

    def __init__(self, number, **options):
        self.number, self.options = number, options

    def __call__(self, start, stop, advance):
        return measured(start, stop, advance, self.number, **self.options)


def run(engine=None, store=None, **options):
    cells = [Cell(At(number, **options), ("survival", number), TRIALS, where=f"n={number}") for number in range(CELLS)]
    with call_in(engine, {"task": "survival"}):
        blocks, attributes = run_cells(cells, TRIALS, 10**9, "n", store)
    return np.array([block["test"] for block in blocks]), attributes


@contextlib.contextmanager
def cluster(**config):
    """A client of two workers of one thread."""
    import dask
    from distributed import Client, LocalCluster

    with (
        dask.config.set({**PATIENT, **config}),
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as local,
        Client(local) as client,
    ):
        yield local, client


def kill(victim, log, after, later):
    """SIGKILL a moment after so many cells have begun."""
    while not log.exists() or len(log.read_text().split()) < after:
        time.sleep(0.005)
    time.sleep(later)
    os.kill(victim, signal.SIGKILL)


def workers(times, rng):
    truth, complete, redone = run()[0], 0, []
    with cluster() as (local, client), tempfile.TemporaryDirectory() as folder:
        run(rg.Dask(client))  # rfgen loaded
        for number in range(times):
            client.wait_for_workers(2)
            log, before = Path(folder) / str(number), {worker.pid for worker in local.workers.values()}
            victim, after, later = rng.choice(sorted(before)), rng.randint(1, CELLS - 2), rng.uniform(0.0, 0.05)
            killer = threading.Thread(target=kill, args=(victim, log, after, later))
            killer.start()
            found, attributes = run(rg.Dask(client), pause=0.05, log=log)
            killer.join()
            complete += bool(np.array_equal(found, truth)) and not attributes
            redone.append(len(log.read_text().split()) - CELLS)
            print(f"{complete} of {number + 1} complete, {redone[-1]} cells begun again", file=sys.stderr, flush=True)
    return {"repetitions": times, "complete and bit-equal": complete, "cells begun again": redone}


def scheduler(times, rng):
    truth, found, stopped, again = run()[0], [], 0, []
    for _ in range(times):
        with tempfile.TemporaryDirectory() as folder:
            store, log = Path(folder) / "cells", Path(folder) / "log"
            with cluster() as (local, client):
                run(rg.Dask(client))
                timer = threading.Timer(rng.uniform(0.3, 0.9), local.close)
                timer.start()
                try:
                    run(rg.Dask(client), store, pause=0.05)
                except LostEngineError as error:
                    print(error)
                    stopped += 1
                timer.join()
            kept = {path.name for path in store.glob(f"*{CELL}")}
            with cluster() as (_, client):
                found.append(bool(np.array_equal(run(rg.Dask(client), store, log=log)[0], truth)))
            again.append(len(log.read_text().split()) - (CELLS - len(kept)))
    return {"stopped": stopped, "then bit-equal": sum(found), "of": times, "finished cells begun again": again}


def poison(times, rng):
    truth, told = run()[0], []
    once = {"distributed.scheduler.allowed-failures": 0}
    with cluster(**once) as (_, client), warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        found, attributes = run(rg.Dask(client), pause=0.02, poison=7)
        told = [str(one.message)[:200] for one in said if "lost" in str(one.message)]
    rest = np.arange(CELLS) != 7
    same = bool(np.array_equal(found[rest], truth[rest]))
    return {"rest bit-equal": same, "told": told, "attribute": "lost" in attributes}


def child(store, log):
    run(None, store, pause=0.01, log=log)


def runs(times, rng):
    truth, kills, begun, equal, rounds = run()[0], 0, 0, 0, 0
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["rfgen"])
    with tempfile.TemporaryDirectory() as folder:
        while kills < times:
            store, log, own = Path(folder) / str(rounds), Path(folder) / f"{rounds}.log", 0
            while True:
                process = context.Process(target=child, args=(store, log))
                process.start()
                process.join(rng.uniform(0.02, 0.8) if kills < times else None)
                if not process.is_alive():
                    break
                process.kill()
                process.join()
                kills, own = kills + 1, own + 1
            count = len(log.read_text().split()) - CELLS
            begun, rounds = begun + max(count - own, 0), rounds + 1
            before = len(log.read_text().split())
            equal += bool(np.array_equal(run(None, store, log=log)[0], truth)) and len(log.read_text().split()) == before
    return {"kills": kills, "runs": rounds, "bit-equal": equal, "cells lost beyond the one in flight": begun}


def bits(times, rng):
    unseen, raised = 0, []
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        store = Store(folder)
        arrays = {name: np.random.default_rng(0).random((32, 3)) for name in ("test", "train", "bias")}
        store.put("0" * 32, arrays)
        path = store.folder / f"{'0' * 32}{CELL}"
        whole = path.read_bytes()
        for _ in range(times):
            damaged, at = bytearray(whole), rng.randrange(8 * len(whole))
            damaged[at // 8] ^= 1 << at % 8
            path.write_bytes(damaged)
            try:
                unseen += store.get("0" * 32) is not None
            except Exception as error:  # noqa: BLE001  what none may be
                raised.append(repr(error))
    return {"flips": times, "bytes": len(whole), "unseen": unseen, "raised": len(raised)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    kinds = {one.__name__: one for one in (workers, scheduler, poison, runs, bits)}
    parser.add_argument("kind", choices=kinds)
    parser.add_argument("--times", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    spent = time.process_time()
    found = kinds[given.kind](given.times, random.Random(given.seed))
    print(json.dumps({given.kind: found, "cpu_seconds": round(time.process_time() - spent, 1)}))


if __name__ == "__main__":
    main()
