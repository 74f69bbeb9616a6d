"""300 random expressions: theory beside simulation, two ways to each fixed point, and its other solutions.

`OPENBLAS_NUM_THREADS=1 python -m tests.benchmarks.random_expressions [--out FILE]`, some 4 CPU minutes.  What lies outside
.5 % and 4 standard errors is measured again in more trials, and at four times the size.
"""

__all__ = ["main"]

import time

import numpy as np

from tests.benchmarks.report import keep, output
from tests.fuzz_expressions import SIZE, agree, branches, look, looked, random_estimator

COUNT, SEED, TRIALS = 300, 0, 24
AGAIN, LARGER, FEW = 120, 4 * SIZE, 10


def main():
    """Look at all, and print; `--out` keeps the numbers."""
    out, started = output(__doc__), time.process_time()
    seen = look(COUNT, SEED, TRIALS)
    outside = {}
    for number in map(int, np.flatnonzero(~agree(seen))):
        runs = {"first": seen[number], "more trials": looked(number, SEED, AGAIN)}
        if not agree(np.array([runs["more trials"]]))[0]:
            runs["four times the size"] = looked(number, SEED, FEW, LARGER)
        outside[f"{random_estimator(np.random.default_rng([SEED, number])).weights}"] = {
            name: {"difference": float(own[0]), "standard errors": float(own[1])} for name, own in runs.items()
        }
    right, others = branches(100, SEED)
    keep({
        "expressions": COUNT, "size": SIZE, "trials": TRIALS, "within .5 % or 4 standard errors": int(agree(seen).sum()),
        "not solved": int(np.isnan(seen[:, 0]).sum()), "median difference": float(np.median(seen[:, 0])),
        "two ways differ at most": float(np.max(seen[:, 2])),
        "trials again": AGAIN, "larger size, trials": [LARGER, FEW], "outside at first": outside,
        "spectral radii at solutions, at most": float(right.max()), "cores": right.size,
        "spectral radii at other solutions, at least": float(others.min()), "other solutions": others.size,
        "CPU seconds": round(time.process_time() - started),
    }, out)


if __name__ == "__main__":
    main()
