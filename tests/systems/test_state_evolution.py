"""State evolution against quadrature in scipy and mpmath, against the ridge engine, at its limits and extremes."""

from types import SimpleNamespace

import jax
import jax.numpy as jnp
import mpmath
import numpy as np
import pytest
from scipy.stats import norm

import rfgen as rg
from rfgen.numerics.compilation.program import program
from rfgen.systems.sparse.problem import SparseRegression
from rfgen.systems.sparse.proximal_maps import HyperbolicEntropy, Shrinkage, SoftThreshold
from rfgen.systems.sparse.state_evolution import state_evolution
from rfgen.theory.ridge.risk import risk

EIGHT = SparseRegression.equal(400, 8, noise=0.25)
ONE = SparseRegression.equal(200, 1)
# Residual of the two equations by quadrature in numpy; measured at most 6e-12.
ORACLE = 1e-9
solve = jax.jit(state_evolution)


def entropy(init, linear=0.0):
    return HyperbolicEntropy(jnp.asarray(init, jnp.float64), jnp.asarray(linear, jnp.float64))


def at(proximal, task, n, penalty=0.0):
    given = (task.coefficients, task.multiplicity, task.noise, n, penalty)
    with jax.enable_x64(True):
        if isinstance(proximal, tuple):
            proximal = entropy(*proximal)
        found = solve(proximal, *(jnp.asarray(each, jnp.float64) for each in given))
        return SimpleNamespace(**{name: np.asarray(value) for name, value in vars(found).items()})


def mapped(proximal, b, theta):
    """The proximal map and its slope; the dual of the entropy by bisection."""
    if isinstance(proximal, SoftThreshold):
        return np.sign(b) * np.maximum(np.abs(b) - theta, 0.0), (np.abs(b) > theta).astype(float)
    a, straight = proximal[0] ** 2, proximal[1] ** 2
    low, high = np.zeros_like(b), np.arcsinh(np.abs(b) / (2 * a)) / 4
    for _ in range(70):
        s = 0.5 * (low + high)
        short = 2 * a * np.sinh(4 * s) + (straight + theta) * s < np.abs(b)
        low, high = np.where(short, s, low), np.where(short, high, s)
    slope = 8 * a * np.cosh(4 * s) + straight
    return np.sign(b) * (2 * a * np.sinh(4 * s) + straight * s), slope / (slope + theta)


@pytest.mark.parametrize(
    ("proximal", "task", "n", "penalty"),
    [
        (SoftThreshold(), EIGHT, 160, 0.0),
        (SoftThreshold(), EIGHT, 600, 8.0),
        (SoftThreshold(), SparseRegression([2.0, 0.5, 0.0], 0.1, [3, 5, 92]), 30, 0.0),
        ((0.01, 0.0), EIGHT, 160, 0.0),
        ((1e-3, 0.1), EIGHT, 280, 0.0),
        ((1e-8, 0.0), EIGHT, 80, 0.0),
        ((1.0, 2.0), EIGHT, 390, 0.0),
    ],
)
def test_both_equations_hold_by_dense_quadrature(proximal, task, n, penalty):
    found = at(proximal, task, n, penalty)
    tau, theta = float(found.tau), float(found.theta)
    nodes, weights = np.polynomial.legendre.leggauss(20)
    error = active = 0.0
    for beta, count in zip(task.coefficients, task.multiplicity, strict=True):
        kinks = np.clip(np.array([theta - beta, -theta - beta]) / tau, -9, 9)
        edges = np.sort(np.append(np.linspace(-9, 9, 600), kinks))
        half, center = 0.5 * np.diff(edges)[:, None], 0.5 * (edges[1:] + edges[:-1])[:, None]
        z, weight = (center + half * nodes).ravel(), (half * weights).ravel()
        x, slope = mapped(proximal, beta + tau * z, theta)
        mass = count * weight * norm.pdf(z)
        error, active = error + mass @ (x - beta) ** 2, active + mass @ slope
    np.testing.assert_allclose(n * tau**2, task.noise + error, rtol=ORACLE)
    np.testing.assert_allclose(n, active + penalty / theta, rtol=ORACLE)
    np.testing.assert_allclose([found.excess, found.active], [error, active], rtol=ORACLE)
    assert found.converged and found.residual < 1e-10


