"""Ensembles, bags and the fine-grained variance: closed forms, limits, and what two models have in common."""

import math

import jax
import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.stats import poisson

import rfgen as rg
from rfgen.theory.ridge.block_risk import augmented_modes, augmented_risk
from rfgen.theory.ridge.ensemble import ensemble
from rfgen.theory.ridge.risk import risk

NOISE = 0.3
TASK = rg.Task.power_law(alpha=1.5, beta=1.5, noise=NOISE, modes=1000)
POINTS = [(80, 60, 0.05), (60, 150, 0.05), (60, 60, 1e-6), (200, 37, 0.0), (37, 200, 0.0), (50, math.inf, 0.2)]


def closed_forms(n, features, ridge):
    """Risks of two models that share nothing, features, data, data and noise, data and features, all: the 2 x 2 system."""
    curve = rg.predict(TASK, rg.Learner(rg.Ridge(ridge), features=features), n)
    gamma, z, eigenvalues, power = float(curve.gamma), float(curve.df1), TASK.eigenvalues, TASK.power
    learned = eigenvalues / (eigenvalues + gamma)
    q = float(np.sum(learned**2))
    bias, fitted = float(np.sum((1 - learned) ** 2 * power)), float(np.sum(learned**2 * power / eigenvalues))
    found = {}
    for shared in ("", "F", "X", "Xe", "XF", "XFe"):
        noise = NOISE * ("e" in shared)
        from_data, from_features = ("X" in shared) / n, ("F" in shared) / features
        # tau = noise + bias + tau q/n + alpha gamma (z - q)/k, alpha = fitted + tau (z - q)/(n gamma) + alpha q/k
        matrix = np.array([
            [1 - q * from_data, -gamma * (z - q) * from_features],
            [-(z - q) / gamma * from_data, 1 - q * (1 / features)],
        ])
        tau = np.linalg.solve(matrix, [noise + bias, fitted])[0]
        if "X" not in shared:  # the risk of fresh data, not of the other model's rows
            tau = bias + gamma * (z - q) * from_features * fitted / (1 - q / features)
        found[shared] = tau - noise
    return found


@pytest.mark.parametrize(("n", "features", "ridge"), POINTS)
def test_closed_forms(n, features, ridge):
    parts = rg.fine_grained_variance(TASK, rg.Learner(rg.Ridge(ridge), features=features), n)
    c = closed_forms(n, features, ridge)
    expected = {
        "bias": c[""], "irreducible": NOISE, "variance_data": c["X"] - c[""], "variance_features": c["F"] - c[""],
        "variance_data_features": c["XF"] - c["X"] - c["F"] + c[""], "variance_data_noise": c["Xe"] - c["X"],
        "variance_data_features_noise": c["XFe"] - c["XF"] - c["Xe"] + c["X"], "test": c["XFe"] + NOISE,
    }
    for name, value in expected.items():
        assert float(parts[name]) == pytest.approx(value, rel=1e-7, abs=1e-9), name
    total = sum(float(parts[name]) for name in parts.data_vars if name not in ("test", "converged"))
    assert total == pytest.approx(float(parts.test), rel=1e-12)


@pytest.mark.parametrize(("n", "features", "ridge"), POINTS)
def test_both_engines_agree_on_what_two_models_share(n, features, ridge):
    with jax.enable_x64(True):
        problem, *_ = augmented_modes(TASK, None)
        for shared in ("all", "samples"):
            one = risk(TASK.modes, n, features, ridge, NOISE, shared)
            two = augmented_risk(problem, n, features, ridge, NOISE, shared)
            for name in ("test", "bias", "variance", "noise"):
                assert float(getattr(one, name)) == pytest.approx(float(getattr(two, name)), rel=1e-8), (shared, name)
            assert float(one.train) == pytest.approx(float(two.train), rel=1e-7, abs=1e-20)


