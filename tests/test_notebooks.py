"""Every notebook runs from top to bottom; its pair with outputs holds the same cells, all of them run."""

import pathlib
import warnings

import jax
import jupytext
import matplotlib.pyplot as plt
import pytest

ROOT = pathlib.Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.py"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook(path, capsys):
    """In this process, which has imported all and compiled some of it already."""
    with warnings.catch_warnings(), plt.rc_context(), jax.numpy_dtype_promotion("standard"):
        warnings.simplefilter("ignore")
        exec(compile(path.read_text(encoding="utf-8"), path, "exec"), {"__name__": "__main__"})
    plt.close("all")
    assert capsys.readouterr().out


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
