"""Rows from several domains, tested on any: against a dense reference, today's curves, derivatives and simulation."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import rfgen as rg
from rfgen import theory
from rfgen.problems.domains.domains import Law
from tests.oracles.dense import dense_risk

P = 24
REAL = rg.Task.power_law(alpha=1.5, beta=1.5, noise=0.5, modes=120)
RIDGE = rg.Learner(rg.Ridge(0.3))


def instance(dense):
    """Two domains and a third population, for rfgen and as groups of the reference."""
    rng = np.random.default_rng(3)
    spectra, weights, noise = np.exp(rng.normal(size=(3, P))), rng.normal(size=(3, P)) / P**0.5, np.array([0.1, 0.4, 0.2])
    turns = [np.linalg.qr(rng.normal(size=(P, P)))[0] if dense else np.eye(P) for _ in range(3)]
    matrices = [turn * values @ turn.T for turn, values in zip(turns, spectra, strict=True)]
    given = matrices if dense else spectra
    domains = rg.Domains.from_moments({name: (given[i], weights[i], noise[i]) for i, name in enumerate("ab")})
    groups = [dict(covariance=matrices[i], teacher=weights[i], residual=noise[i]) for i in range(2)]
    return domains, rg.Domain(given[2], weights[2], noise[2]), groups, dict(
        covariance=matrices[2], teacher=weights[2], noise=noise[2]
    )


@pytest.mark.parametrize(("dense", "features"), [(False, 15), (True, None), (True, 15)])
def test_against_the_dense_reference(dense, features):
    """Worst seen 2e-15."""
    domains, far, groups, population = instance(dense)
    learner = rg.Learner(rg.Ridge(0.3), features=features)
    curve = rg.predict(domains, learner, n={"a": 20, "b": 30}, weights={"b": 0.4}, test=far)
    for group, rows, weight in zip(groups, (20.0, 30.0), (1.0, 0.4), strict=True):
        group |= dict(rows=rows, weight=weight)
    exact = dense_risk(groups, features or np.inf, 0.3, population)
    for name in ("test", "bias", "train"):
        np.testing.assert_allclose(curve[name].values, exact[name], rtol=1e-12)
    np.testing.assert_allclose(float(curve.norm), exact["alpha"], rtol=1e-12)
    parts = curve.bias + curve.data_variance + curve.features_variance + curve.irreducible
    np.testing.assert_allclose(float(parts + curve.noise_by_domain.sum("domain")), exact["test"], rtol=1e-12)


@pytest.mark.parametrize(("training", "names", "rtol"), [
    (rg.Ridge([0.0, 1e-3, 0.3]), ("test", "bias", "variance", "noise", "norm"), 1e-12),
    (rg.GradientFlow([1.0, 30.0, np.inf]), ("test", "bias", "variance", "noise"), 1e-11),
    # roundings of the contour: 7e-13 or 1.1e-11, as XLA generates code in 32 parts or in one
    (rg.HeavyBall(0.3, 0.5, [1, 30]), ("test", "train"), 2e-11),
    (rg.IteratedRidge(0.3, [1, 3]), ("test", "bias", "noise"), 1e-11),
])
def test_one_domain_is_todays_curve(training, names, rtol):
    learner = rg.Learner(training, features=70)
    today, ours = rg.predict(REAL, learner, n=50, members=2), rg.predict(REAL, learner, n=50, members=2, test=REAL)
    assert today.test.dims == ours.test.dims
    for name in names:
        np.testing.assert_allclose(ours[name].values, today[name].values, rtol=rtol, atol=1e-13)


@pytest.mark.parametrize(("training", "views"), [
    (rg.Ridge([0.3, 3.0]), rg.Mask(0.6, views=3)), (rg.Ridge(0.3), rg.GaussianNoise(0.05, views=np.inf)),
    (rg.GradientFlow([3.0, 30.0]), rg.GaussianNoise(0.02, views=2)), (rg.Ridge(0.3), rg.Gain([0.4, 1.6], views=2)),
])
def test_one_domain_in_views_is_todays_curve(training, views):
    learner = rg.Learner(training, features=70, augmentation=views)
    today, ours = rg.predict(REAL, learner, n=50), rg.predict(REAL, learner, n=50, test=REAL)
    for name in ("test", "bias", "variance", "noise", "train", "norm"):
        np.testing.assert_allclose(ours[name].values, today[name].values, rtol=1e-10)


def test_batches_of_one_domain_are_todays_curve():
    learner = rg.Learner(rg.SGD([0.2, 0.4], [5, 40], batch=2, momentum=0.3))
    today, ours = rg.predict(FLAT, learner, n=100), rg.predict(FLAT, learner, n=100, test=FLAT)
    assert today.test.dims == ours.test.dims
    for name in ("test", "noise", "train", "norm"):
        np.testing.assert_allclose(ours[name].values, today[name].values, rtol=1e-8)


def test_noise_by_domain_adds_up_along_training():
    curve = rg.predict(DOMAINS, rg.Learner(rg.GradientFlow([3.0, np.inf], ridge=0.3)), {"real": 20, "cheap": 30})
    np.testing.assert_allclose(curve.noise_by_domain.sum("domain") + curve.irreducible, curve.noise, rtol=1e-10)
    end = rg.predict(DOMAINS, RIDGE, {"real": 20, "cheap": 30})
    np.testing.assert_allclose(curve.noise_by_domain.isel(time=1), end.noise_by_domain, rtol=1e-9)


def test_batches_of_halves_are_those_of_the_whole():
    learner = rg.Learner(rg.SGD(0.4, [5, 40], batch=2, momentum=0.3), features=70)
    whole = rg.predict(FLAT, learner, n=100)
    halves = rg.predict(rg.Domains({"one": FLAT, "other": FLAT}), learner, {"one": 50, "other": 50}, test=FLAT)
    for name in ("test", "noise", "norm"):
        np.testing.assert_allclose(halves[name], whole[name], rtol=1e-8)
    each = halves.noise_by_domain
    np.testing.assert_allclose(each.sel(domain="one"), each.sel(domain="other"), rtol=1e-10)
    np.testing.assert_allclose(2.0 * each.sel(domain="one"), whole.noise - FLAT.risk_noise, rtol=1e-8)


def test_every_derivative_is_one():
    """Against differentiation through the engine: worst seen 6e-15."""
    domains, far, *_ = instance(True)
    with jax.enable_x64(True):
        problem = theory.domain_problem(Law.of([*domains.domains.values(), far, domains.domains["a"]]), 2)
        at = jnp.array([20.0, 30.0]), jnp.array([1.0, 0.4])
        slopes = jax.jit(jax.jacfwd(lambda n, w, r: theory.domain_risk(problem, n, w, 15.0, r).test, (0, 1, 2)))(*at, 0.3)
        ours = theory.domain_derivatives(problem, *at, 15.0, 0.3)
        for found, exact in zip((ours.n, ours.weight, ours.ridge), slopes, strict=True):
            np.testing.assert_allclose(found, exact, rtol=1e-10, atol=1e-14)
    value = rg.row_value(domains, rg.Learner(rg.Ridge(0.3), features=15), {"a": 20, "b": 30}, weights={"b": 0.4},
                         test={"far": far}, cost={"a": 2.0, "b": 1.0})
    np.testing.assert_allclose(value.value.values[0], -np.array(ours.n[0]) / [2.0, 1.0], rtol=1e-12)


def digits():
    """Upright digits and dim ones, of frozen features."""
    images, labels = rg.datasets.digits()
    features = rg.RandomFeatureMap(40, "tanh", seed=0)
    rng = np.random.default_rng(0)
    return rg.Domains({
        "clear": (features(images[:900]), labels[:900]),
        "noisy": (features(images[900:] + 0.3 * rng.normal(size=images[900:].shape)), labels[900:]),
    })


CHEAP, FAR = REAL.shifted(overlap=0.8, noise=0.1), REAL.shifted(scale=np.geomspace(3.0, 0.3, 120))
FLAT = rg.Task(np.arange(1, 121) ** -0.6 / 20, np.arange(1, 121) ** -1.0, 0.3)
SETTINGS = {
    "concept shift, kernel": ({"real": REAL, "cheap": CHEAP}, RIDGE, {"real": 40, "cheap": [0, 80]}, {"cheap": 0.5}, None),
    "covariate shift, features": (
        {"real": REAL, "far": FAR}, rg.Learner(rg.Ridge(0.3), features=60), {"real": 60}, None, ["real", "far"],
    ),
    "turned": (
        {"real": rg.Task.isotropic(30, noise=0.2), "turned": rg.Task(np.arange(1, 31) / 9, np.ones(30)).shifted(rotate=1)},
        RIDGE, {"real": 30, "turned": 40}, None, None,
    ),
    "flow through features": (
        {"real": REAL, "cheap": CHEAP}, rg.Learner(rg.GradientFlow([3.0, 100.0]), features=60), {"real": 40, "cheap": 60},
        {"cheap": 0.5}, "real",
    ),
    "three domains, ensemble": (
        {"real": REAL, "cheap": CHEAP, "far": FAR}, rg.Learner(rg.Ridge(0.3), features=60),
        {"real": 20, "cheap": 30, "far": 30}, None, None,
    ),
    "noisy views of one, masked ones of the other": (
        {"real": REAL, "cheap": CHEAP},
        rg.Learner(rg.Ridge(0.3), 60, {"real": rg.GaussianNoise(0.02, views=4), "cheap": rg.Mask(0.7, views=2)}),
        {"real": 40, "cheap": 60}, {"cheap": 2.0}, "real",
    ),
    "flow on masked views": (
        {"real": REAL, "cheap": CHEAP}, rg.Learner(rg.GradientFlow([3.0, 30.0]), augmentation={"cheap": rg.Mask(0.7)}),
        {"real": 40, "cheap": 60}, None, None,
    ),
    "batches": (
        {"real": FLAT, "cheap": FLAT.shifted(overlap=0.5, noise=1.0, scale=np.geomspace(2.0, 0.5, 120))},
        rg.Learner(rg.SGD([0.2, 0.4], [5, 40, 200])), {"real": 60, "cheap": 80}, {"cheap": 3.0}, "real",
    ),
    "batches, features, momentum": (
        {"real": FLAT, "cheap": FLAT.shifted(overlap=0.5, noise=1.0, scale=np.geomspace(2.0, 0.5, 120))},
        rg.Learner(rg.SGD(0.4, [5, 40, 200], batch=4, momentum=0.5, ridge=2.0), features=70), {"real": 60, "cheap": 80},
        {"cheap": 3.0}, "real",
    ),
    "digits": (None, rg.Learner(rg.Ridge(3.0)), {"clear": 30, "noisy": 60}, {"noisy": 2.0}, None),
}


@pytest.mark.parametrize("name", SETTINGS)
def test_simulation_agrees(name):
    domains, learner, n, weights, test = SETTINGS[name]
    domains = digits() if domains is None else rg.Domains(domains)
    members = 3 if "ensemble" in name else None
    report = rg.check(domains, learner, n, weights=weights, test=test, members=members, trials=30, seed=2)
    assert report.agrees and report.compared >= 3, report


def test_concept_shift_leaves_the_variance_alone():
    shifted = {"same": REAL, "other": CHEAP, "quiet": REAL.shifted(noise=0.0)}
    curve = rg.predict(REAL, rg.Learner(rg.Ridge(0.3), features=80), n=[40, 80], test=shifted)
    assert curve.test.dims == ("n", "test_domain")
    np.testing.assert_array_equal(curve.variance.sel(test_domain="same"), curve.variance.sel(test_domain="other"))
    np.testing.assert_allclose(curve.test.sel(test_domain="same") - curve.test.sel(test_domain="quiet"), 0.5, rtol=1e-12)


def test_mixtures_are_points_of_the_outer_product():
    every = rg.predict(DOMAINS, RIDGE, {"real": [40, 20], "cheap": [0, 80]}, test="real").test.values
    runs = rg.simulate(DOMAINS, RIDGE, [{"real": 40}, {"real": 20, "cheap": 80}], test="real", trials=2)
    curve = rg.predict(DOMAINS, RIDGE, [{"real": 40}, {"real": 20, "cheap": 80}], test="real")
    assert curve.test.dims == runs.test.dims == ("mixture",) and runs.n_cheap.values.tolist() == [0, 80]
    np.testing.assert_allclose(curve.test.values, np.diag(every), rtol=1e-13)


def test_equal_targets_are_one():
    quiet = rg.Domains({"cheap": CHEAP, "quiet": CHEAP.shifted(noise=0.0, scale=1.0)})
    law = Law.of(list(quiet.domains.values()))
    assert law.teachers.shape[1] == 2 and (law.teachers[0] == law.teachers[1]).all()
    assert Law.of([CHEAP, REAL.shifted(overlap=0.7)]).teachers.shape[1] == 3


@pytest.mark.parametrize("weights", [False, True])
def test_the_best_mixture(weights):
    """Its conditions hold, and no mixture nearby is better."""
    domains = rg.Domains({"real": REAL, "cheap": REAL.shifted(0.9, 0.1), "poor": REAL.shifted(0.3)})
    cost = {"real": 8.0, "cheap": 1.0, "poor": 1.0}
    best = rg.optimal_mixture(domains, RIDGE, 400, cost=cost, test="real", weights=weights)
    assert float(best.first_order) < 1e-4 and float(best.test) < float(best.alone_test.min())
    assert float(best.share.sel(domain="poor")) < (0.2 if weights else 1e-9)
    rows, weight = (best[name].values for name in ("rows_of_domain", "weight"))
    spent = 0.1 * rows[:2] * [8.0, 1.0]  # moved from one of the domains used to the other
    for change in ([0.0, 0.0, 0.0], [-spent[0] / 8, spent[0], 0.0], [spent[1] / 8, -spent[1], 0.0]):
        n, weighed = (dict(zip(domains.names, each, strict=True)) for each in (rows + change, weight))
        there = rg.predict(domains, rg.Learner(rg.Ridge(float(best.ridge))), n, weights=weighed, test="real")
        assert float(there.test) >= float(best.test) * (1.0 - 1e-12)


def test_generated_rows_cost_what_the_closed_form_says():
    """Strong collapse: twelve digits of the excess."""
    rng = np.random.default_rng(0)
    values, real, miss = np.arange(1, 81) ** -1.0, rng.normal(size=80) / 9, rng.normal(size=80) / 20
    made = rg.Domain(values, real, 0.1, novel=miss)  # by weights that are independent of the true ones
    domains = rg.Domains({"real": rg.Domain(values, real, 0.1), "made": made})
    for n, share in ((100, 0.3), (1000, 0.01), (1000, 0.5)):
        rows = ({"real": n * (1 - part), "made": n * part} for part in (share, 0.0))
        mixed, alone = (float(rg.predict(domains, RIDGE, each, test="real").test) for each in rows)
        with jax.enable_x64(True):
            excess = float(theory.collapse_excess(values, miss**2, n, share, 0.3))
        np.testing.assert_allclose(mixed - alone, excess, rtol=1e-11)


@pytest.mark.parametrize("values", [np.arange(1, 151) ** -0.8, np.exp(-np.arange(150) / 20), np.ones(150)])
def test_the_golden_ratio_of_mixing(values):
    with jax.enable_x64(True):
        share = jnp.linspace(0.58, 0.66, 81)
        risks = jax.jit(jax.vmap(lambda w: theory.endless_generations(values, values, values, 100.0, w, 1e-6, 1.0)))(share)
    share, risks = np.array(share), np.array(risks)
    place = risks.argmin()
    curve = np.polynomial.Polynomial.fit(share[place - 3 : place + 4], risks[place - 3 : place + 4], 4)
    roots = curve.deriv().roots()
    best = roots[np.argmin(np.abs(roots - share[place]))].real
    assert abs(best - 0.618034) < 2e-5


def test_the_best_weight_of_surrogate_rows():
    """With many rows the law alpha = R_n/(R_n + R_m + distance^2) of arXiv 2402.04376."""
    p, angle, noise, n, m = 30, np.pi / 6, 1.0, 3000, 3000
    real, other = np.eye(p)[0], np.cos(angle) * np.eye(p)[0] + np.sin(angle) * np.eye(p)[1]
    domains = rg.Domains.from_moments({"real": (np.ones(p), real, noise), "other": (np.ones(p), other, noise)})
    share = np.linspace(0.02, 0.05, 31)
    ratio = share / (1 - share) * n / m  # weights (1 - alpha)/n and alpha/m
    learner, rows = rg.Learner(rg.Ridge(1e-9)), {"real": n, "other": m}
    risks = rg.predict(domains, learner, rows, weights={"other": ratio}, test="real").test
    own, theirs = noise * p / (n - p), noise * p / (m - p)
    law = own / (own + theirs + np.sum((real - other) ** 2))
    assert abs(share[risks.values.argmin()] - law) < 2e-3


@pytest.mark.parametrize(("p", "rows"), [(40, 100), (40, 60), (150, 100)])
def test_gaussian_sketches_are_weights(p, rows):
    """Least squares on a sketch S y of n = 200 rows, S of `rows` independent normal rows: rows whose weights are the
    eigenvalues of S S', of the Marchenko-Pastur law.  The closed risks are those of arXiv 2302.01088.
    """
    n, noise, nodes = 200, 0.5, 24
    ratio, angle = rows / n, np.arange(1, nodes + 1) * np.pi / (nodes + 1)
    value = 1.0 + ratio + 2.0 * np.sqrt(ratio) * np.cos(angle)
    share = 2.0 * np.sin(angle) ** 2 / (nodes + 1) / value
    one = rg.Task.isotropic(p, signal=1.0, noise=noise)
    domains = rg.Domains({f"weight_{place}": one for place in range(nodes)})
    weights = dict(zip(domains.names, value, strict=True))
    few = dict(zip(domains.names, rows * share, strict=True))
    found = float(rg.predict(domains, rg.Learner(rg.Ridge(1e-8)), few, weights=weights, test=one).test) - noise
    closed = noise * (p / (n - p) + p / (rows - p)) if p < rows else 1.0 - rows / p + noise * rows / (p - rows)
    np.testing.assert_allclose(share.sum(), 1.0, rtol=1e-6)
    np.testing.assert_allclose(found, closed, rtol=1e-6)


DOMAINS = rg.Domains({"real": REAL, "cheap": CHEAP})
WRONG = {
    "unknown rows": (lambda: rg.predict(DOMAINS, RIDGE, {"reel": 5}), "n must be of the domains real, cheap, got 'reel'"),
    "a bare number": (lambda: rg.predict(DOMAINS, RIDGE, 50), "n must say how many rows of each domain"),
    "no rows": (lambda: rg.predict(DOMAINS, RIDGE, {"real": 0}), "n must leave at least one training row"),
    "unknown test": (lambda: rg.predict(DOMAINS, RIDGE, {"real": 5}, test="far"), "test must be among the domains"),
    "other inputs": (lambda: rg.Domains({"a": REAL, "b": rg.Task.isotropic(3)}), r"b must have the inputs of a \(120\)"),
    "an infinite task": (lambda: rg.Domains({"a": rg.Task.power_law(1.5, 1.5)}), "give modes="),
    "two feature maps": (
        lambda: rg.Domains({
            name: rg.DataTask(np.eye(4), np.ones(4), rg.RandomFeatureMap(3, "tanh", seed=ord(name))) for name in "ab"
        }), "seen through one feature map",
    ),
    "no covariance": (lambda: rg.Domain([[1.0, 2.0], [0.0, 1.0]], [1.0, 1.0]), "symmetric matrix"),
    "a teacher of other size": (lambda: rg.Domain([1.0, 1.0], [1.0]), r"weights must have one entry per input \(2\)"),
    "outside the span": (lambda: rg.Domain.from_moments([1.0, 0.0], [1.0, 1.0], 3.0), "cross must lie in the span of"),
    "factors of whole views": (
        lambda: rg.predict(DOMAINS, rg.Learner(rg.Ridge(0.1), augmentation=rg.Flip(0.5)), {"real": 5}),
        "Flip is not predicted for rows of several domains",
    ),
    "views of no domain": (
        lambda: rg.predict(DOMAINS, rg.Learner(rg.Ridge(0.1), augmentation={"reel": rg.Mask(0.5)}), {"real": 5}),
        "augmentation must be of the domains real, cheap, got 'reel'",
    ),
    "views by domain of one task": (
        lambda: rg.predict(REAL, rg.Learner(rg.Ridge(0.1), augmentation={"real": rg.Mask(0.5)}), 5),
        "augmentation must be one for all samples of Task",
    ),
    "views in batches": (
        lambda: rg.predict(DOMAINS, rg.Learner(rg.SGD(0.1, 5), augmentation=rg.Mask(0.5)), {"real": 5}),
        "augmentation is not derived for rg.SGD on several domains",
    ),
    "one pass": (
        lambda: rg.predict(DOMAINS, rg.Learner(rg.OnePassSGD(0.1, 5)), {"real": 5}),
        "task must be an rg.Task, .* or rg.ClassGroups to train OnePassSGD",
    ),
    "value along training": (
        lambda: rg.row_value(DOMAINS, rg.Learner(rg.GradientFlow(1.0)), {"real": 5}), "row_value is not there for training",
    ),
    "value at ridge 0": (lambda: rg.row_value(DOMAINS, rg.Learner(rg.Ridge()), {"real": 5}), "ridge must be > 0"),
    "cost of one": (
        lambda: rg.optimal_mixture(DOMAINS, RIDGE, 10, cost={"real": 1.0}), "cost must give the price of a row of each",
    ),
    "a stage of batches": (
        lambda: rg.Stage("a", rg.Learner(rg.SGD(0.1, 5)), {"real": 5}), "must be ridge or gradient training from 0",
    ),
    "a stage that is later": (
        lambda: rg.Sequence([rg.Stage("a", RIDGE, {"real": 5}, labels="b")]), "must take labels and start from stages",
    ),
    "rows of a sequence": (
        lambda: rg.predict(DOMAINS, rg.Sequence([rg.Stage("a", RIDGE, {"real": 5})]), 5), "n must be left out",
    ),
    "a domain of a stage": (
        lambda: rg.predict(DOMAINS, rg.Sequence([rg.Stage("a", RIDGE, {"reel": 5})])), "must draw from the domains real",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_bad_input_is_told_in_a_sentence(name):
    call, said = WRONG[name]
    with pytest.raises(ValueError, match=said):
        call()
