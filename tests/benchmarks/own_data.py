"""How far `learning_curve` is from real splits, what its check of itself costs and saves, and how long it takes.

`OPENBLAS_NUM_THREADS=1 python -m tests.benchmarks.own_data [--out FILE]`

Data that scikit-learn ships and rows of known law, three kernels, four sizes, three ridges; gaps to the mean of 200 splits
(to their median where the status is `simulated`), of the curve and of the formula alone.  A gap counts that is above 10 %
and three standard errors: an alarm is false where the formula alone had none.  Then the CPU seconds of tables.
"""

__all__ = ["accuracy", "cases", "seconds"]

import time
import warnings

import numpy as np
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine
from sklearn.preprocessing import StandardScaler

import rfgen as rg
from rfgen.numerics.gram import centred_kernel, gram_of_kernel
from rfgen.simulation.runs.splits import random_splits
from rfgen.theory import held_out_risk
from tests.benchmarks.report import keep, output

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


def accuracy(rows=300, splits=200, shown=True):
    """Gaps of the curve and of the formula alone, standard errors of the truth, all relative, and statuses (points,)."""
    found = []
    for name, inputs, labels, kernel in cases(rows):
        matrix = kernel(inputs, inputs)
        matrix /= np.trace(matrix) / len(matrix)
        centred, left = centred_kernel(matrix), (labels - labels.mean())[:, None]
        sizes = np.round(len(labels) * np.array([0.1, 0.25, 0.5, 0.83]))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            curve = rg.learning_curve(matrix, labels, sizes, RIDGES)
        gram, line = gram_of_kernel(centred, centred=True), []
        for size in sizes:
            for ridge in RIDGES:
                runs = random_splits(matrix, labels[:, None], int(size), ridge, splits, 1, True).test[:, 0]
                point = curve.sel(n=size, ridge=ridge)
                status = str(point.status.values)
                known = np.median(runs) if status == "simulated" else runs.mean()
                alone = float(held_out_risk(centred, gram, left, size, ridge).test[0]) / runs.mean() - 1.0
                found.append((float(point.test) / known - 1.0, alone, runs.std() / splits**0.5 / runs.mean(), status))
                line.append(f"{100 * found[-1][0]:+.1f}{'' if status == 'ok' else status[0]}")
        if shown:
            print(f"{name:20s}", " ".join(line), flush=True)
    gaps, alone, errors, statuses = map(np.array, zip(*found, strict=True))
    return gaps, alone, errors, statuses


def seconds():
    """CPU seconds of a table of 300 rows, and of one point and of a table of 1,797, after a first call."""
    inputs, labels = rg.datasets.digits()
    rg.learning_curve(inputs[:60], labels[:60], 30, 1.0, kernel=laplace)
    large = laplace(inputs, inputs)
    tables = {
        "300 rows, 20 x 20": (large[:300, :300], np.geomspace(11, 299, 20).round(), np.geomspace(1e-3, 10.0, 20)),
        "1,797 rows, one point": (large, 900.0, 0.01),
        "1,797 rows, 10 x 10": (large, np.geomspace(30, 1790, 10).round(), np.geomspace(1e-3, 10.0, 10)),
    }
    found = {}
    for name, (kernel, sizes, ridges) in tables.items():
        start = time.process_time()
        rg.learning_curve(kernel, labels[: len(kernel)], sizes, ridges)
        found[name] = round(time.process_time() - start, 2)
    return found


def main():
    """Measure and print; `--out` keeps the numbers."""
    out = output(__doc__)
    gaps, alone, errors, statuses = accuracy()
    ok, alarmed = statuses == "ok", statuses == "simulated"
    right = np.abs(alone) <= np.maximum(0.1, 3.0 * errors)
    found = {"CPU seconds": seconds(), "points": len(gaps)}
    for name, values in (("all", gaps), ("ok", gaps[ok]), ("simulated", gaps[alarmed]), ("formula alone", alone)):
        found[f"|gap| %, {name}"] = {
            label: round(100.0 * float(np.quantile(np.abs(values), at)), 2)
            for label, at in (("median", 0.5), ("90 %", 0.9), ("99 %", 0.99), ("most", 1.0))
        }
    found["false alarms"] = round(float(np.mean(alarmed[right])), 3)
    found["wrong and not told"] = int(np.sum(ok & ~right))
    found["wrong and told"] = int(np.sum(~ok & ~right))
    keep(found, out)


if __name__ == "__main__":
    main()
