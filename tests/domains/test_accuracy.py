"""Rows of two domains of different covariance, target, noise and weight, against simulation alone, nothing granted."""

import numpy as np
import pytest

import rfgen as rg

AT = np.arange(1, 201)
REAL = rg.Task(AT**-1.0, AT**-1.5, 0.3)
ROWS = {"a": REAL, "b": REAL.shifted(overlap=0.6, noise=0.8, scale=np.geomspace(2.0, 0.4, 200))}
WITH = {"n": {"a": 80, "b": 120}, "weights": {"b": 0.5}}
SHIFTS = {
    "same": REAL, "covariate": REAL.shifted(scale=np.geomspace(0.5, 4.0, 200)), "concept": REAL.shifted(overlap=0.3),
    "both": REAL.shifted(overlap=0.3, noise=0.1, scale=np.geomspace(0.5, 4.0, 200)),
}
SMALL = rg.Task(np.arange(1, 61) ** -0.7, np.arange(1, 61) ** -1.2, 0.3)
TURNED = {"a": SMALL, "b": SMALL.shifted(overlap=0.6, noise=0.8, rotate=0.7, scale=np.geomspace(2.0, 0.4, 60))}
FEW = {"n": {"a": 50, "b": 70}, "weights": {"b": 2.0}, "test": {"a": SMALL, "turned": SMALL.shifted(0.3, rotate=0.4)}}


def learner(training, features, augmentation=None):
    return rg.Learner(training, [np.inf, *features], augmentation)


CASES = {
    "diagonal": (ROWS, learner(rg.Ridge(0.5), [60, 300]), {**WITH, "test": SHIFTS}),
    "dense": (TURNED, learner(rg.Ridge(0.5), [50]), FEW),
    "dense flow": (TURNED, learner(rg.GradientFlow([1.0, 10.0, 100.0]), [50]), FEW),
    "diagonal flow": (ROWS, learner(rg.GradientFlow([3.0, 100.0]), [60]), {**WITH, "test": ["a", "b"]}),
    "views": (
        ROWS, learner(rg.Ridge(0.5), [80], {"a": rg.GaussianNoise(0.02, views=4), "b": rg.Mask(0.7, views=2)}), WITH,
    ),
    "factors": (ROWS, learner(rg.Ridge(0.5), [80], {"a": rg.Gain([0.4, 1.6], views=2)}), WITH),
    "distilled": (ROWS, learner(rg.IteratedRidge(1.0, [1, 3]), [80]), WITH),
}


@pytest.mark.parametrize("name", CASES)
def test_drawn_rows(name):
    domains, model, given = CASES[name]
    report = rg.check(rg.Domains(domains), model, **given, trials=24, seed=5, finite_size=0.0, variables="test")
    assert report.agrees, report


def digits(kind):
    """Digits upright, and others turned by 25 degrees; or those up to 5, and the others; as frozen features."""
    from scipy.ndimage import rotate

    images, labels = rg.datasets.digits()
    turned = rotate(images.reshape(-1, 8, 8), 25.0, axes=(1, 2), reshape=False, order=1).reshape(images.shape)
    features = rg.RandomFeatureMap(120, "tanh", seed=0)
    digit, even = rg.datasets.digits(target="digit")[1], np.arange(len(labels)) % 2 == 0
    first = even if kind == "turned" else digit < 6
    parts = {"first": (images, first), "others": (turned if kind == "turned" else images, ~first)}
    return rg.Domains({name: (features(rows[which]), labels[which]) for name, (rows, which) in parts.items()})


@pytest.mark.parametrize(("kind", "training", "weight"), [
    ("turned", rg.Ridge(3.0), 2.0), ("turned", rg.GradientFlow([10.0, 100.0]), 2.0), ("digits", rg.Ridge(3.0), [1.0, 3.0]),
])
def test_real_rows_used_elsewhere(kind, training, weight):
    """Across domains examples are not trained and tested at once; what is left are rows that are not normal: percents."""
    report = rg.check(
        digits(kind), rg.Learner(training), {"first": 100, "others": [0, 40]}, weights={"others": weight}, test="others",
        trials=24, seed=5, variables="test",
    ).dataset
    assert (np.abs(report.test_z) < 4.0).all()
    assert (np.abs(report.test_simulation / report.test_theory - 1.0) < 0.08).all(), report
