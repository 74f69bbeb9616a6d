"""Nouns: what follows from the rules of their settings, whichever noun it is."""

import copy
import math
import pickle
from decimal import Decimal

import jax
import numpy as np
import pandas
import pytest

import rfgen as rg

X, Y = np.linspace(-1.0, 1.0, 24).reshape(8, 3), np.arange(8.0)
KERNEL = rg.NTK("relu", depth=2)
NOUNS = [
    rg.Task(np.linspace(1.0, 1e-3, 200), np.ones(200), 0.1), rg.Task.power_law(1.5, 1.5), rg.DataTask(X, Y).eigen,
    rg.Task.sphere(5, KERNEL, {1: 1.0}).with_initial_network(0.5),
    rg.Task.gaussian_inputs(np.ones(5), "tanh", np.ones(5)), rg.DataTask(X, Y, rg.RandomFeatureMap(5)),
    rg.Spectrum.two_level((1, 2), (2.0, 1.0)), rg.Mixture(np.ones(50), np.ones(50)), rg.SparseRegression(np.arange(50.0)),
    rg.XORClusters(20, 1), rg.TwoLayerReLU(4, 0.1, 2, 0.1), rg.GaussianKernel(1), rg.Learner(
        rg.GradientFlow(np.arange(1.0, 60)), [10, 20], rg.Compose([rg.Gain([1, 2]), rg.Mask(0.5)]), 3, rg.Bootstrap()
    ),
    rg.SGD([0.1, 0.2], 5), rg.AcceleratedSGD(0.5, 0.5, 0.1, 0.1, [5, 10], average_from=[1, 2]), rg.Lasso([1, 2]),
    rg.GaussianNoise([0.1, 0.2], covariance=np.eye(9)), rg.Subsample(0.5), rg.LDA(True),
]


@pytest.mark.parametrize("noun", NOUNS, ids=lambda noun: type(noun).__name__)
def test_nouns_stay_frozen_and_are_shown_in_one_line(noun):
    for kept in (noun, copy.copy(noun), copy.deepcopy(noun), pickle.loads(pickle.dumps(noun))):
        arrays = [value for value in vars(kept).values() if isinstance(value, np.ndarray)]
        assert not any(array.flags.writeable for array in arrays)
        assert kept == noun and hash(kept) == hash(noun) and repr(kept) == repr(noun)
    assert len(repr(noun)) < 250 and "\n" not in repr(noun) and "array" not in repr(noun)
    assert noun._repr_html_().startswith("<table><caption") and "background" not in noun._repr_html_()


def test_texts():
    assert repr(NOUNS[0]) == "Task(modes=200, eigenvalues=1 ... 0.001, noise=0.1)"
    assert repr(rg.Learner(rg.Ridge(0.1), features=256)) == "Learner(training=Ridge(ridge=0.1), features=256)"
    assert repr(rg.DataTask(X, Y)) == "DataTask(inputs=(8, 3) in [-1, 1], labels=(8, 1) in [0, 7])"
    assert len(repr(NOUNS[0].modes)) < 120
    page = rg.Learner(rg.OnePassSGD(lambda step: 1.0 / (1.0 + step), 5))._repr_html_()
    assert "<td>OnePassSGD(rate=&lt;lambda&gt;, steps=5)</td>" in page


def test_the_callers_array_stays_the_callers():
    mine = np.array([2.0, 1.0])
    task, ridge = rg.Task(mine, mine), rg.Ridge(mine)
    mine[:] = 7.0
    assert task.eigenvalues.tolist() == [2, 1] and task.power.tolist() == [[2, 1]] and ridge.ridge.tolist() == [2, 1]


def test_dimensions_of_a_curve_begin_with_weight_decay_and_end_with_the_clock():
    assert list(rg.HeavyBall(0.1, 0.5, 5).axes) == ["ridge", "rate", "momentum", "steps"]
    assert list(rg.Nesterov(0.1, 5).axes) == ["ridge", "rate", "steps"]
    assert list(rg.OnePassSGD(0.1, 5, average_from=2).axes) == ["rate", "batch", "average_from", "steps"]
    assert list(rg.SaltAndPepper(0.5, 0.1).axes) == ["views", "keep", "view_variance"]
    assert rg.LDA().axes == rg.BasisPursuit().axes == {}


