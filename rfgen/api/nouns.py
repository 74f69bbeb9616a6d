"""The nouns that verbs take and check, and what they say where a theory is biased."""

__all__ = [
    "AnyLearner", "AnyTask", "TasksOfSpaces", "checked_axes", "in_modes", "outputs_kept", "refuse_held_out",
    "refuse_views_of_inputs", "warn_small_population", "with_strengths",
]

from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np

from rfgen.curves.cells.run import checked_sizes
from rfgen.numerics.compilation.caller import warn_caller
from rfgen.problems.augmentations.base import AbstractAugmentation
from rfgen.problems.classes.class_groups import ClassGroups
from rfgen.problems.classes.mixture import Mixture
from rfgen.problems.classes.teacher import Teacher
from rfgen.problems.data_task import DataTask
from rfgen.problems.domains.sequence import Sequence
from rfgen.problems.learner import Learner
from rfgen.problems.populations.examples import FinitePopulation
from rfgen.problems.populations.gaussian_inputs import GaussianInputs
from rfgen.problems.populations.kernel_inputs import KernelInputs
from rfgen.problems.system_task import SystemTask
from rfgen.problems.task import Task
from rfgen.problems.tasks import Tasks
from rfgen.systems.sparse.problem import SparseRegression
from rfgen.systems.xor.problem import TwoLayerReLU, XORClusters

AnyTask: TypeAlias = Task | Tasks | DataTask | Mixture | ClassGroups | Teacher | SparseRegression | XORClusters | SystemTask
# Of expressions: one task, or one for each sample space.
TasksOfSpaces: TypeAlias = Task | Mapping[str, Task]
AnyLearner: TypeAlias = Learner | TwoLayerReLU | Sequence

# Degrees of freedom per example of a finite population beyond which repeated rows are seen: at 0.067 (a neural tangent
# kernel on 200 of 1,797 digits) the test risk is 3 % above theory and the training error 10 % below.
MOST_DF1_PER_EXAMPLE = 0.03


def in_modes(task: Task | DataTask) -> Task:
    """The task in eigen-coordinates."""
    return task.eigen if isinstance(task, DataTask) else task


def outputs_kept(task: Task) -> tuple[int, ...]:
    """The inner dimension of what is known of each output."""
    return (task.outputs,) if task.keep_outputs else ()


def checked_axes(task: Task | DataTask, learner: Learner, n: Any) -> dict[str, np.ndarray]:
    """The axes of the outer product, checked."""
    initial = getattr(in_modes(task).population, "initial_kernel", None)
    if learner.augmentation is not None and initial is not None:
        raise ValueError(
            "augmentation is not covered for a task with an initial network, which sees the views where the target is that "
            f"of the clean input: use the task without, got {learner.augmentation!r}"
        )
    training: Any = learner.training
    leaves = () if learner.augmentation is None else learner.augmentation.leaves
    if training.needs_samples and any(getattr(leaf, "partner", "set") == "fresh" for leaf in leaves):
        raise ValueError(
            'partner must be "set" where there is a training set to take partners from, got "fresh", which is for '
            "rg.OnePassSGD"
        )
    own_rows = learner.augmentation is not None or learner.resampling is not None
    if own_rows and np.any(getattr(training, "ridge", 0.0) < 0.0):
        raise ValueError(
            f"ridge must be >= 0 with an augmentation or resampling, got {np.min(training.ridge):g}: leave these out for a "
            "negative ridge"
        )
    axes = {"features": learner.features, **training.axes}
    if not training.needs_samples:
        if n is not None:
            raise ValueError(f"n must be left out: {training!r} sees steps * batch fresh samples, no set of n; got {n!r}")
        return axes
    axes = {"n": checked_sizes(n), **axes}
    if np.max(axes["n"]) >= in_modes(task).held_out_of:
        raise ValueError(
            f"n must be below the {in_modes(task).held_out_of:g} examples of the task, as those not drawn are tested, got "
            f"{np.max(axes['n']):g}: rg.learning_curve tells of as many rows and more"
        )
    batch = axes.get("batch")
    if batch is not None and np.max(batch) > np.min(axes["n"]):
        raise ValueError(f"batch must be at most n, got batch {np.max(batch)} and n = {np.min(axes['n']):g}")
    return axes


def with_strengths(axes: dict[str, np.ndarray], augmentation: AbstractAugmentation | None) -> dict[str, np.ndarray]:
    """`axes`, and behind them those of the augmentation: `view_rate` is its own where the training has a `rate`."""
    strengths = {} if augmentation is None else augmentation.axes
    return {**axes, **{f"view_{name}" if name in axes else name: axis for name, axis in strengths.items()}}


def refuse_views_of_inputs(task: Task | DataTask, learner: Learner) -> None:
    """Refuse, in stochastic training, augmentations of inputs: what is known is the law of views of eigen-coordinates."""
    inputs = isinstance(task, DataTask) or isinstance(task.population, GaussianInputs | KernelInputs)
    if learner.augmentation is not None and learner.training.stochastic and inputs:
        kind = "in many passes" if learner.training.needs_samples else "along one pass"
        simulated = ", or rg.simulate" if isinstance(task, DataTask) else ""
        raise ValueError(
            f"augmentation {kind} acts on eigen-coordinates, and this task has inputs: use Task(eigenvalues, power, "
            f"multiplicity=...) with the same levels{simulated}, or leave augmentation out, got {learner.augmentation!r}"
        )


def refuse_held_out(task: Task | DataTask, learner: Learner | None, what: str = "") -> None:
    """Refuse what is predicted for independent rows alone: `what`, or an option of the `learner`."""
    if np.isinf(in_modes(task).held_out_of):
        return
    options = {} if learner is None else {
        # of eigen-coordinates it is
        "initial_variance with an augmentation": True
        if isinstance(task, DataTask) and learner.augmentation is not None and learner.training.initial_variance.any()
        else None,
        "initial_variance of each level": True if learner.training.initial_variance.ndim else None,
    }
    names = [what] if what else [name for name, value in options.items() if value is not None]
    if names:
        raise ValueError(
            f"{names[0]} is not predicted for rows drawn without replacement: make the task with sampling='with "
            "replacement', whose examples are a population that rows are drawn from again and again"
            + (", or use rg.simulate" if learner is not None and learner.training.needs_samples else "")
        )


def warn_small_population(task: Task, df1: np.ndarray) -> None:
    """Say so where a finite population is too small: its rows repeat, and a learner that fits them exactly knows them."""
    if not isinstance(task.population, FinitePopulation) or task.population.held_out:
        return
    examples = task.population.labels.shape[0]
    share = float(np.nanmax(df1)) / examples
    if share > MOST_DF1_PER_EXAMPLE:
        warn_caller(
            f"degrees of freedom reach {share:.2g} of the {examples} examples of the population: rows drawn from so few "
            f"examples repeat, and theory and simulation differ by a relative error of about that size; use smaller n, "
            "a larger ridge, more examples, or sampling='without replacement' and the risk of those left out"
        )