@pytest.mark.parametrize(("n", "features", "ridge"), POINTS[:5])
def test_infinite_ensemble_is_kernel_ridge_at_the_effective_ridge(n, features, ridge):
    many = rg.predict(TASK, rg.Learner(rg.Ridge(ridge), features=features), n, members=math.inf)
    effective = float(many.effective_ridge)
    assert effective >= ridge
    kernel = rg.predict(TASK, rg.Learner(rg.Ridge(effective)), n)
    for name in ("test", "bias", "variance", "noise", "train"):
        assert float(many[name]) == pytest.approx(float(kernel[name]), rel=1e-11, abs=1e-20), name


def test_members_interpolate_between_one_model_and_infinitely_many():
    learner = rg.Learner(rg.Ridge([0.0, 0.05]), features=[40, 60, 200])
    one, members = rg.predict(TASK, learner, [30, 60]), [1, 2, 7, math.inf]
    many = rg.predict(TASK, learner, [30, 60], members=members)
    assert many.test.dims == ("n", "features", "ridge", "members")
    first = many.isel(members=0)
    for name in ("test", "train", "bias", "variance", "noise", "norm"):
        np.testing.assert_allclose(first[name], one[name], rtol=1e-12)
    risks = many.test.values
    assert np.isinf(risks[1, 1, 0, :3]).all()  # n = features at ridge 0: each model diverges
    assert np.isfinite(risks[1, 1, 0, 3])  # but not infinitely many
    assert (np.diff(np.where(np.isinf(risks), 1e300, risks), axis=-1) <= 0).all()
    single, limit = np.delete(risks.reshape(-1, 4), 8, axis=0)[:, [0, 3]].T
    np.testing.assert_allclose(np.delete(risks.reshape(-1, 4), 8, axis=0)[:, 2], limit + (single - limit) / 7, rtol=1e-12)


def test_infinitely_many_features_leave_nothing_to_average():
    learner = rg.Learner(rg.Ridge(0.1), features=[50, math.inf])
    many = rg.predict(TASK, learner, 80, members=[1, 5])
    assert float(many.test[1, 0]) == pytest.approx(float(many.test[1, 1]), rel=1e-14)
    parts = rg.fine_grained_variance(TASK, rg.Learner(rg.Ridge(0.1)), 80)
    for name in ("variance_features", "variance_data_features", "variance_data_features_noise"):
        assert float(parts[name]) == pytest.approx(0.0, abs=1e-15)


def test_outputs_are_kept():
    random = np.random.default_rng(0)
    task = rg.Task(np.arange(1, 41) ** -1.5, random.random((3, 40)), noise=[0.1, 0.2, 0.3], keep_outputs=True)
    many = rg.predict(task, rg.Learner(rg.Ridge(0.1), features=30), [20, 50], members=[1, 3])
    assert many.test.dims == ("n", "members", "output")
    np.testing.assert_allclose(
        many.test[:, 0], rg.predict(task, rg.Learner(rg.Ridge(0.1), features=30), [20, 50]).test, rtol=1e-12
    )
    parts = rg.fine_grained_variance(task, rg.Learner(rg.Ridge(0.1), features=30), [20, 50])
    assert parts.variance_data.dims == ("n", "output")


def test_along_training_the_end_is_ridge():
    flow = rg.Learner(rg.GradientFlow([1.0, 1e12, math.inf]), features=60)
    ridge = rg.predict(TASK, rg.Learner(rg.Ridge(0.0), features=60), 100, members=[1, 4])
    along = rg.predict(TASK, flow, 100, members=[1, 4])
    np.testing.assert_allclose(along.test[2], ridge.test, rtol=1e-9)
    np.testing.assert_allclose(along.test[1], ridge.test, rtol=1e-6)
    np.testing.assert_allclose(along.test[:, 0], rg.predict(TASK, flow, 100).test, rtol=1e-12)
    parts = rg.fine_grained_variance(TASK, flow, 100)
    end = rg.fine_grained_variance(TASK, rg.Learner(rg.Ridge(0.0), features=60), 100)
    for name in ("variance_data", "variance_features", "variance_data_noise", "variance_data_features_noise"):
        assert float(parts[name][2]) == pytest.approx(float(end[name]), rel=1e-7), name


