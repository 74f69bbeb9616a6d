"""Dot-product kernels and their sphere eigenvalues against closed forms, other routes, and real wide networks."""

import math

import jax
import jax.numpy as jnp
import mpmath
import numpy as np
import pytest
from numpy.polynomial import legendre, polynomial
from scipy.special import erf, roots_jacobi

from rfgen.problems.kernels.dot_product_kernels import NNGP, NTK, GaussianKernel, PolynomialKernel
from rfgen.problems.kernels.sphere import gegenbauer, sphere_eigenvalues, sphere_multiplicity

NETWORKS = [
    pytest.param(kind(activation, depth, bias), id=f"{kind.__name__}-{activation}-depth{depth}-bias{bias}")
    for kind in (NNGP, NTK)
    for activation in ("relu", "erf")
    for depth, bias in ((1, 0.0), (2, 0.3), (3, 0.0))
]
KERNELS = [*NETWORKS, pytest.param(GaussianKernel(0.7), id="gaussian"), pytest.param(PolynomialKernel(5), id="poly")]
COSINES = np.array([-1.0, -0.83, -0.3, 0.0, 0.41, 0.9, 1.0])


# The two activations and their slopes, as functions of a pre-activation: what the kernels claim to average.
ACTIVATIONS = {
    "relu": (lambda u: math.sqrt(2) * np.maximum(u, 0), lambda u: math.sqrt(2) * (u > 0)),
    "erf": (erf, lambda u: 2 / math.sqrt(math.pi) * np.exp(-u * u)),
}


def gaussian_average(function, s, q):
    """E[f(u) f(v)], (u, v) Gaussian with covariance s and variance q: polar Gauss-Legendre, split where u or v is 0."""
    apart = math.acos(max(-1.0, min(1.0, s / q)))
    x, w = legendre.leggauss(80)
    kinks = np.sort(np.mod([-math.pi / 2, math.pi / 2, apart - math.pi / 2, apart + math.pi / 2], 2 * math.pi))
    total, radius = 0.0, 5.0 * (x + 1)
    radial = 5.0 * w * radius * np.exp(-(radius**2) / 2)
    for start, stop in zip(kinks, [*kinks[1:], kinks[0] + 2 * math.pi], strict=True):
        angle = (start + stop) / 2 + (stop - start) / 2 * x
        u, v = math.sqrt(q) * np.cos(angle), math.sqrt(q) * np.cos(angle - apart)
        values = function(radius[:, None] * u) * function(radius[:, None] * v)
        total += (stop - start) / 2 * radial @ values @ w
    return total / (2 * math.pi)


