"""Doubtful inputs over all constructors and verbs, and the verdict on each.

`REFUSED`: by a sentence that begins, or goes on, with these words.  `ACCEPTED`: for this reason.
"""

# ruff: noqa: E501, DTZ001, PD011
__all__ = ["ACCEPTED", "REFUSED"]

import datetime
import decimal
import fractions
import math

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import scipy.sparse
import xarray

import rfgen as rg
import rfgen.theory

RNG = np.random.default_rng(0)
T, L = rg.Task.isotropic(10, noise=0.1), rg.Learner(rg.Ridge(0.1))
X, Y = RNG.normal(size=(30, 4)), np.sign(RNG.normal(size=30))
K = X @ X.T + np.eye(30)
M, SP = rg.Mixture([1.0] + [0.0] * 9, np.ones(10)), rg.SparseRegression.equal(50, 5, noise=0.1)
XOR = rg.XORClusters(dim=400, separation=5, flip=0.1)
NET = rg.TwoLayerReLU(width=100, rate=0.01, steps=2, init=1e-4)
DF = pd.DataFrame(X, columns=list("abcd"), index=np.arange(30)[::-1])
COLUMN = pd.Series(Y, index=np.arange(30))
FEW = {"trials": 2}


class Attached:
    """An array of a framework that will not be read while gradients are asked of it."""

    def __init__(self, values):
        self.values = values

    def __array__(self, dtype=None, copy=None):
        raise RuntimeError("Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.")

    def __len__(self):
        return len(self.values)


def branching(key, x):
    del key
    return x if x.sum() > 0 else -x


def untraced(n):
    with jax.enable_x64(True):
        return rfgen.theory.risk(T.modes, n, 5.0, 0.1)


