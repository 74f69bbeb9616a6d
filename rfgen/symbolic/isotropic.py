"""Ridge regression on isotropic inputs: everything is closed.  Equations: theory (4.4) to (4.6)."""

__all__ = ["ISOTROPIC"]

from typing import Any

from rfgen.symbolic.formula import Closed, symbols

REGIME = "N(0, I) inputs, any target of power signal; n and dim large"
HASTIE = "arXiv 1903.08560"


def _kappa() -> Any:
    import sympy

    n, p, ridge = symbols("n", "dim", "ridge")
    return (sympy.sqrt((n - p - ridge) ** 2 + 4 * n * ridge) - (n - p - ridge)) / (2 * n)


def _where() -> dict[Any, Any]:
    return {symbols("kappa")[0]: _kappa()}


def _risk() -> Any:
    n, p, signal, noise, kappa = symbols("n", "dim", "signal", "noise", "kappa")
    return (noise + signal * (kappa / (1 + kappa)) ** 2) / (1 - p / (n * (1 + kappa) ** 2))


def _train() -> Any:
    n, ridge, kappa = symbols("n", "ridge", "kappa")
    return (ridge / (n * kappa)) ** 2 * _risk()


def _ridgeless() -> Any:
    import sympy

    n, p, signal, noise = symbols("n", "dim", "signal", "noise")
    interpolates = signal * (1 - n / p) + noise * p / (p - n)
    return sympy.Piecewise((interpolates, n < p), (sympy.oo, sympy.Eq(n, p)), (noise * n / (n - p), True))


def _best_ridge() -> Any:
    p, signal, noise = symbols("dim", "signal", "noise")
    return p * noise / signal


def _best_risk() -> Any:
    # at the optimum risk = noise n kappa / ridge
    n, p, signal, ridge = symbols("n", "dim", "signal", "ridge")
    return n * signal / p * _kappa().subs(ridge, _best_ridge())


ISOTROPIC = (
    Closed("isotropic effective ridge", ("n", "dim", "ridge"), _kappa, REGIME, HASTIE),
    Closed("isotropic risk", ("n", "dim", "ridge", "signal", "noise"), _risk, REGIME, f"{HASTIE}, Theorem 5",
           _where),
    Closed("isotropic training error", ("n", "dim", "ridge", "signal", "noise"), _train, REGIME, "arXiv 2311.14646",
           _where),
    Closed("isotropic ridgeless risk", ("n", "dim", "signal", "noise"), _ridgeless, f"{REGIME}; ridge to 0",
           f"{HASTIE}, Theorem 1"),
    Closed("isotropic optimal ridge", ("dim", "signal", "noise"), _best_ridge, f"{REGIME}, at any n",
           f"{HASTIE}, Theorem 5; arXiv 1507.03003"),
    Closed("isotropic optimal risk", ("n", "dim", "signal", "noise"), _best_risk, f"{REGIME}; the optimal ridge",
           "arXiv 1507.03003"),
)
