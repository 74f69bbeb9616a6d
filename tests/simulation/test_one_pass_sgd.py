"""One pass of stochastic descent: against loops by hand on the same draws, and against the exact recursion of moments."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import rfgen as rg
from rfgen.simulation.runs.stochastic import one_pass as one_pass_module
from rfgen.simulation.runs.stochastic.one_pass import mode_errors, one_pass, one_pass_settings
from rfgen.simulation.runs.trials import trial_keys
from rfgen.simulation.sampling import samplers
from rfgen.simulation.sampling.samplers import sampler
from rfgen.simulation.sampling.streams import Stream, stream, unresolved_modes
from tests.oracles import sgd_moments
from tests.rounding import of_draws

MEASURED = ("test", "bias", "variance", "noise", "norm")
LAMBDA, POWER, NOISE = np.arange(1, 41) ** -1.3, np.arange(1, 41) ** -1.1, 0.3
TASK = rg.Task(LAMBDA, POWER, NOISE)
STEPS = [5, 20, 60]


def decay(t):
    return 0.5 / (1 + t / 20)


TRAININGS = {
    "heavy": rg.OnePassSGD([0.2, 0.1], STEPS, batch=[1, 3], momentum=[0.0, 0.5]),
    "nesterov": rg.OnePassSGD(
        decay, [60, 5, 20], batch=[4, 2], momentum=lambda t: 0.8 * t / (t + 3), nesterov=True, average_from=[10, 0, 60]
    ),
    "accelerated": rg.AcceleratedSGD([0.9, 0.6], 0.1, [0.5, 0.3], 0.2, STEPS, batch=2, average_from=[3, 30]),
}
PAIRS = 512


@pytest.fixture
def double():
    with jax.enable_x64(True):
        yield


def settings_in_order(training):
    axes = {name: np.atleast_1d(values) for name, values in training.axes.items()}
    for index in np.ndindex(*(axis.size for axis in axes.values())):
        yield {name: axis[i].item() for (name, axis), i in zip(axes.items(), index, strict=True)}


def moves(training, setting):
    """The step as matrix, gain and gradient point on the errors (now, the other sequence)."""
    most = setting["steps"]
    if isinstance(training, rg.AcceleratedSGD):
        a, b, c, d = (setting[name] for name in ("alpha", "beta", "gamma", "delta"))
        each = np.array([[a, 1 - a], [b * a, b * (1 - a) + 1 - b]]), np.array([d, c]), np.array([a, 1 - a])
        return [np.repeat(part[None], most, axis=0) for part in each]
    schedules = training.schedules(most)
    rate = schedules.get("rate", np.full(most, setting.get("rate")))
    momentum = schedules.get("momentum", np.full(most, setting.get("momentum", 0.0)))
    zero, one = np.zeros(most), np.ones(most)
    matrices = np.stack([np.stack([1 + momentum, -momentum], -1), np.stack([one, zero], -1)], axis=1)
    point = matrices[:, 0] if training.nesterov else np.stack([one, zero], -1)
    return matrices, np.stack([rate, zero], -1), point


def by_hand(task, training, features, two):
    """Measures of one pair of trials again on the same draws: one step after another, one setting at a time."""
    source = sampler(task, "float64", "population")
    truth, floor = np.asarray(source.coefficients), float(source.floor[0])
    found = {name: [] for name in ("test", "signal", "noise", "norm", "missed")}
    for key in two:
        run = stream(key, source, features, unresolved_modes(source))
        lift = np.diag(np.asarray(run.scale)) if run.lift is None else np.asarray(run.lift)
        here = {name: [] for name in found}
        for setting in settings_in_order(training):
            batch, window = setting["batch"], setting.get("average_from", np.inf)
            matrices, gain, point = moves(training, setting)
            both = np.zeros((2, 2, lift.shape[1]))  # sequence, signal or noise
            since = [both[0]] if window <= 0 else []
            for t in range(setting["steps"]):
                rows, targets, errors = (np.asarray(part) for part in BATCH(run, key, jnp.asarray(t), source, batch))
                labels = np.stack([targets[:, 0], errors[:, 0] * np.sqrt(task.noise[0])])
                slope = (np.tensordot(point[t], both, 1) @ rows.T - labels) @ rows / batch
                both = np.tensordot(matrices[t], both, 1) - gain[t][:, None, None] * slope
                if t + 1 >= window:
                    since.append(both[0])
            signal, spurious = np.mean(since, axis=0) if since else both[0]
            missed, wrong = lift @ signal - truth[0], lift @ spurious
            here["missed"].append(missed)
            here["signal"].append(missed @ missed + floor)
            here["noise"].append(wrong @ wrong + task.noise[0])
            here["test"].append(here["signal"][-1] + here["noise"][-1])  # without what is linear in the noise
            here["norm"].append(signal @ signal + spurious @ spurious)
        for name, values in here.items():
            found[name].append(np.array(values))
    one, two = found.pop("missed")
    return {**found, "bias": np.sum(one * two, axis=-1) + floor}


BATCH = jax.jit(Stream.batch, static_argnames="size")


def exact(training, setting):
    """Mode by mode: signal and noise errors, and the mean error, at the setting's steps."""
    rest = setting["batch"], setting["steps"], *moves(training, setting), setting.get("average_from")
    start = np.sqrt(POWER / LAMBDA)
    signal, mean = sgd_moments.one_pass(LAMBDA, start, 0.0, *rest)
    spurious, _ = sgd_moments.one_pass(LAMBDA, np.zeros_like(LAMBDA), NOISE, *rest)
    return signal[-1], spurious[-1], mean[-1]


