"""Real examples whose inputs are seen in new views at every visit: of a training set, or of a stream."""

__all__ = ["InputVisits", "VisitedInputs"]

import math
from dataclasses import field
from typing import Any

import numpy as np

from rfgen.numerics.compilation.record import record
from rfgen.problems.augmentations.base import AbstractAugmentation
from rfgen.problems.augmentations.mixing import LabelSmoothing
from rfgen.problems.data_task import DataTask
from rfgen.simulation.arrays import Array
from rfgen.simulation.random_numbers import HostKey, fold_in, integers, split
from rfgen.simulation.sampling.data_views import DataViews
from rfgen.simulation.sampling.samplers import Sample, draw_examples
from rfgen.simulation.sampling.views import VIEWS

# Views of a sample that the mean squared residual over all its views is measured on, after training: an unbiased figure.
MEASURED_VIEWS = 8


@record
class InputVisits(Sample):
    """Clean rows and labels of the examples `drawn` (n,), and as `VisitedSample` rows in views that nobody trained on."""

    drawn: Array
    every_row: Array
    every_target: Array
    every_error: Array
    source: Any = field(metadata={"static": True})


class VisitedInputs(DataViews):
    """Training sets, or streams, of the examples of a `DataTask`, of which `seen` draws views; None: as they are."""

    def __init__(
        self, task: DataTask, augmentation: AbstractAugmentation | None, dtype: str, replace: bool, training: Any
    ) -> None:
        # a change that changes nothing
        self.augmentation = LabelSmoothing(0.0) if augmentation is None else augmentation
        if not training.needs_samples:
            self._refuse_stream(len(task.inputs), replace, int(training.steps.max()), training.batch)
        super().__init__(task, self.augmentation, None, dtype, replace)

    @property
    def mixes(self) -> bool:
        """Whether a view is of two samples."""
        return self.augmentation.mixes

    @property
    def apart(self) -> bool:
        """Whether partners are samples of a stream of their own, not the next of the batch."""
        return any(getattr(leaf, "partner", "set") == "fresh" for leaf in self.augmentation.leaves)

    def draw(self, key: HostKey, probe: np.ndarray, n: int) -> InputVisits:
        """One training set of `n` samples."""
        drawn, errors = draw_examples(key, self.dtype, len(self.labels), n, self.labels.shape[1], self.replace)
        clean = self.measured(self.features[drawn], self.labels[drawn], errors, probe, drawn)
        if self.limit is not None:
            limit = self.limit.of(clean)
            every: Any = limit.rows, limit.targets, limit.errors
        else:
            views_key, partner_key = split(fold_in(key, VIEWS))
            own = np.repeat(np.arange(n), MEASURED_VIEWS)
            partner = integers(partner_key, own.size, n) if self.mixes else own
            every = self.seen(views_key, drawn[own], drawn[partner], errors[own], errors[partner])
            every = [part / math.sqrt(MEASURED_VIEWS) for part in every]
        return InputVisits(
            **vars(clean), drawn=drawn, every_row=every[0], every_target=every[1], every_error=every[2], source=self
        )

    def _refuse_stream(self, examples: int, replace: bool, steps: int, batches: np.ndarray) -> None:
        """Refuse, with the remedy, streams that leave no example to test, and batches without partners."""
        taken = self.stream_length(steps, int(batches.max()))
        if not replace and taken >= examples:
            raise ValueError(
                f"steps * batch must be below the {examples} examples of the task, as those left are tested, got {taken}: "
                "take fewer, or sampling='with replacement'"
            )
        if self.mixes and np.isinf(self.augmentation.views):
            raise ValueError(
                "views must be finite where samples of a stream are mixed with others, got inf: give views=..., a whole "
                "number"
            )
        if self.mixes and not self.apart and batches.min() < 2:
            raise ValueError(
                f"batch must be at least 2 for {type(self.augmentation).__name__} along one pass, got {batches.min()}: a "
                "sample is mixed with the next of its batch"
            )

    def stream_length(self, steps: int, batch: int) -> int:
        """Examples that a stream without replacement takes."""
        return steps * batch * (1 + self.apart)

    def rows(self, n: int | None) -> int:
        """Rows of a training set of `n` samples, none of a stream, and test points."""
        return (n or 0) * (1 + MEASURED_VIEWS) + self.inputs.shape[0]
