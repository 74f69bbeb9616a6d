"""Shapes are enforced and dtype promotion is strict while testing; every test runs on the CPU without a display."""

import gc
import os
import pathlib

os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("JAX_PLATFORMS", "cpu")

if "PYTEST_XDIST_WORKER" in os.environ:
    # one thread a worker: two workers with two BLAS threads each spin on each other (one test took 49 s instead of 5)
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false")

import jax
from jaxtyping import install_import_hook

# The user layer (problems, api) validates by itself, with messages that tests read.
ROOMS = ("numerics", "equivalents", "theory", "simulation", "comparison", "execution")
install_import_hook([f"rfgen.{room}" for room in ROOMS], "beartype.beartype")
jax.config.update("jax_numpy_dtype_promotion", "strict")

# Compiled programs hold memory maps, of which Linux grants a process 65,530; at the limit XLA crashes.
MOST_MAPS = 25_000


def pytest_runtest_teardown():
    """Forget compiled programs before the process runs out of maps."""
    maps = pathlib.Path("/proc/self/maps")
    if maps.exists() and maps.read_bytes().count(b"\n") > MOST_MAPS:
        jax.clear_caches()
        gc.collect()
