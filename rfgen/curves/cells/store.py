"""Finished cells of a long computation, kept in a folder so that a killed run continues where it stopped.

One file per cell, named by the content that determines it, written under another name first and renamed: a reader sees a
whole file or none.  It is an archive of NumPy with a digest of name and bytes behind it; what does not have its digest is
reported, set aside as `*.damaged`, and computed again.
"""

__all__ = ["CELL", "DAMAGED", "Store", "abandoned", "checked_store", "content_key", "unpacked"]

import contextlib
import hashlib
import io
import os
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from rfgen.curves.cells.content import Unknown, content
from rfgen.numerics.compilation.caller import warn_caller

# How files end that are whole, set aside and unfinished, and the seconds after which nobody finishes them.
CELL, DAMAGED, TEMPORARY, ABANDONED = ".npz", ".damaged", ".tmp", 3600.0


def content_key(*parts: Any) -> str:
    """A name for everything in `parts`: arrays by bytes, dtype and shape, all else by what it is made of.

    >>> content_key(np.arange(3), 1) == content_key(np.arange(3), 1), content_key(1) == content_key(1.0)
    (True, False)
    """
    digest = hashlib.sha256()
    for part in content(parts):
        if isinstance(part, Unknown):
            raise ValueError(
                f"store cannot keep this run: what is simulated reads an object {part.what}, whose content cannot be told, "
                "so that a later run might take cells that are not its own: use numbers, arrays and functions of them "
                "instead, or leave store out"
            )
        data = np.ascontiguousarray(part).tobytes() if isinstance(part, np.ndarray) else b""
        text = (f"array {part.dtype} {part.shape}" if isinstance(part, np.ndarray) else repr(part)).encode()
        digest.update(len(text).to_bytes(8, "little") + text + data)
    return digest.hexdigest()[:32]


class Store:
    """A folder of cells; `get` returns a cell's arrays or None, `put` writes them."""

    def __init__(self, folder: Any) -> None:
        self.folder = checked_store(folder)
        for left in abandoned(self.folder):
            left.unlink(missing_ok=True)

    def get(self, key: str) -> dict[str, np.ndarray] | None:
        """The arrays of cell `key`, None if it is not there or is damaged (reported and set aside)."""
        path = self.folder / f"{key}{CELL}"
        try:
            return unpacked(key, path.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            aside = path.with_suffix(DAMAGED)
            with contextlib.suppress(OSError):  # another run may have done so
                path.replace(aside)
            warn_caller(f"{path} is damaged ({error}); set aside as {aside.name} and computed again")
            return None

    def put(self, key: str, arrays: Mapping[str, Any]) -> None:
        """Write a cell atomically."""
        self.write(f"{key}{CELL}", _packed(key, arrays))

    def write(self, name: str, data: bytes) -> None:
        """Write a file whole or not at all; where there is no room for it, say so and go on."""
        temporary = self.folder / f".{name}.{uuid.uuid4().hex}{TEMPORARY}"  # threads and machines may write the same cell
        try:
            with temporary.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(self.folder / name)
        except OSError as error:
            warn_caller(f"store={str(self.folder)!r} cannot keep {name} ({error.strerror}): the run goes on")
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise


def _packed(key: str, arrays: Mapping[str, Any]) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)
    archive = file.getvalue()
    return archive + _digest(key, archive)


def unpacked(key: str, data: bytes) -> dict[str, np.ndarray]:
    """The arrays in the bytes of the file of cell `key`; ValueError if one of them is not what was written.

    >>> sorted(unpacked("key", _packed("key", {"test": np.ones(3)})))
    ['test']
    """
    archive, digest = data[:-32], data[-32:]
    if _digest(key, archive) != digest:
        raise ValueError("its bytes are not those that were written")
    with np.load(io.BytesIO(archive), allow_pickle=False) as cell:
        return dict(cell)


def _digest(key: str, archive: bytes) -> bytes:
    """Of names, shapes and bytes, all in the archive, and of the cell they belong to."""
    return hashlib.sha256(key.encode() + archive).digest()


def checked_store(folder: Any) -> Path:
    """The folder, made if need be; ValueError where nothing can be kept."""
    if not isinstance(folder, str | os.PathLike) or not os.fspath(folder):
        raise ValueError(f"store must be the name of a folder, got {folder!r}")
    try:
        path = Path(folder).expanduser()
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            pass
    except (OSError, ValueError, RuntimeError) as error:  # of the system, of its names, of a home that is not there
        reason = getattr(error, "strerror", None) or error
        raise ValueError(f"store must be a folder that can be written, got {os.fspath(folder)!r}: {reason}") from None
    return path


def abandoned(folder: Path) -> Iterator[Path]:
    """Unfinished files of runs that were killed while they wrote."""
    for path in folder.glob(f".*{TEMPORARY}"):
        with contextlib.suppress(OSError):
            if time.time() - path.stat().st_mtime > ABANDONED:
                yield path
