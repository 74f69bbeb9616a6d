"""How an augmentation changes eigen-coordinates.  Equations: theory (5.7)."""

__all__ = ["ModeLaw"]

from collections.abc import Sequence
from typing import Any

import numpy as np

from rfgen.problems.settings import Noun


class ModeLaw(Noun):
    """Views of eigen-coordinates, given a pattern t drawn once a view: `x_i -> gain x_i + noise`, independent over modes.

    The noise has mean zero and variance `slope x_i^2 + level` given x, so that
    E[view_i | x, t] = gain[t, c] x_i and E Var[view_i | x, t] = slope[t, c] lambda_i + level[t, c] shape_i, where c is the
    class of mode i.  Where they are known, `third` (patterns, classes, 2) and `fourth` (patterns, classes, 3) hold the
    higher moments given x, E view_i^3 = third[0] x_i^3 + third[1] x_i and
    E view_i^4 = fourth[0] x_i^4 + fourth[1] x_i^2 + fourth[2], at shape_i = 1.

    Shapes: `probability` (patterns,) sums to 1; `gain`, `slope`, `level` (patterns, classes); `label` (patterns,), factor
    on the label.  With `breaks` (classes + 1,), class c holds the modes of number breaks[c] <= i < breaks[c + 1], counted
    from 0, the largest first; without, one class holds all modes, two the modes of even and of odd number.  `shape`
    (levels,) or None: relative noise variance of each mode, in the order of the task's eigenvalues; None is 1.
    `level_class` (levels,), in that order too, states the class of each level instead; such a law is composed no further.
    """

    probability: np.ndarray
    gain: np.ndarray
    slope: np.ndarray
    level: np.ndarray
    label: np.ndarray
    shape: np.ndarray | None = None
    breaks: np.ndarray | None = None
    level_class: np.ndarray | None = None
    third: np.ndarray | None = None
    fourth: np.ndarray | None = None

    @staticmethod
    def of(
        gain: float = 1.0, slope: float = 0.0, level: float = 0.0, label: float = 1.0,
        third: Sequence[Any] | None = None, fourth: Sequence[Any] | None = None,
    ) -> "ModeLaw":
        """One certain pattern that treats all modes alike."""
        one = np.ones((1, 1))
        high = [None if part is None else np.array([[part]], float) for part in (third, fourth)]
        return ModeLaw(one[0], gain * one, slope * one, level * one, label * one[0], third=high[0], fourth=high[1])

    @property
    def classes(self) -> int:
        """Number of classes of modes."""
        return self.gain.shape[1]

    @property
    def higher(self) -> tuple[np.ndarray, np.ndarray] | None:
        """`third` and `fourth`, powers of the gain where nothing is noisy; None where they are not known."""
        if self.third is not None and self.fourth is not None:
            return self.third, self.fourth
        if self.slope.any() or self.level.any():
            return None
        none = np.zeros_like(self.gain)
        return np.stack([self.gain**3, none], axis=-1), np.stack([self.gain**4, none, none], axis=-1)

    def then(self, second: "ModeLaw") -> "ModeLaw":
        """This change followed by an independent second one.

        >>> both = ModeLaw.of(gain=0.5).then(ModeLaw.of(gain=0.8, slope=0.16, level=0.1))
        >>> float(both.gain[0, 0]), float(both.slope[0, 0].round(6)), float(both.level[0, 0])
        (0.4, 0.04, 0.1)
        """
        if self.shape is not None and second.shape is not None and not np.array_equal(self.shape, second.shape):
            raise ValueError("covariance must be the same for all noises of one composition on eigen-coordinates")
        breaks = self.breaks if self.classes > 1 else second.breaks
        classes = max(self.classes, second.classes)
        alike = np.array_equal(np.asarray(self.breaks), np.asarray(second.breaks))  # None equals None
        if min(self.classes, second.classes) > 1 and not alike:
            raise ValueError("at most one part of a composition may treat modes differently (Flip or Cutout), or all alike")
        count = self.probability.size * second.probability.size

        def first(values: np.ndarray) -> np.ndarray:
            tail = values.shape[2:]
            wide = np.broadcast_to(values[:, None], (*values.shape[:1], second.probability.size, classes, *tail))
            return wide.reshape(count, classes, *tail)

        def last(values: np.ndarray) -> np.ndarray:
            tail = values.shape[2:]
            wide = np.broadcast_to(values[None], (self.probability.size, *values.shape[:1], classes, *tail))
            return wide.reshape(count, classes, *tail)

        third = fourth = None
        if self.higher is not None and second.higher is not None:
            (c3, d3), (c4, d4, e4) = (np.moveaxis(first(part), -1, 0) for part in self.higher)
            (own3, low3), (own4, mid4, low4) = (np.moveaxis(last(part), -1, 0) for part in second.higher)
            third = np.stack([own3 * c3, own3 * d3 + low3 * first(self.gain)], axis=-1)
            square = first(self.gain) ** 2 + first(self.slope)
            fourth = np.stack([own4 * c4, own4 * d4 + mid4 * square, own4 * e4 + mid4 * first(self.level) + low4], axis=-1)
        kept = last(second.gain) ** 2 + last(second.slope)  # factor on what the first change added
        shape = self.shape if self.shape is not None else second.shape
        plain = self if self.shape is None else second
        if shape is not None and (self.shape is None or second.shape is None) and plain.level.any():
            raise ValueError("covariance must be given for all noises of one composition on eigen-coordinates, or for none")
        return ModeLaw(
            probability=np.outer(self.probability, second.probability).ravel(),
            gain=first(self.gain) * last(second.gain),
            slope=first(self.slope) * kept + last(second.slope) * first(self.gain) ** 2,
            level=first(self.level) * kept + last(second.level),
            label=np.outer(self.label, second.label).ravel(),
            shape=shape,
            breaks=breaks,
            third=third,
            fourth=fourth,
        )

    def sometimes(self, probability: float) -> "ModeLaw":
        """This change with `probability`, none otherwise: one more pattern."""
        none = ModeLaw.of()
        if probability == 0.0:
            return none
        if probability == 1.0:
            return self
        parts = {name: (getattr(self, name), getattr(none, name)) for name in ("gain", "slope", "level")}
        if self.higher is not None and none.higher is not None:
            parts |= dict(zip(("third", "fourth"), zip(self.higher, none.higher, strict=True), strict=True))
        widened = {
            name: np.concatenate([own, np.broadcast_to(other, (1, *own.shape[1:]))]) for name, (own, other) in parts.items()
        }
        return ModeLaw(
            np.append(probability * self.probability, 1.0 - probability), **widened, label=np.append(self.label, 1.0),
            shape=self.shape, breaks=self.breaks,
        )
