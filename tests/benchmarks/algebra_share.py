"""What every simulation spends beside the linear algebra, the random numbers and the passes that a trial cannot do without.

    OPENBLAS_NUM_THREADS=1 python tests/benchmarks/algebra_share.py [--out FILE.json] [METHOD ...]

Processor time of a trial of `rg.simulate`, compiled before.  Of each setting a bill says what a trial needs: products,
Gram matrices, factors, eigenvectors, solutions of the smallest shapes that do; normals; and passes over matrices: rows of
examples fetched, rows weighted, activations, kernels.  What is on the bill is timed alone, as the fastest library here does
it on matrices that lie ready (steps of descent: as a compiled loop).  Fits by iteration are billed for the steps that they
took.  On no bill are the measures, temporaries, draws of examples, line searches and everything of Python.
"""

__all__ = ["SETTINGS", "main"]

import argparse
import functools
import json
import pathlib
import sys
import time
import warnings
from collections import Counter
from unittest import mock

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))  # for a run as a script

import jax
import jax.numpy as jnp
import numpy as np
from scipy.linalg import get_lapack_funcs, lapack

import rfgen as rg
from rfgen.simulation import arrays
from rfgen.simulation.random_numbers import HostKey, standard_normals

# Processor seconds of a run, how often it is repeated, and its fewest trials.
SECONDS, REPEATS, LEAST = 0.3, 2, 8
# Trials of `rg.simulate`: with so many, the kernel of all examples is multiplied, and kept.
DEFAULT = 46
DRAW = np.random.default_rng(0)


def least(function, seconds=0.04, repeats=3):
    """Processor seconds of a call in the fastest of some runs of so many seconds: as a trial's, means of many."""
    function()
    begun = time.process_time()
    jax.block_until_ready(function())
    count, found = max(1, round(seconds / max(1e-6, time.process_time() - begun))), []
    for _ in range(repeats):
        begun = time.process_time()
        for _ in range(count):
            jax.block_until_ready(function())
        found.append((time.process_time() - begun) / count)
    return min(found)


def product(rows, inner, columns):
    """Of two matrices."""
    left, right = DRAW.standard_normal((rows, inner)), DRAW.standard_normal((inner, columns))
    return lambda: left @ right


def gram(size, inner):
    rows = DRAW.standard_normal((size, inner))
    return lambda: rows @ rows.T


def _positive(size):
    rows = DRAW.standard_normal((size, size))
    return rows @ rows.T / size + np.eye(size)


def eigh(size):
    matrix = _positive(size)
    return lambda: np.linalg.eigh(matrix)


def cholesky(size):
    matrix = _positive(size)
    return lambda: lapack.dpotrf(matrix.T, lower=0)


def solve(size, columns):
    factor, right = np.linalg.cholesky(_positive(size)).T, DRAW.standard_normal((size, columns))
    return lambda: lapack.dpotrs(factor, right)


def qr(rows, columns):
    matrix = DRAW.standard_normal((rows, columns))
    return lambda: np.linalg.qr(matrix)


def path(size, columns, ridges):
    """All ridges of one matrix: a factor each, or one tridiagonal matrix."""
    matrix, right = _positive(size), DRAW.standard_normal((size, columns))
    if ridges <= 4:
        return lambda: [lapack.dposv(matrix, right) for _ in range(ridges)]
    sytrd, ormqr, ptsv = get_lapack_funcs(("sytrd", "ormqr", "ptsv"), (matrix,))
    every = np.asfortranarray(np.ones((size - 1, columns * ridges)))

    def run():
        packed, diagonal, beside, tau, _ = sytrd(matrix, lower=1, lwork=64 * size)
        inside, _, _ = ormqr("L", "T", packed[1:, :-1], tau, np.asfortranarray(right[1:]), 64 * columns)
        inside = np.concatenate([right[:1], inside])
        for _ in range(ridges):
            ptsv(diagonal, beside, inside)
        return ormqr("L", "N", packed[1:, :-1], tau, every, 64 * columns * ridges)

    return run


def normals(count):
    return lambda: standard_normals(HostKey(0, 1), np.float64, (count,))


# Numbers of a pass at a time.
IN_CACHE = 1 << 14


def copied(count):
    given, there = np.ones(count), np.empty(count)
    return lambda: np.copyto(there, given)


