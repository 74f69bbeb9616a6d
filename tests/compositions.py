"""Every composition of the table of methods, walked to where the computation would begin.

A cell is a verb, a task, a training and what is asked for beside them; it is served where a program is called or trials are
drawn.  What is refused has no meaning, `meaningless`, or is a hole: there is such an object, and it is not derived.
`python -m tests.compositions` walks all cells and prints the table of `docs/limits.md` and the commonest holes.
"""

__all__ = ["FIRST", "SERVED", "Reached", "cells", "counted", "meaningless", "method_of", "outcome", "table", "walking"]

import contextlib
import itertools
import sys
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

import rfgen as rg
from rfgen.api.methods.table import METHODS
from rfgen.numerics.compilation import program as programs

SERVED = "served"
DIM, N = 8, 12
_SIGNS = np.where(np.arange(40) % 2 == 0, 1.0, -1.0)
_ROWS = np.sin(np.outer(np.arange(1, 41), np.arange(1, DIM + 1)))
_IMAGES = _ROWS.reshape(40, 2, 4)
TASK = rg.Task.isotropic(DIM, noise=0.1)
TASKS = {
    rg.Task: TASK, rg.DataTask: rg.DataTask(_IMAGES, _SIGNS), rg.Mixture: rg.Mixture(np.full(DIM, 0.5), np.ones(DIM)),
    rg.ClassGroups: rg.ClassGroups([6, 6], [1, -1], [np.ones(DIM), -np.ones(DIM)], np.ones(DIM)),
    rg.Teacher: rg.Teacher(np.ones(DIM), np.ones(DIM), link="probit", scale=0.5),
    rg.LabelledFeatures: rg.LabelledFeatures(_ROWS, _SIGNS),
    rg.SparseRegression: rg.SparseRegression.equal(DIM, 2, noise=0.1),
    rg.NoisyTask: rg.NoisyTask(TASK, rg.LaplaceNoise(1.0)), rg.Domains: rg.Domains({"a": TASK}),
}
TRAININGS = [
    rg.Ridge(0.1), rg.GradientFlow(1.0), rg.GradientDescent(0.1, steps=3),
    rg.HeavyBall(0.1, 0.5, steps=3),
    rg.Nesterov(0.1, steps=3), rg.Chebyshev(0.1, 2.0, steps=3), rg.IteratedRidge(0.1, steps=2), rg.SGD(0.1, steps=3),
    rg.OnePassSGD(0.1, steps=3),
    rg.AcceleratedSGD(0.9, 0.1, 0.1, 0.1, steps=3), rg.DANA(0.1, 0.01, steps=3), rg.Logistic(1.0),
    rg.Hinge(1.0), rg.SmoothedHinge(1.0), rg.SquaredHinge(1.0), rg.MaxMargin(), rg.Averaging(), rg.LDA(),
    rg.AdversarialTraining(rg.Logistic(1.0), 0.1), rg.AdversarialTraining(rg.Ridge(0.1), 0.1),
    rg.Lasso(1.0), rg.Huber(0.1), rg.Absolute(0.1), rg.Quantile(0.5, 0.1),
]
AUGMENTATIONS = [
    None, rg.GaussianNoise(0.1, views=2), rg.GaussianNoise(0.1, views=np.inf), rg.Mask(0.7, views=2),
    rg.SaltAndPepper(0.9, 1.0),
    rg.Gain([0.5, 1.5], views=2), rg.Gain([0.5, 1.5], views=np.inf), rg.Flip(views=2), rg.Jitter(0.3, 2), rg.Cutout(2),
    rg.LabelSmoothing(0.2), rg.Mixup(1.0, views=2), rg.Mixup(1.0, views=np.inf),
    rg.Compose([rg.Mask(0.8), rg.GaussianNoise(0.1)], views=2), rg.Compose([rg.Gain([0.5, 1.5]), rg.GaussianNoise(0.1)]),
    rg.Augmentation(lambda key, x: 0.5 * x),
]
VERBS = ("predict", "simulate", "optimal_ridge", "optimal_stopping", "optimal_augmentation")
# Methods that there were before losses met augmentations: new ones, with few options as a rule, do not move their share.
# Of these cells 2,510 were served then, 2,730 had no meaning and 9,352 were holes.
FIRST = (
    "ridge regression", "gradient training", "self-distillation", "many passes of SGD", "one pass of SGD",
    "linear classifiers", "adversarial training", "classifiers of a teacher's labels", "sparse regression",
)
KINDS = ("served", "no meaning", "hole")


class Reached(Exception):
    """The computation would begin."""


def cells() -> Iterator[tuple[Any, ...]]:
    """Verb, task, training, augmentation, features, resampling and members, for all pairs that the table has."""
    asked = list(itertools.product(AUGMENTATIONS, (None, 6), (None, rg.Bootstrap()), (None, 2)))
    for row in METHODS:
        pairs = itertools.product([kind for kind in TASKS if kind in row.tasks], TRAININGS)
        for kind, training in pairs:
            squares = isinstance(getattr(training, "training", None), rg.Ridge)  # under attack: for regression alone
            attacked = isinstance(training, rg.AdversarialTraining) and squares != (kind in (rg.Task, rg.NoisyTask))
            if method_of(TASKS[kind], training) == row.name and not attacked:
                for verb in VERBS:
                    if verb in row.covers:
                        yield from ((verb, TASKS[kind], training, *one) for one in asked)


