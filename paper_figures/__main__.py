"""Command line: `python -m paper_figures list | make | draw`."""

__all__ = ["main"]

import argparse
import sys
import textwrap
import time
from pathlib import Path

from paper_figures.catalogue import FIGURES
from paper_figures.measured import MissingDataError
from paper_figures.storage import NotComputedError, restore, save, save_drawing
from rfgen import cache_programs


def parser() -> argparse.ArgumentParser:
    """The arguments."""
    root = argparse.ArgumentParser(
        prog="python -m paper_figures",
        description="Rebuild published figures with rfgen: theory as lines, simulation and measurements as dots.",
        epilog="Example: python -m paper_figures make more_is_better_features --scale smoke --out figures",
    )
    commands = root.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("list", help="names, papers and contents of all figures")
    make = commands.add_parser(
        "make",
        help="compute figures and draw them",
        description="Compute figures and draw them. Each gives NAME.npz (arrays), NAME.json (parameters), NAME.png, "
        "NAME.pdf and NAME.txt (caption) in the output folder.",
    )
    draw = commands.add_parser("draw", help="draw figures again from the arrays that 'make' saved")
    for command in (make, draw):
        command.add_argument("names", nargs="*", metavar="NAME", help="figures, as 'list' shows them")
        command.add_argument("--all", action="store_true", help="all figures")
        command.add_argument("--out", type=Path, default="figures", metavar="DIR", help="output folder (%(default)s)")
    make.add_argument(
        "--scale",
        choices=("smoke", "paper"),
        default="smoke",
        help="smoke: few and small simulations, seconds; paper: the published sizes, minutes to half an hour (%(default)s)",
    )
    make.add_argument(
        "--data",
        type=Path,
        metavar="DIR",
        help="folder with measured data of real kernels; without it, figures that can use it show the bundled digits",
    )
    make.add_argument("--seed", type=int, default=0, help="seed of the simulations (%(default)s)")
    return root


def listing() -> str:
    """The table of figures."""
    lines = []
    for entry in FIGURES.values():
        data = f"; --data: {entry.with_data}" if entry.with_data else ""
        body = textwrap.wrap(entry.shows + data, 100, initial_indent="  ", subsequent_indent="  ")
        lines += [f"{entry.name}  [{entry.mark}]", f"  {entry.paper}", *body]
    lines.append("known: parameters of the paper; ours: the paper's are not available, the figure is defined here.")
    return "\n".join(lines)


def _make(name: str, arguments: argparse.Namespace) -> None:
    start = time.perf_counter()
    entry = FIGURES[name]
    arrays, parameters = entry.compute(arguments.scale, arguments.data, arguments.seed)
    parameters = {"figure": name, "paper": entry.paper, **parameters}
    paths = save(arguments.out, name, arrays, parameters)
    # from the files, so that what is saved is known to suffice
    paths += save_drawing(arguments.out, name, entry.draw(*restore(arguments.out, name)))
    print(f"{name}: {time.perf_counter() - start:.1f} s, scale {arguments.scale}, {parameters['mark']}")
    print("\n".join(f"  {path}" for path in paths), flush=True)


def _draw(name: str, arguments: argparse.Namespace) -> None:
    paths = save_drawing(arguments.out, name, FIGURES[name].draw(*restore(arguments.out, name)))
    print("\n".join([f"{name}:", *(f"  {path}" for path in paths)]), flush=True)


def main(arguments: list[str] | None = None) -> int:
    """Run one command; 0 if all figures came out, 1 if one failed, 2 for wrong usage."""
    root = parser()
    given = root.parse_args(arguments)
    if given.command == "list":
        print(listing())
        return 0
    names = list(FIGURES) if given.all else list(dict.fromkeys(given.names))
    if not names:
        root.error(f"{given.command}: name at least one figure, or --all; figures: {', '.join(FIGURES)}")
    unknown = [name for name in names if name not in FIGURES]
    if unknown:
        root.error(f"unknown figure {', '.join(unknown)}; figures: {', '.join(FIGURES)}")
    if getattr(given, "seed", 0) < 0:
        root.error(f"--seed must be >= 0, got {given.seed}")
    cache_programs()
    failed = []
    for name in names:
        try:
            (_make if given.command == "make" else _draw)(name, given)
        except (MissingDataError, NotComputedError, OSError) as error:
            print(f"{name}: {error}", file=sys.stderr)
            failed.append(name)
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
