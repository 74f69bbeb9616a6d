"""Stochastic descent on a training set: against loops by hand on the same batches, and against exact moments."""

from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import rfgen as rg
from rfgen.simulation.fits.ridge_fit import draw_features
from rfgen.simulation.runs.stochastic.multi_pass import BATCHES, _descend, batch_order, batch_settings
from rfgen.simulation.runs.trials import source_of, trial_keys
from rfgen.simulation.sampling import samplers
from tests.oracles import sgd_moments

MEASURED = ("test", "train", "bias", "variance", "noise", "norm")
TASK = rg.Task.power_law(1.5, 1.5, noise=0.3, modes=40)


@pytest.fixture
def double():
    with jax.enable_x64(True):
        yield


def by_hand(task, learner, n, trials, seed):
    """`simulate` again on the same draws and batches: plain weights, one step after another, one setting at a time."""
    training, features = learner.training, None if np.isinf(learner.features) else int(learner.features)
    source = source_of(task, task, None, None, "float64", "population")
    axes = {name: np.atleast_1d(values) for name, values in training.axes.items()}
    found, errors = {name: [] for name in ("test", "train", "signal", "noise", "norm")}, []

    @jax.jit
    def draw(key):
        rows_key, features_key = jax.random.split(key)
        sample = source.draw(rows_key, key, n)
        mixing = jnp.eye(task.eigenvalues.size)
        if features is not None:
            mixing = draw_features(features_key, sample, features, features)[1](jnp.eye(features))
        return sample, mixing, features_key

    for key in trial_keys(seed, n, features, 0, trials).ravel():
        drawn, mixing, features_key = draw(key)
        sample = SimpleNamespace(**{name: np.asarray(part) for name, part in vars(drawn).items()})
        mixing = np.asarray(mixing)
        design = sample.rows @ mixing
        labels = np.stack([sample.targets[:, 0], sample.errors[:, 0] * np.sqrt(task.noise[0])])
        here = {name: [] for name in (*found, "missed")}
        for index in np.ndindex(*(axis.size for axis in axes.values())):
            chosen = {name: axis[i].item() for (name, axis), i in zip(axes.items(), index, strict=True)}
            batch, momentum = chosen["batch"], chosen.get("momentum", 0.0)
            batches_key = jax.random.fold_in(jax.random.fold_in(features_key, BATCHES), batch)
            order = np.arange(n, dtype=np.int32) if training.reshuffle else None
            weights = before = np.zeros((2, design.shape[1]))
            for t in range(chosen["steps"]):
                which, order = ORDER(batches_key, np.int32(t), n, batch, order)
                x, y = design[np.asarray(which)], labels[:, np.asarray(which)]
                ahead = weights + momentum * (weights - before)
                at = ahead if training.nesterov else weights
                slope = (at @ x.T - y) @ x / batch + chosen["ridge"] / n * at
                weights, before = ahead - chosen["rate"] * slope, weights
            missed, wrong = weights @ mixing.T * sample.probe - np.stack([sample.truth[0], 0 * sample.truth[0]])
            here["missed"].append(missed)
            here["signal"].append(missed @ missed + sample.floor[0])
            here["noise"].append(wrong @ wrong + task.noise[0])
            here["test"].append(here["signal"][-1] + here["noise"][-1])  # without what is linear in the noise
            here["train"].append(np.sum((labels - weights @ design.T) ** 2) / n)  # nor here
            here["norm"].append(np.sum(weights**2))
        errors.append(np.array(here.pop("missed")))
        for name, values in here.items():
            found[name].append(values)
    bias = np.sum(np.array(errors[::2]) * np.array(errors[1::2]), axis=-1) + task.null_power
    mean = {name: np.mean(values, axis=0) for name, values in found.items()} | {"bias": np.mean(bias, axis=0)}
    return {**mean, "variance": mean["signal"] - mean["bias"]}


ORDER = jax.jit(batch_order, static_argnums=(2, 3))
BY_HAND = [
    (rg.SGD([0.3, 0.1], [9, 2, 0], batch=[1, 5], ridge=[0.0, 0.4]), 12, None),
    (rg.SGD(0.3, [9, 2], batch=4, momentum=[0.0, 0.7], ridge=0.4), 45, 60),
    # two samples of eleven are left over in each epoch
    (rg.SGD(0.3, [11, 2], batch=3, momentum=0.4, nesterov=True, ridge=0.4, reshuffle=True), 11, None),
]


