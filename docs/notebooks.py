"""Runs the notebooks and keeps their outputs beside them: `python docs/notebooks.py [name ...]`."""

import pathlib
import sys

import jupytext
import nbclient
import nbformat

WIDGET = "application/vnd.jupyter.widget-view+json"
NOTEBOOKS = pathlib.Path(__file__).parents[1] / "notebooks"


def cleaned(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Without what is of one run alone: progress bars, warnings that name files, times, versions."""
    notebook.metadata = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    for cell in notebook.cells:
        cell.metadata = {}
        if cell.cell_type == "code":
            cell.outputs = [
                output for output in cell.outputs
                if output.get("name") != "stderr" and WIDGET not in output.get("data", {})
            ]
    return notebook


def main(names: list[str]) -> None:
    """Run the notebooks of these names, or all."""
    for path in sorted(NOTEBOOKS.glob("*.py")):
        if not names or path.stem in names:
            print(path.stem)
            notebook = jupytext.read(path)
            nbclient.NotebookClient(notebook, timeout=600, resources={"metadata": {"path": NOTEBOOKS}}).execute()
            nbformat.write(cleaned(notebook), path.with_suffix(".ipynb"))


if __name__ == "__main__":
    main(sys.argv[1:])
