"""Simulated trainings against explicit steps, against each other and in their limits."""

import math
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import rfgen as rg
from rfgen.simulation.fits.ridge_fit import draw_features
from rfgen.simulation.runs.trajectory import INITIAL
from rfgen.simulation.runs.trials import source_of, trial_keys
from rfgen.simulation.sampling import samplers
from rfgen.simulation.sampling.samplers import standard_normals
from tests.oracles.training_steps import train
from tests.rounding import of_draws

MEASURED = ("test", "train", "bias", "variance", "noise", "norm")
TASK = rg.Task.power_law(1.5, 1.5, noise=0.3, modes=40)
TRAININGS = [
    rg.GradientFlow([5.0, 0.0, 40.0, 0.7], ridge=[0.0, 0.4]),
    rg.GradientDescent(rate=[0.2, 0.6], steps=[7, 0, 30], ridge=[0.0, 0.4]),
    rg.HeavyBall(rate=0.5, momentum=[0.0, 0.8], steps=[9, 1, 40], ridge=[0.1]),
    rg.Nesterov(rate=0.4, momentum=0.7, steps=[3, 25]),
    rg.Nesterov(rate=[0.2, 0.4], steps=[30, 0, 4, 4], ridge=0.2),
    rg.IteratedRidge([0.3, 2.0], steps=[3, 1, 8]),
]
NAMES = [f"{type(training).__name__}-{number}" for number, training in enumerate(TRAININGS)]


def started(training, variance):
    """The same from random weights, where it can start from them."""
    if isinstance(training, rg.IteratedRidge):
        return training
    return type(training)(**training.axes, initial_variance=variance)


@pytest.fixture
def double():
    with jax.enable_x64(True):
        yield


def by_hand(task, learner, n, trials, seed, test_rows="population"):
    """`simulate` again on the same draws: every weight trained step by step, every error summed mode by mode."""
    training, features = learner.training, None if np.isinf(learner.features) else int(learner.features)
    source = source_of(task, task, learner.augmentation, learner.test_views, "float64", test_rows)
    found = {name: [] for name in ("test", "train", "signal", "noise", "norm")}
    errors = []

    @jax.jit  # one program instead of 28 to 89 of single operations
    def draw(key, shared):
        rows_key, features_key = jax.random.split(key)
        sample, start_key = source.draw(rows_key, shared, n), jax.random.fold_in(features_key, INITIAL)
        if features is None:
            size, modes = sample.rows.shape
            (start, _) = standard_normals(start_key, "float64", (1, modes), (1, size))
            return sample, start, jnp.eye(modes)
        _, lift = draw_features(features_key, sample, features, features)
        return sample, *standard_normals(start_key, "float64", (1, features)), lift(jnp.eye(features))

    for two in trial_keys(seed, n, features, 0, trials):
        shared = jax.random.fold_in(two[0], 2)
        for key in two:
            sample, drawn, mixing = draw(key, shared)
            sample = SimpleNamespace(**{name: np.asarray(part) for name, part in vars(sample).items()})
            rows, mixing = sample.rows, np.asarray(mixing)
            variance = training.initial_variance
            start = np.asarray(drawn[0]) * np.sqrt(variance)
            design, noise = rows @ mixing, sample.errors[:, 0] * np.sqrt(task.noise[0])
            signal = train(training, design, sample.targets[:, 0], n, start)
            spurious = train(training, design, noise, n, np.zeros_like(start))
            seen = sample.mask / (sample.mask.sum() if sample.probe.ndim == 2 else 1.0)
            at_points = sample.probe.ndim == 2
            signal_there, wrong = (
                weights @ mixing.T @ sample.probe if at_points else weights @ mixing.T * sample.probe
                for weights in (signal, spurious)
            )
            missed = signal_there - sample.truth[0]
            found["signal"].append(missed**2 @ seen + sample.floor[0])
            found["noise"].append(wrong**2 @ seen + task.noise[0])
            found["test"].append(found["signal"][-1] + found["noise"][-1])  # without what is linear in the noise
            parts = ((sample.targets[:, 0], signal), (noise, spurious))  # nor here
            found["train"].append(sum(np.sum((own - fit @ design.T) ** 2, axis=1) for own, fit in parts) / n)
            found["norm"].append(np.sum(signal**2 + spurious**2, axis=1))
            errors.append((missed, sample.mask, sample.floor[0], sample.probe.ndim == 2))
    bias = []
    for (one, mask, floor, points), (two, other, _, _) in zip(errors[::2], errors[1::2], strict=True):
        both = mask * other
        bias.append((one * two) @ (both / both.sum() if points else both) + floor)
    mean = {name: np.mean(values, axis=0) for name, values in found.items()} | {"bias": np.mean(bias, axis=0)}
    return {**mean, "variance": mean["signal"] - mean["bias"]}


