"""Augmented training sets: rows and labels, the limit of many views, averaged test views, views of real inputs."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from sklearn.linear_model import Ridge

import rfgen as rg
from rfgen.curves.cells.content import content
from rfgen.problems.augmentations import (
    Augmentation,
    Compose,
    Crop,
    CutMix,
    Cutout,
    Dropout,
    Flip,
    Gain,
    GaussianNoise,
    Jitter,
    LabelSmoothing,
    Mask,
    Mixup,
    SaltAndPepper,
)
from rfgen.simulation.fits.ridge_fit import fit_kernel
from rfgen.simulation.sampling.samplers import sampler
from rfgen.simulation.sampling.views import augmented

TASK = rg.Task.power_law(1.5, 1.5, noise=0.3, modes=40)
RNG = np.random.default_rng(0)
INPUTS = RNG.standard_normal((200, 12))
DATA = rg.DataTask(
    INPUTS, INPUTS[:, :3] @ [1.0, 0.5, 0.2], rg.RandomFeatureMap(30, "tanh"), noise=0.2, sampling="with replacement"
)
KEYS = jax.random.key(0), jax.random.key(1)


def learner(augmentation, ridge=0.1, **rest):
    return rg.Learner(rg.Ridge(ridge), augmentation=augmentation, **rest)


def drawn(source, keys, n):
    return jax.jit(source.draw, static_argnums=2)(*keys, n)


@pytest.fixture
def double():
    with jax.enable_x64(True):
        yield


@pytest.mark.parametrize("augmentation", [Gain([0.5, 1.5], views=3), Mixup(1.0, views=3), LabelSmoothing(0.2, views=3)])
def test_rows_are_the_objective_of_scikit_learns_weighted_ridge(double, augmentation):
    base = sampler(TASK, "float64", "population")
    clean, sample = drawn(base, KEYS, 10), drawn(augmented(base, TASK, augmentation), KEYS, 10)
    views, labels, errors = (math.sqrt(3) * np.asarray(part) for part in (sample.rows, sample.targets, sample.errors))
    given = np.asarray(clean.targets + 0.5 * clean.errors)
    mixture = views @ np.linalg.pinv(np.asarray(clean.rows))  # weights of the samples in each view
    if isinstance(augmentation, Mixup):
        assert np.allclose(mixture.sum(axis=1), 1.0) and np.abs(views[0] - views[1]).max() > 0.01
        expected = mixture @ given
    else:  # one label for all views of a sample
        assert set(np.round(mixture.sum(axis=1), 9)) <= {0.5, 1.0, 1.5}
        expected = np.repeat(given, 3, axis=0) * (0.8 if isinstance(augmentation, LabelSmoothing) else 1.0)
    assert np.allclose(labels + 0.5 * errors, expected)
    fit = fit_kernel(sample, sample.targets + 0.5 * sample.errors, jnp.array([0.37]))
    direct = Ridge(alpha=0.37, fit_intercept=False).fit(views, expected[:, 0], sample_weight=np.full(30, 1 / 3))
    assert np.allclose(fit.weights[0, 0], direct.coef_)
    loss = np.mean((expected[:, 0] - direct.predict(views)) ** 2)
    assert float(jnp.sum(fit.residuals**2)) / 10 == pytest.approx(loss)


@pytest.mark.parametrize(
    "make",
    [
        lambda views: GaussianNoise(0.1, views),
        lambda views: Dropout(0.4, views),
        lambda views: SaltAndPepper(0.8, 0.1, views),
        lambda views: Gain([0.4, 1.6], views),
        lambda views: Jitter(0.5, 2, views),
        lambda views: Jitter(0.5, views=views),
        lambda views: Flip(0.3, views),
        lambda views: Cutout(9, views),
        lambda views: Mixup(0.7, views),
        lambda views: Compose([Mask(0.7), Gain([0.5, 1.5]), GaussianNoise(0.1), LabelSmoothing(0.2)], views),
    ],
)
def test_many_views_tend_to_the_limit(make):
    """The training sets are the same: only the views' own fluctuations, of order 1/views, are left."""
    runs = rg.simulate(TASK, learner(make([300, math.inf]), [0.03, 1.0]), 25, trials=12)
    for name in ("test", "train", "bias", "noise", "norm"):
        many, limit = runs[name].values.T
        assert np.allclose(many, limit, rtol=0.08 if name == "norm" else 0.03), (name, many, limit)
        assert np.all(np.abs(many - limit) < 4 * runs[f"{name}_se"].values.T[0])