class TestNetworkKernels:
    @pytest.mark.parametrize("kernel", NETWORKS)
    def test_recursion_against_two_dimensional_quadrature(self, kernel):
        function, slope = ACTIVATIONS[kernel.activation]
        for t in COSINES[1:-1]:
            s, q = t + kernel.bias, 1 + kernel.bias
            tangent = s
            for _ in range(kernel.depth):
                s_next = gaussian_average(function, s, q) + kernel.bias
                tangent = s_next + tangent * gaussian_average(slope, s, q)
                s, q = s_next, gaussian_average(function, q, q) + kernel.bias
            assert kernel(t) == pytest.approx(s if isinstance(kernel, NNGP) else tangent, rel=0, abs=1e-12)

    @pytest.mark.parametrize("activation", ACTIVATIONS)
    @pytest.mark.parametrize("bias", [0.0, 0.4])
    def test_wide_network_in_standard_errors(self, activation, bias, width=400_000):
        """One hidden layer: covariance of the outputs and inner product of the gradients, neuron by neuron."""
        function, slope = ACTIVATIONS[activation]
        rng = np.random.default_rng(3)
        weights, biases = rng.normal(size=(2, width)), math.sqrt(bias) * rng.normal(size=width)
        outer = rng.normal(size=width)
        for t in (-0.6, 0.2, 0.8):
            # only the plane of the two inputs matters to Gaussian weights
            u, v = weights[0] + biases, t * weights[0] + math.sqrt(1 - t * t) * weights[1] + biases
            covariance = function(u) * function(v) + bias
            gradients = covariance + outer**2 * slope(u) * slope(v) * (t + bias)
            for kernel, sample in ((NNGP, covariance), (NTK, gradients)):
                z = (sample.mean() - kernel(activation, 1, bias)(t)) / (sample.std() / math.sqrt(width))
                assert abs(z) < 4

    def test_values_at_one(self):
        assert NNGP("relu", 5)(1.0) == pytest.approx(1, abs=1e-14)
        assert NTK("relu", 5)(1.0) == pytest.approx(6, abs=1e-13)
        assert NNGP("erf", 1)(1.0) == pytest.approx(2 / math.pi * math.asin(2 / 3), abs=1e-15)

    @pytest.mark.parametrize("kernel", KERNELS)
    def test_jax_agrees_with_numpy(self, kernel):
        with jax.enable_x64(True):
            traced = jax.jit(kernel)(jnp.asarray(COSINES))
            assert isinstance(traced, jax.Array) and traced.dtype == jnp.float64
            assert np.allclose(traced, kernel(COSINES), rtol=1e-14, atol=1e-14)

    def test_jax_keeps_float32(self):
        assert all(kernel.values[0](jnp.float32(0.3)).dtype == jnp.float32 for kernel in KERNELS)

    @pytest.mark.parametrize("kernel", KERNELS)
    def test_power_series(self, kernel):
        coefficients = kernel.power_series(400)
        inside = 0.9 * COSINES
        assert coefficients.shape == (401,) and coefficients.min() >= 0
        assert np.allclose(polynomial.polyval(inside, coefficients), kernel(inside), rtol=0, atol=1e-14 * kernel(1.0))

    def test_relu_power_series_exact(self):
        series = [1 / math.pi, 1 / 2, 1 / (2 * math.pi), 0.0, 1 / (24 * math.pi)]
        assert np.allclose(NNGP().power_series(4), series, rtol=0, atol=1e-15)

    def test_frozen_and_hashable(self):
        assert {NNGP("relu", np.int64(2)), NNGP("relu", 2), NTK("relu", 2)} == {NNGP("relu", 2), NTK("relu", 2)}
        with pytest.raises(AttributeError):
            NNGP().depth = 3


class TestHarmonics:
    @pytest.mark.parametrize("dim", [2, 3, 8, 50])
    def test_orthogonal_with_norm_one_over_multiplicity(self, dim, degrees=30):
        # Gauss-Jacobi in t: exact for polynomials, and not the quadrature of the package
        t, weight = roots_jacobi(degrees + 1, (dim - 3) / 2, (dim - 3) / 2)
        values = gegenbauer(dim, degrees, t)
        gram = (values * weight / weight.sum()) @ values.T
        scale = np.sqrt([sphere_multiplicity(dim, degree) for degree in range(degrees + 1)])
        assert np.allclose(gram * scale[:, None] * scale, np.eye(degrees + 1), rtol=0, atol=1e-12)

    def test_special_dimensions(self):
        angle = np.linspace(0, np.pi, 17)
        chebyshev = np.cos(np.arange(13)[:, None] * angle)
        assert np.allclose(gegenbauer(2, 12, np.cos(angle)), chebyshev, rtol=0, atol=1e-13)
        assert np.allclose(gegenbauer(3, 12, COSINES), legendre.legvander(COSINES, 12).T, rtol=0, atol=1e-13)

    def test_high_dimension_is_finite(self):
        values = gegenbauer(1000, 100, COSINES)
        assert np.isfinite(values).all() and np.all(values[:, -1] == 1)
        expected = mpmath.gegenbauer(100, 499, mpmath.mpf(0.41)) / mpmath.gegenbauer(100, 499, 1)
        assert values[100, 4] == pytest.approx(float(expected), rel=1e-10)

    def test_traced_in_float32(self):
        traced = jax.jit(lambda t: gegenbauer(5, 6, t))(jnp.asarray(COSINES, jnp.float32))
        assert traced.dtype == jnp.float32 and np.allclose(traced, gegenbauer(5, 6, COSINES), atol=1e-5)

    @pytest.mark.parametrize("degrees", [0, 1])
    def test_lowest_degrees(self, degrees):
        assert gegenbauer(4, degrees, 0.5).tolist() == [[1.0], [0.5]][: degrees + 1]

    def test_multiplicity(self):
        assert [sphere_multiplicity(2, degree) for degree in range(4)] == [1, 2, 2, 2]
        assert [sphere_multiplicity(8, degree) for degree in range(4)] == [1, 8, 35, 112]
        for dim, degree in ((5, 7), (50, 40)):  # the closed form, in integers
            closed = (2 * degree + dim - 2) * math.comb(degree + dim - 3, degree - 1) // degree
            assert sphere_multiplicity(dim, degree) == float(closed)
        assert math.isfinite(sphere_multiplicity(1000, 100))


