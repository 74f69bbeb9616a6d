"""The engines of command lines."""

__all__ = ["ENGINES", "add_engine", "engine_named"]

import argparse
from collections.abc import Iterator
from contextlib import contextmanager

from rfgen.curves.cells.dask_engine import Dask, local_cluster

ENGINES = ("serial", "dask")


def add_engine(parser: argparse.ArgumentParser) -> None:
    """The option `--engine`."""
    parser.add_argument("--engine", choices=ENGINES, default="serial", help=(
        "where simulations run: in this process, or on the Dask cluster of DASK_SCHEDULER_ADDRESS, without one on a worker "
        "for each core of this machine (default %(default)s)"
    ))


@contextmanager
def engine_named(name: str) -> Iterator[Dask | None]:
    """The engine of that name, for as long as its cluster is needed; ImportError without dask.distributed.

    >>> with engine_named("serial") as engine:
    ...     print(engine)
    None
    """
    if name == "serial":
        yield None
        return
    with local_cluster() as client:
        yield Dask(client)
