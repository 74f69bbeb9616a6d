"""Interpolants of points on a line: least cost by duality and by linear programs, exact risks, extremes."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.optimize import linprog

import rfgen as rg
from rfgen.systems.univariate import (
    PiecewiseLinear,
    distance,
    linear_spline,
    min_norm_interpolant,
    noise_risks,
    spline_risk,
)
from rfgen.systems.univariate.piecewise_linear import least_cost, samples

# Measured worst over 3,000 random data sets: 1.2e-11, where -1/x of an end point a million away is a knot.
MOST_GAP = 1e-9
# A linear program over 700 candidate knots near the solution's; its own tolerance is 1e-7.
PROGRAM = 2e-6


def laws(random, n, kind):
    """Data sets that are hard in different ways."""
    x = random.normal(size=n) * 10 ** random.uniform(-4, 4)
    if kind == "near":
        x = np.cumsum(10 ** random.uniform(-12, 0, n))
    if kind == "wide":
        x = np.tan(random.uniform(-np.pi / 2, np.pi / 2, n))
    y = random.normal(size=n) * 10 ** random.uniform(-8, 8)
    if kind == "convex":
        x = random.normal(size=n) * 3
        y = np.cosh(x)
    if kind == "ties":
        y = random.integers(-1, 2, n).astype(float)
    if kind == "ramp":
        x, y = np.arange(float(n)), np.maximum(np.arange(float(n)) - n // 2, 0)
    return x, y


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.integers(0, 2**32 - 1), st.integers(1, 60), st.sampled_from(["noise", "near", "wide", "convex", "ties", "ramp"]))
def test_optimal_within_its_certificate(seed, n, kind):
    x, y = laws(np.random.default_rng(seed), n, kind)
    f, spline = min_norm_interpolant(x, y), linear_spline(x, y)
    assert 0.0 <= f.certificate_gap < MOST_GAP
    assert np.array_equal(f(x), y) and np.array_equal(spline(x), y)
    assert f.slopes.size == f.knots.size + 1 and (np.diff(f.knots) > 0).all()
    assert spline.cost * (1 - spline.certificate_gap) <= f.cost * (1 + MOST_GAP) <= spline.cost * (1 + 2 * MOST_GAP)
    check_cost(f)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.lists(st.tuples(st.integers(-9, 9), st.integers(-9, 9)), min_size=1, max_size=12, unique_by=lambda one: one[0]))
@example([(-9, 0), (9, 1), (-8, 5)])
@example([(-9, 0), (9, 1), (8, 5)])
def test_optimal_on_small_integers(points):
    x, y = (np.array(each, float) for each in zip(*points, strict=True))
    f = min_norm_interpolant(x, y)
    assert f.certificate_gap < 1e-12 and np.array_equal(f(x), y)
    check_cost(f)


def check_cost(f):
    """The record's cost is that of its knots and slopes."""
    mass = np.abs(np.diff(f.slopes))
    # slopes lose what the costs keep: their own rounding, of the largest slope
    lost = 1e-13 * np.abs(f.slopes).max() * np.sqrt(1 + f.knots**2).sum() if f.knots.size else 0.0
    assert abs(mass @ np.sqrt(1 + f.knots**2) - f.cost) <= 1e-9 * f.cost + lost


@pytest.mark.parametrize("seed", range(4))
def test_the_bound_holds_for_any_dual_point(seed):
    """Even nonsense, made feasible, is below the cost of every interpolant; eta is checked on a grid."""
    random = np.random.default_rng(seed)
    x, y = laws(random, 12, ["noise", "wide", "convex", "ties"][seed])
    data, f = samples(x, y), min_norm_interpolant(x, y)
    for _ in range(50):
        psi = random.uniform(0, np.pi, data.x.size) * random.uniform()
        assert least_cost(data, psi) <= f.cost * (1 + 1e-12)


