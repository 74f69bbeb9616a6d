"""Compiled estimators: known numbers, the hand-written engine by another route, limits, peaks, failures that are told."""

import warnings

import jax
import numpy as np
import pytest

import rfgen as rg
from rfgen.problems.space_tasks import SpaceTasks
from rfgen.theory.compiled.many import risks
from rfgen.theory.compiled.numbers import numbers_of
from rfgen.theory.compiled.solver import solve
from rfgen.theory.compiled.system import Numbers
from rfgen.theory.compiled.traces import expected_trace

a = rg.algebra
X, U = a.data("X"), a.data("U", samples="m")
Y, WEIGHTS = a.labels(X), a.ridge_fit(X, a.labels(X))
RIDGE, FEATURES = a.Estimator(WEIGHTS), a.Estimator(a.ridge_fit(X, Y, features="k"))
TASK = rg.Task.power_law(alpha=1.2, beta=1.5, noise=0.2, modes=300)
INFINITE = rg.Task.power_law(alpha=1.2, beta=1.5, noise=0.2)
# 30-digit values of docs/theory: alpha, beta, n, k, ridge, noise, test risk.
REFERENCE = [
    (1.5, 1.5, 256, 10, 1e-3, 0.5, 1.60390894246605), (1.5, 1.5, 256, 300, 1e-3, 0.5, 3.54165190569495),
    (1.5, 1.5, 256, 1000, 0.1, 0.5, 0.91710566821632), (1.2, 1.6, 400, np.inf, 1e-6, 0.1, 0.231054749187573),
    (2.0, 1.4, 100, np.inf, 0.0, 0.0, 0.573824854097869), (1.5, 1.5, 256, 257, 1e-8, 0.5, 169.491427951201),
]


def predict(*arguments, **numbers):
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="theory is expected to be off")
        return rg.predict(*arguments, **numbers)


@pytest.mark.parametrize("row", REFERENCE, ids=str)
def test_reference_values(row):
    alpha, beta, n, k, ridge, noise, exact = row
    task = rg.Task.power_law(alpha, beta, noise, modes=2000)
    sizes = {} if np.isinf(k) else {"k": k}
    curve = predict(task, FEATURES if sizes else RIDGE, n=n, ridge=ridge, **sizes)
    assert abs(curve.test.item() / exact - 1) < 1e-12


def members(count):
    return a.ensemble([a.ridge_fit(X, Y, features=a.random_features("k", name=f"W{own}")) for own in range(count)])


def rounds(count):
    weights = WEIGHTS
    for _ in range(count - 1):
        weights = a.ridge_fit(X, X @ weights)
    return weights


VIEWS = [a.view(X, noise=0.3, name=f"view{own}") for own in range(2)]
# Engine's learner and arguments; the same as an expression and its arguments.
REFEREE = {
    "ridge": (INFINITE, rg.Learner(rg.Ridge([0.0, 1e-3, 1.0])), {}, WEIGHTS, {"ridge": [0.0, 1e-3, 1.0]}, 1e-12),
    "features": (
        INFINITE, rg.Learner(rg.Ridge([1e-6, 0.1]), features=[40, 300]), {}, FEATURES.weights,
        {"k": [40, 300], "ridge": [1e-6, 0.1]}, 1e-11,
    ),
    "ensemble": (
        TASK, rg.Learner(rg.Ridge(0.1), features=60), {"members": 3}, members(3), {"k": 60, "ridge": 0.1}, 1e-12
    ),
    "iterated": (TASK, rg.Learner(rg.IteratedRidge(0.5, steps=3)), {}, rounds(3), {"ridge": 0.5}, 1e-10),
    "views, groups": (
        TASK, rg.Learner(rg.Ridge(0.2), augmentation=rg.GaussianNoise(0.3, views=2)), {}, a.ridge_fit(VIEWS, [Y, Y]),
        {"ridge": 0.4}, 1e-11,
    ),
    "bags": (
        TASK, rg.Learner(rg.Ridge(0.1), resampling=rg.Subsample(0.6)), {"members": 2},
        a.ensemble([a.ridge_fit(X, Y, weight=a.subsample(X, "m", name)) for name in "st"]), {"ridge": 0.1}, 1e-11,
    ),
    "flow": (TASK, rg.Learner(rg.GradientFlow([0.3, 2.0])), {}, a.ridge_fit(X, Y, 0.0, time="t"), {"t": [0.3, 2.0]}, 1e-11),
}


