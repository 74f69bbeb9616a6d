"""Panels of estimators that are written as expressions: exact lines, dots of simulations of the same expressions."""

__all__ = ["drawn", "largest_z", "lines"]

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.lines import Line2D

import rfgen as rg
from paper_figures.runs import check


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
            found["risk"].append(rg.predict(task, estimator, test=tested, **{**given, over: x}).test.values)
        seen = check(
            task, estimator, trials=trials, seed=seed, variables="test", test=tested, **{**given, over: dots}
        ).dataset
        for name, own_name in (("dot", "test_simulation"), ("dot_se", "test_se"), ("dot_z", "test_z")):
            found[name].append(seen[own_name].values)
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
