"""Augmented training sets of real inputs: views are drawn and mapped to features on the host, whatever their functions."""

__all__ = ["DataViews"]

import math
from typing import Any

import numpy as np

from rfgen.problems.augmentations.base import AbstractAugmentation, View
from rfgen.problems.augmentations.mixing import Mixup
from rfgen.problems.data_task import DataTask
from rfgen.problems.views.drawn_views import DrawnViews
from rfgen.simulation.random_numbers import HostKey, device_key, fold_in, integers, split
from rfgen.simulation.sampling.limit_views import LimitSampler, coordinate_law, limit_of
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
        self.limit = _limit(task, augmentation, dtype) if math.isinf(float(augmentation.views)) else None
        self.task, self.augmentation, self.test_views = task, augmentation, test_views
        self.views, self.dtype, self.replace = 1 if self.limit else int(augmentation.views), dtype, replace
        self.inputs = task.inputs.astype(dtype)
        self.labels = (task.labels[:, None] if task.labels.ndim == 1 else task.labels).astype(dtype)
        self.features = task.features.astype(dtype)
        self._drawn = DrawnViews(task, augmentation, dtype)

    def draw(self, key: HostKey, probe: np.ndarray, n: int) -> Sample:
        """One training set of `n` samples, all their views, to be measured at the points `probe` (features, examples)."""
        examples, outputs = self.labels.shape
        drawn, errors = draw_examples(key, self.dtype, examples, n, outputs, self.replace)
        if self.limit is not None:
            return self.limit.of(self.measured(self.features[drawn], self.labels[drawn], errors, probe, drawn))
        views_key, partner_key = split(fold_in(key, VIEWS))
        own = np.repeat(np.arange(n), self.views)
        partner = integers(partner_key, own.size, n) if self.augmentation.mixes else own
        seen = self.seen(views_key, drawn[own], drawn[partner], errors[own], errors[partner])
        rows, targets, noise = (part / math.sqrt(self.views) for part in seen)
        return self.measured(rows, targets, noise, probe, drawn)

    def seen(
        self, key: HostKey, own: np.ndarray, partner: np.ndarray, errors: np.ndarray, also: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """A view of each of the examples `own`, mixed with `partner` if they are: features, targets, and of label noise
        `errors` and, of partners, `also`.
        """
        view = self._one_view_each(key, self.inputs[own], self.inputs[partner])
        factors = [np.reshape(part, (own.size, -1)) for part in (view.own, view.partner, view.offset)]
        targets = factors[0] * self.labels[own] + factors[1] * self.labels[partner] + factors[2]
        parts = self._drawn.features(view.input), targets, factors[0] * errors + factors[1] * also
        return tuple(np.asarray(part, self.dtype) for part in parts)  # type: ignore[return-value]

    def measured(
        self, rows: np.ndarray, targets: np.ndarray, errors: np.ndarray, probe: np.ndarray, drawn: np.ndarray
    ) -> Sample:
        """Rows and their labels, measured on all examples, or on those not `drawn`."""
        mask = np.ones(len(self.labels), self.dtype)
        if not self.replace:
            mask[drawn] = 0.0
        return Sample(
            rows=rows, targets=targets, errors=errors, tail=np.zeros((), self.dtype),
            floor=np.zeros(targets.shape[1], self.dtype), probe=probe, truth=self.labels.T, mask=mask,
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
        return (n * self.views if self.limit is None else self.limit.rows(n)) + self.inputs.shape[0]

    @property
    def modes(self) -> int:
        """Numbers of a row: inputs or features."""
        return max(self.features.shape[1], math.prod(self.inputs.shape[1:]))


def _limit(task: DataTask, augmentation: AbstractAugmentation, dtype: str) -> LimitSampler:
    """Infinitely many views of inputs that are the features themselves, of augmentations with a law on coordinates."""
    without = [leaf for leaf in augmentation.leaves if (leaf is not augmentation and leaf.mixes) or not _lawful(leaf)]
    if task.feature_map is not None or without:
        named = f"{type(without[0]).__name__} has none here" if without else "a feature map stands between"
        raise ValueError(
            "views=inf is simulated on a DataTask where inputs are the features, by the law of views of each coordinate, "
            f"and {named}: give a large number of views"
        )
    size = math.prod(task.inputs.shape[1:])
    return limit_of(None, augmentation, coordinate_law(augmentation, size), np.arange(size), dtype)


def _lawful(leaf: AbstractAugmentation) -> bool:
    """Whether inputs are changed as eigen-coordinates are."""
    kind, base = type(leaf), AbstractAugmentation
    covariance: Any = getattr(leaf, "covariance", None)
    matrix = np.ndim(covariance) == 2
    shifted = np.any(getattr(leaf, "center", 0.0))
    alike = kind.mode_view is base.mode_view and kind.mode_law is not base.mode_law
    return alike and not (matrix or shifted) and (kind is Mixup or not leaf.mixes)