def test_clean_views_change_nothing():
    plain, clean = (rg.Learner(rg.Ridge(0.1), features=60, augmentation=each) for each in (None, rg.Mask(1.0, views=3)))
    one, two = (rg.predict(TASK, learner, 80, members=[1, 4, math.inf]) for learner in (plain, clean))
    np.testing.assert_allclose(one.test, two.test, rtol=1e-9)


def test_initial_weights_of_its_own_average_out():
    curve = rg.predict(TASK, rg.Learner(rg.GradientFlow(3.0, initial_variance=0.2)), 80, members=[1, 2, math.inf])
    left = curve.initial_variance.values
    assert left[0] > 0.0
    np.testing.assert_allclose(left, left[0] / np.array([1, 2, np.inf]), rtol=1e-12)
    without = rg.predict(TASK, rg.Learner(rg.GradientFlow(3.0)), 80)
    assert float(curve.test[2]) == pytest.approx(float(without.test), rel=1e-9)


# bagging


def test_a_subsample_is_a_smaller_training_set():
    for learner, smaller in (
        (rg.Learner(rg.Ridge(0.05), resampling=rg.Subsample(0.625)), rg.Learner(rg.Ridge(0.05))),
        (rg.Learner(rg.Ridge(0.05), features=60, resampling=rg.Subsample(0.625)), rg.Learner(rg.Ridge(0.05), features=60)),
    ):
        bag, fresh = rg.predict(TASK, learner, 80), rg.predict(TASK, smaller, 50)
        assert float(bag.test) == pytest.approx(float(fresh.test), rel=1e-12)
        assert "train" not in bag
    whole = rg.predict(TASK, rg.Learner(rg.Ridge(0.05), resampling=rg.Subsample(1.0)), 80, members=[1, 9])
    plain = rg.predict(TASK, rg.Learner(rg.Ridge(0.05)), 80)
    np.testing.assert_allclose(whole.test, float(plain.test), rtol=1e-12)


def test_bootstrap_in_closed_form():
    """One bag (noise + bias) / (1 - q n E[m^2/(1 + m d)^2]/c^2), infinitely many (noise + bias) n / (n - q)."""
    n, ridge, eigenvalues, power = 80, 0.05, TASK.eigenvalues, TASK.power
    m = np.arange(0, 60)
    law = poisson.pmf(m, 1.0)

    def strength(d):
        return n * np.sum(law * m / (1 + m * d))

    d = brentq(lambda d: np.sum(eigenvalues / (strength(d) * eigenvalues + ridge)) - d, 1e-12, 1e12, xtol=1e-14)
    gamma = ridge / strength(d)
    learned = eigenvalues / (eigenvalues + gamma)
    q, bias = np.sum(learned**2), np.sum((1 - learned) ** 2 * power)
    one = (NOISE + bias) / (1 - q * n * np.sum(law * m**2 / (1 + m * d) ** 2) / strength(d) ** 2)
    bags = rg.predict(TASK, rg.Learner(rg.Ridge(ridge), resampling=rg.Bootstrap()), n, members=[1, math.inf])
    np.testing.assert_allclose(bags.test, [one, (NOISE + bias) * n / (n - q)], rtol=1e-10)


@pytest.mark.parametrize("features", [math.inf, 60])
def test_infinitely_many_bags_are_kernel_ridge(features):
    """At the ridge of the same degrees of freedom, whatever the bags and the features."""
    learner = rg.Learner(rg.Ridge(0.05), features=features, resampling=rg.Bootstrap())
    many = rg.predict(TASK, learner, 80, members=math.inf)

    def surplus(log_ridge):
        return float(rg.predict(TASK, rg.Learner(rg.Ridge(math.exp(log_ridge))), 80).df1 - many.df1)

    kernel = rg.predict(TASK, rg.Learner(rg.Ridge(math.exp(brentq(surplus, -8, 5, xtol=1e-14)))), 80)
    assert float(many.test) == pytest.approx(float(kernel.test), rel=1e-10)


def test_gradient_flow_of_bags_ends_at_their_ridge():
    many = [
        rg.predict(TASK, rg.Learner(training, features=60, resampling=rg.Bootstrap()), 100, members=[1, 5])
        for training in (rg.GradientFlow(math.inf), rg.Ridge(0.0))
    ]
    np.testing.assert_allclose(many[0].test, many[1].test, rtol=1e-9)


