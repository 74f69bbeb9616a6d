"""Augmented learners: theory against Monte-Carlo at n = 100, 200, 400, and where it must fail."""

import math

import numpy as np
import pytest

import rfgen as rg
from rfgen.api.check.agreement import finite_size_trend

# (scale, trials): n = 100, 200, 400.  A trial's risk scatters like 1/n: 64 trials of the largest measure it as well
# as 16 of twice the size, in half of the time.
SIZES = {1: 40, 2: 40, 4: 64}
# Over hundreds of values |z| exceeds 4 once by chance; so the parts are judged at one size.
JUDGED = {1: ("test", "train"), 2: ("test", "train", "bias", "variance", "noise", "norm"), 4: ("test", "train")}
INF = math.inf

# augmentation at a scale, views, features and ridge at n = 200; k below, at, above n
NOISE, MASK = (lambda scale, m: rg.GaussianNoise(0.08, m)), (lambda scale, m: rg.Mask(0.6, m))
PEPPER = lambda scale, m: rg.SaltAndPepper(0.7, 0.1, m)  # noqa: E731
GAIN, FLIP = (lambda scale, m: rg.Gain([0.4, 1.6], m)), (lambda scale, m: rg.Flip(0.5, m))
CUTOUT, MIXUP = (lambda scale, m: rg.Cutout(24 * scale, m)), (lambda scale, m: rg.Mixup(0.6, m))
JITTER = lambda scale, m: rg.Jitter(0.6, 3, m)  # noqa: E731
SETTINGS = {
    f"{name}-m{views}-k{features}-ridge{ridge}": (make, views, features, ridge)
    for name, make, views, features, ridge in [
        ("noise", NOISE, 1, INF, 0.5),
        ("noise", NOISE, 2, 120, 0.2),
        ("noise", NOISE, 4, 300, 0.2),
        ("noise", NOISE, INF, INF, 0.0),
        ("mask", MASK, 1, 200, 0.5),
        ("mask", MASK, 2, INF, 0.2),
        ("mask", MASK, 8, 100, 0.0),
        ("mask", MASK, INF, 300, 0.1),
        ("pepper", PEPPER, 1, 100, 0.5),
        ("pepper", PEPPER, 2, 300, 0.1),
        ("pepper", PEPPER, 8, INF, 0.1),
        ("pepper", PEPPER, INF, 200, 0.1),
        ("gain", GAIN, 1, INF, 0.5),
        ("gain", GAIN, 2, 100, 0.5),
        ("gain", GAIN, 3, 200, 0.3),
        ("flip", FLIP, 1, 300, 0.5),
        ("flip", FLIP, 2, INF, 0.2),
        ("flip", FLIP, 3, 100, 0.2),
        ("cutout", CUTOUT, 1, INF, 0.3),
        ("cutout", CUTOUT, 2, 200, 0.3),
        ("cutout", CUTOUT, 3, INF, 0.3),
        ("jitter", JITTER, 2, 100, 0.3),
        ("mixup", MIXUP, 1, 100, 0.3),
        ("mixup", MIXUP, 2, INF, 0.1),
        ("mixup", MIXUP, 3, 300, 0.3),
    ]
}


def task(scale):
    """Eigenvalues 1 down to 0.08 and a target on all modes: the same shape at every scale."""
    size = 60 * scale
    place = (np.arange(size) + 0.5) / size
    return rg.Task(np.exp(-2.5 * place), np.exp(-1.5 * place) * 2.0 / size, 0.2)


@pytest.mark.parametrize("name", SETTINGS)
def test_agreement(name):
    make, views, features, ridge = SETTINGS[name]
    sizes, ratios, errors, granted = [], [], [], 1.0
    for scale, trials in SIZES.items():
        n = 100 * scale
        learner = rg.Learner(rg.Ridge(ridge * n / 200), features * n / 200, make(scale, views))
        report = rg.check(task(scale), learner, n, trials=trials, seed=n // 200, variables=JUDGED[scale])
        assert report.agrees, report
        theory = float(report.dataset.test_theory)
        sizes.append(n)
        ratios.append(float(report.dataset.test_simulation) / theory)
        errors.append(float(report.dataset.test_se) / theory)
        granted = float(report.dataset.test_allowance) / theory * n
    # one coefficient of 1/n serves all three sizes, and stays within what is granted
    coefficient, spread = finite_size_trend(sizes, np.ones(3), ratios, errors)
    assert abs(coefficient) < granted + 4 * spread
    assert np.max(np.abs((np.array(ratios) - 1 - coefficient / np.array(sizes)) / errors)) < 4.5


def test_moment_form_fails_where_one_parameter_moves_the_view():
    """A random gain of 0.4 or 1.6, one view: moments give half of the risk measured; the pattern form is right."""
    plain = rg.Task.isotropic(120, signal=1.0, noise=0.1)
    learner = rg.Learner(rg.Ridge(0.5), augmentation=rg.Gain([0.4, 1.6]))
    right = rg.check(plain, learner, 100, trials=60)
    wrong = rg.check(plain, learner, 100, trials=60, form="moment")
    assert right.agrees, right
    assert not wrong.agrees and wrong.largest_z > 10, wrong


def test_forms_are_said_and_can_be_forced():
    plain, n = rg.Task.isotropic(40, noise=0.1), 60
    used = ((rg.Mask(0.5, 2), "moment"), (rg.Gain([0.5, 2.0], 2), "pattern"), (rg.Mixup(1.0), "pattern"))
    for augmentation, form in used:
        learner = rg.Learner(rg.Ridge(0.5), augmentation=augmentation)
        curve = rg.predict(plain, learner, n)
        assert curve.attrs["form"] == form and repr(augmentation) == curve.attrs["augmentation"]
        if not augmentation.mixes:
            for forced in ("moment", "pattern"):
                assert rg.predict(plain, learner, n, form=forced).attrs["form"] == forced


@pytest.mark.parametrize("augmentation", [rg.Mask(0.6, 2), rg.Gain([0.5, 1.5], 2), rg.GaussianNoise(0.3, INF)], ids=repr)
@pytest.mark.parametrize("test_views", [1, 5])
def test_views_at_test_time(augmentation, test_views):
    plain = rg.Task.isotropic(60, signal=1.0, noise=0.2)
    learner = rg.Learner(rg.Ridge(1.0), augmentation=augmentation, test_views=test_views)
    report = rg.check(plain, learner, 150, trials=40, variables=("test", "train", "noise"))
    assert report.agrees, report
    clean = rg.predict(plain, rg.Learner(rg.Ridge(1.0), augmentation=augmentation), 150)
    assert abs(float(report.dataset.test_theory / clean.test) - 1) > 0.02, "the views at test time do matter here"


def test_composition_and_sometimes():
    plain = rg.Task.power_law(1.2, 1.5, 0.2, modes=150)
    for augmentation in (
        rg.Compose([rg.Gain([0.5, 1.5]), rg.GaussianNoise(0.01), rg.Mask(0.8)], views=2),
        rg.RandomApply(rg.GaussianNoise(0.05), 0.5, views=2),
        rg.LabelSmoothing(0.3, views=2),
        rg.GaussianNoise(0.5, 2, covariance=np.linspace(0.2, 0.0, 150)),
    ):
        report = rg.check(plain, rg.Learner(rg.Ridge(0.3), 100, augmentation), 150, trials=40, seed=3)
        assert report.agrees, report
