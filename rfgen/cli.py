"""The command `rfgen`: a demonstration, the list of comparisons, their verdicts, kept runs, and the explorer."""

__all__ = ["main"]

import argparse
import difflib
import sys
import tempfile
import time
import webbrowser
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import jax

from rfgen._version import __version__
from rfgen.api import predict
from rfgen.api.check.check import check
from rfgen.api.check.report import Report
from rfgen.cli_comparisons import NAMED
from rfgen.cli_engine import add_engine, engine_named
from rfgen.cli_processes import processes, room
from rfgen.cli_report import Verdict, validation_report
from rfgen.cli_runs import add_runs, runs
from rfgen.explorer.page import page
from rfgen.numerics.compilation.program_cache import cache_programs
from rfgen.plotting import plot

# Comparisons that are worth a process of their own, whose start is a second.
FEW = 4
EPILOG = """examples:
  rfgen demo                                  exact risk on real digits, simulated and compared, with a picture
  rfgen demo --learner kernel --out pictures  the same for a neural tangent kernel, picture in ./pictures
  rfgen list                                  what can be checked
  rfgen check kernel-ridge double-descent     two comparisons, as tables
  rfgen check --all --scale paper             all of them, with the trials of a paper (minutes)
  rfgen check --all --report validation.md    the same as a dated report, with versions and machine
  rfgen check --all --engine dask             the same on a Dask cluster: DASK_SCHEDULER_ADDRESS, or this machine's cores
  rfgen runs list cells                       the runs that a folder of rg.simulate(..., store="cells") keeps
  rfgen explore                               the exact curve under sliders, in a browser

Exit status: 0 if every comparison agrees, 1 if one disagrees, 2 for a wrong command line.
In Python: import rfgen as rg; help(rg.predict), help(rg.simulate), help(rg.check)."""


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns its exit status."""
    parser = argparse.ArgumentParser(
        prog="rfgen", formatter_class=argparse.RawDescriptionHelpFormatter, epilog=EPILOG,
        description="Exact risk of kernel ridge and random-feature regression: predicted, simulated, checked.",
    )
    parser.add_argument("--version", action="version", version=f"rfgen {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="demo | list | check | runs | explore")
    demo = commands.add_parser("demo", help="risk on real digits: theory, simulation, table and picture (under a minute)")
    demo.add_argument(
        "--learner", choices=("features", "kernel"), default="features", help="random tanh features, or an NTK"
    )
    demo.add_argument("--out", type=Path, default=Path(), help="folder for the picture (default: here)")
    demo.add_argument("--trials", type=int, default=60, help="simulated training sets for each size (default 60)")
    demo.add_argument("--seed", type=_seed, default=0, help="seed of the simulation (default 0)")
    commands.add_parser("list", help="the named comparisons, with their sources")
    checks = commands.add_parser("check", help="compare theory and simulation, in standard errors")
    checks.add_argument("names", nargs="*", metavar="NAME", help="names as in `rfgen list`")
    checks.add_argument("--all", action="store_true", help="every named comparison")
    checks.add_argument("--scale", choices=("smoke", "paper"), default="smoke", help="seconds, or minutes with more trials")
    checks.add_argument("--seed", type=_seed, default=0, help="seed of the simulation (default 0)")
    checks.add_argument("--report", type=Path, metavar="FILE", help="write the tables as Markdown, dated, with versions")
    add_engine(checks)
    kept = add_runs(commands)
    pages = commands.add_parser("explore", help="write the page of sliders, which solves in the browser, and open it")
    pages.add_argument("--out", type=Path, metavar="FILE", help="where to keep the page; it is not opened then")
    options = parser.parse_args(arguments)
    if options.command == "list":
        return _list()
    if options.command == "explore":
        return _explore(options, pages)
    if options.command == "runs":
        return runs(options, kept)
    cache_programs()
    if options.command == "demo":
        return _demo(options, demo)
    return _check(options, checks)


def _seed(text: str) -> int:
    if not text.isdecimal() or int(text) >= 2**63:
        raise argparse.ArgumentTypeError(f"must be a whole number from 0 to 2^63 - 1, got {text}")
    return int(text)


def _list() -> int:
    for name, comparison in NAMED.items():
        print(f"{name}\n    {comparison.question}\n    {comparison.source}")
    return 0


def _explore(options: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    path = options.out or Path(tempfile.mkdtemp(prefix="rfgen-")) / "explorer.html"
    try:
        path.write_text(page(), encoding="utf-8")
    except OSError as error:
        parser.error(f"argument --out: must be a file that can be written, got {path}: {error.strerror}")
    print(f"page: {path.resolve()}")
    if options.out is None and not webbrowser.open(path.resolve().as_uri()):
        print("no browser opened: open the page in one")
    return 0


def _demo(options: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    import matplotlib

    matplotlib.use("Agg")
    if options.trials < 2:
        parser.error(f"argument --trials: must be at least 2, got {options.trials}")
    try:
        _writable(options.out)
    except OSError as error:
        parser.error(f"argument --out: must be a folder that can be made and written, got {options.out}: {error.strerror}")
    name = f"digits-{options.learner}"
    comparison, started = NAMED[name], time.perf_counter()
    task, learner = comparison.build()
    sizes = comparison.n["paper"]
    report = check(task, learner, sizes, trials=options.trials, seed=options.seed)
    print(comparison.question)
    print(report)
    measured = report.dataset.rename(
        {
            f"{variable}_{kind}": variable + end
            for variable in report.judged
            for kind, end in (("simulation", ""), ("se", "_se"))
        }
    )
    curve = predict(task, learner, [round(sizes[0] * (sizes[-1] / sizes[0]) ** (i / 40)) for i in range(41)])
    ax = plot(curve, measured, x="n", y=report.judged)
    ax.set_title("odd against even digits: exact theory (lines), real subsets (dots)", fontsize="medium")
    path = (options.out / f"rfgen-demo-{options.learner}.png").resolve()
    ax.figure.savefig(path, dpi=150)  # type: ignore[union-attr]
    print(f"picture: {path}\n{time.perf_counter() - started:.1f} s")
    return 0 if report.agrees else 1


def _writable(folder: Path) -> None:
    """Make the folder and try it, before minutes of work."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder):
        pass


