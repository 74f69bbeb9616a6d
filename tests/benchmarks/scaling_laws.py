"""Coverage of intervals of `rg.fit_scaling_law`, processor seconds: `python -m tests.benchmarks.scaling_laws FITS`."""

import sys
import time

import numpy as np

import rfgen as rg
from tests.theory.estimation.test_scaling_law import CASES, PARAMETERS, held, losses


def main(fits: int) -> None:
    """A line for each case: share of intervals that hold the truth, by parameter; misfit; seconds a fit."""
    for name in CASES:
        covered, misfits, open_ended, start = [], [], 0, time.process_time()
        for seed in range(100, 100 + fits):
            found = rg.fit_scaling_law(**losses(name, seed))
            covered.append(held(name, found))
            misfits.append(float(found.chi2))
            open_ended += bool(np.isinf(found.low.sel(parameter="noise")))
        shares = ", ".join(f"{part} {share:.2f}" for part, share in zip(PARAMETERS, np.mean(covered, axis=0), strict=True))
        seconds = (time.process_time() - start) / fits
        print(f"{name}: {shares}; all {np.mean(covered):.3f}; misfit {np.mean(misfits):.1f} of 45; ", end="")
        print(f"noise open in {open_ended}; {seconds:.2f} s", flush=True)
    task, widths = rg.Task.power_law(1.5, 1.8), np.geomspace(30, 3000, 12)
    rg.compute_frontier(task, rg.OnePassSGD(0.3, 1), widths, 1e7)
    start = time.process_time()
    rg.compute_frontier(task, rg.OnePassSGD(0.3, 1), widths, np.geomspace(3e5, 1e8, 60))
    print(f"frontier of 12 widths and 60 budgets: {time.process_time() - start:.3f} s")


if __name__ == "__main__":
    main(int(sys.argv[1]))
