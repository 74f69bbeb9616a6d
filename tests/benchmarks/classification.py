"""Seconds of classifiers, of the cost of overfitting and of risk estimates: first call (compilation included) and later.

`OPENBLAS_NUM_THREADS=2 python -m tests.benchmarks.classification [--out FILE]`.
"""

__all__ = ["main"]

import itertools

import numpy as np

import rfgen as rg
from tests.benchmarks.report import keep, output
from tests.benchmarks.trajectory import seconds

DIM = 300
SPECTRUM = np.arange(1.0, DIM + 1.0) ** -0.6
PAIR = rg.Mixture(np.full(DIM, 1.7 / DIM**0.5), SPECTRUM / SPECTRUM.mean(), prior=0.3, flip=0.1)
MANY = 65
SIZES = np.linspace(400.0, 800.0, MANY)
TRAININGS = [
    rg.Ridge(5.0, intercept=True), rg.Logistic(5.0, intercept=True), rg.Logistic(1e-3, intercept=True),
    rg.Hinge(5.0, intercept=True), rg.SquaredHinge(5.0, intercept=True), rg.MaxMargin(intercept=True),
    rg.Averaging(intercept=True), rg.LDA(intercept=True),
]


def main():
    """Measure and print; `--out` keeps the numbers."""
    out = output(__doc__)
    calls = {}
    for training in TRAININGS:
        n = 150 if isinstance(training, rg.MaxMargin) else 600
        calls[f"predict {training!r}"] = lambda training=training, n=n: rg.predict(PAIR, rg.Learner(training), n)
    for training, views in itertools.product([rg.Hinge(5.0), rg.Logistic(5.0)], [2, 4, np.inf]):
        # as many points as are compiled for speed; the time is of one
        learner = rg.Learner(training, augmentation=rg.GaussianNoise(0.5, views=views))
        calls[f"predict {learner!r}, each of {MANY} sizes"] = lambda learner=learner: rg.predict(PAIR, learner, SIZES)
    task = rg.Task.power_law(1.5, 1.6, 0.3)
    calls["overfitting_cost, 16 sizes"] = lambda: rg.overfitting_cost(task, np.geomspace(10, 1e4, 16))
    rows = np.random.default_rng(0).normal(size=(1000, 1200))
    labels = rows[:, 0] + np.random.default_rng(1).normal(size=1000)
    calls["estimate_risk, n = 1000, 50 ridges"] = lambda: rg.estimate_risk(rows, labels, np.geomspace(1e-2, 1e4, 50))
    found = {}
    for name, call in calls.items():
        best, first = seconds(call)
        points = MANY if "each of" in name else 1
        found[name] = {"s": best / points, "first call, s": first}
    keep(found, out)


if __name__ == "__main__":
    main()