def _check(options: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    if options.all == bool(options.names):
        parser.error("give names (see `rfgen list`) or --all, and not both")
    names = list(NAMED) if options.all else options.names
    unknown = [name for name in names if name not in NAMED]
    if unknown:
        close = [near for name in unknown for near in difflib.get_close_matches(name, NAMED, n=1, cutoff=0.5)]
        hint = f": did you mean {', '.join(close)}?" if close else "."
        parser.error(f"no comparison is called {', '.join(unknown)}{hint} `rfgen list` shows: {', '.join(NAMED)}")
    if options.report is not None:
        try:
            _writable(options.report.parent)
            if options.report.is_dir():
                raise IsADirectoryError(0, "is a folder")
        except OSError as error:
            parser.error(f"argument --report: must be a file that can be written, got {options.report}: {error.strerror}")
    try:
        with engine_named(options.engine) as engine:
            return _verdicts(names, options, engine)
    except ImportError as error:
        parser.error(f"argument --engine: {error}")


def _verdicts(names: list[str], options: argparse.Namespace, engine: Any) -> int:
    """Compare, print and report; the exit status."""
    verdicts = []
    for name, report, seconds in _compared(names, options, engine):
        print(f"{report}\n", flush=True)
        verdicts.append(Verdict(name, NAMED[name], report, seconds))
        if options.report is not None:  # whole after each, so that what ran is kept
            options.report.write_text(validation_report(verdicts, options.scale, options.seed), encoding="utf-8")
    disagreeing = [verdict.name for verdict in verdicts if not verdict.report.agrees]
    print(f"{len(names) - len(disagreeing)} of {len(names)} agree" + "".join(f"; {name} DISAGREES" for name in disagreeing))
    return 1 if disagreeing else 0


def _compared(names: list[str], options: argparse.Namespace, engine: Any) -> Iterator[tuple[str, Report, float]]:
    """Name, report and CPU seconds, in the order of `names`; of many on the CPU, several at once."""
    settings = {"scale": options.scale, "seed": options.seed}
    count = min(room(), len(names) // FEW)
    if count < 2 or engine is not None or jax.default_backend() != "cpu":
        for name in names:
            print(f"{name}: {NAMED[name].question}", flush=True)
            yield _one_compared(name, engine=engine, **settings)
        return
    with processes(count) as pool:
        for found in pool.map(partial(_one_compared, engine=None, **settings), names):
            print(f"{found[0]}: {NAMED[found[0]].question}", flush=True)
            yield found


def _one_compared(name: str, scale: str, seed: int, engine: Any) -> tuple[str, Report, float]:
    comparison, started = NAMED[name], time.process_time()
    task, learner = comparison.build()
    report = check(
        task, learner, comparison.n[scale] or None, trials=comparison.trials[scale], seed=seed, engine=engine,
        **comparison.numbers,
    )
    return name, report, time.process_time() - started


if __name__ == "__main__":
    sys.exit(main())
