"""Numbers that once were wrong without a word: late times, steep spectra, holes between regimes, extremes."""

import warnings

import numpy as np
import pytest

import rfgen as rg
from rfgen.systems.univariate import min_norm_interpolant

ISOTROPIC = rg.Task.isotropic(50)
STEEP = rg.Task(np.exp(-1.3 * np.arange(40)), np.ones(40), noise=1e-10)


def isotropic_risk(decay, samples=100, modes=50):
    """Mean of `decay` over the Marchenko-Pastur law: the noise-free risk of an isotropic target, n > modes."""
    ratio = modes / samples
    low, high = (1 - ratio**0.5) ** 2, (1 + ratio**0.5) ** 2
    points, weights = np.polynomial.legendre.leggauss(400)
    angle = np.pi / 2 * (points + 1)
    h = (low + high) / 2 - (high - low) / 2 * np.cos(angle)
    return np.pi / 2 * weights @ ((high - low) ** 2 / 4 * np.sin(angle) ** 2 / (2 * np.pi * ratio * h) * decay(h))


LATE = {
    "flow": (rg.GradientFlow([1.0, 50.0, 80.0, 150.0, 1e5]), lambda at: lambda h: np.exp(-2 * h * at)),
    "descent": (rg.GradientDescent(0.5, [10, 100, 1000]), lambda at: lambda h: (1 - 0.5 * h) ** (2 * at)),
}


@pytest.mark.parametrize("name", LATE)
def test_late_times_without_noise(name):
    """-4e-18 was given as solved, where the risk is e^(-2 lambda t)."""
    training, decay = LATE[name]
    curve = rg.predict(ISOTROPIC, rg.Learner(training), n=100)
    clock = next(iter({"time", "steps"} & set(curve.coords)))
    exact = np.array([isotropic_risk(decay(float(at))) for at in curve[clock]])
    solved = curve.converged.values
    assert solved[exact > 1e-9].all() and not solved[exact < 1e-14].any()
    np.testing.assert_allclose(curve.test.values[solved], exact[solved], rtol=1e-5)
    assert np.isnan(curve.test.values[~solved]).all() and "lost to rounding" in curve.attrs["failures"]


@pytest.mark.parametrize("training", [
    rg.HeavyBall(0.3, 0.5, [10, 300, 1000]), rg.Nesterov(0.3, [10, 400]), rg.Chebyshev(0.08, 3.0, [10, 300]),
    rg.SGD(0.05, [10, 3000], batch=50), rg.OnePassSGD(0.01, [10, 10**5], batch=4),
])
def test_no_risk_is_below_zero(training):
    curve = rg.predict(ISOTROPIC, rg.Learner(training), n=None if isinstance(training, rg.OnePassSGD) else 100)
    for name in ("test", "bias", "variance"):
        assert not (curve[name] < 0).any()
    assert "failures" in curve.attrs or not np.isnan(curve.test).any()


def test_rounding_is_that_of_the_sums():
    """Of a steep law 6e-15 of the untrained risk is known to 1e-4 (NaN before); training errors of no digit are told."""
    task = rg.Task.power_law(1.3, 4.5, modes=None)
    curve = rg.predict(task, rg.Learner(rg.GradientFlow([1e4, 1e5])), n=1e12)
    population = [np.sum(task.modes.power * np.exp(-2 * task.modes.eigenvalues * at)) for at in curve.time.values]
    np.testing.assert_allclose(curve.test.values, population, rtol=1e-4)  # what is left is of the samples
    assert "train_rounded" not in curve.attrs and (curve.residual < 1e-5).all()
    late = rg.predict(rg.Task.isotropic(50, noise=0.1), rg.Learner(rg.GradientFlow([1.0, 1e5])), n=20)
    assert late.attrs["train_rounded"].startswith("1 point(s)") and late.train.values[1] < 1e-13


def test_stopping_without_noise_goes_to_the_end():
    assert np.isposinf(rg.optimal_stopping(ISOTROPIC, rg.Learner(rg.GradientFlow(1.0)), n=[25, 100]).time).all()


