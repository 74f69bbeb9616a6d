"""Independent Gaussian rows that stand for the views of a sample, whose coordinates are all changed alike.

Views k = 1, ..., m of a sample have in each coordinate the covariance `g_k g_l + [k = l] p_k`, gains g_k and private
variances p_k.  The eigenvectors of that matrix over m turn them into rows that are independent, of variances a and with
targets of their own: of noise alone their mean, and m - 1 differences of label 0.  Of infinitely many views the
differences are a ridge.  A sample drawn k times is its rows, times the root of k.  Equations: theory (12.13).
"""

__all__ = ["CLEAN", "RowGroups", "row_groups"]

import itertools
import math
from typing import Any

import numpy as np

from rfgen.numerics.compilation.record import record
from rfgen.problems.augmentations.base import AbstractAugmentation
from rfgen.problems.augmentations.mixing import Mixup
from rfgen.problems.trainings.resampling import AbstractResampling
from rfgen.theory.ridge.block_risk import MIXING_REPLICATES, MIXING_SIZE

# Groups come in multiples of this, so that few programs serve all; sets of patterns that are counted one by one.
PADDING, MOST_SETS = 8, 4000
# Coordinates of a law that does not depend on how many there are.
SOME = 64
# Variances and labels that rounding leaves.
ROUNDING = 1e-13


@record
class RowGroups:
    """Kinds of rows, (groups,): `share`, how many of them a sample has; `weight`, that times their `variance`, which is all
    that is left of a ridge; `signal`, the part of the coefficients that is the best fit of their labels, which are those of
    samples times numbers of mean square `label`, of which the fit leaves `misfit` unexplained.  `idle`: mean square of what
    no row explains.
    """

    share: Any
    weight: Any
    variance: Any
    signal: Any
    label: Any
    misfit: Any
    idle: Any


def _gathered(rows: list[tuple[float, ...]], idle: float = 0.0) -> RowGroups:
    """Of (share, weight, variance, signal, label) each; those alike added up."""
    kinds: dict[tuple[float, ...], np.ndarray] = {}
    for share, weight, *kind in rows:
        key = tuple(float(f"{value:.13g}") for value in kind)
        kinds[key] = kinds.get(key, np.zeros(2)) + np.array([share, weight])
    share, weight = np.array(list(kinds.values())).T
    variance, signal, label = np.array(list(kinds)).T
    misfit = label - variance * signal**2
    misfit = np.where(np.abs(misfit) > ROUNDING * label, misfit, 0.0)
    more = (0, -share.size % PADDING)
    share, weight, signal, label, misfit = (np.pad(part, more) for part in (share, weight, signal, label, misfit))
    variance = np.pad(variance, more, constant_values=variance.max())
    return RowGroups(share, weight, variance, signal, label, misfit, idle)


CLEAN = _gathered([(1.0, 1.0, 1.0, 1.0, 1.0)])


def row_groups(augmentation: AbstractAugmentation | None, resampling: AbstractResampling | None = None) -> RowGroups:
    """The rows of samples in the views of an `augmentation` at single strengths that treats all coordinates alike, for each
    sample that there is to be drawn by `resampling`.

    >>> import rfgen
    >>> rows = row_groups(rfgen.GaussianNoise(0.5, views=2))
    >>> rows.share[:2].tolist(), rows.variance[:2].tolist(), rows.signal[:2].tolist()
    ([1.0, 1.0], [1.25, 0.25], [0.8, 0.0])
    """
    if resampling is not None:
        return _resampled(augmentation, resampling)
    if augmentation is None:
        return CLEAN
    views = float(augmentation.views)
    if isinstance(augmentation, Mixup):
        # rotations across the samples leave their law as it is: a mixture's weights are those of rows
        endless = math.isinf(views)
        size, copies = (1, 1) if endless else (MIXING_SIZE, MIXING_REPLICATES)
        weights = np.concatenate([augmentation.sample_weights(seed, size) for seed in range(copies)])
        return _gathered([(1.0 / weights.size, one / weights.size, one, 1.0, one) for one in weights if one > ROUNDING])
    law = augmentation.mode_law(SOME)
    if law.classes > 1 or law.shape is not None:
        raise ValueError(
            f"augmentation must treat all coordinates alike on a sparse task, whose coefficients have no order, got "
            f"{augmentation!r}: take rg.GaussianNoise, Mask, Dropout, SaltAndPepper, Gain, LabelSmoothing or Mixup"
        )
    patterns, place = np.unique(
        np.column_stack([law.label, law.gain[:, 0], law.slope[:, 0] + law.level[:, 0]]), axis=0, return_inverse=True
    )
    chance = np.bincount(np.ravel(place), law.probability, len(patterns))
    patterns, chance = patterns[chance > 0.0], chance[chance > 0.0]
    if not (patterns[:, 0] * patterns[:, 1]).any():
        raise ValueError(f"augmentation must leave something of inputs and labels, got {augmentation!r}")
    return _endless(patterns, chance) if math.isinf(views) else _drawn(augmentation, patterns, chance, int(views))


