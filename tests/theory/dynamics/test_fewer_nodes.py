"""Filters from fewer nodes are the filters: residuals on real eigenvalues, and what is left alone."""

import numpy as np
import pytest

from rfgen.numerics.quadrature.contours import scalar_error
from rfgen.theory.dynamics.fewer_nodes import fewer_nodes
from rfgen.theory.dynamics.spectral_filters import Filter, windows
from rfgen.theory.dynamics.trajectory import SIZES

EDGE = 3.0
STEPS = (1.0, 2.0, 5.0, 40.0)


@pytest.mark.parametrize(
    ("training", "clock"),
    [
        (Filter("schedule", 0.0, rate=0.3), (1.0, 7.0, 20.0, 60.0)), (Filter("descent", 0.02, rate=0.4), STEPS),
        (Filter("heavy ball", 0.0, rate=0.3, momentum=0.5), STEPS), (Filter("flow", 0.0), (2.0, 30.0, 1e3, 1e4)),
    ],
)
def test_residuals_are_the_same_from_fewer_nodes(training, clock):
    clock = np.array(clock)
    all_nodes = windows(training, clock, EDGE)
    (one,) = fewer_nodes(all_nodes, EDGE, SIZES)
    assert 2 * one.zeta.size**2 <= sum(each.zeta.size**2 for each in all_nodes)
    assert sum(one.paths) == one.zeta.size and sorted(one.index) == list(range(clock.size))
    at = np.geomspace(1e-9, EDGE, 500)
    assert np.max(scalar_error(one.filters, one.zeta, 1.0 - training.residual(clock[one.index], at), at)) < 1e-10


def test_what_would_not_be_cheaper_is_left_as_it_is():
    far_apart = windows(Filter("descent", 0.0, rate=0.4), np.array([1.0, 60.0]), EDGE)
    assert len(far_apart) == 2
    assert fewer_nodes(far_apart, EDGE, SIZES) == far_apart
    assert fewer_nodes([], EDGE, SIZES) == []
