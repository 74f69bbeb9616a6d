"""Networks on XOR clusters through the verbs: shapes, agreement, resumption, warnings, bad input."""

import numpy as np
import pytest

import rfgen as rg
from rfgen.systems.xor import method as networks
from rfgen.systems.xor.problem import TwoLayerReLU, XORClusters

XOR, NET = XORClusters(600, 7.0, 0.1), TwoLayerReLU(200, 0.02, 5, 1e-3)


def test_dimensions_and_attributes():
    curve, runs = rg.predict(XOR, NET, n=[50, 60]), rg.simulate(XOR, NET, n=[50, 60], trials=3)
    assert curve.test_accuracy.dims == runs.test_accuracy.dims == ("n", "steps")
    assert curve.steps.values.tolist() == [1] and runs.steps.values.tolist() == [0, 1, 2, 5]
    np.testing.assert_allclose(curve.test_accuracy + curve.test_error, 1.0)
    assert {"train_accuracy_se", "test_accuracy_se", "flips_fitted_se"} <= set(runs) and int(runs.trials) == 3
    assert curve.attrs["kind"] == "theory" and runs.attrs["kind"] == "simulation" and "XOR" in runs.attrs["task"]
    one, single = rg.predict(XOR, NET, n=60), rg.simulate(XOR, NET, n=60, trials=3)
    assert one.test_accuracy.dims == single.test_accuracy.dims == ("steps",) and float(one.n) == 60
    np.testing.assert_array_equal(single.test_accuracy, runs.test_accuracy.sel(n=60))
    np.testing.assert_allclose(one.test_accuracy, curve.test_accuracy.sel(n=60))


def test_theory_and_simulation_agree_where_steps_coincide():
    net = TwoLayerReLU(400, 0.01, 1, 1e-3)
    xor = XORClusters(2000, 10.0, 0.1)
    curve, runs = rg.predict(xor, net, n=200), rg.simulate(xor, net, n=200, trials=32, seed=1)
    measured = runs.sel(steps=curve.steps)
    for name in ("test_accuracy", "train_accuracy"):
        assert float(abs((measured[name] - curve[name]) / measured[f"{name}_se"]).max()) < 4


def test_a_killed_run_continues(tmp_path, monkeypatch):
    whole = rg.simulate(XOR, NET, n=50, trials=12, store=tmp_path)
    assert len(list(tmp_path.glob("*.npz"))) == 2
    monkeypatch.setattr(networks, "xor_network_runs", lambda *_: pytest.fail("computed again"))
    again = rg.simulate(XOR, NET, n=50, trials=12, store=tmp_path)
    np.testing.assert_array_equal(again.test_accuracy, whole.test_accuracy)


@pytest.mark.parametrize(
    ("xor", "net", "n", "reason"),
    [
        (XOR, TwoLayerReLU(10, 0.02, 5, 1e-3), 60, "width 10"), (XOR, NET, [20, 60], "n = 20"),
        (XOR, TwoLayerReLU(200, 0.02, 5, 0.1), 60, "initial output"), (XORClusters(100, 6.0), NET, 60, "separation"),
        (XOR, TwoLayerReLU(200, 0.02, 5, 1e-6), 100, "train_accuracy"),
    ],
)
def test_says_where_the_first_step_was_not_tested(xor, net, n, reason):
    with pytest.warns(UserWarning, match=f"outside the tested regime.*{reason}"):
        rg.predict(xor, net, n)


@pytest.mark.parametrize(
    ("verb", "net", "n", "options", "message"),
    [
        (rg.predict, "net", 50, {}, "learner must be an rg"), (rg.simulate, rg.Learner(rg.Ridge()), 50, {}, "TwoLayerReLU"),
        (rg.predict, NET, None, {}, "n, the number of training samples, is missing"),
        (rg.simulate, NET, [50, 0], {}, "n must be > 0"), (rg.simulate, NET, 50.5, {}, "n must be whole numbers"),
        (rg.simulate, NET, 50, {"trials": 0}, "trials"),
        (rg.simulate, TwoLayerReLU(10**9, 0.1, 1, 0.1), 50, {"trials": 20}, "lower n or width"),
    ],
)
def test_bad_input(verb, net, n, options, message):
    with pytest.raises((ValueError, MemoryError), match=message):
        verb(XOR, net, n, **options)


def test_what_leaves_single_precision_is_refused():
    for bad in ({"rate": 1e40, "init": 1e-3}, {"rate": 0.01, "init": 1e40}):
        with pytest.raises(ValueError, match=r"must be in .*got 1e\+40"):
            rg.TwoLayerReLU(width=100, steps=2, **bad)


def test_keywords_of_tasks_are_refused_by_name():
    xor, net = rg.XORClusters(dim=400, separation=6), rg.TwoLayerReLU(100, 0.01, 2, 1e-3)
    with pytest.raises(ValueError, match="members is not covered by predict for networks on XOR clusters"):
        rg.predict(xor, net, n=50, members=3)
    with pytest.raises(ValueError, match=r"task must be an rg\.XORClusters to train TwoLayerReLU"):
        rg.predict(rg.Task.isotropic(5), net, n=50)
