"""What `list` prints."""

__all__ = ["MEASURED", "duration", "listing", "parameters_of"]

import json
import textwrap
from pathlib import Path

from paper_figures.catalogue import FIGURES
from paper_figures.settings import declared

# Seconds of each figure at each scale where measured, of one core, programs compiled: `python -m paper_figures.keep`.
MEASURED: dict[str, dict[str, float]] = json.loads(Path(__file__).with_name("times.json").read_text(encoding="utf-8"))


def duration(seconds: float) -> str:
    """Seconds as one reads them.

    >>> duration(8.4), duration(300.0)
    ('8 s', '5 min')
    """
    return f"{seconds:.0f} s" if seconds < 100.0 else f"{seconds / 60.0:.0f} min"


def listing() -> str:
    """The table of figures."""
    lines = []
    for entry in FIGURES.values():
        data = f"; --data: {entry.with_data}" if entry.with_data else ""
        body = textwrap.wrap(entry.shows + data, 100, initial_indent="  ", subsequent_indent="  ")
        lines += [f"{entry.name}  [{entry.mark}]  {entry.arxiv}  ({_times(entry.name)})", f"  {entry.paper}", *body]
    lines.append("known: parameters of the paper; ours: the paper's are not available, the figure is defined here.")
    lines.append("list NAME shows what --set changes.")
    return "\n".join(lines)


def parameters_of(name: str, scale: str) -> str:
    """One figure and its parameters."""
    lines = [f"{name}  [{FIGURES[name].mark}]  {FIGURES[name].arxiv}  ({_times(name)})"]
    for key, value in declared(name, scale).items():
        values = value if isinstance(value, tuple) else (value,)
        lines.append(f"  {key}={','.join(f'{each:.6g}' if isinstance(each, float) else str(each) for each in values)}")
    return "\n".join(lines)


def _times(name: str) -> str:
    known = MEASURED.get(name, {})
    times = {scale: duration(known[scale]) if scale in known else "not measured" for scale in ("smoke", "paper")}
    return ", ".join(f"{scale} {time}" for scale, time in times.items())
