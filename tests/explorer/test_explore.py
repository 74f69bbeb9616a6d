"""`explore`: what the sliders ask for is what `predict` and `simulate` say."""

import json
import sys

import numpy as np
import pytest

import rfgen as rg
from rfgen.api.methods.picture import picture

TASK = rg.Task.isotropic(100, noise=0.1)
LEARNER = rg.Learner(rg.Ridge(0.1), features=80, augmentation=rg.Mask(0.6, views=4))


def told(widget, what, axis, **moved):
    """The last answer to what the browser asks for, as it travels."""
    settings = {name: own["values"][own["at"]] for name, own in widget.sliders.items()} | moved
    sent = []
    widget.send = lambda said, buffers=(): sent.append((json.loads(json.dumps(said, allow_nan=False)), buffers))
    widget._handle_custom_msg({"ask": what, "settings": settings, "axis": axis, "view": "one"}, [])
    said, buffers = sent[-1]
    assert said[what].pop("view") == "one"
    return said[what], buffers


def asked(widget, axis, **moved):
    said, buffers = told(widget, "curve", axis, **moved)
    assert "failure" not in said, said
    return dict(zip(said["names"], np.frombuffer(buffers[0]).reshape(len(said["names"]), -1), strict=True))


def test_every_slider_moves_the_exact_curve():
    widget = rg.explore(TASK, LEARNER, n=50)
    assert set(widget.sliders) == {"n", "features", "ridge", "keep", "views", "noise"}
    for axis, own in widget.sliders.items():
        assert all(low < high for low, high in zip(own["values"], own["values"][1:], strict=False) if high is not None)
        curve = asked(widget, axis)
        assert len(curve["x"]) == len(curve["test"]) >= 10
    curve = asked(widget, "noise", keep=0.8)
    learner = rg.Learner(rg.Ridge(0.1), features=80, augmentation=rg.Mask(0.8, views=4))
    at = curve["x"][7]
    expected = rg.predict(rg.Task.isotropic(100, noise=at), learner, n=50)
    np.testing.assert_allclose([curve["test"][7], curve["bias"][7]], [expected.test, expected.bias], rtol=1e-9)
    scope: dict = {}
    exec(told(widget, "code", "ridge")[0]["text"].replace("rg.plot(", "found = ("), scope)
    np.testing.assert_allclose(scope["found"].test.values[-1], asked(widget, "ridge")["test"][-1], rtol=1e-6)


@pytest.mark.parametrize("axis", ["n", "features"])
def test_the_peak_is_a_point_of_the_curve(axis):
    widget = rg.explore(TASK, rg.Learner(rg.Ridge(1e-4), features=80), n=60)
    curve, peak = asked(widget, axis), {"n": 80.0, "features": 60.0}[axis]
    assert peak in curve["x"] and np.all(np.diff(curve["x"]) > 0.0)
    assert curve["x"][np.argmax(curve["test"])] == peak


def test_one_slow_picture_does_not_make_the_next_coarse(monkeypatch):
    widget = rg.explore(rg.Task.isotropic(40, noise=0.1), rg.Learner(rg.Ridge(1.0), augmentation=rg.Mask(0.5)), n=30)
    found = []
    for limit in (np.inf, -1.0, -1.0, np.inf, -1.0, -1.0, -1.0, np.inf):
        monkeypatch.setattr(sys.modules[rg.explore.__module__], "SLOW", limit)
        found.append(len(asked(widget, "n")["x"]))
    assert found == [found[0]] * 7 + [30]


def test_the_button_measures():
    widget = rg.explore(rg.Task.isotropic(40, noise=0.1), rg.Learner(rg.Ridge(1.0)), n=30)
    runs, _ = told(widget, "runs", "ridge")
    curve = rg.predict(rg.Task.isotropic(40, noise=0.1), rg.Learner(rg.Ridge(runs["x"])), n=30)
    assert runs["share"] == 1.0 and len(runs["x"]) == 7
    assert np.median(np.abs(curve.test.values - runs["test"]) / runs["test_se"]) < 3.0


def test_what_predict_refuses_is_said():
    with pytest.raises(ValueError, match="one number"):
        rg.explore(TASK, LEARNER, n=[10, 20])
    with pytest.raises(ValueError, match="Averaging"):
        rg.explore(TASK, rg.Learner(rg.Averaging()), n=20)
    widget = rg.explore(TASK, LEARNER, n=50)
    runs, _ = told(widget, "runs", "n", views=None)
    assert "failure" in runs or runs["share"] == 1.0


@pytest.mark.parametrize("augmentation", [None, rg.Mask(0.7, views=3)], ids=["bare", "mask"])
def test_flow_is_drawn_as_predict_has_it(augmentation):
    """On seven nodes a point: 5e-6 of the risk was the most in 32 random settings."""
    task, time = rg.Task.power_law(1.5, 1.5, noise=0.2, modes=500), np.array([0.0, 0.3, 20.0, 1e6, np.inf])
    flow = rg.Learner(rg.GradientFlow(time, ridge=0.1), features=90, augmentation=augmentation)
    exact = rg.predict(task, flow, n=[40, 90]).squeeze()
    rows = {"n": np.repeat([40, 90], time.size), "time": np.tile(time, 2)}
    drawn = picture(task, rg.Learner(rg.GradientFlow(1.0, ridge=0.1), features=90, augmentation=augmentation))(rows)
    for name, part in drawn.items():
        np.testing.assert_allclose(part, exact[name].values.ravel(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("moved", [{"ridge": [0.0, 0.1, 3.0]}, {"features": [20, 50, np.inf]}, {"noise": [0.0, 0.1, 2.0]}])
def test_ridge_is_drawn_as_predict_has_it(moved):
    task, name = rg.Task.power_law(1.5, 1.5, noise=0.2), next(iter(moved))
    at = {"n": 40, "features": 90, "ridge": 0.1, "noise": 0.2} | moved
    learner = rg.Learner(rg.Ridge(at["ridge"]), features=at["features"])
    whole = task if name != "noise" else rg.Task.power_law(1.5, 1.5, noise=at["noise"])
    exact, drawn = rg.predict(whole, learner, n=40), picture(task, rg.Learner(rg.Ridge(1.0), features=7))(at)
    for part, column in drawn.items():
        np.testing.assert_allclose(column, exact[part].values.ravel(), rtol=1e-12, atol=1e-14)


def test_what_the_picture_does_not_know_is_asked_of_predict():
    task = rg.Task.isotropic(30, noise=0.1)
    assert picture(task, rg.Learner(rg.HeavyBall(0.1, 0.5, 10))) is None
    assert picture(task, rg.Learner(rg.Ridge(0.1), augmentation=rg.Mask(0.7))) is None
    assert picture(task, rg.Learner(rg.Ridge(-0.1))) is None
    assert picture(task, rg.Learner(rg.GradientFlow(1.0, initial_variance=0.1))) is None
    assert picture(task, rg.Learner(rg.GradientFlow([1.0, 2.0]))) is None
