"""Kernel regression on power laws: eigenvalues i^-alpha, powers i^-beta, many modes and samples.

Sums over modes are integrals, df1 = n u: kappa = (C/(n u))^alpha with C = pi/(alpha sin(pi/alpha)), df2 =
(1 - 1/alpha) n u, and the squared error of what is not learned is D kappa^((beta - 1)/alpha).
Equations: theory (4.12) to (4.14).
"""

__all__ = ["POWER_LAW"]

from typing import Any

from rfgen.symbolic.formula import Closed, symbols

REGIME = "eigenvalues i^-alpha without end, alpha > 1; n large"
TARGET = f"{REGIME}; powers i^-beta, 1 < beta < 2 alpha + 1"
SIMON = "arXiv 2311.14646"


def _kappa() -> Any:
    import sympy

    n, alpha, fraction = symbols("n", "alpha", "fraction")
    return (sympy.pi / (alpha * sympy.sin(sympy.pi / alpha) * n * fraction)) ** alpha


def _where() -> dict[Any, Any]:
    return {symbols("kappa")[0]: _kappa()}


def _ridge() -> Any:
    n, fraction, kappa = symbols("n", "fraction", "kappa")
    return n * (1 - fraction) * kappa


def _coefficient() -> Any:
    return symbols("alpha")[0]


def _risk() -> Any:
    import sympy

    alpha, beta, noise, fraction, kappa = symbols("alpha", "beta", "noise", "fraction", "kappa")
    below = (beta - 1) / alpha
    constant = sympy.gamma(2 - below) * sympy.gamma(below) / alpha
    return (constant * kappa**below + noise) / (1 - (1 - 1 / alpha) * fraction)


def _best_ratio() -> Any:
    import sympy

    alpha, beta = symbols("alpha", "beta")
    return sympy.Max(0, (alpha - beta) / ((alpha - 1) * beta)) ** 2


def _exponent() -> Any:
    beta, = symbols("beta")
    return beta - 1


POWER_LAW = (
    Closed("power-law effective ridge", ("n", "alpha", "fraction"), _kappa, REGIME, SIMON),
    Closed("power-law ridge", ("n", "alpha", "fraction"), _ridge, f"{REGIME}; the ridge that leaves df1 = u n", SIMON,
           _where),
    Closed("power-law overfitting coefficient", ("alpha",), _coefficient, REGIME, "arXiv 2306.13185"),
    Closed("power-law risk", ("n", "alpha", "beta", "noise", "fraction"), _risk, f"{TARGET}; u = 1 is ridge 0", SIMON,
           _where),
    Closed("power-law optimal training over test error", ("alpha", "beta"), _best_ratio, f"{TARGET}; no noise; best ridge",
           f"{SIMON} (and derived: minimum of the power-law risk over u)"),
    Closed("power-law exponent of the risk", ("beta",), _exponent, f"{TARGET}; no noise; risk falls as n^-exponent", SIMON),
)