def assert_same(runs, expected, rtol=1e-9):
    scale = float(np.max(expected["test"]))
    for name in MEASURED:
        values = np.ravel(runs[name])
        assert np.allclose(values, expected[name], rtol=rtol, atol=1e-12 * scale), name


# n below and above the 40 modes; features below and above n, drawn directly as n > modes; initial variance.
SIZES = [(12, None, 0.0), (12, None, 0.5), (60, None, 0.5), (50, 20, 0.5), (45, 60, 0.7)]


@pytest.mark.parametrize("number, size", [(i, (i + shift) % 5) for i in range(len(TRAININGS)) for shift in (0, 2)])
def test_simulation_is_steps_by_hand(double, number, size):
    training, (n, features, variance) = TRAININGS[number], SIZES[size]
    learner = rg.Learner(started(training, variance), features=features)
    runs = rg.simulate(TASK, learner, n, trials=4, seed=2)
    assert_same(runs, by_hand(TASK, learner, n, 4, 2))
    assert runs.test.dims == tuple(name for name, axis in training.axes.items() if axis.ndim)


@pytest.mark.parametrize(
    "augmentation, test_views", [(rg.GaussianNoise(0.1, views=2), None), (rg.Mask(0.7, views=math.inf), None),
                                 (rg.Mask(0.7, views=2), 2)],
)
@pytest.mark.parametrize("training", TRAININGS[::4], ids=NAMES[::4])
def test_augmented_simulation_is_steps_by_hand(double, training, augmentation, test_views):
    """The penalty of infinitely many views is part of the second moment that the training sees."""
    learner = rg.Learner(started(training, 0.3), augmentation=augmentation, test_views=test_views)
    assert_same(rg.simulate(TASK, learner, 12, trials=4, seed=2), by_hand(TASK, learner, 12, 4, 2))


def test_variances_of_levels(double):
    task = rg.Task([0.2, 1.0, 0.5], [0.3, 1.0, 0.1], noise=0.1)
    variance = np.array([0.0, 2.0, 0.7])  # in the order given, as the eigenvalues
    training = rg.GradientFlow([0.0, 2.0], ridge=0.1, initial_variance=variance)
    runs = rg.simulate(task, rg.Learner(training), 30, trials=4000, seed=1)
    at_zero = runs.isel(time=0)
    for name, expected in (("test", 1.5 + variance @ [0.2, 1.0, 0.5]), ("norm", variance.sum()), ("bias", 1.4)):
        assert abs(float(at_zero[name]) - expected) < 4 * float(at_zero[f"{name}_se"]), name


