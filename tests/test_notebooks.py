"""Every notebook runs from top to bottom, as a script; its pair with outputs holds the same cells, all of them run."""

import os
import pathlib
import subprocess
import sys

import jupytext
import pytest

ROOT = pathlib.Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.py"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook(path):
    environment = {**os.environ, "MPLBACKEND": "Agg", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-W", "ignore", str(path)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout


def cells(path):
    return [(cell.cell_type, cell.source.strip()) for cell in jupytext.read(path).cells]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_outputs_are_of_these_cells(path):
    pair = path.with_suffix(".ipynb")
    assert pair.exists(), f"python docs/notebooks.py {path.stem}"
    assert cells(path) == cells(pair), f"python docs/notebooks.py {path.stem}"
    run = [cell for cell in jupytext.read(pair).cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in run] == list(range(1, len(run) + 1))
    assert not [output for cell in run for output in cell.outputs if output.output_type == "error"]
