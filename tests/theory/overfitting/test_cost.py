"""The cost of overfitting: below the coefficient on any target, equal on pure noise, exact values, limits, real kernels."""

import math

import jax
import jax.numpy as jnp
import mpmath
import numpy as np
import pytest

import rfgen as rg
from rfgen.problems.spectra.modes import Modes
from rfgen.problems.spectra.spectral_tails import spectral_tails
from rfgen.theory.overfitting.cost import cost_of, overfitting_coefficient, overfitting_cost
from rfgen.theory.overfitting.verdict import overfitting_verdict
from rfgen.theory.ridge.learnability import learnability
from rfgen.theory.ridge.risk import risk

MODES, TASKS, RIDGES = 24, 10_000, 16
ROUNDING = 1e-10


def silent(spectrum, noise=1.0, **more):
    """A task without target power: pure noise."""
    return rg.Task(spectrum, np.zeros(spectrum.eigenvalues.size), noise, **more)


def random_modes(random, tasks):
    """Modes of `tasks` random spectra and targets of MODES modes, decays from flat to 40 decades, sparse targets."""
    scale = 10.0 ** random.uniform(-3.0, 0.6, (tasks, 1))
    values = np.exp(-np.cumsum(scale * random.exponential(1.0, (tasks, MODES)), axis=1))
    power = random.exponential(1.0, (tasks, MODES)) ** 3 * values ** random.uniform(-0.5, 2.0, (tasks, 1))
    power *= random.random((tasks, MODES)) < random.uniform(0.0, 1.0, (tasks, 1))
    ones = np.ones((tasks, MODES))
    return Modes(
        values, ones, power, random.exponential(1.0, tasks) * (random.random(tasks) < 0.3), np.full(tasks, float(MODES)),
        values[:, -1], np.cumsum(ones, axis=1),
    )


def test_cost_is_at_most_the_coefficient_on_ten_thousand_random_tasks():
    random = np.random.default_rng(0)
    modes = random_modes(random, TASKS)
    n = random.uniform(0.3, 2.0 * MODES, TASKS)
    noise = random.exponential(1.0, TASKS) * (random.random(TASKS) < 0.7)
    with jax.enable_x64(True):

        @jax.jit
        def ratios(modes, n, noise):
            def one(at):
                modes, n, noise = at
                free = risk(modes, n, jnp.inf, 0.0, noise)
                ridges = jnp.sum(modes.eigenvalues) * jnp.append(jnp.geomspace(1e-9, 1e4, RIDGES - 1), 1e300)
                tests = jax.vmap(lambda ridge: risk(modes, n, jnp.inf, ridge, noise).test)(ridges)
                return free.test / jnp.min(tests), free.amplification

            return jax.lax.map(one, (modes, n, noise), batch_size=250)

        cost, coefficient = (np.asarray(value) for value in ratios(modes, n, noise))
    something = np.isfinite(cost)
    assert something.mean() > 0.9  # the others have risk 0
    assert (cost <= coefficient * (1 + ROUNDING))[something].all()
    assert (coefficient >= 1.0).all()
    assert np.mean(cost[something] > 0.5 * coefficient[something]) > 0.1, "the bound is no formality"


def test_optimised_over_the_ridge_too():
    random = np.random.default_rng(1)
    tasks = 60
    modes, n = random_modes(random, tasks), random.uniform(0.3, 2.0 * MODES, tasks)
    with jax.enable_x64(True):
        at = jax.jit(lambda *all: jax.lax.map(lambda a: overfitting_cost(a[0], a[1], jnp.inf, a[2]), all))(
            modes, n, random.exponential(0.3, tasks)
        )
    cost, coefficient = np.asarray(at.cost), np.asarray(at.overfitting_coefficient)
    assert (cost >= 1 - ROUNDING).all() and (cost <= coefficient * (1 + ROUNDING)).all() and at.converged.all()