class TestReferenceValues:
    """Eigenvalues known in closed form."""

    @pytest.mark.parametrize("dim", [2, 3, 8, 20, 1000])
    def test_relu_linear_share_is_one_half(self, dim):
        eigenvalues, _, _ = sphere_eigenvalues(NNGP(), dim)
        assert eigenvalues[1] * dim == pytest.approx(0.5, abs=1e-14)

    @pytest.mark.parametrize("dim", [3, 8, 20])
    @pytest.mark.parametrize("kind", [NNGP, NTK])
    def test_bias_free_relu_has_no_odd_degree_above_one(self, kind, dim):
        eigenvalues, _, _ = sphere_eigenvalues(kind("relu", 1), dim)
        assert np.all(eigenvalues[3::2] == 0) and np.all(eigenvalues[[0, 1, *range(2, 41, 2)]] > 0)

    def test_ntk_tail(self):
        _, _, tail = sphere_eigenvalues(NTK("relu", 3), 8)
        assert tail / 4 == pytest.approx(0.022, abs=0.0005)

    @pytest.mark.parametrize("kernel", KERNELS)
    @pytest.mark.parametrize("dim", [2, 3, 8, 20])
    def test_trace_and_reconstruction(self, kernel, dim):
        eigenvalues, multiplicity, tail = sphere_eigenvalues(kernel, dim)
        assert multiplicity @ eigenvalues + tail == pytest.approx(kernel(1.0), rel=1e-12)
        rebuilt = (multiplicity * eigenvalues) @ gegenbauer(dim, 40, COSINES)
        # |P_l| <= 1, and the degrees left out carry the tail
        assert np.all(np.abs(rebuilt - kernel(COSINES)) <= tail + 1e-11 * kernel(1.0))
        if isinstance(kernel, NNGP) and kernel.activation == "erf" and kernel.depth == 1:
            assert tail == 0

    def test_tail_falls_with_degrees(self):
        tails = [sphere_eigenvalues(NTK("relu", 2), 8, degrees)[2] for degrees in (0, 1, 10, 40, 100)]
        assert np.all(np.diff(tails) < 0) and tails[-1] > 0


