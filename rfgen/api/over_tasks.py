"""Curves of several tasks: the parameters in which they differ become dimensions."""

__all__ = ["over_tasks", "stacked"]

import functools
from collections.abc import Callable, Sequence
from typing import Any, TypeVar, cast

import numpy as np

from rfgen.curves.arguments import Dataset
from rfgen.curves.dataset import DESCRIPTIONS
from rfgen.problems.tasks import Tasks

F = TypeVar("F", bound=Callable[..., Any])


def over_tasks(verb: F) -> F:
    """The verb, which of `Tasks` gives the curves of all in one Dataset, their parameters its first dimensions."""

    @functools.wraps(verb)
    def call(*args: Any, **options: Any) -> Any:
        task = args[0] if args else options.get("task")
        if not isinstance(task, Tasks):
            return verb(*args, **options)
        rest = (args[1:], {name: value for name, value in options.items() if name != "task"})
        return stacked(task, [verb(one, *rest[0], **rest[1]) for one in task.each])

    return cast("F", call)


def stacked(tasks: Tasks, curves: Sequence[Dataset]) -> Dataset:
    """Datasets of the tasks in their order, as one over their parameters."""
    first = curves[0]
    if taken := [name for name in tasks.over if name in first.variables]:
        raise ValueError(f"over must have names that the curve has not, got {taken[0]!r}: call that parameter otherwise")
    names, shape = tuple(tasks.over), tuple(values.size for values in tasks.over.values())
    shared = [str(name) for name in first.data_vars if all(name in curve for curve in curves)]
    values = {name: np.array([curve[name].values for curve in curves]) for name in shared}
    data = {
        name: ((*names, *first[name].dims), each.reshape(*shape, *first[name].shape), first[name].attrs)
        for name, each in values.items()
    }
    attributes = {key: value for key, value in first.attrs.items() if all(_same(curve, key, value) for curve in curves)}
    told = {
        key: "; ".join(dict.fromkeys(str(curve.attrs[key]) for curve in curves if key in curve.attrs))
        for key in ("failures", "unstable") if any(key in curve.attrs for curve in curves)
    }
    over = {name: (name, values, {"long_name": DESCRIPTIONS.get(name, name)}) for name, values in tasks.over.items()}
    coords = {**over, **{name: first.coords[name] for name in first.coords}}
    return type(first)(data, coords, {**attributes, **told, "task": repr(tasks)})


def _same(curve: Dataset, key: str, value: Any) -> bool:
    return key in curve.attrs and bool(np.all(curve.attrs[key] == value))
