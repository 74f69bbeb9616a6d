"""One figure from its name and the command line: computed unless it is there, and drawn from its file."""

__all__ = ["drawn", "made"]

import argparse
import time
from pathlib import Path
from typing import Any

from paper_figures.catalogue import FIGURES
from paper_figures.runs import keeping
from paper_figures.settings import SettingError, configured, parsed
from paper_figures.storage import NotComputedError, restore, save, save_caption, save_drawing, save_table
from paper_figures.style import dressed, finish, moved
from rfgen import __version__

SMOKE = "Smoke scale: simulations are fewer and smaller than at paper scale, for which the words above are meant."
CLOCKS = (time.perf_counter, time.process_time)
# what a figure says of a value that it cannot take
UNFIT = (ValueError, TypeError, LookupError, ArithmeticError, MemoryError)


def made(name: str, given: argparse.Namespace) -> list[Path]:
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
                paths = drawn(name, given)  # from the file, so that what is saved is known to suffice
        except UNFIT as error:
            if not settings:
                raise
            raise SettingError(f"it cannot be made with {', '.join(given.settings)}: {error}") from error
    else:
        paths = drawn(name, given)
    return [given.out / f"{name}.nc", *paths]


def _there(name: str, folder: Path, asked: dict[str, Any]) -> bool:
    try:
        _, parameters = restore(folder, name)
    except NotComputedError:
        return False
    return all(key in parameters and parameters[key] == value for key, value in asked.items())


def drawn(name: str, given: argparse.Namespace) -> list[Path]:
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
