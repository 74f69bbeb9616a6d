"""Many passes in fresh and in stored views: limits, two routes, what is refused."""

from dataclasses import replace

import jax
import numpy as np
import pytest

import rfgen as rg
from rfgen.problems.trainings.resampling import AbstractResampling
from rfgen.theory.ridge.block_risk import augmented_modes
from rfgen.theory.sgd.many_passes.grouped_passes import grouped_passes, of_views
from rfgen.theory.sgd.many_passes.multi_pass import multi_pass_sgd
from rfgen.theory.sgd.many_passes.visits import _factors
from rfgen.theory.sgd.streaming.one_pass import iteration_of

TASK = rg.Task.power_law(1.1, 1.3, 0.3, modes=60)
STEPS = [0, 3, 20, 100]
# rate of mass 1, by bisection
CRITICAL = 0.371668
NAMES = ("test", "train", "bias", "variance", "noise", "norm", "stability_mass")


def curve(augmentation=None, fresh=True, **settings):
    training = rg.SGD(0.3, STEPS, batch=2, momentum=0.3, ridge=0.5, fresh=fresh)
    return rg.predict(TASK, rg.Learner(training, augmentation=augmentation, **settings), 40)


def test_views_that_change_nothing_are_none():
    plain = curve(features=30)
    for same in (rg.Mask(1.0), rg.Gain([1.0, 1.0])):
        found = curve(same, features=30)
        for name in NAMES:
            np.testing.assert_allclose(found[name], plain[name], rtol=1e-9)


def test_endless_stored_views_are_fresh_ones():
    fresh, stored = curve(rg.Mask([0.6, 0.8])), curve(rg.Mask([0.6, 0.8], views=[2, np.inf]), fresh=False)
    assert fresh.test.dims == ("steps", "keep") and stored.test.dims == ("steps", "views", "keep")
    for name in NAMES:
        np.testing.assert_allclose(stored[name].sel(views=np.inf), fresh[name], rtol=1e-12)
    assert (abs(stored.train.sel(views=2) / fresh.train - 1.0)[-1] > 0.02).all()
    assert fresh.attrs["form"] == "fresh views" and stored.attrs["form"] == "stored views"


