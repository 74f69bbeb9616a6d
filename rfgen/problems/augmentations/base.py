"""What an augmentation is: a random map of one input (and its label) to one view of it."""

__all__ = ["AbstractAugmentation", "Augmentation", "View"]

import itertools
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from rfgen.problems import validation
from rfgen.problems.augmentations.mode_law import ModeLaw

# Longer arrays are shown by their shape.
MOST_SHOWN = 8
# A curve already has a variable of this name.
DIMENSIONS = {"variance": "view_variance"}


class View(NamedTuple):
    """One view: the changed `input`, and its label `own * y + partner * y_partner + offset`."""

    input: Any
    own: Any = 1.0
    partner: Any = 0.0
    offset: Any = 0.0


@dataclass(frozen=True, eq=False)
class AbstractAugmentation(ABC):
    """A law of views; each training sample gives `views` of them, independent, averaged in the training objective.

    `views` is a whole number >= 1, `math.inf` (the population limit), or an array of them.  `strengths` names the fields
    that may be arrays too: a curve has one dimension for each array.  `moments_suffice` declares whether quadratic forms
    of the view noise concentrate (many small independent changes), so that first and second moments of the views
    determine every curve; where one random parameter moves the whole view they do not, and curves condition on it.
    """

    strengths: ClassVar[tuple[str, ...]] = ()
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
    def axes(self) -> dict[str, np.ndarray]:
        """`views` and the strengths, as arrays of shape () or (values,), by the names of the curve's dimensions."""
        fields_by_name = {DIMENSIONS.get(name, name): name for name in ("views", *self.strengths)}
        return {name: np.asarray(getattr(self, field), np.float64) for name, field in fields_by_name.items()}

    @property
    def settings(self) -> "list[AbstractAugmentation]":
        """The augmentation at each point of the product of its axes that are arrays, the last one fastest."""
        arrays = {name: axis for name, axis in self.axes.items() if axis.ndim}
        if not arrays:
            return [self]
        return [self.at(**dict(zip(arrays, values, strict=True))) for values in itertools.product(*arrays.values())]

    def at(self, **values: Any) -> Any:
        """The same augmentation at other values, given by the names of `axes`."""
        named = {dimension: name for name, dimension in DIMENSIONS.items()}
        return replace(self, **{named.get(name, name): value for name, value in values.items()})

    def __repr__(self) -> str:
        """Name and parameters in one line."""

        def shown(value: Any) -> str:
            if not isinstance(value, np.ndarray):
                return repr(value)
            if value.size > MOST_SHOWN:
                return f"array of shape {value.shape}"
            return format(value.item(), "g") if value.ndim == 0 else repr(value.tolist())

        stated = ", ".join(f"{field.name}={shown(getattr(self, field.name))}" for field in fields(self) if field.init)
        return f"{type(self).__name__}({stated})"

    @property
    def content(self) -> tuple[Any, ...]:
        """Class and fields, hashable: the same for augmentations that do the same."""
        held = (getattr(self, field.name) for field in fields(self) if field.init)
        return (type(self), *((one.shape, one.tobytes()) if isinstance(one, np.ndarray) else one for one in held))

    def __eq__(self, other: object) -> bool:
        """Equal by content, so that what was compiled or estimated for one serves the other."""
        return isinstance(other, AbstractAugmentation) and self.content == other.content

    def __hash__(self) -> int:
        """By content."""
        return hash(self.content)

    def _freeze(self, **checked: Any) -> None:
        """Store validated fields; `views` is validated here, and arrays are made read-only."""
        checked = {"views": check_views(getattr(self, "views")), **checked}  # noqa: B009
        for name, value in checked.items():
            if isinstance(value, np.ndarray):
                value = value.copy()
                value.setflags(write=False)
            object.__setattr__(self, name, value)


def check_views(views: Any) -> np.ndarray:
    """`views` as a float array: whole numbers >= 1 or inf."""
    try:
        values = np.asarray(views, dtype=np.float64)
    except (TypeError, ValueError):
        raise ValueError(f"views must be a whole number >= 1, math.inf or an array of them, got {views!r}") from None
    whole = np.where(np.isinf(values), 1.0, np.round(values))
    if values.ndim > 1 or values.size == 0 or np.isnan(values).any() or (values < 1).any() or (
        whole != np.where(np.isinf(values), 1.0, values)
    ).any():  # fmt: skip
        raise ValueError(f"views must be a whole number >= 1, math.inf or an array of them, got {views!r}")
    return values


def probability(name: str, value: Any) -> np.ndarray:
    """`value` as an array of numbers in [0, 1]."""
    result = validation.array(name, value, (0, 1))
    if (result < 0).any() or (result > 1).any():
        raise ValueError(f"{name} must lie between 0 and 1, got {result.min() if (result < 0).any() else result.max()}")
    return result


@dataclass(frozen=True, eq=False, repr=False)
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

    function: Callable[[jax.Array, Any], Any]
    views: Any = 1
    moments_suffice: bool = True

    def __post_init__(self) -> None:
        """Validate."""
        if not callable(self.function):
            raise ValueError(f"function must be a callable (key, x) -> x', got {self.function!r}")
        self._freeze()

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

