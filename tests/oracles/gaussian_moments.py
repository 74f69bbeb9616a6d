"""Second moments of random features of Gaussian inputs, in closed form or by a one-dimensional Hermite series.

Features activation(W x) / sqrt(p) for x ~ N(0, S), no biases; views x + e with e ~ N(0, noise) give pre-activations of
covariance W (S + noise) W', two views of one x of cross-covariance W S W'.  In plain numpy, nothing of the package.
"""

import math

import numpy as np
from scipy import special, stats

__all__ = ["ACTIVATIONS", "expected_features", "pair_moments", "view_moments"]

ACTIVATIONS = {"erf": special.erf, "relu": lambda u: np.maximum(u, 0.0), "tanh": np.tanh}
# Terms of the Hermite series: tanh at variance 2 converges to 1e-9.  Its coefficients by the trapezoidal rule.
TERMS, NODES, REACH = 150, 4001, 14.0


def pair_moments(activation, first, second, covariance):
    """E[activation(u_i) activation(v_j)], (p, r), for Gaussian u_i, v_j of variances `first` (p,), `second` (r,).

    erf: arc-sine (Williams 1997); relu: arc-cosine (Cho and Saul 2009); else sum_m c_m(first_i) c_m(second_j) r_ij^m.
    """
    if activation == "erf":
        return 2 / np.pi * np.arcsin(2 * covariance / np.sqrt(np.outer(1 + 2 * first, 1 + 2 * second)))
    scale = np.sqrt(np.outer(first, second))
    correlation = np.clip(covariance / scale, -1.0, 1.0)
    if activation == "relu":
        angle = np.arccos(correlation)
        return scale / (2 * np.pi) * (np.sin(angle) + (np.pi - angle) * correlation)
    one, two = (_hermite(ACTIVATIONS[activation], variance) for variance in (first, second))
    return sum(np.outer(a, b) * correlation**m for m, (a, b) in enumerate(zip(one, two, strict=True)))


def view_moments(activation, weights, inputs, noise, teacher):
    """Sigma_mu and C (p, p), and E[features teacher.x] (p,), of views x + e; `weights` (p, d)."""
    p = len(weights)
    clean, seen = weights @ inputs @ weights.T, weights @ (inputs + noise) @ weights.T
    own = np.diag(seen)
    between, second = (pair_moments(activation, own, own, covariance) / p for covariance in (clean, seen))
    # E[f(u) x] = E[f'(u)] Cov(x, u), and E[f'(u)] is the slope of E[f(u) v] in Cov(u, v)
    slope = {"erf": 2 / np.sqrt(np.pi * (1 + 2 * own)), "relu": np.full(p, 0.5)}.get(activation)
    slope = _hermite(ACTIVATIONS[activation], own)[1] / np.sqrt(own) if slope is None else slope
    return between, second - between, slope * (weights @ inputs @ teacher) / math.sqrt(p)


def expected_features(activation, weights, inputs, noise):
    """E[features of the view x + e | x], (N, p), of `inputs` (N, d)."""
    mean, variance = inputs @ weights.T, np.diag(weights @ noise @ weights.T)
    if activation == "erf":
        return special.erf(mean / np.sqrt(1 + 2 * variance)) / math.sqrt(len(weights))
    if activation == "relu":
        root = np.sqrt(variance)
        return (mean * stats.norm.cdf(mean / root) + root * stats.norm.pdf(mean / root)) / math.sqrt(len(weights))
    raise ValueError(f"no closed form for {activation}")


def _hermite(function, variance):
    """c_m = E[function(sqrt(variance) z) He_m(z)] / sqrt(m!), (TERMS, p)."""
    z = np.linspace(-REACH, REACH, NODES)
    values = function(np.sqrt(variance)[:, None] * z) * stats.norm.pdf(z) * (z[1] - z[0])
    before, now, found = np.zeros_like(z), np.ones_like(z), []
    for m in range(TERMS):
        found.append(values @ now)
        before, now = now, (z * now - math.sqrt(m) * before) / math.sqrt(m + 1)
    return np.array(found)
