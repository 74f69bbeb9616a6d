"""Several augmentations one after another, or one of them now and then."""

__all__ = ["Compose", "RandomApply"]

import math
from collections.abc import Callable, Sequence
from functools import reduce
from itertools import product
from typing import Any

import jax
import jax.numpy as jnp

from rfgen.problems.augmentations.base import AbstractAugmentation, View
from rfgen.problems.augmentations.image import LISTED
from rfgen.problems.augmentations.mode_law import ModeLaw
from rfgen.problems.rules import numbers, view_counts
from rfgen.problems.settings import setting


def _part(owner: str, value: Any) -> AbstractAugmentation:
    """`value`, if it is an augmentation of one view and single strengths."""
    if not isinstance(value, AbstractAugmentation):
        raise ValueError(f"{owner} takes augmentations such as rg.GaussianNoise(0.1), got {value!r}")
    if value.axes["views"].tolist() != 1:
        raise ValueError(f"views belong to the {owner}, not to its parts: give {owner}(..., views=...), got {value!r}")
    for name in value.strengths:
        if getattr(value, name).ndim:
            raise ValueError(f"{name} must be one number in a part of {owner}, got {value!r}")
    return value


def _parts(name: str, value: Any) -> tuple[AbstractAugmentation, ...]:
    if not isinstance(value, Sequence) or not value:
        raise ValueError(f"{name} must be a list of augmentations, got {value!r}")
    return tuple(_part("Compose", one) for one in value)


def in_turn(changes: Sequence[Callable[..., View]], key: jax.Array, x: jax.Array, partner: jax.Array) -> View:
    """One view by all `changes`, each with its own key."""
    result = View(x)
    for own_key, change in zip(jax.random.split(key, len(changes)), changes, strict=True):
        last = change(own_key, result.input, partner)
        result = View(
            last.input,
            own=last.own * result.own,
            partner=last.own * result.partner + last.partner,
            offset=last.own * result.offset + last.offset,
        )
    return result


class Compose(AbstractAugmentation):
    """The `parts` one after another: `Compose([Flip(), GaussianNoise(0.1)], views=4)`.

    Parts that mix do so with an unchanged input of the training set.

    >>> from rfgen.problems.augmentations.noise import GaussianNoise, Mask
    >>> both = Compose([Mask(0.5), GaussianNoise(0.1)], views=4)
    >>> both.mode_law(10).gain.tolist(), both.moments_suffice
    ([[0.5]], True)
    """

    parts: Sequence[AbstractAugmentation] = setting(_parts)
    views: Any = setting(view_counts, default=1, axis=True)

    @property
    def mixes(self) -> bool:
        """Whether a part does."""
        return any(part.mixes for part in self.parts)

    @property
    def leaves(self) -> tuple[AbstractAugmentation, ...]:
        """What the parts are made of."""
        return tuple(leaf for part in self.parts for leaf in part.leaves)

    @property
    def moments_suffice(self) -> bool:
        """Whether they do for all parts."""
        return all(part.moments_suffice for part in self.parts)

    def view(self, key: jax.Array, x: jax.Array, partner: jax.Array) -> View:
        """One view by all parts."""
        return in_turn([part.view for part in self.parts], key, x, partner)

    def mode_view(self, key: jax.Array, x: jax.Array, partner: jax.Array) -> View:
        """One view by all parts."""
        return in_turn([part.mode_view for part in self.parts], key, x, partner)

    def mode_law(self, modes: float) -> ModeLaw:
        """One law after another."""
        return reduce(ModeLaw.then, (part.mode_law(modes) for part in self.parts))

    def patterns(self, shape: tuple[int, ...]) -> tuple[tuple[float, AbstractAugmentation], ...] | None:
        """All combinations of the parts' patterns, where they are few."""
        each = [part.patterns(shape) for part in self.parts]
        listed = [patterns for patterns in each if patterns is not None]
        if len(listed) < len(each) or math.prod(map(len, listed)) > LISTED:
            return None
        return tuple(
            (math.prod(chance for chance, _ in chosen), Compose([law for _, law in chosen])) for chosen in product(*listed)
        )


class RandomApply(AbstractAugmentation):
    """Change the input with `probability`, else leave it: `RandomApply(augmentation, probability=0.5, views=1)`.

    >>> from rfgen.problems.augmentations.noise import GaussianNoise
    >>> RandomApply(GaussianNoise(0.1), 0.2).mode_law(10).level.tolist()
    [[0.1], [0.0]]
    """

    augmentation: AbstractAugmentation = setting(lambda name, value: _part("RandomApply", value))
    probability: Any = setting(numbers("[0, 1]"), default=0.5, axis=True)
    views: Any = setting(view_counts, default=1, axis=True)

    @property
    def mixes(self) -> bool:
        """Whether the augmentation does."""
        return self.augmentation.mixes

    @property
    def leaves(self) -> tuple[AbstractAugmentation, ...]:
        """What the augmentation is made of."""
        return self.augmentation.leaves

    @property
    def moments_suffice(self) -> bool:
        """Whether it never happens, or always with moments that suffice."""
        sure = (self.probability == 0.0) | ((self.probability == 1.0) & self.augmentation.moments_suffice)
        return bool(sure.all())

    def view(self, key: jax.Array, x: jax.Array, partner: jax.Array) -> View:
        """One view, changed or not."""
        return self._sometimes(self.augmentation.view, key, x, partner)

    def mode_view(self, key: jax.Array, x: jax.Array, partner: jax.Array) -> View:
        """One view, changed or not."""
        return self._sometimes(self.augmentation.mode_view, key, x, partner)

    def mode_law(self, modes: float) -> ModeLaw:
        """One more pattern."""
        return self.augmentation.mode_law(modes).sometimes(float(self.probability))

    def patterns(self, shape: tuple[int, ...]) -> tuple[tuple[float, AbstractAugmentation], ...] | None:
        """The augmentation's patterns, and the input as it is."""
        if self.moments_suffice:
            return ((1.0, self),)
        chance, each = float(self.probability), self.augmentation.patterns(shape)
        if each is None:
            return None
        every = [*((chance * own, law) for own, law in each), (1.0 - chance, RandomApply(self.augmentation, 0.0))]
        return tuple((chance, law) for chance, law in every if chance > 0)

    def _sometimes(self, change: Callable[..., View], key: jax.Array, x: jax.Array, partner: jax.Array) -> View:
        choice, own_key = jax.random.split(key)
        happens = jax.random.bernoulli(choice, jnp.asarray(self.probability, x.dtype))
        pairs = zip(change(own_key, x, partner), View(x), strict=True)
        return View(*(jnp.where(happens, jnp.asarray(new, x.dtype), jnp.asarray(old, x.dtype)) for new, old in pairs))
