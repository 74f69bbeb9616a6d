"""Classifiers trained under attack: fits by scipy against the exact curves, in standard errors."""

import jax
import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import expit
from scipy.stats import norm

import rfgen as rg
from rfgen.theory.classification.adversarial import linf_training
from rfgen.theory.classification.margin import margin_classifier
from rfgen.theory.classification.weight_law import adversarial_error

# Standard errors between measurement and theory, over 24 draws.
FAR = 4.0
TRIALS, N, DIM = 24, 500, 200


def mixture():
    values = np.arange(1, DIM + 1) ** -0.6
    drawn = np.random.default_rng(0).standard_normal(DIM)
    return rg.Mixture(1.7 * drawn / np.linalg.norm(drawn), values / values.mean(), flip=0.05)


def fit(signed, ridge, radius, attack):
    """min over w of sum_i log(1 + exp(-(signed_i.w - radius |w|))) + ridge/2 |w|^2; |w|_1 by its two parts."""

    def euclidean(w):
        length = np.sqrt(w @ w)
        margins = signed @ w - radius * length
        force = expit(-margins)
        gradient = -signed.T @ force + radius * force.sum() * w / length + ridge * w
        return np.logaddexp(0.0, -margins).sum() + 0.5 * ridge * w @ w, gradient

    def coordinates(parts):
        w = parts[:DIM] - parts[DIM:]
        margins = signed @ w - radius * parts.sum()
        force = expit(-margins)
        slope = -signed.T @ force + ridge * w
        penalty = radius * force.sum()
        return np.logaddexp(0.0, -margins).sum() + 0.5 * ridge * w @ w, np.append(slope + penalty, penalty - slope)

    options = {"maxiter": 5000, "maxfun": 10000, "ftol": 1e-13, "gtol": 1e-7}
    start = signed.mean(axis=0)
    if attack == "l2":
        return minimize(euclidean, start, jac=True, method="L-BFGS-B", options=options).x
    parts = np.append(np.maximum(start, 0.0), np.maximum(-start, 0.0))
    found = minimize(coordinates, parts, jac=True, method="L-BFGS-B", bounds=[(0, None)] * (2 * DIM), options=options).x
    return found[:DIM] - found[DIM:]


@pytest.mark.parametrize(("attack", "ridge", "radius"), [("l2", 1.0, 0.5), ("linf", 1.0, 0.06)])
def test_training_under_attack(attack, ridge, radius):
    each, random = mixture(), np.random.default_rng(1)
    groups = each.groups(N)
    with jax.enable_x64(True):
        if attack == "l2":
            found = margin_classifier(groups.moments, "logistic", ridge, radius=radius)
            of_groups = groups.means, groups.variances, groups.classes
            robust = adversarial_error(found, *of_groups, radius, "l2")[0]
        else:
            found = linf_training(groups, "logistic", ridge, radius)
            robust = found.robust_error[0]
        expected = np.array([found.error[0], robust, found.norm])
        assert found.converged
    measured = []
    for _ in range(TRIALS):
        classes = random.choice([-1.0, 1.0], N)
        rows = classes[:, None] * each.mean + np.sqrt(each.covariance) * random.standard_normal((N, DIM))
        labels = classes * np.where(random.random(N) < each.flip, -1.0, 1.0)
        w = fit(labels[:, None] * rows, ridge, radius, attack)
        deviation = np.sqrt(w @ (each.covariance * w))
        dual = np.linalg.norm(w) if attack == "l2" else np.abs(w).sum()
        errors = norm.cdf(np.array([-w @ each.mean, radius * dual - w @ each.mean]) / deviation)
        measured.append([*errors, w @ w])
    z = (np.mean(measured, axis=0) - expected) / (np.std(measured, axis=0, ddof=1) / np.sqrt(TRIALS))
    assert np.abs(z).max() <= FAR, z
