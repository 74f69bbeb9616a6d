"""Compressed sums against the sums themselves, and infinite tails against zeta values and longer sums."""

import time

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rfgen.numerics.compression import compress, tail_quadrature

# The requirement; measured 6e-14 at worst over 3,000 random spectra.
ACCURACY = 1e-12
FUNCTIONS = {
    "df1": lambda x, g: x / (x + g),
    "df2": lambda x, g: (x / (x + g)) ** 2,
    "missed": lambda x, g: (g / (x + g)) ** 2,
    "spread": lambda x, g: x * g / (x + g) ** 2,
    "norm": lambda x, g: x / (x + g) / (x + g),
}


def relative_errors(eigenvalues, weights, gammas):
    nodes, node_weights, _ = compress(eigenvalues, weights)
    for gamma in gammas:
        for name, f in FUNCTIONS.items():
            exact = weights @ f(eigenvalues, gamma)
            yield name, gamma, np.max(np.abs(node_weights @ f(nodes, gamma) - exact) / (np.abs(exact) + 1e-300))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    modes=st.integers(1, 3000), decades=st.floats(0.0, 300.0), seed=st.integers(0, 2**32 - 1),
    shape=st.sampled_from(["random", "power", "clustered"]), log_gamma=st.floats(-20.0, 3.0),
)
def test_sums_are_kept(modes, decades, seed, shape, log_gamma):
    rng = np.random.default_rng(seed)
    if shape == "random":
        logs = -decades * rng.random(modes)
    elif shape == "power":
        logs = -decades * np.log1p(np.arange(modes)) / np.log(modes + 1)
    else:
        logs = -decades * np.round(rng.random(modes), 1)
    eigenvalues = 10.0 ** np.sort(logs)[::-1]
    weights = np.stack([np.ones(modes), rng.random(modes)])
    gamma = 10.0 ** (log_gamma if decades < 20 else -decades / 2 + log_gamma)
    for name, at, error in relative_errors(eigenvalues, weights, [gamma]):
        assert error < ACCURACY, (name, at)


@pytest.mark.parametrize("alpha", [1.01, 1.5, 4.0])
def test_a_million_modes(alpha):
    index = np.arange(1.0, 1e6 + 1)
    weights = np.stack([np.ones_like(index), index**-1.3])
    started = time.process_time()
    nodes, _, through = compress(index**-alpha, weights)
    assert time.process_time() - started < 2.0
    assert nodes.size < 700
    assert through[-1] == index.size
    for name, gamma, error in relative_errors(index**-alpha, weights, [1e-9, 1e-4, 1.0]):
        assert error < ACCURACY, (name, gamma)


def test_panels_count_their_modes():
    index = np.arange(1.0, 5001.0)
    _, weights, through = compress(index**-1.5, np.ones((1, 5000)))
    for end in np.unique(through):
        assert weights[0, through <= end].sum() == pytest.approx(end, rel=1e-13)


@pytest.mark.parametrize("exponent", [1.05, 1.5, 3.0])
def test_tail_sums_to_zeta(exponent):
    x, weight = tail_quadrature(lambda i: -exponent * np.log(i), 4096, 1e15)
    head = np.arange(1.0, 4097.0)
    total = np.sum(head**-exponent) + np.sum(weight * x**-exponent) + 1e15 ** (1 - exponent) / (exponent - 1)
    assert total == pytest.approx(float(mpmath.zeta(exponent)), rel=3e-15)


def test_tail_of_a_learnability_sum():
    # Euler-Maclaurin at 10^6 in 40 digits against the quadrature from 4096
    gamma, alpha = 1e-8, 1.5

    def f(i):
        return 1 / (1 + gamma * i**alpha)

    x, weight = tail_quadrature(lambda i: -alpha * np.log(i), 4096, 1e24)
    with mpmath.workdps(30):
        start = mpmath.mpf(10) ** 6
        exact = (
            mpmath.fsum(f(np.arange(4097.0, 1e6)))
            + mpmath.quad(f, [start * mpmath.mpf(4) ** j for j in range(30)] + [mpmath.mpf(10) ** 24])
            + f(start) / 2
            - mpmath.diff(f, start) / 12
        )
    assert np.sum(weight * f(x)) == pytest.approx(float(exact), rel=1e-12)
