"""The engine of THEORY.md section 1 in plain numpy: any number of groups, dense covariances, written for clarity.

The training objective is sum_g weight_g |y_g - X_g w|^2 + lambda |w|^2; group g has `rows` independent rows x with
covariance `covariance`, labels y = x . teacher + residual and residual variance `residual`. The weights live on k
random features (k = inf: the kernel itself). One group with weight 1/n is ridge regression with lambda = ridge / n.
"""

import math

import numpy as np
from scipy.optimize import root

__all__ = ["dense_risk", "objective", "slope"]


def dense_risk(groups, k, ridge_lambda, population):
    """Test risk on `population` (dict of covariance, teacher, noise) and what the equilibrium says of the training.

    Returns a dict: test, bias, alpha (mean squared feature weights), nu, and per group tau (leave-one-out residual
    second moment), train (training error per row), delta. Needs ridge_lambda > 0.
    """
    delta, nu = _equilibrium(groups, k, ridge_lambda)
    size = len(groups)
    identity = np.eye(len(population["teacher"]))
    strength = [g["rows"] * g["weight"] / (1 + d) for g, d in zip(groups, delta, strict=True)]
    M = sum(c * g["covariance"] for c, g in zip(strength, groups, strict=True))
    Q = np.linalg.inv(M + nu * identity)
    mean = Q @ sum(c * g["covariance"] @ g["teacher"] for c, g in zip(strength, groups, strict=True))

    # E = sum_h tau_h sources[h] + alpha sources[size], the second moment of the fluctuations before Q on either side
    sources = [
        g["rows"] * g["weight"] ** 2 / (1 + d) ** 2 * g["covariance"] for g, d in zip(groups, delta, strict=True)
    ] + [nu**2 / k * identity]
    spreads = [Q @ source @ Q for source in sources]

    # (tau, alpha) = constant + matrix (tau, alpha)
    matrix = np.zeros((size + 1, size + 1))
    constant = np.zeros(size + 1)
    for row, g in enumerate(groups):
        error = mean - g["teacher"]
        constant[row] = g["residual"] + error @ g["covariance"] @ error
        matrix[row] = [np.trace(g["covariance"] @ spread) for spread in spreads]
    constant[size] = mean @ mean
    matrix[size] = [np.trace(spread) for spread in spreads]
    matrix[size, size] = np.trace(M @ Q @ M @ Q) / k
    unknowns = np.linalg.solve(np.eye(size + 1) - matrix, constant)
    tau, alpha = unknowns[:size], unknowns[size]

    error = mean - population["teacher"]
    bias = error @ population["covariance"] @ error
    spread = sum(u * s for u, s in zip(unknowns, spreads, strict=True))
    return {
        "test": population["noise"] + bias + np.trace(population["covariance"] @ spread),
        "bias": bias,
        "tau": tau,
        "train": tau / (1 + delta) ** 2,
        "alpha": alpha,
        "delta": delta,
        "nu": nu,
    }


def objective(groups, k, ridge_lambda, population, h=0.0):
    """The scalar L(lambda, a, h) whose derivatives are the observables.

    dL/dh at 0 is the test risk, dL/dlambda the mean squared feature weights, dL/da_g (a_g the weight of group g) rows_g
    times its training error per row.
    """
    delta, nu = _equilibrium(groups, k, ridge_lambda, extra=h * population["covariance"])
    terms = [
        (g["rows"] * g["weight"] / (1 + d), g["covariance"], g["teacher"], g["residual"])
        for g, d in zip(groups, delta, strict=True)
    ] + [(h, population["covariance"], population["teacher"], population["noise"])]
    M = sum(c * covariance for c, covariance, _, _ in terms)
    w = np.linalg.solve(M + nu * np.eye(len(M)), sum(c * covariance @ teacher for c, covariance, teacher, _ in terms))
    fit = sum(c * ((w - teacher) @ covariance @ (w - teacher) + residual) for c, covariance, teacher, residual in terms)
    return fit + nu * (w @ w)


def slope(f, step):
    """Eighth-order central difference of f at 0."""
    weights = {1: 4 / 5, 2: -1 / 5, 3: 4 / 105, 4: -1 / 280}
    return sum(w * (f(j * step) - f(-j * step)) for j, w in weights.items()) / step


def _equilibrium(groups, k, ridge_lambda, extra=0.0):
    """delta (per group) and nu, followed from a large ridge (delta ~ 0, nu ~ lambda) down to the one asked for."""
    if ridge_lambda <= 0:
        raise ValueError(f"the dense reference needs ridge_lambda > 0, got {ridge_lambda}")
    traces = np.array([g["weight"] * np.trace(g["covariance"]) for g in groups])
    live = traces > 0
    identity = np.eye(len(groups[0]["covariance"]))

    def residual(logs, ridge):
        delta, nu = np.zeros(len(groups)), np.exp(logs[-1])
        delta[live] = np.exp(logs[:-1])
        M = extra + sum(g["rows"] * g["weight"] / (1 + d) * g["covariance"] for g, d in zip(groups, delta, strict=True))
        Q = np.linalg.inv(M + nu * identity)
        wanted = np.array([g["weight"] * np.vdot(g["covariance"], Q) for g in groups])  # traces of symmetric products
        return np.append(wanted[live] / delta[live] - 1, ridge / nu - 1 + np.vdot(M, Q) / k)

    scale = sum(g["rows"] * t for g, t in zip(groups, traces, strict=True))
    start = max(1e3 * scale, ridge_lambda)
    logs = np.log(np.append(traces[live] / start, start))
    steps = max(2, math.ceil(2 * math.log(start / ridge_lambda)))
    for ridge in np.geomspace(start, ridge_lambda, steps):
        found = root(residual, logs, args=(ridge,), method="hybr", options={"xtol": 1e-14})
        logs = found.x
    worst = np.max(np.abs(residual(logs, ridge_lambda)))
    if not worst < 1e-10:
        raise ArithmeticError(f"equilibrium not found: residual {worst:.1e}, {found.message}")
    delta = np.zeros(len(groups))
    delta[live] = np.exp(logs[:-1])
    return delta, float(np.exp(logs[-1]))