@pytest.mark.parametrize("name", TRAININGS)
def test_runs_are_steps_by_hand_and_have_the_exact_moments(double, name):
    training, source = TRAININGS[name], sampler(TASK, "float64", "population")
    settings, noise = one_pass_settings(training, "float64"), jnp.asarray(TASK.noise)
    keys = trial_keys(11, None, None, 0, 4 * PAIRS)
    chunks = [vars(one_pass(source, keys[start : start + PAIRS], None, settings, noise)) for start in (0, PAIRS)]
    runs = {name: np.concatenate([np.asarray(chunk[name][..., 0]) for chunk in chunks]) for name in chunks[0]}
    for measure, values in by_hand(TASK, training, None, keys[0]).items():
        assert np.allclose(runs[measure][0], values, rtol=1e-9, atol=1e-12), measure
    for number, setting in enumerate(settings_in_order(training)):
        signal, spurious, mean = exact(training, setting)
        start = np.sqrt(POWER / LAMBDA)
        expected = {
            "signal": signal.sum(), "noise": spurious.sum() + NOISE, "bias": LAMBDA @ mean**2,
            "test": signal.sum() + spurious.sum() + NOISE,
            # weights are `start` minus the error
            "norm": np.sum((signal + spurious) / LAMBDA + start**2 - 2 * start * mean),
        }
        for measure, value in expected.items():
            sample = runs[measure][..., number].ravel()
            z = (sample.mean() - value) / (sample.std() / np.sqrt(sample.size))
            assert abs(z) < 4, (setting, measure, z)


@pytest.mark.parametrize("real, features", [(True, None), (True, 12), (False, 50)])
def test_real_examples_and_features_by_hand(double, real, features):
    inputs = np.random.default_rng(0).standard_normal((60, 20))
    task = rg.Task.from_kernel(
        inputs @ inputs.T, np.tanh(inputs[:, :3] @ [1.0, 0.5, 0.2]), noise=0.2, sampling="with replacement"
    ) if real else TASK
    training = rg.OnePassSGD(0.2, STEPS, batch=3, momentum=0.7, nesterov=True, average_from=12)
    runs = rg.simulate(task, rg.Learner(training, features=features), trials=2, seed=3)
    expected = by_hand(task, training, features, trial_keys(3, None, features, 0, 2)[0])
    expected["variance"] = np.mean(expected["signal"], axis=0) - expected["bias"]
    assert "train" not in runs and "n" not in runs.coords and runs.test.dims == ("steps",)
    for measure in MEASURED:
        values = expected[measure] if measure in ("bias", "variance") else np.mean(expected[measure], axis=0)
        assert np.allclose(runs[measure], values, rtol=of_draws(1e-8), atol=1e-11), measure


