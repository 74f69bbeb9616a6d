"""What a type checker knows of a user's script: run by pyright (see pyproject), never executed.

Each `pyright: ignore` stands where there must be an error: pyright reports one that is not needed.
"""

# pyright: standard, reportUnnecessaryTypeIgnoreComment=true

__all__ = ["mistakes", "script"]

import math
from typing import assert_type

import numpy as np
import pandas
import xarray
from matplotlib.axes import Axes

import rfgen as rg
from rfgen.api.check.report import Report
from rfgen.api.diagnosis.record import Diagnosis, Finding


def script(task: rg.Task, inputs: np.ndarray, labels: np.ndarray) -> None:
    """Verbs with the arguments that they take, and what they return."""
    ridge = rg.Learner(rg.Ridge([1e-3, 0.1]), features=256)
    curve = rg.predict(task, ridge, n=[64, 256], members=math.inf)
    assert_type(curve, xarray.Dataset)
    runs = rg.simulate(task, ridge, range(10, 30), trials=3, seed=1, store="cells", progress=False)
    assert_type(runs, xarray.Dataset)
    assert_type(rg.plot(curve, runs, x="n", y=("test", "train")), Axes)
    report = rg.check(task, ridge, np.array([64, 256]), trials=30, variables="test", memory=2e9, dtype="float32")
    assert_type(report, Report)
    assert_type(report.dataset, xarray.Dataset)
    assert_type(bool(report), bool)
    assert_type(rg.optimal_ridge(task, ridge, 20), xarray.Dataset)
    assert_type(rg.best_schedule(task, rg.OnePassSGD(0.1, 5), cap=0.3), xarray.Dataset)
    assert_type(rg.optimal_stopping(task, rg.Learner(rg.GradientFlow(0.0)), 20.5), xarray.Dataset)
    assert_type(rg.optimal_augmentation(task, ridge, np.int64(20), form="moment"), xarray.Dataset)
    assert_type(rg.fine_grained_variance(task, ridge, pandas.Series([20, 40])), xarray.Dataset)
    population = rg.DataTask(inputs, labels, sampling="with replacement")
    assert_type(rg.overfitting_cost(population, 20, features=[30, 40]), xarray.Dataset)
    assert_type(rg.estimate_risk(inputs, labels, np.geomspace(1e-3, 1.0, 3), time=3.0), xarray.Dataset)
    assert_type(rg.learning_curve(inputs, labels, [10, 20], ridge=0.1, views=2), xarray.Dataset)
    assert_type(rg.features_of(np.tanh, inputs), np.ndarray)
    assert_type(rg.tangent_features(lambda p, x: x @ p, inputs.T, inputs, directions=3, seed=1), np.ndarray)
    assert_type(rg.diagnose(inputs, labels, [10, 20], ridge=0.1, measured=[0.3, 0.2]), Diagnosis)
    assert_type(rg.diagnose(task, ridge, 64, measured=0.3).findings, tuple[Finding, ...])
    assert_type(report.diagnosis, Diagnosis)
    assert_type(rg.sensitivity(100, n=30, features=[20, 40], activation=np.tanh), xarray.Dataset)
    classes = rg.Mixture([1.0, 0.0], np.ones(2))
    assert_type(rg.adversarial_error(classes, rg.Learner(rg.Hinge(1.0)), 20, radius=[0.0, 0.1]), xarray.Dataset)
    assert_type(rg.predict(classes, rg.Learner(rg.MaxMargin()), 20), xarray.Dataset)
    net = rg.TwoLayerReLU(width=100, rate=0.1, steps=5, init=1e-3)
    assert_type(rg.check(rg.XORClusters(400, 5.0), net, n=50), Report)
    assert_type(rg.methods().dataset, xarray.Dataset)


def mistakes(task: rg.Task, learner: rg.Learner) -> None:
    """What is an error before anything runs."""
    rg.check(task, learner, 20, trails=3)  # pyright: ignore[reportArgumentType]
    rg.simulate(task, learner, 20, 30)  # pyright: ignore[reportCallIssue]
    rg.predict(task, learner, 20, "moment")  # pyright: ignore[reportCallIssue]
    rg.predict(learner, task, 20)  # pyright: ignore[reportArgumentType, reportCallIssue]
    rg.predict(task, rg.Ridge(0.1), 20)  # pyright: ignore[reportArgumentType, reportCallIssue]
    rg.predict(task, learner, "20")  # pyright: ignore[reportArgumentType, reportCallIssue]
    rg.optimal_ridge(task, learner)  # pyright: ignore[reportCallIssue]
    rg.simulate(task, learner, 20, store=5)  # pyright: ignore[reportArgumentType, reportCallIssue]
    rg.plot(rg.check(task, learner, 20))  # pyright: ignore[reportArgumentType]
