"""Programs kept whole: what a later process takes from the folder, and what it must not."""

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rfgen.numerics.compilation import kept_programs
from rfgen.numerics.compilation.program_maps import Programs
from tests.numerics.test_program_cache import outcome, start

# of LAPACK, which a process finds with the first call that it lowers
SCRIPT = """
import jax, jax.monitoring, jax.numpy as jnp, numpy as np, rfgen as rg
from rfgen.numerics.compilation.program import program
done = []
jax.monitoring.register_event_duration_secs_listener(lambda event, _, **__: done.append(event.split("/")[-1]))
rg.cache_programs()

@program(static_argnames="power")
def solved(matrix, right, *, power):
    return {"x": jnp.linalg.solve(matrix, right) ** power}

with jax.enable_x64(True):
    found = [solved(2.0 * np.eye(3), np.ones(3), power=power)["x"].tolist() for power in (1, 2)]
print(found, done.count("backend_compile_duration"))
"""
FOUND = "[[0.5, 0.5, 0.5], [0.25, 0.25, 0.25]]"


def test_a_later_process_takes_programs_whole_and_compiles_a_damaged_one(tmp_path):
    assert outcome(start(SCRIPT, RFGEN_CACHE=str(tmp_path)))[0] == f"{FOUND} 2"
    whole = sorted(tmp_path.glob("jax-*/whole-*-cache"))
    assert len(whole) == 2
    whole[0].write_bytes(whole[0].read_bytes()[:-9])
    assert outcome(start(SCRIPT, RFGEN_CACHE=str(tmp_path)))[0] == f"{FOUND} 1"
    assert sorted(tmp_path.glob("jax-*/whole-*-cache")) == whole


def test_another_source_is_another_program(tmp_path, monkeypatch):
    monkeypatch.setattr(kept_programs, "PACKAGE", tmp_path)
    found = []
    for size in (3, 4):
        (tmp_path / "room.py").write_text("#" * size)
        kept_programs._source.cache_clear()
        found.append(kept_programs._source())
    kept_programs._source.cache_clear()
    assert found[0] != found[1]


@dataclass(frozen=True)
class Held:
    """A number, and what is no array."""

    number: Any
    rule: Any


jax.tree_util.register_dataclass(Held, ["number"], ["rule"])


def double(held):
    return held.rule(held.number)


def _nested():
    def inner(held):
        return 2.0 * held.number

    return inner


@pytest.mark.parametrize(("function", "rule"), [(double, jnp.sin), (_nested(), "square")])
def test_what_its_name_does_not_say_is_not_kept(function, rule, tmp_path, monkeypatch):
    monkeypatch.setattr(kept_programs._Kept, "folder", tmp_path)
    call = kept_programs.kept(function, jax.jit(function), (), {})
    assert np.isfinite(call(Held(1.0, rule)))
    assert not list(tmp_path.iterdir())
    Programs.whole.clear()