@pytest.mark.parametrize("features", [np.inf, 30.0])
def test_losses_of_groups_at_one_view_are_one(features):
    """Two resolvents, one: means of views and their scatter as groups, momentum, weight decay; worst seen 1e-14."""
    iteration = iteration_of(rg.SGD(0.3, 5), {"rate": 0.3, "batch": 2.0, "momentum": 0.3, "ridge": 0.5}, n=40)
    with jax.enable_x64(True):
        seen = augmented_modes(TASK, rg.Mask(0.6, views=np.inf), "moment")[0]
        one = multi_pass_sgd(seen, 40, features, iteration, STEPS, 0.3)
        two = grouped_passes(seen, 40, features, iteration, STEPS, 0.3, of_views(1.0))
    for name in ("test", "train", "bias", "variance", "noise", "norm"):
        np.testing.assert_allclose(getattr(two, name), getattr(one, name), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(two.stability.mass, one.stability.mass, rtol=1e-8)


class Some(AbstractResampling):
    """Half of the samples, some of them twice."""

    def draws(self):
        return np.array([1.0, 2.0]), np.array([0.3, 0.2])

    def size(self, n):
        return round(0.7 * n)


def test_samples_drawn_in_views():
    """Views that change nothing are none, of samples drawn once or twice: their scatter is a group that nobody sees."""
    plain, same = (curve(view, resampling=Some()) for view in (None, rg.Mask(1.0)))
    for name in ("test", "bias", "noise", "norm"):
        np.testing.assert_allclose(same[name], plain[name], rtol=1e-6)


def test_the_best_step_of_resampled_sets(monkeypatch):
    """A search over 200 steps finds the least of them all; where the risk falls to the last it says so."""
    monkeypatch.setattr("rfgen.api.optimal.stopping.LAST_OF_GROUPS", 200)
    learner = rg.Learner(rg.SGD([0.3, 0.001], 1, batch=4), resampling=rg.Subsample(0.6))
    best = rg.optimal_stopping(TASK, learner, 40)
    every = rg.predict(TASK, replace(learner, training=rg.SGD(0.3, np.arange(201), batch=4)), 40).test
    np.testing.assert_allclose([best.steps[0], best.test[0]], [every.argmin("steps"), every.min("steps")], rtol=1e-6)
    assert np.isnan(best.test[1]) and "whose end is not known" in best.attrs["failures"]


def test_endless_views_of_a_visit_scatter_least():
    """Of clean samples one view or many are the same; of masked ones the noise of batches falls with views."""
    risks = curve(rg.Mask(0.6, views=[1, 2, 1000])).test.values[-1]
    assert risks[0] > risks[1] > risks[2] > float(rg.predict(
        TASK, rg.Learner(rg.GradientDescent(0.3, STEPS[-1], ridge=0.5), augmentation=rg.Mask(0.6, views=np.inf)), 40
    ).test) * 0.9


@pytest.mark.parametrize("same", [rg.Gain([0.7, 0.7]), rg.LabelSmoothing(0.3)])
def test_one_factor_by_two_routes(same):
    iteration = iteration_of(rg.SGD(0.3, 5), {"rate": 0.3, "batch": 2.0, "momentum": 0.3, "ridge": 0.5}, n=40)
    with jax.enable_x64(True):
        seen = augmented_modes(TASK, replace(same, views=np.inf), "moment" if same.moments_suffice else "pattern")[0]
        clean, factors = augmented_modes(TASK, None)[0], _factors(same.mode_law(60))
        one = multi_pass_sgd(seen, 40, 30, iteration, STEPS, 0.3)
        two = multi_pass_sgd(clean, 40, 30, iteration, STEPS, 0.3, factors=factors)
    for name in ("test", "train", "bias", "variance", "noise", "norm"):
        np.testing.assert_allclose(getattr(two, name), getattr(one, name), rtol=1e-8)
    np.testing.assert_allclose(two.stability.mass, one.stability.mass, rtol=1e-8)


@pytest.mark.filterwarnings("ignore:.*unstable")
def test_the_critical_rate_of_factors():
    """mass = (E g^4 / (E g^2)^2) tr[S (2 / (rate E g^2) - S)^-1] / B passes 1 where the risk starts to grow."""

    def at(rate, steps):
        augmentation = rg.Gain([0.4, 1.6])
        return rg.predict(TASK, rg.Learner(rg.SGD(rate, steps, batch=2), augmentation=augmentation), 200)

    below, above = at(0.98 * CRITICAL, [4000, 4200]), at(1.02 * CRITICAL, [8000, 8200])
    assert below.growth == 1.0 and abs(float(below.test[1] / below.test[0]) - 1.0) < 1e-3
    assert float(above.test[1] / above.test[0]) > 1.4
    np.testing.assert_allclose(float(above.growth) ** 200, float(above.test[1] / above.test[0]), rtol=1e-4)


REFUSED = {
    "mixtures": (rg.Mixup(1.0), {}, "Mixup is not predicted for fresh views in many passes"),
    "several views of patterns": (rg.Flip(0.5, views=2), {}, "Flip moves a view as a whole, .* single views of Flip"),
    "long runs of several views": (rg.Mask(0.5, views=2), {"steps": 30_000}, "steps must be at most 20000 where groups"),
    "patterns": (rg.Flip(0.3), {}, "Flip moves a view as a whole, .* but for factors"),
    "stored patterns": (rg.Gain([0.5, 1.0]), {"fresh": False}, "Gain is not predicted for stored views in many passes"),
    "resampled factors": (rg.Gain([0.5, 1.0]), {}, "resampling of many passes is derived for views of many small changes"),
    "finite size": (rg.Mask(0.5), {"finite_size": True}, "finite_size is derived for clean samples in many passes"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_derived_is_refused(name):
    augmentation, settings, said = REFUSED[name]
    training, drawn = rg.SGD(**{"rate": 0.1, "steps": 5} | settings), rg.Subsample(0.5) if "resampled" in name else None
    with pytest.raises(ValueError, match=said):
        rg.predict(TASK, rg.Learner(training, augmentation=augmentation, resampling=drawn), 40)


def test_augmented_inputs_are_refused():
    data = rg.DataTask(np.random.default_rng(0).normal(size=(40, 3)), np.arange(40.0), sampling="with replacement")
    with pytest.raises(ValueError, match=r"augmentation in many passes acts on eigen-coordinates.* rg.simulate"):
        rg.predict(data, rg.Learner(rg.SGD(0.1, 5), augmentation=rg.Mask(0.5)), 10)
