"""Finished cells of a long computation, kept in a folder so that a killed run continues where it stopped.

One file per cell, named by the content that determines it, written under another name first and renamed: a reader sees a
whole file or none.  A damaged file is reported, set aside as `*.damaged`, and computed again.
"""

__all__ = ["Store", "content_key"]

import contextlib
import hashlib
import os
import tempfile
import time
import uuid
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from rfgen.numerics.caller import warn_caller

# How unfinished files end, and the seconds after which nobody finishes them.
TEMPORARY, ABANDONED = ".tmp", 3600.0


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

    def __init__(self, folder: Any) -> None:
        self.folder = _opened(folder)

    def get(self, key: str) -> dict[str, np.ndarray] | None:
        """The arrays of cell `key`, None if it is not there or is damaged (reported and set aside)."""
        path = self.folder / f"{key}.npz"
        if not path.exists():
            return None
        try:
            # numpy leaves a damaged file open, so the handle is ours
            with path.open("rb") as file, np.load(file, allow_pickle=False) as cell:
                return dict(cell)
        except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
            aside = path.with_suffix(".damaged")
            path.replace(aside)
            warn_caller(f"{path} is damaged ({error}); set aside as {aside.name} and computed again")
            return None

    def put(self, key: str, arrays: Mapping[str, Any]) -> None:
        """Write a cell atomically; where there is no room for it, say so and go on."""
        temporary = self.folder / f".{key}.{uuid.uuid4().hex}{TEMPORARY}"  # threads and machines may write the same cell
        try:
            with temporary.open("wb") as file:
                np.savez(file, **arrays)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(self.folder / f"{key}.npz")
        except OSError as error:
            warn_caller(f"store={str(self.folder)!r} cannot keep a finished cell ({error.strerror}): the run goes on")
        finally:
            temporary.unlink(missing_ok=True)


def _opened(folder: Any) -> Path:
    """The folder, made if need be; ValueError where nothing can be kept."""
    if not isinstance(folder, str | os.PathLike) or not os.fspath(folder):
        raise ValueError(f"store must be the name of a folder, got {folder!r}")
    path = Path(folder).expanduser()
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            pass
    except OSError as error:
        raise ValueError(f"store must be a folder that can be written, got {str(folder)!r}: {error.strerror}") from None
    for left in path.glob(f".*{TEMPORARY}"):  # by a run that was killed while it wrote
        with contextlib.suppress(FileNotFoundError):
            if time.time() - left.stat().st_mtime > ABANDONED:
                left.unlink()
    return path
