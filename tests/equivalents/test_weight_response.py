"""The weights' answer to forces against one large draw of rows and features."""

import jax
import numpy as np
import pytest

from rfgen.equivalents.margin.weight_response import weight_response

DIM, DRAWS = 300, 8


@pytest.mark.parametrize(("features", "held"), [(200, 0.0), (200, 3.0), (450, 3.0)])
def test_of_features_under_a_ridge_on_the_inputs(features, held):
    """a = (F (C + h) F' + ridge)^-1 F (push + noise), w = F'a: within 4 standard errors, and 1 % of finite size."""
    random = np.random.default_rng(1)
    variances, direction = np.arange(1.0, DIM + 1.0) ** -0.5, random.normal(size=DIM) / DIM**0.5
    slope, power, pull, ridge = 40.0, 30.0, 20.0, 2.0
    given = variances[None], np.ones(DIM), (direction**2)[None, None], np.array([slope]), np.array([power])
    with jax.enable_x64(True):
        found = jax.jit(weight_response)(*given, np.array([pull]), ridge, features, held)
    drawn = []
    for _ in range(DRAWS):
        mixed = random.normal(size=(features, DIM)) / features**0.5
        matrix = mixed * (slope * variances + held) @ mixed.T + ridge * np.eye(features)
        a = np.linalg.solve(matrix, mixed)
        fit, inputs = a @ np.diag(np.sqrt(power * variances)), mixed.T @ a
        pushed, response = a @ (pull * direction), inputs * np.sqrt(power * variances)
        w = inputs @ (pull * direction)
        drawn.append((
            variances @ np.diag(inputs), variances @ w**2 + variances @ (response**2).sum(axis=1), direction @ w,
            pushed @ pushed + (fit**2).sum(), w @ w + (response**2).sum(),
        ))
    mean, error = np.mean(drawn, axis=0), np.std(drawn, axis=0) / DRAWS**0.5
    told = found.gamma[0], found.spread[0], found.along[0], found.norm, found.of_inputs
    assert (np.abs(told - mean) < 4.0 * error + 0.01 * mean).all()
    assert features < DIM or float(found.of_inputs) < float(found.norm)