@pytest.mark.parametrize(("beta", "tau", "theta", "init"), [(1.0, 0.1, 0.05, 0.1), (0.0, 0.06, 0.005, 1e-10)])
def test_means_of_the_entropy_in_high_precision(beta, tau, theta, init):
    with mpmath.workdps(30):

        def h(s):
            return 2 * mpmath.mpf(init) ** 2 * mpmath.sinh(4 * s)

        def mass(s):
            slope = 8 * mpmath.mpf(init) ** 2 * mpmath.cosh(4 * s) + theta
            return mpmath.npdf((h(s) + theta * s - beta) / tau) / tau * slope

        ends = [float(s) for s in np.linspace(-13, 13, 261)]
        exact = mpmath.quad(lambda s: mass(s) * (h(s) - beta) ** 2, ends)
    with jax.enable_x64(True):
        found = entropy(init).means(beta, jnp.array(tau), jnp.array(theta))
    np.testing.assert_allclose(found.error, float(exact), rtol=1e-12)


@pytest.mark.parametrize(("n", "ridge"), [(80, 0.0), (280, 0.0), (500, 0.0), (80, 30.0), (400, 1e-2), (1000, 1e4)])
def test_shrinkage_is_the_ridge_engine(n, ridge):
    with jax.enable_x64(True):
        exact = risk(rg.Task.isotropic(400, signal=8.0).modes, n, ridge=ridge, noise=0.25)
    found = at(Shrinkage(), EIGHT, n, ridge)
    for name in ("test", "train", "norm"):
        np.testing.assert_allclose(getattr(found, name), getattr(exact, name), rtol=1e-10, atol=1e-14)
    np.testing.assert_allclose(found.active, exact.df1, rtol=1e-10)


def test_limits_of_init_and_linear():
    for n in (80, 280):
        least, round_ = (at(each, EIGHT, n) for each in (SoftThreshold(), Shrinkage()))
        # towards l1 only by the logarithm of init
        away = [abs(at((init, 0.0), EIGHT, n).test / least.test - 1) for init in (1e-10, 1e-30, 1e-100)]
        assert away[0] > away[1] > away[2] and away[2] < 0.005
        for large in ((1e4, 0.0), (1e100, 0.0), (1e-3, 1e4), (1e-100, 1e100)):
            np.testing.assert_allclose(at(large, EIGHT, n).test, round_.test, rtol=1e-7)
        for proximal in (SoftThreshold(), Shrinkage()):
            weak = at(proximal, EIGHT, n, 1e-300).test
            np.testing.assert_allclose(weak, at(proximal, EIGHT, n).test, rtol=1e-13)
            np.testing.assert_allclose(at(proximal, EIGHT, n, 1e300).test, 8.25, rtol=1e-9)


def test_as_many_samples_as_coefficients_is_least_squares():
    for proximal in (SoftThreshold(), Shrinkage(), (0.1, 0.0)):
        found = at(proximal, EIGHT, 500)
        np.testing.assert_allclose([found.excess, found.train], [0.25 * 400 / 100, 0.05], rtol=1e-14)
        square = at(proximal, EIGHT, 400)
        assert square.test == np.inf and square.converged
        assert at(proximal, ONE, 200).test == 0.0
        # towards the divergence: noise dim / (dim - n)
        np.testing.assert_allclose(at(proximal, EIGHT, 399.9).test, 0.25 * 400 / 0.1, rtol=2e-4)
        assert not at(proximal, EIGHT, 400 * (1 - 1e-12)).converged
    np.testing.assert_allclose(at(SoftThreshold(), EIGHT, 500, 1e-9).test, 1.25, rtol=1e-8)


