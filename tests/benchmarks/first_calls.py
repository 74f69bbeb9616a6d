"""The first call of every verb and method, and each block of the README, in a fresh process.

`python tests/benchmarks/first_calls.py [NAME…] [--programs] [--out F]`.

Prints processor seconds, wall seconds and compiled programs, cold and with `rg.cache_programs()` from the run before, and
what each is held to.  Processor seconds after `import rfgen`: on a shared machine wall seconds tell of the neighbours.
They are those of a plain install and of one BLAS thread: xarray imports dask, of the extra `cluster`, with its first
Dataset (0.4 s), and on a busy machine BLAS threads burn seconds waiting for each other (optimal_stopping: 1.1 of 4).
`--programs` lists each program with the seconds that its compilation took.
"""

__all__ = ["CALLS", "SETUP", "Call", "measured", "row"]

import argparse
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from typing import Any

ROOT = pathlib.Path(__file__).resolve().parents[2]
# With a warm cache; most of it is the import of xarray.
WARM_SECONDS = 0.5


@dataclass(frozen=True)
class Call:
    """What is called after `setup`, and the processor seconds and programs that it is held to (None: no figure set)."""

    call: str
    seconds: float | None = None
    programs: int | None = None
    setup: str = ""


_MIXTURE = "two = rg.Mixture([1.5 / 20**0.5] * 20, np.ones(20))"
_DIGITS = (
    "digits, parity = rg.datasets.digits(); "
    "data = rg.DataTask(digits, parity, rg.RandomFeatureMap(100, 'tanh'), sampling='with replacement')"
)
_SPARSE = "sparse = rg.SparseRegression.equal(dim=400, nonzeros=4, noise=0.25)"
CALLS: dict[str, Call] = {
    "predict, ridge": Call("rg.predict(task, ridge, n=sizes)", 1.0, 2),
    "predict, flow": Call(
        "rg.predict(task, rg.Learner(rg.GradientFlow(np.geomspace(.1, 1e4, 60)), features=256, augmentation=mask), n=100)",
        1.5, 6, "mask = rg.Mask(0.6, views=4)",
    ),
    "predict, descent": Call(
        "rg.predict(task, rg.Learner(rg.GradientDescent(rate=0.3, steps=[1, 10, 100]), features=256), n=100)", 1.5, 6
    ),
    "predict, mask": Call(
        "rg.predict(task, rg.Learner(rg.Ridge(0.1), features=256, augmentation=mask), n=sizes)", 1.5, 6,
        "mask = rg.Mask(0.6, views=4)",
    ),
    "predict, hinge": Call("rg.predict(two, rg.Learner(rg.Hinge(0.1, intercept=True)), n=[40, 80])", 2.0, 5, _MIXTURE),
    "predict, max margin": Call("rg.predict(two, rg.Learner(rg.MaxMargin()), n=[15])", 2.0, 5, _MIXTURE),
    "predict, SGD on features": Call(
        "rg.predict(task, rg.Learner(rg.SGD(rate=0.1, steps=[10, 100, 1000], batch=4), features=256), n=100)", 3.0, 8
    ),
    "predict, one pass": Call(
        "rg.predict(task, rg.Learner(rg.OnePassSGD(rate=0.1, steps=[10, 100, 1000], batch=4)))", 3.0, 8
    ),
    "predict, one pass on features": Call(
        "rg.predict(task, rg.Learner(rg.OnePassSGD(rate=0.1, steps=[10, 100, 1000], batch=4), features=256))", 3.0, 8
    ),
    "predict, members": Call("rg.predict(task, ridge, n=sizes, members=[1, 4, np.inf])", 2.5, 2),
    "predict, bagging": Call(
        "rg.predict(task, rg.Learner(rg.Ridge(0.1), resampling=rg.Subsample(0.5)), n=sizes, members=4)", 2.5, 4
    ),
    "predict, lasso": Call("rg.predict(sparse, rg.Learner(rg.Lasso([5.0, 15.0])), n=[200])", 2.5, 4, _SPARSE),
    "predict, lazy": Call(
        "rg.predict(lazy, rg.Learner(rg.Ridge(0.1)), n=sizes)", 2.5, 1,
        "lazy = rg.Task.sphere(8, rg.NTK('relu', depth=2), target={1: 1.0}, noise=0.1)",
    ),
    "predict, XOR": Call(
        "rg.predict(xor, rg.TwoLayerReLU(width=100, rate=0.01, steps=1, init=2e-4), n=100)", 2.5, 4,
        "xor = rg.XORClusters(dim=400, separation=6)",
    ),
    "sensitivity": Call("rg.sensitivity(100, n=200, features=[100, 400], ridge=0.1)", 2.5, 8),
    "optimal_ridge": Call("rg.optimal_ridge(task, ridge, n=sizes)", 1.5, 1),
    "optimal_stopping": Call("rg.optimal_stopping(task, rg.Learner(rg.GradientFlow(1.0), features=256), n=[100])", 2.5, 5),
    "overfitting_cost": Call("rg.overfitting_cost(task, n=[50.0, 100.0])", 2.5, 3),
    "estimate_risk": Call(
        "rg.estimate_risk(x, x[:, 0], ridge=[0.1, 1.0])", 1.0, 0, "x = np.random.default_rng(0).normal(size=(60, 20))"
    ),
    "simulate, ridge": Call("rg.simulate(task, ridge, n=[64, 128], trials=4)", 2.0, 6),
    "simulate, flow": Call(
        "rg.simulate(task, rg.Learner(rg.GradientFlow([1.0, 100.0]), features=64), n=64, trials=4)", 2.5, 6
    ),
    "simulate, hinge": Call("rg.simulate(two, rg.Learner(rg.Hinge(0.1)), n=40, trials=4)", 2.5, 1, _MIXTURE),
    "simulate, lasso": Call("rg.simulate(sparse, rg.Learner(rg.Lasso(15.0)), n=200, trials=4)", 2.5, 1, _SPARSE),
    "simulate, one pass": Call(
        "rg.simulate(task, rg.Learner(rg.OnePassSGD(rate=0.1, steps=[10, 100], batch=4)), trials=4)", 2.5, 3
    ),
    "check, ridge": Call("rg.check(task, ridge, n=64, trials=4)", 2.5, 2),
    "predict, masks of data": Call(
        "rg.predict(data, rg.Learner(rg.Nesterov(rate=0.2, steps=[1, 20, 60]), features=100, "
        "augmentation=rg.Mask(0.7, views=4)), n=100)", 10.0, None, _DIGITS,
    ),
    "optimal_augmentation of data": Call(
        "rg.optimal_augmentation(data, rg.Learner(rg.Ridge(0.1), features=100, augmentation=rg.Mask(0.7, views=4)), "
        "n=100)", 10.0, None, _DIGITS,
    ),
    "predict, patterns of data": Call(
        "rg.predict(data, rg.Learner(rg.Nesterov(rate=0.2, steps=[1, 20, 60]), features=100, "
        "augmentation=rg.Compose([rg.Gain([0.5, 1.5]), rg.Flip(0.5)], views=2)), n=100)", 10.0, None, _DIGITS,
    ),
}

