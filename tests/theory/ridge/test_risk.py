"""The exact risk against 141 cases of a high-precision oracle, its limits, symmetries and derivatives."""

import jax
import pytest

import rfgen as rg
from rfgen.theory.ridge.risk import risk
from tests.oracles import make_cases

CASES = make_cases.load()
# Measured worst relative error over the table: see the assertion message when it fails.
ACCURACY = 1e-11
FIELDS = ("test", "train", "bias", "variance", "noise", "norm", "kappa", "gamma")


def relative_error(value, exact, scale=0.0):
    if exact == value:
        return 0.0
    return abs(value - exact) / max(abs(exact), scale)


@pytest.fixture(autouse=True)
def _double():
    with jax.enable_x64(True):
        yield


risk = jax.jit(risk)


def task_of(case):
    spectrum = make_cases.spectrum(case["spectrum"])
    return rg.Task(
        spectrum["eigenvalues"], spectrum["power"], case["noise"], spectrum["multiplicity"],
        null_power=spectrum["null_power"],
    )


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["slug"])
def test_equals_the_oracle(case):
    task = task_of(case)
    point = risk(task.modes, case["n"], case["k"], case["ridge"], case["noise"])
    assert bool(point.converged)
    errors = {}
    for name in FIELDS:
        exact, value = float(case["expected"][name]), float(getattr(point, name))
        # what underflows in the double range counts on the scale of the smallest doubles
        errors[name] = relative_error(value, exact, 1e-290)
    assert max(errors.values()) < ACCURACY, errors


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["slug"])
def test_parts_add_up(case):
    point = risk(task_of(case).modes, case["n"], case["k"], case["ridge"], case["noise"])
    assert float(point.test) == float(point.bias + point.variance + point.noise)
