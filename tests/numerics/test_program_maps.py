"""Programs are dropped when half of the maps are taken, not before, and results stay."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import rfgen as rg
from rfgen.numerics.compilation import program_maps
from rfgen.systems.lazy.deep_kernel_exponent import deep_kernel_exponent
from rfgen.theory import risk
from tests.benchmarks.compilations import count_compilations

TASK, LEARNER = rg.Task.isotropic(20, noise=0.1), rg.Learner(rg.Ridge(0.1))


def verb():
    return float(rg.predict(TASK, LEARNER, n=40).test)


def pure():
    with jax.enable_x64(True):
        return float(risk(TASK.modes, 40, ridge=0.1, noise=0.1).test)


@pytest.fixture
def grant(monkeypatch, tmp_path):
    """Take a number for the limit, and let a look be due."""

    def granted(number):
        limit = tmp_path / "max_map_count"
        limit.write_text(str(number))
        monkeypatch.setattr(program_maps, "GRANTED", limit)
        monkeypatch.setattr(program_maps.Programs, "unseen", program_maps.EVERY)

    return granted


@pytest.mark.parametrize("call", [verb, pure])
@pytest.mark.parametrize(("granted", "dropped"), [(10, True), (100_000_000, False)])
def test_programs_are_dropped_in_time(grant, call, granted, dropped):
    first = call()
    grant(granted)
    with count_compilations() as compiled:
        assert [call() for _ in range(3)] == [first] * 3
    assert bool(compiled) == dropped


def test_functions_that_are_not_compiled_as_a_whole_spare_maps_too(grant):
    first = pure()
    grant(10)
    with jax.enable_x64(True):
        deep_kernel_exponent([0.0, 0.5, 0.0, 0.5])
    program_maps.Programs.unseen = 0
    with count_compilations() as compiled:
        assert pure() == first
    assert compiled


def test_a_look_is_due_after_some_programs_and_not_while_tracing(grant):
    grant(10)
    program_maps.Programs.unseen = 0
    for size in range(program_maps.EVERY):
        jax.jit(lambda x: 2 * x)(np.ones(size + 1, np.float32))
    assert program_maps.Programs.unseen >= program_maps.EVERY
    jax.jit(lambda x: [program_maps.spare_maps(), x][1])(jnp.ones(()))
    assert program_maps.Programs.unseen >= program_maps.EVERY
    program_maps.spare_maps()
    assert program_maps.Programs.unseen == 0
