"""Peak memory of simulations against what was planned for them: every method, a process of its own for each shape.

    python tests/benchmarks/memory.py [--out FILE.json] [SHAPE ...]

The plan is what a refusal tells at `memory=1`; the peak is the largest resident set of the process above what it held
before the run, its libraries warmed by a run of the same kind at a small size.
"""

__all__ = ["MOST", "SHAPES", "measured"]

import argparse
import gc
import json
import os
import pathlib
import re
import subprocess
import sys
import warnings

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))  # for a run as a script

import numpy as np

import rfgen as rg
from rfgen.algebra import data, labels, ridge_fit

ROOT = pathlib.Path(__file__).resolve().parents[2]
# Peak over plan, at most.
MOST = 1.2
UNITS = {"bytes": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}


def _ridge(n, modes, features=None, ridges=5, **options):
    return _trained(rg.Ridge(np.geomspace(0.1, 10.0, ridges)), n, modes, features, **options)


def _trained(training, n, modes, features=None, **options):
    return rg.Task.power_law(1.5, 1.5, 0.5, modes), rg.Learner(training, features), n, options


def _own(n, examples, width, learner):
    generator = np.random.default_rng(0)
    X = generator.standard_normal((examples, width))
    return rg.DataTask(X, X[:, 0] + X[:, 1] ** 2), learner, n, {}


