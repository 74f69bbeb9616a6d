"""Augmented training sets of real inputs: views are drawn and mapped to features on the host, whatever their functions."""

__all__ = ["DataViews"]

import math
from typing import Any

import numpy as np

from rfgen.problems.augmentations.base import AbstractAugmentation, View
from rfgen.problems.data_task import DataTask
from rfgen.problems.views.drawn_views import DrawnViews
from rfgen.simulation.random_numbers import HostKey, device_key, fold_in, integers, split
from rfgen.simulation.sampling.samplers import Sample, draw_examples
from rfgen.simulation.sampling.views import TOGETHER, VIEWS


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

    def draw(self, key: HostKey, probe: np.ndarray, n: int) -> Sample:
        """One training set of `n` samples, all their views, to be measured at the points `probe` (features, examples)."""
        examples, outputs = self.labels.shape
        drawn, errors = draw_examples(key, self.dtype, examples, n, outputs, self.replace)
        views_key, partner_key = split(fold_in(key, VIEWS))
        own = np.repeat(np.arange(n), self.views)
        partner = integers(partner_key, own.size, n) if self.augmentation.mixes else own
        inputs = self.inputs[drawn[own]]
        view = self._one_view_each(views_key, inputs, inputs if partner is own else self.inputs[drawn[partner]])
        scale = 1.0 / math.sqrt(self.views)

        def labels(values: np.ndarray, offset: Any) -> np.ndarray:
            weights = [np.reshape(part, (own.size, -1)) for part in (view.own, view.partner, offset)]
            return np.asarray(scale * (weights[0] * values[own] + weights[1] * values[partner] + weights[2]), self.dtype)

        mask = np.ones(examples, self.dtype)
        if not self.replace:
            mask[drawn] = 0.0
        return Sample(
            rows=np.asarray(scale * self._drawn.features(view.input), self.dtype),
            targets=labels(self.labels[drawn], view.offset), errors=labels(errors, np.zeros(own.size)),
            tail=np.zeros((), self.dtype), floor=np.zeros(outputs, self.dtype),
            probe=probe, truth=self.labels.T, mask=mask,
        )

    def probe(self, shared: HostKey) -> np.ndarray:
        """Features (features, examples) that predictions are made from, the same for trials with one `shared` key."""
        if self.test_views is None:
            return self.features.T
        total = np.zeros_like(self.features)
        for key in split(fold_in(shared, VIEWS), self.test_views):
            total += self._drawn.features(self._one_view_each(key, self.inputs, self.inputs).input)
        return np.asarray(total.T / self.test_views, self.dtype)

    def _one_view_each(self, key: HostKey, inputs: np.ndarray, partners: np.ndarray) -> View:
        """A view of each of `inputs` (count, ...), in blocks, so that one program serves any number."""
        blocks = []
        for start in range(0, inputs.shape[0], TOGETHER):
            numbers = np.arange(start, min(start + TOGETHER, inputs.shape[0]))
            words = np.stack(fold_in(key, numbers), axis=-1).astype(np.uint32)
            where = np.pad(numbers, (0, TOGETHER - numbers.size), mode="edge")
            block = self._drawn.views(device_key(words[where - start]), inputs[where], partners[where])
            blocks.append([part[: numbers.size] for part in block])
        return View(*map(np.concatenate, zip(*blocks, strict=True)))

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
