"""The report of a run of `rfgen check`: every comparison with its z-scores, dated, with versions and machine."""

__all__ = ["Verdict", "validation_report"]

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version

import jax
import numpy as np

from rfgen._version import __version__
from rfgen.api.check.report import Report
from rfgen.cli_comparisons import NAMED, Comparison

LIBRARIES = ("jax", "jaxlib", "numpy", "scipy", "xarray")


@dataclass(frozen=True)
class Verdict:
    """A named comparison, what came of it, and the CPU seconds that it took here."""

    name: str
    comparison: Comparison
    report: Report
    seconds: float


def validation_report(verdicts: Sequence[Verdict], scale: str, seed: int) -> str:
    """Markdown: what ran where, a line for each comparison, then each table in full."""
    scores = np.concatenate([_scores(verdict.report) for verdict in verdicts])
    agree = sum(verdict.report.agrees for verdict in verdicts)
    libraries = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    device = jax.devices()[0]
    summary = (
        f"{agree} of {len(verdicts)} named comparisons of theory and simulation agree, at {scores.size} points: "
        f"z has root mean square {_spread(scores):.2f}, {np.sum(np.abs(scores) > 2.0)} of |z| are above 2, the largest "
        f"{np.max(np.abs(scores), initial=0.0):.2f}. Scores are in standard errors of the simulation; points of one "
        "comparison share their draws, and what finite sizes are granted is not taken off."
    )
    made = (
        f"`rfgen check {_asked(verdicts)} --scale {scale} --seed {seed} --report FILE`, "
        f"{datetime.now(UTC):%Y-%m-%d}, rfgen {__version__}; Python {platform.python_version()}, {libraries}; "
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors, {device.device_kind}."
    )
    head = ["comparison", "source", "points", "trials", "largest z", "root mean square", "", "CPU seconds"]
    lines = ["# Validation report", "", summary, "", made, "", f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for verdict in verdicts:
        found, own = verdict.report, _scores(verdict.report)
        lines.append(
            f"| {verdict.name} | {verdict.comparison.source} | {found.compared} | {found.dataset.attrs.get('trials', '')} "
            f"| {found.largest_z:.2f} | {_spread(own):.2f} | {'agrees' if found.agrees else '**disagrees**'} "
            f"| {verdict.seconds:.0f} |"
        )
    for verdict in verdicts:
        title = ["", f"## {verdict.name}", "", f"{verdict.comparison.question}.", ""]
        lines += [*title, "```text", str(verdict.report), "```"]
    return "\n".join([*lines, ""])


def _scores(report: Report) -> np.ndarray:
    """z of the judged variables, where they could differ: not of training errors that are 0."""
    scores = np.concatenate([np.ravel(report.dataset[f"{name}_z"].values) for name in report.judged])
    return scores[np.isfinite(scores) & (scores != 0.0)]


def _spread(scores: np.ndarray) -> float:
    return float(np.sqrt(np.sum(scores**2) / max(scores.size, 1)))


def _asked(verdicts: Sequence[Verdict]) -> str:
    names = [verdict.name for verdict in verdicts]
    return "--all" if names == list(NAMED) else " ".join(names)
