"""Cells that are believed only if they are what was written, for the code that would write them today."""

import os
import random
import re
import resource
import threading
import time
import types
import warnings

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import rfgen as rg
from rfgen.cli import main
from rfgen.curves.cells import source
from rfgen.curves.cells.run import Cell, run_cells
from rfgen.curves.cells.store import CELL, DAMAGED, Store, content_key
from tests.benchmarks.survival import bits

TASK, LEARNER = rg.Task.isotropic(20, noise=0.1), rg.Learner(rg.Ridge([0.1, 1.0]))
SCALE, KEY = 1.0, "0" * 32
own = types.ModuleType("own_settings")
own.scale = 1.0


def changed(x):
    return SCALE * x


class Scaled:
    def __init__(self):
        self.offset = 0.0

    def factor(self):
        return own.scale

    def __call__(self, x):
        return self.factor() * x + self.offset


scaled = Scaled()


def calling(x):
    return scaled(x)


def within(x):
    return sum(changed(y) for y in x)


def made(scale):
    return lambda x: jnp.where(x > scale, x, 0.0)


# a function, and what changes what it does
READ = {
    "a global": (changed, lambda patch: patch.setitem(globals(), "SCALE", 2.0)),
    "a global of a function it calls": (within, lambda patch: patch.setitem(globals(), "SCALE", 2.0)),
    "of a compiled one": (jax.jit(changed), lambda patch: patch.setitem(globals(), "SCALE", 2.0)),
    "of a vectorised one": (np.vectorize(changed, otypes=[float]), lambda patch: patch.setitem(globals(), "SCALE", 2.0)),
    "an attribute of a module": (lambda x: own.scale * x, lambda patch: patch.setattr(own, "scale", 2.0)),
    "within a method": (calling, lambda patch: patch.setattr(own, "scale", 2.0)),
    "an attribute of an object": (calling, lambda patch: patch.setattr(scaled, "offset", 2.0)),
    "a method of its class": (calling, lambda patch: patch.setattr(Scaled, "factor", lambda self: 2.0)),
    "its closure": (made(SCALE), lambda patch: None),
}


@pytest.mark.parametrize("kind", READ)
def test_keys_see_what_a_function_reads(kind, monkeypatch):
    function, change = READ[kind]
    before = content_key(function)
    assert np.ndim(function(np.ones(2))) < 2 and content_key(function) == before
    change(monkeypatch)
    assert content_key(made(2.0) if kind == "its closure" else function) != before


def test_a_run_whose_function_changed_measures_anew(tmp_path, monkeypatch):
    inputs = np.random.default_rng(0).normal(size=(50, 4))
    found = []
    for scale in (1.0, 1.0, 3.0):
        monkeypatch.setitem(globals(), "SCALE", scale)
        task = rg.DataTask(inputs, inputs[:, 0])
        learner = rg.Learner(rg.Ridge(0.1), augmentation=rg.Augmentation(lambda key, x: SCALE * x))
        test = float(rg.simulate(task, learner, 8, trials=4, store=tmp_path).test)
        found.append((test, len(list(tmp_path.glob(f"*{CELL}")))))
    assert found[0] == found[1] != found[2] and [count for _, count in found] == [1, 1, 2]


@pytest.mark.parametrize(
    "held", [threading.Lock(), (number for number in range(3)), np.frompyfunc(changed, 1, 1)],
    ids=["a lock", "a generator", "a ufunc"],
)
def test_what_cannot_be_told_is_not_stored(held):
    with pytest.raises(ValueError, match=f"store cannot keep this run.*{type(held).__qualname__}.*or leave store out"):
        content_key(lambda x: (held, x))


def test_a_correction_makes_other_cells(tmp_path, monkeypatch):
    for digest in ("one", "two"):
        monkeypatch.setattr("rfgen.curves.cells.run.source_digest", lambda digest=digest: digest)
        rg.simulate(TASK, LEARNER, 10, trials=2, store=tmp_path)
    assert len(list(tmp_path.glob(f"*{CELL}"))) == 2 and len(source.source_digest()) == 32


def test_no_flipped_bit_is_unseen():
    found = bits(300, random.Random(0))
    assert (found["unseen"], found["raised"]) == (0, 0)


def _archive(path, **arrays):
    with path.open("wb") as file:
        np.savez(file, **arrays)


@pytest.mark.parametrize("kind", ["half", "nothing", "zeros", "other names", "another cell"])
def test_what_was_not_written_is_set_aside(tmp_path, kind):
    store, path = Store(tmp_path), tmp_path / f"{KEY}{CELL}"
    store.put(KEY, {"test": np.ones(3)})
    assert store.get(KEY)["test"].tolist() == [1.0] * 3
    if kind == "half":
        path.write_bytes(path.read_bytes()[:200])
    elif kind == "another cell":
        store.put("1" * 32, {"test": np.zeros(3)})
        (tmp_path / f"{'1' * 32}{CELL}").replace(path)
    elif kind == "nothing":
        path.write_bytes(b"")
    else:
        _archive(path, **({"test": np.zeros(3)} if kind == "zeros" else {"train": np.ones(3)}))
    assert main(["runs", "verify", str(tmp_path)]) == 1
    with pytest.warns(UserWarning, match="is damaged .*set aside as .*damaged and computed again"):
        assert store.get(KEY) is None
    assert path.with_suffix(DAMAGED).exists() and store.get(KEY) is None
    assert main(["runs", "prune", str(tmp_path)]) == 0 and not list(tmp_path.iterdir())