class TestClosedForms:
    @pytest.mark.parametrize("dim", [2, 3, 8, 50, 1000])
    @pytest.mark.parametrize("bandwidth", [0.3, 1.0, 3.0])
    def test_gaussian_is_a_bessel_function(self, dim, bandwidth):
        eigenvalues, multiplicity, tail = sphere_eigenvalues(GaussianKernel(bandwidth), dim)
        with mpmath.workdps(40):
            rate, half = 1 / mpmath.mpf(bandwidth) ** 2, mpmath.mpf(dim) / 2
            front = mpmath.exp(-rate) * mpmath.gamma(half) * (2 / rate) ** (half - 1)
            exact = [front * mpmath.besseli(degree + half - 1, rate) for degree in range(41)]
            rest = 1 - sum(int(count) * value for count, value in zip(multiplicity, exact, strict=True))
        assert np.allclose(eigenvalues, np.array(exact, float), rtol=1e-12, atol=0)
        assert tail == pytest.approx(float(rest), abs=2e-13)

    @pytest.mark.parametrize("degree, offset", [(3, 1.0), (6, 0.5), (4, 0.0)])
    def test_polynomial_in_legendre(self, degree, offset):
        monomials = [math.comb(degree, m) * offset ** (degree - m) for m in range(degree + 1)]
        kernel = PolynomialKernel(degree, offset)
        for given in (kernel, kernel.__call__):  # by the power series, and by quadrature
            eigenvalues, multiplicity, tail = sphere_eigenvalues(given, 3, 10)
            share = np.append(legendre.poly2leg(monomials), np.zeros(10 - degree))
            assert np.allclose(eigenvalues * multiplicity, share, rtol=1e-13, atol=1e-13)
            assert tail == 0 and np.all(eigenvalues[degree + 1 :] == 0)

    def test_low_degree_keeps_the_rest_as_tail(self):
        eigenvalues, multiplicity, tail = sphere_eigenvalues(PolynomialKernel(3), 3, degrees=1)
        assert tail == pytest.approx(8 - eigenvalues @ multiplicity, rel=1e-14) and tail > 0

    @pytest.mark.parametrize("dim", [2, 3, 6])
    def test_singular_at_the_pole(self, dim):
        """4 - |x - z|, with a kink at t = 1: the eigenvalues of |x - z|^a are ratios of Gamma functions."""
        eigenvalues, multiplicity, _ = sphere_eigenvalues(lambda t: 4.0 - np.sqrt(np.maximum(2 - 2 * t, 0)), dim, 30)
        with mpmath.workdps(30):
            half = mpmath.mpf(dim) / 2
            front = 2 ** (dim - 1) * mpmath.gamma(half) * mpmath.gamma(half) / (mpmath.sqrt(mpmath.pi))
            exact = [front * mpmath.rf(-0.5, l) / mpmath.gamma(l + dim - 0.5) for l in range(31)]  # noqa: E741
        error = multiplicity * (eigenvalues + np.array(exact, float))
        assert np.all(np.abs(error[1:]) < 1e-14 * np.sqrt(multiplicity[1:]))  # measured a quarter of it


class TestRoutes:
    @pytest.mark.parametrize("kernel", KERNELS)
    @pytest.mark.parametrize("dim", [3, 8, 20])
    def test_chosen_route_against_plain_gauss_legendre(self, kernel, dim):
        shares = []
        for nodes in (None, 201, 300):
            eigenvalues, multiplicity, _ = sphere_eigenvalues(kernel, dim, 12, quadrature=nodes)
            shares.append(eigenvalues * multiplicity / kernel(1.0))
        # measured 0.3 at worst
        roundoff = 4e-15 * np.sqrt(multiplicity)
        assert np.all(np.abs(shares[1] - shares[0]) < roundoff) and np.all(np.abs(shares[2] - shares[0]) < roundoff)

    @pytest.mark.parametrize("kernel", KERNELS)
    def test_infinite_dimension_gives_the_power_series(self, kernel):
        eigenvalues, multiplicity, _ = sphere_eigenvalues(kernel, 10**8, 6)
        assert np.allclose(eigenvalues * multiplicity, kernel.power_series(6), rtol=1e-6, atol=1e-6 * kernel(1.0))

    @pytest.mark.parametrize("kernel", KERNELS)
    @pytest.mark.parametrize("dim", [2, 12, 100, 1000])
    def test_high_degree_is_finite_and_ordered(self, kernel, dim):
        eigenvalues, _, tail = sphere_eigenvalues(kernel, dim, 100)
        assert np.isfinite(eigenvalues).all() and np.all(eigenvalues >= 0) and 0 <= tail < kernel(1.0)
        # a kernel of positive coefficients falls with the degree within each parity
        assert np.all(np.diff(eigenvalues[::2]) <= 0) and np.all(np.diff(eigenvalues[1::2]) <= 0)

    @pytest.mark.parametrize("dim", [20, 100])
    def test_unresolvable_degrees_stay_in_the_tail(self, dim):
        """The same kernel without its power series: what float64 cannot see is 0, and its trace is kept."""
        kernel = NTK("relu", 2)
        full, multiplicity, _ = sphere_eigenvalues(kernel, dim)
        bare, _, tail = sphere_eigenvalues(kernel.__call__, dim)
        seen = bare > 0
        assert seen[:3].all() and np.all(multiplicity[~seen & (full > 0)] > 1e10)
        assert np.allclose((bare * multiplicity)[seen], (full * multiplicity)[seen], rtol=0.05, atol=1e-9)
        assert tail == pytest.approx(3 - (bare * multiplicity).sum(), rel=1e-12)