def program(x, y):
    """Least cost over knots on a grid, refined once around those it uses; the solution's own knots are not given."""
    centre = np.tan(np.linspace(*np.arctan([x.min(), x.max()]), 401))[1:-1]
    for _ in range(2):
        knots = np.union1d(centre, x[1:-1])
        weight = np.sqrt(1 + knots**2)
        ramps = np.maximum(x[:, None] - knots, 0) / weight
        lines = np.stack([np.ones_like(x), x], axis=1)
        design = np.concatenate([ramps, -ramps, lines, -lines], axis=1)
        price = np.concatenate([np.ones(2 * knots.size), np.zeros(4)])
        found = linprog(price, A_eq=design, b_eq=y, method="highs")
        assert found.status == 0
        used = knots[np.abs(found.x[: knots.size] - found.x[knots.size : 2 * knots.size]) > 1e-7]
        step = np.diff(centre).max()
        centre = np.union1d(x[1:-1], (used[:, None] + np.linspace(-1.5, 1.5, 61) * step).ravel())
        centre = centre[(centre > x.min()) & (centre < x.max())]
    return found.fun


@pytest.mark.parametrize("kind", ["noise", "convex", "wide", "end", "runs"])
def test_equal_to_a_linear_program(kind):
    random = np.random.default_rng(5)
    x, y = np.sort(random.uniform(0.2, 3, 14)), random.normal(size=14)
    if kind == "convex":
        y = np.exp(x) + 0.2 * x
    if kind == "wide":
        x = np.linspace(-2, 2, 14)
    if kind == "end":
        x = np.concatenate([[-4.0], np.linspace(1.0, 2.0, 6)])
        y = x**2 * (1.0 + 0.1 * random.uniform(size=7))
    if kind == "runs":
        y = np.where(x < 1.6, 1.0, -1.0) * (x - 1.6) ** 2
    f = min_norm_interpolant(x, y)
    least = program(x, y)
    assert f.cost <= least * (1 + 1e-7) and least <= f.cost * (1 + PROGRAM), least / f.cost - 1
    if kind == "end":
        assert f.knots[0] == pytest.approx(0.25, rel=1e-12), "-1/x of the end point"


@pytest.mark.parametrize("scale", [1e-150, 1e-3, 7.0, 1e150])
def test_outputs_scale(scale):
    random = np.random.default_rng(1)
    x, y = random.uniform(size=50), random.normal(size=50)
    f, g = min_norm_interpolant(x, y), min_norm_interpolant(x, scale * y)
    np.testing.assert_allclose(g.knots, f.knots, rtol=1e-9)
    np.testing.assert_allclose(g.slopes, scale * f.slopes, rtol=1e-9)
    assert g.cost == pytest.approx(scale * f.cost, rel=1e-12)


def test_reflection_and_added_lines_change_nothing():
    random = np.random.default_rng(2)
    x, y = random.normal(size=40), random.normal(size=40)
    f = min_norm_interpolant(x, y)
    for other, back in ((min_norm_interpolant(-x, y), -1.0), (min_norm_interpolant(x, 3.0 - y), 1.0)):
        np.testing.assert_allclose(np.sort(back * other.knots), f.knots, rtol=1e-9, atol=1e-12)
        assert other.cost == pytest.approx(f.cost, rel=1e-12)
    assert min_norm_interpolant(x, y + 5 * x - 1).cost == pytest.approx(f.cost, rel=1e-9)


def test_few_points_and_lines():
    one, two = min_norm_interpolant([2.0], [3.0]), min_norm_interpolant([1.0, 0.0], [2.0, 0.0])
    assert one([0.0, 9.0]).tolist() == [3.0, 3.0] and two([-1.0, 3.0]).tolist() == [-2.0, 6.0]
    three = min_norm_interpolant([1.0, 2.0, 4.0], [0.0, 0.0, 2.0])
    assert three.knots.tolist() == [2.0] and three.cost == pytest.approx(5**0.5)
    line = min_norm_interpolant(np.arange(9.0), 2 * np.arange(9.0) - 7)
    for f in (one, two, line):
        assert f.knots.size == 0 and f.cost == 0.0 and f.certificate_gap == 0.0
    twice = min_norm_interpolant([1.0, 0.0, 1.0, 2.0], [1.0, 0.0, 1.0, 4.0])
    assert twice.nodes.size == 3
    # a line meets the middle of a bent run
    tied = min_norm_interpolant([1, 2, 3, 4, 5], [1.0, 0.0, 0.0, 0.0, 1.0])
    assert tied.knots.tolist() == [2.0, 4.0] and tied.certificate_gap < 1e-14