REFUSED = {
    "Task eig string": (lambda: rg.Task("abc", [1.0]), "eigenvalues must be numeric"),
    "Task eig None": (lambda: rg.Task(None, [1.0]), "eigenvalues must be numeric"),
    "Task eig scalar": (lambda: rg.Task(1.0, 1.0), "eigenvalues must have 1 dimension"),
    "Task eig datetime": (lambda: rg.Task(np.array(["2020-01-01", "2021-01-01"], "datetime64[D]"), [1.0, 1.0]), "eigenvalues must be numeric"),
    "Task eig timedelta": (lambda: rg.Task(np.array([1, 2], "timedelta64[s]"), [1.0, 1.0]), "eigenvalues must be numeric"),
    "Task eig bool": (lambda: rg.Task([True, False], [1.0, 1.0]), "eigenvalues must be numeric"),
    "Task eig strings of numbers": (lambda: rg.Task(["1.0", "0.5"], ["1", "2"]), "eigenvalues must be numeric"),
    "Task eig object None": (lambda: rg.Task(np.array([1.0, None], object), [1.0, 1.0]), "eigenvalues must be numeric"),
    "Task eig huge int": (lambda: rg.Task([10**400], [1.0]), "eigenvalues must be numeric"),
    "Task eig masked": (lambda: rg.Task(np.ma.array([1.0, 2.0], mask=[0, 1]), [1.0, 1.0]), "eigenvalues must have no masked entries"),
    "Task eig generator": (lambda: rg.Task((x for x in [1.0, 2.0]), [1.0, 1.0]), "eigenvalues must be numeric"),
    "Task eig set": (lambda: rg.Task({1.0, 2.0}, [1.0, 1.0]), "eigenvalues must be numeric"),
    "Task eig dict": (lambda: rg.Task({"a": 1.0}, [1.0]), "eigenvalues must be numeric"),
    "Task eig complex, zero imag": (lambda: rg.Task(np.array([1 + 0j, 2]), [1.0, 1.0]), "eigenvalues must be numeric"),
    "Task eig torch-like (grad)": (lambda: rg.Task(Attached([1.0]), [1.0]), "eigenvalues must be numeric"),
    "Task eig DataFrame": (lambda: rg.Task(pd.DataFrame({"a": [1.0, 2.0]}), [1.0, 1.0]), "eigenvalues must have 1 dimension"),
    "Task eig Series, shuffled labels": (lambda: rg.Task(pd.Series([1.0, 2.0], index=[1, 0]), pd.Series([5.0, 7.0], index=[0, 1])), "power must have the index of spectrum"),
    "Task eig Series NA": (lambda: rg.Task(pd.Series([1.0, pd.NA]), [1.0, 1.0]), "eigenvalues must be numeric"),
    "Task power sum overflow": (lambda: rg.Task([1.0, 1.0], [1.7e308, 1.7e308]), "eigenvalues, power and noise must have finite sums"),
    "Task trace overflow": (lambda: rg.predict(rg.Task([1.7e308, 1.7e308], [1.0, 1.0]), L, 5), "eigenvalues, power and noise must have finite sums"),
    "Task keep_outputs string": (lambda: rg.Task([1.0], [1.0], keep_outputs="no"), "keep_outputs must be True or False"),
    "Task unknown keyword": (lambda: rg.Task([1.0], [1.0], nois=0.1), "Task has no setting nois"),
    "Task population junk": (lambda: rg.predict(rg.Task([1.0], [1.0], population=5), L, 5), "population must be made by a class method of Task"),
    "Task power_law modes float 1e4": (lambda: rg.Task.power_law(1.5, 1.5, modes=1e4), "modes must be an integer >= 1"),
    "Task power_law modes 10**12": (lambda: rg.Task.power_law(1.5, 1.5, modes=10**12), "modes=1000000000000 needs about"),
    "Task power_law alphas string": (lambda: rg.Task.power_law(["a", "b"], 1.5), "alpha must be numeric"),
    "Task power_law alphas negative": (lambda: rg.Task.power_law([1.5, -1.0], 1.5), "alpha must be > 0"),
    "Task power_law noise matrix": (lambda: rg.Task.power_law(1.5, 1.5, noise=[[0.1, 0.2]]), "noise_variance must have 1 dimension"),
    "Tasks over nothing": (lambda: rg.Tasks({}, rg.Task.isotropic), "over must be {name: values}"),
    "Tasks other names": (lambda: rg.Tasks({"flip": [0.1]}, rg.Task.isotropic), "build must take flip by keyword"),
    "Tasks of tasks": (lambda: rg.Tasks({"dim": [3, 4]}, lambda dim: rg.Task.isotropic(dim, noise=[0.1])), "build must give one task"),
    "Tasks over n": (lambda: rg.predict(rg.Tasks({"n": [3, 4]}, lambda n: rg.Task.isotropic(dim=n)), L, 50), "over must have names that the curve has not, got 'n'"),
    "predict split": (lambda: rg.predict(rg.Task.isotropic(5), L, 50, split="textbook"), "split must be 'classical' or None"),
    "predict split of classes": (lambda: rg.predict(rg.Mixture(np.full(5, 0.5), 1.0), rg.Learner(rg.LDA()), 50, split="classical"), "split='classical' needs bias and variance"),
    "Task isotropic dim bool": (lambda: rg.Task.isotropic(True), "dim must be an integer >= 1"),
    "Task isotropic dim 10.0": (lambda: rg.Task.isotropic(10.0), "dim must be an integer >= 1"),
    "Task isotropic signal negative": (lambda: rg.Task.isotropic(10, signal=-1.0), "power must be >= 0"),
    "Task exponential rate nan": (lambda: rg.Task.exponential(np.nan, 2.0), "rate must be finite"),
    "sphere dim 1": (lambda: rg.Task.sphere(1, rg.GaussianKernel(1.0), {1: 1.0}), "dim must be an integer >= 2"),
    "sphere dim 5.5": (lambda: rg.Task.sphere(5.5, rg.GaussianKernel(1.0), {1: 1.0}), "dim must be an integer >= 2"),
    "sphere kernel string": (lambda: rg.Task.sphere(5, "ntk", {1: 1.0}), "kernel must be a function of the cosine, such as rg.NTK"),
    "sphere kernel wrong shape": (lambda: rg.Task.sphere(5, lambda t: np.ones(3), {1: 1.0}), "kernel must map arrays to arrays of their shape"),
    "sphere kernel scalar": (lambda: rg.Task.sphere(5, lambda t: 1.0, {1: 1.0}), "kernel must map arrays to arrays of their shape"),
    "sphere kernel nan": (lambda: rg.Task.sphere(5, lambda t: t * np.nan, {1: 1.0}), "kernel must be finite on [-1, 1]"),
    "sphere kernel not PSD": (lambda: rg.Task.sphere(5, lambda t: -t, {1: 1.0}), "kernel must have K"),
    "sphere kernel branching": (lambda: rg.predict(rg.Task.sphere(5, lambda t: t if t > 0 else 0 * t, {1: 1.0}), L, 5), "kernel must be a function of an array"),
    "sphere kernel branching sim": (lambda: rg.simulate(rg.Task.sphere(5, np.vectorize(lambda t: max(t, 0.0) + 1), {1: 1.0}), L, 5, **FEW), "kernel must be positive definite in dim=5"),
    "sphere kernel math.exp": (lambda: rg.Task.sphere(5, math.exp, {1: 1.0}), "kernel must be a function of an array"),
    "sphere kernel raises": (lambda: rg.Task.sphere(5, lambda t: 1 / 0, {1: 1.0}), "kernel must be a function of an array"),
    "sphere kernel complex": (lambda: rg.Task.sphere(5, lambda t: np.exp(1j * np.asarray(t)), {1: 1.0}), "kernel must return float64"),
    "sphere target degree negative": (lambda: rg.Task.sphere(5, rg.GaussianKernel(1.0), {-1: 1.0}), "target must be an integer >= 0"),
    "sphere target degree string": (lambda: rg.Task.sphere(5, rg.GaussianKernel(1.0), {"one": 1.0}), "target must be an integer >= 0"),
    "sphere target degree 1.5": (lambda: rg.Task.sphere(5, rg.GaussianKernel(1.0), {1.5: 1.0}), "target must be an integer >= 0"),
    "sphere target None": (lambda: rg.Task.sphere(5, rg.GaussianKernel(1.0), None), "target must be numeric"),
    "sphere test_points 0": (lambda: rg.Task.sphere(5, rg.GaussianKernel(1.0), {1: 1.0}, test_points=0), "test_points must be an integer >= 2"),
    "gaussian_inputs activation unknown": (lambda: rg.Task.gaussian_inputs(np.ones(5), "swish", np.ones(5)), "activation must be one of relu, tanh, erf, cos, sign, gelu, linear or"),
    "gaussian_inputs power length": (lambda: rg.Task.gaussian_inputs(np.ones(5), "tanh", np.ones(4)), "power must have one entry per variance"),
    "gaussian_inputs activation wrong shape": (lambda: rg.Task.gaussian_inputs(np.ones(5), lambda x: np.ones(3), np.ones(5)), "activation must map arrays to arrays of their shape"),
    "gaussian_inputs activation python branch": (lambda: rg.Task.gaussian_inputs(np.ones(5), lambda x: x if x > 0 else 0 * x, np.ones(5)), ": The truth va"),
    "gaussian_inputs activation math.erf": (lambda: rg.Task.gaussian_inputs(np.ones(5), math.erf, np.ones(5)), "activation must be a function of an array"),
    "kernel_nonsym": (lambda: rg.Task.from_kernel(K + np.triu(np.ones_like(K), 1), Y), "kernel must be symmetric"),
    "kernel_nan": (lambda: rg.Task.from_kernel(np.where(K > 3, np.nan, K), Y), "kernel must be finite"),
    "kernel DataFrame shuffled": (lambda: rg.Task.from_kernel(pd.DataFrame(K, index=np.arange(30)[::-1]), COLUMN), "y must have the index of kernel"),
    "kernel y strings": (lambda: rg.Task.from_kernel(np.eye(4), ["a", "b", "a", "b"]), "y must be numeric, got list: strings; convert them by float, classes to -1 and 1"),
    "kernel y bool": (lambda: rg.Task.from_kernel(np.eye(4), [True, False, True, False]), "y must be numeric"),
    "kernel y 3d": (lambda: rg.Task.from_kernel(np.eye(4), np.ones((4, 1, 1))), "y must have 1 or 2 dimension"),
    "kernel scipy sparse": (lambda: rg.Task.from_kernel(scipy.sparse.eye(4).tocsr(), np.ones(4)), "kernel must be a dense array, got a sparse csr"),
    "features 1-d": (lambda: rg.Task.from_features(np.ones(5), np.ones(5)), "features must have 2 dimension"),
    "features zero": (lambda: rg.Task.from_features(np.zeros((5, 3)), np.ones(5)), "features must not all be zero"),
    "features 1e300 (gram overflows)": (lambda: rg.Task.from_features(X * 1e200, Y), "features must be at most 1e+140 in size, else their squares overflow"),
    "features 1e-200 (gram underflows)": (lambda: rg.Task.from_features(X * 1e-200, Y), "features must not all be zero"),
    "DataTask df/series misaligned": (lambda: rg.DataTask(DF, COLUMN), "labels must have the index of inputs"),
    "DataTask df with a string column": (lambda: rg.DataTask(DF.assign(e="x"), COLUMN), "labels must have the index of inputs"),
    "DataTask y None": (lambda: rg.DataTask(X, None), "labels must be numeric"),
    "DataTask y classes str": (lambda: rg.DataTask(X, ["cat"] * 30), "labels must be numeric"),
    "DataTask map wrong shape": (lambda: rg.predict(rg.DataTask(X, Y, lambda x: x[0]), L, 5), "feature_map"),
    "DataTask map 3d": (lambda: rg.predict(rg.DataTask(X, Y, lambda x: x[:, :, None]), L, 5), "feature_map"),
    "DataTask map returns None": (lambda: rg.predict(rg.DataTask(X, Y, lambda x: None), L, 5), "feature_map"),
    "DataTask map raises": (lambda: rg.predict(rg.DataTask(X, Y, lambda x: 1 / 0), L, 5), "feature_map must map inputs"),
    "DataTask map stochastic": (lambda: rg.predict(rg.DataTask(X, Y, lambda x: RNG.normal(size=(30, 5))), L, 5), "feature_map must return one row per input"),
    "DataTask map mutates": (lambda: rg.predict(rg.DataTask(X, Y, lambda x: np.multiply(x, 2, out=x)), L, 5), "feature_map must map inputs"),
    "RandomFeatureMap callable wrong shape": (lambda: rg.predict(rg.DataTask(X, Y, rg.RandomFeatureMap(5, lambda z: z[:, :2])), L, 5), "activation must map arrays to arrays of their shape"),
    "RandomFeatureMap callable branch": (lambda: rg.predict(rg.DataTask(X, Y, rg.RandomFeatureMap(5, lambda z: max(0, z))), L, 5), "activation must be a function of an array"),
    "RandomFeatureMap seed float": (lambda: rg.RandomFeatureMap(5, seed=1.5), "seed must be an integer >= 0"),
    "RandomFeatureMap seed -1": (lambda: rg.RandomFeatureMap(5, seed=-1), "seed must be an integer >= 0"),
    "RandomFeatureMap features 1e3 float": (lambda: rg.RandomFeatureMap(1e3), "features must be an integer >= 1"),
    "RandomFeatureMap unknown": (lambda: rg.RandomFeatureMap(5, "Relu"), "activation must be one of relu, tanh, erf, cos, sign, gelu, linear or"),
    "Aug wrong shape": (lambda: rg.predict(rg.DataTask(X, Y, sampling="with replacement"), rg.Learner(rg.Ridge(.1), augmentation=rg.Augmentation(lambda k, x: x[:2], views=2)), 5), "must keep the shape of an input"),
    "Aug returns python float": (lambda: rg.predict(rg.DataTask(X, Y, sampling="with replacement"), rg.Learner(rg.Ridge(.1), augmentation=rg.Augmentation(lambda k, x: 1.0, views=2)), 5), "must keep the shape of an input"),
    "Aug nan": (lambda: rg.predict(rg.DataTask(X, Y, sampling="with replacement"), rg.Learner(rg.Ridge(.1), augmentation=rg.Augmentation(lambda k, x: x * jnp.nan, views=2)), 5), "the augmentation Augmentation"),
    "Aug one arg": (lambda: rg.predict(rg.DataTask(X, Y, sampling="with replacement"), rg.Learner(rg.Ridge(.1), augmentation=rg.Augmentation(lambda x: x, views=2)), 5), "must map"),
    "Aug views 1.5": (lambda: rg.Mask(.5, views=1.5), "views must be a whole number >= 1, math.inf or an array of them"),
    "Aug views 0": (lambda: rg.Mask(.5, views=0), "views must be a whole number >= 1, math.inf or an array of them"),
    "Mask keep 2": (lambda: rg.Mask(2.0), "keep must be in [0, 1]"),
    "Shift on Task": (lambda: rg.predict(T, rg.Learner(rg.Ridge(.1), augmentation=rg.Shift(1)), 5), "Shift acts on inputs, not on eigen-coordinates"),
    "predict n string": (lambda: rg.predict(T, L, "10"), "n must be numeric"),
    "predict n list of str": (lambda: rg.predict(T, L, ["10", "20"]), "n must be numeric"),
    "predict n bool": (lambda: rg.predict(T, L, True), "n must be numeric"),
    "predict n complex": (lambda: rg.predict(T, L, 5 + 1j), "n must be numeric"),
    "predict n 10**400": (lambda: rg.predict(T, L, 10**400), "n must be numeric"),
    "predict n datetime": (lambda: rg.predict(T, L, datetime.datetime(2020, 1, 1)), "n must be numeric"),
    "predict n missing": (lambda: rg.predict(T, L), "n, the number of training samples, is missing"),
    "predict ridge missing n one-pass": (lambda: rg.predict(T, rg.Learner(rg.OnePassSGD(.1, 10)), 5), "n must be left out"),
    "predict task class": (lambda: rg.predict(rg.Task, L, 5), "task must be an rg.Task, rg.DataTask, rg.Domains, rg.Mixture, rg.ClassG"),
    "predict swapped": (lambda: rg.predict(L, T, 5), "learner must be an rg.Learner, got Task: the task comes first"),
    "predict training": (lambda: rg.predict(T, rg.Ridge(.1), 5), "learner must be an rg.Learner, got Ridge: give rg.Learner(rg.Ridge(...))"),
    "predict learner class": (lambda: rg.predict(T, rg.Ridge, 5), "learner must be an rg.Learner"),
    "predict training class in Learner": (lambda: rg.Learner(rg.Ridge), "training must be a training such as rg.Ridge"),
    "predict form unknown": (lambda: rg.predict(T, rg.Learner(rg.Ridge(.1), augmentation=rg.Mask(.5)), 5, form="momentt"), "form must be 'moment', 'pattern' or None"),
    "predict by_mode string": (lambda: rg.predict(T, L, 5, by_mode="yes"), "by_mode is not covered by predict for ridge regression"),
    "predict members 0": (lambda: rg.predict(T, rg.Learner(rg.Ridge(.1), features=5), 5, members=0), "members must be a whole number >= 1, math.inf or an array of them"),
    "predict members 1.5": (lambda: rg.predict(T, rg.Learner(rg.Ridge(.1), features=5), 5, members=1.5), "members must be a whole number >= 1, math.inf or an array of them"),
    "predict unknown kw": (lambda: rg.predict(T, L, 5, ridge=.1), "predict got an unexpected argument 'ridge'"),
    "features nan list": (lambda: rg.Learner(rg.Ridge(.1), features=[5, float("nan")]), "features must be free of NaN"),
    "features -inf": (lambda: rg.Learner(rg.Ridge(.1), features=-np.inf), "features must be > 0"),
    "features masked": (lambda: rg.Learner(rg.Ridge(.1), features=np.ma.array([5, 6], mask=[0, 1])), "features must have no masked entries"),
    "features complex": (lambda: rg.Learner(rg.Ridge(.1), features=5 + 1j), "features must be numeric"),
    "features complex array": (lambda: rg.Learner(rg.Ridge(.1), features=np.array([5 + 1j])), "features must be numeric"),
    "features datetime64": (lambda: rg.Learner(rg.Ridge(.1), features=np.array(["2020-01-01"], "datetime64[D]")), "features must be numeric"),
    "features bool": (lambda: rg.Learner(rg.Ridge(.1), features=True), "features must be numeric"),
    "features empty": (lambda: rg.Learner(rg.Ridge(.1), features=[]), "features must hold at least one number"),
    "ridge bool": (lambda: rg.Ridge(True), "ridge must be numeric"),
    "ridge None": (lambda: rg.Ridge(None), "ridge must be numeric"),
    "ridge intercept 1": (lambda: rg.Ridge(.1, intercept=1), "intercept must be True or False"),
    "time negative": (lambda: rg.GradientFlow(-1.0), "time must be >= 0"),
    "time complex": (lambda: rg.GradientFlow(np.array([1 + 1j])), "time must be numeric"),
    "time masked": (lambda: rg.GradientFlow(np.ma.array([1.0, 2.0], mask=[0, 1])), "time must have no masked entries"),
    "time nan": (lambda: rg.GradientFlow([1.0, np.nan]), "time must be free of NaN"),
    "time datetime": (lambda: rg.GradientFlow(np.array([1, 2], "timedelta64[s]")), "time must be numeric"),
    "time matrix": (lambda: rg.GradientFlow(np.ones((2, 2))), "time must have 0 or 1 dimension"),
    "GD steps 1.5": (lambda: rg.GradientDescent(.1, 1.5), "steps must be whole numbers >= 0"),
    "GD steps 2**60": (lambda: rg.GradientDescent(.1, 2**60), "steps must be at most 2^53"),
    "GD rate 0": (lambda: rg.GradientDescent(0.0, 5), "rate must be > 0"),
    "HB momentum 1": (lambda: rg.HeavyBall(.1, 1.0, 5), "momentum must be in [0, 1)"),
    "HB momentum neg": (lambda: rg.HeavyBall(.1, -.5, 5), "momentum must be in [0, 1)"),
    "OnePass rate callable wrong": (lambda: rg.predict(T, rg.Learner(rg.OnePassSGD(lambda t: "x", 10))), "rate as a function must take the array of step numbers 0, 1, ... and r"),
    "OnePass rate callable array": (lambda: rg.predict(T, rg.Learner(rg.OnePassSGD(lambda t: np.ones(3), 10))), "rate as a function must take the array of step numbers 0, 1, ... and r"),
    "OnePass rate callable neg": (lambda: rg.predict(T, rg.Learner(rg.OnePassSGD(lambda t: -0.1, 10))), "rate must be finite and >= 0 at every step"),
    "OnePass rate callable branch": (lambda: rg.predict(T, rg.Learner(rg.OnePassSGD(lambda t: .1 if t < 5 else .05, 10))), "rate as a function must take the array of step numbers 0, 1, ... and r"),
    "OnePass batch 0": (lambda: rg.OnePassSGD(.1, 10, batch=0), "batch must be whole numbers >= 1"),
    "SGD batch > n": (lambda: rg.predict(T, rg.Learner(rg.SGD(.1, 10, batch=50)), 5), "batch must be at most n"),
    "simulate n 10.5": (lambda: rg.simulate(T, L, 10.5, **FEW), "n must be whole numbers for a simulation"),
    "simulate n 1e19": (lambda: rg.simulate(T, L, 1e19, **FEW), "a pair of trials at n=1e+19 needs about"),
    "simulate n 2**32+5 (key)": (lambda: rg.simulate(T, L, 2**32 + 5, **FEW), "a pair of trials at n=4294967301 needs about"),
    "simulate trials 2.0": (lambda: rg.simulate(T, L, 5, trials=2.0), "trials must be an integer >= 1"),
    "simulate trials True": (lambda: rg.simulate(T, L, 5, trials=True), "trials must be an integer >= 1"),
    "simulate seed float": (lambda: rg.simulate(T, L, 5, seed=1.0, **FEW), "seed must be an integer >= 0"),
    "simulate seed key": (lambda: rg.simulate(T, L, 5, seed=jax.random.key(0), **FEW), "seed must be an integer >= 0"),
    "simulate seed None": (lambda: rg.simulate(T, L, 5, seed=None, **FEW), "seed must be an integer >= 0"),
    "simulate dtype np.float32": (lambda: rg.simulate(T, L, 5, dtype=np.float32, **FEW), "dtype must be 'float32' or 'float64'"),
    "simulate memory 0": (lambda: rg.simulate(T, L, 5, memory=0, **FEW), "memory must be > 0"),
    "simulate memory -1": (lambda: rg.simulate(T, L, 5, memory=-1, **FEW), "memory must be > 0"),
    "simulate store int": (lambda: rg.simulate(T, L, 5, store=5, **FEW), "store must be the name of a folder"),
    "simulate store is a file": (lambda: rg.simulate(T, L, 5, store="/etc/hostname", **FEW), "store must be a folder that can be written"),
    "simulate progress string": (lambda: rg.simulate(T, L, 5, progress="no", **FEW), "progress must be True, False or None"),
    "simulate features 5.5": (lambda: rg.simulate(T, rg.Learner(rg.Ridge(.1), features=5.5), 5, **FEW), "features must be whole numbers for a simulation"),
    "simulate multiplicity fractional": (lambda: rg.simulate(rg.Task([1.0, .5], [1.0, 1.0], multiplicity=[1.5, 2.5]), L, 5, **FEW), "multiplicity must be whole numbers for a simulation"),
    "check trials 1": (lambda: rg.check(T, L, 5, trials=1), "trials must be an integer >= 2"),
    "check finite_size neg": (lambda: rg.check(T, L, 5, trials=4, finite_size=-1), "finite_size must be >= 0"),
    "optimal_ridge GradientFlow": (lambda: rg.optimal_ridge(T, rg.Learner(rg.GradientFlow(1.0)), 5), "optimal_ridge is not there for gradient training"),
    "optimal_stopping Ridge": (lambda: rg.optimal_stopping(T, L, 5), "optimal_stopping is not there for ridge regression"),
    "optimal_augmentation none": (lambda: rg.optimal_augmentation(T, L, 5), "learner must have an augmentation for optimal_augmentation"),
    "overfitting_cost n neg": (lambda: rg.overfitting_cost(T, -5), "n must be > 0"),
    "overfitting_cost mixture": (lambda: rg.overfitting_cost(M, 5), "overfitting_cost is not there for linear classifiers"),
    "overfitting_cost features str": (lambda: rg.overfitting_cost(T, 5, features="x"), "features must be numeric"),
    "estimate y length": (lambda: rg.estimate_risk(X, Y[:5], .1), "y must have one row per row of data"),
    "estimate nonsym": (lambda: rg.estimate_risk(K + np.triu(np.full_like(K, 1e-4), 1), Y, .1), "data must be symmetric as a kernel matrix"),
    "estimate nonPSD": (lambda: rg.estimate_risk(K - 50 * np.eye(30), Y, .1), "data (a kernel, being symmetric, unless kind='features') must be posit"),
    "estimate nan": (lambda: rg.estimate_risk(np.where(X > 1, np.nan, X), Y, .1), "data must be finite"),
    "estimate DataFrame/Series misaligned": (lambda: rg.estimate_risk(DF, COLUMN.sample(frac=1, random_state=0), .1), "y must have the index of data"),
    "estimate groups nan": (lambda: rg.estimate_risk(X, Y, .1, groups=[np.nan] * 30), "groups must name the block of every row"),
    "estimate one group": (lambda: rg.estimate_risk(X, Y, .1, groups=["a"] * 30), "groups must name at least two blocks, as one is left out at a time"),
    "estimate views 7": (lambda: rg.estimate_risk(X, Y, .1, views=7), "views must divide the rows of data"),
    "estimate y strings": (lambda: rg.estimate_risk(X, ["a"] * 30, .1), "y must be numeric"),
    "estimate ridge str": (lambda: rg.estimate_risk(X, Y, "0.1"), "ridge must be numeric"),
    "estimate 1e300 rows": (lambda: rg.estimate_risk(X * 1e200, Y, .1), "data must be between 1e-150 and 1e+150 in size, as features"),
    "mixture mean scalar": (lambda: rg.Mixture(1.0, 1.0), "mean must have 1 dimension"),
    "mixture covariance matrix": (lambda: rg.Mixture([1.0, 0.0, 0.0], np.eye(3)), "covariance must hold 3 eigenvalues, one per entry of mean, or two such"),
    "mixture covariance 2x2": (lambda: rg.Mixture([1.0, 0.0], np.eye(2)), "covariance must hold its two eigenvalues, or two rows of them, one a c"),
    "mixture covariance negative": (lambda: rg.Mixture([1.0, 0.0], [-1.0, 1.0]), "covariance must be >= 0"),
    "mixture prior 1": (lambda: rg.Mixture([1.0], [1.0], prior=1.0), "prior must be in"),
    "mixture flip .5": (lambda: rg.Mixture([1.0], [1.0], flip=.5), "flip must be in [0, 1/2)"),
    "mixture GD": (lambda: rg.predict(M, rg.Learner(rg.GradientFlow(1.0)), 50), "task must be an rg.Task, rg.DataTask, rg.Domains or rg.ZonalLabels to t"),
    "mixture n=1": (lambda: rg.predict(M, rg.Learner(rg.Logistic(1.0)), 1), "n must leave a sample to each class"),
    "mixture 0 dim": (lambda: rg.Mixture([], []), "mean must hold at least one number"),
    "mixture on Task": (lambda: rg.predict(T, rg.Learner(rg.Logistic(1.0)), 50), "task must be an rg.Mixture, rg.ClassGroups, rg.Teacher, rg.LabelledFeatures or rg.Correlate"),
    "logistic ridge neg": (lambda: rg.Logistic(-1), "ridge must be >= 0"),
    "sparse n > ": (lambda: rg.predict(SP, rg.Learner(rg.Lasso(-1.0)), 20), "penalty must be >= 0"),
    "sparse features": (lambda: rg.predict(SP, rg.Learner(rg.Lasso(1.0), features=5), 20), "features is not covered by predict for sparse regression"),
    "sparse coefficient nan": (lambda: rg.SparseRegression([np.nan, 1.0]), "coefficients must be finite"),
    "sparse Lasso on Task": (lambda: rg.predict(T, rg.Learner(rg.Lasso(1.0)), 20), "task must be an rg.SparseRegression to train Lasso"),
    "xor dim 1": (lambda: rg.XORClusters(dim=1, separation=1), "dim must be an integer >= 2"),
    "xor ridge": (lambda: rg.predict(XOR, L, 50), "task must be an rg.Task, rg.DataTask, rg.Domains, rg.Mixture, rg.ClassG"),
    "net on task": (lambda: rg.predict(T, NET, 50), "task must be an rg.XORClusters to train TwoLayerReLU"),
    "net width 0": (lambda: rg.TwoLayerReLU(width=0, rate=.01, steps=1, init=1e-4), "width must be an integer >= 2"),
    "univariate dup x": (lambda: rg.univariate.min_norm_interpolant([0.0, 0.0], [1.0, 2.0]), "x must not repeat with different y"),
    "univariate lengths": (lambda: rg.univariate.min_norm_interpolant([0.0, 1.0], [1.0]), "y must have one entry per entry of x"),
    "univariate nan": (lambda: rg.univariate.min_norm_interpolant([0.0, np.nan], [1.0, 2.0]), "x must be finite"),
    "univariate empty": (lambda: rg.univariate.min_norm_interpolant([], []), "x must hold at least one number"),
    "univariate datetime": (lambda: rg.univariate.min_norm_interpolant(pd.date_range("2020", periods=3), [1.0, 2.0, 3.0]), "x must be numeric"),
    "univariate distance str": (lambda: rg.univariate.distance(rg.univariate.linear_spline([0.0, 1.0], [0.0, 1.0]), p="inf"), "p must be numeric"),
    "univariate noise_risks trials 0": (lambda: rg.univariate.noise_risks(n=[20], p=[1.0], trials=0), "trials must be an integer >= 1"),
    "univariate spline_risk neg": (lambda: rg.univariate.spline_risk(-1.0), "p must be > 0"),
    "sensitivity dim 0": (lambda: rg.sensitivity(dim=0, n=10, features=10), "dim must be an integer >= 1"),
    "sensitivity act wrong shape": (lambda: rg.sensitivity(dim=10, n=10, features=10, activation=lambda x: np.ones(3)), "activation must map arrays to arrays of their shape"),
    "adversarial radius neg": (lambda: rg.adversarial_error(M, rg.Learner(rg.Logistic(1.0)), 50, -1.0), "radius must be >= 0"),
    "adversarial norm": (lambda: rg.adversarial_error(M, rg.Learner(rg.Logistic(1.0)), 50, 1.0, norm="l1"), "norm must be 'l2' or 'linf'"),
    "plot DataArray": (lambda: rg.plot(rg.predict(T, L, [5, 6]).test), "plot needs xarray Datasets"),
    "plot runs without se": (lambda: rg.plot(rg.predict(T, L, [5, 6]), rg.predict(T, L, [5, 6])), "runs must hold test_se, as those of rg.simulate do"),
    "plot ax string": (lambda: rg.plot(rg.predict(T, L, [5, 6]), ax="left"), "ax must be matplotlib Axes"),
    "plot dict": (lambda: rg.plot({"test": [1]}), "plot needs xarray Datasets"),
    "jit over verb": (lambda: jax.jit(lambda n: rg.predict(T, L, n).test.values)(5.0), "n must be numbers, not JAX tracers"),
    "grad over verb": (lambda: jax.grad(lambda r: rg.predict(T, rg.Learner(rg.Ridge(r)), 5).test.item())(0.1), "ridge must be numbers, not JAX tracers"),
    "pure layer x32": (lambda: rfgen.theory.risk(T.modes, 5.0, 5.0, .1), "rfgen.theory.risk needs 64-bit floats, and they are off. Wrap the oute"),
    "with_noise neg": (lambda: T.with_noise(-1), "noise must be >= 0"),
    "with_initial_network on iso": (lambda: T.with_initial_network(1.0), "an initial network needs inputs on a sphere, a Task.sphere"),
    "Bootstrap class not instance": (lambda: rg.Learner(rg.Ridge(.1), resampling=rg.Bootstrap), "resampling must be rg.Bootstrap"),
    "Subsample 0": (lambda: rg.Subsample(0.0), "share must be in"),
    "fine_grained gradient": (lambda: rg.fine_grained_variance(T, rg.Learner(rg.OnePassSGD(.1, 5))), "fine_grained_variance"),
}