def test_modes_have_the_exact_moments(double):
    training = rg.OnePassSGD(0.35, [10, 40], batch=2, momentum=0.5)
    source, settings = sampler(TASK, "float64", "population"), one_pass_settings(training, "float64")
    found = mode_errors(source, trial_keys(0, None, None, 0, 4 * PAIRS), None, settings, jnp.asarray(TASK.noise))
    for number, setting in enumerate(settings_in_order(training)):
        for name, expected in zip(("signal", "noise"), exact(training, setting)[:2], strict=True):
            values = np.asarray(found[name])[:, :, number, 0].reshape(4 * PAIRS, 40)
            z = (values.mean(axis=0) - expected) / (values.std(axis=0) / np.sqrt(4 * PAIRS))
            # 160 scores in all, from skewed squares
            assert np.abs(z).max() < 4.5, (name, np.abs(z).max())


@pytest.mark.parametrize("features", [15, 60])
def test_features_have_the_law_of_rows_times_weights(features):
    """Plain numpy: draw x and F, train on z = x F / sqrt(features)."""
    training, rng, trials = rg.OnePassSGD(0.3, [30], batch=2, average_from=20), np.random.default_rng(5), 1500
    runs = rg.simulate(TASK, rg.Learner(training, features=features), trials=trials, seed=1).isel(steps=0)
    root, start = np.sqrt(LAMBDA), np.sqrt(POWER)
    mixing = rng.standard_normal((trials, 40, features)) / np.sqrt(features)
    weights, since = np.zeros((trials, features)), []
    for t in range(30):
        plain = rng.standard_normal((trials, 2, 40))
        rows, labels = (plain * root) @ mixing, plain @ start + np.sqrt(NOISE) * rng.standard_normal((trials, 2))
        wrong = np.einsum("rbp,rp->rb", rows, weights) - labels
        weights = weights - 0.3 * np.einsum("rb,rbp->rp", wrong, rows) / 2
        since += [weights] if t + 1 >= 20 else []
    weights = np.mean(since, axis=0)
    risk = np.sum((root * np.einsum("rpk,rk->rp", mixing, weights) - start) ** 2, axis=1) + NOISE
    for name, values in (("test", risk), ("norm", np.sum(weights**2, axis=1))):
        error = np.hypot(runs[f"{name}_se"], values.std() / np.sqrt(trials))
        assert abs(values.mean() - float(runs[name])) < 4 * error, name


@pytest.mark.parametrize("features", [None, 30])
def test_unresolved_modes_are_noise_to_the_labels(monkeypatch, features):
    """The same problem, the weak modes drawn one by one or left in the tail."""
    task = rg.Task([1.0, 3e-4], [1.0, 0.1], 0.2, [10, 300])
    learner = rg.Learner(rg.OnePassSGD(0.2, [40, 10], batch=2, momentum=0.3, average_from=20), features=features)
    explicit = rg.simulate(task, learner, trials=256, seed=1)
    monkeypatch.setattr(samplers, "MOST_MODES", 20)
    short = rg.simulate(task, learner, trials=2048, seed=2)
    for name in MEASURED:
        error = np.hypot(explicit[f"{name}_se"], short[f"{name}_se"])
        gap = np.abs(explicit[name] - short[name])
        assert np.all(gap < 4 * error + 0.01 * np.abs(explicit[name])), name


def test_grouping_of_runs_is_unseen(monkeypatch):
    training = TRAININGS["heavy"]
    whole = rg.simulate(TASK, rg.Learner(training), trials=21)
    assert whole.sizes == {"rate": 2, "momentum": 2, "batch": 2, "steps": 3}
    alone = rg.simulate(TASK, rg.Learner(rg.OnePassSGD(lambda t: 0.1 + 0 * t, 20, batch=3)), trials=21)
    monkeypatch.setattr(one_pass_module, "NUMBERS", 3000)
    parts = rg.simulate(TASK, rg.Learner(training), trials=21)
    for name in MEASURED:
        assert np.allclose(whole[name], parts[name], rtol=1e-9), name
        assert np.allclose(whole[name].sel(rate=0.1, momentum=0.0, steps=20, batch=3), alone[name], rtol=1e-9), name
    with pytest.raises(MemoryError, match="a pair of trials needs about"):
        rg.simulate(TASK, rg.Learner(training), trials=21, memory=1e4)


