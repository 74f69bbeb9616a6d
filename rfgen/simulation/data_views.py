"""Augmented training sets of real inputs: views are drawn and mapped to features on the host, whatever their functions."""

__all__ = ["DataViews"]

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from rfgen.problems.augmentations.base import AbstractAugmentation, Augmentation, View
from rfgen.problems.data_task import DataTask
from rfgen.simulation.samplers import Sample, draw_examples
from rfgen.simulation.views import VIEWS, parts

# An augmentation is tried on this many inputs before the first trial.
TRIED = 3

_draw_examples = jax.jit(draw_examples, static_argnums=(1, 2, 3, 4, 5))


class DataViews:
    """Views of the examples of a `DataTask`, drawn with replacement, in the coordinates of its features.

    Fits are measured on the clean features of all examples, or, for `test_views`, on the mean features of so many views of
    each; without replacement, on the examples not drawn.
    """

    def __init__(
        self, task: DataTask, augmentation: AbstractAugmentation, test_views: int | None, dtype: str, replace: bool
    ) -> None:
        if math.isinf(float(augmentation.views)):
            raise ValueError("views=inf is simulated with a Task alone: with a DataTask, give a large number of views")
        self.task, self.augmentation, self.test_views = task, augmentation, test_views
        self.views, self.dtype, self.replace = int(augmentation.views), dtype, replace
        self.inputs = task.inputs.astype(dtype)
        self.labels = (task.labels[:, None] if task.labels.ndim == 1 else task.labels).astype(dtype)
        self.features = task.features.astype(dtype)
        self._mapped = jax.jit(jax.vmap(augmentation.view))
        self._by_input = False
        self._try()

    def draw(self, key: Array, probe: Array, n: int) -> Sample:
        """One training set of `n` samples, all their views, to be measured at the points `probe` (features, examples)."""
        examples, outputs = self.labels.shape
        drawn, errors = map(np.asarray, _draw_examples(key, self.dtype, examples, n, outputs, self.replace))
        views_key, partner_key = jax.random.split(jax.random.fold_in(key, VIEWS))
        own = np.repeat(np.arange(n), self.views)
        partner = np.asarray(jax.random.randint(partner_key, own.shape, 0, n)) if self.augmentation.mixes else own
        view = self._view(jax.random.split(views_key, own.size), self.inputs[drawn[own]], self.inputs[drawn[partner]])
        scale = 1.0 / math.sqrt(self.views)

        def labels(values: np.ndarray, offset: Any) -> Array:
            weights = [np.reshape(part, (own.size, -1)) for part in (view.own, view.partner, offset)]
            return jnp.asarray(scale * (weights[0] * values[own] + weights[1] * values[partner] + weights[2]), self.dtype)

        mask = np.ones(examples)
        if not self.replace:
            mask[drawn] = 0.0
        return Sample(
            rows=jnp.asarray(scale * self._features(view.input), self.dtype),
            targets=labels(self.labels[drawn], view.offset), errors=labels(errors, np.zeros(own.size)),
            tail=jnp.zeros((), self.dtype), floor=jnp.zeros(outputs, self.dtype),
            probe=probe, truth=jnp.asarray(self.labels.T), mask=jnp.asarray(mask, self.dtype),
        )  # fmt: skip

    def probe(self, shared: Array) -> Array:
        """Features (features, examples) that predictions are made from, the same for trials with one `shared` key."""
        if self.test_views is None:
            return jnp.asarray(self.features.T)
        total = np.zeros_like(self.features)
        for key in jax.random.split(jax.random.fold_in(shared, VIEWS), self.test_views):
            keys = jax.random.split(key, self.inputs.shape[0])
            total += self._features(self._view(keys, self.inputs, self.inputs).input)
        return jnp.asarray(total.T / self.test_views, self.dtype)

    @property
    def identity(self) -> tuple[Any, ...]:
        """What tells it apart, beside its augmentation and its feature map."""
        return (self.inputs, self.labels, self.features, self.views, self.test_views, self.replace)

    def rows(self, n: int) -> int:
        """Rows of a training set of `n` samples, and test points."""
        return n * self.views + self.inputs.shape[0]

    @property
    def modes(self) -> int:
        """Numbers of a row: inputs or features."""
        return max(self.features.shape[1], math.prod(self.inputs.shape[1:]))

    def _view(self, keys: Array, inputs: np.ndarray, partners: np.ndarray) -> View:
        """One view of each input, in host memory, checked."""
        if self._by_input:
            views = [self.augmentation.view(*each) for each in zip(keys, inputs.copy(), partners.copy(), strict=True)]
            view = View(*(np.stack([np.asarray(part) for part in each]) for each in zip(*views, strict=True)))
        else:
            view = View(*map(np.asarray, self._mapped(keys, inputs, partners)))
        if not (finite := np.isfinite(view.input)).all():
            raise ValueError(f"the augmentation {self.augmentation!r} gave non-finite values ({view.input[~finite][0]})")
        return view

    def _features(self, inputs: np.ndarray) -> np.ndarray:
        """Features of views, checked."""
        given = inputs.reshape(inputs.shape[0], -1) if self.task.feature_map is None else self.task.feature_map(inputs)
        rows, expected = np.asarray(given), (inputs.shape[0], self.features.shape[1])
        if rows.shape != expected:
            raise ValueError(f"feature_map must return shape {expected} for the augmented inputs, got {rows.shape}")
        if not (finite := np.isfinite(rows)).all():
            raise ValueError(f"feature_map gave non-finite values ({rows[~finite][0]}) on augmented inputs")
        return rows

    def _try(self) -> None:
        """Views of a few inputs: whether JAX can trace the functions, and whether they keep what they must."""
        inputs = self.inputs[:TRIED]
        keys = jax.random.split(jax.random.key(0, impl="threefry2x32"), inputs.shape[0])
        if any(isinstance(part, Augmentation) for part in parts(self.augmentation)):
            # a function that draws from a generator of its own would be traced once, one draw for all views
            with np.errstate(all="ignore"):  # what is not finite is said below
                twice = [self.augmentation.view(keys[0], inputs[0].copy(), inputs[0]).input for _ in range(2)]
            if not np.array_equal(*map(np.asarray, twice), equal_nan=True):
                raise ValueError(
                    f"the augmentation {self.augmentation!r} gave two views for one key: draw from the key alone, by "
                    "jax.random or np.random.default_rng(np.asarray(jax.random.key_data(key)))"
                )
            try:
                jax.eval_shape(self._mapped, keys, inputs, inputs)
            except Exception:  # whatever numpy, PIL or torch say to a tracer; the call by input tells what is wrong
                self._by_input = True
        view = self._view(keys, inputs, inputs)
        if view.input.shape != inputs.shape or view.input.dtype != inputs.dtype:
            raise ValueError(
                f"the augmentation {self.augmentation!r} must keep shape and dtype, got {view.input.shape} "
                f"{view.input.dtype} from {inputs.shape} {inputs.dtype}"
            )
        self._features(view.input)
