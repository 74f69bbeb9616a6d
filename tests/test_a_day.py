"""A process that calls every method all day has memory maps to spare."""

import inspect
import json
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest

import rfgen as rg
from tests.a_day import LOWERED

ROOT = pathlib.Path(__file__).parents[1]
# Of the 65,530 that Linux grants; the guard looks after each 16 programs, of which the largest hold 700.
MOST = 45_000
# Most programs compile in half of the time and hold as many maps, or more.
QUICKLY = "--xla_backend_optimization_level=0 --xla_cpu_use_fusion_emitters=false"
COMPILES_NOTHING = {
    "best_possible", "cache_programs", "compute_frontier", "explore", "fit_scaling_law", "formula", "formulas",
    "learning_curve", "merge", "methods", "plot",
}


def seen(calls, cells):
    """What `tests.a_day` reports, from a process of its own: at the limit it would be aborted."""
    command = [sys.executable, "-m", "tests.a_day", str(calls), str(cells)]
    environment = {**os.environ, "XLA_FLAGS": f"{os.environ.get('XLA_FLAGS', '')} {QUICKLY}"}
    run = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr[-2000:]
    return json.loads(run.stdout.splitlines()[-1])


def test_every_verb_and_training_has_its_turn():
    methods = (ROOT / "tests/a_day.py").read_text()
    verbs = [name for name in rg.__all__ if name[0].islower() and inspect.isfunction(getattr(rg, name))]
    classes = [name for name in rg.__all__ if inspect.isclass(getattr(rg, name))]
    kinds = [name for name in classes if ".training" in getattr(rg, name).__module__]
    assert len(verbs) > 10 and len(kinds) > 15
    for name in {*verbs, *kinds} - COMPILES_NOTHING:
        assert f"rg.{name}(" in methods, name


@pytest.mark.skipif(not pathlib.Path("/proc/self/maps").exists(), reason="memory maps are counted in /proc")
def test_maps_stay_bounded_and_numbers_finite():
    found = seen(calls=2000, cells=500)
    assert max(found["maps"]) < MOST
    assert found["cells"] == 500
    assert not found["not finite"]
    # under a limit that makes the guard drop all programs several times, the same numbers
    lower = np.array(found["maps under a lower limit"])
    assert (np.diff(lower) < 0).sum() >= 2
    assert lower.max() < LOWERED
    assert not found["changed"]
