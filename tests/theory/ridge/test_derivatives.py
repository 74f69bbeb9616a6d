"""Derivatives of the risk, first and second order, against high-precision differences of the oracle."""

import math

import jax
import mpmath
import numpy as np
import pytest
from flint import arb, ctx

import rfgen as rg
from rfgen.numerics.compilation.program import program
from rfgen.theory.ridge.risk import risk
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


def central(f, step):
    """First derivative at 0 from values on the positive side (ridge 0 is an end), fourth order."""
    return (-25 * f(0.0) + 48 * f(step) - 36 * f(2 * step) + 16 * f(3 * step) - 3 * f(4 * step)) / (12 * step)


@pytest.mark.parametrize(("n", "k"), [(200.0, math.inf), (200.0, 150.0), (30.0, math.inf), (30.0, 45.0)])
def test_at_ridge_zero(n, k):
    """n, features beyond the rank (everything learned) and below it."""
    task = rg.Task(EIGENVALUES, POWER, 0.25)
    with jax.enable_x64(True):
        for name in ("test", "train", "norm", "kappa", "gamma", "df1"):

            def value(ridge, name=name):
                return getattr(risk(task.modes, n, k, ridge, 0.25), name)

            slope = float(jax.grad(value)(0.0))
            assert slope == pytest.approx(float(central(program(value), 1e-5)), rel=1e-5, abs=1e-7), name


@pytest.mark.parametrize("features", [300.0, math.inf])
def test_infinite_spectra_have_all_derivatives(features):
    task = rg.Task.power_law(1.5, 1.5, 0.5)
    with jax.enable_x64(True):
        slopes = jax.grad(lambda a: risk(task.modes, *a).test)((256.0, features, 0.1, 0.5))
        assert all(math.isfinite(float(slope)) for slope in slopes)
        if math.isfinite(features):
            step = 1e-3
            up, down = (float(risk(task.modes, 256.0, features + s, 0.1, 0.5).test) for s in (step, -step))
            assert float(slopes[1]) == pytest.approx((up - down) / (2 * step), rel=1e-6)
        else:
            assert float(slopes[1]) == 0.0


# the kernel has no number of features to vary
PAIRS = [(s, a) for s in SETTINGS for a in ("ridge", "n", "noise", "features") if a != "features" or math.isfinite(s[2])]


@pytest.mark.parametrize(("setting", "argument"), PAIRS, ids=lambda v: v if isinstance(v, str) else v[0])
def test_first_and_second(setting, argument):
    _, n, k, ridge = setting
    base = {"n": n, "features": k, "ridge": ridge, "noise": 0.25}
    step = mpmath.mpf(2) ** -70

    def exact(shift):
        # balls hold the shifted argument beyond double precision
        ctx.dps = 120
        moved = {**base, argument: arb(base[argument]) + arb(str(mpmath.nstr(shift, 60)))}
        at = (moved["noise"], moved["n"], moved["features"], moved["ridge"])
        return mpmath.mpf(exact_risk(EIGENVALUES, POWER, *at, digits=70)["test"])

    with mpmath.workdps(80):
        low, mid, high = exact(-step), exact(mpmath.mpf(0)), exact(step)
        first, second = float((high - low) / (2 * step)), float((high - 2 * mid + low) / step**2)
    task = rg.Task(EIGENVALUES, POWER)

    def test_risk(value):
        return risk(task.modes, **{**base, argument: value}).test

    with jax.enable_x64(True):
        ours = float(jax.grad(test_risk)(base[argument]))
        ours_second = float(program(jax.grad(jax.grad(test_risk)))(base[argument]))
    assert ours == pytest.approx(first, rel=ACCURACY)
    assert ours_second == pytest.approx(second, rel=ACCURACY, abs=1e-13 * abs(first))
