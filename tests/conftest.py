"""Shapes are enforced and dtype promotion is strict while testing; every test runs on the CPU without a display."""

import gc
import os
import pathlib
import shutil
import tempfile

os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("JAX_PLATFORMS", "cpu")

if "PYTEST_XDIST_WORKER" in os.environ:
    # one thread a worker: two workers with two BLAS threads each spin on each other (one test took 49 s instead of 5)
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false")

# Workers, and the processes that tests start, compile the same programs: one folder of them serves all of a run.
CACHE = None
if "JAX_COMPILATION_CACHE_DIR" not in os.environ:
    CACHE = tempfile.mkdtemp(prefix="rfgen-programs-")
    os.environ["JAX_COMPILATION_CACHE_DIR"] = CACHE
    os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0.2"

import jax  # noqa: E402
from jaxtyping import install_import_hook  # noqa: E402

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


def pytest_unconfigure():
    """Throw the folder of compiled programs away."""
    if CACHE is not None:
        shutil.rmtree(CACHE, ignore_errors=True)