def _domains(n, dim, training, features=None):
    task = rg.Task(np.ones(dim), np.full(dim, 1.0 / dim), noise=0.5)
    domains = rg.Domains({"a": task, "b": task.shifted(overlap=0.7, noise=0.1)})
    return domains, rg.Learner(training, features), {"a": n // 2, "b": n // 2}, {}


def _stages(n, dim):
    domains, *_ = _domains(n, dim, rg.Ridge(1.0))
    first = rg.Stage("first", rg.Learner(rg.Ridge(0.2 * n)), {"a": n})
    second = rg.Stage("second", rg.Learner(rg.GradientFlow(2.0)), {"b": n}, start="first")
    return domains, rg.Sequence([first, second]), None, {}


def _classes(n, dim, training, features=None):
    return rg.Mixture(np.full(dim, 1.5 / dim**0.5), np.ones(dim), flip=0.1), rg.Learner(training, features), n, {}


def _unequal(n, dim):
    task = rg.GaussianMixture([n - n // 5, n // 5], [1.0, -1.0], [[8.0 / n], [13.0 / n]], [[1.5], [-1.5]], [dim], bias=True)
    return task, rg.Learner(rg.ClassDescent(0.2, steps=[3])), None, {}


def _expression(n, dim):
    X = data("X")
    return rg.Task.isotropic(dim, noise=0.5), rg.algebra.Estimator(ridge_fit(X, labels(X), ridge="r")), n, {"r": 0.2 * n}


FLOW = rg.GradientFlow(np.geomspace(0.1, 100.0, 20))
# What is simulated at the size s, of which 1 is measured and a tenth warms the process.
SHAPES = {
    "ridge, few rows": lambda s: _ridge(int(1000 * s), int(20_000 * s)),
    "ridge, many rows": lambda s: _ridge(int(20_000 * s), int(1000 * s)),
    "ridge, square, 100 ridges": lambda s: _ridge(int(2500 * s), int(2500 * s), ridges=100),
    "ridge, float32": lambda s: _ridge(int(2500 * s), int(20_000 * s), dtype="float32"),
    "features, few rows": lambda s: _ridge(int(1500 * s), int(10_000 * s), int(2000 * s)),
    "features, many rows": lambda s: _ridge(int(6000 * s), int(3000 * s), int(3000 * s)),
    "flow": lambda s: _trained(FLOW, int(2000 * s), int(8000 * s)),
    "flow, features": lambda s: _trained(FLOW, int(2000 * s), int(8000 * s), int(2000 * s)),
    "self-distillation": lambda s: _trained(rg.IteratedRidge(1.0, 3), int(2000 * s), int(8000 * s)),
    "many passes": lambda s: _trained(rg.SGD(1e-3, [5, 10]), int(2000 * s), int(4000 * s)),
    "many passes, features": lambda s: _trained(rg.SGD(1e-3, [5, 10]), int(2000 * s), int(4000 * s), int(1000 * s)),
    "one pass": lambda s: _trained(rg.OnePassSGD(1e-3, [5, 10], batch=int(2000 * s)), None, int(10_000 * s)),
    "one pass, features": lambda s: _trained(rg.OnePassSGD(1e-3, [5, 10]), None, int(20_000 * s), int(1000 * s)),
    "momentum, features": lambda s: _trained(rg.DANA(1e-3, 1e-4, int(500 * s)), None, int(20_000 * s), int(1000 * s)),
    "views": lambda s: (
        rg.Task.power_law(1.5, 1.5, 0.5, int(6000 * s)),
        rg.Learner(rg.Ridge(1.0), augmentation=rg.GaussianNoise(0.1, views=4)), int(500 * s), {},
    ),
    "rows of data": lambda s: _own(int(2000 * s), int(6000 * s), int(2000 * s), rg.Learner(rg.Ridge(1.0))),
    "rows of data, views": lambda s: _own(
        int(1000 * s), int(3000 * s), int(2000 * s),
        rg.Learner(rg.Ridge(1.0), augmentation=rg.GaussianNoise(0.1, views=3)),
    ),
    "sphere": lambda s: (
        rg.Task.sphere(10, rg.NTK("relu", depth=1), [0.0, 1.0]),
        rg.Learner(rg.Ridge(1.0)), int(4000 * s), {},
    ),
    "members": lambda s: (
        rg.Task.power_law(1.5, 1.5, 0.5, int(6000 * s)), rg.Learner(rg.Ridge(1.0), features=int(1500 * s)), int(1500 * s),
        {"members": 3},
    ),
    "domains": lambda s: _domains(int(4000 * s), int(3000 * s), rg.Ridge(1.0)),
    "domains, features": lambda s: _domains(int(2000 * s), int(4000 * s), rg.GradientFlow(2.0), int(2000 * s)),
    "stages": lambda s: _stages(int(4000 * s), int(2000 * s)),
    "classes": lambda s: _classes(int(4000 * s), int(2000 * s), rg.Logistic(10.0)),
    "classes, few rows": lambda s: _classes(int(1500 * s), int(10_000 * s), rg.SquaredHinge(10.0)),
    "classes, margin": lambda s: _classes(int(1000 * s), int(8000 * s), rg.MaxMargin()),
    "classes, features": lambda s: _classes(int(2000 * s), int(4000 * s), rg.Logistic(10.0), int(2000 * s)),
    "attacked": lambda s: _classes(int(2000 * s), int(1000 * s), rg.AdversarialTraining(rg.Logistic(10.0), 0.01, "linf")),
    "teacher": lambda s: (
        rg.Teacher(np.full(int(2000 * s), 1.0), np.ones(int(2000 * s)), flip=0.1), rg.Learner(rg.Logistic(10.0)),
        int(4000 * s), {},
    ),
    "sparse": lambda s: (
        rg.SparseRegression.equal(int(3000 * s), int(100 * s), 1.0, noise=0.25), rg.Learner(rg.Lasso(100.0 * s)),
        int(1500 * s), {},
    ),
    "deep linear": lambda s: (
        rg.Task.isotropic(int(4000 * s), noise=0.3), rg.Learner(rg.DeepLinearFlow(5.0, 2, 0.3)), int(4000 * s), {}
    ),
    "naive Bayes": lambda s: (
        rg.CorrelatedClasses.blocks(int(600 * s) * 3, 3, 0.5, 2.0), rg.Learner(rg.NaiveBayes()), int(10_000 * s), {}
    ),
    "against naive Bayes": lambda s: (
        rg.CorrelatedClasses.blocks(int(600 * s) * 3, 3, 0.5, 2.0), rg.Learner(rg.Logistic(1.0)), int(5000 * s), {}
    ),
    "unequal classes": lambda s: _unequal(int(10_000 * s), int(4000 * s)),
    "labels on the sphere": lambda s: (
        rg.ZonalLabels(8, rg.NTK("relu", depth=2), np.tanh), rg.Learner(rg.Ridge(0.1)), int(3000 * s), {}
    ),
    "heavy tails": lambda s: (
        rg.NoisyTask(rg.Task.isotropic(int(2000 * s), noise=0.5), rg.LaplaceNoise(1.0)), rg.Learner(rg.Huber(1.0, 1.0)),
        int(4000 * s), {},
    ),
    "networks": lambda s: (
        rg.XORClusters(int(20_000 * s), 6.0), rg.TwoLayerReLU(int(2000 * s), 0.01, 1, 2e-4), int(2000 * s), {}
    ),
    "expression": lambda s: _expression(int(4000 * s), int(3000 * s)),
}


def _simulate(task, learner, n, options, **more):
    return rg.simulate(task, learner, n, trials=2, seed=0, **options, **more)


def _resident():
    return int(pathlib.Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _highest():
    """Of this program; what `getrusage` tells a child process includes its parent's."""
    return 1024 * int(re.search(r"VmHWM:\s+(\d+)", pathlib.Path("/proc/self/status").read_text())[1])


def _in_this_process(name, size):
    """Plan and peak in bytes."""
    warnings.simplefilter("ignore")
    _simulate(*SHAPES[name](0.1 * size))
    task, learner, n, options = SHAPES[name](size)
    try:
        _simulate(task, learner, n, options, memory=1)
        raise AssertionError(f"{name} was not refused")
    except MemoryError as error:
        size, unit = re.search(r"needs about (\S+) (\w+)", str(error)).groups()
        plan = float(size) * UNITS[unit]
    gc.collect()
    before = _resident()
    _simulate(task, learner, n, options)
    peak = _highest() - before
    return {"planned": plan, "peak": peak, "peak / planned": round(peak / plan, 2)}


def measured(name, size=1.0):
    """The same in a process of its own."""
    environment = {
        **os.environ, "PYTHONPATH": str(ROOT), "JAX_PLATFORMS": "cpu", "OPENBLAS_NUM_THREADS": "1",
    }
    call = [sys.executable, __file__, "--here", str(size), name]
    done = subprocess.run(call, check=False, capture_output=True, text=True, env=environment)
    if done.returncode:
        raise RuntimeError(f"{name}: {done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def main():
    """All shapes, or those named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("shapes", nargs="*")
    parser.add_argument("--here", type=float, metavar="SIZE", help="in this process, the one shape, at this size")
    parser.add_argument("--out", default=str(ROOT / "tests" / "benchmarks" / "results" / "memory-cpu-2-cores.json"))
    asked = parser.parse_args()
    if asked.here:
        print(json.dumps(_in_this_process(*asked.shapes, asked.here)))
        return
    path = pathlib.Path(asked.out)
    found = json.loads(path.read_text()) if path.exists() else {}
    for name in asked.shapes or SHAPES:
        try:
            found[name] = measured(name)
        except RuntimeError as error:
            print(error, flush=True)
            continue
        print(f"{name:30}{found[name]['planned'] / 2**20:9.0f} MiB {found[name]['peak / planned']:6.2f}", flush=True)
        path.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