MASKED = np.ma.array([1.0, 2.0], mask=[0, 1])
DAYS, SECONDS = np.array(["2020-01-01"], "datetime64[D]"), np.array([1], "timedelta64[s]")
BAD = {
    "masked": (lambda: rg.GradientFlow(MASKED), "time must have no masked entries, got 1"),
    "masked features": (lambda: rg.Learner(rg.Ridge(), MASKED), "features must have no masked entries, got 1"),
    "complex": (lambda: rg.GradientFlow(np.array([1 + 1j])), "time must be numeric, got ndarray: complex"),
    "dates": (lambda: rg.Learner(rg.Ridge(), DAYS), "features must be numeric, got ndarray: dates"),
    "time differences": (lambda: rg.Task(SECONDS, [1.0]), "eigenvalues must be numeric, got ndarray: time differences"),
    "strings of numbers": (lambda: rg.Task(["1.0"], [1.0]), "eigenvalues must be numeric, got list: strings"),
    "booleans": (lambda: rg.Ridge(True), "ridge must be numeric, got bool: booleans; write 0 and 1"),
    "booleans as labels": (lambda: rg.DataTask(X, Y > 3), "labels must be numeric, got ndarray: booleans"),
    "objects": (lambda: rg.Ridge(np.array([1.0, None], object)), "ridge must be numeric, got ndarray: NoneType None"),
    "a huge integer": (lambda: rg.Ridge(10**400), "ridge must be numeric, got int: int too large"),
    "too many modes": (lambda: rg.Task.power_law(1.5, 1.5, modes=10**10), "modes=10000000000 needs about .* None for inf"),
    "a sum that overflows": (lambda: rg.Task([1.0, 1.0], [1.7e308] * 2), "must have finite sums"),
    "a flag in words": (lambda: rg.Task([1.0], [1.0], keep_outputs="no"), "keep_outputs must be True or False, got 'no'"),
    "a junk population": (lambda: rg.Task([1.0], [1.0], population=5), "population must be made by a class method of Task"),
    "a dimension as boolean": (lambda: rg.Task.isotropic(True), "dim must be an integer >= 1, got True"),
    "half a seed": (lambda: rg.RandomFeatureMap(5, seed=1.5), "seed must be an integer >= 0, got 1.5"),
    "a negative seed": (lambda: rg.RandomFeatureMap(5, seed=-1), "seed must be an integer >= 0, got -1"),
    "activations": (lambda: rg.RandomFeatureMap(5, ["relu"]), "activation must be one of relu, tanh.*got .'relu'"),
    "unhashable": (lambda: rg.sensitivity(dim=9, n=9, features=9, activation={}), "activation must be one of relu"),
    "branches in the layer": (
        lambda: rg.Task.gaussian_inputs(np.ones(5), lambda x: x if x > 1 else 0 * x, np.ones(5)), "jnp.where for if",
    ),
    "a layer of one width": (
        lambda: rg.Task.gaussian_inputs(np.ones(5), lambda x: x[:2], np.ones(5)), r"got shape \(2,\) from \(7,\)",
    ),
    "a map of one width": (
        lambda: rg.RandomFeatureMap(5, lambda z: z[:, :2]), r"activation must map .*got shape \(2, 2\) from \(2, 7\)",
    ),
    "a kernel that fails": (lambda: rg.Task.sphere(5, math.exp, {1: 1.0}), "kernel must be a function of an array"),
    "a kernel off the sphere": (lambda: KERNEL(4.0), "t must be cosines, between -1 and 1, got 4: give inputs twice"),
    "a map that fails": (lambda: rg.DataTask(X, Y, lambda x: 1 / 0).eigen, "feature_map must map .* failed: division by"),
    "a map that writes": (lambda: rg.DataTask(X, Y, lambda x: np.multiply(x, 2, out=x)).eigen, "failed: .*read-only"),
    "a map that draws": (
        lambda: rg.DataTask(X, Y, lambda x: np.random.default_rng().normal(size=x.shape)).eigen, "for the same inputs",
    ),
    "features that overflow": (lambda: rg.Task.from_features(X * 1e200, Y), "features must be at most 1e.140 in size"),
    "other labels": (
        lambda: rg.DataTask(pandas.DataFrame(X, index=range(8, 0, -1)), pandas.Series(Y)), "labels must have the index of",
    ),
    "a covariance matrix": (lambda: rg.Mixture([1.0, 0.0], np.eye(2)), r"diagonal matrix: give its diagonal, \[1.0, 1.0\]"),
    "a schedule": (lambda: rg.SGD(np.sqrt, 5), "rate must be numbers here, got a function; only OnePassSGD"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_refused_in_a_sentence(name):
    call, message = BAD[name]
    with pytest.raises((ValueError, MemoryError), match=message):
        call()


def test_other_settings_and_tracers():
    with pytest.raises(TypeError, match=r"^Ridge has no setting alpha \(here ridge\): it takes ridge, intercept$"):
        rg.Ridge(alpha=1.0)
    with pytest.raises(TypeError, match="ridge must be numbers, not JAX tracers"):
        jax.jit(rg.Ridge)(1.0)
    held = copy.copy(rg.Mask(0.5))
    jax.jit(lambda keep: object.__setattr__(held, "keep", keep) or keep)(0.5)  # as views are traced in their strengths
    assert repr(held) == "Mask(keep=traced ())"
    assert rg.Ridge(np.array([Decimal("0.5"), 1], object)).ridge.tolist() == [0.5, 1.0]
