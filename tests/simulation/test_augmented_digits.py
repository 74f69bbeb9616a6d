"""Real digits under five augmentations, a flip, a jitter: predicted against measured, within 3 % or 3 standard errors."""

import warnings

import numpy as np
import pytest

import rfgen as rg

X, Y = rg.datasets.digits()
TASKS = {
    "tanh": (rg.DataTask(X, Y, rg.RandomFeatureMap(200, "tanh", seed=0), sampling="with replacement"), 0.15),
    "relu": (rg.DataTask(X, Y, rg.RandomFeatureMap(200, "relu", seed=0), sampling="with replacement"), 0.05),
}
AUGMENTATIONS = {
    "noise": lambda views: rg.GaussianNoise(0.1, views),
    "mask": lambda views: rg.Mask(0.7, views),
    "shift": lambda views: rg.Shift(1, views),
    "rotate": lambda views: rg.Rotate(10, views),
    "cutout": lambda views: rg.Cutout(3, views),
    "flip": lambda views: rg.Flip(0.5, views),
    "jitter": lambda views: rg.Jitter(0.4, 2, views),
}
SIZES = [50, 150, 400]


@pytest.mark.parametrize("activation", TASKS)
@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_digits(activation, name):
    task, ridge = TASKS[activation]
    learner = rg.Learner(rg.Ridge(ridge), augmentation=AUGMENTATIONS[name]([1, 4]))
    with warnings.catch_warnings():
        # a cutout does not concentrate, and 86 degrees of freedom are many for 1,797 examples: predict says so; 3 x 3
        # pixels, and rows that repeat with other views, do no harm here
        warnings.simplefilter("ignore")
        curve = rg.predict(task, learner, SIZES)
    assert curve.attrs["form"] == ("pattern" if name in ("flip", "jitter") else "moment")
    runs = rg.simulate(task, learner, SIZES, trials=24, seed=1)
    for variable in ("test", "train"):
        apart = np.abs(curve[variable] - runs[variable])
        near = (apart <= 0.03 * runs[variable]) | (apart <= 3 * runs[f"{variable}_se"])
        assert bool(near.all()), (variable, (curve[variable] / runs[variable] - 1).values, runs[f"{variable}_se"].values)


def test_one_estimate_serves_every_n_ridge_and_number_of_views():
    task = rg.DataTask(X, Y, rg.RandomFeatureMap(60, "tanh", seed=0), sampling="with replacement")
    calls = []

    def features(inputs):
        calls.append(len(inputs))
        return task.feature_map(inputs)

    counted = rg.DataTask(X, Y, features, sampling="with replacement")
    augmentation = rg.GaussianNoise(0.1, views=[1, 2, 4, np.inf])
    learner = rg.Learner(rg.Ridge([0.01, 0.1]), features=[50, np.inf], augmentation=augmentation)
    curve = rg.predict(counted, learner, [50, 100])
    assert curve.test.dims == ("n", "features", "ridge", "views") and bool(curve.converged.all())
    assert sum(calls) < 30_000 + len(X)  # the views of one estimate, and the clean inputs
    before = len(calls)
    again = rg.predict(counted, rg.Learner(rg.Ridge(1.0), augmentation=augmentation.at(views=4)), [30, 70])
    assert len(calls) == before and max(curve.attrs["moments_error"]) < 0.1
    assert bool((again.test > 0).all())
    # outputs: the sum of two copies of a target is twice one
    double = rg.DataTask(X, np.stack([Y, Y], axis=1), task.feature_map, sampling="with replacement")
    kept = rg.DataTask(X, np.stack([Y, Y], axis=1), task.feature_map, keep_outputs=True, sampling="with replacement")
    one = rg.Learner(rg.Ridge(0.1), augmentation=rg.GaussianNoise(0.1, views=2))
    single = rg.predict(task, one, 80)
    np.testing.assert_allclose(rg.predict(double, one, 80).test, 2 * single.test, rtol=1e-9)
    np.testing.assert_allclose(rg.predict(kept, one, 80).test, [float(single.test)] * 2, rtol=1e-9)


def test_own_functions():
    import jax
    import jax.numpy as jnp

    task = rg.DataTask(X, Y, rg.RandomFeatureMap(80, "erf", seed=2), sampling="with replacement")
    own = rg.Augmentation(lambda key, x: x + 0.3 * jax.random.normal(key, x.shape, dtype=x.dtype), views=2)
    learner, known = (rg.Learner(rg.Ridge(0.1), augmentation=one) for one in (own, rg.GaussianNoise(0.09, views=2)))
    mine, theirs = rg.predict(task, learner, 100), rg.predict(task, known, 100)
    assert abs(float(mine.test / theirs.test) - 1) < 0.01
    assert rg.check(task, learner, 100, trials=20).agrees
    for bad, message in (
        (lambda key, x: x[:-1], "must keep the shape of an input"),
        (lambda key, x: None, r"must map \(key, x\) to an array"),
        (lambda x: x, r"must map \(key, x\) to an array"),
        (lambda key, x: jnp.full_like(x, jnp.nan), "gave non-finite values"),
        (lambda key, x: x > 0.5, "must keep the dtype of an input, got bool from float64"),
    ):
        with pytest.raises(ValueError, match=message):
            rg.predict(task, rg.Learner(rg.Ridge(0.1), augmentation=rg.Augmentation(bad)), 100)
    broken = rg.DataTask(X, Y, lambda x: np.where(x.max() > 1.0, np.nan, 1.0) * x, sampling="with replacement")
    with pytest.raises(ValueError, match="feature_map gave non-finite values"):
        rg.predict(broken, rg.Learner(rg.Ridge(0.1), augmentation=rg.GaussianNoise(1.0)), 100)


def test_too_few_views_for_infinitely_many():
    task = rg.DataTask(
        X[:100], Y[:100], rg.RandomFeatureMap(300, "sign", seed=0), moment_views=2, sampling="with replacement"
    )
    learner = rg.Learner(rg.Ridge(1.0), augmentation=rg.GaussianNoise(1.0, views=np.inf))
    with pytest.raises(ValueError, match=r"estimated from 2 views.*indefinite.*moment_views=16"):
        rg.predict(task, learner, 5)
