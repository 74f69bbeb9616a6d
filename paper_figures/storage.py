"""Figures on disk: NAME.nc holds what is drawn, the pictures and the caption NAME.txt are made from it."""

__all__ = ["NotComputedError", "restore", "save", "save_caption", "save_drawing", "save_table"]

import csv
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure


class NotComputedError(Exception):
    """The arrays of a figure are not in the folder, or cannot be read."""


def save(folder: Path, name: str, arrays: dict[str, Any], parameters: dict[str, Any]) -> Path:
    """Write arrays, and parameters as attributes, to a NetCDF file that is there whole or not at all."""
    import xarray

    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.nc"
    own = {key: values for key, value in parameters.items() if (values := _attribute(value)) is not None}
    text = json.dumps(parameters, ensure_ascii=False, allow_nan=False)
    variables = {key: _variable(np.asarray(values)) for key, values in arrays.items()}
    dataset = xarray.Dataset(variables, attrs={**own, "parameters": text})
    unfinished = path.with_suffix(f".{os.getpid()}.part")
    try:
        dataset.to_netcdf(unfinished, engine="scipy", encoding={key: {"_FillValue": None} for key in variables})
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    return path


def restore(folder: Path, name: str) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Arrays and parameters as `save` wrote them."""
    import xarray

    path = folder / f"{name}.nc"
    if not path.is_file():
        raise NotComputedError(f"{path} not found: run 'python -m paper_figures make {name}' first")
    try:
        stored = xarray.load_dataset(path, engine="scipy")
        return {str(key): stored[key].values for key in stored.variables}, json.loads(stored.attrs["parameters"])
    except (OSError, TypeError, ValueError, KeyError) as error:
        raise NotComputedError(f"{path} cannot be read ({error}): remove it and make {name} again") from error


def save_caption(folder: Path, name: str, text: str) -> Path:
    """The caption beside the picture, as one paragraph."""
    path = folder / f"{name}.txt"
    path.write_text(text + "\n", encoding="utf-8")
    return path


def save_table(folder: Path, name: str, arrays: dict[str, np.ndarray]) -> Path:
    """All arrays as one table: array, its indices with blanks between, value."""
    path = folder / f"{name}.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(("array", "index", "value"))
        for key, values in arrays.items():
            rows.writerows((key, " ".join(map(str, at)), value) for at, value in np.ndenumerate(values))
    return path


def save_drawing(folder: Path, name: str, figure: Figure, formats: tuple[str, ...]) -> list[Path]:
    """Write the picture, without dates so that the same arrays give the same files."""
    undated: dict[str, dict[str, Any]] = {"pdf": {"CreationDate": None}, "svg": {"Date": None}}
    paths = [folder / f"{name}.{kind}" for kind in formats]
    for path, kind in zip(paths, formats, strict=True):
        figure.savefig(path, metadata=undated.get(kind))
    return paths


def _variable(values: np.ndarray) -> tuple[list[str], np.ndarray]:
    """Dimensions are called by their size; a second one of that size has its place added."""
    sizes = [f"of_{size}" for size in values.shape]
    return [f"{size}_at_{at}" if size in sizes[:at] else size for at, size in enumerate(sizes)], values


def _attribute(value: Any) -> Any:
    """A parameter as NetCDF 3 can hold it; None if it cannot."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int) and abs(value) >= 2**31:
        return str(value)
    if isinstance(value, str | int | float):
        return value
    numbers = isinstance(value, list | tuple) and value and all(isinstance(each, int | float) for each in value)
    return np.asarray(value, float) if numbers else None
