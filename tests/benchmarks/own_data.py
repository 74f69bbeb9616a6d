"""How far `learning_curve` is from real splits, and how long it takes.

`python tests/benchmarks/own_data.py [ROWS] [SPLITS]`

Data that scikit-learn ships and rows of known law, three kernels, four sizes, three ridges; gaps in percent of the mean of
many splits (s, n: status of what is not ok).  Then the time of a table of 20 sizes x 20 ridges.
"""

import sys
import time
import warnings

import numpy as np
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine
from sklearn.preprocessing import StandardScaler

import rfgen as rg
from rfgen.simulation.runs.splits import random_splits

RIDGES = (0.0, 1e-3, 0.1)


def laplace(x, z):
    """exp(-|x - z|/sqrt(p))."""
    return np.exp(-np.sqrt(np.maximum(np.sum((x[:, None] - z) ** 2, axis=2), 0.0) / x.shape[1]))


def gaussian(x, z):
    """exp(-|x - z|^2/(2 p))."""
    return np.exp(-np.sum((x[:, None] - z) ** 2, axis=2) / (2.0 * x.shape[1]))


def linear(x, z):
    """x.z/p."""
    return x @ z.T / x.shape[1]


def cases(rows):
    """(name, inputs, labels, kernel)."""
    random = np.random.default_rng(0)
    digits, parity = rg.datasets.digits()
    order = random.permutation(len(parity))[:rows]
    sets = {"digits": (digits[order], parity[order])}
    for name, load in (("diabetes", load_diabetes), ("cancer", load_breast_cancer), ("wine", load_wine)):
        inputs, labels = load(return_X_y=True)
        order = random.permutation(len(labels))[:rows]
        sets[name] = (StandardScaler().fit_transform(inputs)[order], (labels - labels.mean())[order] / labels.std())
    elliptic = random.normal(size=(rows, 40)) * np.exp(0.6 * random.normal(size=(rows, 1)))
    smooth = random.normal(size=(rows, 10))
    sets["elliptic"] = (elliptic, elliptic @ random.normal(size=40) / 6.0 + random.normal(size=rows))
    sets["gaussian"] = (smooth, np.sin(smooth[:, 0]) + 0.3 * random.normal(size=rows))
    for name, (inputs, labels) in sets.items():
        for kernel in (laplace, gaussian, *((linear,) if name != "wine" else ())):
            yield f"{name}, {kernel.__name__}", inputs, labels, kernel


def main(rows=300, splits=200):
    """Print a line a case, the quantiles of all, and the time."""
    gaps, statuses = [], []
    for name, inputs, labels, kernel in cases(rows):
        matrix = kernel(inputs, inputs)
        matrix /= np.trace(matrix) / len(matrix)
        sizes = np.round(len(labels) * np.array([0.1, 0.25, 0.5, 0.83]))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            curve = rg.learning_curve(matrix, labels, sizes, RIDGES)
        lines = []
        for size in sizes:
            for ridge in RIDGES:
                runs = random_splits(matrix, labels[:, None], int(size), ridge, splits, 1, True).test[:, 0]
                point = curve.sel(n=size, ridge=ridge)
                known = np.median(runs) if point.status == "simulated" else runs.mean()
                gaps.append(float(point.test) / known - 1.0)
                statuses.append(str(point.status.values))
                lines.append(f"{100 * gaps[-1]:+.1f}{'' if statuses[-1] == 'ok' else statuses[-1][0]}")
        print(f"{name:20s}", " ".join(lines), flush=True)
    gaps, statuses = np.abs(gaps), np.array(statuses)
    for name, kept in (("all", statuses != ""), ("ok", statuses == "ok"), ("simulated", statuses == "simulated")):
        if kept.any():
            shown = " ".join(f"{100 * np.quantile(gaps[kept], q):.2f}" for q in (0.5, 0.9, 0.99, 1.0))
            print(f"{name}: {kept.sum()} points, |gap| % median, 90 %, 99 %, most: {shown}")
    start, work = time.perf_counter(), time.process_time()
    sizes, ridges = np.unique(np.geomspace(11, 299, 20).round()), np.geomspace(1e-3, 10.0, 20)
    inputs, labels = rg.datasets.digits()
    rg.learning_curve(inputs[:300], labels[:300], sizes, ridges, kernel=laplace)
    wall, work = time.perf_counter() - start, time.process_time() - work
    print(f"{sizes.size} x 20 points of 300 rows: {wall:.2f} s, {work:.2f} CPU s")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
