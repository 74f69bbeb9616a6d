"""Task.from_covariance: modes against integrals of the kernel itself, kernels whose modes are known, simulations."""

import math

import numpy as np
import pytest

import rfgen as rg
from rfgen.problems.spectra.hermite_modes import hermite_modes, mehler_modes, trace_defect

TARGET = {(1,): 0.7, (0, 1): 0.4, (2,): 0.4, (1, 1): 0.4, (0, 0, 1): 0.2}


def spread(d, alpha, top):
    """Variances i^-alpha, in units of the squared bandwidth the largest is `top`."""
    return top * np.arange(1.0, d + 1.0) ** -alpha


def test_mehler_modes_are_those_of_the_kernel():
    """sum lambda v^2 = E[f(x) K(x, x') f(x')] by quadrature in two dimensions, and the trace is K(x, x) = 1."""
    variances, bandwidth = np.array([0.9, 0.3]), 0.8
    target = {(1,): 0.5, (0, 2): 0.6, (2, 1): -0.3, (3, 2): 0.2, (): 0.4}
    modes = mehler_modes(variances, bandwidth**2, {(*key, 0, 0)[:2]: value for key, value in target.items()})
    nodes, weights = np.polynomial.hermite_e.hermegauss(44)
    z = np.stack(np.meshgrid(nodes, nodes, indexing="ij"), -1).reshape(-1, 2)
    weight = np.outer(weights, weights).ravel() / (2 * math.pi)
    hermite = [np.ones_like, lambda z: z, lambda z: (z**2 - 1) / 2**0.5, lambda z: (z**3 - 3 * z) / 6**0.5]
    f = sum(c * np.prod([hermite[j](z[:, i]) for i, j in enumerate(alpha)], axis=0) for alpha, c in target.items() if alpha)
    f = weight * (f + target[()])
    x = z * np.sqrt(variances)
    exact = f @ np.exp(-np.sum((x[:, None] - x) ** 2, axis=-1) / (2 * bandwidth**2)) @ f
    assert modes.eigenvalues @ modes.power == pytest.approx(exact, rel=1e-10)
    assert modes.null < 1e-12 and modes.tail < 1e-12 and modes.eigenvalues.sum() == pytest.approx(1.0, abs=1e-12)
    assert (np.diff(modes.eigenvalues) <= 0).all()


def test_linear_kernels_are_linear_regression():
    variances = spread(30, 0.7, 1.0)
    task = rg.Task.from_covariance(variances, rg.PolynomialKernel(1, offset=0.3), {(1,): 0.8, (0, 1): 0.6}, 0.1)
    plain = rg.Task(np.append(variances, 0.3), [0.64, 0.36, *np.zeros(29)], 0.1)
    learner = rg.Learner(rg.Ridge([0.01, 1.0]))
    assert np.allclose(rg.predict(task, learner, [10, 60]).test, rg.predict(plain, learner, [10, 60]).test, rtol=1e-9)


def test_both_spectra_meet_in_high_dimension():
    """The ratio of a factor tends to 1 + 2 variance / s; the trace defect to e^(-trace/s) prod (1 - variance/s)^-1 - 1."""
    for d, allowed in ((100, 0.05), (400, 0.0125)):
        variances = np.full(d, 1.0 / d)
        series = rg.GaussianKernel(1.0).power_series(32)
        first, second = mehler_modes(variances, 1.0, {}), hermite_modes(variances, series, 1.0, {})
        assert np.allclose(second.eigenvalues[: d + 1], first.eigenvalues[: d + 1], rtol=allowed)
        exact = math.exp(-1.0) * (1 - 1 / d) ** -d - 1
        assert trace_defect(variances, series, 1.0) == pytest.approx(exact, rel=0.1)