def method_of(task: Any, training: Any) -> str | None:
    """Name of the method that serves them, None where none does."""
    rows = (row for row in METHODS if isinstance(task, row.tasks) and isinstance(training, row.trainings))
    return next((row.name for row in rows), None)


def meaningless(cell: tuple[Any, ...]) -> str:
    """Why there is no such object, empty where there is one."""
    verb, task, training, augmentation, features, resampling, members = cell
    streams = isinstance(training, rg.OnePassSGD | rg.AcceleratedSGD | rg.DANA)
    alike = features is None and resampling is None and not isinstance(training, rg.SGD)
    own = type(augmentation) is rg.Augmentation
    fixed = own or isinstance(augmentation, rg.Gain | rg.Cutout | None)
    soft = isinstance(augmentation, rg.LabelSmoothing | rg.Mixup)
    endless = augmentation is not None and augmentation.views == np.inf
    if verb in ("predict", "simulate") and members is not None and alike:
        return "members without features, rows or batches of their own are one model"
    if resampling is not None and streams:
        return "a stream of fresh samples is no set to draw from again"
    if own and isinstance(task, rg.Task | rg.NoisyTask):
        return "functions of inputs act on no eigen-coordinates"
    if verb == "optimal_augmentation" and fixed:
        return "augmentations without a continuous strength have no best one"
    if soft and isinstance(training, rg.LDA | rg.MaxMargin):
        return "rows of two labels at once belong to no class"
    if endless and isinstance(training, rg.MaxMargin) and isinstance(augmentation, rg.GaussianNoise):
        return "no plane has infinitely many noisy views right"
    return ""


def counted(chosen: Iterable[tuple[Any, ...]]) -> tuple[dict[str, Counter[str]], Counter[str]]:
    """By method how many cells are of each kind, and of how many holes each sentence is, behind verb and training; within
    `walking`.
    """
    found: dict[str, Counter[str]] = {row.name: Counter() for row in METHODS}
    sentences: Counter[str] = Counter()
    for cell in chosen:
        said, name = outcome(cell), str(method_of(cell[1], cell[2]))
        kind = "served" if said == SERVED else "no meaning" if meaningless(cell) else "hole"
        found[name][kind] += 1
        if kind != "served":
            sentences[f"{cell[0]} {type(cell[2]).__name__}: {said}"] += kind == "hole"
    return {name: counts for name, counts in found.items() if counts}, sentences


def table(found: dict[str, Counter[str]]) -> str:
    """Of the counts by method, in Markdown."""
    first = sum((found[name] for name in FIRST), Counter())
    lines = [("method", *KINDS), ("---",) * 4]
    lines += [(name, *(f"{counts[kind]:,}" for kind in KINDS)) for name, counts in found.items()]
    lines += [("the first nine, together", *(f"{first[kind]:,}" for kind in KINDS))]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


@contextlib.contextmanager
def walking() -> Iterator[None]:
    """Programs and trials raise `Reached`."""

    class Stopped:
        @property
        def options(self) -> bool:
            raise Reached

    def stop(*_: Any, **__: Any) -> Any:
        raise Reached

    names = ("run_cells", "measured_curve", "minimize_scalar")
    held = [
        (module, name, vars(module)[name]) for key, module in list(sys.modules.items()) if key.startswith("rfgen")
        for name in names if name in vars(module)
    ]
    known, programs._Known = programs._Known, Stopped()
    for module, name, _ in held:
        setattr(module, name, stop)
    try:
        yield
    finally:
        programs._Known = known
        for module, name, value in held:
            setattr(module, name, value)


def outcome(cell: tuple[Any, ...]) -> str:
    """`SERVED`, the sentence of the refusal, or raises."""
    verb, task, training, augmentation, features, resampling, members = cell
    extra = {} if members is None or verb not in ("predict", "simulate") else {"members": members}
    drawn = {"trials": 1} if verb == "simulate" else {}
    one_pass = isinstance(training, rg.OnePassSGD | rg.AcceleratedSGD | rg.DANA)
    n = {} if one_pass else {"n": {"a": N} if isinstance(task, rg.Domains) and verb in ("predict", "simulate") else N}
    try:
        learner = rg.Learner(training, features=features, augmentation=augmentation, resampling=resampling)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            getattr(rg, verb)(task, learner, **n, **extra, **drawn)
    except Reached:
        return SERVED
    except ValueError as refused:
        return str(refused)
    return SERVED


def main() -> None:
    with walking():
        found, sentences = counted(cells())
    print(table(found))
    for said, count in sentences.most_common(40):
        print(count, said[:140])


if __name__ == "__main__":
    main()
