"""Processor seconds of estimators written as expressions, on one thread: points, sweeps, first answers, growth.

Held to: .3, .7 and 1.3 ms a point, 100 ms for 256 ridges, 2 s for a first answer and 6 s for a compiled one (ridges of 0
are never compiled), 3 s for eight rounds, 1 s for six stages.

`OPENBLAS_NUM_THREADS=1 taskset -c 0 python -m tests.benchmarks.estimators [--out FILE]`.
"""

__all__ = ["main"]

import os
import subprocess
import sys
import time
import warnings
from functools import partial
from typing import Any

import numpy as np

import rfgen as rg
from rfgen.api.methods import compiled
from rfgen.cli_own_estimators import OWN, own_estimator
from tests.benchmarks.report import keep, output

a = rg.algebra
X, U = a.data("X"), a.data("U", samples="m")
Y, W = a.labels(X), a.ridge_fit(X, a.labels(X))
TASK = rg.Task.power_law(alpha=1.2, beta=1.5, noise=0.2, modes=300)
POINTS: dict[str, tuple[Any, dict[str, Any]]] = {
    "ridge": (W, {"n": 100}),
    "transfer": (a.continue_from(W, U, a.labels(U), "ridge2"), {"n": 100, "m": 80, "ridge2": 0.3}),
    "weak to strong": (
        a.distil(a.ridge_fit(X, Y, features="k"), U, "ridge2", a.random_features("j")),
        {"n": 100, "m": 80, "k": 60, "j": 150, "ridge2": 0.3},
    ),
}
FIRST = "from tests.benchmarks.estimators import first; first({name!r}, {points})"


def seconds(call: Any, repeats: int = 3) -> float:
    """Of the processor, the least of several."""
    spent = []
    for _ in range(repeats):
        start = time.process_time()
        call()
        spent.append(time.process_time() - start)
    return min(spent)


def swept(name: str, points: int) -> tuple[Any, Any, dict[str, Any]]:
    """A named estimator at so many values of the first of its numbers, several of them compiled."""
    task, estimator = own_estimator(name)
    numbers = {own: value[0] if isinstance(value, list) else value for own, value in OWN[name][3].items()}
    over = next(own for own, value in OWN[name][3].items() if isinstance(value, list))
    if points > 1:
        compiled.MANY = points
        numbers[over] = np.linspace(numbers[over], 2.0 * numbers[over], points)
    return task, estimator, numbers


def first(name: str, points: int) -> None:
    """Print processor seconds of a first answer."""
    warnings.simplefilter("ignore")
    task, estimator, numbers = swept(name, points)
    start = time.process_time()
    rg.predict(task, estimator, **numbers)
    print(time.process_time() - start)


def cold(name: str, points: int) -> float:
    """The same in a process of its own."""
    code = FIRST.format(name=name, points=points)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env={**os.environ})
    return float(done.stdout.split()[-1])


def rounds(count: int) -> Any:
    """Iterated ridge on the same rows."""
    weights = W
    for _ in range(count - 1):
        weights = a.ridge_fit(X, X @ weights)
    return a.Estimator(weights)


def chain(count: int) -> Any:
    """Stages on fresh rows, each labelled by the one before."""
    weights = W
    for number in range(1, count):
        rows = a.data(f"X{number}")
        weights = a.ridge_fit(rows, a.labels(rows, weights))
    return a.Estimator(weights)


def main() -> None:
    """Measure and print; `--out` keeps the numbers."""
    out = output(__doc__)
    warnings.simplefilter("ignore")
    found: dict[str, Any] = {}
    for name, (weights, numbers) in POINTS.items():
        own = a.Estimator(weights)
        for count, many in ((256, 2**15), (1024, 1024)):
            ridges, compiled.MANY = np.geomspace(1e-3, 1.0, count), many
            rg.predict(TASK, own, ridge=ridges, **numbers)
            spent = seconds(partial(rg.predict, TASK, own, ridge=ridges, **numbers))
            label = f"{name}, {count} ridges{', compiled' * (count == many)}"
            found[label] = {"ms": 1e3 * spent, "ms a point": 1e3 * spent / count}
    compiled.MANY = 2**15
    for name in OWN:
        found[f"first answer, {name}"] = {"s": cold(name, 1), "s, 1024 points, compiled": cold(name, 1024)}
    for name, own in {"iterated ridge, 8 rounds": rounds(8), "chain of 6 fresh stages": chain(6)}.items():
        once = seconds(lambda own=own: rg.predict(TASK, own, n=100, ridge=0.1), 1)
        found[name] = {"s, first": once, "s": seconds(lambda own=own: rg.predict(TASK, own, n=100, ridge=0.1))}
    keep(found, out)


if __name__ == "__main__":
    main()
