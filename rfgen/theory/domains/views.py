"""Domains whose rows are seen in views: each is two domains of plain rows.

Where views are many small independent changes, view = g x + noise of variance C = s lambda + level given a sample, the mean
of a sample's m views is a row of covariance  a = g^2 lambda + C/m  with the teacher  g l lambda w / a  and a misfit
l^2 w^2 lambda (1 - g^2 lambda / a), l the factor on labels; the views' fluctuations are m - 1 rows of covariance C, label 0
and the weight omega/m.  Both are domains, and all that is known of domains holds.

Where one factor g moves the whole view, a sample's m views are one row: of the means a = <g l>, b = <g^2> over them,
<(l y - g x.w)^2> = (a y/sqrt b - sqrt b x.w)^2 + (<l^2> - a^2/b) y^2, which is a domain for each combination of factors,
and rows without inputs that hold what no weights fit.  Equations: theory (5.4) and (15.12).
"""

__all__ = ["Viewed", "viewed"]

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rfgen.equivalents.augmented.view_blocks import pattern_combinations
from rfgen.problems.augmentations.base import AbstractAugmentation
from rfgen.problems.augmentations.mode_law import ModeLaw
from rfgen.problems.domains.domains import Law

# Endless views: what is left of the fluctuations in the mean view is rounding.
ENDLESS = 1e13


@dataclass(frozen=True, eq=False)
class Viewed:
    """`law` of the groups of rows, then of the tests; `owner` (groups,): the domain of each; `rows`, `weights` (groups,):
    factors on those of the domain.
    """

    law: Law
    owner: np.ndarray
    rows: np.ndarray
    weights: np.ndarray

    def spread(self, n: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Rows and weights (points, groups) from those (points, domains)."""
        return n[:, self.owner] * self.rows, weight[:, self.owner] * self.weights

    def gathered(self, values: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Of domains, what is known of groups: noise adds up, and so do the residuals of mean views and of fluctuations."""
        to_domain = (self.owner[:, None] == np.unique(self.owner)).astype(float)
        share = {"noise_by_domain": np.ones_like(self.rows), "train": self.rows * self.weights}
        return values | {name: (values[name] * share[name]) @ to_domain for name in share if name in values}


def viewed(law: Law, augmentations: Sequence[AbstractAugmentation | None]) -> Viewed:
    """The groups of the first domains of `law`, one for each of `augmentations` (None: clean), at single settings."""
    count = len(augmentations)
    if all(one is None for one in augmentations):
        ones = np.ones(count)
        return Viewed(law, np.arange(count), ones, ones)
    if law.covariance.ndim == 3:
        raise ValueError(
            "augmentation of domains acts on eigen-coordinates, and these domains have covariances in several bases, or "
            "real rows: augment the rows yourself and give them as a domain, or leave augmentation out"
        )
    groups = [_groups(law, place, one) for place, one in enumerate(augmentations)]
    owner = np.repeat(np.arange(count), [len(each) for each in groups])
    covariance, teachers, noise, misfit, rows, weights = zip(*(one for each in groups for one in each), strict=True)
    tests = slice(count, None)
    return Viewed(
        Law(np.concatenate([np.stack(covariance), law.covariance[tests]]),
            np.concatenate([np.stack(teachers), law.teachers[tests]]), np.concatenate([noise, law.noise[tests]]),
            np.array(misfit)),
        owner, np.array(rows), np.array(weights),
    )


def _groups(law: Law, place: int, augmentation: AbstractAugmentation | None) -> list[tuple]:
    covariance, teachers, noise = law.covariance[place], law.teachers[place], law.noise[place]
    if augmentation is None:
        return [(covariance, teachers, noise, 0.0, 1.0, 1.0)]
    name = type(augmentation).__name__
    changed = augmentation.mode_law(covariance.size)
    factors = changed.classes == 1 and not (changed.slope.any() or changed.level.any())
    if factors and not augmentation.moments_suffice:
        return _factors(covariance, teachers, noise, changed, float(augmentation.views), name)
    if augmentation.mixes or not augmentation.moments_suffice:
        raise ValueError(
            f"{name} is not predicted for rows of several domains, where views are many small independent changes, or one "
            "factor on all inputs: take rg.GaussianNoise, rg.Mask, rg.Dropout, rg.SaltAndPepper, rg.Jitter, "
            "rg.LabelSmoothing or rg.Gain, or use rg.simulate"
        )
    if changed.classes > 1 or np.ptp(changed.label):
        raise ValueError(f"{name} treats some modes apart, and is not predicted on several domains: use rg.simulate")
    shape = np.ones(covariance.size) if changed.shape is None else np.asarray(changed.shape)
    if shape.size != covariance.size:
        raise ValueError(f"covariance of {name} must have one entry per input ({covariance.size}), got {shape.size}")
    gain, label = float(changed.probability @ changed.gain[:, 0]), float(changed.label[0])
    slope = float(changed.probability @ ((changed.gain[:, 0] - gain) ** 2 + changed.slope[:, 0]))
    fluctuation = slope * covariance + float(changed.probability @ changed.level[:, 0]) * shape
    views = min(float(augmentation.views), ENDLESS)
    mean = gain**2 * covariance + fluctuation / views
    alive = np.where(mean > 0.0, mean, 1.0)
    power = label**2 * covariance * np.sum(teachers**2, axis=0)
    missed = float(np.sum(power * np.where(mean > 0.0, fluctuation / views / alive, covariance > 0.0)))
    taught = teachers * (gain * label * covariance / alive)
    return [
        (mean, taught, label**2 * noise, missed, 1.0, 1.0),
        (fluctuation, np.zeros_like(teachers), 0.0, 0.0, views - 1.0, 1.0 / views),
    ]


def _factors(
    covariance: np.ndarray, teachers: np.ndarray, noise: float, law: ModeLaw, views: float, name: str
) -> list[tuple]:
    """A row for each combination of factors, and what of the labels none of them fits."""
    gain, label, probability = law.gain[:, 0], law.label, law.probability
    if np.isinf(views):
        shares, weighed = np.ones(1), probability[None]
    else:
        mass, _, drawn, _, sampled = pattern_combinations(probability, views)
        if sampled is not None:
            raise ValueError(f"views of {name} must have fewer combinations on several domains, got views={views:g}")
        shares, weighed = mass * views, (drawn[..., None] == np.arange(probability.size)).mean(axis=1)
    cross, square, own = weighed @ (gain * label), weighed @ gain**2, weighed @ label**2
    ratio = np.where(square > 0.0, cross / np.where(square > 0.0, square, 1.0), 0.0)
    left = float(shares @ (own - ratio * cross))
    power = float(np.sum(covariance * np.sum(teachers**2, axis=0)))
    rows = [
        (b * covariance, teachers * r, r * a * noise, 0.0, share, 1.0)
        for share, a, b, r in zip(shares, cross, square, ratio, strict=True)
    ]
    return [*rows, (0.0 * covariance, 0.0 * teachers, left * noise, left * power, 1.0, 1.0)]
