"""Training sets in infinitely many views: their mean squared residual, exactly."""

__all__ = ["LimitSample", "LimitSampler", "coordinate_law", "limit_of"]

from collections.abc import Callable
from dataclasses import field, fields
from typing import Any

import numpy as np

from rfgen.numerics.compilation.record import record
from rfgen.problems.augmentations.base import AbstractAugmentation
from rfgen.problems.augmentations.mixing import Mixup
from rfgen.problems.augmentations.mode_law import ModeLaw
from rfgen.simulation.arrays import Array, namespace
from rfgen.simulation.sampling.samplers import Sample, kernel_root


@record
class LimitSampler:
    """Infinitely many views of every sample: their mean squared residual, exactly.

    One row per sample and pattern t, `gain` (patterns, modes) times the sample's, with `label` (patterns,) times its label,
    both holding the square root of the pattern's probability; and one row of label 0 per mode for the variance of the
    views, `slope` (modes,) times the square of the coordinate plus `level` (modes,) for each sample.  `mixing` (): of
    mixtures w x + (1 - w) x_partner 2 E w^2, None where samples are seen alone.
    """

    base: Any
    gain: Any
    slope: Any
    level: Any
    label: Any
    mixing: Any

    def draw(self, key: Any, shared: Any, n: int) -> "LimitSample":
        """One training set of `n` samples."""
        return self.of(self.base.draw(key, shared, n))

    def of(self, sample: Sample, drawn: Array | None = None) -> "LimitSample":
        """The training set `sample` in all views, or those of its samples that are `drawn`, as often as they are."""
        xp, taken = namespace(sample.rows), (sample.rows, sample.targets, sample.errors)
        count = sample.rows.shape[0] if drawn is None else drawn.size
        if self.mixing is not None:
            taken = tuple(map(self._mixed(sample.rows.shape[0], drawn, xp), taken))
        elif drawn is not None:
            taken = tuple(part[drawn] for part in taken)
        rows, *labels = taken
        penalty = xp.sqrt(self.slope * xp.sum(rows * rows, axis=0) + count * self.level)

        def seen(values: Array) -> Array:
            taught = (self.label[:, None, None] * values).reshape(-1, values.shape[1])
            return xp.concatenate([taught, xp.zeros((penalty.size, values.shape[1]), values.dtype)])

        patterns = (self.gain[:, None, :] * rows).reshape(-1, penalty.size)
        targets, errors = map(seen, labels)
        held = {part.name: getattr(sample, part.name) for part in fields(Sample)}
        held = {name: value for name, value in held.items() if name not in ("rows", "targets", "errors")}
        every = xp.concatenate([patterns, xp.diag(penalty)])
        return LimitSample(rows=every, targets=targets, errors=errors, **held, clean=sample, limit=self)

    def _mixed(self, n: int, drawn: Array | None, xp: Any) -> Callable[[Array], Array]:
        """Root of the mean square of w r_i + (1 - w) r_partner, summed over the samples i drawn c_i times, partners drawn
        from all: with a = E w^2, b = E w (1 - w), diag(a (c + mean c)) + b/n (c1' + 1c') of residuals r (n,).
        """
        if drawn is None:  # all once

            def centred(values: Array) -> Array:
                mean = xp.mean(values, axis=0)
                return xp.sqrt(self.mixing) * (values - mean) + mean

            return centred
        times = xp.sum(xp.asarray(drawn[:, None] == xp.arange(n), self.mixing.dtype), axis=0)
        own, shared = self.mixing / 2.0, (1.0 - self.mixing) / 2.0
        form = xp.diag(own * (times + drawn.size / n)) + shared / n * (times[:, None] + times)
        root = kernel_root(form)
        return lambda values: root.T @ values

    @property
    def identity(self) -> tuple[Any, ...]:
        """What tells it apart beside its arrays."""
        return self.base.identity

    def rows(self, n: int) -> int:
        """Rows of a training set of `n` samples."""
        return n * self.label.size + self.modes

    @property
    def modes(self) -> int:
        """Number of coordinates of a row."""
        return self.slope.size


@record
class LimitSample(Sample):
    """A training set in all views by `limit`, and as it is, `clean`: models draw their own samples from that."""

    clean: Sample = field(kw_only=True)
    limit: LimitSampler = field(kw_only=True)


def coordinate_law(augmentation: AbstractAugmentation, modes: int) -> ModeLaw:
    """How coordinates are changed, by mixtures too: those of one sample with itself."""
    return ModeLaw.of() if isinstance(augmentation, Mixup) else augmentation.mode_law(modes)


def limit_of(base: Any, augmentation: AbstractAugmentation, law: ModeLaw, levels: np.ndarray, dtype: Any) -> LimitSampler:
    """Infinitely many views of the samples of `base` by the `law` of an augmentation, at `levels` (modes,) of its noise."""
    modes, mixing = np.arange(levels.size), None
    if isinstance(augmentation, Mixup):
        mixing = np.asarray(2.0 * augmentation.weight_moments[0], dtype)
    if law.classes == 1:
        kind = np.zeros_like(modes)
    else:
        kind = modes % 2 if law.breaks is None else np.searchsorted(law.breaks, modes, side="right") - 1
    root = np.sqrt(law.probability)
    shape = 1.0 if law.shape is None else law.shape[levels]
    gain, slope, level, label = (np.asarray(leaf, dtype) for leaf in (
        root[:, None] * law.gain[:, kind], law.probability @ law.slope[:, kind],
        law.probability @ law.level[:, kind] * shape, root * law.label,
    ))
    return LimitSampler(base, gain, slope, level, label, mixing)
