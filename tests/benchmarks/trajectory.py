"""Speed of exact training curves: `OPENBLAS_NUM_THREADS=2 python tests/benchmarks/trajectory.py [--out FILE]`.

1,000 times of augmented random features after compilation, for 10^3 and 10^6 modes, in the moment and the pattern form; one
time; the same curve from 100 simulated trials (extrapolated from a few) as a ratio; and first calls.
"""

__all__ = ["main"]

import time
from functools import partial

import numpy as np

import rfgen as rg
from tests.benchmarks.report import keep, output

TIMES = np.geomspace(0.1, 1e4, 1000)
FEATURES, N, TRIALS = 200, 256, 4
AUGMENTATIONS = {"mask": rg.Mask(0.6, views=4), "gain": rg.Gain([0.5, 1.5], views=2)}


def seconds(function, repeats=3):
    """The least of `repeats` runs, and the first."""
    runs = []
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        runs.append(time.perf_counter() - start)
    return min(runs[1:]), runs[0]


def main():
    """Measure and print; `--out` keeps the numbers."""
    out = output(__doc__)
    found = {}
    for name, augmentation in AUGMENTATIONS.items():
        for modes in (10**3, 10**6):
            task = rg.Task.power_law(1.5, 1.5, 0.5, modes=modes)
            task.modes  # noqa: B018 (compressed once)

            def curve(times, task=task, augmentation=augmentation):
                learner = rg.Learner(rg.GradientFlow(times), features=FEATURES, augmentation=augmentation)
                return rg.predict(task, learner, n=N)

            best, first = seconds(partial(curve, TIMES), 4)
            one, _ = seconds(partial(curve, TIMES[500:501]), 4)
            found[f"{name}, {modes} modes"] = {"1000 times, s": best, "one time, s": one, "first call, s": first}
    task = rg.Task.power_law(1.5, 1.5, 0.5, modes=1000)
    learner = rg.Learner(rg.GradientFlow(TIMES), features=FEATURES, augmentation=AUGMENTATIONS["mask"])
    best, _ = seconds(lambda: rg.simulate(task, learner, n=N, trials=TRIALS, progress=False), 2)
    found["simulation of 100 trials"] = {
        "s": best * 100 / TRIALS,
        "ratio to the exact curve": best * 100 / TRIALS / found["mask, 1000 modes"]["1000 times, s"],
    }
    steps = np.unique(np.round(np.geomspace(1, 1e6, 200)))
    for name, training in {
        "descent": rg.GradientDescent(0.2, steps), "heavy ball, momentum 0.9": rg.HeavyBall(0.2, 0.9, [1, 10, 100, 600]),
    }.items():
        best, first = seconds(partial(rg.predict, task, rg.Learner(training, features=FEATURES), n=N), 2)
        found[name] = {"s": best, "first call, s": first}
    keep(found, out)


if __name__ == "__main__":
    main()
