"""Imports go one way between rooms, stand at the top of their file, and every module lists its public names first."""

import ast
import contextlib
import importlib
import pathlib
import re

import pytest

import rfgen

ROOT = pathlib.Path(rfgen.__file__).parent
# What a room may import, itself aside.
ENGINES = {"equivalents", "problems", "numerics"}
ALLOWED = {
    "numerics": set(),
    "problems": {"numerics"},
    "equivalents": {"problems", "numerics"},
    "algebra": {"problems"},
    "theory": ENGINES | {"algebra"},
    "simulation": {"problems", "numerics", "algebra"},
    "curves": {"problems", "numerics", "_version"},
    "symbolic": {"problems"},
    "systems": ENGINES | {"theory", "simulation", "curves", "_version"},
    "api": ENGINES | {"algebra", "theory", "simulation", "curves", "systems", "_version"},
    "plotting": {"api", "plotting_axes"},
    "plotting_axes": set(),
    "testing": {"api", "curves", "problems"},
    "explorer": {"api", "numerics", "problems"},
    "cli": {
        "api", "explorer", "plotting", "cli_comparisons", "cli_engine", "cli_processes", "cli_report", "cli_runs",
        "numerics", "_version",
    },
    "cli_processes": {"numerics"},
    "cli_engine": {"curves"},
    "cli_runs": {"curves"},
    "cli_report": {"api", "cli_comparisons", "_version"},
    "cli_comparisons": {"problems", "systems", "cli_domain_comparisons", "cli_own_estimators"},
    "cli_domain_comparisons": {"problems"},
    "cli_own_estimators": {"problems", "algebra"},
    "__main__": {"cli"},
    "__init__": {
        "algebra", "api", "curves", "explorer", "plotting", "problems", "numerics", "symbolic", "systems", "testing",
        "_version",
    },
    "_version": set(),
}
# Loaded on use: together they cost more than jax itself.
HEAVY = {"matplotlib", "xarray", "sympy", "scipy", "tqdm", "dask", "distributed", "anywidget", "traitlets"}
FILES = sorted(ROOT.rglob("*.py"))
DOCS = ROOT.parent / "docs"
PAGES = [ROOT.parent / "README.md", *sorted(page for page in DOCS.rglob("*.md") if "made" not in page.parts)]


def room(path):
    relative = path.relative_to(ROOT)
    return relative.parts[0] if len(relative.parts) > 1 else relative.stem


def imported(node):
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        assert node.level == 0, "relative import"
        return [node.module]
    return []


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_and_public_names(path):
    tree, here = ast.parse(path.read_text()), room(path)
    top = {id(node) for node in tree.body}
    for node in ast.walk(tree):
        for name in imported(node):
            parts = name.split(".")
            if parts[0] == "rfgen" and len(parts) > 1:
                assert parts[1] == here or parts[1] in ALLOWED[here], f"{here} must not import {name}"
            if here == "simulation" and name.startswith("rfgen.numerics"):
                assert name.startswith("rfgen.numerics.compilation."), f"simulation must not import {name}"
            if id(node) in top:
                assert parts[0] not in HEAVY, f"{name} must be imported where it is used"
            else:
                assert parts[0] in HEAVY, f"{name} must be imported at the top"
    if len(tree.body) > 1:
        first = tree.body[1].targets[0] if isinstance(tree.body[1], ast.Assign) else getattr(tree.body[1], "target", None)
        assert isinstance(first, ast.Name) and first.id == "__all__", "__all__ must stand first"


def _simulates(path):
    """Whether a file of a system belongs to its simulation, by its name or by what it imports."""
    names = [name for node in ast.walk(ast.parse(path.read_text())) for name in imported(node)]
    return path.stem.startswith("simulation") or any(name.startswith("rfgen.simulation") for name in names)


@pytest.mark.parametrize("folder", sorted(path for path in (ROOT / "systems").iterdir() if path.is_dir()), ids=str)
def test_theory_and_simulation_are_strangers_in_a_system(folder):
    """Only the method, the verb and the system's face know both."""
    files = {path.stem: path for path in folder.glob("*.py") if path.stem not in ("method", "verb", "__init__")}
    simulating = {stem for stem, path in files.items() if _simulates(path)}
    here = ".".join(("rfgen", *folder.relative_to(ROOT).parts))
    for stem, path in files.items():
        names = {name for node in ast.walk(ast.parse(path.read_text())) for name in imported(node)}
        siblings = {name.removeprefix(f"{here}.") for name in names if name.startswith(f"{here}.")}
        theory = {other for other in siblings if other.startswith("theory")}
        if stem in simulating:
            assert not theory and not any(name.startswith("rfgen.theory") for name in names), path
        else:
            assert not siblings & simulating, path


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_stay_small(path):
    assert len(path.read_text().splitlines()) <= 300


def test_public_names_are_documented():
    text = "".join(page.read_text() for page in PAGES)
    for name in rfgen.__all__:
        assert hasattr(rfgen, name)
        if not name.startswith("_"):
            assert f"`{name}" in text or f"rg.{name}" in text, f"no page mentions {name}"
    for name in set(re.findall(r"\brg\.(\w+)", text)):
        assert hasattr(rfgen, name), f"a page mentions {name}"


def test_files_that_pages_name_exist():
    named = [name for page in PAGES for name in re.findall(r"`((?:\w+/)+[\w*]+\.py)`", page.read_text())]
    assert len(named) > 30
    missing = [name for name in named if not (any(ROOT.glob(name)) or any(ROOT.parent.glob(name)))]
    assert not missing


def test_people_import_from_faces():
    """README, notebooks and figures import from `rfgen` or a room of it; what lies deeper may move."""
    home = ROOT.parent
    for path in (*PAGES, *home.glob("docs/*.py"), *home.glob("notebooks/*.py"), *home.glob("paper_figures/*.py")):
        for name in re.findall(r"(?:from|import) (rfgen(?:\.\w+)*)", path.read_text()):
            assert name.count(".") < 2, f"{path.name}: {name}"


def _resolves(name):
    parts = name.split(".")
    for last in range(len(parts), 0, -1):
        with contextlib.suppress(ImportError):
            found = importlib.import_module(".".join(parts[:last]))
            for part in parts[last:]:
                found = getattr(found, part, None)
            return found is not None
    return False


def test_names_that_texts_mention_exist():
    home = ROOT.parent
    texts = [*FILES, *PAGES, *home.glob("notebooks/*.py"), *home.glob("paper_figures/*.py")]
    mentioned = {name for path in texts for name in re.findall(r"`(rfgen(?:\.\w+)+)`", path.read_text())}
    assert len(mentioned) > 20
    assert not [name for name in sorted(mentioned) if not _resolves(name)]


def test_the_64_bit_flag_is_never_switched():
    for path in FILES:
        # where programs are kept is set, when asked to
        assert not re.search(r"jax\.config\.update\((?!\"jax_(compilation|persistent)_cache_)", path.read_text()), path