def test_kinks_too_near_for_doubles_become_one():
    x = np.array([0.0, 1.0, np.nextafter(1.0, 2.0), np.nextafter(np.nextafter(1.0, 2.0), 2.0), 2.0])
    f = min_norm_interpolant(x, [0.0, 1.0, 2.0, 4.0, 9e16])
    assert (np.diff(f.knots) > 0).all() and f.certificate_gap < 1e-12


@pytest.mark.parametrize("kind", ["noise", "convex"])
def test_many_points(kind):
    random = np.random.default_rng(3)
    x = np.sort(random.uniform(size=20_000))
    f = min_norm_interpolant(x, random.normal(size=20_000) if kind == "noise" else x**2)
    assert f.certificate_gap < 1e-12


def test_two_points_merge_at_their_barycentre():
    x, y = np.array([1.0, 2.0, 4.0, 5.0]), np.array([0.0, 0.0, 1.0, 3.0])
    f = min_norm_interpolant(x, y)
    bends = np.array([0.5, 1.5])
    assert f.knots == pytest.approx([bends @ [2.0, 4.0] / 2.0]) and f.slopes.tolist() == [0.0, 2.0]


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        ([0.0, 0.0], [1.0, 2.0], "x must not repeat with different y, got y = 1.0 and 2.0 at x = 0.0"),
        ([0.0, np.nan], [1.0, 2.0], "x must be finite"),
        ([0.0, 1.0], [1.0, np.inf], "y must be finite"),
        ([0.0, 1.0], [1.0], "y must have one entry per entry of x"),
        ([], [], "x must hold at least one number"),
        ([0.0, 5e-324], [0.0, 1.0], "x and y must have finite slopes"),
        ([-1e308, 1e308], [0.0, 1.0], "x and y must have finite slopes"),
    ],
)
@pytest.mark.parametrize("interpolant", [min_norm_interpolant, linear_spline])
def test_bad_data(interpolant, x, y, message):
    with pytest.raises(ValueError, match=message):
        interpolant(x, y)


@pytest.mark.parametrize("p", [0.5, 1.0, 1.5, 2.0, 3.7])
def test_distance_is_the_integral(p):
    random = np.random.default_rng(4)
    x, y = np.sort(random.uniform(size=8)), random.normal(size=8)
    f = min_norm_interpolant(x, y)
    g = PiecewiseLinear(*map(np.array, ([0.5], [1.0, -2.0], [0.0, 0.5, 1.0], [-0.2, 0.3, -0.7])), 0.0, 0.0)
    for other in (None, g):
        parts = []
        for a, b in itertools.pairwise(np.union1d(f.nodes, [0.5] if other else [])):
            d0, d1 = (float(f(z) - (other(z) if other else 0.0)) for z in (a, b))
            zero = [d0 / (d0 - d1)] if d0 * d1 < 0 else []
            for low, high in itertools.pairwise([0.0, *zero, 1.0]):
                found = quad(lambda u, d0=d0, d1=d1: abs((1 - u) * d0 + u * d1) ** p, low, high, epsabs=1e-13)[0]
                parts.append((b - a) * found)
        assert distance(f, other, p) == pytest.approx(math.fsum(parts), rel=1e-8)
    flat = linear_spline([0.0, 1.0, 2.0], [2.0, 2.0, 2.0 + 1e-14])
    assert distance(flat, None, p) == pytest.approx(2 * 2**p, rel=1e-12)
    assert distance(f, f, p) == 0.0


def test_spline_risk_is_closed_for_even_powers():
    assert spline_risk(2.0, 3.0) == pytest.approx(2.0, rel=1e-14)
    assert spline_risk(2.0, 3.0, fresh=True) == pytest.approx(5.0, rel=1e-14)
    np.testing.assert_allclose(spline_risk([1.0, 1.5]), [0.6476, 0.6317], atol=5e-5)
    np.testing.assert_allclose(spline_risk([1.0, 1.5], fresh=True), [1.0291, 1.2606], atol=5e-5)