ACCEPTED = {
    "Task eig object Decimal": (lambda: rg.Task(np.array([decimal.Decimal(1), fractions.Fraction(1, 2)], object), [1.0, 1.0]), "numbers of other kinds are numbers"),
    "Task eig masked array, nothing masked": (lambda: rg.Task(np.ma.array([1.0, 2.0], mask=[0, 0]), [1.0, 1.0]), "nothing is masked"),
    "Task multiplicity fractional": (lambda: rg.Task([1.0, 0.5], [1.0, 1.0], multiplicity=[1.5, 2.5]), "weights of a compressed spectrum"),
    "Task multiplicity 1e300": (lambda: rg.predict(rg.Task([1.0], [1.0], multiplicity=[1e300]), L, 5), "so many modes, none of which is learned"),
    "Task isotropic dim numpy int": (lambda: rg.Task.isotropic(np.int64(5)), "a whole number"),
    "sphere target empty": (lambda: rg.Task.sphere(5, rg.GaussianKernel(1.0), {}), "nothing to learn: the noise alone"),
    "kernel int": (lambda: rg.Task.from_kernel(np.eye(4, dtype=int), [1, 0, 1, 0]), "whole numbers"),
    "kernel y column": (lambda: rg.Task.from_kernel(np.eye(4), np.ones((4, 1))), "one column is one output"),
    "kernel 1e200": (lambda: rg.Task.from_kernel(K * 1e300, Y), "any scale"),
    "kernel 1e-320": (lambda: rg.Task.from_kernel(K * 1e-320, Y), "any scale"),
    "kernel np.matrix": (lambda: rg.Task.from_kernel(np.matrix(K), Y), "a matrix all the same"),
    "features p>N": (lambda: rg.Task.from_features(RNG.normal(size=(5, 50)), np.ones(5)), "the kernel has N modes"),
    "DataTask one row": (lambda: rg.predict(rg.DataTask(X[:1], Y[:1], sampling="with replacement"), L, 5), "one example, with a warning"),
    "DataTask y multiclass ints": (lambda: rg.predict(rg.DataTask(X, np.arange(30) % 3), L, 5), "labels are numbers"),
    "DataTask map numpy-only, augment": (lambda: rg.simulate(rg.DataTask(X, Y, lambda x: np.tanh(np.asarray(x))), rg.Learner(rg.Ridge(.1), augmentation=rg.GaussianNoise(.1, views=2)), 5, **FEW), "called on arrays"),
    "RandomFeatureMap callable numpy": (lambda: rg.predict(rg.DataTask(X, Y, rg.RandomFeatureMap(5, np.tanh)), L, 5), "called on arrays"),
    "Aug branching": (lambda: rg.predict(rg.DataTask(X, Y, sampling="with replacement"), rg.Learner(rg.Ridge(.1), augmentation=rg.Augmentation(branching, views=2)), 5), "called on one input"),
    "Aug numpy only": (lambda: rg.predict(rg.DataTask(X, Y, sampling="with replacement"), rg.Learner(rg.Ridge(.1), augmentation=rg.Augmentation(lambda k, x: np.asarray(x) * 2, views=2)), 5), "called on one input"),
    "Mask keep 0": (lambda: rg.predict(T, rg.Learner(rg.Ridge(.1), augmentation=rg.Mask(0.0)), 5), "nothing is seen"),
    "Shift on non-image": (lambda: rg.predict(rg.DataTask(X, Y, sampling="with replacement"), rg.Learner(rg.Ridge(.1), augmentation=rg.Shift(1)), 5), "vectors are shifted along their one axis"),
    "predict n 10.5": (lambda: rg.predict(T, L, 10.5), "the theory takes any n > 0"),
    "predict n duplicates": (lambda: rg.predict(T, L, [5, 5, 5]), "as asked"),
    "predict n Series labels": (lambda: rg.predict(T, L, pd.Series([5, 6], index=["a", "b"])), "its values"),
    "predict n range": (lambda: rg.predict(T, L, range(1, 5)), "its values"),
    "predict n xarray": (lambda: rg.predict(T, L, xarray.DataArray([1, 2], dims="q")), "its values"),
    "predict ridge 1e308*": (lambda: rg.predict(T, rg.Learner(rg.Ridge(1.7e308)), 5), "the null risk"),
    "OnePass steps 10**9": (lambda: rg.OnePassSGD(.1, 10**9), "counted when a curve is asked for"),
    "SGD n 10.5": (lambda: rg.predict(T, rg.Learner(rg.SGD(.1, 10)), 10.5), "the theory takes any n > 0"),
    "simulate trials np.int64": (lambda: rg.simulate(T, L, 5, trials=np.int64(2)), "a whole number"),
    "simulate seed np.int64": (lambda: rg.simulate(T, L, 5, seed=np.int64(3), **FEW), "a whole number"),
    "check variables string": (lambda: rg.check(T, L, 5, trials=4, variables="test"), "one name"),
    "estimate zero features": (lambda: rg.estimate_risk(np.zeros((5, 3)), np.ones(5), .1), "nothing is learned"),
    "estimate one row": (lambda: rg.estimate_risk(np.ones((1, 3)), np.ones(1), .1), "its own mean is left out"),
    "sparse all zero": (lambda: rg.predict(rg.SparseRegression([0.0, 0.0], noise=0.0), rg.Learner(rg.Lasso(1.0)), 5), "nothing to learn"),
    "pure layer n negative": (lambda: untraced(-5.0), "values are not looked at under a trace"),
    "gaussian_inputs activation numpy-only": (lambda: rg.simulate(rg.Task.gaussian_inputs(np.ones(5), lambda x: np.tanh(np.asarray(x)), np.ones(5)), rg.Learner(rg.Ridge(.1), features=4), 5, **FEW), "called back on the host"),
    "sensitivity relu": (lambda: rg.sensitivity(dim=10, n=10, features=10, activation="relu"), "activations need not be odd"),
}
