"""Builds the pages of this folder: `python -m sphinx -W -b html docs build/html`."""

import inspect
import json
import pathlib
import re
import shutil
import sys
from typing import Any

HERE = pathlib.Path(__file__).parent
HOME = HERE.parent
sys.path[:0] = [str(HOME), str(HERE)]

import rfgen as rg  # noqa: E402
from paper_figures.catalogue import FIGURES, Entry  # noqa: E402

project = "rfgen"
author = "rfgen developers"
version = release = rg.__version__
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "equations"]
html_math_renderer = "mathml"
exclude_patterns = ["_build"]
html_theme = "pydata_sphinx_theme"
html_title = "rfgen"
html_theme_options = {"navbar_align": "left", "show_toc_level": 2, "navigation_with_keys": False}
html_show_sourcelink = False
html_static_path = ["_static"]
# pages that have no pages below them need no column for those
html_sidebars = {page: [] for page in ("*", *(f"made/{name}" for name in (
    "all_formulas", "changelog", "contributing", "explorer", "gallery", "methods")))}

myst_enable_extensions = ["dollarmath", "amsmath", "html_image"]
myst_heading_anchors = 3
nb_execution_mode = "off"  # notebooks bring their outputs
autodoc_typehints = "none"  # the headings of numpydoc name them
napoleon_use_rtype = False
default_role = "code"
# Links to files of the checkout beside the documentation, as a forge shows them.
ELSEWHERE = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")
MADE = HERE / "made"
# LaTeX that is longer than a line of the page.
LONG = 300


