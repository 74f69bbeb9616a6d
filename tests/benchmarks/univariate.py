"""Seconds of interpolants on a line, and the certificates they come with.

`OPENBLAS_NUM_THREADS=2 python -m tests.benchmarks.univariate [--out FILE]`.
"""

__all__ = ["main"]


import numpy as np

from rfgen.systems.univariate import linear_spline, min_norm_interpolant, noise_risks
from tests.benchmarks.report import keep, output
from tests.benchmarks.trajectory import seconds

SIZES = (1000, 20_000, 200_000)


def main():
    """Measure and print; `--out` keeps the numbers."""
    out = output(__doc__)
    random, found = np.random.default_rng(0), {}
    for n in SIZES:
        x = np.sort(random.uniform(-3.0, 3.0, n))
        for name, y in (("noise", random.normal(size=n)), ("convex", np.exp(x))):
            best, _ = seconds(lambda x=x, y=y: min_norm_interpolant(x, y))
            f = min_norm_interpolant(x, y)
            found[f"min_norm_interpolant, {name}, n = {n}"] = {"s": best, "certificate_gap": f.certificate_gap}
        best, _ = seconds(lambda x=x, y=y: linear_spline(x, y))
        found[f"linear_spline, n = {n}"] = {"s": best}
    best, first = seconds(lambda: noise_risks(1000, [1.0, 2.0], trials=100))
    found["noise_risks, n = 1000, 100 trials"] = {"s": best, "first call, s": first}
    keep(found, out)


if __name__ == "__main__":
    main()
