"""0-1 errors of kernel classifiers: the equation of the variance by another quadrature, the squared risk, the limits."""

from types import SimpleNamespace

import jax
import numpy as np
import pytest
from scipy.special import roots_jacobi

import rfgen as rg
from rfgen.problems.kernels.sphere import gegenbauer, sphere_multiplicity
from rfgen.systems.sphere_labels.problem import ZonalLabels
from rfgen.systems.sphere_labels.theory import kernel_classifier, kernel_flow_classifier


def labels(dim=8, kernel=None, slope=2.5, degrees=40):
    return ZonalLabels(dim, rg.NTK("relu", depth=2) if kernel is None else kernel, lambda t: np.tanh(slope * t), degrees)


def at(given, n, ridge=0.0):
    with jax.enable_x64(True):
        found = kernel_classifier(given, n, ridge)
    return SimpleNamespace(**{key: np.asarray(value) for key, value in vars(found).items()})


@pytest.mark.parametrize(("n", "ridge"), [(100, 0.0), (400, 2.0), (400, 0.0), (50, 1e-300)])
def test_squared_risk_is_the_engines(n, ridge):
    given = labels()
    expected = rg.predict(given.task, rg.Learner(rg.Ridge(ridge)), n)
    found = at(given, n, ridge)
    # measured 2e-12: power that no degree resolves
    np.testing.assert_allclose(found.test, expected.test, rtol=1e-9)


@pytest.mark.filterwarnings("ignore:inputs on the sphere of dim=3")
@pytest.mark.parametrize("dim", [3, 8])
def test_variance_solves_its_equation(dim):
    """By two coordinates of x': its cosine with x, and what of x_1 lies across x."""
    given, n, ridge = labels(dim, degrees=12), 60, 0.3
    found = at(given, n, ridge)
    kappa = float(rg.predict(given.task, rg.Learner(rg.Ridge(ridge)), n).kappa)
    learned = given.eigenvalues / (given.eigenvalues + kappa)
    counts = np.array([sphere_multiplicity(dim, degree) for degree in range(13)])
    rules = [roots_jacobi(200, (d - 3) / 2, (d - 3) / 2) for d in (dim, dim - 1)]
    (tau, first), (across, second) = rules
    smoother = (learned * counts) @ gegenbauer(dim, 12, tau)
    source = 1.0 - given.means**2 + (given.means - found.mean) ** 2 + found.variance
    # a smooth function of x_1 on 256 nodes: its polynomial of degree 60 is exact
    smooth = np.polynomial.Chebyshev.fit(given.nodes, source, 60)
    for node in (3, 60, 128, 200, 250):
        x = given.nodes[node]
        inputs = x * tau[:, None] + np.sqrt(1 - x * x) * np.sqrt(1 - tau[:, None] ** 2) * across
        inner = smooth(inputs) @ second / second.sum()
        expected = (first / first.sum()) @ (smoother**2 * inner) / n
        assert abs(found.variance[node] / expected - 1.0) < 1e-9


def test_polynomials_are_orthonormal_and_gegenbauers():
    given = labels(8, degrees=20)
    gram = (given.polynomials * given.weights) @ given.polynomials.T
    assert np.max(np.abs(gram - np.eye(41))) < 1e-12
    expected = gegenbauer(8, 40, given.nodes) * np.sqrt(given.multiplicities)[:, None]
    # the plain recursion loses what sqrt N is worth
    assert np.max(np.abs(given.polynomials - expected)) < 1e-9


def test_flow_has_the_engines_risk_and_ends_at_ridge_zero():
    given, times = labels(), [0.3, 30.0, 3e3]
    expected = rg.predict(given.task, rg.Learner(rg.GradientFlow(times)), 100)
    with jax.enable_x64(True):
        along = jax.jit(lambda time: kernel_flow_classifier(given, 100, time))
        found = [along(time) for time in times]
        late = along(1e7)
    # measured 4e-12
    np.testing.assert_allclose([float(each.test) for each in found], expected.test, rtol=1e-9)
    end = at(given, 100)
    np.testing.assert_allclose([float(late.error), float(late.test)], [end.error, end.test], rtol=1e-6)
    assert min(float(each.error) for each in found) < end.error


def test_limits():
    given = labels()
    little, much = at(given, 30, 1e300), at(given, 30, 1e200)
    assert 0.0 < little.error < 0.5 and abs(little.error - much.error) < 1e-12
    assert abs(little.error - little.uniform_error) < 1e-12
    # an optimally regularised fit to many samples is nearly Bayes's
    many = at(given, 1e6, 1e3)
    assert 0.0 < many.error - many.bayes < 0.01
    # labels without a trend: a coin
    assert abs(at(labels(slope=0.0), 100, 0.1).error - 0.5) < 1e-12
    # odd and even targets swap classes
    assert abs(at(labels(slope=-2.5), 100).error - at(given, 100).error) < 1e-12


def test_at_the_rank_of_the_kernel_it_guesses():
    """(1 + t)^2 in three dimensions has rank 9: at n = 9 the variance diverges, beyond it falls."""
    given = labels(3, lambda t: (1 + t) ** 2, degrees=4)
    errors = [float(at(given, n).error) for n in (9, 12, 40, 400)]
    assert abs(errors[0] - 0.5) < 1e-6 and np.all(np.diff(errors) < 0) and errors[-1] > at(given, 9).bayes


def test_traceable():
    given = labels()
    with jax.enable_x64(True):
        slope = jax.jit(jax.grad(lambda ridge: kernel_classifier(given, 200, ridge).error))(1.0)
    difference = (at(given, 200, 1.0 + 1e-4).error - at(given, 200, 1.0 - 1e-4).error) / 2e-4
    assert abs(float(slope) - difference) < 1e-8


def test_high_dimension():
    found = at(labels(50, rg.GaussianKernel(1.0)), 200, 0.1)
    assert found.bayes < found.error < 0.5 and np.all(found.variance > 0)


CASES = {
    "dim": (lambda: labels(1), r"dim must be an integer >= 2, got 1"),
    "degrees": (lambda: labels(degrees=0), r"degrees must be an integer >= 1, got 0"),
    "not callable": (lambda: ZonalLabels(3, rg.NTK(), 0.5), r"target must be a callable of the coordinate x_1, got 0\.5"),
    "beyond": (lambda: ZonalLabels(3, rg.NTK(), lambda t: 2 * t), r"target must map .* within \[-1, 1\].* up to 1\.99"),
    "number": (lambda: ZonalLabels(3, rg.NTK(), lambda t: t[:2]), r"target must map .*got shape \(2,\)"),
    "NaN": (lambda: ZonalLabels(3, rg.NTK(), lambda t: t * np.nan), r"target must be finite, got nan"),
    "kernel": (lambda: labels(kernel=3.0).eigenvalues, r"kernel must be a function of the cosine, .*got 3\.0"),
}


@pytest.mark.parametrize("name", CASES)
def test_refused(name):
    call, message = CASES[name]
    with pytest.raises(ValueError, match=message):
        call()
