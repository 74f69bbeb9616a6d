"""Simulations on several devices: trials are shared out, and the numbers are those of one."""

import json
import os
import pathlib
import subprocess
import sys

import jax
import numpy as np
import pytest

import rfgen as rg
from rfgen.simulation.devices import over_devices
from rfgen.simulation.random_numbers import device_key, trial_words
from rfgen.simulation.runs.blocks import block_algebra
from rfgen.simulation.runs.blocks.blocked_risk import InBlocks, blocked_risk
from rfgen.simulation.runs.risk import risk
from rfgen.simulation.sampling.samplers import sampler
from tests.simulation.several_devices import PATHS, SHARED, difference, numbers

ROOT = pathlib.Path(__file__).resolve().parents[2]
DEVICES = 4
# One of each way through the simulations; all of PATHS are there for a run of the script by hand.
CHECKED = ("members", "float32", "flow", "data, views", "bags", "SGD", "one pass, features", "margins")
# These run compiled, on all devices, on the host too.
COMPILED = ("SGD", "one pass, features")


def test_rows_of_every_trial():
    every = over_devices(lambda x, y: {"sum": x + y}, np.arange(5.0), 2.0)
    assert np.asarray(every["sum"]).tolist() == [2.0, 3.0, 4.0, 5.0, 6.0]


@pytest.mark.parametrize("features", [None, 30])
def test_blocks_of_rows(features, monkeypatch):
    """Several blocks, the last one not full, on the device that is there."""
    monkeypatch.setattr(block_algebra, "BLOCK", 8)
    task, ridges = rg.Task.power_law(1.5, 1.5, 0.5, modes=40), np.array([0.05, 1.0])
    keys = trial_words(0, 21, features, 0, 2)
    with jax.enable_x64(True):
        source = sampler(task, "float64", "population")
        shared = InBlocks(source).placed()
        found = blocked_risk(shared.base, shared.examples, device_key(keys), 21, features, ridges, task.noise)
        whole = risk(source, keys, 21, features, ridges, task.noise, batched=False)
    for name, values in vars(whole).items():
        if values is not None:
            np.testing.assert_allclose(vars(found)[name], values, rtol=1e-11, atol=1e-12, err_msg=name)


def test_labels_without_noise_are_fitted_alone():
    runs = [
        rg.simulate(rg.Task.power_law(1.5, 1.5, noise, modes=40), rg.Learner(rg.Ridge([0.05, 1.0])), 20, trials=4)
        for noise in (0.0, 1e-300)
    ]
    for name in runs[0].data_vars:
        np.testing.assert_allclose(runs[0][name], runs[1][name], rtol=1e-12, atol=1e-15, err_msg=name)


@pytest.fixture(scope="module")
def on_four():
    environment = {
        **os.environ, "PYTHONPATH": str(ROOT), "JAX_PLATFORMS": "cpu", "OPENBLAS_NUM_THREADS": "1",
        # optimised, as single draws are rounded in another way otherwise
        "XLA_FLAGS": f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count={DEVICES}",
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
    assert on_four["in blocks"].keys() == {*SHARED, "a run"}
    assert max(on_four["in blocks"].values()) < 1e-10


@pytest.mark.parametrize("path", COMPILED)
def test_one_device_has_the_same_numbers(on_four, path):
    assert len(jax.devices()) == 1
    four = {name: np.asarray(values) for name, values in on_four["paths"][path]["numbers"].items()}
    assert difference(numbers(path), four) < PATHS[path][-1]
