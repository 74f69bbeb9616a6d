"""Peaks of double descent under a small ridge: how high, how wide.

Isotropic, near n = p with x = (n - p)/(2 sqrt(p ridge)): kappa = sqrt(ridge/p) (sqrt(1 + x^2) - x), and n - df2 =
2 sqrt(p ridge) sqrt(1 + x^2), so that risk = height/sqrt(1 + x^2): half of it is left at x = sqrt(3).  Random features at
n = k: gamma is where df1 = k, and k - df1 = sqrt(ridge k/gamma).  Equations: theory (4.7) and (4.8).
"""

__all__ = ["PEAKS"]

from typing import Any

from rfgen.symbolic.formula import Closed, symbols

SMALL = "ridge far below dim; error of relative order sqrt(ridge/dim)"
DERIVED = "derived from the equations of the effective ridge"


def _height() -> Any:
    import sympy

    p, ridge, noise = symbols("dim", "ridge", "noise")
    return noise / 2 * sympy.sqrt(p / ridge)


def _width() -> Any:
    import sympy

    p, ridge = symbols("dim", "ridge")
    return 2 * sympy.sqrt(3 * p * ridge)


def _features_height() -> Any:
    import sympy

    k, ridge, gamma, noise, modes = symbols("features", "ridge", "gamma", "noise", "modes")
    values, power = symbols("eigenvalues", "power")
    i = sympy.Symbol("i", integer=True)
    missed = sympy.Sum(gamma / (values[i] + gamma) * power[i], (i, 0, modes - 1))
    return (noise + missed) / 2 * sympy.sqrt(k * gamma / ridge)


PEAKS = (
    Closed("isotropic peak height", ("dim", "ridge", "noise"), _height, f"N(0, I) inputs at n = dim; {SMALL}", DERIVED),
    Closed("isotropic peak half-width", ("dim", "ridge"), _width,
           f"N(0, I) inputs; |n - dim| where half of the height is left; {SMALL}", DERIVED),
    Closed("random-feature peak height", ("features", "ridge", "gamma", "eigenvalues", "power", "noise"), _features_height,
           "n = features, fewer than modes; df1 at gamma is features; small ridge", DERIVED),
)
