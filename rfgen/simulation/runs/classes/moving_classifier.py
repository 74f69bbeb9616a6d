"""Linear classifiers trained by gradient steps on the square loss, on drawn rows or on fresh ones, and measured.

The Monte-Carlo twin of `rfgen.theory.moving_classifier` and `rfgen.theory.streamed_classifier`.
"""

__all__ = ["Chosen", "moving_runs"]

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np

from rfgen.problems.augmentations.base import AbstractAugmentation
from rfgen.problems.classes.mixture import Mixture
from rfgen.problems.trainings.spectral import AbstractTraining
from rfgen.simulation.arrays import few_threads
from rfgen.simulation.fits.batch_fit import batch_fit
from rfgen.simulation.fits.descent_steps import STEPS
from rfgen.simulation.fits.spectral_filters import spectral_filters
from rfgen.simulation.fits.spectral_fit import fit_spectrally
from rfgen.simulation.random_numbers import HostKey, fold_in, host_key, normals, split, uniforms
from rfgen.simulation.runs.classes.classifier_fits import trained_on
from rfgen.simulation.runs.classes.classifier_measures import group_errors
from rfgen.simulation.runs.ensemble import ALONE, Members
from rfgen.simulation.sampling.labelled_rows import GroupRows, LabelledRows, labelled_rows
from rfgen.simulation.sampling.labelled_views import LimitRows, copies, seen_in_views
from rfgen.simulation.sampling.samplers import Sample

# Batches are drawn with a key of their own; numbers of a stream that are drawn together.
BATCHES, TOGETHER = 0x62617463, 2**20
# Growth of weights beyond which their squares overflow.
OUTGROWN = 1e140


@dataclass(frozen=True)
class Chosen:
    """What is trained, on what: `features` None: the inputs themselves; the mean score of `members` with features, batches,
    or resampled rows of their own; views of an `augmentation` at single strengths.
    """

    training: AbstractTraining
    features: int | None = None
    members: Members = ALONE
    augmentation: AbstractAugmentation | None = None


def moving_runs(
    problem: Any, chosen: Chosen, n: int | None, trials: int, seed: int, start: int = 0
) -> dict[str, np.ndarray]:
    """Measures of the trials numbered from `start` on, of a `Mixture` or `ClassGroups`, (trials, settings, ...), settings
    in the order of the training's axes: `error`, `group_error`, `norm` (of a member), and of rows that are trained on
    `train_error`, `train_loss`, `support` and `flips_fitted`, the share of rows with wrong labels that have these.

    >>> from rfgen import GradientFlow, Mixture
    >>> mixture = Mixture(mean=[1.5] + [0.0] * 39, covariance=[1.0] * 40, prior=0.4, flip=0.1)
    >>> runs = moving_runs(mixture, Chosen(GradientFlow([0.1, 10.0])), n=100, trials=3, seed=0)
    >>> runs["error"].shape, runs["group_error"].shape
    ((3, 2), (3, 2, 2))
    """
    if n is None:  # of a stream: any number that leaves a row to each class
        n = int(np.ceil(2.0 / problem.shares.min())) if isinstance(problem, Mixture) else 1
    source: Any = labelled_rows(problem, n)
    rows, width = source.n, chosen.features or problem.dim
    if chosen.augmentation is not None:
        source, rows = seen_in_views(source, chosen.augmentation), rows * copies(chosen.augmentation, problem.dim)
    one = _trial if chosen.training.needs_samples else _stream
    key = host_key(seed)
    with np.errstate(all="ignore"), few_threads(0.1 * rows * width * min(rows, width)):
        each = [one(source, chosen, fold_in(key, number)) for number in range(start, start + trials)]
    return {name: np.stack([found[name] for found in each]) for name in each[0]}


def _trial(source: Any, chosen: Chosen, key: HostKey) -> dict[str, np.ndarray]:
    """All measures of one training set."""
    of_rows, of_members = split(key)
    drawn, training, members = source.draw(of_rows), chosen.training, chosen.members
    plain = chosen.augmentation is None and members.resampling is None
    source, owners = (source, np.arange(source.n)) if chosen.augmentation is None else (source.base, source.owners)

    def member(key: HostKey) -> tuple[np.ndarray, np.ndarray]:
        """Weights of the inputs (settings, dim), and the squared length of those trained."""
        rows, labels = _weighed(trained_on(drawn, key, owners, members))
        if training.stochastic:
            mixing = None
            if chosen.features is not None:
                mixing = normals(key, (rows.shape[1], chosen.features)) / chosen.features**0.5
            found = batch_fit(fold_in(key, BATCHES), training, rows, labels[:, None], mixing)[:, 0]  # type: ignore[arg-type]
            return found if mixing is None else found @ mixing.T, np.sum(found**2, axis=-1)
        nothing = np.zeros((labels.size, 1))
        probe = np.ones(rows.shape[1]), np.zeros((1, rows.shape[1])), np.ones(rows.shape[1]), np.zeros(1)
        sample = Sample(rows, labels[:, None], nothing, np.zeros(()), *probe)
        filters, columns = spectral_filters(training, np.float64), np.column_stack([labels, nothing])
        fit = fit_spectrally(key, sample, columns, filters, source.n, chosen.features, None, None)
        return fit.signal[:, 0] @ fit.basis.T, fit.norm[:, 0]

    weights, norm = (np.mean(parts, axis=0) for parts in zip(
        *(member(of_members if number == 0 else fold_in(of_members, number)) for number in range(members.count)),
        strict=True,
    ))
    return _measured(source, weights, norm, drawn if plain else None)


