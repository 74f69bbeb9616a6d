"""Derivatives of the risk, first and second order, against high-precision differences of the oracle."""

import math

import jax
import mpmath
import numpy as np
import pytest
from flint import arb, ctx

import rfgen as rg
from rfgen.theory.risk import risk
from tests.oracles.scalar import exact_risk

INDEX = np.arange(1.0, 61.0)
EIGENVALUES, POWER = INDEX**-1.5, INDEX**-1.3
SETTINGS = [
    ("kernel", 20.0, math.inf, 0.05),
    ("kernel-tiny-ridge", 20.0, math.inf, 1e-6),
    ("features", 20.0, 35.0, 0.05),
    ("few-features", 40.0, 12.0, 0.3),
    ("peak", 25.0, 25.0, 0.01),
    ("beyond-modes", 100.0, 80.0, 0.1),
]
ACCURACY = 1e-11


@pytest.mark.parametrize(("name", "n", "k", "ridge"), SETTINGS, ids=lambda v: v if isinstance(v, str) else "")
@pytest.mark.parametrize("argument", ["ridge", "n", "noise"])
def test_first_and_second(name, n, k, ridge, argument):
    base = {"n": n, "ridge": ridge, "noise": 0.25}
    step = mpmath.mpf(2) ** -70

    def exact(shift):
        # balls hold the shifted argument beyond double precision
        ctx.dps = 120
        moved = {**base, argument: arb(base[argument]) + arb(str(mpmath.nstr(shift, 60)))}
        value = exact_risk(EIGENVALUES, POWER, moved["noise"], moved["n"], k, moved["ridge"], digits=70)["test"]
        return mpmath.mpf(value)

    with mpmath.workdps(80):
        low, mid, high = exact(-step), exact(mpmath.mpf(0)), exact(step)
        first, second = float((high - low) / (2 * step)), float((high - 2 * mid + low) / step**2)
    task = rg.Task(EIGENVALUES, POWER)

    def test_risk(value):
        return risk(task.modes, **{"features": k, **base, argument: value}).test

    with jax.enable_x64(True):
        ours = float(jax.grad(test_risk)(base[argument]))
        ours_second = float(jax.jit(jax.grad(jax.grad(test_risk)))(base[argument]))
    assert ours == pytest.approx(first, rel=ACCURACY)
    assert ours_second == pytest.approx(second, rel=ACCURACY, abs=1e-13 * abs(first))