def _resampled(augmentation: AbstractAugmentation | None, resampling: AbstractResampling) -> RowGroups:
    """Of one bag: all rows of a sample weigh as much as it is drawn often."""
    if isinstance(augmentation, Mixup):
        raise ValueError(
            f"resampling is not covered for Mixup, got {augmentation!r}: its views are mixtures of samples that are drawn "
            "together or apart; leave one of the two out, or rg.simulate measures it"
        )
    every, drawn = row_groups(augmentation), zip(*resampling.draws(), strict=True)
    kinds = list(zip(every.share, every.weight, every.variance, every.signal, every.label, strict=True))
    rows = [
        (chance * share, chance * times * weight, times * variance, signal, times * label)
        for times, chance in drawn for share, weight, variance, signal, label in kinds if share > 0.0 or weight > 0.0
    ]
    return _gathered(rows, resampling.mean_share * float(every.idle))


def _endless(patterns: np.ndarray, chance: np.ndarray) -> RowGroups:
    label, gain, private = patterns.T
    square, both = chance @ gain**2, chance @ (label * gain)
    rows = [(1.0, square, square, both / square, both**2 / square)]
    if (ridge := chance @ private) > 0.0:
        rows.append((0.0, ridge, 0.0, 0.0, 0.0))
    idle = chance @ label**2 - both**2 / square
    return _gathered(rows, max(idle, 0.0))


def _drawn(augmentation: AbstractAugmentation, patterns: np.ndarray, chance: np.ndarray, views: int) -> RowGroups:
    """Sets of patterns that the views of a sample have; views of one pattern are its mean, and differences."""
    if (sets := math.comb(len(chance) + views - 1, views)) > MOST_SETS:
        raise ValueError(
            f"views must be fewer, or inf, as {len(chance)} kinds of them are drawn in {sets} ways, got {augmentation!r}"
        )
    rows, idle = [], 0.0
    for drawn in itertools.combinations_with_replacement(range(len(chance)), views):
        count = np.bincount(drawn, minlength=len(chance))
        ways = math.lgamma(views + 1.0) - sum(math.lgamma(one + 1.0) for one in count)
        often, seen = math.exp(ways + float(count @ np.log(chance))), count > 0
        part, (label, gain, private) = count[seen] / views, patterns[seen].T
        scale = np.sqrt(part)
        variances, turn = np.linalg.eigh(np.outer(scale * gain, scale * gain) + np.diag(private / views))
        told, pulled = turn.T @ (scale * label), turn.T @ (scale * gain)
        for variance, own, push in zip(variances, told, pulled, strict=True):
            if variance > ROUNDING * variances[-1]:
                rows.append((often, often * variance, variance, own * push / variance, own**2))
            else:
                idle += often * own**2
        for more, variance in zip(count[seen] - 1, private / views, strict=True):
            if more and variance:
                rows.append((often * more, often * more * variance, variance, 0.0, 0.0))
    return _gathered(rows, idle)
