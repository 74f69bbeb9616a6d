"""Gradient flow of linear regression on isotropic inputs: risk along time, its limits, when to stop.

Equations: theory (6.11) and (6.12).
"""

__all__ = ["GRADIENT_FLOW"]

from typing import Any

from rfgen.symbolic.formula import Closed, symbols

SAXE = "arXiv 1710.03667"
REGIME = "N(0, I) inputs, any target of power signal, flow of the squared error over 2n; n and dim large"


def _risk() -> Any:
    import sympy

    n, p, signal, noise, time, initial = symbols("n", "dim", "signal", "noise", "time", "initial_variance")
    low, high = (1 - sympy.sqrt(p / n)) ** 2, (1 + sympy.sqrt(p / n)) ** 2
    x = sympy.Symbol("x", positive=True)  # an eigenvalue of the sample covariance
    density = n / p * sympy.sqrt((high - x) * (x - low)) / (2 * sympy.pi * x)
    forgotten = (signal + p * initial) * sympy.exp(-2 * x * time)
    learned = p * noise / n * (1 - sympy.exp(-x * time)) ** 2 / x
    frozen = sympy.Max(0, 1 - n / p) * (signal + p * initial)
    return noise + frozen + sympy.Integral(density * (forgotten + learned), (x, low, high))


def _late() -> Any:
    import sympy

    n, p, signal, noise, initial = symbols("n", "dim", "signal", "noise", "initial_variance")
    interpolates = (signal + p * initial) * (1 - n / p) + noise * p / (p - n)
    return sympy.Piecewise((interpolates, n < p), (sympy.oo, sympy.Eq(n, p)), (noise * n / (n - p), True))


def _early() -> Any:
    p, signal, noise, initial = symbols("dim", "signal", "noise", "initial_variance")
    return signal + p * initial + noise


def _stop() -> Any:
    import sympy

    n, p, signal, noise = symbols("n", "dim", "signal", "noise")
    return sympy.log(1 + n * signal / (p * noise))


GRADIENT_FLOW = (
    Closed("gradient flow risk", ("n", "dim", "signal", "noise", "time", "initial_variance"), _risk, REGIME,
           f"{SAXE}, its integral over the Marchenko-Pastur law in our clock"),
    Closed("gradient flow risk at late times", ("n", "dim", "signal", "noise", "initial_variance"), _late, REGIME, SAXE),
    Closed("gradient flow risk at time 0", ("dim", "signal", "noise", "initial_variance"), _early, REGIME, SAXE),
    Closed("gradient flow best stopping time", ("n", "dim", "signal", "noise"), _stop,
           f"{REGIME}; n far above dim, zero initial weights", f"{SAXE}, its best time of one mode at eigenvalue 1"),
)
