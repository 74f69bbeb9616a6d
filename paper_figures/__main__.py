"""Command line: `python -m paper_figures list | make | draw`."""

__all__ = ["main"]

import argparse
import sys
from pathlib import Path

from paper_figures.catalogue import FIGURES
from paper_figures.listing import listing, parameters_of
from paper_figures.making import drawn, made
from paper_figures.settings import SettingError, near, parsed
from paper_figures.together import each
from rfgen import cache_programs
from rfgen.cli_engine import add_engine, engine_named

FORMATS = ("png", "pdf", "svg")


def parser() -> argparse.ArgumentParser:
    """The arguments."""
    root = argparse.ArgumentParser(
        prog="python -m paper_figures",
        description="Rebuild published figures with rfgen: theory as lines, simulation and measurements as dots.",
        epilog="Example: python -m paper_figures make more_is_better_features --scale paper --out figures --width 3.4. "
        "Exit status: 0 if all figures came out, 1 if one failed, 2 for a wrong command line.",
    )
    commands = root.add_subparsers(dest="command", required=True, metavar="list | make | draw")
    shown = commands.add_parser("list", help="names, papers, contents of all figures; of figures named, what --set changes")
    make = commands.add_parser(
        "make", help="compute figures and draw them",
        description="Compute figures and draw them.  Each gives NAME.nc (arrays, with the parameters as attributes), its "
        "pictures and NAME.txt (caption) in the output folder.  What is there is only drawn; what was killed continues.  "
        "Several figures are made at once, on as many processes as there are cores (four at most).",
    )
    draw = commands.add_parser("draw", help="draw figures again from the arrays that 'make' saved")
    for command in (shown, make, draw):
        command.add_argument("names", nargs="*", metavar="NAME", help="figures, as 'list' shows them")
    for command in (shown, make):
        command.add_argument(
            "--scale", choices=("smoke", "paper"), default="smoke",
            help="smoke: few and small simulations, seconds; paper: published sizes, minutes to half an hour (%(default)s)",
        )
    for command in (make, draw):
        command.add_argument("--all", action="store_true", help="all figures")
        command.add_argument("--out", type=Path, default="figures", metavar="DIR", help="output folder (%(default)s)")
        command.add_argument("--width", type=_width, metavar="INCHES", help="3.4 for a column, 7 for two")
        command.add_argument("--style", metavar="FILE.mplstyle", help="settings of matplotlib that go before ours")
        command.add_argument(
            "--format", type=_formats, default=("png", "pdf"), metavar="KIND,...", help="of png, pdf, svg (png,pdf)"
        )
        command.add_argument("--csv", action="store_true", help="the arrays as a table too, NAME.csv")
        command.add_argument("--no-caption", action="store_true", help="no NAME.txt")
    make.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", dest="settings",
        help="another value of a parameter that 'list NAME' shows, several with commas between; may be repeated",
    )
    make.add_argument(
        "--data", type=Path, metavar="DIR",
        help="folder with measured data of real kernels; without it, figures that can use it show the bundled digits",
    )
    add_engine(make)
    make.add_argument("--seed", type=int, default=0, help="seed of the simulations (%(default)s)")
    return root


def _width(text: str) -> float:
    try:
        width = float(text)
    except ValueError:
        width = 0.0
    if not 2.0 <= width <= 40.0:
        raise argparse.ArgumentTypeError(f"must be a number of inches from 2 to 40, got {text}")
    return width


def _formats(text: str) -> tuple[str, ...]:
    kinds = tuple(dict.fromkeys(part.strip() for part in text.split(",")))
    for kind in kinds:
        if kind not in FORMATS:
            hint = near(kind, FORMATS)
            raise argparse.ArgumentTypeError(f"must be of {', '.join(FORMATS)}, got {kind or 'nothing'}{hint}")
    return kinds


def main(arguments: list[str] | None = None) -> int:
    """Run one command; 0 if all figures came out, 1 if one failed, 2 for wrong usage."""
    root = parser()
    given = root.parse_args(arguments)
    every = getattr(given, "all", given.command == "list" and not given.names)
    if given.command != "list" and every == bool(given.names):
        root.error(f"{given.command}: name at least one figure, or --all, and not both; figures: {', '.join(FIGURES)}")
    names = list(FIGURES) if every else list(dict.fromkeys(given.names))
    unknown = [name for name in names if name not in FIGURES]
    if unknown:
        hint = near(unknown[0], FIGURES)
        root.error(f"unknown figure {', '.join(unknown)}{hint}; figures: {', '.join(FIGURES)}")
    if given.command == "list":
        print(listing() if every else "\n".join(parameters_of(name, given.scale) for name in names))
        return 0
    if getattr(given, "seed", 0) < 0:
        root.error(f"--seed must be >= 0, got {given.seed}")
    if given.command == "make":
        try:
            for name in names:
                parsed(name, given.scale, given.settings)
        except SettingError as error:
            root.error(str(error))
    cache_programs()
    given.cluster = None
    if given.command == "draw":
        return each(drawn, names, given)
    try:
        with engine_named(given.engine) as given.cluster:
            return each(made, names, given)
    except ImportError as error:
        root.error(f"argument --engine: {error}")


if __name__ == "__main__":
    sys.exit(main())
