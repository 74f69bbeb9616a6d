"""Views of real inputs and their features, drawn on the host, whatever the functions are written with."""

__all__ = ["DrawnViews"]

import copy
from collections.abc import Callable
from dataclasses import fields
from functools import lru_cache
from typing import Any

import jax
import numpy as np

from rfgen.numerics.compilation.program import program
from rfgen.problems.augmentations.base import AbstractAugmentation, Augmentation, View
from rfgen.problems.data_task import DataTask

# An augmentation is tried on this many inputs first.
TRIED = 3


def _with_arrays(value: Any, change: Callable[[np.ndarray], Any]) -> Any:
    """An augmentation with other numbers in the place of all its arrays, those of its parts included; not validated."""
    if isinstance(value, np.ndarray):
        return change(value)
    if isinstance(value, tuple):
        return tuple(_with_arrays(one, change) for one in value)
    if not isinstance(value, AbstractAugmentation):
        return value
    changed = copy.copy(value)
    for one in fields(value):
        if one.init:
            object.__setattr__(changed, one.name, _with_arrays(getattr(value, one.name), change))
    return changed


class _Kind:
    """An augmentation, equal to those that differ from it in the numbers of its arrays alone: strengths, views."""

    def __init__(self, augmentation: AbstractAugmentation) -> None:
        self.augmentation = augmentation
        self.shapes = _with_arrays(augmentation, lambda array: array.shape)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Kind) and self.shapes == other.shapes

    def __hash__(self) -> int:
        return hash(self.shapes)


@lru_cache(maxsize=32)
def _of_kind(kind: _Kind) -> Callable[..., View]:
    """Views of many inputs for arrays given; compiled once for all of them."""

    def views(arrays: list[Any], *each: Any) -> View:
        given = iter(arrays)
        return jax.vmap(_with_arrays(kind.augmentation, lambda _: next(given)).view)(*each)

    return program(views).thorough


@lru_cache(maxsize=32)
def _mapped(augmentation: AbstractAugmentation) -> Callable[..., View]:
    """Views of many inputs; compiled once for augmentations that are equal."""
    return program(jax.vmap(augmentation.view)).thorough


def _keys(count: int) -> jax.Array:
    return jax.random.split(jax.random.key(0, impl="threefry2x32"), count)


class DrawnViews:
    """Draws views of inputs of a `DataTask` by `augmentation` and maps them to features, checking both."""

    def __init__(self, task: DataTask, augmentation: AbstractAugmentation, dtype: str = "float64") -> None:
        self.task, self.augmentation = task, augmentation
        # a function of the user's may read what has changed since: it is traced anew
        own = any(isinstance(leaf, Augmentation) for leaf in augmentation.leaves)
        self._mapped = _mapped.__wrapped__(augmentation) if own else _mapped(augmentation)
        self._by_input = False
        self._try(task.inputs[:TRIED].astype(dtype), own)

    def views(self, keys: jax.Array, inputs: np.ndarray, partners: np.ndarray) -> View:
        """One view of each input, in host memory."""
        if self._by_input:
            views = [self.augmentation.view(*each) for each in zip(keys, inputs.copy(), partners.copy(), strict=True)]
            view = View(*(np.stack([np.asarray(part) for part in each]) for each in zip(*views, strict=True)))
        else:
            view = View(*map(np.asarray, self._mapped(keys, inputs, partners)))
        if not (finite := np.isfinite(view.input)).all():
            raise ValueError(f"the augmentation {self.augmentation!r} gave non-finite values ({view.input[~finite][0]})")
        return view

    def features(self, inputs: np.ndarray) -> np.ndarray:
        """Features (inputs, p) of views."""
        rows, expected = np.asarray(self.task.map(inputs)), (inputs.shape[0], self.task.features.shape[1])
        if rows.shape != expected:
            raise ValueError(f"feature_map must return shape {expected} for the augmented inputs, got {rows.shape}")
        if not (finite := np.isfinite(rows)).all():
            raise ValueError(f"feature_map gave non-finite values ({rows[~finite][0]}) on augmented inputs")
        return rows

    def _try(self, inputs: np.ndarray, own: bool) -> None:
        """Views of a few inputs: whether JAX can trace the functions, and whether they keep what they must."""
        if not own:
            # values are those of the package: nothing is drawn, which would be compiled for so few inputs
            keys = jax.eval_shape(lambda: _keys(inputs.shape[0]))
            view = jax.eval_shape(self._mapped, keys, inputs, inputs)
            self._traced_strengths(keys, inputs)
        else:
            keys = _keys(inputs.shape[0])
            with np.errstate(all="ignore"):  # what a function may warn of is refused here in words
                self._trace(inputs, keys)
                view = self.views(keys, inputs, inputs)
        if view.input.shape != inputs.shape or view.input.dtype != inputs.dtype:
            raise ValueError(
                f"the augmentation {self.augmentation!r} must keep shape and dtype, got {view.input.shape} "
                f"{view.input.dtype} from {inputs.shape} {inputs.dtype}"
            )
        self.features(view.input if own else inputs)

    def _traced_strengths(self, keys: Any, inputs: np.ndarray) -> None:
        """One program for all strengths, where the views can be traced in them: a compilation is a second or so."""
        arrays: list[np.ndarray] = []
        _with_arrays(self.augmentation, arrays.append)
        shared = _of_kind(_Kind(self.augmentation))
        try:
            jax.eval_shape(shared, arrays, keys, inputs, inputs)
        except (ValueError, TypeError):  # strengths that shapes or constants depend on
            return
        self._mapped = lambda *each: shared(arrays, *each)

    def _trace(self, inputs: np.ndarray, keys: jax.Array) -> None:
        """Whether JAX can trace the functions; else they are called input by input."""
        # a function that draws from a generator of its own would be traced once, one draw for all views
        twice = (self.augmentation.view(keys[0], inputs[0].copy(), inputs[0]).input for _ in range(2))
        first, second = map(np.asarray, twice)
        if not np.array_equal(first, second, equal_nan=True):
            raise ValueError(
                f"the augmentation {self.augmentation!r} gave two views for one key: draw from the key alone, by "
                "jax.random or np.random.default_rng(np.asarray(jax.random.key_data(key)))"
            )
        try:
            jax.eval_shape(self._mapped, keys, inputs, inputs)
        except Exception:  # noqa: BLE001  whatever numpy, PIL or torch say to a tracer; the call by input tells what is wrong
            self._by_input = True
