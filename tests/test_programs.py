"""How many programs a first call compiles, and that other numbers compile nothing new.

A program that comes from a cache is counted like one that was compiled.
"""

import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import numpy as np
import pytest

import rfgen as rg
from rfgen.problems.kernels.feature_maps import ACTIVATIONS
from tests.benchmarks.compilations import count_compilations
from tests.benchmarks.first_calls import CALLS, SETUP


@pytest.mark.parametrize("name", [name for name, call in CALLS.items() if call.programs is not None])
def test_a_first_call_compiles_no_more_than_the_table_says(name):
    call, names = CALLS[name], {}
    exec(SETUP + call.setup, names)
    jax.clear_caches()
    with count_compilations() as compiled:
        exec(call.call, names)
    # as many as measured, or fewer where an earlier test left tables of numbers behind
    assert len(compiled) <= call.programs
    assert compiled or not call.programs


def _task(noise: float = 0.5) -> rg.Task:
    return rg.Task.power_law(alpha=1.5, beta=1.5, noise=noise, modes=200)


def _classes(separation: float = 1.5) -> rg.Mixture:
    return rg.Mixture([separation / 20**0.5] * 20, np.ones(20))


def _sparse(noise: float = 0.25) -> rg.SparseRegression:
    return rg.SparseRegression.equal(dim=400, nonzeros=4, noise=noise)


def _ridge(ridge: Any = 0.1, features: Any = 64, **options: Any) -> rg.Learner:
    return rg.Learner(rg.Ridge(ridge), features=features, **options)


def _mask(keep: float = 0.6, views: int = 4) -> rg.Mask:
    return rg.Mask(keep, views=views)


def _flow(times: Any = (1.0, 10.0), ridge: float = 0.0, features: int = 64) -> rg.Learner:
    return rg.Learner(rg.GradientFlow(times, ridge=ridge), features=features)


def _sgd(rate: Any = 0.1, last: int = 100, batch: int = 4, features: Any = 64, **options: Any) -> rg.Learner:
    return rg.Learner(rg.SGD(rate=rate, steps=[10, last], batch=batch, **options), features=features)


def _one_pass(rate: Any = 0.1, last: int = 100, batch: int = 4, features: Any = None, **options: Any) -> rg.Learner:
    return rg.Learner(rg.OnePassSGD(rate=rate, steps=[10, last], batch=batch, **options), features=features)


def _network(rate: float = 0.01) -> rg.TwoLayerReLU:
    return rg.TwoLayerReLU(width=100, rate=rate, steps=1, init=2e-4)


class Sweep(NamedTuple):
    """A call of one number, and its values."""

    call: Callable[[Any], Any]
    values: Any


