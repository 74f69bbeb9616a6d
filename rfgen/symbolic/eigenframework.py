"""The two equations behind every curve of kernel and random-feature ridge, their risk, limits and small-ridge expansion.

Equations: theory (2.5), (2.10), (2.11), (4.1), (4.2) and (4.9).
"""

__all__ = ["EIGENFRAMEWORK"]

from collections.abc import Callable
from typing import Any

from rfgen.symbolic.formula import Closed, symbols

KERNEL = "inputs whose eigen-coordinates behave as independent ones; n and modes large"
BOTH = f"{KERNEL}; random features, many too"
SIMON = "arXiv 2311.14646"


def _letters() -> tuple[Any, Any]:
    import sympy

    return sympy.symbols("df_1, df_2", positive=True)


def _degrees(at: str, *, squares: bool = True) -> Callable[[], dict[Any, Any]]:
    """Degrees of freedom at an effective ridge: the sum of learnabilities, and of their squares."""

    def where() -> dict[Any, Any]:
        import sympy

        i = sympy.Symbol("i", integer=True)
        values, modes, effective_ridge = symbols("eigenvalues", "modes", at)
        learnability = values[i] / (values[i] + effective_ridge)
        powers = (1, 2) if squares else (1,)
        return {_letters()[power - 1]: sympy.Sum(learnability**power, (i, 0, modes - 1)) for power in powers}

    return where


def _second() -> dict[Any, Any]:
    second = _letters()[1]
    return {second: _degrees("kappa")()[second]}


def _kernel_equation() -> Any:
    import sympy

    n, ridge, kappa = symbols("n", "ridge", "kappa")
    return sympy.Eq(n, _letters()[0] + ridge / kappa)


def _features_equation() -> Any:
    import sympy

    n, k, ridge, gamma = symbols("n", "features", "ridge", "gamma")
    df1, _ = _letters()
    return sympy.Eq(gamma * (n - df1) * (k - df1), ridge * k)


def _features_kappa() -> Any:
    k, gamma = symbols("features", "gamma")
    return gamma * (1 - _letters()[0] / k)


def _kernel_risk() -> Any:
    import sympy

    kappa, values, power, noise, modes = symbols("kappa", "eigenvalues", "power", "noise", "modes")
    i = sympy.Symbol("i", integer=True)
    missed = sympy.Sum((kappa / (values[i] + kappa)) ** 2 * power[i], (i, 0, modes - 1))
    return _amplification() * (missed + noise)


def _features_risk() -> Any:
    import sympy

    n, k, gamma, kappa, noise, modes = symbols("n", "features", "gamma", "kappa", "noise", "modes")
    values, power = symbols("eigenvalues", "power")
    i = sympy.Symbol("i", integer=True)
    df1, df2 = _letters()
    each = gamma / (values[i] + gamma) - kappa * values[i] * k / ((values[i] + gamma) ** 2 * (k - df2))
    shared = (df2 * (k - 2 * df1) + df1**2) / (n * (k - df2))
    return (sympy.Sum(each * power[i], (i, 0, modes - 1)) + noise) / (1 - shared)


def _features_letters() -> dict[Any, Any]:
    # kappa first: its own letters are replaced after it
    return {symbols("kappa")[0]: _features_kappa()} | _degrees("gamma")()


def _train_ratio() -> Any:
    n, ridge, kappa = symbols("n", "ridge", "kappa")
    return (ridge / (n * kappa)) ** 2


def _amplification() -> Any:
    n, = symbols("n")
    return n / (n - _letters()[1])


def _small_ridge() -> Any:
    # differentiate n = df1(kappa) + ridge/kappa at ridge 0, where df1 = n and kappa d(df1)/d(kappa) = df2 - df1
    n, ridge, kappa = symbols("n", "ridge", "kappa")
    return kappa + ridge / (n - _letters()[1])


def _large_ridge() -> Any:
    import sympy

    n, ridge, values, modes = symbols("n", "ridge", "eigenvalues", "modes")
    i = sympy.Symbol("i", integer=True)
    return (ridge + sympy.Sum(values[i], (i, 0, modes - 1))) / n


EIGENFRAMEWORK = (
    Closed("kernel effective ridge", ("n", "ridge", "kappa", "eigenvalues"), _kernel_equation, KERNEL, SIMON,
           _degrees("kappa", squares=False)),
    Closed("random-feature effective ridge", ("n", "features", "ridge", "gamma", "eigenvalues"), _features_equation,
           f"{BOTH}; df1 below n and features", f"{SIMON}, both equations in one (derived)",
           _degrees("gamma", squares=False)),
    Closed("random-feature kappa", ("features", "gamma", "eigenvalues"), _features_kappa, BOTH, SIMON,
           _degrees("gamma", squares=False)),
    Closed("kernel risk", ("n", "kappa", "eigenvalues", "power", "noise"), _kernel_risk, KERNEL, SIMON, _second),
    Closed("random-feature risk", ("n", "features", "gamma", "eigenvalues", "power", "noise"), _features_risk, BOTH, SIMON,
           _features_letters),
    Closed("training over test error", ("n", "ridge", "kappa"), _train_ratio, BOTH, SIMON),
    Closed("overfitting coefficient", ("n", "kappa", "eigenvalues"), _amplification, f"{KERNEL}; kappa of ridge 0",
           "arXiv 2306.13185", _second),
    Closed("kappa at small ridge", ("n", "ridge", "kappa", "eigenvalues"), _small_ridge,
           f"{KERNEL}; kappa on the right is that of ridge 0; error of order ridge^2", "derived from the equation of kappa",
           _second),
    Closed("kappa at large ridge", ("n", "ridge", "eigenvalues"), _large_ridge,
           f"{KERNEL}; error of order 1/ridge", "derived from the equation of kappa"),
)
