"""Speed of augmented curves: `OPENBLAS_NUM_THREADS=2 python tests/benchmarks/augmentation.py [--out FILE]`.

Ratios of one run.  Eigen-coordinates: 1,000 points (n, ridge) of random features with augmentation, whatever the number
of modes.  Real inputs: second moments of 1,000 features from 10^5 pairs of views, and each further point (n, ridge, views)
in units of one Cholesky factorisation (p^3/3 operations) of the same size.
"""

import argparse
import json
import pathlib
import time

import jax
import numpy as np
import scipy.linalg

import rfgen as rg
from rfgen.numerics.compilation.precision import double_precision
from rfgen.problems.views.view_moments import cached_moments


def seconds(function, repeats):
    """The least of `repeats` runs."""
    best = float("inf")
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        best = min(best, time.perf_counter() - start)
    return best


def eigen_coordinates():
    """1,000 points after compilation, for 10^3 and 10^6 modes, moment and pattern form."""
    n, ridge = np.geomspace(10, 1e4, 50), np.geomspace(1e-4, 10, 20)
    found = {}
    for name, augmentation in (
        ("mask", rg.Mask(0.6, views=4)), ("flip", rg.Flip(0.5, views=2)), ("gain", rg.Gain([0.5, 1.5], views=3)),
    ):
        for modes in (10**3, 10**6):
            task = rg.Task.power_law(1.5, 1.5, 0.5, modes=modes)
            learner = rg.Learner(rg.Ridge(ridge), features=300, augmentation=augmentation)
            start = time.perf_counter()
            rg.predict(task, learner, n)
            first = time.perf_counter() - start
            again = seconds(lambda: rg.predict(task, learner, n), 5)  # noqa: B023
            found[f"{name}, {modes} modes"] = {"first_s": first, "again_s": again}
    return found


def dense(p=1000, pairs=100_000):
    """Moments of p features from `pairs` pairs of views, then further points."""
    inputs, labels = rg.datasets.digits()
    views = -(-2 * pairs // len(inputs))
    task = rg.DataTask(
        inputs, labels, rg.RandomFeatureMap(p, "tanh", seed=0), moment_views=views + views % 2, sampling="with replacement"
    )
    clean = task.eigen  # not part of the moments
    augmentation = rg.GaussianNoise(0.1, views=4)
    start = time.perf_counter()
    double_precision(cached_moments)(task, augmentation, (augmentation,), task.moment_views)
    moments = time.perf_counter() - start

    def points(n):
        return rg.predict(task, rg.Learner(rg.Ridge([0.1, 1.0]), augmentation=augmentation), n)

    start = time.perf_counter()
    points([50, 400])
    first = time.perf_counter() - start
    many = seconds(lambda: points(np.linspace(50, 400, 32)), 3)
    matrix = np.cov(np.random.default_rng(0).normal(size=(p, 2 * p)))
    cholesky = seconds(lambda: scipy.linalg.cholesky(matrix, lower=True, check_finite=False), 10)
    each = many / 64
    return {
        "features": p, "view_pairs": len(inputs) * task.moment_views // 2, "eigenvalues": int(clean.eigenvalues.size),
        "moments_s": moments, "decompositions_and_compilation_s": first, "point_s": each, "cholesky_s": cholesky,
        "point_in_choleskys": each / cholesky,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=pathlib.Path)
    given = parser.parse_args()
    results = {"device": str(jax.devices()[0]), "eigen": eigen_coordinates(), "dense": dense()}
    text = json.dumps(results, indent=1)
    print(text)
    if given.out:
        given.out.write_text(text + "\n")


if __name__ == "__main__":
    main()