@pytest.mark.parametrize("training", TRAININGS[::5], ids=NAMES[::5])
def test_real_examples_measured_on_the_rest(double, training):
    inputs = np.random.default_rng(0).standard_normal((80, 6))
    task = rg.DataTask(
        inputs, inputs[:, :3] @ [1.0, 0.5, 0.2], rg.RandomFeatureMap(12, "tanh"), noise=0.2, sampling="with replacement"
    )
    learner = rg.Learner(started(training, 0.3))
    runs = rg.simulate(task, learner, 9, trials=4, seed=2, test_rows="rest")
    assert_same(runs, by_hand(task.eigen, learner, 9, 4, 2, "rest"))
    views = rg.Learner(started(training, 0.3), augmentation=rg.GaussianNoise(0.1, views=2))
    assert np.isfinite(rg.simulate(task, views, 9, trials=2).test).all()


def test_features_given_the_rows_have_the_law_of_direct_ones():
    """n < modes: in train and norm the trainings see the design alone; test within errors."""
    training = rg.GradientFlow([1.0, 20.0, 300.0], ridge=0.1, initial_variance=0.5)
    task = rg.Task.isotropic(30, 1.0, noise=0.2)
    padded = rg.Task([1.0, 1e-30], [1.0, 0.0], 0.2, [30, 40])
    direct = rg.simulate(task, rg.Learner(training, features=20), 32, trials=600, seed=1)
    given = rg.simulate(padded, rg.Learner(training, features=20), 32, trials=600, seed=2)
    for name in MEASURED:
        error = np.hypot(direct[f"{name}_se"], given[f"{name}_se"])
        assert np.all(np.abs(direct[name] - given[name]) < 4 * error), name


@pytest.mark.parametrize("n", [6, 40])
def test_an_unresolved_tail_acts_by_its_trace(monkeypatch, n):
    """The same problem, the weak modes drawn one by one or left in the tail; n below and above the strong modes."""
    task = rg.Task([1.0, 3e-5], [1.0, 0.1], 0.2, [10, 20_000])
    training = rg.GradientFlow([1.0, 30.0, 100.0], ridge=[0.0, 0.5], initial_variance=[0.3, 0.8])
    learner = rg.Learner(training)
    explicit = rg.simulate(task, learner, n, trials=60, seed=1)
    monkeypatch.setattr(samplers, "MOST_MODES", 20)
    short = rg.simulate(task, learner, n, trials=600, seed=2)
    for name in MEASURED:
        error = np.hypot(explicit[f"{name}_se"], short[f"{name}_se"])
        gap = np.abs(explicit[name] - short[name])
        assert np.all(gap < 4 * error + 0.02 * np.abs(explicit[name])), name


RISKS = ("test", "bias", "variance", "noise")


def test_limits():
    ridges = [0.3, 0.0]
    # train and norm of ridge regression are without what is linear in the label noise, those of other trainings with it
    for n, task, names in ((60, TASK.with_noise(0.0), MEASURED), (15, TASK, RISKS), (60, TASK, RISKS)):
        ridge = rg.simulate(task, rg.Learner(rg.Ridge(ridges)), n, trials=4, seed=1)
        flow = rg.simulate(task, rg.Learner(rg.GradientFlow([math.inf, 0.0], ridges)), n, trials=4, seed=1)
        once = rg.simulate(task, rg.Learner(rg.IteratedRidge(ridges, [1])), n, trials=4, seed=1)
        long = rg.simulate(task, rg.Learner(rg.HeavyBall(0.5, 0.9, 10**8, [0.3])), n, trials=4, seed=1)
        for name in names:
            assert np.allclose(flow[name].sel(time=math.inf), ridge[name], rtol=1e-9, atol=1e-12), name
            assert np.allclose(once[name].sel(steps=1), ridge[name], rtol=1e-9, atol=1e-12), name
            assert np.allclose(long[name].sel(ridge=0.3), ridge[name].sel(ridge=0.3), rtol=1e-8), name
        zero, noise = flow.sel(time=0.0), task.noise[0]
        assert np.allclose(zero.test, task.null_risk) and np.allclose(zero.bias, task.null_risk - noise)
        assert np.allclose(zero.noise, noise) and np.all(zero.norm == 0)


