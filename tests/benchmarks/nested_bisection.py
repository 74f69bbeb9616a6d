"""The baseline of the speed figures: nested bisection over all the modes in numpy, as published code solves it."""

__all__ = ["STEPS", "nested_bisection"]

import numpy as np
from jaxtyping import Float

# Steps of the outer bisection (on kappa) and of the inner one (on gamma).
STEPS = 60


def nested_bisection(
    eigenvalues: Float[np.ndarray, " modes"],
    power: Float[np.ndarray, " modes"],
    n: float,
    features: float,
    ridge: float,
    noise: float,
) -> dict[str, float]:
    """Test risk, training error and effective ridges of `features` (finite) random features at ridge > 0.

    The textbook form of arXiv 2311.14646, with its cancellations: n = z + ridge/kappa, k = z + k kappa/gamma, with
    z = sum L, q = sum L^2, L = lambda/(lambda + gamma), and

        test = [sum (gamma/(lambda + gamma) - kappa lambda/(lambda + gamma)^2 k/(k - q)) v^2 + noise]
               / (1 - (q (k - 2 z) + z^2) / (n (k - q))).

    Brackets: gamma, given kappa, in [kappa, kappa + trace/k]; kappa in [ridge/n, (ridge + trace)/n].

    >>> import numpy as np
    >>> i = np.arange(1.0, 101.0)
    >>> point = nested_bisection(i**-1.5, i**-1.5, 40.0, 60.0, 0.1, 0.5)
    >>> k_of = np.sum(i**-1.5 / (i**-1.5 + point["gamma"])) + 60 * point["kappa"] / point["gamma"]
    >>> bool(abs(k_of - 60) < 1e-9)
    True
    """
    trace = float(eigenvalues.sum())

    def learned(gamma: float) -> float:
        return float(np.sum(eigenvalues / (eigenvalues + gamma)))

    def gamma_at(kappa: float) -> float:
        low, high = np.log(kappa), np.log(kappa + trace / features)
        for _ in range(STEPS):
            middle = 0.5 * (low + high)
            gamma = np.exp(middle)
            if learned(gamma) + features * kappa / gamma > features:
                low = middle
            else:
                high = middle
        return float(np.exp(0.5 * (low + high)))

    low, high = np.log(ridge / n), np.log((ridge + trace) / n)
    for _ in range(STEPS):
        middle = 0.5 * (low + high)
        kappa = float(np.exp(middle))
        if learned(gamma_at(kappa)) + ridge / kappa > n:
            low = middle
        else:
            high = middle
    kappa = float(np.exp(0.5 * (low + high)))
    gamma = gamma_at(kappa)
    inverse = 1.0 / (eigenvalues + gamma)
    z, q = float(np.sum(eigenvalues * inverse)), float(np.sum((eigenvalues * inverse) ** 2))
    missed = gamma * inverse - kappa * eigenvalues * inverse**2 * features / (features - q)
    test = (float(missed @ power) + noise) / (1.0 - (q * (features - 2.0 * z) + z * z) / (n * (features - q)))
    return {"test": test, "train": (ridge / (n * kappa)) ** 2 * test, "kappa": kappa, "gamma": gamma}