COUNTS = np.arange(1, 21)
SIZES = np.unique(np.geomspace(20, 200, 20).round()).astype(int)
FEATURES = SIZES + 3
STRENGTHS, SHARES = np.geomspace(1e-2, 10.0, 20), np.linspace(0.1, 0.9, 20)
RATES, MOMENTA = np.linspace(0.02, 0.3, 20), np.linspace(0.02, 0.8, 20)
_mixed = np.random.default_rng(0).permutation
# rate, steps, batch, ridge, n, features
_columns = (RATES, _mixed(SIZES), _mixed(COUNTS), _mixed(STRENGTHS), _mixed(SIZES), _mixed(FEATURES))
ALL_AT_ONCE = [*zip(*_columns, strict=True)]
SWEEPS = {
    "ridge: n": Sweep(lambda n: rg.predict(_task(), _ridge(), n), SIZES),
    "ridge: features": Sweep(lambda k: rg.predict(_task(), _ridge(features=k), 50), FEATURES),
    "ridge: ridge": Sweep(lambda ridge: rg.predict(_task(), _ridge(ridge), 50), STRENGTHS),
    "ridge: noise": Sweep(lambda noise: rg.predict(_task(noise), _ridge(), 50), SHARES),
    "mask: keep": Sweep(lambda keep: rg.predict(_task(), _ridge(augmentation=_mask(keep)), 50), SHARES),
    "mask: n": Sweep(lambda n: rg.predict(_task(), _ridge(augmentation=_mask()), n), SIZES),
    "mask: views": Sweep(lambda m: rg.predict(_task(), _ridge(augmentation=_mask(views=m)), 50), COUNTS + 1),
    "flow: time": Sweep(lambda time: rg.predict(_task(), _flow((time, 2 * time)), 50), STRENGTHS),
    "flow: n": Sweep(lambda n: rg.predict(_task(), _flow(), n), SIZES),
    "flow: ridge": Sweep(lambda ridge: rg.predict(_task(), _flow(ridge=ridge), 50), STRENGTHS),
    "flow: features": Sweep(lambda k: rg.predict(_task(), _flow(features=k), 50), FEATURES),
    "descent: rate": Sweep(
        lambda rate: rg.predict(_task(), rg.Learner(rg.GradientDescent(rate=rate, steps=[1, 10]), features=64), 50), RATES
    ),
    # all numbers change at once: a call takes a second
    "SGD": Sweep(lambda at: rg.predict(_task(), _sgd(*at[:3], features=None, ridge=at[3]), at[4]), ALL_AT_ONCE),
    "SGD on features": Sweep(lambda at: rg.predict(_task(), _sgd(*at[:3], at[5], ridge=at[3]), at[4]), ALL_AT_ONCE),
    "SGD on features: momentum": Sweep(lambda momentum: rg.predict(_task(), _sgd(momentum=momentum), 50), MOMENTA),
    "one pass: rate": Sweep(lambda rate: rg.predict(_task(), _one_pass(rate)), RATES),
    "one pass: momentum": Sweep(lambda momentum: rg.predict(_task(), _one_pass(momentum=momentum)), MOMENTA),
    "one pass: steps": Sweep(lambda steps: rg.predict(_task(), _one_pass(last=steps)), SIZES),
    "one pass: schedule": Sweep(lambda s: rg.predict(_task(), _one_pass(lambda t: 0.1 / (1 + t / s))), SIZES),
    "one pass on features: rate": Sweep(lambda rate: rg.predict(_task(), _one_pass(rate, features=64)), RATES),
    "one pass on features: batch": Sweep(lambda batch: rg.predict(_task(), _one_pass(batch=batch, features=64)), COUNTS),
    "one pass on features: features": Sweep(lambda k: rg.predict(_task(), _one_pass(features=k)), FEATURES),
    "accelerated: gamma": Sweep(
        lambda gamma: rg.predict(
            _task(), rg.Learner(rg.AcceleratedSGD(alpha=0.9, beta=0.1, gamma=gamma, delta=0.1, steps=[10, 100]))
        ),
        RATES,
    ),
    "hinge: n": Sweep(lambda n: rg.predict(_classes(), rg.Learner(rg.Hinge(0.1)), n), SIZES),
    "hinge: ridge": Sweep(lambda ridge: rg.predict(_classes(), rg.Learner(rg.Hinge(ridge)), 50), STRENGTHS),
    "hinge: ridges at once": Sweep(
        lambda count: rg.predict(_classes(), rg.Learner(rg.Hinge(np.geomspace(0.1, 1.0, count))), 50), COUNTS
    ),
    "hinge: features": Sweep(lambda k: rg.predict(_classes(), rg.Learner(rg.Hinge(0.1), features=k), 50), FEATURES),
    "hinge: separation": Sweep(lambda s: rg.predict(_classes(s), rg.Learner(rg.Hinge(0.1)), 50), SHARES),
    "logistic: ridge": Sweep(lambda ridge: rg.predict(_classes(), rg.Learner(rg.Logistic(ridge)), 50), STRENGTHS),
    "attack: radius": Sweep(lambda radius: rg.adversarial_error(_classes(), _ridge(features=None), 50, radius), SHARES),
    "attack: radii at once": Sweep(
        lambda count: rg.adversarial_error(_classes(), _ridge(features=None), 50, np.linspace(0.0, 1.0, count)), COUNTS
    ),
    "lasso: penalty": Sweep(lambda penalty: rg.predict(_sparse(), rg.Learner(rg.Lasso(penalty)), 200), 20.0 * SHARES),
    "lasso: penalties at once": Sweep(
        lambda count: rg.predict(_sparse(), rg.Learner(rg.Lasso(np.linspace(5.0, 20.0, count))), 200), COUNTS
    ),
    "lasso: n": Sweep(lambda n: rg.predict(_sparse(), rg.Learner(rg.Lasso(10.0)), n), SIZES),
    "lasso: noise": Sweep(lambda noise: rg.predict(_sparse(noise), rg.Learner(rg.Lasso(10.0)), 200), SHARES),
    "ensemble: members": Sweep(lambda members: rg.predict(_task(), _ridge(), 50, members=members), COUNTS),
    "bagging: share": Sweep(lambda s: rg.predict(_task(), _ridge(resampling=rg.Subsample(s)), 50, members=4), SHARES),
    "XOR: n": Sweep(lambda n: rg.predict(rg.XORClusters(dim=400, separation=6), _network(), n), SIZES),
    "XOR: rate": Sweep(lambda rate: rg.predict(rg.XORClusters(dim=400, separation=6), _network(rate), 100), RATES / 20.0),
    "sensitivity: n": Sweep(lambda n: rg.sensitivity(100, n, 50, 0.1), SIZES),
    "sensitivity: dim": Sweep(lambda dim: rg.sensitivity(dim, 200, 50, 0.1), FEATURES + 50),
    "optimal ridge: n": Sweep(lambda n: rg.optimal_ridge(_task(), _ridge(), n), SIZES),
    "optimal stopping: n": Sweep(lambda n: rg.optimal_stopping(_task(), _flow(1.0), n), SIZES[::3]),
    "cost of overfitting: n": Sweep(lambda n: rg.overfitting_cost(_task(), n), SIZES),
    "estimate: ridge": Sweep(lambda ridge: rg.estimate_risk(np.eye(30), np.ones(30), ridge), STRENGTHS),
    "simulate: n": Sweep(lambda n: rg.simulate(_task(), _ridge(), n, trials=2), SIZES),
    "simulate: features": Sweep(lambda k: rg.simulate(_task(), _ridge(features=k), 50, trials=2), FEATURES),
    "simulate flow: n": Sweep(lambda n: rg.simulate(_task(), _flow(), n, trials=2), SIZES),
    "simulate mask: n": Sweep(lambda n: rg.simulate(_task(), _ridge(augmentation=_mask()), n, trials=2), SIZES),
    "simulate hinge: ridge": Sweep(
        lambda ridge: rg.simulate(_classes(), rg.Learner(rg.Hinge(ridge)), 40, trials=2), STRENGTHS
    ),
    "simulate lasso: penalty": Sweep(
        lambda penalty: rg.simulate(_sparse(), rg.Learner(rg.Lasso(penalty)), 100, trials=2), 20.0 * SHARES
    ),
    "simulate one pass: batch": Sweep(lambda b: rg.simulate(_task(), _one_pass(batch=b), trials=2), np.arange(13, 17)),
    "simulate one pass: rate": Sweep(lambda rate: rg.simulate(_task(), _one_pass(rate), trials=2), RATES),
}


@pytest.mark.parametrize("number", SWEEPS)
def test_a_sweep_compiles_nothing_new(number):
    call, values = SWEEPS[number]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of risks that grow, and of spectra that are short
        call(values[0])
        with count_compilations() as compiled:
            for value in values[1:]:
                call(value)
    assert not compiled


@pytest.mark.parametrize("name", ["cos", "linear", "relu", "sign", "tanh"])
def test_features_of_other_rows_compile_nothing(name):
    features = rg.RandomFeatureMap(7, name, bias_std=0.5)
    features(np.ones((2, 3)))
    rows = np.random.default_rng(0).normal(size=(5, 3))
    with count_compilations() as compiled:
        found = features(rows)
    assert not compiled
    # those of JAX, as a function of the user's
    assert np.allclose(found, rg.RandomFeatureMap(7, ACTIVATIONS[name], bias_std=0.5)(rows), rtol=1e-14, atol=0.0)
