"""Views of real inputs and their features, drawn on the host, whatever the functions are written with."""

__all__ = ["DrawnViews"]


from collections.abc import Callable
from functools import lru_cache

import jax
import numpy as np

from rfgen.problems.augmentations.base import AbstractAugmentation, Augmentation, View
from rfgen.problems.data_task import DataTask

# An augmentation is tried on this many inputs first.
TRIED = 3


@lru_cache(maxsize=32)
def _mapped(augmentation: AbstractAugmentation) -> Callable[..., View]:
    """Views of many inputs; compiled once for augmentations that are equal."""
    return jax.jit(jax.vmap(augmentation.view))


class DrawnViews:
    """Draws views of inputs of a `DataTask` by `augmentation` and maps them to features, checking both."""

    def __init__(self, task: DataTask, augmentation: AbstractAugmentation, dtype: str = "float64") -> None:
        self.task, self.augmentation = task, augmentation
        # a function of the user's may read what has changed since: it is traced anew
        own = any(isinstance(leaf, Augmentation) for leaf in augmentation.leaves)
        self._mapped = _mapped.__wrapped__(augmentation) if own else _mapped(augmentation)
        self._by_input = False
        self._try(task.inputs[:TRIED].astype(dtype))

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
        given = inputs.reshape(inputs.shape[0], -1) if self.task.feature_map is None else self.task.feature_map(inputs)
        rows, expected = np.asarray(given), (inputs.shape[0], self.task.features.shape[1])
        if rows.shape != expected:
            raise ValueError(f"feature_map must return shape {expected} for the augmented inputs, got {rows.shape}")
        if not (finite := np.isfinite(rows)).all():
            raise ValueError(f"feature_map gave non-finite values ({rows[~finite][0]}) on augmented inputs")
        return rows

    def _try(self, inputs: np.ndarray) -> None:
        """Views of a few inputs: whether JAX can trace the functions, and whether they keep what they must."""
        keys = jax.random.split(jax.random.key(0, impl="threefry2x32"), inputs.shape[0])
        with np.errstate(all="ignore"):  # what a function may warn of is refused here in words
            self._trace(inputs, keys)
            view = self.views(keys, inputs, inputs)
        if view.input.shape != inputs.shape or view.input.dtype != inputs.dtype:
            raise ValueError(
                f"the augmentation {self.augmentation!r} must keep shape and dtype, got {view.input.shape} "
                f"{view.input.dtype} from {inputs.shape} {inputs.dtype}"
            )
        self.features(view.input)

    def _trace(self, inputs: np.ndarray, keys: jax.Array) -> None:
        """Whether JAX can trace the functions; else they are called input by input."""
        if any(isinstance(part, Augmentation) for part in self.augmentation.leaves):
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
            except Exception:  # whatever numpy, PIL or torch say to a tracer; the call by input tells what is wrong
                self._by_input = True
