"""Effective ranks against sums in exact and high precision, their order, and the index where they become large."""

import jax
import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rfgen as rg
from rfgen.problems.spectra.spectral_tails import spectral_tails
from rfgen.theory.overfitting.cost import overfitting_coefficient
from rfgen.theory.overfitting.effective_rank import critical_level, effective_rank_bound, effective_ranks, ranks_at_starts

# On the tail of an infinite spectrum the sums are quadrature; measured worst 1.8e-8, from interpolation in k.
ON_TAIL = 1e-7


@pytest.fixture(autouse=True)
def double():
    with jax.enable_x64(True):
        yield


ranks = jax.jit(effective_ranks)
critical = jax.jit(critical_level)
bound = jax.jit(jax.vmap(effective_rank_bound, in_axes=(None, 0)))
coefficient = jax.jit(jax.vmap(overfitting_coefficient, in_axes=(None, 0)))


def expanded(spectrum):
    return np.repeat(spectrum.eigenvalues, spectrum.multiplicity.astype(int))


def directly(values, k):
    rest = values[k:] / values[k]
    return rest.sum(), rest.sum() ** 2 / (rest**2).sum()


def random_spectrum(seed, largest_level=6):
    random = np.random.default_rng(seed)
    levels = int(random.integers(2, 60))
    values = np.exp(-np.cumsum(random.exponential(random.choice([0.02, 0.2, 2.0]), levels)))
    return rg.Spectrum(values, random.integers(1, largest_level, levels))


@pytest.mark.parametrize("seed", range(12))
def test_equal_to_the_sums_inside_and_between_levels(seed):
    spectrum = random_spectrum(seed)
    values, tails = expanded(spectrum), spectral_tails(spectrum)
    for k in range(values.size):
        at, (first, second) = ranks(tails, float(k)), directly(values, k)
        assert float(at.first) == pytest.approx(first, rel=1e-13)
        assert float(at.second) == pytest.approx(second, rel=1e-13)
    for k in (values.size, values.size + 7.5):
        assert float(ranks(tails, float(k)).first) == float(ranks(tails, float(k)).second) == 0.0


@settings(max_examples=60, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10**6))
def test_order_of_the_ranks(seed):
    tails = spectral_tails(random_spectrum(seed))
    at = ranks_at_starts(tails)
    real = np.isfinite(tails.start)
    first, second = np.asarray(at.first)[real], np.asarray(at.second)[real]
    assert (first <= second * (1 + 1e-14)).all() and (second <= first**2 * (1 + 1e-14)).all()


@pytest.mark.parametrize("alpha", [1.05, 1.5, 3.0, 10.0])
def test_infinite_power_laws(alpha):
    tails = spectral_tails(rg.Spectrum.power_law(alpha))
    for k in (0, 7, 4095, 4096, 10**4, 10**8):
        with mpmath.workdps(40):
            first = mpmath.zeta(alpha, k + 1) * mpmath.mpf(k + 1) ** alpha
            second = first**2 / (mpmath.zeta(2 * alpha, k + 1) * mpmath.mpf(k + 1) ** (2 * alpha))
        rel = 1e-11 if k <= 4095 else ON_TAIL
        assert float(ranks(tails, float(k)).first) == pytest.approx(float(first), rel=rel)
        assert float(ranks(tails, float(k)).second) == pytest.approx(float(second), rel=rel)


def test_target_power_before_and_beyond():
    spectrum = rg.Spectrum.power_law(1.5)
    tails = spectral_tails(spectrum, spectrum.power_law_target(1.7), null_power=0.25)
    for place in (0, 10, 4000, 4500):
        k = tails.start[place]
        assert tails.power_beyond[place] == pytest.approx(0.25 + float(mpmath.zeta(1.7, k + 1)), rel=1e-6)
        if place <= 4000:
            i = np.arange(1.0, k + 1)
            before = np.sum(i**-1.7 * (i / (k + 1)) ** 3.0)
        else:
            before = ((k + 0.5) ** 2.3 / 2.3 + float(mpmath.zeta(-1.3))) / (k + 1) ** 3
        assert tails.power_before[place] == pytest.approx(before, rel=1e-6)


