"""Panels of estimators that are written as expressions: exact lines, dots of simulations of the same expressions."""

__all__ = ["drawn", "largest_z", "lines"]

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.lines import Line2D

import rfgen as rg
from paper_figures.runs import simulate


def lines(
    task: Any, own: Sequence[Any], over: str, x: Any, dots: Any, trials: int, seed: int, numbers: Mapping[str, Any]
) -> dict[str, Any]:
    """Risk of each estimator (or of pairs of one and `test=`) along `x`, the numbers of the name `over`, and its dots."""
    found: dict[str, list[Any]] = {name: [] for name in ("risk", "dot", "dot_se", "dot_z")}
    for one in own:
        weights, tested = one if isinstance(one, tuple) else (one, None)
        estimator = rg.algebra.Estimator(weights)
        given = {name: value for name, value in numbers.items() if name in estimator.names}
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="theory is expected")
            curve = rg.predict(task, estimator, test=tested, **{**given, over: np.union1d(x, dots)}).test
        runs = simulate(task, estimator, trials=trials, seed=seed, test=tested, **{**given, over: dots})
        z = (runs.test - curve.sel({over: dots})) / runs.test_se
        values = {"risk": curve.sel({over: x}), "dot": runs.test, "dot_se": runs.test_se, "dot_z": z}
        for name, own_values in values.items():
            found[name].append(own_values.transpose(*runs.test.dims).values)
    return {"x": x, "dot_x": dots, **found}


def largest_z(panels: Mapping[str, Mapping[str, Any]]) -> float:
    """The largest distance of a dot from theory, in standard errors."""
    return max(float(np.max(np.abs(own["dot_z"]))) for own in panels.values())


def drawn(
    ax: Any, at: Mapping[str, Any], labels: Sequence[str], colours: Sequence[Any], styles: Sequence[str] = ("-",)
) -> list[Line2D]:
    """Lines, of all colours in each style in turn, and dots; returns what a legend takes."""
    looks = [(colour, style) for style in styles for colour in colours]
    for risk, dot, error, (colour, style) in zip(at["risk"], at["dot"], at["dot_se"], looks, strict=True):
        ax.plot(at["x"], risk, color=colour, ls=style)
        ax.errorbar(at["dot_x"], dot, error, fmt="o", color=colour)
    return [Line2D([], [], color=colour, label=label) for label, colour in zip(labels, colours, strict=True)]