@pytest.mark.parametrize("case", REFEREE)
def test_the_engine_has_an_independent_referee(case):
    task, learner, options, weights, numbers, rtol = REFEREE[case]
    sizes = {"n": 50, "m": 30} if case == "bags" else {"n": [30, 150]}
    engine = predict(task, learner, n=sizes["n"], **options)
    compiled = predict(task, a.Estimator(weights), **sizes, **numbers)
    parts = ("bias", "variance", "noise") if case in ("ridge", "features") else ()
    for name in ("test", *parts, *(("norm",) if case in ("ridge", "iterated") else ())):
        expected = engine[name].squeeze(drop=True).values
        assert np.allclose(compiled[name].values.reshape(expected.shape), expected, rtol=rtol, atol=0)


def test_known_limits():
    """Least squares, the peak, a Haar sketch of m rows as m fresh ones, and isotropic formulas."""
    task, ridge = rg.Task.isotropic(60, signal=1.0, noise=0.5), {"ridge": 0.0}
    curve = predict(task, RIDGE, n=[20, 60, 100], **ridge)
    under, over = 0.5 + (1 - 20 / 60) + 0.5 * 20 / (60 - 20), 0.5 + 0.5 * 60 / 40
    assert np.allclose(curve.test.values, [under, np.inf, over], rtol=1e-12)
    assert np.isinf(curve.amplification.values[1]) and curve.converged.all()
    sketched = a.Estimator(a.ridge_fit(X, Y, weight=a.haar(X, "m")))
    for ridge in (0.3, 0.0):
        fresh = predict(TASK, RIDGE, n=50, ridge=ridge).test.item()
        assert abs(predict(TASK, sketched, n=90, m=50, ridge=ridge).test.item() / fresh - 1) < 1e-11
    whitened = a.Estimator((X.T @ X).inverse @ a.teacher("n"))
    assert np.isinf(predict(task, whitened, n=[20, 60]).test.values).all()


def test_sketched_least_squares():
    """Isotropic: any sketch below as many rows as inputs; above, independent rows pay for what they leave."""
    p, n, m = 200, 400, np.array([20.0, 80.0, 150.0, 190.0, 210.0, 300.0, 390.0])
    task, under = rg.Task.isotropic(p, signal=1.0, noise=1.0), 1.0 + (1.0 - m / p) + m / (p - m)
    for made, above in ((a.sketch, p / (m - p) + p / (n - p)), (a.haar, p / (m - p))):
        found = predict(task, a.Estimator(a.ridge_fit(X, Y, 0.0, weight=made(X, "m"))), n=n, m=m).test.values
        assert np.allclose(found, np.where(m < p, under, 1.0 + above), rtol=1e-12, atol=0)


def test_domains_and_the_tested_task():
    """One task for all is one task for each; a domain of another covariance against a simulation is in the fuzz."""
    student, numbers = a.Estimator(a.continue_from(WEIGHTS, U, a.labels(U), "ridge2")), {"ridge": 0.5, "ridge2": 0.1}
    one = predict(TASK, student, n=50, m=[20, 80], **numbers)
    many = predict({"n": TASK, "m": TASK}, student, n=50, m=[20, 80], **numbers)
    shifted = predict(TASK, student, n=50, m=[20, 80], test=TASK.with_noise(0.5), **numbers)
    assert np.array_equal(one.test, many.test) and np.allclose(shifted.test, one.test + 0.3, rtol=1e-13)
    with pytest.raises(ValueError, match="test is missing"):
        rg.predict({"n": TASK, "m": TASK.with_noise(0.5)}, student, n=50, m=20, **numbers)


def test_two_entries_of_one_row_count_twice():
    """Rows weighed by D and by 1 are rows weighed by D + 1."""
    weight, values = a.Diagonal("D", X.rows), np.array([0.5, 1.0, 3.0])
    both = a.Estimator((X.T @ weight @ X + X.T @ X + "ridge").inverse @ (X.T @ (weight @ Y + Y)))
    one = a.Estimator(a.ridge_fit(X, Y, weight=weight))
    found = predict(TASK, both, n=60, ridge=0.1, D=values).test.item()
    assert abs(found / predict(TASK, one, n=60, ridge=0.1, D=values + 1.0).test.item() - 1) < 1e-12


