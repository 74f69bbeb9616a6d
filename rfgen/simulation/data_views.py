"""Augmented training sets of real inputs: views are drawn and mapped to features on the host, whatever their functions."""

__all__ = ["DataViews"]

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from rfgen.problems.augmentations.base import AbstractAugmentation
from rfgen.problems.data_task import DataTask
from rfgen.problems.drawn_views import DrawnViews
from rfgen.simulation.samplers import Sample, draw_examples
from rfgen.simulation.views import VIEWS

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
        self._drawn = DrawnViews(task, augmentation, dtype)

    def draw(self, key: Array, probe: Array, n: int) -> Sample:
        """One training set of `n` samples, all their views, to be measured at the points `probe` (features, examples)."""
        examples, outputs = self.labels.shape
        drawn, errors = map(np.asarray, _draw_examples(key, self.dtype, examples, n, outputs, self.replace))
        views_key, partner_key = jax.random.split(jax.random.fold_in(key, VIEWS))
        own = np.repeat(np.arange(n), self.views)
        partner = np.asarray(jax.random.randint(partner_key, own.shape, 0, n)) if self.augmentation.mixes else own
        keys = jax.random.split(views_key, own.size)
        view = self._drawn.views(keys, self.inputs[drawn[own]], self.inputs[drawn[partner]])
        scale = 1.0 / math.sqrt(self.views)

        def labels(values: np.ndarray, offset: Any) -> Array:
            weights = [np.reshape(part, (own.size, -1)) for part in (view.own, view.partner, offset)]
            return jnp.asarray(scale * (weights[0] * values[own] + weights[1] * values[partner] + weights[2]), self.dtype)

        mask = np.ones(examples)
        if not self.replace:
            mask[drawn] = 0.0
        return Sample(
            rows=jnp.asarray(scale * self._drawn.features(view.input), self.dtype),
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
            total += self._drawn.features(self._drawn.views(keys, self.inputs, self.inputs).input)
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
