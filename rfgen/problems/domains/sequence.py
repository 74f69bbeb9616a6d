"""Who learns in stages: each on fresh rows, labelled by the truth or an earlier stage, started from 0 or from one."""

__all__ = ["TRUTH", "Sequence", "Stage"]

from collections.abc import Mapping
from typing import Any

import numpy as np

from rfgen.problems import validation
from rfgen.problems.learner import Learner
from rfgen.problems.rules import instance, optional
from rfgen.problems.settings import Noun, setting

# Labels of the domains' own teachers.
TRUTH = "truth"
_MAPPING = instance(Mapping, "a mapping of domains, such as {'real': 100}")


def _name(name: str, value: Any) -> str:
    if not (isinstance(value, str) and value.isidentifier()) or value == TRUTH:
        raise ValueError(f"{name} must be a word other than 'truth', such as 'weak', got {value!r}")
    return value


def _labels(name: str, value: Any) -> Any:
    words = value.values() if isinstance(value, Mapping) else [value]
    if not all(isinstance(one, str) for one in words):
        raise ValueError(f"{name} must be 'truth', a stage, or {{domain: one of these}}, got {value!r}")
    return value


class Stage(Noun):
    """One stage: `Stage("student", learner, n={"real": 100}, labels="teacher")`.

    Parameters
    ----------
    name
        a word.
    learner
        an `rg.Learner` by ridge or gradient training, with features of its own or none.
    n
        {domain: rows}: rows drawn afresh, a number or an array each.
    labels
        "truth", or the name of an earlier stage, whose predictions are the labels; or one of these for each domain.
    start
        an earlier stage: ridge pulls towards its weights, gradient training starts from them; None: from 0.
    weights
        {domain: weight of its rows}; 1 where left out.
    noise
        {domain: variance of the label noise}; where left out that of the domain for true labels, 0 for those of a stage.

    >>> from rfgen import GradientFlow
    >>> Stage("weak", Learner(GradientFlow(3.0)), n={"real": 60}).name
    'weak'
    """

    name: str = setting(_name)
    learner: Learner = setting(instance(Learner, "an rg.Learner"))
    n: Any = setting(_MAPPING)
    labels: Any = setting(_labels, default=TRUTH)
    start: Any = setting(optional(instance(str, "the name of an earlier stage")), default=None)
    weights: Any = setting(_MAPPING, default_factory=dict)
    noise: Any = setting(_MAPPING, default_factory=dict)

    def _relate(self) -> None:
        """Numbers of every domain; a learner of nothing but features."""
        if self.learner.augmentation is not None or self.learner.resampling is not None:
            raise ValueError(f"learner of stage {self.name!r} must be without augmentation and resampling: leave them out")
        training = self.learner.training
        if training.stochastic or np.any(training.initial_variance):
            raise ValueError(f"learner of stage {self.name!r} must be ridge or gradient training from 0, got {training!r}")
        for kind in ("n", "weights", "noise"):
            given = getattr(self, kind)
            self._set(**{kind: {
                name: validation.non_negative(f"{kind} of {name}", value) for name, value in given.items()
            }})
        if not self.n:
            raise ValueError(f"n of stage {self.name!r} must name at least one domain, got none")

    def label_of(self, domain: str) -> str:
        """Who labels the rows of a domain."""
        return self.labels.get(domain, TRUTH) if isinstance(self.labels, Mapping) else self.labels

    @property
    def axes(self) -> dict[str, np.ndarray]:
        """Rows, weights and settings by name: those that are arrays are dimensions `<stage>_<name>` of a curve."""
        axes = {f"n_{name}": value for name, value in self.n.items()}
        axes |= {f"weight_{name}": value for name, value in self.weights.items()}
        axes |= {f"noise_{name}": value for name, value in self.noise.items()}
        return {**axes, "features": self.learner.features, **self.learner.training.axes}


class Sequence(Noun):
    """Stages in order: `Sequence([Stage(...), Stage(...)])`, to be put in the learner's place on an `rg.Domains`.

    Every stage has fresh rows and features of its own.  What shares rows is no sequence: for distillation on the same
    inputs take `rg.IteratedRidge`.

    >>> from rfgen import GradientFlow
    >>> learner = Learner(GradientFlow(3.0))
    >>> first, second = Stage("old", learner, {"a": 50}), Stage("new", learner, {"b": 50}, start="old")
    >>> Sequence([first, second]).names
    ['old', 'new']
    """

    stages: Any = setting(instance(list | tuple, "a list of rg.Stage"))

    def _relate(self) -> None:
        """Stages know those before them."""
        known: list[str] = []
        for stage in self.stages:
            if not isinstance(stage, Stage):
                raise ValueError(f"stages must be rg.Stage, got {type(stage).__name__}")
            if stage.name in known:
                raise ValueError(f"stages must have names of their own, got {stage.name!r} twice")
            asked = [stage.label_of(name) for name in stage.n] + ([] if stage.start is None else [stage.start])
            if unknown := [name for name in asked if name != TRUTH and name not in known]:
                before = ", ".join(known) or "none"
                rule = f"must take labels and start from stages before it ({before})"
                raise ValueError(f"stage {stage.name!r} {rule}, got {unknown[0]!r}")
            known.append(stage.name)
        if not known:
            raise ValueError("stages must hold at least one rg.Stage, got none")
        self._set(stages=tuple(self.stages))

    @classmethod
    def collapse(
        cls, learner: Learner, n: Mapping[str, Any], generated: str, generations: int, noise: float = 0.0
    ) -> "Sequence":
        """Generations of models: each sees fresh rows of all domains of `n`, those of `generated` labelled by the model
        before it, with label noise of variance `noise`; the first by the truth.

        >>> from rfgen import GradientFlow
        >>> Sequence.collapse(Learner(GradientFlow(3.0)), {"real": 50, "made": 100}, "made", generations=3).names
        ['generation0', 'generation1', 'generation2']
        """
        if generated not in n:
            raise ValueError(f"generated must be one of the domains of n ({', '.join(n)}), got {generated!r}")
        stages = [Stage("generation0", learner, n)]
        for number in range(1, validation.integer("generations", generations, 1)):
            before = {generated: f"generation{number - 1}"}
            stages.append(Stage(f"generation{number}", learner, n, before, noise={generated: noise}))
        return cls(stages)

    @property
    def names(self) -> list[str]:
        """Of the stages, in order."""
        return [stage.name for stage in self.stages]

    @property
    def axes(self) -> dict[str, np.ndarray]:
        """Those of all stages that are arrays, as `<stage>_<name>`."""
        every = ((stage.name, name, axis) for stage in self.stages for name, axis in stage.axes.items())
        return {f"{stage}_{name}": axis for stage, name, axis in every if axis.ndim}