def test_best_ridges_of_steep_spectra():
    """194 times the least risk was given at n = 40."""
    sizes = [39, 40, 41]
    best = rg.optimal_ridge(STEEP, rg.Learner(rg.Ridge()), n=sizes)
    grid = rg.predict(STEEP, rg.Learner(rg.Ridge(np.geomspace(1e-60, 1, 512))), n=sizes).test.min("ridge")
    assert (best.test.values <= grid.values * (1 + 1e-12)).all()
    np.testing.assert_allclose(best.test[1], 0.00030243611930540204, rtol=1e-9)
    assert "edge" not in best.attrs
    silent = rg.optimal_ridge(rg.Task([1.0, 0.5], [1.0, 1.0]), rg.Learner(rg.Ridge()), n=5)
    assert "1 point(s) at ridge 0" in silent.attrs["edge"]
    unlearnable = rg.overfitting_cost(rg.Task([1.0, 0.5], [0.0, 0.0], noise=1.0), n=1)
    assert "1 point(s) at ridge inf" in unlearnable.attrs["edge"]


def test_schedules_that_diverge_are_told():
    task = rg.Task.power_law(alpha=1.5, beta=1.5, noise=0.5, modes=300)
    settings = {"steps": [10, 100], "momentum": lambda t: t / (t + 3), "nesterov": True}
    with pytest.warns(UserWarning, match="schedule unstable at step"):
        curve = rg.predict(task, rg.Learner(rg.OnePassSGD(lambda t: 0.5 / (1 + t / 20), **settings)))
    assert float(curve.test[1]) > 1e5 and "held on" in curve.attrs["unstable"]
    curve = rg.predict(task, rg.Learner(rg.OnePassSGD(lambda t: 0.02 / (1 + t / 20), **settings)))
    assert "unstable" not in curve.attrs


MODES = rg.Task(np.exp(-1.76 * np.arange(40)), np.ones(40))
SQUARE = {
    "n = features": (MODES, 1, 1, 0.5), "n = rank": (rg.Task.power_law(1.5, 1.5, 0.3, modes=20), 20, None, 0.5),
    "all equal": (rg.Task.power_law(1.5, 1.5, 0.3, modes=20), 20, 20, 1 / 3),
}


@pytest.mark.parametrize("case", SQUARE)
def test_the_latest_times_at_a_peak(case):
    """NaN between a finite and an infinite risk: it grows as a power of time, to 2.8e43 at 2.4e84."""
    task, n, features, power = SQUARE[case]
    times = np.array([1e16, 1e30, 2.4e84])
    curve = rg.predict(task, rg.Learner(rg.GradientFlow([*times, np.inf]), features=features), n=n)
    assert np.isposinf(curve.test[3]) and curve.converged.all()
    grown = np.diff(np.log(curve.test[:3])) / np.diff(np.log(times))
    np.testing.assert_allclose(grown, power, rtol=1e-5)
    if case == "n = features":
        np.testing.assert_allclose(curve.test[2], 2.796739453993e43, rtol=1e-9)


def test_training_error_of_an_infinite_risk():
    """(n - df1)^2 was 0, times an infinite risk."""
    task = rg.Task(
        [1.6e-20, 1.4e-268, 2.3e-182, 1.2e-261, 1.4e-26, 9.8e263], [7.6e-209, 1.9e232, 2.9e-111, 1.8e148, 3.8e205, 1e63],
        noise=1.0,
    )
    curve = rg.predict(task, rg.Learner(rg.Ridge([0.0, 3.7e-136, 1.0]), features=[100.0, np.inf]), n=[1, 3, 6, 40])
    for name in ("test", "train", "bias", "variance", "noise", "norm"):
        assert not np.isnan(curve[name]).any(), name


def test_interpolation_of_points_as_far_as_doubles_go():
    """The function was NaN, and the certificate said 0."""
    x, y = np.array([-3.0, 1.0, 2.0, 4.0]), np.array([0.0, 1.0, 3.0, 2.0])
    f = min_norm_interpolant(x * 1e188, y)
    np.testing.assert_allclose(f(x * 1e188), y)
    assert np.isfinite(f.cost) and f.certificate_gap < 1e-12


