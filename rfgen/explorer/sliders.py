"""Which settings of a task and a learner can be slid, and through which values."""

__all__ = ["Settings", "learner_with", "sliders", "task_with"]

from dataclasses import replace
from typing import Any

import numpy as np

from rfgen.problems.learner import Learner
from rfgen.problems.task import Task

Settings = dict[str, float]
# Positions of a slider, and the factor that it spans on both sides of what was given.
POSITIONS, SPAN = 61, 100.0
VIEWS = [1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 16.0, 32.0, 64.0, float("inf")]


def sliders(task: Any, learner: Any, n: float) -> dict[str, dict[str, Any]]:
    """Values and position of each slider by its name: n, features, noise, and the settings that are numbers."""
    found = {"n": _logarithmic(n, whole=True)}
    if isinstance(learner, Learner) and learner.features.ndim == 0 and np.isfinite(learner.features):
        found["features"] = _logarithmic(float(learner.features), whole=True)
    for noun in _nouns(learner):
        for name, field in noun._settings.items():  # noqa: SLF001
            value = getattr(noun, name)
            if field.metadata.get("axis") and np.ndim(value) == 0 and isinstance(value, np.ndarray | np.generic):
                found[name] = _of(field.metadata["rule"], name, float(value))
    if isinstance(task, Task) and len(task.noise) == 1:
        noise = float(task.noise[0])
        most = 2.0 * max(noise, float(np.sum(task.power)), 1e-12)
        found["noise"] = _placed(np.linspace(0.0, most, POSITIONS), noise)
    return found


def task_with(task: Any, settings: Settings) -> Any:
    """The task at the noise of the slider."""
    return task.with_noise(settings["noise"]) if "noise" in settings else task


def learner_with(learner: Any, settings: dict[str, Any]) -> Any:
    """The learner at the values of the sliders, of which one may be an array."""
    own = {}
    for noun in _nouns(learner):
        named = {name: settings[name] for name in noun._settings if name in settings}  # noqa: SLF001
        whole = {name: np.round(value).astype(int) for name, value in named.items() if _is_whole(noun, name)}
        own[id(noun)] = replace(noun, **named | whole)
    if not isinstance(learner, Learner):
        return own[id(learner)]
    parts = {name: own[id(part)] for name in ("training", "augmentation") if (part := getattr(learner, name)) is not None}
    features = {"features": settings["features"]} if "features" in settings else {}
    return replace(learner, **parts, **features)


def _nouns(learner: Any) -> list[Any]:
    parts = [learner.training, learner.augmentation] if isinstance(learner, Learner) else [learner]
    return [part for part in parts if part is not None]


def _accepts(rule: Any, name: str, value: float) -> bool:
    try:
        rule(name, value)
    except ValueError:
        return False
    return True


def _is_whole(noun: Any, name: str) -> bool:
    return name != "views" and not _accepts(noun._settings[name].metadata["rule"], name, 0.5) and (  # noqa: SLF001
        _accepts(noun._settings[name].metadata["rule"], name, 1.0)  # noqa: SLF001
    )


def _of(rule: Any, name: str, value: float) -> dict[str, Any]:
    """By what the rule of the setting takes: a share, views, whole numbers, or positive numbers."""
    if name == "views":
        return _placed(np.array(VIEWS), value)
    if not _accepts(rule, name, 1.5) and _accepts(rule, name, 0.5):
        inside = np.linspace(0.0, 1.0, POSITIONS)
        return _placed(np.array([share for share in inside if _accepts(rule, name, float(share))]), value)
    whole = not _accepts(rule, name, 0.5)
    return _logarithmic(value, whole=whole, zero=_accepts(rule, name, 0.0))


def _logarithmic(value: float, *, whole: bool = False, zero: bool = False) -> dict[str, Any]:
    centre = value if value > 0.0 and np.isfinite(value) else 1.0
    values = np.geomspace(centre / SPAN, centre * SPAN, POSITIONS)
    if whole:
        values = np.unique(np.maximum(np.round(values), 1.0))
    return _placed(np.concatenate([[0.0], values]) if zero else values, value)


def _placed(values: np.ndarray, value: float) -> dict[str, Any]:
    """With what was given among the values."""
    values = np.unique(np.append(values, value))
    at = int(np.argmin(np.abs(values - value))) if np.isfinite(value) else len(values) - 1
    return {"values": values.tolist(), "at": at}
