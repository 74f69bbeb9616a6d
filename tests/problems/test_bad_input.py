"""Every refused input, and what its message says: the argument, what came, what is expected."""

import numpy as np
import pytest

import rfgen as rg

TASK = rg.Task.isotropic(10, noise=0.1)
LEARNER = rg.Learner(rg.Ridge(0.1))
EYE = np.eye(6)
X, Y = np.arange(24.0).reshape(8, 3), np.arange(8.0)

CASES = {
    "negative eigenvalue": (lambda: rg.Task([1.0, -0.5], [1.0, 1.0]), r"eigenvalues must be >= 0, got -0\.5"),
    "NaN eigenvalue": (lambda: rg.Task([1.0, np.nan], [1.0, 1.0]), r"eigenvalues must be finite, got nan at index \(1,\)"),
    "infinite power": (lambda: rg.Task([1.0, 0.5], [np.inf, 1.0]), r"power must be finite, got inf"),
    "negative power": (lambda: rg.Task([1.0, 0.5], [-1.0, 1.0]), r"power must be >= 0, got -1"),
    "power of another length": (lambda: rg.Task([1.0, 0.5], [1.0]), r"power must have one entry per eigenvalue.*\(1,\).*2 eig"),
    "eigenvalue matrix": (lambda: rg.Task(np.ones((2, 2)), [1.0, 1.0]), r"eigenvalues must have 1 dimension.*\(2, 2\)"),
    "words": (lambda: rg.Task(["a"], [1.0]), r"eigenvalues must be numeric, got list"),
    "no eigenvalues": (lambda: rg.Task([], []), r"eigenvalues must hold at least one number, got an empty array"),
    "negative noise": (lambda: rg.Task([1.0], [1.0], noise=-0.1), r"noise must be >= 0, got -0\.1"),
    "noise per output": (lambda: rg.Task([1.0], [1.0], noise=[0.1, 0.2]), r"noise must be one number or one per output \(1\), got 2"),
    "multiplicity length": (lambda: rg.Task([1.0, 0.5], [1.0, 1.0], multiplicity=[1]), r"multiplicity must have one entry per"),
    "multiplicity zero": (lambda: rg.Task([1.0], [1.0], multiplicity=[0]), r"multiplicity must be > 0, got 0"),
    "multiplicity twice": (lambda: rg.Task(rg.Spectrum([1.0]), [1.0], multiplicity=[2]), r"multiplicity belongs to the Spectrum"),
    "trace diverges": (lambda: rg.Task.power_law(1.0, 2.0), r"alpha must be > 1 when modes=None \(the trace diverges\), got 1"),
    "power not summable": (lambda: rg.Task.power_law(2.0, 1.0), r"beta must be > 1 .*diverges, got beta=1"),
    "log power not summable": (lambda: rg.Spectrum.log_power_law(1.0), r"power must be > 1 when modes=None"),
    "modes zero": (lambda: rg.Task.power_law(2.0, 2.0, modes=0), r"modes must be an integer >= 1, got 0"),
    "modes fractional": (lambda: rg.Task.power_law(2.0, 2.0, modes=10.5), r"modes must be an integer >= 1, got 10\.5"),
    "spikes without bulk": (lambda: rg.Spectrum.spiked(2, [3.0, 2.0]), r"dim must be an integer >= 3, got 2"),
    "two level": (lambda: rg.Spectrum.two_level((1, 2, 3), (1.0, 2.0)), r"dims and values must be pairs"),
    "ratio": (lambda: rg.Spectrum.marchenko_pastur(-1.0, 10), r"ratio must be > 0, got -1"),
    "fractional level": (lambda: rg.Spectrum([1.0], [2.5]).power_law_target(1.0), r"multiplicity must be whole numbers"),
    "rate": (lambda: rg.Spectrum.exponential(1e-9), r"rate must lie in .*give modes"),
    "negative ridge": (lambda: rg.GradientFlow(1.0, -1e-3), r"ridge must be >= 0, got -0\.001"),
    "NaN ridge": (lambda: rg.Ridge([0.1, np.nan]), r"ridge must be finite, got nan at index \(1,\)"),
    "ridge matrix": (lambda: rg.Ridge(np.ones((2, 2))), r"ridge must have 0 or 1 dimension"),
    "features zero": (lambda: rg.Learner(rg.Ridge(0.1), features=0), r"features must be > 0, got 0"),
    "n empty": (lambda: rg.predict(TASK, LEARNER, []), r"n must hold at least one number, got an empty array"),
    "ridge empty": (lambda: rg.Ridge([]), r"ridge must hold at least one number"),
    "complex": (lambda: rg.DataTask(X * 1j, Y), r"inputs must be numeric, got ndarray: complex"),
    "ragged": (lambda: rg.DataTask([[1.0], [1.0, 2.0]], [1, 2]), r"inputs must be numeric, got list"),
    "map is no callable": (lambda: rg.DataTask(X, Y, 3), r"feature_map must be a callable or None, got 3"),
    "data noise": (lambda: rg.DataTask(X, Y, noise=-1), r"noise must be >= 0, got -1"),
    "data noises": (lambda: rg.DataTask(X, Y, noise=[1, 2]), r"noise must be one number or one per output \(1\), got 2"),
    "zero kernel": (lambda: rg.Task.from_kernel(np.zeros((3, 3)), np.ones(3)), r"kernel must not be all zero"),
    "huge seed": (lambda: rg.simulate(TASK, LEARNER, 5, seed=2**63), r"seed must be below 2\^63"),
    "memory word": (lambda: rg.simulate(TASK, LEARNER, 5, memory="1GB"), r"memory must be numeric, got str"),
    "single precision": (lambda: rg.simulate(TASK, rg.Learner(rg.Ridge(1e300)), 5, dtype="float32"), r"ridge must fit into float32"),
    "zeros simulated": (lambda: rg.simulate(rg.Task([0.0], [1.0]), LEARNER, 5), r"eigenvalues must hold a positive number for a sim"),
    "exponential power": (lambda: rg.Task.exponential(1.0, 0.5), r"beta must be > 1 .*diverges, got beta=0\.5"),
    "five variables": (lambda: rg.plot(rg.predict(TASK, LEARNER, [5, 6]), y=("test",) * 5), r"y must name at most 4 variables, got 5"),
    "features negative": (lambda: rg.Learner(rg.Ridge(0.1), features=[5, -1]), r"features must be > 0, got -1"),
    "features NaN": (lambda: rg.Learner(rg.Ridge(0.1), features=np.nan), r"features must be free of NaN, got nan"),
    "features word": (lambda: rg.Learner(rg.Ridge(0.1), features="many"), r"features must be numeric, got str: strings.*give None for the full kernel"),
    "training": (lambda: rg.Learner(0.1), r"training must be a training such as rg\.Ridge\(1e-3\), got 0\.1"),
    "n zero": (lambda: rg.predict(TASK, LEARNER, 0), r"n must be > 0, got 0"),
    "n negative": (lambda: rg.predict(TASK, LEARNER, [5, -2]), r"n must be > 0, got -2"),
    "n NaN": (lambda: rg.predict(TASK, LEARNER, np.nan), r"n must be finite, got nan"),
    "n infinite": (lambda: rg.predict(TASK, LEARNER, [1, np.inf]), r"n must be finite, got inf"),
    "n matrix": (lambda: rg.predict(TASK, LEARNER, np.ones((2, 2))), r"n must have 0 or 1 dimension"),
    "not a task": (lambda: rg.predict([1.0], LEARNER, 5), r"task must be an rg\.Task, rg\.DataTask, .* for predict, got list"),
    "not a learner": (lambda: rg.predict(TASK, rg.Ridge(0.1), 5), r"learner must be an rg\.Learner, got Ridge"),
    "fractional n in simulation": (lambda: rg.simulate(TASK, LEARNER, 5.5), r"n must be whole numbers for a simulation"),
    "trials zero": (lambda: rg.simulate(TASK, LEARNER, 5, trials=0), r"trials must be an integer >= 1, got 0"),
    "seed": (lambda: rg.simulate(TASK, LEARNER, 5, seed=-1), r"seed must be an integer >= 0, got -1"),
    "dtype": (lambda: rg.simulate(TASK, LEARNER, 5, dtype="float16"), r"dtype must be 'float32' or 'float64', got 'float16'"),
    "test rows": (lambda: rg.simulate(TASK, LEARNER, 5, test_rows="some"), r"test_rows must be 'population' or 'rest', got 'some'"),
    "rest of nothing": (lambda: rg.simulate(TASK, LEARNER, 5, test_rows="rest"), r"test_rows='rest' needs a task of real"),
    "no rest": (
        lambda: rg.simulate(rg.DataTask(X, Y), LEARNER, 8),
        r"n must be below the 8 examples of the task",
    ),
    "one trial": (lambda: rg.check(TASK, LEARNER, 5, trials=1), r"trials must be an integer >= 2, got 1"),
    "unknown variable": (lambda: rg.check(TASK, LEARNER, 5, variables=("risk",)), r"variables must be among test, train"),
    "kernel not square": (lambda: rg.Task.from_kernel(np.ones((3, 4)), [1, 2, 3]), r"kernel must be a square matrix.*\(3, 4\)"),
    "kernel not symmetric": (
        lambda: rg.Task.from_kernel(EYE + np.triu(np.ones((6, 6)), 1), np.ones(6)),
        r"kernel must be symmetric, got entries that differ by 1",
    ),
    "kernel not positive": (
        lambda: rg.Task.from_kernel(EYE - np.ones((6, 6)), np.ones(6)),
        r"kernel must be positive semidefinite, got the eigenvalue -5",
    ),
    "kernel NaN": (lambda: rg.Task.from_kernel(EYE * np.nan, np.ones(6)), r"kernel must be finite, got nan at index \(0, 0\)"),
    "labels of another length": (lambda: rg.Task.from_kernel(EYE, np.ones(5)), r"y must have one row per row of kernel \(6\), got 5"),
    "labels NaN": (lambda: rg.Task.from_kernel(EYE, [1, 2, 3, 4, 5, np.nan]), r"y must be finite, got nan"),
    "inputs and labels": (lambda: rg.DataTask(X, Y[:5]), r"labels must have one row per input, got inputs of shape \(8, 3\)"),
    "inputs NaN": (lambda: rg.DataTask(np.where(X > 3, np.nan, X), Y), r"inputs must be finite"),
    "feature map NaN": (
        lambda: rg.predict(rg.DataTask(X, Y, lambda x: np.where(x > 3, np.inf, x)), LEARNER, 3),
        r"feature_map\(inputs\) must be finite",
    ),
    "feature map rows": (
        lambda: rg.predict(rg.DataTask(X, Y, lambda x: x[:4]), LEARNER, 3),
        r"feature_map must return one row per input \(8\), got shape \(4, 3\)",
    ),
    "activation": (lambda: rg.RandomFeatureMap(5, "swish"), r"activation must be one of relu, tanh.*got 'swish'"),
    "map features": (lambda: rg.RandomFeatureMap(0), r"features must be an integer >= 1, got 0"),
    "sphere degree": (
        lambda: rg.Task.sphere(5, rg.GaussianKernel(1.0), {60: 1.0}),
        r"target must hold degrees between 0 and degrees=40, got 60",
    ),
    "sphere target": (lambda: rg.Task.sphere(5, rg.GaussianKernel(1.0), np.ones(99)), r"target must have at most .*41 entries, got 99"),
    "digits target": (lambda: rg.datasets.digits("colour"), r"target must be 'parity', 'classes' or 'digit', got 'colour'"),
    "plot nothing": (lambda: rg.plot(None), r"plot needs a curve"),
    "plot a point": (lambda: rg.plot(rg.predict(TASK, LEARNER, 5)), r"plot needs at least one dimension"),
    "plot an unknown variable": (lambda: rg.plot(rg.predict(TASK, LEARNER, [5, 6]), y="loss"), r"y must name variables of the data"),
    "plot along nothing": (lambda: rg.plot(rg.predict(TASK, LEARNER, [5, 6]), x="time"), r"x must be one of the dimensions \('n',\)"),
}