def test_derivative_of_the_pair():
    with jax.enable_x64(True):
        def pair(ridge):
            return risk(TASK.modes, 80, 60, ridge, NOISE, "samples").test

        slope, step = float(jax.grad(pair)(0.05)), 1e-6
        difference = float(pair(0.05 + step) - pair(0.05 - step)) / (2 * step)
    assert slope == pytest.approx(difference, rel=1e-7)


def test_mixing_an_infinite_risk():
    found = ensemble({"test": np.inf, "norm": 2.0}, {"test": 1.0, "norm": 5.0}, np.array([1.0, 3.0, np.inf]))
    np.testing.assert_array_equal(found["test"], [np.inf, np.inf, 1.0])
    assert found["norm"] == 2.0


# bad input


@pytest.mark.parametrize("members", [0, -1, 1.5, "many", [1, math.nan], [[1]], []])
def test_members_must_be_whole(members):
    with pytest.raises(ValueError, match="members must "):
        rg.predict(TASK, rg.Learner(rg.Ridge(0.1), features=10), 20, members=members)


def test_what_ensembles_do_not_cover():
    with pytest.raises(ValueError, match="none: give rg"):
        rg.predict(TASK, rg.Learner(rg.Ridge(0.1)), 20, members=3)
    with pytest.raises(ValueError, match="members is not covered by predict for one pass of SGD"):
        rg.predict(TASK, rg.Learner(rg.OnePassSGD(0.1, [5]), features=10), members=3)
    with pytest.raises(ValueError, match="fine_grained_variance is not there for many passes of SGD"):
        rg.fine_grained_variance(TASK, rg.Learner(rg.SGD(0.1, [5], batch=4), features=10), 20)
    with pytest.raises(ValueError, match="members must be finite"):
        rg.simulate(TASK, rg.Learner(rg.Ridge(0.1), features=10), 20, members=math.inf)
    with pytest.raises(ValueError, match="this learner has none: give rg"):
        rg.predict(rg.Mixture([1.0], [1.0]), rg.Learner(rg.Ridge(0.1)), 20, members=3)
    with pytest.raises(ValueError, match=r"resampling must be rg\.Bootstrap"):
        rg.Learner(rg.Ridge(0.1), resampling="bootstrap")
    with pytest.raises(ValueError, match="resampling is not covered by predict for several domains"):
        rg.predict(rg.Domains({"a": TASK}), rg.Learner(rg.Ridge(0.1), resampling=rg.Bootstrap()), {"a": 20})
    with pytest.raises(ValueError, match=r"share must be in \(0, 1\]"):
        rg.Subsample(1.5)
    infinite = rg.Task.power_law(1.5, 1.5, noise=0.3, modes=None)
    with pytest.raises(ValueError, match="give modes"):
        rg.simulate(infinite, rg.Learner(rg.Ridge(0.1), resampling=rg.Bootstrap()), 20)


def test_nothing_is_learned_and_nothing_varies_at_time_0():
    learner = rg.Learner(rg.GradientFlow([0.0, 1.0]), features=60, resampling=rg.Bootstrap())
    untrained = rg.predict(TASK, learner, 80, members=[1, 4, math.inf]).isel(time=0)
    np.testing.assert_allclose(untrained.test, TASK.null_risk, rtol=1e-12)
    parts = rg.fine_grained_variance(TASK, rg.Learner(rg.GradientFlow([0.0, 1.0]), features=60), 80).isel(time=0)
    assert all(float(parts[name]) == 0.0 for name in parts.data_vars if name.startswith("variance"))


def test_infinitely_many_clean_views_change_nothing():
    learners = [rg.Learner(rg.Ridge(0.1), features=60, augmentation=rg.Mask(1.0, views=views)) for views in (1, math.inf)]
    one, many = (rg.predict(TASK, learner, 80, members=[1, 4, math.inf]).test for learner in learners)
    np.testing.assert_allclose(one, many, rtol=1e-9)
