"""Measured risk along stochastic gradient descent on views of real inputs, which are drawn on the host as steps are taken.

Many passes: training sets and batches of a seed are those of `multi_pass` without augmentation.  One pass: each sample is
seen once, drawn with replacement or, as the task's examples in random order, without.
"""

__all__ = ["input_stream", "input_visits", "input_visits_bytes"]

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any, TypeAlias

import jax
import numpy as np

from rfgen.simulation.arrays import few_threads
from rfgen.simulation.fits.descent_steps import STEPS
from rfgen.simulation.fits.spectral_fit import SpectralFit
from rfgen.simulation.random_numbers import (
    HostKey,
    bits,
    fold_in,
    host_keys,
    integers,
    permutation,
    split,
    standard_normals,
)
from rfgen.simulation.runs.ensemble import ALONE, Members, bag, mean_spectral_fit
from rfgen.simulation.runs.fit_errors import measured, paired
from rfgen.simulation.runs.pairs import SHARED, PairMeasures, over_pairs
from rfgen.simulation.runs.stochastic.multi_pass import BATCHES, INITIAL, BatchSettings, bounded, by_settings
from rfgen.simulation.runs.stochastic.one_pass import OnePassMeasures, OnePassSettings
from rfgen.simulation.runs.stochastic.visits import spectral_fit
from rfgen.simulation.sampling.fresh_views import PARTNERS
from rfgen.simulation.sampling.limit_views import LimitSampler
from rfgen.simulation.sampling.samplers import Sample
from rfgen.simulation.sampling.views import VIEWS
from rfgen.simulation.sampling.visited_inputs import InputVisits, VisitedInputs

# Numbers of the inputs whose views are drawn by one call.
NUMBERS = 1 << 20
# The order of a stream without replacement has a key of its own.
ORDER = 0x6F726465
# Examples of the views of one step, those that they are mixed with, and both their label noise.
Batch: TypeAlias = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def input_visits(
    source: VisitedInputs, keys: Any, n: int, features: int | None, settings: BatchSettings, noise: np.ndarray,
    members: Members = ALONE,
) -> PairMeasures:
    """Train on a set and measure, two trials for each of `keys` (pairs, 2)."""
    settings = jax.tree.map(np.asarray, settings)
    return over_pairs(_visits, paired, source, keys, n, features, (settings, noise, members), batched=False)


def input_stream(
    source: VisitedInputs, keys: Any, features: int | None, settings: OnePassSettings, noise: np.ndarray,
    members: Members = ALONE,
) -> OnePassMeasures:
    """Run two trials for each of `keys` (pairs, 2) through a stream, which all members see in the same views."""
    settings, pairs = jax.tree.map(np.asarray, settings), []
    with np.errstate(all="ignore"), few_threads(0.0):
        for two in host_keys(keys):
            probe = source.probe(fold_in(two[0], SHARED))
            measures, errors = zip(
                *(_stream(source, key, probe, features, settings, noise, members) for key in two), strict=True
            )
            stacked = tuple(np.stack(both) for both in zip(*measures, strict=True))
            pairs.append(paired(stacked, tuple(zip(*errors, strict=True))))
    names = ("test", "signal", "noise", "norm", "bias")
    return OnePassMeasures(**{name: np.stack([getattr(one, name) for one in pairs]) for name in names})


def input_visits_bytes(
    source: VisitedInputs, n: int | None, features: int | None, settings: Any, outputs: int, itemsize: int
) -> int:
    """Largest arrays of a pair of trials: both samples, views drawn together, weights at all times."""
    width, columns = features or source.modes, settings.settings * 2 * outputs
    return itemsize * (2 * source.rows(n) * source.modes + 8 * NUMBERS + columns * (6 * width + 3 * source.rows(n)))


def _visits(
    sample: InputVisits, features_key: HostKey, n: int, features: int | None,
    settings: tuple[BatchSettings, np.ndarray, Members],
) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    chosen, noise, members = settings

    def fitted(key: HostKey, _: Any) -> SpectralFit:
        mixing = _mixing(key, sample.source, features)
        drawn = np.arange(n) if members.resampling is None else bag(key, n, members.resampling)
        begin = _start(key, chosen, sample.source, features, chosen.groups, noise.size)
        by_size = [
            _over_set(fold_in(fold_in(key, BATCHES), size), sample, drawn, mixing, noise, chosen, n, size, begin)
            for size in chosen.batches
        ]
        weights, growth = by_settings(by_size, chosen)
        labels = np.concatenate([sample.every_target, sample.every_error * np.sqrt(noise)], axis=1)
        rows = sample.every_row if mixing is None else sample.every_row @ mixing
        return spectral_fit(weights, growth, labels.T - weights @ rows.T, mixing, noise.size)

    return measured(mean_spectral_fit(fitted, (features_key, features_key), members), sample, noise, n)


