"""Theory against simulation as n grows, for every method: what is off, in units of the figure that the curve tells.

    python tests/benchmarks/scale_study.py [--seconds 15] [--sizes N ...] [--out FILE.json] [--methods METHOD ...]

Sizes of everything grow with n; each size has so many processor seconds, and at least the fewest trials that are worth a
number.  A size whose first trial takes longer is left out, with all larger ones; sizes that are not asked for are kept.
`python docs/scale.py` makes the table and the figure of the documentation of it.
"""

__all__ = ["SETTINGS", "SIZES", "measured"]

import argparse
import json
import pathlib
import sys
import time
import warnings

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))  # for a run as a script

import numpy as np

import rfgen as rg
from rfgen.algebra import data, labels, ridge_fit
from rfgen.api.finite_size import expected_error
from rfgen.api.methods.table import method_for

ROOT = pathlib.Path(__file__).resolve().parents[2]
SIZES = (24, 60, 150, 400, 1000, 2000, 4000)
# Trials whose time is measured, the fewest that are worth a number, and the longest that a trial may take, in seconds.
FIRST, FEWEST, LONGEST = 2, 8, 30.0
# Of the time of a size that compiling may cost before it is measured apart.
COMPILING = 0.2


def _plain(n):
    return rg.Task.isotropic(n // 2, noise=0.5)


def _domains(n):
    task = rg.Task(np.ones(n // 2), np.full(n // 2, 2.0 / n), noise=0.5)
    return rg.Domains({"a": task, "b": task.shifted(overlap=0.7, noise=0.1)}), {"a": n // 2, "b": n // 2}


def _classes(n):
    return rg.Mixture(np.full(n // 2, 1.5 / (n // 2) ** 0.5), np.ones(n // 2), flip=0.1)


def _on_domains(n, training):
    domains, rows = _domains(n)
    return domains, rg.Learner(training), rows


def _stages(n):
    domains, _ = _domains(n)
    first = rg.Stage("first", rg.Learner(rg.Ridge(0.2 * n)), {"a": n})
    second = rg.Stage("second", rg.Learner(rg.GradientFlow(2.0)), {"b": n}, start="first")
    return domains, rg.Sequence([first, second]), None


def _unequal(n):
    task = rg.GaussianMixture(
        [n - n // 5, n // 5], [1.0, -1.0], [[8.0 / n], [13.0 / n]], [[1.5], [-1.5]], [n // 2], bias=True
    )
    return task, rg.Learner(rg.ClassDescent(0.2, steps=[10])), None


def _on_sphere(n):
    dim = round((2.7 * n) ** 0.5)  # labels of as much noise in all dimensions
    labels_of = rg.ZonalLabels(dim, rg.NTK("relu", depth=2), lambda x: np.tanh(2.5 * (dim / 8) ** 0.5 * x))
    return labels_of, rg.Learner(rg.Ridge(0.1)), n


def _own(n):
    X = data("X")
    return _plain(n), rg.algebra.Estimator(ridge_fit(X, labels(X), ridge="r")), n


# Method: task, learner and sizes at n; numbers of the expression behind.
SETTINGS = {
    "ridge regression": lambda n: (_plain(n), rg.Learner(rg.Ridge(0.2 * n)), n),
    "ridge regression, features": lambda n: (_plain(n), rg.Learner(rg.Ridge(0.2 * n), features=n), n),
    "gradient training": lambda n: (_plain(n), rg.Learner(rg.GradientFlow(2.0)), n),
    "self-distillation": lambda n: (_plain(n), rg.Learner(rg.IteratedRidge(0.2 * n, 3)), n),
    "many passes of SGD": lambda n: (_plain(n), rg.Learner(rg.SGD(1.0 / n, n)), n),
    "one pass of SGD": lambda n: (_plain(n), rg.Learner(rg.OnePassSGD(1.0 / n, n), features=n), None),
    "dimension-adapted momentum": lambda n: (_plain(n), rg.Learner(rg.DANA(0.5 / n, 0.1 / n, n // 2), features=n), None),
    "several domains": lambda n: _on_domains(n, rg.Ridge(0.2 * n)),
    "training on several domains": lambda n: _on_domains(n, rg.GradientFlow(2.0)),
    "sequences of stages": _stages,
    "linear classifiers": lambda n: (_classes(n), rg.Learner(rg.Logistic(0.02 * n)), n),
    "gradient training of classifiers": lambda n: (_classes(n), rg.Learner(rg.GradientFlow(2.0)), n),
    "adversarial training": lambda n: (
        _classes(n), rg.Learner(rg.AdversarialTraining(rg.Logistic(0.02 * n), 0.3 / n**0.5, "linf")), n
    ),
    "classifiers of a teacher's labels": lambda n: (
        rg.Teacher(np.full(n // 4, 2.0 / n**0.5), np.ones(n // 4), flip=0.1), rg.Learner(rg.Logistic(0.02 * n)), n
    ),
    "sparse regression": lambda n: (
        rg.SparseRegression.equal(2 * n, n // 10, (10.0 / n) ** 0.5, noise=0.25), rg.Learner(rg.Lasso(n**0.5)), n
    ),
    "deep linear networks": lambda n: (
        rg.Task.isotropic(n * 3 // 2, noise=0.3), rg.Learner(rg.DeepLinearFlow(5.0, 2, 0.3)), n
    ),
    "naive Bayes against logistic": lambda n: (
        rg.CorrelatedClasses.blocks(n // 6 * 3, 3, 0.5, 2.0), rg.Learner(rg.NaiveBayes()), n
    ),
    "descent on unequal classes": _unequal,
    "kernel classifiers on the sphere": _on_sphere,
    "networks on XOR clusters": lambda n: (
        rg.XORClusters(20 * n, 6), rg.TwoLayerReLU(200, 0.01, 1, 2e-4), n
    ),
    "estimators of your own": lambda n: (*_own(n), {"r": 0.2 * n}),
}


def measured(name, n, seconds, seed=1):
    """What is off at one size: relative error, its standard error, the curve's figure, trials and processor seconds."""
    task, learner, rows, *numbers = SETTINGS[name](n)
    numbers = numbers[0] if numbers else {}
    begun = between = time.process_time()
    rg.simulate(task, learner, rows, trials=FIRST, seed=seed + 1, **numbers)
    if time.process_time() - begun < COMPILING * seconds:  # most of it may have been to compile
        between = time.process_time()
        rg.simulate(task, learner, rows, trials=FIRST, seed=seed + 2, **numbers)
    each = (time.process_time() - between) / FIRST
    if each > LONGEST:
        return {"n": n, "seconds": time.process_time() - begun, "seconds of a trial": each}
    trials = max(FEWEST, 2 * int(seconds / each / 2))
    curve = rg.predict(task, learner, rows, **numbers)
    runs = rg.simulate(task, learner, rows, trials=trials, seed=seed, **numbers)
    variable = method_for("predict", task, learner)[0].decided[0]
    theory, mean, error = (np.ravel(part)[-1] for part in (curve[variable], runs[variable], runs[f"{variable}_se"]))
    return {
        "n": n, "variable": variable, "theory": float(theory), "error": float(mean / theory - 1.0),
        "se": float(error / theory), "figure": float(np.ravel(expected_error(task, curve, variable))[-1]), "trials": trials,
        "seconds of a trial": each, "seconds": time.process_time() - begun,
    }


def main():
    """All methods, or those named; what is done is kept as it comes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--methods", nargs="+", default=list(SETTINGS), metavar="METHOD")
    parser.add_argument("--sizes", nargs="+", type=int, default=SIZES, metavar="N")
    parser.add_argument("--seconds", type=float, default=15.0)
    parser.add_argument("--out", default=str(ROOT / "tests" / "benchmarks" / "results" / "scale-study.json"))
    asked = parser.parse_args()
    path = pathlib.Path(asked.out)
    found = json.loads(path.read_text()) if path.exists() else {}
    warnings.simplefilter("ignore")
    for name in asked.methods:
        for n in sorted(asked.sizes):
            one = measured(name, n, asked.seconds)
            print(name, one, flush=True)
            if "error" not in one:
                break
            others = [row for row in found.get(name, []) if row["n"] != n]
            found[name] = sorted([*others, one], key=lambda row: row["n"])
            path.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
