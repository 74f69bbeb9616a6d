"""Measured results of real kernels, read from a folder the user names."""

__all__ = ["SOURCE", "MissingDataError", "load"]

from collections.abc import Mapping, Sequence
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

SOURCE = "arXiv 2311.14646, repository dkarkada/more-is-better"


class MissingDataError(Exception):
    """The folder of measured data, a file in it, or an array in a file is not there."""


def load(folder: str | Path, files: Mapping[str, str], keys: Sequence[str]) -> dict[str, dict[str, np.ndarray]]:
    """Arrays `keys` of every file: `files` maps a short name to a file name, the result the short name to its arrays.

    Raises MissingDataError that names everything that is absent, not only the first.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise MissingDataError(f"the data folder {folder} does not exist")
    absent = [name for name in files.values() if not (folder / name).is_file()]
    if absent:
        raise MissingDataError(f"the data folder {folder} lacks {', '.join(absent)}")
    found = {}
    for short, name in files.items():
        try:
            with np.load(folder / name) as stored:
                lacking = [key for key in keys if key not in stored.files]
                if lacking:
                    raise MissingDataError(f"{folder / name} lacks the arrays {', '.join(lacking)}")
                found[short] = {key: stored[key] for key in keys}
        except (BadZipFile, ValueError, OSError) as error:
            raise MissingDataError(f"{folder / name} cannot be read as npz: {error}") from error
    return found