def test_outputs_store_precision_and_divergence(tmp_path):
    task = rg.Task([1.0, 0.5], [[1.0, 0.2], [0.3, 0.1]], [0.1, 0.4], keep_outputs=True)
    learner = rg.Learner(rg.OnePassSGD([0.2, 9.0], [3, 3000]))
    runs = rg.simulate(task, learner, trials=41, store=tmp_path)
    assert runs.test.dims == ("rate", "steps", "output") and np.isfinite(runs.sel(rate=0.2).test).all()
    for name in MEASURED:
        assert np.isinf(runs[name].sel(rate=9.0, steps=3000)).all(), name
    assert runs.identical(rg.simulate(task, learner, trials=41, store=tmp_path))
    single = rg.simulate(task, learner, trials=41, dtype="float32").sel(rate=0.2)
    assert np.allclose(single.test, runs.sel(rate=0.2).test, rtol=1e-4)


def test_every_setting_has_its_cell(monkeypatch, tmp_path):
    stub = {name: np.zeros((2 if name != "bias" else 1, 1, 1)) for name in ("test", "signal", "noise", "norm", "bias")}
    monkeypatch.setattr("rfgen.api.methods.spectral_runs.measure", lambda *_: stub)
    different = [
        rg.OnePassSGD(0.2, 3), rg.OnePassSGD(0.3, 3), rg.OnePassSGD(0.2, 4), rg.OnePassSGD(0.2, 3, 2),
        rg.OnePassSGD(0.2, 3, momentum=0.1), rg.OnePassSGD(0.2, 3, momentum=0.1, nesterov=True),
        rg.OnePassSGD(0.2, 3, average_from=2), rg.OnePassSGD(0.2, 3, average_from=3),
        rg.OnePassSGD(lambda t: 0.2 / (1 + t), 3), rg.OnePassSGD(lambda t: 0.3 / (1 + t), 3),
        rg.AcceleratedSGD(0.5, 0.5, 0.1, 0.1, 3), rg.AcceleratedSGD(0.5, 0.5, 0.2, 0.1, 3),
    ]
    for number, training in enumerate(different):
        rg.simulate(TASK, rg.Learner(training), trials=2, store=tmp_path)
        assert len(list(tmp_path.glob("*.npz"))) == number + 1


ONE = rg.OnePassSGD(0.1, 5)
SPHERE = rg.Task.sphere(5, rg.NTK("relu"), {1: 1.0})


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: rg.OnePassSGD(0.1, 5, batch=0), "batch must be whole numbers >= 1"),
        (lambda: rg.OnePassSGD(0.1, 5, average_from=6), "average_from must be within the run of 5 steps"),
        (lambda: rg.simulate(SPHERE, rg.Learner(ONE)), "in eigen-coordinates only.*multiplicity="),
        (lambda: rg.simulate(rg.Task.gaussian_inputs(np.ones(9), "relu", np.ones(9)), rg.Learner(ONE, features=5)),
         "in eigen-coordinates only"),
        (lambda: rg.simulate(TASK, rg.Learner(ONE), 10), "n must be left out"),
        (lambda: rg.simulate(TASK, rg.Learner(ONE, augmentation=rg.GaussianNoise(0.1, views=2), test_views=3)),
         "test_views is not covered by simulate for one pass of SGD"),
        (lambda: rg.simulate(rg.Task.from_kernel(np.eye(9), np.ones(9)), rg.Learner(ONE), test_rows="rest"),
         "test_rows is not covered by simulate for one pass of SGD"),
        (lambda: rg.simulate(TASK, rg.Learner(rg.OnePassSGD(0.1, 10**8))), "steps must be at most 10000000"),
    ],
)
def test_what_cannot_be_simulated_is_said(make, message):
    with pytest.raises(ValueError, match=message):
        make()
