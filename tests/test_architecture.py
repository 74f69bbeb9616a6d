"""Imports go one way between rooms, stand at the top of their file, and every module lists its public names first."""

import ast
import pathlib

import pytest

import rfgen

ROOT = pathlib.Path(rfgen.__file__).parent
# What a room may import, itself aside; DESIGN's table with what follows from it.
ALLOWED = {
    "numerics": set(),
    "problems": {"numerics"},
    "equivalents": {"problems", "numerics"},
    "theory": {"equivalents", "problems", "numerics"},
    "simulation": {"problems", "numerics"},
    "comparison": {"theory", "simulation", "problems", "numerics"},
    "execution": set(),
    "univariate": {"problems", "numerics", "_version"},
    "api": {"comparison", "execution", "theory", "simulation", "equivalents", "problems", "numerics", "_version"},
    "plotting": {"api"},
    "cli": {"api", "plotting", "comparison", "execution", "_version"},
    "__main__": {"cli"},
    "__init__": {"api", "execution", "plotting", "problems", "numerics", "univariate", "_version"},
    "_version": set(),
}
# Loaded on use: together they cost more than jax itself.
HEAVY = {"matplotlib", "xarray", "sympy", "scipy", "tqdm", "dask", "distributed"}
FILES = sorted(ROOT.rglob("*.py"))


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
                assert name == "rfgen.numerics.precision", f"simulation must not import {name}"
            if id(node) in top:
                assert parts[0] not in HEAVY, f"{name} must be imported where it is used"
            else:
                assert parts[0] in HEAVY, f"{name} must be imported at the top"
    if len(tree.body) > 1:
        first = tree.body[1].targets[0] if isinstance(tree.body[1], ast.Assign) else getattr(tree.body[1], "target", None)
        assert isinstance(first, ast.Name) and first.id == "__all__", "__all__ must stand first"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_stay_small(path):
    assert len(path.read_text().splitlines()) <= 300


def test_public_names_are_documented():
    readme = (ROOT.parent / "README.md").read_text()
    for name in rfgen.__all__:
        assert hasattr(rfgen, name)
        if not name.startswith("_"):
            assert f"`{name}" in readme or f"rg.{name}" in readme, f"README does not mention {name}"


def test_the_64_bit_flag_is_never_switched():
    for path in FILES:
        text = path.read_text()
        flags = "x64" if path.name == "program_cache.py" else "jax.config.update"  # which sets a folder, when asked to
        assert flags not in text, path