def test_initial_weights_leave_ridge_and_samples_alone():
    plain = rg.simulate(TASK, rg.Learner(rg.GradientFlow([1.0, 9.0])), 20, trials=4)
    none = rg.simulate(TASK, rg.Learner(rg.GradientFlow([1.0, 9.0], initial_variance=0.0)), 20, trials=4)
    some = rg.simulate(TASK, rg.Learner(rg.GradientFlow([1.0, 9.0], initial_variance=0.4)), 20, trials=4)
    assert none.equals(plain) and np.all(some.variance > plain.variance)
    assert np.allclose(some.noise, plain.noise, rtol=1e-12)


# Measured before there were trainings other than Ridge: features 12 and all, by ridge 1e-3 and 0.3.  Then too `test` would
# have been `bias` + `variance` + `noise`, had what is linear in the label noise been left out of it, of `train` and `norm`.
RIDGE_BEFORE = {
    "train": [0.11445569570861218, 0.29467134484885915, 2.6888047147699173e-06, 0.07482234326344821],
    "bias": [0.6176401199428277, 0.7138387972183002, 0.3540908660395365, 0.47838394682748797],
    "variance": [5.484638360529676, 0.597071631389322, 0.18389059373014902, 0.12212398749650112],
    "noise": [2.893724104210337, 0.42309682537297805, 0.45896137608776294, 0.3832350998419141],
    "norm": [119.15787678482742, 8.542956335454548, 20.086801403698068, 9.86012848698915],
}
RIDGE_BEFORE["test"] = np.sum([RIDGE_BEFORE[part] for part in ("bias", "variance", "noise")], axis=0)


def test_ridge_is_what_it_was():
    task = rg.Task.power_law(1.5, 1.5, 0.3, modes=100)
    runs = rg.simulate(task, rg.Learner(rg.Ridge([0.0, 1e-3, 0.3]), features=[12, 30, math.inf]), 15, trials=6, seed=3)
    for name, expected in RIDGE_BEFORE.items():
        # to the last bit on one machine; linear algebra differs in the last digits between machines
        assert np.allclose(runs[name].values[[0, 2], 1:].ravel(), expected, rtol=of_draws(1e-10)), name


@pytest.mark.parametrize(
    "training, features", [(TRAININGS[0], math.inf), (TRAININGS[2], 30), (TRAININGS[4], math.inf), (TRAININGS[5], 30)]
)
def test_single_precision(training, features):
    learner = rg.Learner(started(training, 0.5), features=features)
    double, single = (rg.simulate(TASK, learner, 20, trials=20, dtype=dtype) for dtype in ("float64", "float32"))
    for name in MEASURED:
        error = np.hypot(double[f"{name}_se"], single[f"{name}_se"])
        assert np.all(np.abs(double[name] - single[name]) < 4 * error + 1e-4 * np.abs(double[name])), name


def test_unstable_rates_give_infinity():
    training = rg.GradientDescent(rate=[0.5, 50.0], steps=[3, 10**5])
    for dtype in ("float64", "float32"):
        runs = rg.simulate(TASK, rg.Learner(training, features=10), 20, trials=4, dtype=dtype)
        stable, wild = runs.sel(rate=0.5), runs.sel(rate=50.0)
        assert np.isfinite(stable.test).all() and np.isfinite(wild.sel(steps=3).test).all()
        for name in MEASURED:
            assert np.isinf(wild.sel(steps=10**5)[name]).all(), name


