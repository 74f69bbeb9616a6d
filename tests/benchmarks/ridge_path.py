"""Ridge paths against what people would write: a loop over scikit-learn's KernelRidge, on real digits, one thread each.

    OPENBLAS_NUM_THREADS=1 python tests/benchmarks/ridge_path.py [--out FILE.json]

Processor time of one split of 1,797 digits, 400 rows to train on and the others to test on.  The loop is given the kernel's
name, as in the manual, or the kernel matrix.  `simulate` measures test and training error, bias, variance and norm.
"""

__all__ = ["main"]

import argparse
import json
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))  # for a run as a script

import numpy as np
from sklearn.kernel_ridge import KernelRidge
from sklearn.metrics.pairwise import rbf_kernel

import rfgen as rg
from rfgen.problems.datasets import digits

TARGETS = {1: 1.0, 5: 2.5, 20: 5.0, 100: 15.0}
N, GAMMA, TRIALS = 400, 0.1, 40


def least(function, repeats=5):
    """Processor seconds, the smallest of some."""
    function()
    times = []
    for _ in range(repeats):
        begun = time.process_time()
        function()
        times.append(time.process_time() - begun)
    return min(times)


def main():
    """The table, and its numbers as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out")
    asked = parser.parse_args()
    X, Y = digits()
    X, y = X / np.linalg.norm(X, axis=1, keepdims=True), np.asarray(Y, float).reshape(len(X), -1)
    kernel, found = rbf_kernel(X, gamma=GAMMA), {}
    task = rg.Task.from_kernel(kernel, y)
    drawn = np.random.default_rng(0).permutation(len(X))
    inside, outside = drawn[:N], drawn[N:]
    for count, target in TARGETS.items():
        ridges = np.geomspace(1e-2, 10.0, count)

        def named(ridges=ridges):
            for ridge in ridges:
                fit = KernelRidge(alpha=ridge, kernel="rbf", gamma=GAMMA).fit(X[inside], y[inside])
                np.mean((fit.predict(X[outside]) - y[outside]) ** 2)

        def given(ridges=ridges):
            own, across = kernel[np.ix_(inside, inside)], kernel[np.ix_(outside, inside)]
            for ridge in ridges:
                fit = KernelRidge(alpha=ridge, kernel="precomputed").fit(own, y[inside])
                np.mean((fit.predict(across) - y[outside]) ** 2)

        def ours(ridges=ridges):
            rg.simulate(task, rg.Learner(rg.Ridge(ridges)), N, trials=TRIALS)

        one = {"loop": least(named), "loop, kernel matrix given": least(given), "simulate": least(ours, 3) / TRIALS}
        one |= {"ratio": one["loop"] / one["simulate"], "target": target}
        one["ratio, kernel matrix given"] = one["loop, kernel matrix given"] / one["simulate"]
        found[f"{count} ridges"] = one
        print(count, {name: round(value, 5) for name, value in one.items()}, flush=True)
    if asked.out:
        pathlib.Path(asked.out).write_text(json.dumps({"outputs": y.shape[1], **found}, indent=1) + "\n")


if __name__ == "__main__":
    main()
