"""Shapes are enforced and dtype promotion is strict while testing; every test runs on the CPU without a display.

`pytest` runs the quick tier, `--full` everything, `--full-only` what `--full` adds (`tests/tiers.py` decides);
`--cold` compiles every program anew.
"""

import gc
import importlib
import itertools
import os
import pathlib
import shutil
import tempfile

import threadpoolctl

os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("JAX_PLATFORMS", "cpu")
# Two thirds of the programs compile in less than the default second; together they take most of the time.
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES", "-1")

if "PYTEST_XDIST_WORKER" in os.environ:
    # One thread a worker: two workers with two BLAS threads each spin on each other (one test took 49 s instead of 5).
    # The variable is for processes that tests start and for what is loaded later; a plugin has already loaded NumPy's BLAS.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    threadpoolctl.threadpool_limits(int(os.environ["OPENBLAS_NUM_THREADS"]))
    # and without the emitters of fusions programs compile in two thirds of the time and run as fast.
    # One part to generate code for instead of 32: a quarter less (see rfgen/numerics/compilation/program.py). At LLVM's
    # first level instead of its third they compile in two fifths of the time, again as fast: 28 s instead of 41 of tests.
    os.environ.setdefault(
        "XLA_FLAGS",
        "--xla_cpu_multi_thread_eigen=false --xla_cpu_use_fusion_emitters=false --xla_cpu_parallel_codegen_split_count=1"
        " --xla_backend_optimization_level=1",
    )

import jax
import jaxtyping
import pytest

from tests import compiled_programs, tiers, type_checks

# The user layer (problems, verbs, and a system's nouns and methods) validates by itself, with messages that tests read.
ROOMS = ["numerics", "equivalents", "theory", "simulation", "curves.cells", "api.check.agreement", "api.check.report"]
BY_THEMSELVES = {"activation_energies", "method", "problem", "verb"}
SYSTEMS = pathlib.Path(__file__).parents[1] / "rfgen" / "systems"
ROOMS += [
    f"systems.{path.parent.name}.{path.stem}"
    for path in SYSTEMS.glob("*/*.py")
    if path.stem not in {*BY_THEMSELVES, "__init__"} and path.parent.name != "univariate"
]
jax.config.update("jax_numpy_dtype_promotion", "strict")

# Compiled programs hold memory maps, of which Linux grants a process 65,530; at the limit XLA crashes.
MOST_MAPS = 25_000
# Garbage is looked for a thirtieth as often, and not in what is imported: the search took up to 8 % of a test's time.
gc.set_threshold(20_000, 10, 10)
# Reading the maps takes 30 ms when they are many.
LOOK_EVERY = 20
FINISHED = itertools.count(1)
TEMPORARY = pytest.StashKey[str]()


def _check_types():
    """Where tests run; what hands them out needs none of it."""
    jaxtyping.jaxtyped = type_checks.jaxtyped
    jaxtyping.install_import_hook([f"rfgen.{room}" for room in ROOMS], "beartype.beartype")
    # only now, as this imports the package; warnings go past what is wrapped round it
    caller = importlib.import_module("rfgen.numerics.compilation.caller")
    caller.OURS = (*caller.OURS, type_checks.__name__)


def pytest_addoption(parser):
    """Add the options of the tiers and of the folder of compiled programs."""
    group = parser.getgroup("rfgen")
    group.addoption("--full", action="store_const", const="full", dest="tier", default="quick", help="run every test")
    group.addoption("--full-only", action="store_const", const="rest", dest="tier", help="run what --full adds")
    group.addoption("--cold", action="store_true", help="use no program that an earlier run compiled")


def pytest_configure(config):
    """Let all processes of a run, and later runs, share compiled programs; `JAX_COMPILATION_CACHE_DIR` goes first."""
    config.addinivalue_line("markers", "full: belongs to the full tier only")
    if hasattr(config, "workerinput") or not config.getoption("numprocesses"):
        _check_types()
    if "JAX_COMPILATION_CACHE_DIR" in os.environ:
        return
    if config.getoption("cold"):
        folder = config.stash[TEMPORARY] = tempfile.mkdtemp(prefix="rfgen-programs-")
    else:
        folder = str(compiled_programs.kept_folder())
    os.environ["JAX_COMPILATION_CACHE_DIR"] = folder  # for workers and the processes that tests start
    jax.config.update("jax_compilation_cache_dir", folder)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    """Mark the full tier, and keep the tier asked for; tests named one by one run whatever their tier."""
    items.sort(key=lambda item: tiers.is_unoptimised(item.nodeid))  # two kinds of programs, one after the other
    for item in items:
        if tiers.is_full(item.nodeid):
            item.add_marker("full")
    config.stash[tiers.COLLECTED] = list(items)
    if any("::" in str(argument) for argument in config.args):
        return
    kept, left = tiers.split(items, config.getoption("tier"))
    if left:
        config.hook.pytest_deselected(items=left)
        items[:] = kept


def pytest_collection_finish():
    """All modules are here to stay."""
    gc.freeze()


def pytest_runtest_setup(item):
    """Let XLA optimise as this test needs it; no program of the other kind is used."""
    unoptimised = tiers.is_unoptimised(item.nodeid)
    if jax.config.read("jax_disable_most_optimizations") != unoptimised:
        jax.config.update("jax_disable_most_optimizations", unoptimised)
        jax.clear_caches()


def pytest_runtest_teardown():
    """Forget compiled programs before the process runs out of maps."""
    maps = pathlib.Path("/proc/self/maps")
    if next(FINISHED) % LOOK_EVERY == 0 and maps.exists() and maps.read_bytes().count(b"\n") > MOST_MAPS:
        jax.clear_caches()
        gc.collect()


def pytest_unconfigure(config):
    """Throw a temporary folder of compiled programs away; pytest then looks for garbage five times, here once."""
    gc.collect()
    gc.freeze()
    if TEMPORARY in config.stash:
        shutil.rmtree(config.stash[TEMPORARY], ignore_errors=True)
