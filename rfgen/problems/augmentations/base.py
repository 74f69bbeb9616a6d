"""What an augmentation is: a random map of one input (and its label) to one view of it."""

__all__ = ["AbstractAugmentation", "Augmentation", "View"]

import itertools
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import replace
from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp

from rfgen.problems.augmentations.mode_law import ModeLaw
from rfgen.problems.rules import flag, function, view_counts
from rfgen.problems.settings import Noun, setting


class View(NamedTuple):
    """One view: the changed `input`, and its label `own * y + partner * y_partner + offset`."""

    input: Any
    own: Any = 1.0
    partner: Any = 0.0
    offset: Any = 0.0


class AbstractAugmentation(Noun, ABC):
    """A law of views; each training sample gives `views` of them, independent, averaged in the training objective.

    `views` is a whole number >= 1, `math.inf` (the population limit), or an array of them.  Further settings may be arrays
    too, its `strengths`: a curve has one dimension for each array.  `moments_suffice` declares whether quadratic forms
    of the view noise concentrate (many small independent changes), so that first and second moments of the views
    determine every curve; where one random parameter moves the whole view they do not, and curves condition on it.
    """

    # whether views mix an input with another of the training set
    mixes: ClassVar[bool] = False
    moments_suffice = False  # no annotation: a field in `Augmentation`

    @property
    @abstractmethod
    def views(self) -> Any:
        """Views per training sample."""

    @abstractmethod
    def view(self, key: jax.Array, x: jax.Array, partner: jax.Array) -> View:
        """One view of one input `x`; `partner` is another input of the training set (used if `mixes`)."""

    def mode_view(self, key: jax.Array, x: jax.Array, partner: jax.Array) -> View:
        """One view of one vector of eigen-coordinates (modes,): what `mode_law` describes."""
        return self.view(key, x, partner)

    def mode_law(self, modes: float) -> ModeLaw:
        """How `modes` (maybe inf) eigen-coordinates are changed; a ValueError where only images can be."""
        del modes
        kinds = AbstractAugmentation.__subclasses__()
        known = sorted(kind.__name__ for kind in kinds if kind.mode_law is not AbstractAugmentation.mode_law)
        raise ValueError(
            f"{type(self).__name__} acts on inputs, not on eigen-coordinates: use it with rg.DataTask, or use "
            f"{', '.join(known[:-1])} or {known[-1]} with this task"
        )

    def patterns(self, shape: tuple[int, ...]) -> tuple[tuple[float, "AbstractAugmentation"], ...] | None:
        """Probabilities and laws of a view given the parameter that moves it as a whole, for inputs of `shape`.

        One certain pattern where moments suffice; None where the parameter takes too many values to list.
        """
        del shape
        return ((1.0, self),) if self.moments_suffice else None

    @property
    def leaves(self) -> tuple["AbstractAugmentation", ...]:
        """The augmentations that this one is made of: itself, or its parts."""
        return (self,)

    @property
    def strengths(self) -> tuple[str, ...]:
        """Settings, but `views`, that may be arrays."""
        return tuple(name for name in self._axes if name != "views")

    @property
    def settings(self) -> "list[AbstractAugmentation]":
        """The augmentation at each point of the product of its axes that are arrays, the last one fastest."""
        arrays = {name: axis for name, axis in self.axes.items() if axis.ndim}
        if not arrays:
            return [self]
        return [self.at(**dict(zip(arrays, values, strict=True))) for values in itertools.product(*arrays.values())]

    def at(self, **values: Any) -> Any:
        """The same augmentation at other values, given by the names of `axes`."""
        named = {dimension: name for name, dimension in self._axes.items()}
        return replace(self, **{named[dimension]: value for dimension, value in values.items()})


class Augmentation(AbstractAugmentation):
    """Any function of your own: `Augmentation(function, views=1)`, `function(key, x) -> x'` on one input.

    `key` is a JAX random key, `x` one input in the shape it has in `DataTask.inputs`; shape must be kept and values finite.
    Functions written with jax.numpy are mapped over all inputs at once, others are called input by input.
    `moments_suffice` declares that the change is many small independent ones.

    >>> import jax, jax.numpy as jnp
    >>> darker = Augmentation(lambda key, x: x * jax.random.uniform(key, minval=0.5), views=4)
    >>> darker.moments_suffice
    True
    """

    function: Callable[[jax.Array, Any], Any] = setting(function("a callable (key, x) -> x'"))
    views: Any = setting(view_counts, default=1, axis=True)
    moments_suffice: bool = setting(flag, default=True)

    def view(self, key: jax.Array, x: jax.Array, partner: jax.Array) -> View:
        """The function's value, checked for its shape."""
        del partner
        try:
            changed = jnp.asarray(self.function(key, x))
        except (TypeError, ValueError) as error:
            raise ValueError(f"the augmentation {self.function!r} must map (key, x) to an array: {error}") from error
        if changed.shape != x.shape:
            raise ValueError(
                f"the augmentation {self.function!r} must keep the shape of an input, got {changed.shape} from {x.shape}"
            )
        if changed.dtype != x.dtype:
            raise ValueError(
                f"the augmentation {self.function!r} must keep the dtype of an input, got {changed.dtype} from {x.dtype}; "
                "give random draws dtype=x.dtype"
            )
        return View(changed)