@pytest.mark.parametrize(
    "task",
    [
        silent(rg.Spectrum.power_law(1.5)), silent(rg.Spectrum.exponential(0.1)),
        silent(rg.Spectrum.isotropic(400), 0.2), silent(rg.Spectrum([1.0, 0.5] * 90), 0.0, null_power=0.7),
        rg.Task(np.append(np.ones(200), 0.0), np.append(np.zeros(200), 2.0)),
    ],
    ids=["power", "exponential", "isotropic", "outside the span", "eigenvalue zero"],
)
def test_pure_noise_costs_the_coefficient(task):
    at = rg.overfitting_cost(task, n=[3, 30, 150])
    np.testing.assert_allclose(at.cost, at.overfitting_coefficient, rtol=ROUNDING)
    assert np.isinf(at.best_ridge).all()


@pytest.mark.parametrize(("alpha", "modes", "value"), [(1.5, 4_000_000, 1.506), (1.5, None, 1.49925), (3.0, None, 2.999)])
def test_power_law_at_a_thousand_samples(alpha, modes, value):
    at = rg.overfitting_cost(silent(rg.Spectrum.power_law(alpha, modes)), n=1000)
    assert float(at.overfitting_coefficient) == pytest.approx(value, abs=6e-4)


def test_log_power_law_of_four_million_modes():
    at = rg.overfitting_cost(silent(rg.Spectrum.log_power_law(2.0, 4_000_000)), n=[10, 100, 1000, 10_000])
    np.testing.assert_allclose(at.overfitting_coefficient, [1.513, 1.353, 1.281, 1.272], atol=5e-4)
    assert (np.diff(at.bound) < 0).all()


def test_exponential():
    at = rg.overfitting_cost(silent(rg.Spectrum.exponential(0.1)), n=[50, 100, 150])
    np.testing.assert_allclose(at.overfitting_coefficient, [5.03, 10.0, 15.0], atol=5e-3)
    assert at.attrs["verdict"] == "catastrophic" and at.attrs["limit"] == math.inf


@pytest.mark.parametrize("alpha", [1.1, 1.5, 2.0, 3.0])
def test_power_laws_tend_to_their_exponent(alpha):
    at = rg.overfitting_cost(silent(rg.Spectrum.power_law(alpha)), n=[100, 200, 400])
    first, second, third = at.overfitting_coefficient.values
    assert 4 * abs(third - alpha) < 1.1 * abs(first - alpha)  # of order 1/n
    extrapolated = (8 * third - 6 * second + first) / 3  # orders 1/n and 1/n^2 removed
    assert extrapolated == pytest.approx(alpha, abs=1e-3)
    assert at.attrs["verdict"] == "tempered" and at.attrs["limit"] == alpha


def oracle(values, counts, n):
    """E0 in 40 digits, by bisection."""
    with mpmath.workdps(40):
        values = [mpmath.mpf(float(value)) for value in values]

        def excess(log_kappa):
            kappa = mpmath.exp(log_kappa)
            return sum(m * x / (x + kappa) for x, m in zip(values, counts, strict=True)) - n

        low, high = mpmath.log(values[-1]) - 100, mpmath.log(values[0]) + 100
        for _ in range(150):
            middle = (low + high) / 2
            low, high = (middle, high) if excess(middle) > 0 else (low, middle)
        kappa = mpmath.exp(low)
        return n / (n - sum(m * (x / (x + kappa)) ** 2 for x, m in zip(values, counts, strict=True)))


@pytest.mark.parametrize("spread", [0.01, 0.3, 3.0, 20.0])
def test_coefficient_to_thirty_digits(spread):
    random = np.random.default_rng(5)
    values, counts = np.exp(-spread * np.cumsum(random.exponential(1.0, 14))), random.integers(1, 9, 14)
    sizes = [0.5, 3.0, 17.0, counts.sum() - 0.25]
    at = rg.overfitting_cost(rg.Task(values, np.zeros(14), 1.0, counts), n=sizes)
    exact = [float(oracle(values, [int(c) for c in counts], mpmath.mpf(float(n)))) for n in sizes]
    np.testing.assert_allclose(at.overfitting_coefficient, exact, rtol=1e-12)