class TestBadInput:
    @pytest.mark.parametrize(
        "make, message",
        [
            (lambda: NNGP("tan"), r"activation must be one of relu, tanh, .*linear or a callable, got 'tan'"),
            (lambda: NTK(activation=3), r"activation must be one of relu, tanh, .*linear or a callable, got 3"),
            (lambda: NTK("relu", 0), r"depth must be an integer >= 1, got 0"),
            (lambda: NNGP("relu", 1.5), r"depth must be an integer >= 1, got 1\.5"),
            (lambda: NNGP("relu", 1, -0.1), r"bias must be >= 0, got -0\.1"),
            (lambda: NNGP("relu", 1, math.nan), r"bias must be finite, got nan"),
            (lambda: NNGP().power_series(-1), r"order must be an integer >= 0, got -1"),
            (lambda: GaussianKernel(0.0), r"bandwidth must be > 0, got 0\.0"),
            (lambda: GaussianKernel(math.inf), r"bandwidth must be finite, got inf"),
            (lambda: GaussianKernel("wide"), r"bandwidth must be numeric, got str"),
            (lambda: PolynomialKernel(0), r"degree must be an integer >= 1, got 0"),
            (lambda: PolynomialKernel(2, -1.0), r"offset must be >= 0, got -1\.0"),
            (lambda: sphere_multiplicity(1, 2), r"dim must be an integer >= 2, got 1"),
            (lambda: sphere_multiplicity(3, -1), r"degree must be an integer >= 0, got -1"),
            (lambda: sphere_multiplicity(2000, 2000), r"multiplicity below 1e308, got dim=2000, degree=2000"),
            (lambda: gegenbauer(3, 2.0, 0.1), r"degrees must be an integer >= 0, got 2\.0"),
            (lambda: gegenbauer(3, 2, [0.1, 1.5]), r"t must hold cosines within \[-1, 1\], got 1\.5"),
            (lambda: gegenbauer(3, 2, np.zeros((2, 2))), r"t must have 0 or 1 dimension\(s\), got shape \(2, 2\)"),
            (lambda: gegenbauer(3, 2, jnp.zeros((2, 2))), r"t must have 0 or 1 dimension\(s\), got shape \(2, 2\)"),
        ],
    )
    def test_values(self, make, message):
        with pytest.raises(ValueError, match=message):
            make()

    @pytest.mark.parametrize(
        "kernel, options, message",
        [
            ("relu", {}, r"kernel must be a callable K\(t\) of the cosine t, got 'relu'"),
            (NNGP(), {"dim": 1}, r"dim must be an integer >= 2, got 1"),
            (NNGP(), {"degrees": -1}, r"degrees must be an integer >= 0, got -1"),
            (NNGP(), {"quadrature": 1}, r"quadrature must be an integer >= 2, got 1"),
            (NNGP(), {"quadrature": 5}, r"got .*; or quadrature=5 is too few nodes"),
            (lambda t: -t, {}, r"kernel must have K\(1\) > 0, got -1\.0"),
            (lambda t: 1.0, {}, r"kernel must return the shape of its cosines, \(1,\), got \(\)"),
            (lambda t: t.astype(np.float32), {}, r"kernel must return float64, got float32"),
            (lambda t: np.where(t < 0, np.nan, 1.0), {}, r"kernel must be finite on \[-1, 1\], got K\(-.*\)=nan"),
            (lambda t: t**2 - 0.3, {}, r"positive definite in dim=5, got the share -0\.143 of K\(1\) in degree 0"),
            (lambda t: 2 * t - (t == 1), {}, r"continuous at t=1 .*, got degrees that sum to 2 of K\(1\)"),
            (lambda t: np.maximum(1 - np.arccos(t), 0), {"dim": 2}, r"kernel must be smooth in the angle"),
            (lambda t: t**2, {"dim": 10**13, "degrees": 2}, r"dim must be low enough .*, got 10000000000000"),
        ],
    )
    def test_eigenvalues(self, kernel, options, message):
        with pytest.raises(ValueError, match=message):
            sphere_eigenvalues(kernel, **{"dim": 5} | options)

    def test_a_nugget_is_tail(self):
        _, _, tail = sphere_eigenvalues(lambda t: t + 0.25 * (t == 1), dim=5)
        assert tail == pytest.approx(0.25, abs=1e-12)
