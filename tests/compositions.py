"""Every composition of the table of methods, walked to where the computation would begin.

`python -m tests.compositions` walks all cells and prints how many are served, refused, failed inside.  A cell is a verb, a
task, a training and what is asked for beside them; it is served where a program is called or trials are drawn.
"""

__all__ = ["SERVED", "Reached", "cells", "outcome", "walking"]

import contextlib
import itertools
import sys
import warnings
from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np

import rfgen as rg
from rfgen.api.methods.table import METHODS
from rfgen.numerics.compilation import program as programs

SERVED = "served"
DIM, N = 8, 12
_SIGNS = np.where(np.arange(40) % 2 == 0, 1.0, -1.0)
_ROWS = np.sin(np.outer(np.arange(1, 41), np.arange(1, DIM + 1)))
TASK = rg.Task.isotropic(DIM, noise=0.1)
TASKS = {
    rg.Task: TASK, rg.DataTask: rg.DataTask(_ROWS, _SIGNS), rg.Mixture: rg.Mixture(np.full(DIM, 0.5), np.ones(DIM)),
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
            if isinstance(training, row.trainings) and not attacked:
                for verb in VERBS:
                    if verb in row.covers:
                        yield from ((verb, TASKS[kind], training, *one) for one in asked)


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
    found: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    with walking():
        for cell in cells():
            try:
                said = outcome(cell)
            except Exception as error:  # noqa: BLE001 - a failure of any kind is told
                found["failed"] += 1
                print(cell, type(error).__name__, str(error)[:200])
                continue
            found[SERVED if said == SERVED else "refused"] += 1
            reasons[f"{cell[0]} {type(cell[2]).__name__}: {said[:90]}"] += said != SERVED
    print(dict(found), f"refused: {found['refused'] / sum(found.values()):.1%}")
    for reason, count in reasons.most_common(40):
        print(count, reason)


if __name__ == "__main__":
    main()