@pytest.mark.parametrize("training, n, features", BY_HAND)
def test_simulation_is_steps_by_hand(double, training, n, features):
    learner = rg.Learner(training, features=features)
    runs = rg.simulate(TASK, learner, n, trials=2, seed=3)
    assert runs.test.dims == tuple(name for name, axis in training.axes.items() if axis.ndim)
    expected = by_hand(TASK, learner, n, 2, 3)
    for name in MEASURED:
        assert np.allclose(np.ravel(runs[name]), expected[name], rtol=1e-9, atol=1e-12), name


@pytest.mark.parametrize("n, features, nesterov", [(12, None, True), (45, 20, False)])
def test_the_whole_set_in_each_batch_is_gradient_descent(n, features, nesterov):
    settings = {"momentum": [0.0, 0.6], "steps": [0, 3, 20], "ridge": [0.0, 0.3]}
    full = (rg.Nesterov if nesterov else rg.HeavyBall)([0.2, 0.4], **settings)
    stochastic = rg.SGD([0.2, 0.4], batch=n, nesterov=nesterov, reshuffle=True, **settings)
    some, same = (rg.simulate(TASK, rg.Learner(each, features=features), n, trials=3) for each in (stochastic, full))
    for name in MEASURED:
        assert np.allclose(some[name], same[name], rtol=1e-9, atol=1e-11), name


def test_moments_given_the_data_are_the_exact_ones(double):
    """One training set, 4,000 runs: the mean of every weight, and their squares."""
    rng, runs = np.random.default_rng(2), 4000
    scale = np.arange(1, 9) ** -0.6
    rows, truth = rng.standard_normal((12, 8)) * scale, rng.standard_normal(8)
    signal, noise = rows @ truth, 0.5 * rng.standard_normal(12)
    labels = np.stack([signal, noise], axis=1)
    training = rg.SGD([0.5, 0.2], [15, 4], batch=[1, 3], ridge=[0.5])
    settings = batch_settings(training, False, "float64")
    keys = jax.random.split(jax.random.key(5), runs)
    arrays, begin = (jnp.asarray(rows), jnp.asarray(labels)), jnp.zeros((settings.groups, 2, 8))
    for batch in (1, 3):
        # runs, times, groups, columns, 8
        weights = np.asarray(jax.vmap(lambda key, b=batch: _descend(key, *arrays, settings, 12, b, begin))(keys))
        for group, rate in enumerate((0.5, 0.2)):
            for column, part in ((0, signal), (1, noise), (None, signal + noise)):
                means, spreads = sgd_moments.given_data(rows, part, rate, batch, 0.5, 15)
                for time, steps in enumerate((4, 15)):  # ascending
                    found = weights[:, time, group]
                    found = found.sum(axis=1) if column is None else found[:, column]
                    squares = np.diag(spreads[steps]) + (means[steps] - truth) ** 2
                    for sample, expected in ((found.T, means[steps]), ((found - truth).T ** 2, squares)):
                        z = (sample.mean(axis=1) - expected) / (sample.std(axis=1) / np.sqrt(runs))
                        # 384 scores in all, from skewed squares
                        assert np.abs(z).max() < 4.5, (batch, rate, column, steps, np.abs(z).max())