def test_isotropic_closed_form():
    dim, n = 200, np.array([1.0, 50.0, 199.0, 200.0, 201.0, 800.0])
    at = rg.overfitting_cost(rg.Task.isotropic(dim, noise=0.5), n)
    with np.errstate(divide="ignore"):
        exact = np.where(n < dim, 1 / (1 - n / dim), n / (n - dim))
    np.testing.assert_allclose(at.overfitting_coefficient, exact, rtol=1e-11)
    # arXiv 1903.08560: ridgeless excess risk, and the best ridge dim noise / signal
    free = np.array([(1 - 50 / dim) + 0.5 / (dim / 50 - 1), 0.5 * (dim / 800) / (1 - dim / 800)]) + 0.5
    np.testing.assert_allclose(at.ridgeless_test.values[[1, 5]], free, rtol=1e-12)
    np.testing.assert_allclose(at.best_ridge, dim * 0.5, rtol=1e-6)
    assert at.cost.values[3] == math.inf and (at.cost.values[[0, 1, 2, 4, 5]] < math.inf).all()


def test_interpolation_peak_and_nothing_to_learn():
    peak = rg.overfitting_cost(rg.Task.isotropic(20, noise=0.1), n=[19, 20, 21])
    assert peak.cost.values[1] == peak.overfitting_coefficient.values[1] == math.inf
    learned = rg.overfitting_cost(rg.Task.isotropic(20), n=[20, 40])  # risk 0 over 0
    assert (learned.cost.values == 1.0).all() and (learned.best_ridge.values == 0.0).all()
    empty = rg.overfitting_cost(rg.Task.isotropic(20, signal=0.0), n=[5, 20])
    assert (empty.cost.values == 1.0).all()
    with jax.enable_x64(True):
        values = [float(cost_of(*pair)) for pair in ((0.0, 0.0), (math.inf, 2.0), (3.0, 2.0), (math.inf, math.inf))]
    assert values[:3] == [1.0, math.inf, 1.5] and math.isnan(values[3])


def test_targets_in_the_tail_alone_are_noise():
    index = np.arange(1.0, 2001.0)
    tail = rg.overfitting_cost(rg.Task(index**-1.5, np.where(index > 1900, 1.0, 0.0)), n=20)
    head = rg.overfitting_cost(rg.Task(index**-1.5, np.where(index < 3, 1.0, 0.0)), n=20)
    assert float(tail.cost) > 0.97 * float(tail.overfitting_coefficient) and float(head.cost) < 1.01


def test_multiple_descent_on_the_sphere():
    task = rg.Task.sphere(40, rg.GaussianKernel(3.0), {1: 1.0}, noise=0.2, degrees=8)
    through = np.cumsum(task.spectrum.multiplicity[:3])  # 1, 41, 860
    n = np.geomspace(5, 5000, 120)
    at = rg.overfitting_cost(task, n)
    coefficient = at.overfitting_coefficient.values
    peaks = n[1:-1][(coefficient[1:-1] > coefficient[:-2]) & (coefficient[1:-1] > coefficient[2:])]
    assert peaks.size == 2
    np.testing.assert_allclose(np.log(peaks) / np.log(40), np.log(through[1:]) / np.log(40), atol=0.1)
    valley = coefficient[(n > peaks[0]) & (n < peaks[1])].min()
    assert valley < 0.7 * coefficient[np.isin(n, peaks)].min()


def test_random_features():
    task = rg.Task.power_law(1.5, 1.6, 0.3, modes=3000)
    kernel = rg.overfitting_cost(task, n=[30, 100])
    at = rg.overfitting_cost(task, n=[30, 100], features=[10, 100, 400])
    assert at.cost.dims == ("n", "features") and "overfitting_coefficient" not in at
    for i, n in enumerate((30.0, 100.0)):
        for j, features in enumerate((10.0, 100.0, 400.0)):
            base = float(kernel.overfitting_coefficient[i])
            exact = n / (n - features) if features < n else base + n / (features - n) if features > n else math.inf
            assert float(at.amplification[i, j]) == pytest.approx(exact, rel=1e-11)
    assert (at.bound.values >= at.amplification.values * (1 - 1e-12)).all()
    noise = rg.overfitting_cost(silent(task.spectrum), n=[30, 100], features=[10, 100, 400])
    np.testing.assert_allclose(noise.cost, noise.amplification, rtol=ROUNDING)
    assert at.cost.values[1, 1] == math.inf and "kernel" in at.attrs["evidence"]


