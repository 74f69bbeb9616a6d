"""Cells measured by the workers of a Dask cluster."""

__all__ = ["Dask", "local_cluster"]

import functools
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from rfgen.curves.cells.engines import Arrays, Job, LostEngineError, Measure, bytes_here
from rfgen.curves.cells.source import source_digest
from rfgen.numerics.compilation.precision import double_precision
from rfgen.numerics.memory import budget

# Jobs that a cluster has at a time: it sees the work that it may grow for, and the store is looked into late.
AHEAD = 1000
# Of the graph, in which the task travels once: Dask would advise what is done.
UNWARNED = {"distributed.admin.large-graph-warning-threshold": "1 TiB"}


@dataclass(frozen=True)
class Dask:
    """The workers of a Dask cluster, wherever it runs: `rg.simulate(..., engine=rg.Dask(client))`.

    Parameters
    ----------
    client
        A `distributed.Client`: of this machine's cores, of a `LocalCluster`, an `SSHCluster`, a `SLURMCluster` of
        dask-jobqueue, or of an address.

    Raises
    ------
    ImportError
        Where dask.distributed is not installed, with the command that does.
    ValueError
        If `client` is none, is closed, or is asynchronous.

    Notes
    -----
    Cells of a worker that dies are measured again by others.  A cell that no worker survives, or that raises, is reported,
    in a warning and the attribute `lost`, and the rest finish; if none does, its exception is that of the call.  Numbers
    are those of a run without an engine, to the last bit where the linear algebra has one thread, as on workers that Dask
    starts.  A store is read and written here, by the process of the call.

    Examples
    --------
    >>> import rfgen as rg
    >>> from distributed import Client
    >>> task, learner = rg.Task.isotropic(20, noise=0.1), rg.Learner(rg.Ridge(0.1))
    >>> with Client(processes=False, dashboard_address=":0") as client:
    ...     runs = rg.simulate(task, learner, n=[20, 40], trials=4, engine=rg.Dask(client))
    >>> runs.identical(rg.simulate(task, learner, n=[20, 40], trials=4))
    True
    """

    client: Any

    def __post_init__(self) -> None:
        """A client that blocks, and runs."""
        if not isinstance(self.client, _distributed().Client):
            raise ValueError(
                "client must be a distributed.Client, such as distributed.Client() for the cores of this machine, got "
                f"{self.client!r}"
            )
        if self.client.asynchronous or self.client.status != "running":
            raise ValueError(f"client must be connected and not asynchronous, got {self.client!r}")

    def measured(
        self, measures: Sequence[Measure], jobs: Iterator[Job], advance: Callable[[int], Any]
    ) -> Iterator[tuple[Job, Arrays | Exception]]:
        """Each job with its arrays or its exception, as they come."""
        distributed, pending, killed = _distributed(), {}, []
        finished, work = distributed.as_completed(), None
        try:
            while True:
                while len(pending) < AHEAD and (job := next(jobs, None)) is not None:
                    work = work or self._sent(measures)
                    future = self._submitted(work, job)
                    pending[future.key] = future, job
                    finished.add(future)
                if not pending:
                    break
                future, job = pending.pop(next(finished).key)
                found = _result(future)
                if isinstance(found, distributed.scheduler.KilledWorker):
                    killed.append(job)
                    continue
                advance(job.stop - job.start)
                yield job, found
            for job in killed:  # alone: it may have been another, at the same worker, that killed it
                found = _result(self._submitted(work, job))
                advance(job.stop - job.start)
                yield job, found
        finally:
            with suppress(*_lost(distributed)):  # of a cluster that is gone there is nothing to cancel
                self.client.cancel([future for future, _ in pending.values()], force=True)

    def bytes(self) -> int:
        """Half of the memory of a worker's device, or of what its limit leaves a thread: the least of all workers."""
        devices = self.client.run(bytes_here, on_error="ignore")
        workers = self.client.scheduler_info(n_workers=-1)["workers"]
        shares = {name: (worker["memory_limit"] or 0) // worker["nthreads"] for name, worker in workers.items()}
        return min((min(own, budget(shares.get(name))) for name, own in devices.items()), default=bytes_here())

    def _sent(self, measures: Sequence[Measure]) -> Any:
        """All that is to be measured, as bytes: to a worker they travel once, and are made again where they are lost."""
        from dask.config import set as configured

        try:
            work = _distributed().protocol.pickle.dumps(list(measures))
        except Exception as error:
            reason = (str(error) or type(error).__name__).splitlines()[0]
            raise ValueError(f"engine=rg.Dask needs a task and a learner that can be sent to workers: {reason}") from error
        with configured(UNWARNED):
            return self.client.submit(bytes, work, pure=False)

    def _submitted(self, work: Any, job: Job) -> Any:
        try:
            return self.client.submit(_job, work, source_digest(), tuple(job), pure=False)
        except _lost(_distributed()) as error:
            raise LostEngineError(f"the Dask cluster is gone ({type(error).__name__})") from error


def local_cluster() -> Any:
    """A client of DASK_SCHEDULER_ADDRESS, without one of a worker for each core of this machine."""
    return _distributed().Client(threads_per_worker=1, dashboard_address=":0")


def _distributed() -> Any:
    try:
        import distributed
    except ImportError:
        raise ImportError('rg.Dask needs dask.distributed, which is not installed: pip install "rfgen[cluster]"') from None
    return distributed


def _lost(distributed: Any) -> tuple[type[Exception], ...]:
    """What a client that is closed raises, by version."""
    return (OSError, getattr(distributed.client, "ClosedClientError", OSError))


def _result(future: Any) -> Arrays | Exception:
    """The arrays of a job, or what it raised."""
    try:
        return future.result()
    except Exception as error:
        if future.status == "error":
            return error
        raise LostEngineError(f"the Dask cluster is gone ({type(error).__name__})") from error


@double_precision
def _job(work: bytes, source: str, job: tuple[int, int, int]) -> Arrays:
    """On a worker: the arrays of a job."""
    if source != source_digest():
        raise RuntimeError("a worker has another rfgen than the caller: install the same on both")
    cell, start, stop = job
    return _unpickled(work)[cell](start, stop, lambda count: None)


@functools.lru_cache(maxsize=1)
def _unpickled(work: bytes) -> list[Measure]:
    """Once for all jobs of a run; in double precision, as arrays of JAX would lose theirs."""
    return _distributed().protocol.pickle.loads(work)