def test_exact_recovery_begins_at_the_phase_transition():
    task = SparseRegression.equal(200, 20)
    # least number of samples: min over a of s (1 + a^2) + (d - s) E soft(Z; a)^2
    a = np.linspace(0.0, 5.0, 50_001)
    threshold = np.min(20 * (1 + a * a) + 180 * 2 * ((1 + a * a) * norm.sf(a) - a * norm.pdf(a)))
    below, near, above = (at(SoftThreshold(), task, threshold * factor) for factor in (0.9, 0.999, 1.005))
    # the risk falls to 0 continuously, but steeply: no tail of the Gaussian knows of tau much below the coefficients
    assert 0 < near.excess < 0.7 * below.excess and below.converged and near.converged
    assert above.excess == 0.0 and above.active == 20 and above.norm == 20 and above.converged
    # the noise of a recovered signal is amplified, not more
    faint = at(SoftThreshold(), SparseRegression.equal(200, 20, noise=1e-20), 1.2 * threshold)
    assert 1e-20 < faint.test < 1e-18 and faint.converged
    assert at((1e-6, 0.0), task, 1.2 * threshold).test < at((1e-4, 0.0), task, 1.2 * threshold).test


@pytest.mark.parametrize("proximal", [SoftThreshold(), Shrinkage(), (0.01, 0.0)], ids=("l1", "l2", "entropy"))
def test_extremes(proximal):
    nothing = SparseRegression([0.0], 0.25, [50])
    found = at(proximal, nothing, 20)
    assert found.converged and found.excess == found.norm and 0.25 < found.test < 0.6
    assert at(proximal, SparseRegression([0.0], 0.0, [50]), 20).test == 0.0
    for task, n in ((EIGHT, 1), (ONE, 3), (SparseRegression.equal(10**6, 20, noise=0.25), 500), (EIGHT, 1e-3)):
        found = at(proximal, task, n)
        assert found.converged and found.test > 0 and np.isfinite(found.norm)
    scaled = SparseRegression([1e6, 0.0], 0.25e12, [8, 392])
    if not isinstance(proximal, tuple):  # the entropy has a unit of its own
        np.testing.assert_allclose(at(proximal, scaled, 80).test, 1e12 * at(proximal, EIGHT, 80).test, rtol=1e-10)


def test_story_of_twenty_nonzeros_in_two_thousand():
    task = SparseRegression.equal(2000, 20, noise=0.25)
    sizes = (200, 500, 1000)
    np.testing.assert_allclose([at(SoftThreshold(), task, n).excess for n in sizes], [0.484, 0.251, 0.394], atol=6e-4)
    np.testing.assert_allclose([at(Shrinkage(), task, n).excess for n in sizes], [18.0, 15.1, 10.2], atol=0.06)
    penalties = [np.sqrt(n) * np.geomspace(0.5, 4.0, 60) for n in sizes]
    best = [min(at(SoftThreshold(), task, n, p).excess for p in each) for n, each in zip(sizes, penalties, strict=True)]
    np.testing.assert_allclose(best, [0.395, 0.081, 0.035], atol=1e-3)
    np.testing.assert_allclose(at((1e-4, 0.1), task, 500).test, 0.908, atol=1e-3)


def test_derivatives_are_those_of_differences():
    with jax.enable_x64(True):

        def test(n, noise, init, linear):
            task = (jnp.asarray(EIGHT.coefficients), jnp.asarray(EIGHT.multiplicity, jnp.float64))
            return state_evolution(HyperbolicEntropy(init, linear), *task, noise, n).test

        where = [160.0, 0.25, 0.01, 0.1]
        slopes = program(jax.grad(test, argnums=(0, 1, 2, 3)))(*(jnp.array(each) for each in where))
        value = program(test)
        for index, slope in enumerate(slopes):
            up, down = list(where), list(where)
            step = 1e-5 * where[index]
            up[index], down[index] = where[index] + step, where[index] - step
            np.testing.assert_allclose(slope, (value(*up) - value(*down)) / (2 * step), rtol=1e-6)


def test_needs_double_precision():
    with pytest.raises(rg.PrecisionError, match="state_evolution needs 64-bit floats"):
        state_evolution(SoftThreshold(), EIGHT.coefficients, EIGHT.multiplicity, 0.25, 160.0)
