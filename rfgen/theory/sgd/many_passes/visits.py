"""What fresh views at every visit of a training sample make of many passes: the mean gradient and its noise.

Where a view is many small independent changes, each visit's view differs by noise C from its mean given the sample.  With
S_mu the second moment of the mean views and S = S_mu + C the mean over batches is descent on infinitely many views, and a
visit in a single view scatters by S T, T the loss on views: `multi_pass` on the problem of infinitely many views.

Where one factor g, drawn at each visit, moves the whole view and its label is multiplied by l, the loss depends on the
pattern (g, l).  With y2, b, S of the clean samples the mean is c times their descent at the rate eta E g^2, with
c = E gl / E g^2, and the noise E[g^2 S T_g] = S T_eff,

    T_eff = E[g^2 l^2] y2 - 2 E[g^3 l] b.w + E[g^4] w.S w,        train = E[l^2] y2 - 2 E[g l] b.w + E[g^2] w.S w.
(Derived.)
Equations: theory (17.5), (17.6).
"""

__all__ = ["Factors", "stored", "visited"]

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from rfgen.problems.augmentations.base import AbstractAugmentation
from rfgen.problems.augmentations.mode_law import ModeLaw
from rfgen.theory.sgd.streaming.second_moments import Iteration


@dataclass(frozen=True)
class Factors:
    """Moments of the factors of a view: `loss` and `train` (3,), coefficients of y2, -2 b.w and w.S w; `square` = E g^2;
    `aim` = E gl / E g^2, what the mean weights are in units of those of clean samples.
    """

    loss: np.ndarray
    train: np.ndarray
    square: float
    aim: float

    def iteration(self, iteration: Iteration) -> Iteration:
        """That of clean samples which the mean follows."""
        return replace(iteration, rate=iteration.rate * self.square, ridge=iteration.ridge / self.square)

    @property
    def returned(self) -> float:
        """Factor on the noise of batches that returns in the loss."""
        return float(self.loss[2] / self.square**2)


def visited(augmentation: AbstractAugmentation, modes: float) -> tuple[AbstractAugmentation | None, Factors | None]:
    """The augmentation whose problem the mean follows (None: clean samples), at single strengths, and the moments of the
    factors that move whole views.  Refuses what is not derived.

    Several views of a visit whose label and scale alone differ are one noise, of the mean loss of two views.
    """
    name, views = type(augmentation).__name__, float(augmentation.views)
    if augmentation.mixes:
        raise ValueError(
            f"{name} is not predicted for fresh views in many passes, where partners share samples with batches: train by "
            "rg.OnePassSGD or rg.GradientDescent, or leave augmentation out"
        )
    every: Any = augmentation.at(views=np.inf)
    if augmentation.moments_suffice:
        return every, None
    law = augmentation.mode_law(modes)
    if not (law.slope.any() or law.level.any()) and np.ptp(law.gain, axis=1).max() == 0.0:
        return None, _factors(law, views)
    if _mirrored(law) and views == 1:
        return every, None
    raise ValueError(
        f"{name} moves a view as a whole, with a loss of its own in each pattern, and is not derived for fresh views in "
        "many passes, but for factors of the whole view (Gain) and single views of Flip(0.5): train by rg.OnePassSGD, or "
        "leave augmentation out"
    )


def stored(augmentation: AbstractAugmentation) -> AbstractAugmentation:
    """The augmentation, if rows that hold its views for good are as good as any: batches of them scatter by S T."""
    if augmentation.mixes or not augmentation.moments_suffice:
        raise ValueError(
            f"{type(augmentation).__name__} is not predicted for stored views in many passes, where rows mix samples or "
            "have a pattern in common: give fresh=True (Gain, Flip(0.5)), use rg.simulate, or leave augmentation out"
        )
    return augmentation


def _mirrored(law: ModeLaw) -> bool:
    """Whether two patterns, as probable, differ in signs alone: their losses are one."""
    return bool(
        law.probability.size == 2 and law.probability[0] == law.probability[1] and law.label[0] == law.label[1]
        and np.array_equal(np.abs(law.gain[0]), np.abs(law.gain[1])) and not law.slope.any() and not law.level.any()
    )


def _factors(law: ModeLaw, views: float = 1.0) -> Factors:
    p, g, label = law.probability, law.gain[:, 0], law.label

    def mean(values: np.ndarray) -> float:
        return float(p @ values)

    square, lesson = mean(g**2), mean(g * label)
    one = np.array([mean(g**2 * label**2), mean(g**3 * label), mean(g**4)])
    two = np.array([lesson**2, lesson * square, square**2])  # of two views of one sample
    return Factors(
        one / views + (1.0 - 1.0 / views) * two,
        np.array([mean(label**2), mean(g * label), square]), square, mean(g * label) / square,
    )
