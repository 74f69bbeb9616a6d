"""Tasks that differ in some parameters, whose arrays become dimensions of curves."""

__all__ = ["Tasks", "over_parameters"]

import functools
import inspect
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from typing import Any, TypeVar, cast

import numpy as np

from rfgen.problems.rules import instance, numbers
from rfgen.problems.settings import Noun, setting
from rfgen.problems.shown import short

F = TypeVar("F", bound=Callable[..., Any])

# Dimensions of parameters whose own name a curve has already, of its parts or of a training.
NOISE = "noise_variance"
CALLED = {"noise": NOISE, "rate": "decay_rate"}


class Tasks(Noun):
    """Tasks over the outer product of some parameters: `Tasks({"flip": [0, 0.1]}, lambda flip: Mixture(m, 1, flip=flip))`.

    Parameters
    ----------
    over
        {name: values (size,)}, the parameters and dimensions of curves, before those of the learner.
    build
        Gives the task of one value of each, by keyword.

    Notes
    -----
    `Task.power_law`, `exponential`, `isotropic` take lists and give this, `Task.sphere`, `gaussian_inputs` and
    `from_covariance` lists of noise, whose dimension is `noise_variance`, as curves have a part `noise`.
    `predict`, `simulate`, `check`, `optimal_ridge`, `optimal_stopping`, `overfitting_cost` and `best_possible` take it;
    simulations of all its tasks share their seeds, so that their differences are less uncertain than they are themselves.

    >>> from rfgen.problems.task import Task
    >>> tasks = Task.power_law(alpha=[1.2, 1.5], beta=1.5, noise=[0.1, 0.5, 1.0])
    >>> tasks
    Tasks(alpha=[1.2, 1.5], noise_variance=[0.1, 0.5, 1])
    >>> len(tasks.each), tasks.each[0]
    (6, Task.power_law(alpha=1.2, beta=1.5, modes=None, noise=0.1))
    """

    over: Mapping[str, Any]
    build: Callable[..., Any] = setting(instance(Callable, "a function of the parameters, by keyword"))
    each: tuple[Any, ...] = field(init=False, default=())

    def _relate(self) -> None:
        if not (isinstance(self.over, Mapping) and self.over and all(isinstance(name, str) for name in self.over)):
            raise ValueError(f"over must be {{name: values}}, such as {{'alpha': [1.2, 1.5]}}, got {self.over!r}")
        self._set(over={name: _values(name, values) for name, values in self.over.items()})
        try:
            inspect.signature(self.build).bind(**self.over)
        except (TypeError, ValueError):
            raise ValueError(f"build must take {', '.join(self.over)} by keyword, got {self.build!r}") from None
        made = [self.build(**point) for point in self._points()]
        if nested := [task for task in made if isinstance(task, Tasks)]:
            raise ValueError(f"build must give one task for one value of each parameter, got {nested[0]!r}")
        self._set(each=tuple(made))

    def _points(self) -> list[dict[str, Any]]:
        mesh = itertools.product(*(values.tolist() for values in self.over.values()))
        return [dict(zip(self.over, point, strict=True)) for point in mesh]

    def _shown(self) -> dict[str, str]:
        return {name: short(values) for name, values in self.over.items()}


def over_parameters(*names: str) -> Callable[[F], F]:
    """Decorates a class method that makes tasks: where one of the parameters `names` is a list, it gives `Tasks`."""

    def decorate(build: F) -> F:
        signature = inspect.signature(build)

        @functools.wraps(build)
        def call(*args: Any, **settings: Any) -> Any:
            try:
                owner, *_ = args
                given = dict(signature.bind(*args, **settings).arguments)
            except TypeError:
                return build(*args, **settings)  # which says what is missing
            swept = [name for name in names if _several(given.get(name))]
            if not swept:
                return build(*args, **settings)
            over = {CALLED.get(name, name): given.pop(name) for name in swept}
            first = next(iter(signature.parameters))
            alike = {name: value for name, value in given.items() if name != first}

            @functools.cache  # tasks that differ in their noise share what they are made of
            def one(**point: Any) -> Any:
                if NOISE in point:
                    noise = point.pop(NOISE)
                    return one(**point).with_noise(noise)
                return build(owner, **alike, **{name: point[CALLED.get(name, name)] for name in swept if name != "noise"})

            return Tasks(over, one)

        return cast("F", call)

    return decorate


def _several(value: Any) -> bool:
    """Whether a parameter that is one number has been given as a list or an array of them."""
    return (isinstance(value, Sequence) and not isinstance(value, str)) or getattr(value, "ndim", 0) == 1


def _values(name: str, values: Any) -> np.ndarray:
    checked, given = numbers(ndim=1)(name, values), np.asarray(values)
    return given if given.dtype.kind in "iu" else checked  # sizes stay whole numbers
