"""Tasks that meet in one estimator: one for each sample space, and one whose inputs are tested."""

__all__ = ["TEST", "SpaceTasks"]

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from rfgen.problems.populations.population import GaussianModes
from rfgen.problems.task import Task

# The name under which the tested task stands beside the sample spaces.
TEST = "test"


@dataclass(frozen=True, eq=False)
class SpaceTasks:
    """The task of each sample space, by name, and the one tested, `TEST`.

    Modes are matched by their place: tasks have one eigenbasis, of eigenvalues in the order in which they were given, and
    target coefficients > 0 in it, so that equal tasks share their teacher.
    """

    tasks: Mapping[str, Task]

    @classmethod
    def of(cls, task: Any, samples: tuple[str, ...], test: Any) -> "SpaceTasks":
        """From what a verb is given: a task, or a mapping of sample spaces to tasks; ValueError where they do not fit."""
        if isinstance(task, Mapping):
            if missing := [name for name in samples if name not in task]:
                raise ValueError(f"task must have one for each of {', '.join(samples)}, got none for {', '.join(missing)}")
            if unknown := [name for name in task if name not in samples]:
                raise ValueError(f"task must be of {', '.join(samples)}, got one for {', '.join(map(str, unknown))}")
        tasks = {name: task[name] if isinstance(task, Mapping) else task for name in samples}
        if test is None and len({_checked(name, own) for name, own in tasks.items()}) > 1:
            raise ValueError("test is missing: tasks differ, so say on which the estimator is tested")
        tested = tasks[samples[0]] if test is None else test
        domains = cls({name: _checked(name, own) for name, own in (*tasks.items(), (TEST, tested))})
        domains._relate()
        return domains

    def _relate(self) -> None:
        first = self.tasks[TEST]
        for name, own in self.tasks.items():
            if own.eigenvalues.size != first.eigenvalues.size or not np.array_equal(
                _in_order(own, own.spectrum.multiplicity), _in_order(first, first.spectrum.multiplicity)
            ):
                raise ValueError(
                    f"the task of {name} must have the modes of the one tested, in the same order, got "
                    f"{own.eigenvalues.size} eigenvalues for {first.eigenvalues.size}"
                )
            if own.outputs != first.outputs:
                raise ValueError(f"the task of {name} must have {first.outputs} output(s), got {own.outputs}")
            if own.spectrum.infinite and own.spectrum != first.spectrum:
                raise ValueError(f"the task of {name} must have finitely many modes beside another: give modes=")

    @cached_property
    def leaders(self) -> dict[str, str]:
        """For each name the first one of the same task."""
        first: dict[Task, str] = {}
        return {name: first.setdefault(own, name) for name, own in self.tasks.items()}

    @cached_property
    def own(self) -> dict[str, Task]:
        """The different tasks by the names that lead."""
        return {name: self.tasks[name] for name in dict.fromkeys(self.leaders.values())}

    @property
    def shared_spectrum(self) -> bool:
        """Whether all have the same eigenvalues."""
        first = self.tasks[TEST]
        values = _in_order(first, first.eigenvalues)
        return all(np.array_equal(_in_order(own, own.eigenvalues), values) for own in self.own.values())

    @property
    def multiplicity(self) -> np.ndarray:
        """Modes of each level (levels,), in the order given."""
        first = self.tasks[TEST]
        return _in_order(first, first.spectrum.multiplicity)

    @property
    def eigenvalues(self) -> dict[str, np.ndarray]:
        """(levels,) in the order given, of each different task."""
        return {name: _in_order(own, own.eigenvalues) for name, own in self.own.items()}

    @property
    def coefficients(self) -> dict[str, np.ndarray]:
        """Target coefficients >= 0 of each different task, (outputs, levels), of all modes of a level together; 0 where the
        eigenvalue is 0, and of a tail's end correction, whose weight is negative, those of its absolute value.
        """
        seen = {name: np.where(own.spectrum.learnable, np.abs(own.power), 0.0) for name, own in self.own.items()}
        return {name: np.sqrt([_in_order(self.own[name], row) for row in power]) for name, power in seen.items()}

    def unseen(self, name: str) -> np.ndarray:
        """Variance (outputs,) of labels that no weights explain: noise, and power outside the modes."""
        own = self.tasks[name]
        return own.noise + own.null_power + own.power[:, ~own.spectrum.learnable].sum(axis=1)


def _checked(name: str, task: Any) -> Task:
    if not isinstance(task, Task):
        raise ValueError(f"the task of {name} must be an rg.Task, got {type(task).__name__}")
    if not isinstance(task.population, GaussianModes):
        raise ValueError(
            f"the task of {name} must have Gaussian modes for an estimator of rg.algebra, got {task!r}: take "
            "rg.Task(task.eigenvalues, task.power, task.noise, task.spectrum.multiplicity)"
        )
    if task.keep_outputs:
        raise ValueError(f"the task of {name} must have keep_outputs=False for an rg.algebra.Estimator: errors are summed")
    return task


def _in_order(task: Task, values: np.ndarray) -> np.ndarray:
    """Values of levels in the order in which eigenvalues were given."""
    found = np.empty_like(values)
    found[task.spectrum.order] = values
    return found
