"""A method: which nouns it serves, how it is predicted and measured, what it covers; and one voice to refuse in."""

__all__ = ["OPTIONS", "Method", "asked", "public"]

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

# What may be asked for beyond a task, a learner and sizes, each with what becomes of it when it is left out.
OPTIONS = {
    "features": "features=None: the full kernel",
    "augmentation": "augmentation=None: clean samples",
    "test_views": "test_views=None: clean test inputs",
    "resampling": "resampling=None: all samples, once",
    "members": "members=None: a single model",
    "intercept": "intercept=False: center the targets",
    "negative_ridge": "ridge >= 0",
    "initial_variance": "initial_variance=0: weights that start from 0",
    "reshuffle": "reshuffle=False: batches with replacement",
    "form": "form=None: the form that is right",
    "by_mode": "by_mode=False: sums over modes",
    "dtype": "dtype='float64'",
    "test_rows": "test_rows='population'",
    "weights": "weights=None: all rows count alike",
    "test": "test=None: the population of the rows",
}
DEFAULTS = {"by_mode": False, "dtype": "float64", "test_rows": "population"}


@dataclass(frozen=True)
class Method:
    """One row of the table of methods.

    It serves `trainings` on `tasks`.  `theory(task, learner, n, **options)` gives the exact curve and
    `simulation(task, learner, n, runs, **options)` the measured one of so many runs, as Datasets, for the options that
    `covers` lists under "predict" and "simulate"; other verbs are those of `covers`.  `measured`: variables
    that `check` compares, each with its `_se` in the simulation; `decided`: those that decide.  `dtype`: of its simulation
    unless another is asked for.  `finite_size`: what `check` grants, in units of the curve's figure; from the scale study
    (`docs/scale.md`) where that is more than 1.  `reasons`: why an option that may be looked for is not there.
    """

    name: str
    tasks: tuple[type, ...]
    trainings: tuple[type, ...]
    theory: Callable[..., Any]
    simulation: Callable[..., Any]
    measured: tuple[str, ...]
    decided: tuple[str, ...]
    covers: Mapping[str, frozenset[str]]
    dtype: str = "float64"
    finite_size: float = 1.0
    reasons: Mapping[str, str] = field(default_factory=dict)

    @property
    def about(self) -> str:
        """What the method gives, where it is exact, and how it is measured: the documentation of its two functions."""
        return "\n\n".join(inspect.getdoc(function) or "" for function in (self.theory, self.simulation))

    def refuse(self, verb: str, options: Mapping[str, Any], table: tuple["Method", ...]) -> None:
        """ValueError for the first of `options` that `verb` does not cover here, with the nearest that does."""
        if verb not in self.covers:
            others = [one for one in table if verb in one.covers]
            tasks = " or ".join(dict.fromkeys(public(task) for one in others for task in one.tasks))
            raise ValueError(f"{verb} is not there for {self.name}: it takes {_trainings(others)} on {tasks}")
        for option, value in options.items():
            if option not in self.covers[verb] and not (option == "dtype" and value == self.dtype):
                why = f", {self.reasons[option]}" if option in self.reasons else ""
                remedy = self._remedy(verb, option, table)
                raise ValueError(f"{option} is not covered by {verb} for {self.name}, got {value!r}{why}: {remedy}")

    def _remedy(self, verb: str, option: str, table: tuple["Method", ...]) -> str:
        """The nearest that covers the option: another verb, another training of the same tasks, another method."""
        leave = f"leave it out ({OPTIONS[option]})"
        verbs = [other for other, covered in self.covers.items() if option in covered and _kin(verb, other)]
        rows = [one for one in table if option in one.covers.get(verb, ())]
        near = [public(one.trainings[0]) for one in rows if set(one.tasks) & set(self.tasks)]
        if verbs:
            return f"use rg.{verbs[0]}, or {leave}"
        if near:
            return f"train by {' or '.join(near[:2])}, or {leave}"
        if rows:
            return f"it is there for {' and '.join(one.name for one in rows[:2])}; {leave}"
        return leave


def public(kind: type) -> str:
    """How users write the name of a noun."""
    return f"rg.{'algebra.' if kind.__module__.startswith('rfgen.algebra') else ''}{kind.__name__}"


def _kin(verb: str, other: str) -> bool:
    """Whether `other` answers much of what `verb` is asked."""
    return (verb, other) == ("predict", "simulate") or (verb.startswith("optimal_") and other.startswith("optimal_"))


def asked(learner: Any, **options: Any) -> dict[str, Any]:
    """The options asked for, by the learner or by the call, with their values."""
    training = getattr(learner, "training", None)
    wanted = {name: getattr(learner, name, None) for name in ("augmentation", "test_views", "resampling")}
    features = getattr(learner, "features", np.inf)
    wanted["features"] = None if np.isinf(features).all() else features
    for name in ("intercept", "reshuffle"):
        wanted[name] = getattr(training, name, False) or None
    initial = getattr(training, "initial_variance", None)
    wanted["initial_variance"] = initial if initial is not None and np.any(initial) else None
    wanted["negative_ridge"] = ridge if np.any((ridge := getattr(training, "ridge", np.zeros(()))) < 0.0) else None
    for name, value in options.items():
        wanted[name] = None if isinstance(value, bool | str) and value == DEFAULTS.get(name) else value
    return {name: value for name, value in wanted.items() if value is not None}


def _trainings(methods: list[Method]) -> str:
    names = dict.fromkeys(public(training) for method in methods for training in method.trainings)
    return " or ".join(names)
