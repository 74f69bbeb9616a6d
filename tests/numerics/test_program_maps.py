"""Programs are dropped when half of the maps are taken, not before, and results stay."""

import pytest

import rfgen as rg
from rfgen.numerics import program_maps
from tests.benchmarks.compilations import count_compilations

TASK, LEARNER = rg.Task.isotropic(20, noise=0.1), rg.Learner(rg.Ridge(0.1))


@pytest.mark.parametrize(("granted", "dropped"), [("10", True), ("100000000", False)])
def test_programs_are_dropped_in_time(monkeypatch, tmp_path, granted, dropped):
    limit = tmp_path / "max_map_count"
    limit.write_text(granted)
    first = float(rg.predict(TASK, LEARNER, n=40).test)
    monkeypatch.setattr(program_maps, "GRANTED", limit)
    with count_compilations() as compiled:
        again = [float(rg.predict(TASK, LEARNER, n=40).test) for _ in range(program_maps.EVERY)]
    assert again == [first] * program_maps.EVERY
    assert bool(compiled) == dropped
