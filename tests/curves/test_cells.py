"""Memory planning, the resumable store, progress."""

import io
import time
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import rfgen as rg
from rfgen.curves.cells import run
from rfgen.curves.cells.engines import Serial, call_in
from rfgen.curves.cells.precision import Precision
from rfgen.curves.cells.run import progress_bar
from rfgen.curves.cells.store import Store, content_key

TASK, LEARNER = rg.Task.isotropic(20, noise=0.1), rg.Learner(rg.Ridge([0.1, 1.0]))


def test_a_killed_run_continues(tmp_path, monkeypatch):
    whole = rg.simulate(TASK, LEARNER, [10, 20, 30], trials=6)
    put, written = Store.put, []

    def killed(self, key, arrays):
        if len(written) == 2:
            raise KeyboardInterrupt
        put(self, key, arrays)
        written.append(key)

    monkeypatch.setattr(Store, "put", killed)
    with pytest.warns(UserWarning, match="the same call goes on from there"):
        rg.simulate(TASK, LEARNER, [10, 20, 30], trials=6, store=tmp_path)
    monkeypatch.setattr(Store, "put", put)
    times = {path: path.stat().st_mtime_ns for path in tmp_path.glob("*.npz")}
    assert len(times) == 2
    resumed = rg.simulate(TASK, LEARNER, [10, 20, 30], trials=6, store=tmp_path)
    assert resumed.identical(whole)
    assert all(path.stat().st_mtime_ns == time for path, time in times.items())
    assert len(list(tmp_path.glob("*.npz"))) == 3 and not list(tmp_path.glob(".*"))


def test_runs_at_the_same_time_share_the_work_through_a_store(tmp_path):
    measured = []

    def measure(start, stop, advance):
        measured.append(start)
        time.sleep(0.005)
        return {"test": np.arange(start, stop)}

    def whole(_):
        return run.run_cells([run.Cell(measure, (), 2)], 80, 10**9, "n", tmp_path)[0][0]["test"]

    with ThreadPoolExecutor(2) as both:
        assert all(np.array_equal(found, np.arange(80)) for found in both.map(whole, range(2)))
    assert 40 <= len(measured) < 60  # alone each would have measured 40


KINDS = {
    "ridge": (TASK, rg.Learner(rg.Ridge(0.1)), [10, 20, 30], "test"),
    "one pass": (TASK, rg.Learner(rg.OnePassSGD([0.1, 0.2], steps=5), features=[8, 9, 10]), None, "test"),
    "masks": (TASK, rg.Learner(rg.Ridge(0.1), augmentation=rg.Mask([0.4, 0.6, 0.8])), 10, "test"),
    "classes": (rg.Mixture([1.0] * 4, np.ones(4)), rg.Learner(rg.Ridge(0.1)), [10, 20, 30], "error"),
    "sparse": (rg.SparseRegression.equal(30, 2, noise=0.1), rg.Learner(rg.Ridge(0.1)), [10, 20, 30], "test"),
    "XOR": (
        rg.XORClusters(dim=40, separation=6), rg.TwoLayerReLU(width=10, rate=0.01, steps=2, init=1e-3), [10, 20, 30],
        "test_accuracy",
    ),
}


@pytest.fixture
def interrupted(monkeypatch):
    """Runs stop in their third cell."""
    measured, begun = Serial.measured, []

    def until_the_third(jobs):
        for job in jobs:
            begun.append(1)
            if len(begun) == 3:
                raise KeyboardInterrupt
            yield job

    def stopped(self, measures, jobs, advance):
        return measured(self, measures, until_the_third(jobs), advance)

    monkeypatch.setattr(Serial, "measured", stopped)
    yield
    monkeypatch.undo()


@pytest.mark.parametrize("kind", KINDS)
def test_an_interrupted_run_loses_nothing(kind, tmp_path, interrupted, monkeypatch):
    task, learner, n, name = KINDS[kind]
    with pytest.warns(UserWarning, match="stopped after 2 of 3 pieces.*give store="):
        some = rg.simulate(task, learner, n, trials=4)
    assert "stopped after 2 of 3" in some.attrs["interrupted"]
    values = some[name].values.reshape(3, -1)
    assert np.isfinite(values[:2]).all() and np.isnan(values[2]).all()
    monkeypatch.undo()
    whole = rg.simulate(task, learner, n, trials=4)
    assert np.array_equal(whole[name].values.reshape(3, -1)[:2], values[:2])


def test_an_interrupted_run_returns_the_ensembles_that_are_there(interrupted):
    learner = rg.Learner(rg.Ridge(0.1), features=8)
    with pytest.warns(UserWarning, match="stopped after 2 of 6 pieces"):
        some = rg.simulate(TASK, learner, [10, 20], trials=4, members=[1, 2, 3])
    assert np.isfinite(some.test.values).tolist() == [[True, True, False], [False, False, False]]
    assert some.trials.values.tolist() == [[4, 4, 0], [0, 0, 0]]


@pytest.mark.parametrize("kind", KINDS)
def test_an_interrupted_run_with_a_store_goes_on_later(kind, tmp_path, interrupted, monkeypatch):
    task, learner, n, _ = KINDS[kind]
    with pytest.warns(UserWarning, match="the same call goes on from there"):
        some = rg.simulate(task, learner, n, trials=4, store=tmp_path)
    assert sorted(np.ravel(some.trials)) == [0, 4, 4]
    assert np.isnan(some[KINDS[kind][3]]).sum() >= 1  # NaN where unfinished
    monkeypatch.undo()
    assert len(list(tmp_path.glob("*.npz"))) == 2
    resumed = rg.simulate(task, learner, n, trials=4, store=tmp_path)
    assert len(list(tmp_path.glob("*.npz"))) == 3
    assert resumed.identical(rg.simulate(task, learner, n, trials=4))