def test_traces_and_training_errors():
    """The law of Marchenko and Pastur; mean squared residuals are an output like any other."""
    n, p, space = 1000.0, 600.0, a.space("p")
    X0 = a.Gaussian("X", a.space("n"), space)
    sizes = {"n": np.array([n]), "p": np.array([p])}
    for ridge in (1.0, 1e-2, 1e-6):
        b = n - p + ridge
        exact = 2 * p / (b + np.sqrt(b**2 + 4 * p * ridge))
        numbers = Numbers(sizes, {}, {"ridge": ridge}, {})
        found = expected_trace((X0.T @ X0 + "ridge").inverse, numbers, least=ridge)
        assert abs(found / exact - 1) < 1e-12
    trained = predict(TASK, RIDGE, n=60, ridge=0.1).train.item()
    assert abs(trained / predict(TASK, rg.Learner(rg.Ridge(0.1)), n=60).train.item() - 1) < 1e-12


def test_covariances_that_do_not_commute(monkeypatch):
    """In a basis where it is diagonal, a covariance beside an isotropic one gives the same, by matrices of JAX too."""
    rng, p = np.random.default_rng(0), 24
    values, basis = rng.uniform(0.1, 3.0, p), np.linalg.qr(rng.normal(size=(p, p)))[0]
    power = rng.uniform(0.0, 1.0, p) / p
    rows = a.Gaussian("V", a.space("m"), X.columns, None, a.Diagonal("S", X.columns))
    student = a.Estimator(a.continue_from(WEIGHTS, rows, rows @ a.teacher("n"), "ridge2"))
    numbers = {"n": 30, "m": 15, "ridge": 0.5, "ridge2": 0.3}
    dense = predict(rg.Task(np.ones(p), power, 0.1), student, S=basis * values @ basis.T, **numbers)
    turned = rg.Task(np.ones(p), (basis.T @ np.sqrt(power)) ** 2, 0.1)
    assert abs(dense.test.item() / predict(turned, student, S=values, **numbers).test.item() - 1) < 1e-12
    monkeypatch.setattr("rfgen.api.methods.compiled.LARGE", 1)
    large = predict(rg.Task(np.ones(p), power, 0.1), student, S=basis * values @ basis.T, **numbers)
    assert abs(large.test.item() / dense.test.item() - 1) < 1e-12
    with pytest.raises(ValueError, match="S must be a symmetric matrix"):
        rg.predict(turned, student, S=np.triu(np.ones((p, p))), **numbers)