def test_order_and_dimensions():
    task = rg.Task([1.0, 0.5, 0.2], [[1.0, 0.3, 0.1], [0.1, 0.2, 0.3]], noise=0.1, keep_outputs=True)
    training = rg.HeavyBall([0.1, 0.2], [0.5, 0.9, 0.0], [9, 1], ridge=[0.0, 0.5], initial_variance=0.2)
    learner = rg.Learner(training, features=[4, math.inf], augmentation=rg.Mask([0.5, 0.9], views=2))
    runs = rg.simulate(task, learner, [7], trials=4)
    assert runs.test.dims == ("n", "features", "ridge", "rate", "momentum", "steps", "keep", "output")
    assert runs.test.shape == (1, 2, 2, 2, 3, 2, 2, 2)
    single = rg.HeavyBall(0.2, 0.9, 1, ridge=0.5, initial_variance=0.2)
    one = rg.simulate(task, rg.Learner(single, augmentation=rg.Mask(0.9, views=2)), 7, trials=4)
    chosen = runs.sel(n=7, features=math.inf, rate=0.2, momentum=0.9, steps=1, ridge=0.5, keep=0.9)
    for name in MEASURED:
        assert np.allclose(chosen[name], one[name]), name


def test_store(tmp_path):
    def run(training):
        result = rg.simulate(TASK, rg.Learner(training), 10, trials=2, store=tmp_path)
        return result, len(list(tmp_path.glob("*.npz")))

    first, count = run(rg.GradientFlow([1.0, 2.0]))
    again, still = run(rg.GradientFlow([1.0, 2.0]))
    assert first.identical(again) and count == still == 1
    different = [
        rg.GradientFlow([2.0, 1.0]), rg.GradientFlow([1.0, 2.0], 0.1), rg.GradientFlow([1.0, 2.0], initial_variance=0.1),
        rg.GradientDescent(0.1, [1, 2]), rg.HeavyBall(0.1, 0.0, [1, 2]), rg.Nesterov(0.1, [1, 2], 0.0),
        rg.Nesterov(0.1, [1, 2]), rg.IteratedRidge(0.1, [1, 2]), rg.Ridge([1.0, 2.0]),
    ]
    for number, training in enumerate(different):
        assert run(training)[1] == number + 2


def test_new_settings_do_not_recompile():
    from rfgen.simulation.runs.pairs import _over_pairs

    kinds = [
        lambda s: rg.GradientFlow([s, 2 * s], s, s), lambda s: rg.GradientDescent(s, [int(9 * s) + 1], s),
        lambda s: rg.HeavyBall(s, s / 2, [int(9 * s) + 1]), lambda s: rg.Nesterov(s, [int(9 * s) + 1]),
    ]
    for kind in kinds:
        rg.simulate(TASK, rg.Learner(kind(0.3)), 10, trials=2)
        count = _over_pairs._cache_size()
        rg.simulate(TASK, rg.Learner(kind(0.7)), 10, trials=2)
        assert _over_pairs._cache_size() == count


@pytest.mark.parametrize(
    "task, learner, options, error, message",
    [
        (TASK, rg.Learner(rg.Nesterov(0.1, 200_000)), {}, ValueError, "steps must be at most 100000"),
        (TASK, rg.Learner(rg.GradientFlow(1.0, initial_variance=[1.0, 2.0])), {}, ValueError, r"one per level \(40\)"),
        (TASK, rg.Learner(rg.GradientFlow(1.0, initial_variance=np.ones(40)), features=[5, math.inf]), {}, ValueError,
         "initial_variance must be one number with random features"),
        (rg.Task.sphere(5, rg.NTK("relu"), {1: 1.0}), rg.Learner(rg.GradientFlow(1.0, initial_variance=1.0)), {},
         ValueError, "initial_variance must be 0 for kernel regression on Task.sphere"),
        (TASK, rg.Learner(rg.GradientFlow(np.arange(1e5))), {"memory": 1e7}, MemoryError, "number of times and ridges"),
        (TASK, rg.Learner(rg.GradientFlow(1e300)), {"dtype": "float32"}, ValueError, "time must fit into float32"),
        (TASK, rg.Learner(rg.GradientDescent(1e300, 1)), {"dtype": "float32"}, ValueError, "rate must fit into float32"),
    ],
)
def test_what_cannot_be_simulated_is_said(task, learner, options, error, message):
    with pytest.raises(error, match=message):
        rg.simulate(task, learner, 10, trials=2, **options)
