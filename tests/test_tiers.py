"""No test is in neither tier, the table names tests that exist, and every file keeps something quick."""

import os
import pathlib
import subprocess
import sys

from tests import tiers
from tests.compiled_programs import forget_oldest

ROOT = pathlib.Path(__file__).parents[1]
EXAMPLE = "tests/simulation/test_agreement.py"


def collected(*options):
    command = [sys.executable, "-m", "pytest", "-n", "0", "--collect-only", "-q", EXAMPLE, *options]
    lines = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    return {line for line in lines if "::" in line}


def test_the_two_tiers_are_the_whole(request):
    quick, rest = collected(), collected("--full-only")
    everything = request.config.stash[tiers.COLLECTED]
    full = {item.nodeid for item in everything if item.nodeid.startswith(EXAMPLE)} or collected("--full")
    assert quick and rest and not quick & rest
    assert quick | rest == full


def test_every_test_is_in_one_tier_and_every_file_keeps_something_quick(request):
    everything = request.config.stash[tiers.COLLECTED]
    quick, rest = (tiers.split(everything, tier)[0] for tier in ("quick", "rest"))
    assert len(quick) + len(rest) == len(everything) and not {*quick} & {*rest}
    assert tiers.split(everything, "full") == (everything, [])
    files = [{item.nodeid.partition("::")[0] for item in items} for items in (quick, everything)]
    assert files[0] == files[1]


def test_the_table_names_tests_that_exist(request):
    everything = {item.nodeid for item in request.config.stash[tiers.COLLECTED]}
    seen = {node.partition("::")[0] for node in everything}
    for start in tiers.OPTIMISED:
        assert (ROOT / start.partition("::")[0]).exists(), start
    for path, tests in tiers.FULL.items():
        assert (ROOT / path).is_file(), path
        for test, quick in tests.items() if path in seen else ():
            assert any(tiers.is_full(node) for node in everything if node.startswith(f"{path}::{test}")), test
            for parameters in quick:
                assert f"{path}::{test}[{parameters}]" in everything, parameters


def test_oldest_programs_are_forgotten_first(tmp_path):
    for age, size in enumerate((40, 30, 20)):
        (tmp_path / f"{age}-cache").write_bytes(b"x" * size)
        stamp = 1e9 + age
        os.utime(tmp_path / f"{age}-cache", (stamp, stamp))
    forget_oldest(tmp_path, 50)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["1-cache", "2-cache"]
    forget_oldest(tmp_path / "absent", 50)