@pytest.mark.parametrize("augmentation", [rg.Gain([0.5, 1.5], views=2), rg.Flip(0.5, views=2)])
def test_ridge_0_of_equal_views_of_real_inputs(augmentation):
    """Two equal views, whose difference is rounding: NaN, where 1e-9 gave the limit."""
    draws = np.random.default_rng(0).normal(size=(300, 5, 6))
    features = rg.RandomFeatureMap(20, "relu")
    kept = dict(feature_map=features, noise=0.1, moment_views=8, sampling="with replacement")
    task = rg.DataTask(draws, np.sign(draws[:, 0, 0]), **kept)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # 300 examples are few
        curve = rg.predict(task, rg.Learner(rg.Ridge([0.0, 1e-9]), augmentation=augmentation), n=60)
    assert curve.converged.all()
    np.testing.assert_allclose(curve.test[0], curve.test[1], rtol=1e-6)


@pytest.mark.parametrize("alpha", [1e-300, 0.05, 0.6])
def test_finite_power_laws_of_any_exponent(alpha):
    """10^(290/alpha), where the tail of infinitely many would end, overflowed."""
    np.testing.assert_allclose(rg.Spectrum.power_law(alpha, modes=4).eigenvalues, np.arange(1.0, 5.0) ** -alpha)


def test_views_do_not_depend_on_their_company():
    """One view was 2.939 alone, and 2.963 in a call that asked for 300 too."""
    task = rg.DataTask(np.eye(6), np.arange(6.0), sampling="with replacement")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # 6 examples are few
        alone, together = (
            rg.predict(task, rg.Learner(rg.Ridge(0.1), augmentation=rg.GaussianNoise(0.1, views=each)), n=3).test
            for each in (1, [1, 4000])
        )
    assert float(alone) == float(together[0])


def test_runs_up_to_all_rows_but_one():
    """Refused beyond N - sqrt(10 N) of N rows held out, for the bias: pairs of runs without a common row have none."""
    rows = np.random.default_rng(0).normal(size=(24, 3))
    task = rg.Task.from_features(rows, rows @ np.ones(3) + 1.0)
    run = rg.simulate(task, rg.Learner(rg.Ridge(1.0)), n=[12, 20, 23], trials=40)
    assert np.isfinite(run.test).all() and np.isfinite(run.bias[:2]).all()


def test_few_samples_of_as_many_inputs_are_told():
    """Least squares on 15 rows of 10 inputs, whose fits are 33 % above theory: predict was silent."""
    inputs, labels = pytest.importorskip("sklearn.datasets").load_diabetes(return_X_y=True)
    task = rg.Task.from_features(inputs * 21.0, (labels - labels.mean()) / labels.std())
    with pytest.warns(UserWarning, match="leverages that differ"), pytest.warns(UserWarning, match="off by 17 %"):
        curve = rg.predict(task, rg.Learner(rg.Ridge(0.0)), 15)
    assert 0.15 < curve.finite_size < 0.2 and 0.2 < curve.attrs["indicator"] < 0.3


def test_uneven_rows_are_told_far_below_their_number():
    """The indicator was 0 where n is far below N, though rows of heavy tails were 10 % above theory (200 runs)."""
    random = np.random.default_rng(0)
    rows = random.normal(size=(500, 10)) / np.sqrt(random.chisquare(4, size=(500, 1)) / 4.0)
    task = rg.Task.from_features(rows, rows @ random.normal(size=10) + 2.0 * random.normal(size=500))
    with pytest.warns(UserWarning, match="leverages that differ"):
        curve = rg.predict(task, rg.Learner(rg.Ridge(0.0)), n=30)
    assert 0.1 < curve.attrs["indicator"] < 0.3


def test_a_prior_whose_smallest_share_rounds_below_one_row_is_served():
    """It was refused as a missing class."""
    mixture = rg.Mixture([0.5] * 9, np.ones(9), prior=0.3500071996916192)
    near = rg.Mixture([0.5] * 9, np.ones(9), prior=0.35)
    errors = [float(rg.predict(each, rg.Learner(rg.Averaging()), n=60).error) for each in (mixture, near)]
    np.testing.assert_allclose(errors[0], errors[1], rtol=1e-4)
