"""Figures on disk: NAME.npz and NAME.json hold what is drawn, NAME.png, NAME.pdf and NAME.txt are made from them."""

__all__ = ["NotComputedError", "restore", "save", "save_drawing"]

import json
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure


class NotComputedError(Exception):
    """The arrays or parameters of a figure are not in the folder."""


def save(folder: Path, name: str, arrays: dict[str, Any], parameters: dict[str, Any]) -> list[Path]:
    """Write arrays, parameters and caption; return the files."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{name}{suffix}" for suffix in (".npz", ".json", ".txt")]
    np.savez_compressed(paths[0], **arrays)
    paths[1].write_text(json.dumps(parameters, indent=1, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")
    paths[2].write_text(parameters["caption"] + "\n", encoding="utf-8")
    return paths


def restore(folder: Path, name: str) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Arrays and parameters as `save` wrote them."""
    paths = [folder / f"{name}{suffix}" for suffix in (".npz", ".json")]
    absent = [str(path) for path in paths if not path.is_file()]
    if absent:
        raise NotComputedError(f"{' and '.join(absent)} not found: run 'python -m paper_figures make {name}' first")
    with np.load(paths[0]) as stored:
        arrays = {key: stored[key] for key in stored.files}
    return arrays, json.loads(paths[1].read_text(encoding="utf-8"))


def save_drawing(folder: Path, name: str, figure: Figure) -> list[Path]:
    """Write the picture as PNG and PDF, without dates so that the same arrays give the same files."""
    png, pdf = folder / f"{name}.png", folder / f"{name}.pdf"
    figure.savefig(png, dpi=160)
    figure.savefig(pdf, metadata={"CreationDate": None})
    return [png, pdf]