def test_sphere_and_gaussian_inputs_agree_in_high_dimension():
    """The linear level of an NTK: of the sphere's harmonics and of Hermite functions, to 1/d."""
    for kernel in (rg.NTK("relu", 2), rg.NNGP("erf", 1, 0.2)):
        sphere = rg.Task.sphere(400, kernel, {1: 1.0})
        inputs = rg.Task.from_covariance(np.full(400, 1 / 400), kernel, {(1,): 1.0})
        assert np.allclose(inputs.eigenvalues[:2], sphere.eigenvalues[:2], rtol=2 / 400)
        assert inputs.spectrum.trace == pytest.approx(sphere.spectrum.trace, rel=0.01)


SIMULATED = {
    "gauss": (spread(60, 0.1, 0.008), rg.GaussianKernel(1.0), 0.01, (50, 150), 0.06),
    "relu": (spread(60, 0.1, 1 / 45), rg.NTK("relu", 2), 0.1, (50, 150), 0.06),
    "few axes": (spread(40, 1.2, 0.109), rg.GaussianKernel(1.0), 1e-3, (50, 150, 400), 0.2),
}


@pytest.mark.filterwarnings("ignore:the inputs are low-dimensional")
@pytest.mark.parametrize("name", SIMULATED)
def test_simulations(name):
    """Within what the docstring says, and 4 standard errors: the largest on few axes, where leverage scatters."""
    variances, kernel, ridge, sizes, allowed = SIMULATED[name]
    task = rg.Task.from_covariance(variances, kernel, TARGET, noise=0.05, test_points=1000)
    for n in sizes:
        runs = rg.simulate(task, rg.Learner(rg.Ridge(ridge)), n, trials=12)
        theory = float(rg.predict(task, rg.Learner(rg.Ridge(ridge)), n).test)
        assert abs(theory - float(runs.test)) < 4 * float(runs.test_se) + allowed * float(runs.test), (n, theory, runs.test)


def test_drawn_inputs_have_the_target():
    task = rg.Task.from_covariance(spread(20, 0.5, 0.01), rg.GaussianKernel(1.0), {(1,): 0.6, (0, 3): 0.8, (2, 1): 0.5})
    x, y = task.population.draw(4000, seed=1)
    z = x / np.sqrt(task.population.variances)
    exact = 0.6 * z[:, 0] + 0.8 * (z[:, 1] ** 3 - 3 * z[:, 1]) / 6**0.5 + 0.5 * (z[:, 0] ** 2 - 1) / 2**0.5 * z[:, 1]
    assert np.allclose(y, exact, rtol=1e-12) and np.mean(y**2) == pytest.approx(1.25, rel=0.2)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kernel": rg.LaplaceKernel(1.0)}, r"kernel must be an rg\.Gauss.*LaplaceKernel diverges.*learning_curve"),
        ({"variances": [1.0, 1.0]}, r"variances must be spread over more axes .*learning_curve"),
        ({"variances": np.eye(60)}, r"variances must be .*eigh\(covariance\)"),
        ({"target": abs}, r"target must be a mapping such as .*learning_curve"),
        ({"target": {(1, 31): 1.0}}, "target must have at most 60 degrees of at most 30"),
        ({"target": {(-1,): 1.0}}, "a degree in target must be an integer >= 0, got -1"),
        ({"target": {1: 0.0}}, "target must have a coefficient that is not 0"),
    ],
)
def test_refused_in_words(change, message):
    given = {"variances": np.ones(60), "kernel": rg.NTK(), "target": {(1,): 1.0}, **change}
    with pytest.raises(ValueError, match=message):
        rg.Task.from_covariance(**given)


def test_few_axes_are_warned_of():
    with pytest.warns(UserWarning, match=r"low-dimensional for this kernel \(trace_defect 0.00"):
        task = rg.Task.from_covariance(spread(40, 1.2, 0.109), rg.GaussianKernel(1.0), TARGET)
    assert "trace_defect=0.00" in rg.predict(task, rg.Learner(rg.Ridge(0.1)), 10).attrs["task"]
