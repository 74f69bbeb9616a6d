"""Simulated training curves and their bare linear algebra: `python tests/benchmarks/trajectory_simulation.py [--quick]`.

100 trials at 1,000 times of gradient flow, per trial: the same decomposition and products in the same shapes, on rows drawn
beforehand, without filters, elementwise work and random numbers; both in one process, alternating, the smallest of repeats.
"""

__all__ = ["main"]

import argparse
import pathlib
import sys
import time
from typing import Any

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))  # for a run as a script

import jax
import jax.numpy as jnp
import numpy as np

import rfgen as rg
from rfgen.numerics.compilation.precision import double_precision

TIMES = np.geomspace(0.1, 1e6, 1000)
# n, features (None: the kernel), modes
SETTINGS = [(64, None, 1000), (256, None, 4000), (512, None, 4000), (512, 256, 400), (256, 512, 4000)]


def bare_pair(n: int, features: int | None, modes: int) -> tuple[Any, tuple[jax.Array, ...]]:
    """A jitted function of the decompositions and products of two trials, and operands for it."""
    generator, count = np.random.default_rng(0), TIMES.size
    scale = np.arange(1.0, modes + 1.0) ** -0.75
    rows, labels = generator.standard_normal((2, n, modes)) * scale, generator.standard_normal((2, n, 2))
    width = modes if features is None else features
    rank = min(n, width)
    given = features is not None and n < modes
    mixing = generator.standard_normal((2, n if given else modes, width)) / np.sqrt(width)
    prior = generator.standard_normal((2, modes, rank)) / np.sqrt(width)
    coordinates = generator.standard_normal((2, 2, count, rank))

    def trial(rows: Any, labels: Any, mixing: Any, prior: Any, coordinates: Any) -> Any:
        design = rows
        if given:
            factor = jnp.linalg.cholesky(rows @ rows.T)
            design = factor @ mixing
        elif features is not None:
            design = rows @ mixing
        if n <= width:
            _, vectors = jnp.linalg.eigh(design @ design.T)
            response, basis = vectors.T @ labels, design.T @ vectors
        else:
            _, basis = jnp.linalg.eigh(design.T @ design)
            response = basis.T @ (design.T @ labels)
        if given:
            surprise = design @ basis - rows @ prior
            basis = prior + rows.T @ jax.scipy.linalg.cho_solve((factor, True), surprise)
        elif features is not None:
            basis = mixing @ basis
        form = basis.T @ basis
        return response, basis, [each @ form for each in (coordinates[0], coordinates[0], coordinates[1])]

    def pair(*operands: Any) -> Any:
        response, basis, products = jax.lax.map(lambda each: trial(*each), operands)
        # the product of the two trials' errors
        return response, products, operands[-1][0, 0] @ (basis[0].T @ basis[1])

    return jax.jit(pair), tuple(jnp.asarray(part) for part in (rows, labels, mixing, prior, coordinates))


def seconds(function: Any, repeats: int) -> float:
    """Smallest time of a call."""
    found = []
    for _ in range(repeats):
        start = time.perf_counter()
        jax.block_until_ready(function())
        found.append(time.perf_counter() - start)
    return min(found)


@double_precision
def main() -> None:
    """Print one line a setting."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="10 trials")
    trials = 10 if parser.parse_args().quick else 100
    trainings = {"flow": rg.GradientFlow(TIMES), "momentum": rg.HeavyBall(0.5, 0.9, np.arange(1, 1001))}
    for n, features, modes in SETTINGS:
        task = rg.Task.power_law(1.5, 1.5, 0.3, modes=modes)
        pair, operands = bare_pair(n, features, modes)
        pair(*operands)
        line = f"n={n} {'kernel' if features is None else f'k={features}'} modes={modes}:"
        for name, training in trainings.items():
            learner = rg.Learner(training, features=features)
            rg.simulate(task, learner, n, trials=2)
            whole, bare = np.inf, np.inf
            for _ in range(2):
                whole = min(whole, seconds(lambda: rg.simulate(task, learner, n, trials=trials).test, 1))  # noqa: B023
                bare = min(bare, seconds(lambda: pair(*operands), 3))  # noqa: B023
            per_trial = whole / trials
            line += f"  {name} {1e3 * per_trial:.1f} ms a trial, bare / simulate {bare / 2 / per_trial:.2f}"
        print(line, flush=True)


if __name__ == "__main__":
    main()
