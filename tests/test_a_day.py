"""A process that calls every method all day has memory maps to spare."""

import json
import pathlib
import subprocess
import sys

import numpy as np
import pytest

from tests.a_day import LOWERED

ROOT = pathlib.Path(__file__).parents[1]
# Of the 65,530 that Linux grants; the guard looks after each 16 programs, of which the largest hold 700.
MOST = 45_000


def seen(calls, cells):
    """What `tests.a_day` reports, from a process of its own: at the limit it would be aborted."""
    command = [sys.executable, "-m", "tests.a_day", str(calls), str(cells)]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr[-2000:]
    return json.loads(run.stdout.splitlines()[-1])


@pytest.mark.skipif(not pathlib.Path("/proc/self/maps").exists(), reason="memory maps are counted in /proc")
@pytest.mark.parametrize(("calls", "cells"), [(0, 20), (2000, 500)])
def test_maps_stay_bounded_and_numbers_finite(calls, cells):
    found = seen(calls, cells)
    assert max(found["maps"]) < MOST
    assert found["cells"] == cells
    assert not found["not finite"]
    # the same numbers under a limit that makes the guard drop all programs several times
    lower = np.array(found["maps under a lower limit"])
    assert (np.diff(lower) < 0).sum() >= 2
    assert lower.max() < LOWERED
    assert not found["changed"]