# What a newcomer runs first, one block a process.
_SHOWN = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), flags=re.DOTALL)
BLOCKS = {f"README, block {number}": Call(block, 8.0) for number, block in enumerate(_SHOWN, start=1)}

# What every call finds.
SETUP = """
import numpy as np
import rfgen as rg
task = rg.Task.power_law(alpha=1.5, beta=1.5, noise=0.5, modes=1000)
ridge, sizes = rg.Learner(rg.Ridge(0.1), features=64), np.geomspace(16, 1000, 20)
"""
_CODE = """
import json, sys, time
sys.modules["dask"] = None
import jax, jax.monitoring
{setup}
rg.cache_programs()
programs = []
def listen(event, duration, **details):
    if event == "/jax/core/compile/backend_compile_duration":
        programs.append([details.get("fun_name", "?"), round(duration, 3)])
jax.monitoring.register_event_duration_secs_listener(listen)
start, work = time.perf_counter(), time.process_time()
{call}
print(json.dumps([time.process_time() - work, time.perf_counter() - start, programs]))
"""


def measured(call: Call, cache: str | None = None) -> tuple[float, float, list[Any]]:
    """Processor seconds, wall seconds and programs [name, seconds] of `call` in a fresh process, cold unless `cache`."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "JAX_PLATFORMS": "cpu", "PYTHONWARNINGS": "ignore"}
    environment |= {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MPLBACKEND": "Agg"}
    for name in list(environment):
        if "COMPILATION_CACHE" in name or "PERSISTENT_CACHE" in name:
            environment.pop(name)
    environment["RFGEN_CACHE"] = cache or "off"
    code = _CODE.format(setup=SETUP + call.setup, call=call.call)
    with tempfile.TemporaryDirectory() as folder:  # where a block of the README saves its figure
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, env=environment, check=False
        )
    if done.returncode:
        raise RuntimeError(f"{call.call}\n{done.stderr}")
    work, wall, programs = json.loads(done.stdout.splitlines()[-1])
    return work, wall, programs


def row(name: str, call: Call, cold: tuple[float, float, list[Any]], warm: tuple[float, float, list[Any]]) -> str:
    """One line of the table."""
    verdict = "met"
    if (call.seconds and cold[0] > call.seconds) or (call.programs and len(cold[2]) > call.programs):
        verdict = "MISSED"
    asked = f"{call.seconds or '':>4} {call.programs or '':>3}"
    return f"{name:30} {cold[0]:6.2f} {cold[1]:6.2f} {len(cold[2]):4d}   {warm[0]:6.2f} {warm[1]:6.2f}   {asked}  {verdict}"


def main() -> None:
    """Measure, print the table, keep it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="only those that contain one of these")
    parser.add_argument("--programs", action="store_true", help="list the programs of each call")
    parser.add_argument("--out", type=pathlib.Path)
    options = parser.parse_args()
    print(f"{'':30} {'cold':>6} {'wall':>6} {'prog':>4}   {'warm':>6} {'wall':>6}   held to")
    kept = {}
    for name, call in (CALLS | BLOCKS).items():
        if options.names and not any(part in name for part in options.names):
            continue
        with tempfile.TemporaryDirectory() as cache:
            cold = measured(call)
            measured(call, cache)
            warm = measured(call, cache)
        print(row(name, call, cold, warm), flush=True)
        if options.programs:
            for program, seconds in sorted(cold[2], key=lambda each: -each[1]):
                print(f"      {seconds:7.3f}  {program}")
        kept[name] = {
            "cold processor seconds": round(cold[0], 2), "cold wall seconds": round(cold[1], 2), "programs": len(cold[2]),
            "warm processor seconds": round(warm[0], 2), "warm wall seconds": round(warm[1], 2),
            "held to": {"processor seconds": call.seconds, "programs": call.programs, "warm": WARM_SECONDS},
        }
    if options.out:
        options.out.write_text(json.dumps(kept, indent=1) + "\n")


if __name__ == "__main__":
    main()