def _over_set(
    key: HostKey, sample: InputVisits, drawn: np.ndarray, mixing: np.ndarray | None, noise: np.ndarray,
    settings: BatchSettings, n: int, size: int, begin: np.ndarray,
) -> np.ndarray:
    """Weights (times, groups, columns, width) of batches of one size."""
    known: dict[int, np.ndarray] = {}
    steps, source = int(settings.clock[-1]), sample.source

    def chosen(t: int) -> np.ndarray:
        if settings.reshuffle:
            epoch, place = divmod(t, drawn.size // size)
            if epoch not in known:
                known.clear()
                known[epoch] = permutation(fold_in(key, epoch), drawn.size)
            return known[epoch][place * size : (place + 1) * size]
        return bits(fold_in(key, t), size) % np.uint64(drawn.size)

    def batch(t: int) -> Batch:
        own = partner = np.repeat(drawn[chosen(t)], source.views)
        if source.mixes:
            partner = drawn[integers(fold_in(fold_in(key, PARTNERS), t), own.size, drawn.size)]
        return sample.drawn[own], sample.drawn[partner], sample.errors[own], sample.errors[partner]

    if source.limit is None:
        visits = _seen(source, key, batch, steps, noise, mixing)
    else:
        parts = {name: getattr(sample, name)[drawn] for name in ("rows", "targets", "errors")}
        whole = replace(sample, **parts)
        visits = _all_seen(source.limit, ((whole, chosen(t)) for t in range(steps)), noise, mixing)
    weight = drawn.size / (n * size * source.views)
    return _descend(visits, settings, settings.values["ridge"][:, None, None] / n, weight, begin)


def _stream(
    source: VisitedInputs, key: HostKey, probe: np.ndarray, features: int | None, settings: OnePassSettings,
    noise: np.ndarray, members: Members,
) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """One run, for all sizes of batches: a batch is the first samples of the largest."""
    (examples, outputs), steps, largest = source.labels.shape, int(settings.clock[-1]), int(settings.batches.max())
    order = permutation(fold_in(key, ORDER), examples)

    def samples(own: HostKey, t: int, first: int) -> tuple[np.ndarray, np.ndarray]:
        which, last = split(fold_in(own, t + 1))
        (errors,) = standard_normals(last, source.dtype, (largest, outputs))
        if source.replace:
            return integers(which, largest, examples), errors
        return order[first + t * largest : first + (t + 1) * largest], errors

    def clean(own: np.ndarray, errors: np.ndarray) -> Sample:
        return source.measured(source.features[own], source.labels[own], errors, probe, own)

    def of_size(size: int, mixing: np.ndarray | None, begin: np.ndarray) -> np.ndarray:
        def batch(t: int) -> Batch:
            own, errors = partner, also = [part[:size] for part in samples(key, t, 0)]
            if source.apart:
                partner, also = (part[:size] for part in samples(fold_in(key, PARTNERS), t, steps * largest))
            elif source.mixes:
                partner, also = np.roll(own, -1), np.roll(errors, -1, axis=0)
            seen = (np.repeat(part, source.views, axis=0) for part in (own, partner, errors, also))
            return tuple(seen)  # type: ignore[return-value]

        if source.limit is None:
            visits = _seen(source, key, batch, steps, noise, mixing)
        else:
            visits = _all_seen(source.limit, ((clean(*batch(t)[::2]), None) for t in range(steps)), noise, mixing)
        return _descend(visits, settings, 0.0, 1.0 / (size * source.views), begin, settings.window)

    def fitted(own: HostKey, _: Any) -> SpectralFit:
        mixing = _mixing(fold_in(own, 0), source, features)
        begin = _start(own, settings, source, features, settings.together, outputs)
        by_size = np.stack([of_size(int(size), mixing, begin)[settings.place] for size in settings.batches])
        sizes, times, _, *rest = by_size.shape
        ordered = np.moveaxis(by_size.reshape(sizes, times, *settings.shape, *rest), (2, 0, 3, 1), (0, 1, 2, 3))
        weights, growth = bounded(ordered.reshape(settings.settings, *rest))
        return spectral_fit(weights, growth, np.zeros((*weights.shape[:2], 0)), mixing, outputs)

    fit = mean_spectral_fit(fitted, (key, key), members)
    taken = np.zeros(0, int) if source.replace else order[: source.stream_length(steps, largest)]
    where = source.measured(source.features[:0], source.labels[:0], source.labels[:0], probe, taken)
    return measured(fit, where, noise, 1)


def _mixing(key: HostKey, source: VisitedInputs, features: int | None) -> np.ndarray | None:
    """Gaussian random features of the features (p, features), None: themselves."""
    if features is None:
        return None
    (mixing,) = standard_normals(key, source.dtype, (source.features.shape[1], features))
    return mixing / np.sqrt(np.asarray(features, mixing.dtype))


def _start(
    key: HostKey, settings: Any, source: VisitedInputs, features: int | None, groups: int, outputs: int
) -> np.ndarray:
    """Weights (groups, 2 outputs, width) of the signal and, 0, of the noise before the first step."""
    width = features or source.features.shape[1]
    begin = np.zeros((groups, 2 * outputs, width), source.dtype)
    if settings.initial is not None:
        (white,) = standard_normals(fold_in(key, INITIAL), source.dtype, (outputs, width))
        begin[:, :outputs] = settings.initial * white
    return begin


def _seen(
    source: VisitedInputs, key: HostKey, batch: Callable[[int], Batch], steps: int, noise: np.ndarray,
    mixing: np.ndarray | None,
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """What the weights see at each step, (rows, width), and labels (2 outputs, rows); views of many steps drawn at once."""
    key, start = fold_in(key, VIEWS), 0
    while start < steps:
        first = batch(start)
        size = first[0].size
        together = min(steps - start, max(1, NUMBERS // (size * source.modes)))
        parts = [first, *map(batch, range(start + 1, start + together))]
        every = map(np.concatenate, zip(*parts, strict=True))
        rows, targets, errors = source.seen(fold_in(key, start), *every)
        rows = rows if mixing is None else rows @ mixing
        labels = np.concatenate([targets, errors * np.sqrt(noise)], axis=1)
        for place in range(0, rows.shape[0], size):
            yield rows[place : place + size], labels[place : place + size].T
        start += together


def _all_seen(
    limit: LimitSampler, batches: Iterable[tuple[Sample, np.ndarray | None]], noise: np.ndarray, mixing: np.ndarray | None
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The same of infinitely many views of batches: samples, and the numbers of those drawn of them, None: all."""
    for samples, drawn in batches:
        every = limit.of(samples, drawn)
        labels = np.concatenate([every.targets, every.errors * np.sqrt(noise)], axis=1)
        yield (every.rows if mixing is None else every.rows @ mixing), labels.T


def _descend(
    visits: Iterator[tuple[np.ndarray, np.ndarray]], settings: Any, decay: Any, weight: float, begin: np.ndarray,
    window: np.ndarray | None = None,
) -> np.ndarray:
    """Weights (times, groups, columns, width) at every time of the clock, from those that `begin`."""
    values, found = {name: part.reshape(part.shape[0], -1) for name, part in settings.values.items()}, []
    weights = before = begin
    opened = np.zeros(1) if window is None else window[:, None, None]
    total = None if window is None else np.where(opened == 0, begin, 0.0)
    t = 0
    for until in settings.clock.tolist():
        while t < until:
            x, y = next(visits)
            now = {name: part[:, min(t, part.shape[1] - 1), None, None] for name, part in values.items()}

            def gradient(at: np.ndarray, x: np.ndarray = x, y: np.ndarray = y) -> np.ndarray:
                return (at @ x.T - y) @ x * weight + decay * at

            weights, before = STEPS[settings.kind](now, weights, before, gradient)
            t += 1
            if total is not None:
                total = total + np.where(t >= opened, weights, 0.0)
        if total is None:
            found.append(weights)
        else:
            found.append(np.where(until >= opened, total / np.maximum(until - opened + 1, 1), weights))
    return np.stack(found)
