"""The runs whose cells a folder keeps: each is told in a file of its own, `run-<name>.json`, written before its cells."""

__all__ = ["KeptRun", "kept_runs", "prune", "tell", "verify"]

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rfgen._version import __version__
from rfgen.curves.cells.source import source_digest
from rfgen.curves.cells.store import CELL, DAMAGED, Store, abandoned, unpacked

# How cells are named: nothing else in the folder is touched.
KEY = 32 * "[0-9a-f]"


@dataclass(frozen=True)
class KeptRun:
    """One run: what was asked, and the pieces (where, start, stop, key) of its cells, by name the files they are in."""

    name: str
    about: Mapping[str, Any]
    pieces: Sequence[tuple[str, int, int, str]]

    def finished(self, folder: Path) -> list[tuple[str, int, int, str]]:
        """Pieces that are there."""
        return [piece for piece in self.pieces if (folder / f"{piece[-1]}{CELL}").exists()]

    @property
    def found_again(self) -> bool:
        """Whether this version of rfgen takes its cells: it was written by the same source."""
        return self.about.get("source") == source_digest()


def tell(store: Store, name: str, about: Mapping[str, Any], pieces: Sequence[tuple[str, int, int, str]]) -> None:
    """Write of a run what it is, with the pieces that were told of it before."""
    path = store.folder / f"run-{name}.json"
    before = _read(path)
    known = {} if before is None else {piece[-1]: piece for piece in before.pieces}
    told = known | {piece[-1]: piece for piece in pieces}
    if len(told) > len(known):
        said = {"begun": datetime.now(UTC).isoformat(timespec="seconds"), "rfgen_version": __version__, **about}
        said |= {"source": source_digest(), "pieces": list(told.values())}
        store.write(path.name, json.dumps(said, indent=0).encode())


def _read(path: Path) -> KeptRun | None:
    """None where the file is not there or does not tell a run."""
    try:
        about = json.loads(path.read_bytes())
        pieces = [(str(where), int(start), int(stop), str(key)) for where, start, stop, key in about.pop("pieces")]
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None
    return KeptRun(path.stem.removeprefix("run-"), about, pieces)


def kept_runs(folder: Path) -> list[KeptRun]:
    """The runs of a folder, the last begun last."""
    runs = [run for path in folder.glob("run-*.json") if (run := _read(path)) is not None]
    return sorted(runs, key=lambda run: (str(run.about.get("begun")), run.name))


def verify(folder: Path) -> list[str]:
    """Names of files whose bytes are not those that were written."""
    return [path.name for path in sorted(folder.glob(KEY + CELL)) if not _whole(path)]


def _whole(path: Path) -> bool:
    try:
        unpacked(path.stem, path.read_bytes())
    except (OSError, ValueError):
        return False
    return True


def prune(folder: Path) -> list[str]:
    """Remove what no run of this version finds: damaged and unfinished files, cells and runs of another source."""
    runs = kept_runs(folder)
    kept = {piece[-1] for run in runs if run.found_again for piece in run.pieces}
    gone = [folder / f"run-{run.name}.json" for run in runs if not run.found_again]
    gone += [path for path in folder.glob(KEY + CELL) if path.stem not in kept or not _whole(path)]
    gone += [*folder.glob(KEY + DAMAGED), *abandoned(folder)]
    for path in gone:
        path.unlink(missing_ok=True)
    return sorted(path.name for path in gone)
