"""Programs kept for later processes: where, how many, shared by several, and what happens if they cannot be."""

import os
import pathlib
import subprocess
import sys
import zlib

import pytest

import rfgen
from rfgen.numerics.compilation import program_cache

ROOT = pathlib.Path(rfgen.__file__).parents[1]
COUNT = """
import jax, jax.numpy as jnp, rfgen as rg
hits = []
jax.monitoring.register_event_listener(lambda event, **_: hits.append(event) if event.endswith("/cache_hits") else None)
rg.cache_programs()
for k in range(KINDS):
    assert jax.jit(lambda x: jnp.sin(x) + k)(0.0) == k
print(len(hits))
"""


def start(script, **variables):
    """A new process that has no cache configured but by `variables`."""
    ours = {name: value for name, value in os.environ.items() if "CACHE" not in name}
    return subprocess.Popen(
        [sys.executable, "-c", script], env={**ours, "PYTHONPATH": str(ROOT), **variables}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )


def outcome(process):
    out, err = process.communicate(timeout=100)
    assert process.returncode == 0, err
    return out.strip(), err


def entries(folder):
    return sorted(folder.glob("jax-*/*-cache"))


def test_a_later_process_compiles_nothing(tmp_path):
    script = COUNT.replace("KINDS", "3")
    assert outcome(start(script, RFGEN_CACHE=str(tmp_path))) == ("0", "")  # pipes are not told what they wait for
    assert len(entries(tmp_path)) >= 3
    assert int(outcome(start(script, RFGEN_CACHE=str(tmp_path)))[0]) >= 3


def test_four_processes_write_at_once(tmp_path):
    script = COUNT.replace("KINDS", "40")
    together = [outcome(each) for each in [start(script, RFGEN_CACHE=str(tmp_path)) for _ in range(4)]]
    assert [err for _, err in together] == [""] * 4
    assert all(zlib.decompress(path.read_bytes()) for path in entries(tmp_path))
    assert int(outcome(start(script, RFGEN_CACHE=str(tmp_path)))[0]) >= 40


def test_import_and_off_change_nothing(tmp_path):
    script = "import jax, rfgen as rg; print(jax.config.jax_compilation_cache_dir); "
    assert outcome(start(script, XDG_CACHE_HOME=str(tmp_path))) == ("None", "")
    script = f"import rfgen as rg; rg.cache_programs(); {script}"
    assert outcome(start(script, XDG_CACHE_HOME=str(tmp_path), RFGEN_CACHE="off")) == ("None", "")
    assert list(tmp_path.iterdir()) == []


def test_the_users_own_folder_stays(tmp_path):
    script = "import jax, rfgen as rg; rg.cache_programs(); print(jax.config.jax_compilation_cache_dir)"
    own = {"JAX_COMPILATION_CACHE_DIR": str(tmp_path / "own"), "RFGEN_CACHE": str(tmp_path / "other")}
    assert outcome(start(script, **own)) == (str(tmp_path / "own"), "")
    assert not (tmp_path / "other").exists()


def test_a_folder_that_cannot_be_written(tmp_path):
    blocked = tmp_path / "file"
    blocked.touch()
    found, said = outcome(start(COUNT.replace("KINDS", "1"), RFGEN_CACHE=str(blocked)))
    assert found == "0" and "compiled programs are not kept for later" in said and "RFGEN_CACHE" in said


@pytest.mark.parametrize(
    ("platform", "variable", "where"),
    [
        ("linux", "XDG_CACHE_HOME", "rfgen"),
        ("win32", "LOCALAPPDATA", "rfgen/Cache"),
        ("darwin", "HOME", "Library/Caches/rfgen"),
    ],
)
def test_folders_of_systems(platform, variable, where, tmp_path, monkeypatch):
    monkeypatch.delenv("RFGEN_CACHE", raising=False)
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setenv(variable, str(tmp_path))
    assert program_cache._users_folder() == tmp_path / where


def test_what_is_old_damaged_or_too_much_goes(tmp_path, monkeypatch):
    folder, unused, recent = (tmp_path / f"jax-{version}" for version in "310")
    for each in (folder, unused, recent):
        each.mkdir()
        (each / program_cache.MARK).touch()
    os.utime(unused / program_cache.MARK, (0, 0))
    os.utime(folder / program_cache.MARK, (500, 500))
    program = zlib.compress(bytes(10_000), level=0)
    for hour in range(6):
        (folder / f"{hour}-cache").write_bytes(program if hour else program[:-1])
        os.utime(folder / f"{hour}-cache", (1000 * hour, 1000 * hour))
    (folder / "cut-cache").write_bytes(program[:-1])
    monkeypatch.setattr(program_cache, "MOST_BYTES", 4.5 * len(program))
    program_cache._tidy(folder)
    assert not unused.exists() and recent.exists()
    assert sorted(path.name for path in folder.glob("*-cache")) == ["3-cache", "4-cache", "5-cache"]


def test_the_first_compilation_is_announced_once_to_a_terminal(tmp_path):
    tell = "import sys; sys.stderr.isatty = lambda: True\n"
    script = tell + COUNT.replace("KINDS", "3")
    assert outcome(start(script, RFGEN_CACHE=str(tmp_path)))[1] == "compiling; once per machine\n"
    assert outcome(start(script, RFGEN_CACHE=str(tmp_path)))[1] == ""
