"""The source that decides what a simulation measures."""

__all__ = ["source_digest"]

import functools
import hashlib
from pathlib import Path

# Rooms and files whose code runs within a trial, or says which trials there are.
DECIDING = ("algebra", "api/methods", "curves/measured.py", "numerics", "problems", "simulation", "systems")


@functools.cache
def source_digest() -> str:
    """A digest of the files of those rooms: a correction of one makes other cells, whatever the version's number.

    >>> source_digest() == source_digest()
    True
    """
    root, digest = Path(__file__).parents[2], hashlib.sha256()
    for name in DECIDING:
        for path in sorted([*(root / name).rglob("*.py"), *((root / name,) if name.endswith(".py") else ())]):
            text = f"{path.relative_to(root).as_posix()} {path.stat().st_size}"
            digest.update(text.encode() + path.read_bytes())
    return digest.hexdigest()[:32]
