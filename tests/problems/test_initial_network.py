"""Tasks that start from a random network: their power, their refusals, and the curves that every verb draws from them."""

import numpy as np
import pytest

import rfgen as rg
from rfgen.problems.kernels.sphere import sphere_eigenvalues

RIDGELESS = rg.Learner(rg.Ridge(0.0))
# ReLU networks at d = 8, noise .2: depth, n, test risk from 0 and from the network's own start, to the four digits of an
# independent computation; its target power in degrees 1 and 2 is known to about 1e-3.
POWER, DIGITS = {1: 0.6863, 2: 0.3975}, 1.5e-4
RELU = [(1, 120, 0.3039, 0.3266), (2, 120, 0.3140, 0.3803), (2, 400, 0.2576, 0.2891), (3, 300, 0.2635, 0.3148)]


def relu_task(depth, **options):
    return rg.Task.sphere(8, rg.NTK("relu", depth), POWER, 0.2, **options)


def nearly_odd_task(dim, degrees):
    """Tangent kernel of an erf network with biases of variance .1 in the hidden layer and none at the output."""
    return rg.Task.sphere(dim, lambda t: rg.NTK("erf", 1, bias=0.1)(t) - 0.1, {}, 1.0, degrees)


@pytest.mark.parametrize(("depth", "n", "from_zero", "from_network"), RELU)
def test_risks_of_relu_networks(depth, n, from_zero, from_network):
    task = relu_task(depth)
    for given, expected in ((task, from_zero), (task.with_initial_network(1.0), from_network)):
        assert float(rg.predict(given, RIDGELESS, n).test) == pytest.approx(expected, abs=DIGITS)


@pytest.mark.parametrize("kernel", [rg.NTK("relu"), rg.NTK("relu", 3, 0.2), rg.NTK("erf", 2), rg.NTK("erf", 1, 0.1)])
def test_power_of_the_initial_function(kernel):
    """Each degree gains its share of the output's variance, wherever sorting has put it; the rest is never learned."""
    task = rg.Task.sphere(8, kernel, {2: 0.5, 0: 0.25}, 0.1)
    started = task.with_initial_network(0.5)
    output = rg.NNGP(kernel.activation, kernel.depth, kernel.bias)
    values, counts, beyond = sphere_eigenvalues(output, 8)
    gained = (started.power - task.power)[0]
    by_degree = np.empty_like(gained)
    by_degree[task.spectrum.order] = gained
    np.testing.assert_allclose(by_degree[:41], 0.5 * values * counts, rtol=1e-9, atol=1e-15)
    np.testing.assert_allclose(started.null_power, 0.5 * beyond, rtol=1e-12)
    assert started.null_risk - task.null_risk == pytest.approx(0.5 * float(output(1.0)), rel=1e-12)
    np.testing.assert_array_equal(started.eigenvalues, task.eigenvalues)


def test_test_risk_is_linear_in_the_variance():
    tests = [float(rg.predict(relu_task(2).with_initial_network(v), RIDGELESS, 120).test) for v in (0.0, 0.25, 1.0)]
    assert tests[0] == pytest.approx(float(rg.predict(relu_task(2), RIDGELESS, 120).test), rel=1e-13)
    assert tests[1] - tests[0] == pytest.approx(0.25 * (tests[2] - tests[0]), rel=1e-10)


def test_the_target_plays_the_network():
    """A start from f_0 is a target with the power of f_0 on top, for every verb."""
    kernel = rg.NTK("erf", 1, 0.1)
    values, counts, beyond = sphere_eigenvalues(rg.NNGP("erf", 1, 0.1), 8)
    assert beyond < 1e-12
    started = rg.Task.sphere(8, kernel, {1: 1.0}, 0.2).with_initial_network(0.7)
    power = 0.7 * values * counts
    power[1] += 1.0
    played = rg.Task.sphere(8, kernel, power, 0.2)
    flow = rg.Learner(rg.GradientFlow([1.0, 100.0, np.inf]))
    np.testing.assert_allclose(rg.predict(started, flow, 60).test, rg.predict(played, flow, 60).test, rtol=1e-12)
    costs = [rg.overfitting_cost(task, n=60) for task in (started, played)]
    np.testing.assert_allclose(costs[0].cost, costs[1].cost, rtol=1e-12)


