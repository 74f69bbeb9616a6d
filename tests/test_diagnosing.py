"""`diagnose`: every finding on data that show it, none on data that do not."""

import numpy as np
import pytest

import rfgen as rg

random = np.random.default_rng(0)
X, Y = rg.datasets.digits()
GAUSS = random.normal(size=(200, 40))
SIGNAL = GAUSS @ random.normal(size=40) / 6.0
GAUSS_LABELS = SIGNAL + 0.5 * random.normal(size=200)
LINE = random.uniform(size=(120, 1))
WAVE = np.sin(9.0 * LINE[:, 0])
PLANE = random.uniform(size=(120, 2))
TIGHT = np.repeat(random.normal(size=(50, 10)), 4, axis=0) + 0.02 * random.normal(size=(200, 10))
TIGHT_LABELS = np.repeat(random.normal(size=50), 4) + 0.2 * random.normal(size=200)
RARE = np.hstack([np.eye(30)[random.choice(30, size=200, p=(odds := np.arange(1.0, 31.0) ** -1.5) / odds.sum())],
                  np.eye(30)[random.choice(30, size=200, p=odds / odds.sum())], random.normal(size=(200, 3))])
RARE_LABELS = RARE @ random.normal(size=63) + 0.1 * random.normal(size=200)
LENGTHS = random.gamma(1.0, 1.0, size=(200, 1))


def gaussian(scale):
    return lambda x, z: np.exp(-scale * np.sum((x[:, None] - z) ** 2, axis=2))


def laplace(x, z):
    return np.exp(-3.0 * np.sqrt(np.sum((x[:, None] - z) ** 2, axis=2)))


# data, labels, settings; the findings that must come, the lower end of the largest error
SICK = {
    "leverage": (LENGTHS * GAUSS, (LENGTHS[:, 0] * GAUSS_LABELS), dict(n=40, ridge=1.0), {"leverage"}, 0.25),
    "low dimension": (LINE, WAVE + 0.1 * GAUSS[:120, 0], dict(ridge=1e-4, kernel=laplace), {"low dimension"}, 0.1),
    "clusters": (TIGHT, TIGHT_LABELS, dict(ridge=1e-2, kernel=gaussian(0.05)), {"clusters"}, 0.3),
    "rare rows": (RARE, RARE_LABELS, dict(n=100, ridge=1e-4), {"rare rows"}, 0.1),
    "duplicates": (np.repeat(X[:80], 2, axis=0), np.repeat(Y[:80], 2), dict(ridge=1.0), {"duplicates"}, 0.3),
    "n at the rank": (GAUSS, GAUSS_LABELS, dict(n=41), {"scatter"}, 0.5),
    "rounding": (PLANE, PLANE[:, 0] + 0.1 * GAUSS[:120, 0], dict(ridge=1e-14, kernel=gaussian(1.0)), {"rounding"}, 1e-3),
    "few rows": (GAUSS[:24, :10], GAUSS_LABELS[:24], dict(n=14, ridge=0.1), {"few rows"}, 0.2),
}
WELL = {
    "Gaussian": (GAUSS, GAUSS_LABELS, dict(n=[60, 120], ridge=[0.0, 10.0])),
    "digits": (X[:200], Y[:200], dict(ridge=[3.0, 30.0])),
    "long and short rows": (LENGTHS * GAUSS, GAUSS_LABELS, dict(ridge=1000.0)),
    "line": (LINE, WAVE + 0.1 * GAUSS[:120, 0], dict(ridge=0.5, kernel=laplace)),
    "plane": (PLANE, PLANE[:, 0] + 0.1 * GAUSS[:120, 0], dict(ridge=1.0, kernel=gaussian(1.0))),
    "clusters": (TIGHT, TIGHT_LABELS, dict(ridge=3.0, kernel=gaussian(0.05))),
    "rare rows": (RARE, RARE_LABELS, dict(ridge=40.0)),
    "one copy": (np.vstack([X[:199], X[:1]]), np.append(Y[:199], Y[0]), dict(ridge=10.0)),
}


@pytest.mark.parametrize("case", SICK)
def test_what_is_wrong_is_found(case):
    data, labels, settings, names, least = SICK[case]
    found = rg.diagnose(data, labels, **settings)
    assert names <= set(found.names), found
    assert found and abs(found[min(names)].size) > least
    assert [abs(each.size) for each in found.findings] == sorted((abs(each.size) for each in found.findings), reverse=True)