def test_no_change_is_no_augmentation():
    plain = rg.simulate(TASK, rg.Learner(rg.Ridge([0.01, 1.0])), 20, trials=4)
    for views in (3, math.inf):
        runs = rg.simulate(TASK, learner(Mask(1.0, views), [0.01, 1.0]), 20, trials=4)
        for name in ("test", "train", "bias", "variance", "noise", "norm"):
            assert np.allclose(runs[name], plain[name], rtol=1e-6), name


def test_power_is_spread_over_a_level_and_covariance_too(double):
    task = rg.Task([1.0, 0.2, 0.0], [0.6, 0.9, 0.1], multiplicity=[2, 3, 4])
    base = sampler(task, "float64", "population")
    assert np.allclose(base.coefficients**2, [[0.3, 0.3, 0.3, 0.3, 0.3]]) and base.floor == pytest.approx(0.1)
    noise = Compose([Mask(1.0), GaussianNoise(2.0, covariance=[1.0, 0.0, 9.0])], views=4000)
    views = drawn(augmented(base, task, noise), KEYS, 1).rows * math.sqrt(4000)
    assert np.allclose(np.var(views, axis=0), [2.0, 2.0, 0.0, 0.0, 0.0], rtol=0.1, atol=1e-12)
    assert np.allclose(augmented(base, task, noise.at(views=math.inf)).level, [2.0, 2.0, 0.0, 0.0, 0.0])


@pytest.mark.parametrize("views", [1, 5])
def test_predictions_are_averaged_over_test_views(double, views):
    base = sampler(TASK, "float64", "population")
    noise = Compose([Mask(0.6), GaussianNoise(0.2)], views=2)
    source = augmented(base, TASK, noise, views)
    sample, again = drawn(source, KEYS, 3), drawn(source, (KEYS[1], KEYS[1]), 3)
    assert np.array_equal(sample.probe, again.probe) and not np.array_equal(sample.rows, again.rows)
    weights = np.linspace(1.0, 0.2, 40)
    errors = (np.asarray(sample.truth[0]) - weights @ np.asarray(sample.probe)) ** 2
    values, coefficients = np.asarray(base.scale) ** 2, np.asarray(base.coefficients[0])
    bias = np.sum((coefficients - 0.6 * weights * np.sqrt(values)) ** 2)
    expected = bias + np.sum(weights**2 * (0.6 * 0.4 * values + 0.2)) / views
    assert abs(errors.mean() - expected) < 4 * errors.std() / math.sqrt(errors.size)


def test_many_test_views_are_their_mean():
    """With Dropout the mean view is the clean input."""
    clean = rg.simulate(TASK, learner(Dropout(0.3, views=2)), 30, trials=12)
    runs = rg.simulate(TASK, learner(Dropout(0.3, views=2), test_views=60), 30, trials=12)
    for name in ("test", "bias", "variance", "noise"):
        assert abs(float(runs[name] / clean[name]) - 1) < 0.1, name
    assert np.allclose(runs.train, clean.train) and np.allclose(runs.norm, clean.norm)


@pytest.mark.parametrize("views", [1, 3])
def test_real_inputs_unchanged(views):
    plain = rg.simulate(DATA, rg.Learner(rg.Ridge([0.01, 1.0]), features=[20, math.inf]), 40, trials=30)
    runs = rg.simulate(DATA, learner(GaussianNoise(0.0, views), [0.01, 1.0], features=[20, math.inf]), 40, trials=30)
    averaged = rg.simulate(DATA, learner(GaussianNoise(0.0, views), test_views=2), 40, trials=4)
    assert np.allclose(averaged.test, rg.simulate(DATA, rg.Learner(rg.Ridge(0.1)), 40, trials=4).test)
    for name in ("test", "train", "bias", "variance", "noise", "norm"):
        ours, theirs = runs[name].values, plain[name].values
        # the same draws; random features have their own, and at the large ridge clean rows have control variates
        assert np.allclose(ours[1, 0], theirs[1, 0], rtol=1e-6), name
        error = np.hypot(runs[f"{name}_se"].values, plain[f"{name}_se"].values)
        assert np.all(np.abs(ours - theirs) <= 4 * error), name


