"""Blocks of augmented views of eigen-coordinates: the moment form, the pattern form, and mixing.

Moment form: sample by sample the mean of the m views is one row (covariance Sigma_mu + C/m), and their fluctuations are
m - 1 rows of label 0 (covariance C), as if independent: exact where quadratic forms of the fluctuations concentrate.
Pattern form: blocks of m views for every combination of patterns; exact where given its pattern a view is linear up to
concentrating noise.  Infinitely many views: each pattern is one row weighted by its probability, the noise a penalty.
Mixing inputs of the training set by a matrix A turns the objective into (Y - Xw)' A'A (Y - Xw)/(n m), in which only the
spectrum of A'A/m counts for rows that are rotation invariant: one group for each eigenvalue.
(All derived: theory (5.4) to (5.6), (5.12) and (5.13).)
"""

__all__ = ["ViewBlocks", "averaged_test_views", "mixing_form", "moment_form", "pattern_combinations", "pattern_form"]

import itertools
import math
from collections import Counter
from dataclasses import dataclass, replace

import numpy as np

from rfgen.problems.augmentations.mode_law import ModeLaw

# Combinations of patterns beyond this number are sampled: so many replicates, whose scatter gives the standard error, of so
# many combinations each, every view stratified over the patterns (Latin hypercube).
MOST_PATTERNS, REPLICATES, STRATA = 256, 8, 64
# Views of one sample that a block may hold.
MOST_VIEWS = 32


@dataclass(frozen=True, eq=False)
class ViewBlocks:
    """As `Blocks` and `ModeTarget`: `mass` (G,), `weight` (G,) times n, `covariance` (G, m, m, J), `gain` (G, m, J),
    `label` (G, m).

    The J operators are the classes' clean covariances, then (if `noisy`) the classes' noise.  `replicate` (G,): number of
    the independent sample of patterns, None where they are all there.
    """

    mass: np.ndarray
    weight: np.ndarray
    covariance: np.ndarray
    gain: np.ndarray
    label: np.ndarray
    noisy: bool
    replicate: np.ndarray | None = None


def moment_form(law: ModeLaw, views: float) -> ViewBlocks:
    """Two groups, from the first and second moments of the views."""
    if np.ptp(law.label) > 0:
        raise ValueError("form='moment' needs labels that do not depend on the view's pattern; use form='pattern'")
    noisy = bool(law.level.any())
    mean, fluctuation = _moments(law, noisy)
    share = 0.0 if math.isinf(views) else 1.0 / views
    first = mean**2 + share * fluctuation
    covariance = np.stack([first, fluctuation])[:, None, None]
    gain = np.stack([mean, np.zeros_like(mean)])[:, None]
    label = np.array([[law.label[0]], [0.0]])
    return ViewBlocks(np.array([1.0, 1.0 - share]), np.array([1.0, share]), covariance, gain, label, noisy)


def pattern_form(law: ModeLaw, views: float, seed: int = 0) -> ViewBlocks:
    """One group for every combination of patterns, or for a sample of them."""
    noisy = bool(law.level.any())
    gains = _with_noise(law.gain, np.zeros_like(law.gain), noisy)
    spreads = _with_noise(law.slope, law.level, noisy)
    mass, weight, drawn, root, replicate = pattern_combinations(law.probability, views, seed)
    gain, label = gains[drawn] * root[..., None], law.label[drawn] * root
    if math.isinf(views):
        gain[1] = label[1] = 0.0
    covariance = gain[:, :, None] * gain[:, None]
    if math.isinf(views):
        covariance[1, 0, 0] = law.probability @ spreads
    else:
        own = np.arange(drawn.shape[1])
        covariance[:, own, own] += spreads[drawn]
    return _reduced(ViewBlocks(mass, weight, covariance, gain, label, noisy, replicate))