@pytest.mark.parametrize("case", WELL)
def test_no_false_alarm(case):
    data, labels, settings = WELL[case]
    assert not rg.diagnose(data, labels, **settings)


def test_it_is_read_and_used():
    data, labels = np.repeat(X[:80], 2, axis=0), np.repeat(Y[:80], 2)
    found = rg.diagnose(data, labels, [40, 80], [0.1, 1.0])
    assert str(found).splitlines()[1].lstrip().startswith("-") and "groups=" in str(found) and "n=" in found.findings[0].where
    assert "<table>" in found._repr_html_() and repr(found) == str(found)
    np.testing.assert_array_equal(found.groups, np.repeat(np.arange(80), 2))
    assert rg.learning_curve(data, labels, 40, 1.0, groups=found.groups).status == "simulated"
    with pytest.raises(KeyError, match="no finding 'rounding', only duplicates"):
        found["rounding"]


@pytest.mark.parametrize(
    ("meant", "told"),
    [
        ("ridge multiplied by n", lambda ridge, **given: split_risk(n_times=True, ridge=ridge, **given)),
        ("ridge divided by n", lambda ridge, **given: split_risk(n_times=False, ridge=ridge, **given)),
        ("divided by the root", lambda ridge, **given: split_risk(scale=40**-0.5, ridge=ridge, **given)),
        ("not divided by the root", lambda ridge, **given: split_risk(scale=40**0.5, ridge=ridge, **given)),
        ("other choice of intercept", lambda ridge, **given: split_risk(level=False, ridge=ridge, **given)),
        ("root of the risk", lambda ridge, **given: split_risk(ridge=ridge, **given) ** 0.5),
        ("half of the risk", lambda ridge, **given: split_risk(ridge=ridge, **given) / 2.0),
        ("the training error", lambda ridge, **given: split_risk(rows="inside", ridge=ridge, **given)),
        ("the error on all rows", lambda ridge, **given: split_risk(rows="all", ridge=ridge, **given)),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_units_of_ones_own_run(meant, told):
    labels = GAUSS_LABELS + 2.0
    measured = [told(ridge=ridge, labels=labels) for ridge in (0.3, 10.0)]
    found = rg.diagnose(GAUSS, labels, 60, [0.3, 10.0], measured=measured)
    assert meant in found["units"].sentence
    right = [split_risk(ridge=ridge, labels=labels) for ridge in (0.3, 10.0)]
    assert not rg.diagnose(GAUSS, labels, 60, [0.3, 10.0], measured=right)


def split_risk(ridge, labels, n_times=None, scale=1.0, level=True, rows="outside", n=60, trials=60):
    """A plain run: fits by normal equations."""
    draws, found = np.random.default_rng(5), []
    ridge = {None: ridge, True: ridge * n, False: ridge / n}[n_times]
    for _ in range(trials):
        order = draws.permutation(len(labels))
        inside = order[:n]
        mean, middle = (GAUSS[inside].mean(axis=0), labels[inside].mean()) if level else (0.0, 0.0)
        known = scale * (GAUSS[inside] - mean)
        weights = np.linalg.solve(known.T @ known + ridge * np.eye(40), known.T @ (labels[inside] - middle))
        tested = {"outside": order[n:], "inside": inside, "all": order}[rows]
        found.append(np.mean((labels[tested] - middle - scale * (GAUSS[tested] - mean) @ weights) ** 2))
    return np.mean(found)


def test_measured_values_that_nothing_explains():
    found = rg.diagnose(GAUSS, GAUSS_LABELS, 60, [0.3, 10.0], measured=[0.013, 7.0])
    assert found.names == ("measured",) and "no other convention" in str(found)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"n": 200}, "n must hold whole numbers from 2 to 199, as the rest is held out"),
        ({"measured": [1.0, 2.0]}, r"measured must hold a risk for each n and ridge \(1\), got 2"),
        ({"measured": -1.0}, "measured must be > 0"),
        ({"ridge": -1.0}, "ridge must be >= 0"),
        ({"y": GAUSS_LABELS[:5]}, "y must have one row per row of data"),
        ({"kernel": laplace, "feature_map": np.tanh}, "feature_map must be left out"),
    ],
)
def test_refusals(given, message):
    with pytest.raises(ValueError, match=message):
        rg.diagnose(**{"data": GAUSS, "y": GAUSS_LABELS, **given})
