"""The commands on folders of stored cells: which runs they keep, whether their bytes are whole, and what may go."""

__all__ = ["add_runs", "runs"]

import argparse
from pathlib import Path
from typing import Any

from rfgen.curves.cells.kept_runs import KeptRun, kept_runs, prune, verify

# What a run was asked for, and how much of each a line shows.
ASKED, SHOWN = ("task", "learner", "n", "trials", "seed"), 60


def add_runs(commands: Any) -> argparse.ArgumentParser:
    """The command `runs`; returns its parser."""
    parser: argparse.ArgumentParser = commands.add_parser("runs", help="the runs that a folder given as store= keeps")
    parser.add_argument("what", choices=("list", "show", "verify", "prune"), help=(
        "list the runs, show their cells, verify the bytes of each (status 1 if one is damaged), or prune what no run of "
        "this version finds: damaged and unfinished files, cells of another source"
    ))
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    parser.add_argument("names", nargs="*", metavar="RUN", help="of show: runs as `list` names them (default: all)")
    return parser


def runs(options: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    """Run the command; returns its exit status."""
    folder = options.folder.expanduser()
    if not folder.is_dir():
        parser.error(f"argument FOLDER: must be a folder that rg.simulate(..., store=) has written, got {options.folder}")
    kept = {run.name: run for run in kept_runs(folder)}
    unknown = [name for name in options.names if name not in kept]
    if unknown or (options.names and options.what != "show"):
        parser.error(f"no run is called {', '.join(unknown)}: `rfgen runs list {options.folder}` shows them" if unknown else
                     f"{options.what} takes a folder alone, got {', '.join(options.names)}")
    if options.what == "verify":
        damaged = verify(folder)
        print("\n".join([*(f"{name} is damaged" for name in damaged), f"{len(damaged)} damaged"]))
        return int(bool(damaged))
    if options.what == "prune":
        gone = prune(folder)
        print("\n".join([*gone, f"{len(gone)} removed"]))
        return 0
    shown = [kept[name] for name in options.names] if options.names else list(kept.values())
    for run in shown:
        print(_line(run, folder))
        if options.what == "show":
            print(_cells(run, folder))
    print(f"{len(shown)} run{'s' if len(shown) != 1 else ''}")
    return 0


def _line(run: KeptRun, folder: Path) -> str:
    """A run in a line: its name, when it began, what is there, and what was asked."""
    finished, about = len(run.finished(folder)), run.about
    source = "" if run.found_again else f" (of another source, rfgen {about.get('rfgen_version')}: not found again)"
    asked = ", ".join(f"{name}={_short(about[name])}" for name in ASKED if name in about)
    return f"{run.name}  {about.get('begun')}  {finished} of {len(run.pieces)} pieces{source}  {asked}"


def _short(text: Any) -> str:
    line = " ".join(str(text).split())
    return line if len(line) <= SHOWN else f"{line[: SHOWN - 3]}..."


def _cells(run: KeptRun, folder: Path) -> str:
    """Each piece in a line."""
    there = {piece[-1] for piece in run.finished(folder)}
    rows = sorted(run.pieces, key=lambda piece: (piece[0], piece[1]))
    asked = [f"    {name}: {run.about[name]}" for name in ASKED if name in run.about]
    cells = [f"    {key}  {where or 'all'}, trials {a} to {b}" for where, a, b, key in rows]
    cells = [line + "  missing" * (row[-1] not in there) for line, row in zip(cells, rows, strict=True)]
    return "\n".join((*asked, *cells))
