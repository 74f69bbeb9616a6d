"""`diagnose`: every finding on data that show it, none on data that do not."""

import dataclasses

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
    assert str(found).splitlines()[1].lstrip().startswith("-") and "groups=" in str(found)
    assert found.findings[0].where.startswith("n=")
    assert "<table>" in found._repr_html_() and repr(found) == str(found)
    np.testing.assert_array_equal(found.groups, np.repeat(np.arange(80), 2))
    together = rg.learning_curve(data, labels, 80, 1.0, groups=found.groups)
    once = rg.learning_curve(X[:80], Y[:80], 80, 0.5)
    np.testing.assert_allclose(together.test, once.test, rtol=1e-5)  # every row twice is once at half the ridge
    with pytest.raises(KeyError, match="no finding 'rounding', only 'duplicates'"):
        found["rounding"]


UNITS = {
    "ridge multiplied by n": dict(n_times=True), "ridge divided by n": dict(n_times=False),
    "features divided by the root": dict(scale=40**-0.5), "features not divided": dict(scale=40**0.5),
    "other choice of intercept": dict(level=False), "root of the risk": dict(power=0.5),
    "half of the risk": dict(share=0.5),
    "the training error": dict(rows="inside"), "the error on all rows": dict(rows="all"),
}


@pytest.mark.parametrize("meant", UNITS)
def test_units_of_ones_own_run(meant):
    labels = GAUSS_LABELS + 2.0
    measured = [split_risk(ridge, labels, **UNITS[meant]) for ridge in (0.3, 10.0)]
    found = rg.diagnose(GAUSS, labels, 60, [0.3, 10.0], measured=measured)
    assert meant in found["units"].sentence


def test_a_right_run_has_the_right_units():
    measured = [split_risk(ridge, GAUSS_LABELS) for ridge in (0.3, 10.0)]
    assert not rg.diagnose(GAUSS, GAUSS_LABELS, 60, [0.3, 10.0], measured=measured)


def split_risk(ridge, labels, n_times=None, scale=1.0, level=True, rows="outside", power=1.0, share=1.0, n=60, trials=60):
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
    return share * np.mean(found) ** power


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


LAW = rg.Task.power_law(alpha=1.5, beta=1.5, noise=0.3, modes=300)
RIDGE = rg.Learner(rg.Ridge([0.1, 3.0]))
WIDE = rg.Learner(rg.Ridge(0.1), features=[50, 200])
CIRCLE, SPHERE = (rg.Task.sphere(dim, rg.NTK("relu", depth=2), {1: 0.5, 2: 0.5}, noise=0.3) for dim in (2, 12))
FEW, MANY = (rg.Task.gaussian_inputs(np.ones(dim), "tanh", np.ones(dim) / dim, noise=0.1) for dim in (30, 3000))


def theory(task=LAW, learner=RIDGE, n=(30, 90)):
    return rg.predict(task, learner, np.asarray(n)).test.values


def at_own_ridge(factor, learner=RIDGE):
    """Each n, and number of features, at a ridge of its own."""
    def one(n, k):
        return theory(LAW, rg.Learner(rg.Ridge(learner.training.ridge * factor(n, k)), features=k), n)

    return np.array([np.squeeze([one(n, k) for k in np.atleast_1d(learner.features)]) for n in (30, 90)])


OF_TASKS = {
    "ridge multiplied by n": (RIDGE, lambda: at_own_ridge(lambda n, k: n)),
    "ridge divided by n": (RIDGE, lambda: at_own_ridge(lambda n, k: 1.0 / n)),
    "not divided by the root": (WIDE, lambda: at_own_ridge(lambda n, k: 1.0 / k, WIDE)),
    "features divided by the root": (WIDE, lambda: at_own_ridge(lambda n, k: k, WIDE)),
    "the square of the noise": (RIDGE, lambda: theory(LAW.with_noise(0.09))),
    "the root of the noise": (RIDGE, lambda: theory(LAW.with_noise(0.3**0.5))),
    "noise left out": (RIDGE, lambda: theory() - 0.3),
    "root of the risk": (RIDGE, lambda: theory() ** 0.5),
    "half of the risk": (RIDGE, lambda: theory() / 2.0),
}


@pytest.mark.parametrize("meant", OF_TASKS)
def test_units_of_a_run_on_a_task(meant):
    learner, measured = OF_TASKS[meant]
    found = rg.diagnose(LAW, learner, [30, 90], measured=measured())
    assert found.names == ("units",) and found["units"].sentence.index(meant) < 60
    right = theory(LAW, learner) * [[0.95, 1.02], [1.03, 0.96]]
    assert not rg.diagnose(LAW, learner, [30, 90], measured=right)


@pytest.mark.filterwarnings("ignore:inputs on the sphere")
@pytest.mark.parametrize(
    ("task", "n", "names"),
    [
        (CIRCLE, 60, ("low dimension",)), (SPHERE, 400, ("unexplained",)),
        (FEW, 60, ("norms",)), (MANY, 6000, ("unexplained",)),
        (rg.Task.isotropic(10, noise=0.1), 15, ("few samples",)), (rg.Task.isotropic(10, noise=0.1), 100, ("unexplained",)),
    ],
    ids=["circle", "sphere", "few inputs", "many inputs", "few samples", "samples"],
)
def test_kinds_of_inputs(task, n, names):
    learner = rg.Learner(rg.Ridge(0.01))
    known = rg.predict(task, learner, n)
    found = rg.diagnose(task, learner, n, measured=1.28 * known.test)
    assert found.names == names
    assert found[names[0]].size == pytest.approx(1.0 / 1.28 - 1.0)


@pytest.mark.filterwarnings("ignore:degrees of freedom reach")
def test_a_report_tells_why_it_disagrees():
    """Rows drawn from a small population with replacement know themselves; a report whose runs are units off says so."""
    task = rg.Task.from_kernel(gaussian(0.3)(X[:150], X[:150]), Y[:150])
    learner = rg.Learner(rg.Ridge(1e-3))
    with pytest.warns(UserWarning, match="leverages that differ"):
        doubled = 2.0 * theory(task, learner, 75)
    found = rg.diagnose(task, learner, 75, measured=doubled)
    assert found["leverage"].size < -0.1
    report = rg.check(LAW, RIDGE, [30, 90], trials=6, progress=False)
    assert report.agrees and not report.diagnosis and "nothing found" in str(report.diagnosis)
    runs = report.dataset.test_simulation.copy(data=at_own_ridge(lambda n, k: n))
    other = dataclasses.replace(report, dataset=report.dataset.assign(test_simulation=runs))
    assert not other.agrees and other.diagnosis.names == ("units",) and other.diagnosis is other.diagnosis


def test_tasks_need_measured_values():
    with pytest.raises(ValueError, match="measured must hold the risks of your runs where data is a task"):
        rg.diagnose(LAW, RIDGE, 30)
    with pytest.raises(ValueError, match=r"measured must have the shape of the curve, \(2,\), got \(3,\)"):
        rg.diagnose(LAW, RIDGE, 30, measured=[1.0, 2.0, 3.0])
