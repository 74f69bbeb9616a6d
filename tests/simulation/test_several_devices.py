"""Simulations on several devices: trials are shared out, and the numbers are those of one."""

import json
import os
import pathlib
import subprocess
import sys

import jax
import numpy as np
import pytest

from rfgen.simulation.devices import over_devices
from tests.simulation.several_devices import PATHS, difference, numbers

ROOT = pathlib.Path(__file__).resolve().parents[2]
DEVICES = 4
# One of each way through the simulations; all of PATHS are there for a run of the script by hand.
CHECKED = ("members", "float32", "flow", "data, views", "bags", "SGD", "one pass, features", "margins")
# These run compiled, on all devices, on the host too.
COMPILED = ("SGD", "one pass, features")


def test_rows_of_every_trial():
    every = over_devices(lambda x, y: {"sum": x + y}, np.arange(5.0), 2.0)
    assert np.asarray(every["sum"]).tolist() == [2.0, 3.0, 4.0, 5.0, 6.0]


@pytest.fixture(scope="module")
def on_four():
    environment = {
        **os.environ, "PYTHONPATH": str(ROOT), "JAX_PLATFORMS": "cpu", "OPENBLAS_NUM_THREADS": "1",
        # optimised, as single draws are rounded in another way otherwise
        "XLA_FLAGS": f"--xla_force_host_platform_device_count={DEVICES}",
    }
    call = [sys.executable, str(pathlib.Path(__file__).with_name("several_devices.py")), *CHECKED]
    done = subprocess.run(call, check=False, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_programs_of_accelerators_on_four_devices(on_four):
    assert on_four["devices"] == DEVICES
    for path in CHECKED:
        assert on_four["paths"][path]["as on an accelerator"] < PATHS[path][-1], path


def test_one_trial_on_four_devices(on_four):
    """Of more memory than one is given; test_memory has the refusal where there is one."""
    assert on_four["in blocks"] < 1e-10


@pytest.mark.parametrize("path", COMPILED)
def test_one_device_has_the_same_numbers(on_four, path):
    assert len(jax.devices()) == 1
    four = {name: np.asarray(values) for name, values in on_four["paths"][path]["numbers"].items()}
    assert difference(numbers(path), four) < PATHS[path][-1]