def _weighed(own: LabelledRows) -> tuple[np.ndarray, np.ndarray]:
    """Rows and labels times the roots of their weights; what views of the rows have of their own, where these are endless,
    as rows with labels 0.
    """
    root = np.sqrt(own.weights)
    rows, labels = own.rows * root[:, None], own.labels * root
    if not isinstance(own, LimitRows):
        return rows, labels
    private = np.sqrt(own.weights @ (own.private[0] + own.private[1]))
    return np.concatenate([rows, np.diag(private)]), np.concatenate([labels, np.zeros(private.size)])


def _measured(
    source: GroupRows, weights: np.ndarray, norm: np.ndarray, drawn: LabelledRows | None
) -> dict[str, np.ndarray]:
    """Measures of classifiers with `weights` (settings, dim)."""
    outgrown = ~(np.abs(weights).max(axis=1) < OUTGROWN)
    weights = np.where(outgrown[:, None], 0.0, weights)
    groups = np.stack([group_errors(one, 0.0, source.means, source.deviations, source.classes) for one in weights])
    found = {"error": groups @ source.test_shares, "group_error": groups, "norm": norm}
    if drawn is not None:
        margins = (weights @ drawn.rows.T) * drawn.labels
        wrong = np.where(margins == 0.0, 0.5, margins < 0.0)
        flipped = drawn.labels != source.classes[drawn.member]
        found |= {
            "train_error": wrong.mean(axis=1), "train_loss": np.mean((1.0 - margins) ** 2, axis=1),
            "support": np.mean(margins < 1.0, axis=1),
            "flips_fitted": 1.0 - wrong[:, flipped].mean(axis=1) if flipped.any() else np.full(len(wrong), np.nan),
        }
    return {name: np.where(outgrown.reshape(-1, *[1] * (part.ndim - 1)), np.nan, part) for name, part in found.items()}


def _stream(source: GroupRows, chosen: Chosen, key: HostKey) -> dict[str, np.ndarray]:
    """All measures of one pass, of all settings on the same stream."""
    training: Any = chosen.training
    axes = {name: np.atleast_1d(values) for name, values in training.axes.items()}
    clock = axes.pop("steps").astype(int)
    every = [dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values())]
    last, scheduled = int(clock.max()), training.schedules(int(clock.max()))
    batches = np.array([int(at["batch"]) for at in every])
    largest, shape = int(batches.max()), (len(every), source.means.shape[1])
    settings = {name: np.array([at.get(name, 0.0) for at in every])[:, None] for name in set().union(*every) | {"momentum"}}
    # the first samples of those drawn are the batch
    share = (np.arange(largest) < batches[:, None]) / batches[:, None]
    weights, other, kept = np.zeros(shape), np.zeros(shape), {0: np.zeros(shape)}
    block = max(1, TOGETHER // (largest * shape[1]))
    for first in range(0, last, block):
        count = min(block, last - first)
        drawn = _fresh(source, fold_in(key, first), count * largest)
        for t in range(first, first + count):
            here = slice((t - first) * largest, (t - first + 1) * largest)
            x, y, a = drawn.rows[here], drawn.labels[here], drawn.weights[here]
            now = settings | {name: values[t] for name, values in scheduled.items()}

            def gradient(at: np.ndarray, x: np.ndarray = x, y: np.ndarray = y, a: np.ndarray = a) -> np.ndarray:
                return ((at @ x.T - y) * a * share) @ x

            weights, other = STEPS[training.kind](now, weights, other, gradient)
            if t + 1 in clock:
                kept[t + 1] = weights
    found = np.stack([kept[int(step)] for step in clock], axis=1).reshape(-1, shape[1])
    return _measured(source, found, np.sum(found**2, axis=-1), None)


def _fresh(source: GroupRows, key: HostKey, count: int) -> LabelledRows:
    """Independent rows of the population, each of its own group."""
    of_groups, of_flips, of_rows = split(key, 3)
    member = np.searchsorted(np.cumsum(source.shares)[:-1], uniforms(of_groups, count), side="right").astype(np.int32)
    rows = source.means[member] + source.deviations[member] * normals(of_rows, (count, source.means.shape[1]))
    labels = source.labels[member] * np.where(uniforms(of_flips, count) < source.flip, -1.0, 1.0)
    return LabelledRows(rows, labels, source.weights[member], member)