def test_risks_of_pure_noise():
    """L1 tends to a constant, L2 grows as (2/pi) log n; the spline's are exact."""
    draws, sizes = 300, [200, 2000]
    half = 3.5 * 0.5 / draws**0.5  # of the rank of a median, in standard errors
    risks = noise_risks(sizes, [1.0, 2.0], trials=draws, quantiles=[0.5 - half, 0.5 + half])
    low, high = risks.min_norm.values[..., 0], risks.min_norm.values[..., 1]
    first, second = np.array([0.985, 1.021]), 2 / np.pi * np.log(sizes) - np.array([0.89, 0.95])
    expected = np.stack([first, second], axis=1)  # the same sizes, other code
    assert ((low < expected) & (expected < high)).all(), (low, expected, high)
    assert high[0, 1] < low[1, 1]
    spline = risks.spline.values[1]
    # medians of means over 2000 intervals: within 0.01 of the mean
    assert (spline[:, 0] - 0.01 < spline_risk([1.0, 2.0])).all() and (spline_risk([1.0, 2.0]) < spline[:, 1] + 0.01).all()
    assert float(risks.largest_gap) < 1e-12


def test_mean_risks_at_p_1():
    draws, n = 150, 2000
    random, found = np.random.default_rng(6), []
    for _ in range(draws):
        x, y = random.uniform(size=n), random.normal(size=n)
        found.append([distance(min_norm_interpolant(x, y)), distance(linear_spline(x, y))])
    mean, error = np.mean(found, axis=0), np.std(found, axis=0, ddof=1) / draws**0.5
    # 1.035 is itself known to 0.004; the missing ends cost 2/n
    z = (mean - [1.035, spline_risk(1.0)]) / np.hypot(error, [0.004, spline_risk(1.0) / n])
    assert (np.abs(z) < 4).all(), z


def test_risks_depend_on_seed_and_noise():
    first, again, other, loud = (
        noise_risks(30, 2.0, noise=noise, trials=5, seed=seed).min_norm.values
        for noise, seed in ((1.0, 0), (1.0, 0), (1.0, 1), (4.0, 0))
    )
    assert (first == again).all() and not (first == other).any()
    np.testing.assert_allclose(loud, 4 * first, rtol=1e-12)
    assert first.shape == (3,)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n": 1}, "n must be whole numbers >= 2"), ({"n": 2.5}, "n must be whole numbers >= 2"),
        ({"p": 0.0}, "p must be > 0"), ({"noise": -1.0}, "noise must be >= 0"), ({"trials": 0}, "trials must be"),
        ({"quantiles": [1.5]}, r"quantiles must lie in \[0, 1\]"), ({"seed": -1}, "seed must be"),
    ],
)
def test_bad_settings(change, message):
    with pytest.raises(ValueError, match=message):
        noise_risks(**{"n": 10, **change})


def test_bad_functions():
    f = linear_spline([0.0, 1.0], [0.0, 1.0])
    with pytest.raises(ValueError, match="f must be a PiecewiseLinear, got function"):
        distance(lambda x: x)
    with pytest.raises(ValueError, match="g must be a PiecewiseLinear, got float"):
        distance(f, 0.0)
    with pytest.raises(ValueError, match="p must be > 0"):
        distance(f, None, 0.0)
    assert repr(f).startswith("PiecewiseLinear(0 knots")


def test_distance_needs_data_of_both():
    near, far = rg.univariate.linear_spline([0, 1], [0, 0]), rg.univariate.linear_spline([9, 10], [0, 1])
    with pytest.raises(ValueError, match=r"g must have data on all of \[0, 1\]"):
        rg.univariate.distance(near, far)
    with pytest.raises(ValueError, match="p must be at most 100"):
        rg.univariate.spline_risk(1000.0)
    with pytest.raises(ValueError, match="x must have no masked entries"):
        rg.univariate.linear_spline(np.ma.masked_array([0.0, 1.0], [0, 1]), [0, 1])