def weighted(count):
    given, there = np.ones(count), np.empty(count)
    return lambda: np.multiply(given, 2.0, out=there)


def fetched(count, columns):
    """Rows of a matrix of 1,797."""
    rows, which, there = np.ones((1797, columns)), DRAW.permutation(1797)[:count], np.empty((count, columns))
    return lambda: np.take(rows, which, axis=0, out=there, mode="clip")


def tanh(count):
    run, given = jax.jit(jnp.tanh), jnp.asarray(DRAW.standard_normal(count))
    return lambda: run(given)


def arc_cosines(count):
    """The tangent kernel of one layer of rectified units, in cache."""
    t, there, beside = DRAW.uniform(-1.0, 1.0, IN_CACHE), np.empty(IN_CACHE), np.empty(IN_CACHE)

    def run():
        for _ in range(count // IN_CACHE):
            np.arccos(t, out=there)
            np.multiply(there, t, out=there)
            np.multiply(t, t, out=beside)
            np.subtract(1.0, beside, out=beside)
            np.sqrt(beside, out=beside)
            np.add(there, beside, out=there)

    return run


def steps(count, batch, width, columns):
    """Both products of so many steps of descent, on batches of rows that are gathered."""
    rows, start = jnp.asarray(DRAW.standard_normal((400, width))), jnp.zeros((columns, width))

    @jax.jit
    def run(rows, start):
        def step(t, weights):
            x = rows[(jnp.arange(batch) * 37 + t) % 400]
            return weights - 1e-4 * ((weights @ x.T) @ x)

        return jax.lax.fori_loop(0, count, step, start)

    return lambda: run(rows, start)


def network(count, n, width):
    """One product a step in single precision, as a compiled loop."""
    matrix, start = (jnp.asarray(DRAW.standard_normal(shape) / n, jnp.float32) for shape in ((n, n), (n, width)))
    run = jax.jit(lambda matrix, start: jax.lax.fori_loop(0, count, lambda _, x: matrix @ x, start))
    return lambda: run(matrix, start)


PRIMITIVES = {one.__name__: one for one in (
    product, gram, eigh, cholesky, solve, qr, path, normals, steps, network, copied, weighted, fetched, tanh, arc_cosines,
)}
PASSES = (copied, weighted, fetched, tanh, arc_cosines)


@functools.cache
def price(name, *shape):
    """Seconds of one primitive."""
    with jax.enable_x64(True):
        return least(PRIMITIVES[name](*shape))


def factors(call):
    """Sizes of the Cholesky factors that `call` takes, and how many of each: the steps of fits by iteration."""
    honest, found = arrays.cholesky, Counter()

    def counted(matrix):
        found[matrix.shape[0]] += 1
        return honest(matrix)

    places = [one for name, one in list(sys.modules.items()) if name.startswith("rfgen.") and hasattr(one, "cholesky")]
    with mock.patch.multiple(arrays, cholesky=counted):
        patches = [mock.patch.object(one, "cholesky", counted) for one in places if one.cholesky is honest]
        for each in patches:
            each.start()
        try:
            call()
        finally:
            for each in patches:
                each.stop()
    return found


N, P, K, RIDGES, TIMES = 400, 1000, 600, 5, 10
# Rows that a bag has, of N drawn.
DISTINCT = 253
TASK = rg.Task.power_law(1.5, 1.5, 0.5, modes=P)
FEW = rg.Task.power_law(1.5, 1.5, 0.5, modes=300)
RIDGE = rg.Ridge(np.geomspace(0.01, 1.0, RIDGES))
FLOW = rg.GradientFlow(np.geomspace(1.0, 1e3, TIMES))
INPUTS = DRAW.standard_normal((1797, 500)) / 500**0.5
DATA = rg.DataTask(INPUTS, np.sign(INPUTS[:, 0]) + 20 * INPUTS[:, 1], noise=0.1)
KERNEL = rg.Task.from_kernel(np.exp(-20 * np.abs(INPUTS[:, :1] - INPUTS[:, 0])), INPUTS[:, :1], noise=0.1)
SMALL, LARGE = (rg.Mixture(np.full(dim, 1.5 / dim**0.5), np.ones(dim), flip=0.1) for dim in (200, 800))
SGD = rg.SGD(0.01, [400, 800], batch=10)

RIDGE_BILL = [("product", N, P, 1), ("gram", N, P), ("path", N, 2, RIDGES), ("product", 2 * RIDGES, N, P)]
FETCHED = [("fetched", N, 1797), ("copied", N * N)]
LIFTED = [("product", N, P, 1), ("gram", N, P), ("cholesky", N), ("product", N, N, K)]


def _member(fits):
    """Features given the rows: their fit lifted to the modes."""
    return [("qr", K, fits), ("product", N, K, fits), ("product", N, P, fits), ("solve", N, fits), ("product", P, N, fits)]


FEATURES = [("gram", N, K), ("path", N, 2, RIDGES), ("product", 2 * RIDGES, N, K), *_member(2 * RIDGES)]
TRAINED = [("eigh", N), ("product", 2, N, N), ("qr", N, 2 * TIMES), ("product", N, N, 2 * TIMES)]
MEASURED = [("product", 2 * TIMES, P, 2 * TIMES)]


def _newton(rows, dim, columns=1):
    """For each factor a weighted Gram matrix on the smaller side, where that is not the rows', and a solution."""
    small = rows <= dim
    each = [] if small else [("gram", dim, rows)]
    once = [("gram", rows, dim)] if small else []
    each += [("product", rows, min(rows, dim), 2), ("weighted", rows * min(rows, dim))]
    return lambda size: [*each, ("cholesky", size), ("solve", size, columns)], once


def _on_rows(rows, dim):
    """Interior points on the rows' Gram matrix: two solutions a step."""
    step = [("solve", rows, 1), ("solve", rows, 1), ("product", rows, rows, 2), ("weighted", rows * rows)]
    return lambda size: [("cholesky", size), *step], [("gram", rows, dim)]


# Task, learner, rows, options, bill of a trial, normals; and of fits by iteration what each factor and each trial adds.
SETTINGS = {
    "ridge, kernel": (TASK, rg.Learner(RIDGE), N, {}, RIDGE_BILL, N * P),
    "ridge, features": (TASK, rg.Learner(RIDGE, features=K), N, {}, LIFTED + FEATURES, N * (P + K) + 2 * RIDGES * P),
    "ridge, features, many rows": (
        FEW, rg.Learner(RIDGE, features=500), 600, {}, [
            ("product", 600, 300, 500), ("gram", 500, 600), ("product", 2, 600, 500), ("path", 500, 2, RIDGES),
            ("product", 2 * RIDGES, 500, 600), ("product", 2 * RIDGES, 500, 300),
        ], 900 * 500 + 600 * 300 - 600 * 500,
    ),
    "flow, kernel": (
        TASK, rg.Learner(FLOW), N, {},
        [("product", N, P, 1), ("gram", N, P), *TRAINED, ("product", P, N, 2 * TIMES), *MEASURED], N * P,
    ),
    "descent, kernel": (
        TASK, rg.Learner(rg.GradientDescent(0.1, np.geomspace(1.0, 1e3, TIMES).round())), N, {},
        [("product", N, P, 1), ("gram", N, P), *TRAINED, ("product", P, N, 2 * TIMES), *MEASURED], N * P,
    ),
    "flow, features": (
        TASK, rg.Learner(FLOW, features=K), N, {},
        [*LIFTED, ("gram", N, K), *TRAINED, ("product", K, N, 2 * TIMES), *_member(2 * TIMES)[1:], *MEASURED],
        N * (P + K) + 2 * TIMES * P,
    ),
    "SGD": (TASK, rg.Learner(SGD), N, {}, [("product", N, P, 1), ("steps", 800, 10, P, 2), ("product", 4, P, N)], N * P),
    "SGD, features": (
        TASK, rg.Learner(SGD, features=K), N, {},
        [*LIFTED, ("steps", 800, 10, K, 2), ("product", 4, K, N), *_member(4)], N * (P + K) + 4 * P,
    ),
    "one pass": (
        TASK, rg.Learner(rg.OnePassSGD(0.01, [200, 400], batch=8)), None, {}, [("steps", 400, 8, P, 2)], 400 * 8 * P
    ),
    "one pass, features": (
        TASK, rg.Learner(rg.OnePassSGD(0.01, [200, 400], batch=8), features=K), None, {},
        [("gram", K, P), ("eigh", K), ("product", P, K, K), ("steps", 400, 8, K, 2)], 400 * 8 * K + P * K,
    ),
    "momentum": (
        TASK, rg.Learner(rg.DANA(0.01, 0.01, 400), features=K), None, {},
        [("gram", K, P), ("eigh", K), ("product", P, K, K), ("steps", 400, 1, K, 2)], 400 * K + P * K,
    ),
    "ensemble": (
        TASK, rg.Learner(RIDGE, features=K), N, {"members": 3},
        LIFTED[:3] + 3 * (LIFTED[3:] + FEATURES), N * P + 3 * (N * K + 2 * RIDGES * P),
    ),
    "bags": (
        TASK, rg.Learner(RIDGE, resampling=rg.Bootstrap()), N, {"members": 3},
        RIDGE_BILL[:2] + 3 * [("copied", DISTINCT**2), ("path", DISTINCT, 2, RIDGES), ("product", 2 * RIDGES, DISTINCT, P)],
        N * P,
    ),
    "views": (
        TASK, rg.Learner(RIDGE, augmentation=rg.GaussianNoise(1e-3, views=2)), N // 2, {},
        [*RIDGE_BILL, ("weighted", N * P)], N * P * 3 // 2,
    ),
    "all views": (
        FEW, rg.Learner(RIDGE, augmentation=rg.Mask(0.7, views=np.inf)), N, {},
        [("product", N, 300, 1), ("gram", 300, N), ("path", 300, 2, RIDGES), ("product", 2 * RIDGES, 300, N)], N * 300,
    ),
    "rows of data": (
        DATA, rg.Learner(RIDGE), N, {},
        [("path", N, 2, RIDGES), ("product", 2 * RIDGES, N, 1797), ("product", 2 * RIDGES, N, N), *FETCHED], N,
    ),
    "rows of data, features": (
        DATA, rg.Learner(RIDGE, features=K), N, {}, [
            ("fetched", N, 500), ("gram", N, 500), ("cholesky", N), ("product", N, N, K), ("gram", N, K),
            ("path", N, 2, RIDGES),
            ("product", 2 * RIDGES, N, K), ("qr", K, 2 * RIDGES), ("product", N, K, 2 * RIDGES),
            ("product", N, 500, 2 * RIDGES), ("solve", N, 2 * RIDGES), ("product", 500, N, 2 * RIDGES),
            ("product", 2 * RIDGES, 500, 1797),
        ], N * K + 20 * RIDGES * 50,
    ),
    "rows of a kernel": (
        KERNEL, rg.Learner(RIDGE), N, {},
        [("path", N, 2, RIDGES), ("product", 2 * RIDGES, N, 1797), ("product", 2 * RIDGES, N, N), *FETCHED], N,
    ),
    "views of data": (
        DATA, rg.Learner(RIDGE, augmentation=rg.GaussianNoise(1e-3, views=2)), N // 2, {},
        [
            ("fetched", N, 500), ("weighted", N * 500), ("gram", N, 500), ("path", N, 2, RIDGES),
            ("product", 2 * RIDGES, N, 500), ("product", 2 * RIDGES, 500, 1797),
        ], N * 500,
    ),
    "sphere": (
        rg.Task.sphere(5, rg.NTK("relu", depth=1), [0.0, 1.0]), rg.Learner(RIDGE), N, {},
        [
            ("product", N, 5, N + 1000), ("arc_cosines", N * (N // 2 + 1000)), ("path", N, 2, RIDGES),
            ("product", 2 * RIDGES, N, 1000),
        ], 5 * (N + 500),
    ),
    "activations": (
        rg.Task.gaussian_inputs(np.ones(100), "tanh", np.full(100, 0.1)), rg.Learner(RIDGE, features=K), N, {},
        [
            ("product", N + 1000, 100, K), ("tanh", (N + 1000) * K), ("gram", N, K), ("path", N, 2, RIDGES),
            ("product", 2 * RIDGES, N, K), ("product", 2 * RIDGES, K, 1000),
        ], 100 * (N + K + 500),
    ),
    "logistic": (SMALL, rg.Learner(rg.Logistic([1.0, 10.0])), N, {}, [], N * 200, _newton(N, 200)),
    "logistic, many inputs": (LARGE, rg.Learner(rg.Logistic([1.0, 10.0])), N, {}, [], N * 800, _newton(N, 800)),
    "logistic, features": (
        SMALL, rg.Learner(rg.Logistic([1.0, 10.0]), features=300), N, {}, [("product", N, 200, 300)], (N + 300) * 200,
        _newton(N, 300),
    ),
    "logistic, teacher": (
        rg.Teacher(np.full(200, 0.1), np.ones(200)), rg.Learner(rg.Logistic([1.0, 10.0])), N, {}, [], N * 200,
        _newton(N, 200),
    ),
    "logistic, views": (
        SMALL, rg.Learner(rg.Logistic([1.0, 10.0]), augmentation=rg.GaussianNoise(0.1, views=2)), N, {}, [], 3 * N * 200,
        _newton(2 * N, 200),
    ),
    "square loss": (SMALL, rg.Learner(RIDGE), N, {}, [("gram", 200, N)], N * 200, _newton(N, 200)),
    "hinge": (SMALL, rg.Learner(rg.Hinge([1.0, 10.0])), N, {}, [], N * 200, _on_rows(N, 200)),
    "squared hinge": (LARGE, rg.Learner(rg.SquaredHinge([1.0, 10.0])), N, {}, [], N * 800, _on_rows(N, 800)),
    "largest margin": (LARGE, rg.Learner(rg.MaxMargin()), N, {}, [], N * 800, _on_rows(N, 800)),
    "adversarial": (
        SMALL, rg.Learner(rg.AdversarialTraining(rg.Logistic(1.0), 0.02, "linf")), N, {}, [], N * 200, _newton(N, 200)
    ),
    "lasso": (
        rg.SparseRegression.equal(K, 20, 0.5, noise=0.1), rg.Learner(rg.Lasso([5.0, 20.0])), N, {}, [], N * K,
        (
            # factors of the support polish what the steps found
            lambda size: [("cholesky", size)] if size < N else [
                ("gram", N, K), ("cholesky", N), ("solve", N, 1), ("solve", N, 1), ("product", N, K, 4),
                ("weighted", N * K),
            ], [],
        ),
    ),
    "robust loss": (
        rg.NoisyTask(rg.Task.isotropic(200, noise=0.5), rg.LaplaceNoise(1.0)), rg.Learner(rg.Huber(1.0, 10.0)), N, {}, [],
        N * 200, _newton(N, 200),
    ),
    "network on XOR": (
        rg.XORClusters(2000, 9.0), rg.TwoLayerReLU(200, 0.01, 100, 1e-3), N, {},
        [("network", 100, N, 200), ("product", N + 1000, N + 1002, N + 200)], (N + 1000) * (N + 1000) // 2,
    ),
}


def share(name):
    """Milliseconds of a trial and of what is on its bill, and what part of the first the others are."""
    task, learner, n, options, bill, count, *iterated = SETTINGS[name]

    def run(trials):
        return rg.simulate(task, learner, n, trials=trials, **options)

    once = least(lambda: run(2), 0.0, 1) / 2
    trials = max(DEFAULT if name.startswith("rows") else LEAST, 2 ** round(np.log2(SECONDS / once)))
    trial = least(lambda: run(trials), 0.0, REPEATS) / trials
    owed = Counter(bill)
    if iterated and iterated[0]:
        (of_factor, of_trial), found = iterated[0], factors(lambda: run(2))
        owed.update(of_trial)
        for size, number in found.items():
            for one in of_factor(size):
                owed[one] += number / 2
    passes, algebra = (
        sum(number * price(*one) for one, number in owed.items() if (PRIMITIVES[one[0]] in PASSES) is either)
        for either in (True, False)
    )
    drawn = price("normals", int(count))
    return {
        "trial": 1e3 * trial, "algebra": 1e3 * algebra, "normals": 1e3 * drawn, "passes": 1e3 * passes,
        "algebra / trial": algebra / trial, "all / trial": (algebra + drawn + passes) / trial,
    }


def main():
    """All settings, or those named."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("methods", nargs="*", metavar="METHOD")
    parser.add_argument("--out", type=pathlib.Path)
    asked = parser.parse_args()
    warnings.simplefilter("ignore")
    found = json.loads(asked.out.read_text()) if asked.out and asked.out.exists() else {}
    for name in asked.methods or SETTINGS:
        found[name] = {title: round(value, 3) for title, value in share(name).items()}
        print(f"{name:28}", *(f"{value:9.3f}" for value in found[name].values()), flush=True)
        if asked.out:  # what is measured is kept as it comes
            asked.out.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