REFUSED = {
    "missing": ({"n": 5, "ridge": 0.1}, "k must be given: the estimator needs n, k, ridge"),
    "unknown": ({"n": 5, "k": 3, "ridge": 0.1, "m": 2}, "m is no number of the estimator"),
    "negative": ({"n": 5, "k": 3, "ridge": -0.1}, "ridge must be >= 0"),
    "no size": ({"n": 0, "k": 3, "ridge": 0.1}, "n must be > 0"),
    "an option": ({"n": 5, "k": 3, "ridge": 0.1, "members": 2}, "members is not covered by predict for estimators"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_bad_numbers_are_refused(case):
    numbers, said = REFUSED[case]
    with pytest.raises(ValueError, match=said):
        rg.predict(TASK, FEATURES, **numbers)


def test_other_learners_take_no_such_numbers():
    with pytest.raises(TypeError, match=r"only an rg.algebra.Estimator names numbers of its own"):
        rg.predict(TASK, rg.Learner(rg.Ridge(0.1)), n=5, ridge2=0.1)


def test_simulation_of_the_same_tree(tmp_path):
    """Transfer between domains: it agrees, goes through the store, and does not depend on how trials are grouped."""
    rng, modes = np.random.default_rng(0), 120
    one, two = (rg.Task(rng.uniform(0.2, 2.0, modes), rng.uniform(0, 1, modes) / modes, noise=0.1) for _ in range(2))
    student = a.Estimator(a.continue_from(WEIGHTS, U, a.labels(U), "ridge2"))
    numbers = {"n": 300, "m": 250, "ridge": [0.5, 50.0], "ridge2": 0.3, "test": two}
    report = rg.check({"n": one, "m": two}, student, trials=24, store=tmp_path, **numbers)
    assert report.agrees and report.compared == 2
    again = rg.simulate({"n": one, "m": two}, student, trials=3, **numbers)
    both = rg.simulate({"n": one, "m": two}, student, trials=24, store=tmp_path, **numbers)
    assert again.test.dims == ("ridge",) and both.test.equals(report.dataset.test_simulation)


def test_many_points_are_compiled(monkeypatch):
    grid = {"n": [30, 150], "ridge": np.geomspace(1e-4, 10.0, 40)}
    one_by_one = predict(TASK, RIDGE, **grid)
    monkeypatch.setattr("rfgen.api.methods.compiled.MANY", 50)
    compiled = predict(TASK, RIDGE, **grid)
    for name in ("test", "norm", "amplification"):
        assert np.allclose(compiled[name], one_by_one[name], rtol=1e-12, atol=0)


GRADIENTS = {
    "distilled": (a.distil(WEIGHTS, U, "ridge2"), {"n": 40.0, "m": 60.0, "ridge": 0.3, "ridge2": 0.2}),
    "features": (FEATURES.weights, {"n": 9.0, "k": 7.0, "ridge": 0.2}),
    "a dense covariance": (
        a.ridge_fit(a.Gaussian("V", a.space("n"), X.columns, None, a.Diagonal("S", X.columns)), Y), {"n": 9.0, "ridge": 0.2}
    ),
}


@pytest.mark.parametrize("case", GRADIENTS)
def test_derivatives(case):
    """By every number, all eigenvalues among them: against differences, and forward against backward."""
    weights, point = GRADIENTS[case]
    task = rg.Task([1.0, 0.5, 0.2, 0.1], [0.5, 0.3, 0.1, 0.1], noise=0.1)
    student, given = a.Estimator(weights), np.linalg.qr(np.vander([0.3, 0.8, 1.2, 2.0]))[0]
    dense = {"S": given * [2.0, 1.0, 0.5, 0.1] @ given.T} if student.diagonals else {}
    posed, numbers = student.structure(), numbers_of(student, SpaceTasks.of(task, student.samples, None), dense)(point)
    metrics = (("error", "error", ("covariance[n]",)),)
    cores = solve(posed, numbers, metrics, 0.2).cores
    risk = lambda own: risks(posed, metrics, own, cores)[0][0]  # noqa: E731
    with jax.enable_x64(True):
        backward, forward = (jax.jit(by(risk))(numbers) for by in (jax.grad, jax.jacfwd))
    leaves, tree = jax.tree.flatten(numbers)
    for one, two in zip(*map(jax.tree.leaves, (backward, forward)), strict=True):
        assert np.allclose(one, two, rtol=1e-11, atol=1e-11 * np.max(np.abs(one)))
    for place, slope in enumerate(jax.tree.leaves(backward)):
        for entry, exact in enumerate(np.ravel(slope)):
            values, step = [], 1e-4 * max(abs(float(np.ravel(leaves[place])[entry])), 0.1)
            for sign in (1.0, -1.0):
                moved = [np.array(leaf, float) for leaf in leaves]
                moved[place].flat[entry] += sign * step
                values.append(solve(posed, jax.tree.unflatten(tree, moved), metrics, 0.2).values[0])
            assert abs(exact - (values[0] - values[1]) / (2.0 * step)) < 1e-7 * max(1.0, abs(exact))


def test_second_derivatives():
    """Of the risk by the logarithm of the ridge, against differences of six neighbours."""
    numbers = numbers_of(RIDGE, SpaceTasks.of(TASK, RIDGE.samples, None), {})
    metrics, posed = (("error", "error", ("covariance[n]",)),), RIDGE.structure()
    cores = solve(posed, numbers({"n": 50.0, "ridge": 1.0}), metrics, 1.0).cores

    def risk(t):
        return risks(posed, metrics, numbers({"n": 50.0, "ridge": jax.numpy.exp(t)}), cores, order=2)[0][0]

    with jax.enable_x64(True):
        second = float(jax.jit(jax.jacfwd(jax.jacfwd(risk)))(np.float64(0.0)))
    ridges = np.exp(0.02 * np.arange(-3, 4))
    near = [solve(posed, numbers({"n": 50.0, "ridge": own}), metrics, 0.5).values[0] for own in ridges]
    assert abs(second / (np.array([2, -27, 270, -490, 270, -27, 2]) @ near / 180 / 0.02**2) - 1) < 1e-7