@pytest.mark.parametrize("kind", KINDS)
def test_every_simulation_plans_its_memory_and_takes_seeds(kind):
    task, learner, n, _ = KINDS[kind]
    with pytest.raises(MemoryError, match=r"needs about .* are planned for: lower .*, or raise memory="):
        rg.simulate(task, learner, n, trials=4, memory=100)
    with pytest.raises(ValueError, match=f"seed must be below 2.63, got {2**70}"):
        rg.simulate(task, learner, n, trials=4, seed=2**70)


@pytest.mark.parametrize("damage", [b"", b"not a zip", None])
def test_damaged_files_are_set_aside(tmp_path, damage):
    before = rg.simulate(TASK, LEARNER, 10, trials=4, store=tmp_path)
    (path,) = tmp_path.glob("*.npz")
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2] if damage is None else damage)
    with pytest.warns(UserWarning, match="is damaged .*set aside as .*damaged and computed again"):
        again = rg.simulate(TASK, LEARNER, 10, trials=4, store=tmp_path)
    assert again.identical(before) and path.with_suffix(".damaged").exists()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        rg.simulate(TASK, LEARNER, 10, trials=4, store=tmp_path)


def test_keys_tell_every_ingredient_apart(tmp_path):
    def run(task=TASK, learner=LEARNER, **options):
        rg.simulate(task, learner, **{"n": 10, "trials": 4, "store": tmp_path, **options})
        return len(list(tmp_path.glob("*.npz")))

    assert run() == run() == 1
    assert run(seed=1) == 2
    assert run(dtype="float32") == 3
    assert run(rg.Task.isotropic(20, noise=0.2)) == 4
    assert run(learner=rg.Learner(rg.Ridge([0.1, 2.0]))) == 5
    assert run(learner=rg.Learner(rg.Ridge([0.1, 1.0]), features=7)) == 6
    assert run(n=11) == 7
    assert run(trials=5) == 8


def test_content_keys_separate_parts():
    assert content_key("ab", "c") != content_key("a", "bc")
    assert content_key(np.arange(4)) != content_key(np.arange(4).reshape(2, 2))
    assert content_key(np.zeros(2, np.float32)) != content_key(np.zeros(2, np.int32))


def test_progress_is_silent_unless_asked(capsys, monkeypatch):
    rg.simulate(TASK, LEARNER, 10, trials=4)
    assert capsys.readouterr().err == ""
    rg.simulate(TASK, LEARNER, 10, trials=4, progress=True)
    assert "simulate" in capsys.readouterr().err

    class Terminal(io.StringIO):
        def isatty(self):
            return True

    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    with progress_bar(3, "label") as bar:
        bar.update(3)
    assert "label" in terminal.getvalue()


def test_an_odd_number_of_trials_is_counted(capsys):
    for trials in (1, 2, 3, 33):
        runs = rg.simulate(TASK, LEARNER, 10, trials=trials)
        assert int(runs.trials) == trials and np.isfinite(runs.test).all()
        assert np.isfinite(runs.test_se).all() == (trials > 1)
        assert np.isfinite(runs.bias).all() == (trials > 1)


@pytest.mark.parametrize(("kind", "relative"), [("ridge", 0.03), ("masks", 0.05), ("classes", 0.05)])
def test_trials_are_drawn_until_the_error_is_as_asked(kind, relative, tmp_path):
    task, learner, n, name = KINDS[kind]
    asked = {"until": rg.StandardError(relative), "max_trials": 60}
    runs = rg.simulate(task, learner, n, **asked, store=tmp_path)
    enough = runs[f"{name}_se"] <= relative * runs[name]
    assert (enough | (runs.trials == 60)).all() and enough.any() and runs.trials.min() < runs.trials.max() <= 60
    assert rg.simulate(task, learner, n, **asked, store=tmp_path).identical(runs)
    most = int(runs.trials.max())  # trials are those of a run of so many
    plain = rg.simulate(task, learner, n, trials=most)
    place = {runs.trials.dims[0]: int(runs.trials.values.argmax())}
    assert np.allclose(plain[name].isel(place), runs[name].isel(place), rtol=1e-12)


@pytest.mark.parametrize("law", ["normal", "exponential"])
def test_adaptive_trials_are_few_and_their_errors_honest(law):
    """Hindsight needs 225 trials of a relative deviation of .15 for 1 %."""
    scores, used = [], []
    for seed in range(150):
        values = 1.0 + 0.15 * (getattr(np.random.default_rng(seed), law)(size=2000) - (law == "exponential"))

        def measure(start, stop, advance, values=values):
            return {"test": values[start:stop]}

        with call_in(None, {}, Precision(rg.StandardError(0.01), "test")):
            (found,), _ = run.run_cells([run.Cell(measure, (), 32)], 2000, 10**9, "n")
        drawn = found["test"]
        error = drawn.std(ddof=1) / drawn.size**0.5
        assert error <= 0.01 * drawn.mean()
        scores.append((drawn.mean() - 1.0) / error)
        used.append(drawn.size / 225)
    assert np.mean(used) < 1.3 and abs(np.mean(scores)) < 4 / 150**0.5 and 0.85 < np.std(scores) < 1.25


def test_adaptive_precision_says_what_is_missing():
    for options, said in (
        ({"until": 0.01, "max_trials": 10}, "until must be such as rg.StandardError"),
        ({"until": rg.StandardError(0.01)}, "max_trials is missing"),
        ({"max_trials": 10}, "max_trials bounds the trials of until="),
    ):
        with pytest.raises(ValueError, match=said):
            rg.simulate(TASK, LEARNER, 10, **options)
