"""What a device can do, and what simulated trials of ridge regression reach of it: alike on a processor and on a GPU.

    python tests/benchmarks/ceilings.py [--out FILE.json]

Ceilings: products of square matrices, decompositions of symmetric ones, copies.  Achieved: the time of the linear algebra
that a trial cannot avoid, as a compiled function on the same device, over that of the trial.  Sizes are the device's.
"""

import pathlib
import sys
from functools import partial

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))  # for a run as a script

import jax
import jax.numpy as jnp
import numpy as np

import rfgen as rg
from rfgen.simulation.arrays import on_host
from rfgen.simulation.runs.risk import risk
from rfgen.simulation.sampling.samplers import sampler
from tests.benchmarks.bare_algebra import Setting, bare_trial
from tests.benchmarks.report import keep, output
from tests.benchmarks.speed import alternating

REPEATS, PAIRS = 3, 2


def ceilings(size, dtype):
    """Floating-point operations a second of products, seconds of a decomposition, bytes a second of copies."""
    square = jnp.asarray(np.random.default_rng(0).standard_normal((size, size)), dtype)
    symmetric = square @ square.T
    functions = {
        "product": (lambda x: x @ x, square), "decomposition": (jnp.linalg.eigh, symmetric),
        "copy": (lambda x: x + 1, square),
    }
    calls = {name: partial(jax.jit(function), on) for name, (function, on) in functions.items()}
    best = {name: min(seconds) for name, seconds in alternating(calls, REPEATS).items()}
    return {
        "operations a second of a product": 2 * size**3 / best["product"],
        "seconds of a decomposition": best["decomposition"],
        "bytes a second of a copy": 2 * square.nbytes / best["copy"],
    }


def achieved(setting, dtype):
    """Seconds of the bare linear algebra over those of a trial."""
    task = rg.Task.power_law(1.5, 1.5, 0.5, setting.modes)
    keys = jax.random.split(jax.random.key(0, impl="threefry2x32"), 2 * PAIRS).reshape(PAIRS, 2)
    source, ridges, noise = sampler(task, dtype, "population"), np.geomspace(1e-3, 1e1, setting.ridges), task.noise
    source, ridges, noise = jax.tree.map(lambda leaf: np.asarray(leaf, dtype), (source, ridges, noise))
    bare, operands = bare_trial(setting)
    operands = tuple(jnp.asarray(one, dtype) for one in operands)
    calls = {
        "bare": lambda: bare(*operands),
        "trial": lambda: risk(source, keys, setting.n, setting.features, ridges, noise, batched=not on_host()),
    }
    best = {name: min(seconds) for name, seconds in alternating(calls, REPEATS).items()}
    each = best["trial"] / (2 * PAIRS)
    return {"milliseconds of a trial": 1e3 * each, "bare algebra / trial": best["bare"] / each}


def main():
    """All numbers of this device."""
    out = output(__doc__)
    size, dtypes = (1024, ("float64",)) if on_host() else (4096, ("float32", "float64"))
    settings = [Setting(size // 2, None, 4 * size), Setting(size // 2, size, 10_000), Setting(size, size, 2 * size)]
    found = {"device": jax.devices()[0].device_kind, "devices": jax.local_device_count()}
    with jax.enable_x64(True):
        for dtype in dtypes:
            found[dtype] = {
                f"ceilings at {size}": ceilings(size, dtype), **{one.name: achieved(one, dtype) for one in settings}
            }
    keep(found, out)


if __name__ == "__main__":
    main()