def test_stated_and_kept():
    started = relu_task(2).with_initial_network(0.25)
    assert "initial_variance=0.25, initial_kernel=NNGP(depth=2)" in repr(started)
    again = started.with_noise(0.7)
    assert again.population is started.population and again.noise[0] == 0.7
    np.testing.assert_array_equal(again.power, started.power)
    given = rg.Task.sphere(8, rg.GaussianKernel(1.0), {1: 1.0}).with_initial_network(2.0, lambda t: t**2)
    assert given.null_risk == pytest.approx(3.0, rel=1e-12)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: rg.Task.isotropic(5).with_initial_network(1.0), "an initial network needs inputs on a sphere"),
        (lambda: relu_task(1).with_initial_network(-1.0), "variance must be >= 0, got -1"),
        (lambda: relu_task(1).with_initial_network(1.0).with_initial_network(1.0), "must not have an initial network yet"),
        (
            lambda: rg.Task.sphere(5, rg.GaussianKernel(1.0), {}).with_initial_network(1.0),
            r"kernel must be given unless the task's kernel is an rg\.NTK, got None beside GaussianKernel",
        ),
        (
            lambda: rg.Task.sphere(5, rg.NTK(), {}).with_initial_network(1.0, lambda t: -t),
            r"kernel must have K\(1\) > 0",
        ),
        (
            lambda: rg.predict(
                relu_task(1).with_initial_network(1.0), rg.Learner(rg.Ridge(0.1), augmentation=rg.Mask(0.5)), 20
            ),
            "augmentation is not covered for a task with an initial network",
        ),
    ],
)
def test_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


class TestMultipleDescent:
    """Interpolated noise, times E0: humps where n passes the number of harmonics up to a degree that the kernel has."""

    def coefficient(self, dim, sizes, degrees=10):
        return rg.predict(nearly_odd_task(dim, degrees), RIDGELESS, sizes).amplification.values

    def test_values(self):
        found = self.coefficient(10, [10, 18, 56, 178, 560], degrees=12)
        np.testing.assert_allclose(found, [1.706, 1.712, 1.348, 1.470, 1.609], atol=5e-4)
        found = self.coefficient(20, 20.0 ** np.arange(0.5, 3.01, 0.25))
        expected = [1.16, 1.35, 1.66, 1.56, 1.29, 1.18, 1.19, 1.29, 1.44, 1.43, 1.31]
        np.testing.assert_allclose(found, expected, atol=5.1e-3)

    def peaks(self, task, sizes):
        values = rg.predict(task, RIDGELESS, sizes).amplification.values
        return sizes[1:-1][(values[1:-1] > values[:-2]) & (values[1:-1] > values[2:])]

    def test_peaks_follow_cumulative_multiplicities(self):
        """Nearly flat kernels, whose degrees are far apart: the size is that of the count, not n = d^l."""
        for dim in (10, 30):
            task = rg.Task.sphere(dim, rg.GaussianKernel(10.0), {}, 1.0, 6)
            cumulative = np.cumsum(task.spectrum.multiplicity[:4])[1:]
            found = self.peaks(task, np.geomspace(3.0, 2.0 * cumulative[-1], 1500))
            # theory peaks at the count exactly as the kernel flattens
            np.testing.assert_allclose(found, cumulative, rtol=0.1)

    def test_even_degrees_of_a_nearly_odd_kernel_have_no_peak(self):
        found = self.peaks(nearly_odd_task(20, 10), np.geomspace(3.0, 2e4, 800))
        first, _, third = np.cumsum([20, 209, 1520]) + 1
        assert found.size == 2 and (found / [first, third] > 1.0).all() and (found / [first, third] < 1.5).all()
