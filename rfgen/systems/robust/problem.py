"""Linear regression under noise that need not be normal, and trainings by convex losses of the residual."""

__all__ = ["Absolute", "AbstractRobustTraining", "Huber", "NoisyTask", "Quantile", "force_of", "kind_of", "regression_of"]

from typing import Any

import numpy as np

from rfgen.problems.populations.population import GaussianModes
from rfgen.problems.rules import flag, instance, numbers
from rfgen.problems.settings import setting
from rfgen.problems.system_task import SystemTask
from rfgen.problems.task import Task
from rfgen.problems.trainings.classifier import AdversarialTraining
from rfgen.problems.trainings.spectral import AbstractTraining, Ridge
from rfgen.problems.validation import non_negative, positive
from rfgen.systems.robust.noise_laws import AbstractNoise


class NoisyTask(SystemTask):
    """A `task` of one output and finitely many Gaussian modes whose labels have noise of another law, beside its own.

    `noise`: an `rg.StudentNoise`, `rg.LaplaceNoise` or `rg.ContaminatedNoise`; the normal noise of the task is added to it.

    >>> from rfgen import StudentNoise
    >>> NoisyTask(Task.isotropic(50), StudentNoise(dof=2.0))
    NoisyTask(task=Task.isotropic(dim=50, signal=1, noise=0), noise=StudentNoise(dof=2))
    """

    task: Task = setting(instance(Task, "an rg.Task, such as rg.Task.isotropic(50)"))
    noise: AbstractNoise = setting(
        instance(AbstractNoise, "a law of noise, such as rg.StudentNoise(dof=2.0); normal noise is rg.Task(..., noise=0.1)")
    )

    def _relate(self) -> None:
        """Modes that are normal, finitely many, and one output."""
        regression_of(self.task)


def regression_of(task: Any) -> tuple[Task, AbstractNoise | None]:
    """The task, and the law of noise beside its own normal one or None; refuses what is no linear regression."""
    inner, law = (task.task, task.noise) if isinstance(task, NoisyTask) else (task, None)
    if not isinstance(inner.population, GaussianModes) or inner.spectrum.infinite or inner.outputs > 1:
        raise ValueError(
            f"losses of the residual need a task of one output and finitely many Gaussian modes, such as "
            f"rg.Task(eigenvalues, power), got {inner!r}"
        )
    return inner, law


class AbstractRobustTraining(AbstractTraining):
    """What these share: the force of a row, the loss' slope at its residual, is clip(residual / softness, low, high)."""

    intercept = False  # no annotation: a field, after the ridge of those that have one


class Huber(AbstractRobustTraining):
    """Huber regression: minimise `sum_i rho(y_i - f(x_i)) + (ridge/2) ||w||^2`, rho(r) = r^2/2 for |r| <= threshold, and
    threshold |r| - threshold^2/2 beyond.

    `ridge` >= 0 and `threshold` > 0 are numbers or arrays (ridges,), (thresholds,); a large threshold is `Ridge(ridge)`.
    `intercept`: f(x) = w.x + b, b not penalised.

    >>> Huber(0.1, threshold=[1.0, 2.0])
    Huber(ridge=0.1, threshold=[1, 2])
    """

    ridge: Any = setting(non_negative, axis=True)
    threshold: Any = setting(positive, default=1.0, axis=True)
    intercept: bool = setting(flag, default=False)


class Absolute(AbstractRobustTraining):
    """Least absolute deviations: minimise `sum_i |y_i - f(x_i)| + (ridge/2) ||w||^2`.

    `ridge` and `intercept` as in `Huber`.

    >>> Absolute(1.0)
    Absolute(ridge=1)
    """

    ridge: Any = setting(non_negative, axis=True)
    intercept: bool = setting(flag, default=False)


class Quantile(AbstractRobustTraining):
    """Quantile regression: minimise `sum_i rho(y_i - f(x_i)) + (ridge/2) ||w||^2`, rho(r) = level r for r > 0, and
    (level - 1) r below.

    `level` in (0, 1), a number or an array (levels,): 1/2 is `Absolute(2 ridge)`.  `ridge` and `intercept` as in `Huber`;
    the intercept is what follows the quantile of the noise.

    >>> Quantile(0.1, level=0.9, intercept=True)
    Quantile(ridge=0.1, level=0.9, intercept=True)
    """

    ridge: Any = setting(non_negative, axis=True)
    level: Any = setting(numbers("(0, 1)"), default=0.5, axis=True)
    intercept: bool = setting(flag, default=False)


def kind_of(training: AbstractTraining) -> str:
    """Whether it is by squares ("ridge"), these under attack ("attacked"), or by a loss whose force is "clipped".

    >>> kind_of(Absolute(1.0))
    'clipped'
    """
    return {Ridge: "ridge", AdversarialTraining: "attacked"}.get(type(training), "clipped")


def force_of(training: AbstractRobustTraining, shape: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    """Softness, and the bounds of the force, at `shape`, a threshold or a level."""
    if isinstance(training, Huber):
        return 1.0, -shape, shape
    if isinstance(training, Quantile):
        return 0.0, shape - 1.0, shape
    return 0.0, -np.ones_like(shape), np.ones_like(shape)
