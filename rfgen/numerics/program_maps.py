"""Compiled programs hold memory maps, of which Linux grants a process 65,530; beyond, XLA aborts the process."""

__all__ = ["spare_maps"]

import itertools
from pathlib import Path

import jax

MAPS, GRANTED = Path("/proc/self/maps"), Path("/proc/sys/vm/max_map_count")
# Counting 30,000 maps takes milliseconds; a first call adds some hundreds of them.
EVERY = 16
_calls = itertools.count(1)


def spare_maps() -> None:
    """Drop all compiled programs of the process, the caller's too, when half of its maps are taken: they compile again.

    Looks at each 16th call, outside any trace, and does nothing where there is no /proc.
    """
    if next(_calls) % EVERY or not (MAPS.exists() and GRANTED.exists()):
        return
    if 2 * MAPS.read_bytes().count(b"\n") > int(GRANTED.read_text()):
        jax.clear_caches()