def test_spectra_no_double_can_square():
    tails = spectral_tails(rg.Spectrum.exponential(1.0))
    share = np.exp(-1.0)
    for k in (0.0, 50.0, 500.0):
        assert float(ranks(tails, k).first) == pytest.approx(1 / (1 - share), rel=1e-12)
        assert float(ranks(tails, k).second) == pytest.approx((1 - share**2) / (1 - share) ** 2, rel=1e-12)
    cliff = spectral_tails(rg.Spectrum([1e300, 1.0, 1e-300, 1e-305]))
    assert np.asarray(ranks_at_starts(cliff).first)[:4] == pytest.approx([1.0, 1.0, 1.00001, 1.0])


def test_a_million_modes_and_the_levels_left_out():
    spectrum = rg.Spectrum.log_power_law(2.0, modes=10**6)
    whole, part = spectral_tails(spectrum), spectral_tails(spectrum, largest=20_000.0)
    assert part.start.size < whole.start.size / 10
    for k in (0, 100, 20_000):
        first, second = directly(spectrum.eigenvalues, k)
        for tails in (whole, part):
            assert float(ranks(tails, float(k)).first) == pytest.approx(first, rel=1e-11)
            assert float(ranks(tails, float(k)).second) == pytest.approx(second, rel=1e-11)


def test_zero_eigenvalues_are_no_modes():
    tails = spectral_tails(rg.Spectrum([2.0, 1.0, 0.0]), [0.0, 1.0, 5.0])
    assert float(ranks(tails, 1.0).first) == 1.0 and float(ranks(tails, 2.0).first) == 0.0
    assert tails.power_beyond[1] == 6.0


@pytest.mark.parametrize("seed", range(8))
def test_critical_index_by_search(seed):
    spectrum = random_spectrum(seed)
    values, tails = expanded(spectrum), spectral_tails(spectrum)
    for target in (1.0, 2.5, 6.0, 20.0, 300.0):
        found = [k for k in range(values.size) if directly(values, k)[0] >= target * (1 + 1e-12)]
        level = int(critical(tails, target / 2.0, 2.0))
        assert (found == [] and level == -1) or tails.start[level] == found[0]


@pytest.mark.parametrize("seed", range(10))
def test_bound_is_the_least_over_whole_k_and_above_the_coefficient(seed):
    spectrum = random_spectrum(seed, largest_level=2 if seed % 2 else 40)
    values, tails = expanded(spectrum), spectral_tails(spectrum)
    n = np.geomspace(0.7, 1.5 * values.size, 12)
    found = bound(tails, n)
    exact = coefficient(rg.Task(spectrum, np.zeros(spectrum.eigenvalues.size)).modes, n)
    assert (np.asarray(found.bound) >= np.asarray(exact) * (1 - 1e-12)).all()
    for i, size in enumerate(n):
        allowed = [(k, directly(values, k)[1]) for k in range(values.size) if k < size]
        best = min(((1 - k / size) ** -2 / (1 - size / second) for k, second in allowed if second > size), default=np.inf)
        assert float(found.bound[i]) == pytest.approx(best, rel=1e-9), "k inside levels included"
        assert np.isnan(found.k[i]) == np.isinf(best)


@pytest.mark.parametrize(
    "spectrum", [rg.Spectrum.power_law(1.2), rg.Spectrum.log_power_law(2.0), rg.Spectrum.exponential(0.1)], ids=repr
)
def test_bound_on_infinite_spectra(spectrum):
    n = np.geomspace(1.0, 1e7 if spectrum.name != "exponential" else 6000.0, 20)
    found = np.asarray(bound(spectral_tails(spectrum), n).bound)
    exact = np.asarray(coefficient(rg.Task(spectrum, np.zeros(spectrum.eigenvalues.size)).modes, n))
    assert (found >= exact).all()
    if spectrum.name == "log_power_law":
        assert found[-1] < 1.25 and found[-1] == found.min(), "sharp enough to prove it benign"
