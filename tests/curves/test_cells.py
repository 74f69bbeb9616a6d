"""Memory planning, the resumable store, progress."""

import io
import warnings

import numpy as np
import pytest

import rfgen as rg
from rfgen.curves.cells.progress import progress_bar
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
    with pytest.raises(KeyboardInterrupt):
        rg.simulate(TASK, LEARNER, [10, 20, 30], trials=6, store=tmp_path)
    monkeypatch.setattr(Store, "put", put)
    times = {path: path.stat().st_mtime_ns for path in tmp_path.glob("*.npz")}
    assert len(times) == 2
    resumed = rg.simulate(TASK, LEARNER, [10, 20, 30], trials=6, store=tmp_path)
    assert resumed.identical(whole)
    assert all(path.stat().st_mtime_ns == time for path, time in times.items())
    assert len(list(tmp_path.glob("*.npz"))) == 3 and not list(tmp_path.glob(".*"))


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
