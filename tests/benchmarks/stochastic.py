"""Speed of stochastic gradient descent, exact: `OPENBLAS_NUM_THREADS=2 python -m tests.benchmarks.stochastic [--out FILE]`.

One pass: 10^5 steps over 10^4 modes, compressed and mode by mode; many passes: 10^3 steps; simulated runs beside them.
"""

__all__ = ["main"]


import numpy as np

import rfgen as rg
from tests.benchmarks.report import keep, output
from tests.benchmarks.trajectory import seconds

TASK = rg.Task.power_law(1.5, 1.5, 0.5, modes=10_000)
ONE_PASS = {
    "descent": rg.OnePassSGD(0.3, 100_000),
    "heavy ball 0.9": rg.OnePassSGD(0.03, 100_000, momentum=0.9),
    "average": rg.OnePassSGD(0.3, 100_000, average_from=50_000),
    "accelerated": rg.AcceleratedSGD(0.95, 0.05, 0.3, 0.1, 100_000),
}
STEPS = np.arange(1001)
MANY_PASSES = {
    "descent": rg.SGD(0.3, STEPS), "heavy ball 0.7": rg.SGD(0.1, STEPS, momentum=0.7),
    "nesterov 0.7": rg.SGD(0.1, STEPS, momentum=0.7, nesterov=True), "finite size": rg.SGD(0.3, STEPS, finite_size=True),
}


def main():
    """Measure and print; `--out` keeps the numbers."""
    out = output(__doc__)
    found = {}
    for name, training in ONE_PASS.items():
        best, first = seconds(lambda training=training: rg.predict(TASK, rg.Learner(training)))
        curve = rg.predict(TASK, rg.Learner(training))
        error = float(curve.residual)
        found[f"one pass, {name}, 10^5 steps, 10^4 modes"] = {"s": best, "first call, s": first, "error": error}
    exact = rg.Learner(rg.OnePassSGD(0.3, 100_000))
    best, _ = seconds(lambda: rg.predict(TASK, exact, by_mode=True), 2)
    difference = float(abs(rg.predict(TASK, exact).test / rg.predict(TASK, exact, by_mode=True).test - 1))
    found["one pass, descent, mode by mode"] = {"s": best, "relative difference from compressed": difference}
    best, first = seconds(lambda: rg.predict(TASK, rg.Learner(rg.OnePassSGD(0.3, 10_000), features=200)))
    found["one pass, 200 features, 10^4 steps"] = {"s": best, "first call, s": first}
    for name, training in MANY_PASSES.items():
        best, first = seconds(lambda training=training: rg.predict(TASK, rg.Learner(training, features=200), n=300))
        found[f"many passes, {name}, 200 features, 10^3 steps"] = {"s": best, "first call, s": first}
    small = rg.Task.power_law(1.3, 1.3, 0.3, modes=40)
    learner = rg.Learner(rg.OnePassSGD(0.3, [50, 150], batch=4))
    best, first = seconds(lambda: rg.simulate(small, learner, trials=4000, progress=False), 2)
    found["4,000 simulated runs, 40 modes, batch 4, 150 steps"] = {"s": best, "first call, s": first}
    keep(found, out)


if __name__ == "__main__":
    main()