def test_real_inputs_and_their_coordinates_are_one():
    """Views of white inputs, used as they are: the same law as views of eigen-coordinates."""
    inputs = RNG.standard_normal((400, 8)) * [1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3]
    _, vectors = np.linalg.eigh(inputs.T @ inputs / 400)
    data = rg.DataTask(inputs @ vectors[:, ::-1], inputs[:, 0] + 0.3 * inputs[:, 3], sampling="with replacement")
    for augmentation, rows in ((GaussianNoise(0.3, views=4), "rest"), (Mixup(1.0, views=2), "population")):
        how = {"trials": 60, "test_rows": rows}
        real, modes = (rg.simulate(task, learner(augmentation), 30, **how) for task in (data, data.eigen))
        for name in ("test", "train", "bias", "norm"):
            error = math.hypot(float(real[f"{name}_se"]), float(modes[f"{name}_se"]))
            assert abs(float(real[name] - modes[name])) < 4 * error, (augmentation, rows, name)


def test_functions_of_the_users_own():
    def in_numpy(key, x):
        x += np.random.default_rng(np.asarray(jax.random.key_data(key))).normal(0.0, 0.1, x.shape)
        return np.asarray(np.tanh(x))

    pairs = [(lambda key, x: jnp.tanh(x), lambda key, x: np.tanh(np.asarray(x)))]
    for traced, by_input in pairs:
        both = [rg.simulate(DATA, learner(Augmentation(each, views=2)), 30, trials=3) for each in (traced, by_input)]
        assert np.allclose(both[0].test, both[1].test) and np.allclose(both[0].train, both[1].train)
    runs = [rg.simulate(DATA, learner(Augmentation(in_numpy, 2), test_views=2), 30, trials=3, seed=s) for s in (0, 0, 1)]
    assert runs[0].identical(runs[1]) and float(runs[0].test) != float(runs[2].test)
    # the same change, declared and written by hand
    hand = Augmentation(lambda key, x: x + 0.5 * jax.random.normal(key, x.shape, jnp.float32).astype(x.dtype), views=2)
    ours, theirs = (rg.simulate(DATA, learner(each), 30, trials=3) for each in (hand, GaussianNoise(0.25, views=2)))
    assert np.allclose(ours.test, theirs.test) and float(ours.test) != float(both[0].test)


@pytest.mark.parametrize(
    ("task", "augmentation", "message"),
    [
        (DATA, Augmentation(lambda key, x: x[:3]), "must keep the shape"),
        (DATA, Augmentation(lambda key, x: jnp.round(x).astype(jnp.int32)), "must keep the dtype"),
        (DATA, Augmentation(lambda key, x: x / 0.0), r"gave non-finite values \((-?inf|nan)\)"),
        (DATA, Augmentation(lambda key, x: x + RNG.normal(size=x.shape)), "two views for one key"),
        (DATA, GaussianNoise(0.1, views=math.inf), "give a large number of views"),
        (DATA, CutMix(1.0), "image"),
        (rg.DataTask(np.abs(INPUTS), INPUTS[:, 0], lambda x: np.sqrt(np.where(x < 0, np.nan, x))), GaussianNoise(9.0),
         r"feature_map gave non-finite values \(nan\)"),
        # as many rows as there are examples, but for the two that a map is tried on
        (rg.DataTask(INPUTS, INPUTS[:, 0], lambda x: np.ones((200 if len(x) > 2 else 2, 2))), GaussianNoise(9.0),
         r"shape \(3, 2\)"),
        (TASK, Crop(3), "acts on inputs, not on eigen-coordinates"),
        (rg.Task.power_law(1.5, 1.5), Mask(0.5), "give modes=..., a finite number, to simulate augmentation"),
        (rg.Task.sphere(5, rg.NTK("relu"), {1: 1.0}), Mask(0.5), "Task.sphere draws points"),
    ],
)
def test_what_cannot_be_simulated_is_said(task, augmentation, message):
    with pytest.raises(ValueError, match=message):
        rg.simulate(task, learner(augmentation), 10, trials=2)


