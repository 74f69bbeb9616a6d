"""Deep linear networks from balanced weights: one layer is gradient flow, more layers are simulated."""

import jax
import numpy as np
import pytest
from scipy.integrate import solve_ivp

import rfgen as rg
from rfgen.numerics.quadrature.contours import closed
from rfgen.systems.linear_networks.balanced_flow import balanced_flow
from rfgen.theory.ridge.block_risk import augmented_modes

MODES, N, NOISE, LENGTH = 360, 240, 0.3, 0.3
EIGENVALUES = 4 * np.arange(1, MODES + 1) ** -0.7 / np.sum(np.arange(1, MODES + 1) ** -0.7)
POWER = EIGENVALUES / EIGENVALUES.sum()
TIMES = np.array([0.0, 1.0, 4.0, 12.0])


@pytest.fixture(scope="module")
def problem():
    with jax.enable_x64(True):
        return augmented_modes(rg.Task(EIGENVALUES, POWER, NOISE), None)[0]


def predicted(problem, depth, times=TIMES, n=N):
    with jax.enable_x64(True):
        return balanced_flow(problem, n, depth, times, LENGTH, NOISE)


@pytest.mark.parametrize("n", [60, 240, 900])
def test_one_layer_is_gradient_flow(problem, n):
    flow = rg.GradientFlow(TIMES, initial_variance=LENGTH**2 / MODES)
    expected = rg.predict(rg.Task(EIGENVALUES, POWER, NOISE), rg.Learner(flow), n)
    found = predicted(problem, 1, n=n)
    for name in ("test", "train", "norm"):
        assert np.max(np.abs(getattr(found, name) - expected[name].values)) < 1e-9
    assert np.max(np.abs(found.clock - TIMES)) < 1e-9


def simulated(depth, rng):
    """The end-to-end flow of one draw, in the eigenbasis of its second moment."""
    rows = rng.normal(size=(N, MODES)) * np.sqrt(EIGENVALUES)
    teacher = np.sqrt(POWER / EIGENVALUES) * rng.choice([-1, 1], MODES)
    labels = rows @ teacher + np.sqrt(NOISE) * rng.normal(size=N)
    values, basis = np.linalg.eigh(rows.T @ rows / N)
    right = basis.T @ (rows.T @ labels) / N

    def rates(_, beta):
        length = np.linalg.norm(beta)
        gradient, unit = right - values * beta, beta / length
        return length ** (2 - 2 / depth) * (gradient + (depth - 1) * unit * (unit @ gradient))

    start = rng.normal(size=MODES)
    start *= LENGTH / np.linalg.norm(start)
    flow = solve_ivp(rates, (0, TIMES[-1]), start, "RK45", TIMES, rtol=1e-5, atol=1e-8).y.T
    errors = flow @ basis.T - teacher
    test = errors**2 @ EIGENVALUES + NOISE
    train = (labels @ labels) / N - 2 * flow @ right + flow**2 @ values
    return np.stack([test, train, (flow**2).sum(axis=1)])


@pytest.mark.parametrize("depth", [2, 3])
def test_deep_networks(problem, depth):
    rng = np.random.default_rng(depth)
    runs = np.array([simulated(depth, rng) for _ in range(40)])
    found = predicted(problem, depth)
    theory = np.stack([found.test, found.train, found.norm])
    error = runs.std(axis=0, ddof=1) / np.sqrt(len(runs))
    distance = np.abs(runs.mean(axis=0) - theory)
    assert (distance <= 4 * error + 1e-9).all()


def test_the_contour_serves_all_clocks():
    for clock, edge in ((0.5, 2.0), (30.0, 7.0), (1e4, 3.0)):
        zeta, weights = closed(clock, edge)
        at = np.concatenate([[0.0], edge * np.geomspace(1e-6, 1.0, 30)])
        for t in (0.0, 0.3 * clock, clock):
            found = 2 * np.real((-np.exp(-zeta * t) * weights) @ (1 / (at - zeta[:, None])))
            assert np.max(np.abs(found - np.exp(-at * t))) < 1e-9


def test_contour_and_clock_are_enough(problem, monkeypatch):
    found = predicted(problem, 2)
    monkeypatch.setattr("rfgen.numerics.quadrature.contours.PANEL", 24)
    again = predicted(problem, 2)
    assert np.max(np.abs(again.test / found.test - 1)) < 1e-8
    assert (np.diff(found.clock) > 0).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [({"depth": 0}, "depth must be an integer >= 1, got 0"), ({"depth": 1.5}, "depth must be an integer >= 1, got 1.5"),
     ({"length": 0.0}, "length must be > 0, got 0"), ({"time": [-1.0]}, "time must be finite numbers >= 0"),
     ({"time": [np.inf]}, "time must be finite numbers >= 0")],
)
def test_bad_input(problem, change, message):
    with jax.enable_x64(True), pytest.raises(ValueError, match=message):
        balanced_flow(problem, **{"n": N, "depth": 2, "time": [1.0], "length": 0.3, **change})


def test_the_verbs_serve_deep_networks():
    task = rg.Task(np.linspace(2.0, 0.2, 60), np.full(60, 0.02), 0.2)
    report = rg.check(task, rg.Learner(rg.DeepLinearFlow([4.0, 1.0], [2], 0.5)), n=80, trials=30)
    assert report.agrees and report.dataset.test_theory.dims == ("depth", "time"), report
    with jax.enable_x64(True):
        direct = balanced_flow(augmented_modes(task, None)[0], 80, 2, [1.0], 0.5, 0.2)
    assert abs(float(report.dataset.test_theory[0, 1]) / direct.test[0] - 1) < 1e-8


def test_what_the_verbs_refuse():
    learner = rg.Learner(rg.DeepLinearFlow(1.0, 2, 0.5))
    two = rg.Task([1.0, 0.5], [[1.0, 0.5], [0.5, 1.0]])
    for call, message in (
        (lambda: rg.predict(two, learner, n=5), "task must have one output for a DeepLinearFlow"),
        (lambda: rg.simulate(rg.Task.power_law(1.5, 1.5), learner, n=5), "task must have finitely many Gaussian modes"),
        (lambda: rg.DeepLinearFlow(1.0, 0, 0.5), "depth must be whole numbers >= 1, got 0"),
        (lambda: rg.DeepLinearFlow(1.0, 2, 0.0), "length must be > 0, got 0"),
    ):
        with pytest.raises(ValueError, match=message):
            call()