@pytest.mark.parametrize("name", CASES)
def test_message(name):
    call, message = CASES[name]
    with pytest.raises(ValueError, match=message):
        call()


def test_memory_is_refused_before_it_is_allocated():
    with pytest.raises(MemoryError, match=r"n=50000.*needs about .*GiB.*lower n, the modes, the views or the number of times and ridges, or raise memory"):
        rg.simulate(rg.Task.power_law(1.5, 1.5, modes=10**6), LEARNER, 50_000, trials=2)
    with pytest.raises(MemoryError, match=r"100 KiB|97\.7 KiB"):
        rg.simulate(TASK, LEARNER, 500, trials=2, memory=1e5)


@pytest.mark.parametrize(
    "call",
    [
        lambda rows: rg.Task.from_kernel(rows, np.ones(200_000)),
        lambda rows: rg.estimate_risk(rows, np.ones(200_000), 1.0),
        lambda rows: rg.DataTask(rows, np.ones(200_000)),
        lambda _: rg.simulate(rg.Task.isotropic(10), rg.Learner(rg.Ridge(1.0)), n=10, trials=10**12),
        lambda _: rg.CorrelatedClasses.blocks(dim=3 * 10**6, size=3, correlation=0.5, length=2.0),
    ],
    ids=["kernel", "estimate", "inputs", "trials", "covariance"],
)
def test_memory_is_planned(call):
    with pytest.raises(MemoryError, match=r"needs about .* GiB, and .* are planned for: (give|lower|take)"):
        call(np.broadcast_to(np.float32(1.0), (200_000, 200_000)))


def test_rows_in_single_precision_stream(monkeypatch):
    # in blocks, as float32: the numbers of all at once in double precision
    rows = np.random.default_rng(0).normal(size=(60, 5)).astype(np.float32)
    single, double = (rg.DataTask(rows.astype(dtype), rows[:, 0]) for dtype in (np.float32, np.float64))
    want = double.eigen
    monkeypatch.setattr("rfgen.problems.data_task.BLOCK", 35)
    found = single.eigen
    assert single.inputs.dtype == found.population.coordinates.dtype == np.float32
    np.testing.assert_allclose(found.eigenvalues, want.eigenvalues, rtol=1e-12)
    np.testing.assert_allclose(found.power, want.power, rtol=1e-9, atol=1e-14)
    np.testing.assert_allclose(abs(found.population.coordinates), abs(want.population.coordinates), rtol=1e-5, atol=1e-6)
