"""Views of real inputs at every visit, along one pass, and in infinite number; members and bags of them."""

import numpy as np
import pytest

import rfgen as rg
from rfgen.simulation.random_numbers import host_key
from rfgen.simulation.sampling.limit_views import coordinate_law, limit_of
from rfgen.simulation.sampling.samplers import GaussianSampler

RNG = np.random.default_rng(0)
INPUTS = RNG.normal(size=(60, 8)) * np.arange(1, 9) ** -0.5
LABELS = np.tanh(INPUTS @ RNG.normal(size=8))
AGAIN = rg.DataTask(INPUTS, LABELS, sampling="with replacement")
ONCE = rg.DataTask(INPUTS, LABELS)
FEW = {"trials": 2, "seed": 1, "progress": False}

SAME = {
    "epochs, held out": (ONCE, rg.SGD([0.1, 0.3], [3, 40], 4, 0.5, nesterov=True, ridge=0.5, reshuffle=True), {}),
    "bags": (ONCE, rg.SGD(0.3, 20, batch=4), {"resampling": rg.Bootstrap(), "members": 2}),
    "one pass": (
        AGAIN, rg.OnePassSGD(lambda t: 0.3 / (1 + t / 10), [3, 40], [2, 5], momentum=[0.1, 0.5], average_from=[0, 2]), {},
    ),
    "accelerated": (AGAIN, rg.AcceleratedSGD([0.9, 0.8], 0.1, 0.1, 0.1, steps=[5, 20]), {}),
}


def runs(task, training, augmentation=None, features=None, resampling=None, **options):
    n = 20 if training.needs_samples else None
    return rg.simulate(task, rg.Learner(training, features, augmentation, resampling=resampling), n, **FEW, **options)


@pytest.mark.parametrize("name", SAME)
def test_views_that_change_nothing_are_none(name):
    """Steps on the host, in views of the inputs, and compiled ones in eigen-coordinates: one algorithm."""
    task, training, options = SAME[name]
    plain, seen = (runs(task, training, views, **options) for views in (None, rg.Mask(1.0, views=2)))
    for part in {"test", "train", "norm", "bias"} & set(plain):
        np.testing.assert_allclose(seen[part], plain[part], rtol=1e-10)


def test_bags_of_fresh_views_are_bags():
    task = rg.Task.isotropic(8, noise=0.1)
    plain, seen = (
        runs(task, rg.SGD(0.1, [3, 40], batch=2), views, resampling=rg.Subsample(0.3), members=2)
        for views in (None, rg.Mask(1.0, views=2))
    )
    np.testing.assert_allclose(seen.test, plain.test, rtol=1e-10)


def test_a_stream_without_replacement_sees_each_example_once():
    """Examples that share no input: what is left knows nothing of what was seen, and with replacement some of it is."""
    labels = np.where(np.arange(12) % 3 == 0, 1.0, -1.0)
    once, again = (rg.DataTask(np.eye(12), labels, sampling=f"with{word} replacement") for word in ("out", ""))
    assert np.ravel(runs(once, rg.OnePassSGD(0.9, [0, 11])).test).tolist() == [1.0, 1.0]
    assert float(runs(again, rg.OnePassSGD(0.9, 11)).test) < 0.6
    for views, batch, said in ((None, 4, "steps \\* batch must be below the 12 examples"),
                               (rg.Mixup(1.0, partner="fresh"), 2, "steps \\* batch must be below the 12 examples"),
                               (rg.Mixup(1.0), 1, "batch must be at least 2 for Mixup along one pass")):
        with pytest.raises(ValueError, match=said):
            runs(once, rg.OnePassSGD(0.1, 3, batch=batch), views)