def test_outputs_kept_or_summed():
    index = np.arange(1.0, 101.0)
    power = np.stack([index**-1.2, index**-3.0])
    kept = rg.overfitting_cost(rg.Task(index**-1.5, power, [0.0, 0.5], keep_outputs=True), n=[10, 30])
    assert kept.cost.dims == ("n", "output") and kept.overfitting_coefficient.dims == ("n",)
    for i, noise in enumerate((0.0, 0.5)):
        alone = rg.overfitting_cost(rg.Task(index**-1.5, power[i], noise), n=[10, 30])
        np.testing.assert_allclose(kept.cost[:, i], alone.cost, rtol=1e-9)
    summed = rg.overfitting_cost(rg.Task(index**-1.5, power, [0.0, 0.5]), n=[10, 30])
    assert summed.cost.dims == ("n",)
    assert (summed.cost.values <= summed.overfitting_coefficient.values).all()


def test_verdicts():
    named = {
        rg.Spectrum.power_law(1.3): ("tempered", 1.3), rg.Spectrum.log_power_law(3.0): ("benign", 1.0),
        rg.Spectrum.exponential(1.0): ("catastrophic", math.inf),
    }
    for spectrum, expected in named.items():
        at = overfitting_verdict(spectrum, spectral_tails(spectrum), 20.0)
        assert (at.verdict, at.limit) == expected and at.evidence.startswith("exact")
    index = np.arange(1.0, 20_001.0)
    finite = {
        "tempered": index**-1.5, "catastrophic": np.exp(-0.5 * index[:1000]), "benign": 1 / (index * np.log1p(index) ** 4.0)
    }
    for verdict, values in finite.items():
        spectrum = rg.Spectrum(values)
        at = overfitting_verdict(spectrum, spectral_tails(spectrum), [100.0, 400.0])
        assert at.verdict == verdict and math.isnan(at.limit), at.evidence
        assert "trend" in at.evidence and "rank" in at.evidence
    beyond = rg.overfitting_cost(rg.Task.isotropic(10, noise=0.1), n=[20, 50])
    assert beyond.attrs["limit"] == 1.0 and "nothing is interpolated" in beyond.attrs["evidence"]
    assert "undecided" in rg.overfitting_cost(rg.Task.isotropic(5), n=1).attrs["evidence"]


def test_beyond_what_the_tail_resolves_is_not_a_number():
    at = rg.overfitting_cost(silent(rg.Spectrum.exponential(0.1)), n=[100, 1e5])
    assert np.isnan(at.cost.values[1]) and np.isnan(at.bound.values[1]) and "resolved" in at.attrs["failures"]
    assert at.cost.values[0] > 9 and not at.converged.values[1]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n": 0}, "n must be > 0"), ({"n": [10, -1]}, "n must be > 0"), ({"n": None}, "n, the number"),
        ({"n": np.nan}, "n must be finite"), ({"task": "power"}, "task must be"), ({"features": 0}, "features must be"),
    ],
)
def test_bad_input(change, message):
    with pytest.raises(ValueError, match=message):
        rg.overfitting_cost(**{"task": rg.Task.isotropic(5), "n": 10, **change})


@pytest.mark.parametrize("build", [rg.Spectrum.power_law, rg.Spectrum.log_power_law])
def test_spectra_without_a_trace_are_refused(build):
    with pytest.raises(ValueError, match=r"must be > 1 when modes=None"):
        build(0.9)


@pytest.mark.parametrize(("n", "ridge", "features"), [(7.0, 0.0, math.inf), (7.0, 0.3, math.inf), (90.0, 0.3, 55.0)])
def test_learnabilities_share_the_samples(n, ridge, features):
    modes = rg.Task.power_law(1.3, 1.3, modes=500).modes
    with jax.enable_x64(True):
        at = learnability(modes, n, ridge, features)
        shared = float((modes.multiplicity * at.shares).sum() + (ridge / at.kappa if ridge else 0.0))
        assert shared == pytest.approx(n, rel=1e-13)
        assert float(at.unspent) == pytest.approx(n - float((modes.multiplicity * at.shares).sum()), abs=1e-11)
        small = rg.Task([3.0, 2.0], [1.0, 1.0]).modes
        assert learnability(small, 5.0).shares[:2].tolist() == [1.0, 1.0]
        assert float(learnability(small, 5.0).unspent) == 3.0
        assert float(overfitting_coefficient(small, 5.0)) == pytest.approx(5 / 3)