def test_dimensions():
    task = rg.Task([1.0, 0.5, 0.2], [[1.0, 0.3, 0.1], [0.1, 0.2, 0.3]], noise=0.1, keep_outputs=True)
    grid = learner(SaltAndPepper([0.5, 0.9], 0.1, views=[2, math.inf]), [0.1, 0.2, 0.3], features=[4])
    runs = rg.simulate(task, grid, 6, trials=4)
    assert runs.test.dims == ("features", "ridge", "views", "keep", "output") and runs.test.shape == (1, 3, 2, 2, 2)
    assert float(runs.view_variance) == 0.1 and runs.keep.values.tolist() == [0.5, 0.9] and int(runs.n) == 6
    one = rg.simulate(task, learner(SaltAndPepper(0.9, 0.1, views=2), 0.2, features=4), 6, trials=4)
    assert np.allclose(runs.test.sel(features=4, ridge=0.2, views=2, keep=0.9), one.test)
    labels = np.stack([DATA.labels, -2 * DATA.labels], axis=1)
    data = rg.DataTask(INPUTS, labels, DATA.feature_map, noise=[0.1, 0.0], keep_outputs=True, sampling="with replacement")
    runs = rg.simulate(data, learner(GaussianNoise([0.1, 0.5])), [10], trials=4)
    assert runs.test.dims == ("n", "view_variance", "output") and np.allclose(runs.bias[..., 1], 4 * runs.bias[..., 0])


def test_single_precision():
    for task, views in ((TASK, 2), (DATA, 2)):
        mask = learner(Mask(0.7, views))
        double, single = (rg.simulate(task, mask, 20, trials=20, dtype=each) for each in ("float64", "float32"))
        error = math.hypot(float(double.test_se), float(single.test_se))
        assert single.attrs["dtype"] == "float32" and abs(float(single.test - double.test)) < 4 * error


def test_store_and_memory(tmp_path):
    def run(task, augmentation, **rest):
        result = rg.simulate(task, learner(augmentation, **rest), 10, trials=2, store=tmp_path)
        return result, len(list(tmp_path.glob("*.npz")))

    first, count = run(TASK, GaussianNoise([0.1, 0.2], views=2))
    again, still = run(TASK, GaussianNoise([0.1, 0.2], views=2))
    assert first.identical(again) and count == still == 2
    assert run(TASK, GaussianNoise(0.2, views=2))[1] == 2
    assert run(TASK, GaussianNoise(0.2, views=2), test_views=2)[1] == 3
    assert run(TASK, Dropout(0.2, views=math.inf))[1] == 4
    for factor in (0.5, 0.7, 0.5):
        last = run(DATA, Augmentation(lambda key, x, factor=factor: factor * x))[1]
    assert last == 6
    with pytest.raises(MemoryError, match="a pair of trials at n=100"):
        rg.simulate(TASK, learner(Mask(0.5, views=1000)), 100, trials=2, memory=5e7)
    rg.simulate(TASK, learner(Mask(0.5)), 100, trials=2, memory=5e7)


def test_content_tells_functions_apart():
    def scaled(by):
        return lambda key, x: by * x

    assert content(scaled(2.0)) == content(scaled(2.0)) != content(scaled(3.0))
    assert content(np.sin) != content(np.cos) and content({"a": (1, [2])}) != content({"a": (1, 2)})
    assert content(Compose([Mask(0.5)])) != content(Compose([Mask(0.6)]))
    assert str(content(rg.RandomFeatureMap(3, "tanh"))) == str(content(rg.RandomFeatureMap(3, "tanh")))