def _write(path: pathlib.Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() or path.read_text() != text:
        path.write_text(text)


def _kind(name: str) -> str:
    thing = getattr(rg, name)
    if inspect.ismodule(thing):
        return "Modules"
    if not inspect.isclass(thing):
        return "Verbs"
    where = thing.__module__
    if issubclass(thing, Exception):
        return "Errors"
    if ".training" in where or name == "TwoLayerReLU":
        return "Trainings"
    return "Augmentations" if ".augmentations" in where else "Kernels" if ".kernels" in where else "Tasks and learners"


def _reference() -> None:
    """A page for every public name, listed by kind."""
    names: dict[str, list[str]] = {}
    for name in rg.__all__:
        if not name.startswith("_"):
            names.setdefault(_kind(name), []).append(name)
            shown = "class" if inspect.isclass(getattr(rg, name)) else "function"
            body = "automodule" if _kind(name) == "Modules" else f"auto{shown}"
            target = getattr(rg, name).__name__ if body == "automodule" else f"rfgen.{name}"
            members = "   :members:\n" if body != "autofunction" else ""
            _write(MADE / "reference" / f"{name}.rst", f"{name}\n{'=' * len(name)}\n\n.. {body}:: {target}\n{members}")
    lines = ["# Reference", "", "Every public name of `import rfgen as rg`.", ""]
    for kind in ("Verbs", "Tasks and learners", "Trainings", "Augmentations", "Kernels", "Modules", "Errors"):
        listed = "\n".join(f"reference/{name}" for name in sorted(names.pop(kind, []), key=str.lower))
        lines += [f"## {kind}", "", "```{toctree}\n:maxdepth: 1\n\n" + listed + "\n```", ""]
    assert not names, names
    _write(MADE / "reference.md", "\n".join(lines))


def _formulas() -> None:
    """The closed forms as `rg.formula` has them, so that what is printed is what is tested."""
    lines = ["# All closed forms", "", "Printed from `rg.formulas()`; see [how to use them](../formulas.md).", ""]
    for name in rg.formulas():
        found = rg.formula(name)
        shown = found.latex
        if len(shown) > LONG:  # what its letters stand for has lines of its own
            shown = "\\begin{gathered}\n" + shown.replace(r",\quad ", ",\\\\\n") + "\n\\end{gathered}"
        where = "; ".join(f"{letter} is `{argument}`" for argument, letter in _letters(found))
        about = f"{where}. Assumes {found.assumes}. Source: {found.source}."
        lines += [f"## {name}", "", f"$$\n{shown}\n$$", "", about, ""]
    _write(MADE / "all_formulas.md", "\n".join(lines))


def _letters(found: rg.symbolic.Formula) -> list[tuple[str, str]]:
    import sympy

    return [(argument, f"${sympy.latex(letter)}$") for argument, letter in found.arguments.items()]


def _explorer() -> None:
    """The page that solves in the browser, with its module inside: it opens from a folder too."""
    from rfgen.explorer import fragment

    about = (
        "# Explorer\n\nThe exact risk of ridge regression on power laws, solved in your browser as you slide; in a "
        "notebook `rg.explore(task, learner)` does it for any learner, and simulates.\n"
    )
    _write(MADE / "explorer.md", f"{about}\n```{{raw}} html\n{fragment()}\n```\n")


def _methods() -> None:
    """What is covered, from the table of methods."""
    table = rg.methods()
    lines = ["# What is covered", "", "As `rg.methods()` prints it."]
    for method, (name, tasks, trainings) in enumerate(zip(table.names, table.tasks, table.trainings, strict=True)):
        lines += ["", f"## {name}", "", f"{trainings} on {tasks}. {table.about[name].splitlines()[0]}", ""]
        lines += ["| verb | options |", "|---|---|"]
        for verb in table.served[method].nonzero()[0]:
            options = ", ".join(table.options[at] for at in table.covered[method, verb].nonzero()[0])
            lines.append(f"| `{table.verbs[verb]}` | {options or '-'} |")
    _write(MADE / "methods.md", "\n".join([*lines, ""]))


def _copies() -> None:
    """Pages and pictures that live elsewhere in the checkout."""
    for name in ("CHANGELOG.md", "CONTRIBUTING.md"):
        _write(MADE / name.lower(), _inside((HOME / name).read_text(), HOME))
    (MADE / "notebooks").mkdir(parents=True, exist_ok=True)
    for path in sorted((HOME / "notebooks").glob("*.ipynb")):
        shutil.copy(path, MADE / "notebooks" / path.name)
    listed = "\n".join(f"notebooks/{path.stem}" for path in sorted((HOME / "notebooks").glob("*.ipynb")))
    opening = "# Notebooks\n\nEach opens with its question and ends with what to try; the scripts are in `notebooks/`.\n\n"
    _write(MADE / "notebooks.md", f"{opening}```{{toctree}}\n:maxdepth: 1\n\n{listed}\n```\n")


def _apart(kept: dict[str, Any]) -> str:
    return "" if kept["largest_z"] is None else f", dots up to {kept['largest_z']:.1f} standard errors from theory"


def _command(name: str, kept: dict[str, Any]) -> str:
    """That of the picture shown."""
    scale = " --scale paper" if kept.get("scale") == "paper" else ""
    return f"python -m paper_figures make {name}{scale}{' --data DIR' if kept.get('data') else ''}"


def _gallery() -> None:
    """Every figure with its command, and its picture where the checkout holds one."""
    papers: dict[str, list[Entry]] = {}
    for entry in FIGURES.values():
        papers.setdefault(entry.paper, []).append(entry)
    about = (
        "Figures of papers, and figures for their questions, each made by one command from a checkout: seconds as it "
        "stands, minutes to half an hour with `--scale paper`. Lines are theory, dots simulation; beside the picture it "
        "writes arrays, parameters and a caption. *known*: the parameters are the paper's; *ours*: they are not published, "
        "the figure is defined here."
    )
    lines = ["# Gallery", "", about, ""]
    summary = json.loads((HOME / "paper_figures" / "gallery" / "summary.json").read_text(encoding="utf-8"))
    for paper, entries in papers.items():
        authors, _, title = paper.partition(": ") if "(" not in paper.partition(": ")[0] else ("", "", paper)
        lines += [f"## {authors or title}", "", *([f"{title}.", ""] if authors else [])]
        lines += ["| figure | command |", "|---|---|"]
        for entry in entries:
            data = f"; `--data`: {entry.with_data}" if entry.with_data else ""
            command = _command(entry.name, summary.get(entry.name, {}))
            lines.append(f"| {entry.shows} (*{entry.mark}*{data}) | `{command}` |")
        for entry in entries:
            picture = HOME / "paper_figures" / "gallery" / f"{entry.name}.png"
            kept = summary.get(entry.name)
            if picture.exists() and kept:
                lines += ["", f"{entry.name}: {kept['scale']} scale, {kept['cpu_seconds']:.0f} CPU seconds{_apart(kept)}"]
            if picture.exists():
                (MADE / "gallery").mkdir(parents=True, exist_ok=True)
                shutil.copy(picture, MADE / "gallery" / picture.name)
                lines += ["", f"![{entry.shows}](gallery/{picture.name})"]
        lines.append("")
    _write(MADE / "gallery.md", "\n".join(lines))


def _inside(text: str, folder: pathlib.Path) -> str:
    """Links from a page of another folder, to pages of this one."""

    def moved(match: re.Match) -> str:
        target, _, part = match[1].partition("#")
        path = (folder / target).resolve()
        if match[1].startswith("http") or not target or HERE not in path.parents:
            return match[0]
        return f"](../{path.relative_to(HERE)}{'#' * bool(part)}{part})"

    return re.sub(r"\]\(([^)]+)\)", moved, text)


def _links(_app: object, _name: str, source: list[str]) -> None:
    """Pages link to files beside the documentation: here those are pages too, or text."""
    for name in ELSEWHERE:
        page = "index.md" if name == "README.md" else f"made/{name.lower()}"
        source[0] = re.sub(rf"\]\((?:\.\./)+{name}", f"](/{page}", source[0])


def _plain(_app: object, _what: str, _name: str, _thing: object, _options: object, lines: list[str]) -> None:
    """Docstrings hold formulas as one writes them: what reStructuredText would take for its own is escaped."""
    shown = False  # an example and what it prints
    for number, line in enumerate(lines):
        shown = bool(line.strip()) and (shown or line.lstrip().startswith(">>>"))
        if not shown:
            parts = re.split(r"(`[^`]*`)", line)
            parts[::2] = [re.sub(r"(?<=\w)_(?!\w)", r"\\_", part.replace("|", r"\|")) for part in parts[::2]]
            lines[number] = "".join(parts)


def setup(app: object) -> None:
    """What Sphinx asks of its configuration."""
    for make in (_reference, _formulas, _explorer, _methods, _copies, _gallery):
        make()
    app.connect("source-read", _links)  # type: ignore[attr-defined]
    app.connect("autodoc-process-docstring", _plain, priority=400)  # type: ignore[attr-defined]