def test_a_full_disk_loses_nothing_in_hand(tmp_path):
    whole, (soft, hard) = rg.simulate(TASK, LEARNER, [10, 20], trials=2), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
    try:
        with pytest.warns(UserWarning, match=r"cannot keep .*\(File too large\): the run goes on"):
            found = rg.simulate(TASK, LEARNER, [10, 20], trials=2, store=tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert found.identical(whole) and not list(tmp_path.iterdir())


@pytest.mark.parametrize("store", ["~nobody-of-this-name/x", "a\0b", "/proc/x"])
def test_a_store_that_cannot_be_is_told_before_anything(store, monkeypatch):
    monkeypatch.setattr("rfgen.api.check.check.predict", None)
    for verb in (rg.simulate, rg.check):
        with pytest.raises(ValueError, match="store must be a folder that can be written, got "):
            verb(TASK, LEARNER, 10, trials=2, store=store)


def test_temporaries_are_swept(tmp_path):
    left = [tmp_path / f".{KEY}.{number}.tmp" for number in range(2)]
    for path in left:
        path.touch()
    os.utime(left[0], (time.time() - 7200,) * 2)
    Store(tmp_path)
    assert not left[0].exists() and left[1].exists()


def test_more_trials_extend_a_run(tmp_path):
    measured = []

    def measure(start, stop, advance):
        measured.append((start, stop))
        return {"test": np.arange(start, stop)}

    for trials in (45, 90):
        (found,), _ = run_cells([Cell(measure, (), 32, where="n=3")], trials, 10**9, "n", tmp_path)
        assert np.array_equal(found["test"], np.arange(trials))
    assert sorted(measured) == [(0, 32), (32, 45), (32, 64), (64, 90)]


def test_commands_on_kept_runs(tmp_path, capsys, monkeypatch):
    rg.simulate(TASK, LEARNER, [10, 20], trials=34, store=tmp_path)
    next(tmp_path.glob(f"*{CELL}")).unlink()
    (tmp_path / "mine.npz").touch()
    assert main(["runs", "list", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert re.search(r"3 of 4 pieces  task=Task.isotropic\(dim=20.*n=\[10, 20\], trials=34, seed=0\n1 run\n", said)
    name = said.split()[0]
    assert main(["runs", "show", str(tmp_path), name]) == 0
    assert "n=20, trials 32 to 34" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main(["runs", "show", str(tmp_path), "another"])
    assert "no run is called another" in capsys.readouterr().err
    monkeypatch.setattr("rfgen.curves.cells.kept_runs.source_digest", lambda: "a correction")
    assert main(["runs", "list", str(tmp_path)]) == 0 and "not found again" in capsys.readouterr().out
    assert main(["runs", "prune", str(tmp_path)]) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["mine.npz"]
    with pytest.raises(SystemExit):
        main(["runs", "list", str(tmp_path / "nowhere")])


def test_merged_runs_are_one_of_all_trials(monkeypatch):
    blocks, counts = [], (6, 5, 9)

    def watched(*given):
        found, attributes = run_cells(*given)
        blocks.extend({name: values[..., 0] for name, values in block.items()} for block in found)  # the only output
        return found, attributes

    monkeypatch.setattr("rfgen.curves.measured.run_cells", watched)
    runs = [rg.simulate(TASK, LEARNER, 10, trials=count, seed=seed) for seed, count in enumerate(counts)]
    merged, again = rg.merge(*runs), rg.merge(rg.merge(*runs[:2]), runs[2])
    for name in ("test", "bias"):
        trials = np.concatenate([block[name] for block in blocks])
        assert np.allclose(merged[name], trials.mean(0), rtol=1e-12)
        assert np.allclose(merged[f"{name}_se"], trials.std(0, ddof=1) / len(trials) ** 0.5, rtol=1e-12)
        assert np.allclose(again[f"{name}_se"], merged[f"{name}_se"], rtol=1e-12)
    assert int(merged.trials) == 20 and merged.attrs["seeds"] == [0, 1, 2] == again.attrs["seeds"]
    other = rg.simulate(TASK, rg.Learner(rg.Ridge([0.1, 2.0])), 10, trials=2, seed=9)
    for given, message in (
        (runs[:1], "two runs"), ((runs[0], runs[0]), "got 0 twice"),
        ((runs[0], other), "run 1 differs from run 0 in ridge"), ((runs[0], 3), "got int in place 1"),
    ):
        with pytest.raises(ValueError, match=message):
            rg.merge(*given)


def test_a_fork_after_jax_is_refused():
    jnp.zeros(1).block_until_ready()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        child = os.fork()
    if child == 0:
        said = ""
        try:
            rg.predict(TASK, LEARNER, 10)
        except RuntimeError as error:
            said = str(error)
        os._exit(0 if "forked after JAX had started" in said else 1)
    assert os.waitpid(child, 0)[1] == 0
