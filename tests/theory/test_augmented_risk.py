"""Exact risk on augmented data: against plain regression, a loop over patterns, its limits, derivatives and representations."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import rfgen as rg
from rfgen.equivalents.blocks import Blocks
from rfgen.equivalents.operators import DenseOperators
from rfgen.equivalents.targets import ModeTarget, VectorTarget
from rfgen.problems.view_moments import view_moments
from rfgen.theory.augmented_features import MomentForm
from rfgen.theory.augmented_problem import pose
from rfgen.theory.augmented_risk import AugmentedProblem, augmented_modes, augmented_risk
from rfgen.theory.risk import risk
from tests.oracles import make_cases
from tests.oracles.patterns import linear_patterns, pattern_risk
from tests.theory.test_risk import task_of

INF = math.inf
EIGENVALUES, POWER = (np.arange(1.0, 41.0) ** -exponent for exponent in (1.3, 1.1))
NOISE = 0.4
TASK = rg.Task(EIGENVALUES, POWER, NOISE)
# n, features, ridge
POINTS = [(25.0, INF, 0.05), (25.0, 15.0, 0.05), (25.0, 60.0, 1e-3), (90.0, 50.0, 0.5), (90.0, INF, 1e-6)]
FIELDS = ("test", "train", "bias", "variance", "noise", "norm", "amplification", "df1")
plain, ours = jax.jit(risk), jax.jit(augmented_risk)
CASES = make_cases.load()


@pytest.fixture(autouse=True)
def _double():
    with jax.enable_x64(True):
        yield


def scalars(point, fields=FIELDS):
    return {name: float(getattr(point, name)) for name in fields}


def at(augmentation, point, form=None, test_views=None, task=TASK, fields=FIELDS):
    return scalars(ours(augmented_modes(task, augmentation, form, test_views)[0], *point, NOISE), fields)


def relative(value, exact):
    return 0.0 if value == exact else abs(value - exact) / max(abs(value), abs(exact))


def apart(left, right, fields=None):
    errors = [relative(left[name], right[name]) for name in fields or left]
    return INF if np.isnan(errors).any() else max(errors)


# Where the engine and plain regression part, and why.
OUTSIDE = {
    "nu^2 overflows: NaN": "1e+300 large-eigenvalues tiny-eigenvalues",
    "ridges below 1e-40 of the trace count as 0": "peak-ridge-1e-300 all-equal-tiny all-equal-silent-tiny "
    "features-equal-modes-tiny decades-kernel-ridge-0 decades-kernel-ridge-1e-300 decades-wide-ridge-0 decades-wide-ridge-1e-300 "
    "decades-narrow decades-peak decades-samples steep",
    "rounding at an interpolation peak": "peak-ridge-1e-30 peak-silent peak-non-integer isotropic-peak-ridge modes-tiny-ridge-silent "
    "modes-wide-tiny",
    "ridge 0 at a peak: variance inf where it is finite, df1 0": "peak-zero-target modes-ridgeless modes-wide-ridgeless "
    "all-equal-ridgeless all-equal-silent-ridgeless rank one-mode-one-sample-ridgeless power-silent",
}
