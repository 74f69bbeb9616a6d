"""Finished cells of a long computation, kept in a folder so that a killed run continues where it stopped.

One file per cell, named by the content that determines it, written under another name first and renamed: a reader sees a
whole file or none.  A damaged file is reported, set aside as `*.damaged`, and computed again.
"""

__all__ = ["Store", "content_key"]

import hashlib
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from rfgen.numerics.caller import warn_caller


def content_key(*parts: Any) -> str:
    """A name for everything in `parts`: arrays by bytes, dtype and shape, all else by `repr`.

    >>> content_key(np.arange(3), 1) == content_key(np.arange(3), 1), content_key(1) == content_key(1.0)
    (True, False)
    """
    digest = hashlib.sha256()
    for part in parts:
        if isinstance(part, np.ndarray):
            text = f"array {part.dtype} {part.shape}".encode()
            digest.update(len(text).to_bytes(8, "little") + text + np.ascontiguousarray(part).tobytes())
        else:
            text = repr(part).encode()
            digest.update(len(text).to_bytes(8, "little") + text)
    return digest.hexdigest()[:32]


class Store:
    """A folder of cells; `get` returns a cell's arrays or None, `put` writes them."""

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)

    def get(self, key: str) -> dict[str, np.ndarray] | None:
        """The arrays of cell `key`, None if it is not there or is damaged (reported and set aside)."""
        path = self.folder / f"{key}.npz"
        if not path.exists():
            return None
        try:
            # numpy leaves a damaged file open, so the handle is ours
            with open(path, "rb") as file, np.load(file, allow_pickle=False) as cell:
                return dict(cell)
        except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
            aside = path.with_suffix(".damaged")
            os.replace(path, aside)
            warn_caller(f"{path} is damaged ({error}); set aside as {aside.name} and computed again")
            return None

    def put(self, key: str, arrays: Mapping[str, Any]) -> None:
        """Write a cell atomically."""
        temporary = self.folder / f".{key}.{os.getpid()}.tmp.npz"
        try:
            with open(temporary, "wb") as file:
                np.savez(file, **arrays)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, self.folder / f"{key}.npz")
        finally:
            temporary.unlink(missing_ok=True)