ENDLESS = {
    "bag": (
        rg.Task.power_law(1.2, 1.5, 0.3, modes=12), rg.Ridge(0.5), rg.GaussianNoise(0.05), {"resampling": rg.Bootstrap()},
    ),
    "bag of mixtures": (ONCE, rg.GradientFlow(3.0), rg.Mixup(1.0), {"resampling": rg.Bootstrap(), "members": 2}),
    "inputs": (AGAIN, rg.Ridge(0.5), rg.Compose([rg.Gain([0.5, 1.5]), rg.Mask(0.8), rg.LabelSmoothing(0.2)]), {}),
    "blocks of inputs": (ONCE, rg.GradientFlow(3.0), rg.Jitter(0.5, 3), {"features": 5}),
    "visits": (ONCE, rg.SGD(0.2, 25, batch=3), rg.Mask(0.7), {"features": 6}),
    "one pass": (ONCE, rg.OnePassSGD(0.2, 15, batch=3), rg.SaltAndPepper(0.8, 0.1), {"features": 6, "members": 2}),
}


@pytest.mark.parametrize("name", ENDLESS)
def test_infinitely_many_views_are_the_limit_of_many(name):
    """Of the same samples, features, batches: what is left of 60 views is their scatter, 2.9 % at most (240: 2.3 %)."""
    task, training, augmentation, options = ENDLESS[name]
    many, endless = (runs(task, training, augmentation.at(views=views), **options) for views in (60, np.inf))
    for part in ("test", "norm"):
        np.testing.assert_allclose(endless[part], many[part], rtol=0.05)


def test_all_pairs_of_a_bag():
    """Mean squares of w r_i + (1 - w) r_j over partners j of the whole set, of the samples i drawn, each as often."""
    n, drawn, concentration = 5, np.array([0, 3, 3, 4]), 0.7
    base = GaussianSampler(np.ones(3), np.zeros((1, 3)), np.zeros(()), np.zeros(1))
    sample = base.draw(host_key(0), None, n)
    mixtures = rg.Mixup(concentration, views=np.inf)
    bag = limit_of(base, mixtures, coordinate_law(mixtures, 3), np.arange(3), float).of(sample, drawn)
    square, product = mixtures.weight_moments
    residuals = sample.errors[:, 0] - sample.rows @ np.arange(3.0)
    pairs = square * (residuals[drawn, None] ** 2 + residuals**2) + 2.0 * product * residuals[drawn, None] * residuals
    found = np.sum((bag.errors[:, 0] - bag.rows @ np.arange(3.0)) ** 2)
    np.testing.assert_allclose(found, pairs.mean(axis=1).sum(), rtol=1e-12)


REFUSED = {
    "feature map": (rg.DataTask(INPUTS, LABELS, np.tanh), rg.Mask(0.5, views=np.inf), "a feature map stands between"),
    "images": (rg.DataTask(INPUTS.reshape(60, 2, 4), LABELS), rg.Flip(views=np.inf), "Flip has none here"),
    "own": (ONCE, rg.Augmentation(lambda key, x: x, views=np.inf), "Augmentation has none here"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_infinitely_many_views_without_a_law_are_refused(name):
    task, augmentation, said = REFUSED[name]
    with pytest.raises(ValueError, match=f"views=inf is simulated on a DataTask .* {said}: give a large number"):
        runs(task, rg.Ridge(0.1), augmentation)


def test_members_of_one_stream():
    """The mean of M has the M-th part of what they do not share; over six seeds the two sides differ by 4 % as a rule."""
    task, learner = rg.Task.power_law(1.1, 1.3, 0.3, modes=40), rg.Learner(rg.OnePassSGD(0.2, [5, 60], batch=4), 15)
    found = rg.simulate(task, learner, trials=100, seed=1, members=[1, 2, 8], progress=False)
    one, two, eight = np.moveaxis(found.test.values, -1, 0)
    np.testing.assert_allclose(2.0 * two - one, (8.0 * eight - one) / 7.0, rtol=0.15)
    assert (eight < two).all() and two[1] < one[1]
    with pytest.raises(ValueError, match="members of an ensemble differ by"):
        rg.simulate(task, rg.Learner(rg.OnePassSGD(0.3, 5)), members=2)
    with pytest.raises(ValueError, match="members of one stream are simulated for a finite number of modes"):
        rg.simulate(rg.Task.power_law(1.5, 1.5), rg.Learner(rg.OnePassSGD(0.3, 5), 10), members=2)
