"""Command line: `python -m paper_figures list | make | draw`."""

__all__ = ["main"]

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from paper_figures.catalogue import FIGURES
from paper_figures.listing import MEASURED, duration, listing, parameters_of
from paper_figures.measured import MissingDataError
from paper_figures.runs import keeping
from paper_figures.settings import SettingError, configured, near, parsed
from paper_figures.storage import NotComputedError, restore, save, save_caption, save_drawing, save_table
from paper_figures.style import StyleError, dressed, finish, moved
from rfgen import __version__, cache_programs
from rfgen.cli_engine import add_engine, engine_named

FORMATS = ("png", "pdf", "svg")
SMOKE = "Smoke scale: simulations are fewer and smaller than at paper scale, for which the words above are meant."
CLOCKS = (time.perf_counter, time.process_time)
# what a figure says of a value that it cannot take
UNFIT = (ValueError, TypeError, LookupError, ArithmeticError, MemoryError)


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
        "pictures and NAME.txt (caption) in the output folder.  What is there is only drawn; what was killed continues.",
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


def _make(name: str, given: argparse.Namespace) -> list[Path]:
    """Arrays, unless those asked for are there, and what is made from them."""
    asked = {
        "scale": given.scale, "seed": given.seed, "set": given.settings, "rfgen_version": __version__,
        "data": given.data and str(given.data),
    }
    settings = parsed(name, given.scale, given.settings)
    if not _there(name, given.out, asked):
        module = configured(name, given.scale, settings)
        clocks = [clock() for clock in CLOCKS]
        try:
            with keeping(given.out / f"{name}.runs", given.cluster):
                arrays, parameters = module.compute(given.scale, given.data, given.seed)
                spent = (round(now() - then, 1) for now, then in zip(CLOCKS, clocks, strict=True))
                parameters |= dict(zip(("seconds", "cpu_seconds"), spent, strict=True))
                parameters = {"figure": name, "paper": FIGURES[name].paper, **parameters, **asked}
                if given.scale == "smoke":
                    parameters["caption"] += f" {SMOKE}"
                if settings:
                    changed = ", ".join(given.settings)
                    parameters["mark"] = "ours: parameters changed"
                    parameters["caption"] = f"Changed from the figure's own parameters: {changed}. {parameters['caption']}"
                save(given.out, name, arrays, parameters)
                drawn = _draw(name, given)  # from the file, so that what is saved is known to suffice
        except UNFIT as error:
            if not settings:
                raise
            raise SettingError(f"it cannot be made with {', '.join(given.settings)}: {error}") from error
    else:
        drawn = _draw(name, given)
    return [given.out / f"{name}.nc", *drawn]


def _there(name: str, folder: Path, asked: dict[str, Any]) -> bool:
    try:
        _, parameters = restore(folder, name)
    except NotComputedError:
        return False
    return all(key in parameters and parameters[key] == value for key, value in asked.items())


def _draw(name: str, given: argparse.Namespace) -> list[Path]:
    """Pictures, caption and table of saved arrays."""
    arrays, parameters = restore(given.out, name)
    settings = parsed(name, parameters["scale"], parameters.get("set", []))
    module = configured(name, parameters["scale"], settings)
    with dressed(given.width, given.style):
        figure = finish(module.draw(arrays, parameters))
        paths = save_drawing(given.out, name, figure, given.format)
    if not given.no_caption:
        paths.append(save_caption(given.out, name, f"{parameters['caption']} {moved(figure)}".strip()))
    return [*paths, save_table(given.out, name, arrays)] if given.csv else paths


def _each(names: list[str], given: argparse.Namespace, work: Callable[[str, argparse.Namespace], list[Path]]) -> int:
    """Work through the names, and say how long the rest will take; the exit status."""
    failed, misused, expected, spent = [], False, 0.0, 0.0
    for at, name in enumerate(names):
        start = time.perf_counter()
        try:
            paths = work(name, given)
        except (SettingError, StyleError) as error:
            print(f"{name}: {error}", file=sys.stderr)
            failed.append(name)
            misused = True
            continue
        except (MissingDataError, NotComputedError, OSError) as error:
            print(f"{name}: {error}", file=sys.stderr)
            failed.append(name)
            continue
        took = time.perf_counter() - start
        spent, expected = spent + took, expected + MEASURED.get(name, {}).get(getattr(given, "scale", "smoke"), 10.0)
        rest = sum(MEASURED.get(other, {}).get(getattr(given, "scale", "smoke"), 10.0) for other in names[at + 1 :])
        left = f"; about {duration(rest * spent / expected)} left" if rest else ""
        print(f"{name}: {took:.1f} s{f' ({at + 1} of {len(names)}{left})' if len(names) > 1 else ''}")
        print("\n".join(f"  {path}" for path in paths), flush=True)
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 2 if misused else int(bool(failed))


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
    if given.command == "draw":
        return _each(names, given, _draw)
    try:
        with engine_named(given.engine) as given.cluster:
            return _each(names, given, _make)
    except ImportError as error:
        root.error(f"argument --engine: {error}")


if __name__ == "__main__":
    sys.exit(main())
