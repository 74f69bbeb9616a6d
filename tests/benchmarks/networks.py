"""Seconds of networks on XOR clusters: 20 seeds of 200 steps, first call (compilation included) and later.

`python -m tests.benchmarks.networks [--out FILE]`.
"""

__all__ = ["main"]


import rfgen as rg
from tests.benchmarks.report import keep, output
from tests.benchmarks.trajectory import seconds

XOR, NET, N = rg.XORClusters(dim=4000, separation=14.0, flip=0.1), rg.TwoLayerReLU(1000, 0.01, steps=200, init=2e-4), 200


def main():
    """Measure and print; `--out` keeps the numbers."""
    out = output(__doc__)
    calls = {
        "predict, 1 step": lambda: rg.predict(XOR, NET, N),
        "simulate, 20 seeds, 200 steps": lambda: rg.simulate(XOR, NET, N, trials=20),
    }
    found = {}
    for name, call in calls.items():
        best, first = seconds(call)
        found[name] = {"s": best, "first call, s": first}
    keep(found, out)


if __name__ == "__main__":
    main()