@pytest.mark.parametrize("n, batch", [(7, 1), (7, 2), (6, 3)])
def test_an_epoch_sees_each_sample_once(n, batch):
    key, order, seen = jax.random.key(1), jnp.arange(n, dtype=jnp.int32), []
    for t in range(3 * (n // batch)):
        drawn, order = ORDER(key, jnp.asarray(t, jnp.int32), n, batch, order)
        seen.append(np.asarray(drawn))
    epochs = np.reshape(seen, (3, -1))
    for epoch in epochs:
        assert np.unique(epoch).size == n // batch * batch
    assert not np.array_equal(epochs[0], epochs[1])


def test_an_unresolved_tail_acts_by_its_trace(monkeypatch):
    """The same problem, the weak modes drawn one by one or left in the tail."""
    task = rg.Task([1.0, 3e-4], [1.0, 0.1], 0.2, [10, 600])
    learner = rg.Learner(rg.SGD(0.1, [5, 60], batch=3, ridge=[0.0, 0.5], momentum=0.3))
    explicit = rg.simulate(task, learner, 20, trials=60, seed=1)
    monkeypatch.setattr(samplers, "MOST_MODES", 20)
    short = rg.simulate(task, learner, 20, trials=600, seed=2)
    for name in MEASURED:
        error = np.hypot(explicit[f"{name}_se"], short[f"{name}_se"])
        gap = np.abs(explicit[name] - short[name])
        assert np.all(gap < 4 * error + 0.02 * np.abs(explicit[name])), name


def test_features_given_the_rows_have_the_law_of_direct_ones():
    """n < modes: features are drawn given the rows."""
    training = rg.SGD(0.3, [5, 30], batch=2)
    task = rg.Task.isotropic(30, 1.0, noise=0.2)
    padded = rg.Task([1.0, 1e-30], [1.0, 0.0], 0.2, [30, 40])
    direct = rg.simulate(task, rg.Learner(training, features=40), 32, trials=200, seed=1)
    given = rg.simulate(padded, rg.Learner(training, features=40), 32, trials=200, seed=2)
    for name in MEASURED:
        error = np.hypot(direct[f"{name}_se"], given[f"{name}_se"])
        assert np.all(np.abs(direct[name] - given[name]) < 4 * error), name


def test_inputs_drawn_as_points():
    examples = np.random.default_rng(0).standard_normal((80, 6))
    for task, features, rows in (
        (rg.Task.sphere(5, rg.GaussianKernel(1.0), {1: 1.0}, noise=0.1, test_points=50), None, "population"),
        (rg.Task.gaussian_inputs(np.ones(9), "relu", np.ones(9), 0.1, test_points=50), 15, "population"),
        (rg.Task.from_features(examples, examples @ np.ones(6)), None, "rest"),
    ):
        learner = rg.Learner(rg.SGD(0.3, [0, 30], batch=2), features=features)
        runs = rg.simulate(task, learner, 20, trials=20, test_rows=rows)
        assert float(runs.train[1]) < float(runs.train[0]) and float(runs.test[1]) < float(runs.test[0])


def test_trials_outputs_precision_and_divergence(tmp_path):
    task = rg.Task([1.0, 0.5], [[1.0, 0.2], [0.3, 0.1]], [0.1, 0.4], keep_outputs=True)
    learner = rg.Learner(rg.SGD([0.2, 50.0], [3, 1000], batch=[1, 2]))
    runs = rg.simulate(task, learner, [10], trials=35, store=tmp_path)
    assert runs.test.dims == ("n", "rate", "batch", "steps", "output") and np.isfinite(runs.sel(rate=0.2).test).all()
    for name in MEASURED:
        assert np.isinf(runs[name].sel(rate=50.0, steps=1000)).all(), name
    assert runs.identical(rg.simulate(task, learner, [10], trials=35, store=tmp_path))
    min(tmp_path.glob("*.npz")).unlink()
    assert runs.identical(rg.simulate(task, learner, [10], trials=35, store=tmp_path))  # as after a kill
    single = rg.simulate(task, learner, [10], trials=35, dtype="float32")
    assert np.allclose(single.test.sel(rate=0.2), runs.test.sel(rate=0.2), rtol=1e-4)
    assert np.isinf(single.test.sel(rate=50.0, steps=1000)).all()


def test_every_setting_has_its_cell(monkeypatch, tmp_path):
    one = np.zeros((2, 1, 1))
    stub = dict.fromkeys(("test", "train", "signal", "noise", "norm"), one) | {"bias": one[:1]}
    monkeypatch.setattr("rfgen.api.methods.spectral_runs.measure", lambda *_: stub)
    different = [
        rg.SGD(0.2, 3), rg.SGD(0.3, 3), rg.SGD(0.2, 4), rg.SGD(0.2, 3, 2), rg.SGD(0.2, 3, momentum=0.1),
        rg.SGD(0.2, 3, momentum=0.1, nesterov=True), rg.SGD(0.2, 3, ridge=0.1), rg.SGD(0.2, 3, reshuffle=True),
    ]
    for number, training in enumerate(different):
        rg.simulate(TASK, rg.Learner(training), 10, trials=2, store=tmp_path)
        assert len(list(tmp_path.glob("*.npz"))) == number + 1


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: rg.SGD(0.1, 5, batch=0), "batch must be whole numbers >= 1"),
        (lambda: rg.simulate(TASK, rg.Learner(rg.SGD(0.1, 5, batch=11)), 10), "batch must be at most n"),
        (lambda: rg.simulate(TASK, rg.Learner(rg.SGD(0.1, 5))), "n, the number of training samples, is missing"),
        (lambda: rg.simulate(TASK, rg.Learner(rg.SGD(0.1, 5), augmentation=rg.GaussianNoise(0.1), test_views=2), 10),
         "test_views is not covered by simulate for many passes of SGD"),
        (lambda: rg.simulate(TASK, rg.Learner(rg.SGD(0.1, 10**8)), 10), "steps must be at most 10000000"),
    ],
)
def test_what_cannot_be_simulated_is_said(make, message):
    with pytest.raises(ValueError, match=message):
        make()