def _reduced(blocks: ViewBlocks) -> ViewBlocks:
    """The same blocks with orthogonal combinations of views, of which those without inputs are exactly so.

    Two views that differ by a gain span one direction; what is left of their labels can never be fitted.  At ridge 0 the
    traces are as large as 1/ridge, and rounding would fit it.
    """
    values, vectors = np.linalg.eigh(blocks.covariance.sum(axis=3))
    empty = values <= 1e-12 * np.maximum(values[:, -1:], 1e-300)
    gain = np.einsum("gka,gkj->gaj", vectors, blocks.gain) * ~empty[..., None]
    covariance = np.einsum("gka,gklj,glb->gabj", vectors, blocks.covariance, vectors)
    covariance *= (~empty[:, :, None] & ~empty[:, None])[..., None]
    label = np.einsum("gka,gk->ga", vectors, blocks.label)
    return replace(blocks, covariance=covariance, gain=gain, label=label)


def pattern_combinations(
    probability: np.ndarray, views: float, seed: int = 0
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray | None]:
    """Mass (G,), weight times n (G,), patterns (G, m) of each view and the root of its weight (G, m), replicate (G,) or
    None.

    Infinitely many views: one group with every pattern once, by the root of its probability, and one for the noise's
    penalty.
    """
    count = probability.size
    if math.isinf(views):
        every = np.tile(np.arange(count), (2, 1))
        return np.ones(2), np.array([1.0, 0.0]), every, np.sqrt(probability)[every], None
    m = int(views)
    if m > MOST_VIEWS:
        raise ValueError(f"views must be at most {MOST_VIEWS}, or math.inf, in the pattern form, got {m}")
    if math.comb(count + m - 1, m) <= MOST_PATTERNS:
        drawn = np.array(list(itertools.combinations_with_replacement(range(count), m)))
        ways = [math.factorial(m) / math.prod(map(math.factorial, Counter(row).values())) for row in drawn.tolist()]
        mass, replicate = np.array(ways) * probability[drawn].prod(axis=1), None
    else:
        generator = np.random.default_rng(seed)
        strata = generator.permuted(np.tile(np.arange(STRATA), (REPLICATES, m, 1)), axis=2)
        places = (np.moveaxis(strata, 1, 2) + generator.uniform(size=(REPLICATES, STRATA, m))).reshape(-1, m) / STRATA
        drawn = np.minimum(np.searchsorted(np.cumsum(probability), places, side="right"), count - 1)
        mass, replicate = np.full(len(drawn), 1.0 / len(drawn)), np.repeat(np.arange(REPLICATES), STRATA)
    return mass / m, np.full(mass.size, 1.0 / m), drawn, np.ones(drawn.shape), replicate


def mixing_form(weights: np.ndarray) -> ViewBlocks:
    """One group for each sample weight; `weights` (replicates, size)."""
    root = np.sqrt(np.maximum(weights.ravel(), 0.0))
    covariance, gain = (root**2)[:, None, None, None], root[:, None, None]
    replicate = np.repeat(np.arange(weights.shape[0]), weights.shape[1]) if weights.shape[0] > 1 else None
    return ViewBlocks(
        np.full(root.size, 1.0 / root.size), np.ones(root.size), covariance, gain, root[:, None], False, replicate
    )


def averaged_test_views(law: ModeLaw, count: float, noisy: bool) -> tuple[np.ndarray, np.ndarray]:
    """Gain and noise (J,) of the mean of `count` views."""
    mean, fluctuation = _moments(law, noisy)
    return mean, fluctuation / count


def _with_noise(clean: np.ndarray, noise: np.ndarray, noisy: bool) -> np.ndarray:
    return np.concatenate([clean, noise], axis=1) if noisy else clean


def _moments(law: ModeLaw, noisy: bool) -> tuple[np.ndarray, np.ndarray]:
    mean = law.probability @ law.gain
    spread = law.probability @ ((law.gain - mean) ** 2 + law.slope)
    level = law.probability @ law.level
    return _with_noise(mean[None], np.zeros_like(level)[None], noisy)[0], _with_noise(spread[None], level[None], noisy)[0]
