"""Many passes in fresh and in stored views: theory against simulation."""

import numpy as np
import pytest

import rfgen as rg

TASK = rg.Task(np.arange(1, 201) ** -0.6 / 20, np.arange(1, 201) ** -1.0, 0.3)
STEPS = [5, 30, 150]
VISITS = {
    "mask": (rg.Mask(0.6), None, rg.SGD(2.0, STEPS, batch=4)),
    "noise": (rg.GaussianNoise(0.01), None, rg.SGD(0.5, STEPS)),
    "features": (rg.Mask(0.6), 80, rg.SGD(1.5, STEPS, batch=4)),
    "heavy ball": (rg.Mask(0.6), None, rg.SGD(0.7, STEPS, batch=4, momentum=0.7)),
    "Nesterov": (rg.Dropout(0.4), None, rg.SGD(0.5, STEPS, batch=4, momentum=0.7, nesterov=True, ridge=4.0)),
    "gain": (rg.Compose([rg.Gain([0.5, 1.5]), rg.LabelSmoothing(0.2)]), None, rg.SGD(0.7, STEPS, batch=4)),
    "flip": (rg.Flip(0.5), None, rg.SGD(0.8, STEPS, batch=2)),
    "several views": (rg.Mask(0.6, views=3), None, rg.SGD(2.0, STEPS, batch=4)),
    "several noisy views, features": (rg.GaussianNoise(0.01, views=2), 80, rg.SGD(0.7, STEPS)),
    "several factors": (rg.Gain([0.5, 1.5], views=2), None, rg.SGD(0.7, STEPS)),
    "stored": (rg.Mask(0.6, views=3), None, rg.SGD(2.0, STEPS, batch=4, fresh=False)),
}


@pytest.mark.parametrize("name", VISITS)
def test_many_passes_in_views(name):
    augmentation, features, training = VISITS[name]
    report = rg.check(TASK, rg.Learner(training, features, augmentation), n=150, trials=60, seed=3)
    assert report.agrees, report
    z = np.concatenate([np.ravel(report.dataset[f"{part}_z"]) for part in ("test", "train")])
    assert np.mean(np.abs(z)) < 1.6, z


RESAMPLED = {
    "bootstrap": (rg.SGD(2.0, STEPS, batch=2), {"resampling": rg.Bootstrap()}, None),
    "share, features": (rg.SGD(1.5, STEPS, batch=2, ridge=2.0), {"features": 80, "resampling": rg.Subsample(0.6)}, None),
    "share, views": (
        rg.SGD(1.5, STEPS, batch=2, ridge=2.0), {"resampling": rg.Subsample(0.6), "augmentation": rg.Mask(0.6, 2)}, None,
    ),
    "stored views of a share": (
        rg.SGD(1.5, STEPS, batch=2, fresh=False), {"resampling": rg.Subsample(0.5), "augmentation": rg.Mask(0.6, 2)}, 3,
    ),
    "bagging": (rg.SGD(1.5, STEPS, batch=2), {"features": 80, "resampling": rg.Bootstrap()}, 3),
}


@pytest.mark.parametrize("name", RESAMPLED)
def test_samples_of_ones_own(name):
    training, options, members = RESAMPLED[name]
    report = rg.check(TASK, rg.Learner(training, **options), n=150, trials=60, seed=3, members=members)
    assert report.agrees and report.compared == 3, report


MEMBERS = {
    "batches of their own": (rg.SGD(1.0, STEPS), {}),
    "batches and features": (rg.SGD(1.5, STEPS, batch=2), {"features": 80}),
    "batches, features and views": (rg.SGD(1.5, STEPS, batch=2), {"features": 80, "augmentation": rg.Mask(0.7)}),
}


@pytest.mark.parametrize("name", MEMBERS)
def test_ensembles(name):
    training, options = MEMBERS[name]
    report = rg.check(TASK, rg.Learner(training, **options), n=150, trials=40, seed=3, members=3)
    assert report.agrees, report


def test_visits_that_change_nothing_are_those_of_plain_training():
    plain, seen = (
        rg.simulate(TASK, rg.Learner(rg.SGD(1.0, [3, 9], batch=2), augmentation=views), 20, trials=3, seed=1)
        for views in (None, rg.Mask(1.0, views=2))
    )
    for part in ("test", "train", "norm", "bias"):
        np.testing.assert_allclose(seen[part], plain[part], rtol=1e-10)


STARTS = {
    "samples": (rg.Learner(rg.SGD(0.3, [5, 40], batch=4, initial_variance=0.05)), {"n": 50}),
    "samples, features": (rg.Learner(rg.SGD(0.3, [5, 40], batch=4, initial_variance=0.05), features=80), {"n": 50}),
    "one pass": (rg.Learner(rg.OnePassSGD(0.2, [5, 40], batch=2, initial_variance=0.05)), {}),
}


@pytest.mark.parametrize("name", STARTS)
def test_random_starts(name):
    learner, sizes = STARTS[name]
    report = rg.check(rg.Task.power_law(1.2, 1.5, 0.3, modes=60), learner, **sizes, trials=60, seed=1)
    assert report.agrees, report
