"""Trials: where they are drawn, their keys, their batches."""

__all__ = [
    "fingerprint", "initial_weights", "measure", "refuse_streams", "settings_of", "source_of", "trial_keys",
    "trials_at_once",
]

import math
from typing import Any

import jax
import numpy as np

from rfgen.problems.augmentations.base import AbstractAugmentation
from rfgen.problems.data_task import DataTask
from rfgen.problems.populations.examples import FinitePopulation
from rfgen.problems.populations.gaussian_inputs import GaussianInputs
from rfgen.problems.populations.kernel_inputs import KernelInputs
from rfgen.problems.populations.population import SpherePopulation
from rfgen.problems.task import Task
from rfgen.problems.trainings.spectral import AbstractTraining
from rfgen.simulation.arrays import Array, on_host
from rfgen.simulation.devices import device_count
from rfgen.simulation.fits.spectral_filters import Filters, spectral_filters
from rfgen.simulation.fits.spectral_fit import InitialWeights
from rfgen.simulation.random_numbers import device_key, trial_words
from rfgen.simulation.runs.blocks.blocked_risk import InBlocks, blocked_risk
from rfgen.simulation.runs.ensemble import ALONE, Members
from rfgen.simulation.runs.risk import risk
from rfgen.simulation.runs.stochastic.input_visits import input_stream, input_visits
from rfgen.simulation.runs.stochastic.multi_pass import BatchSettings, batch_settings, multi_pass
from rfgen.simulation.runs.stochastic.one_pass import OnePassSettings, one_pass, one_pass_settings, pairs_together
from rfgen.simulation.runs.stochastic.visits import visits
from rfgen.simulation.runs.trajectory import trajectory
from rfgen.simulation.sampling.data_views import DataViews
from rfgen.simulation.sampling.input_features import feature_sampler, kernel_sampler
from rfgen.simulation.sampling.samplers import levels_but, mode_levels, sampler
from rfgen.simulation.sampling.streams import unresolved_modes
from rfgen.simulation.sampling.views import augmented
from rfgen.simulation.sampling.visited_inputs import VisitedInputs
from rfgen.simulation.sampling.visited_views import VisitedSampler, visited

# Trials of one stored cell, where a trial costs far more than its start.
CELL_TRIALS = 32
Settings = Array | Filters | BatchSettings | OnePassSettings


def source_of(
    given: Task | DataTask, task: Task, augmentation: AbstractAugmentation | None, test_views: int | None, dtype: str,
    test_rows: str, training: Any = None,
) -> Any:
    """Where training sets are drawn: from `given`, whose eigen-coordinates are those of `task`, or streams of samples; a
    stochastic `training` may draw views at each visit.
    """
    stream = training is not None and not training.needs_samples
    fresh = augmentation is not None and getattr(training, "fresh", stream)
    replace = test_rows == "population" and math.isinf(task.held_out_of)
    if isinstance(given, DataTask) and (fresh or (stream and not replace)):
        return VisitedInputs(given, augmentation, dtype, replace, training)
    if isinstance(task.population, GaussianInputs):
        return feature_sampler(task.population, augmentation, test_views, dtype)
    if isinstance(task.population, KernelInputs):
        return kernel_sampler(task.population, augmentation, dtype)
    if augmentation is None:
        return sampler(task, dtype, test_rows)
    if fresh and not stream:
        return visited(sampler(task, dtype, test_rows), task, augmentation)
    if isinstance(given, DataTask):
        return DataViews(given, augmentation, test_views, dtype, replace)
    return augmented(sampler(task, dtype, test_rows), task, augmentation, test_views)


def refuse_streams(training: AbstractTraining, task: Task) -> None:
    """Refuse, with the remedy, tasks that streams of fresh samples are not simulated from."""
    if training.needs_samples:
        return
    if isinstance(task.population, SpherePopulation | GaussianInputs | KernelInputs):
        raise ValueError(
            "one pass is simulated in eigen-coordinates only, and this task draws inputs: use Task(eigenvalues, power, "
            f"multiplicity=...) with the same levels, got {task!r}"
        )


def settings_of(training: Any, sources: list[Any], dtype: str) -> Settings:
    """The settings of a training: ridges (ridges,), filters, or those of its batches."""
    for name, values in training.axes.items():
        if np.max(values, where=np.isfinite(values), initial=0.0) > np.finfo(dtype).max:
            raise ValueError(f"{name} must fit into {dtype}, got {np.max(values):g}; use dtype='float64'")
    if training.clock is None:
        return np.asarray(np.atleast_1d(training.ridge), dtype)
    if not training.needs_samples:
        return one_pass_settings(training, dtype)
    if training.stochastic:
        return batch_settings(training, unresolved_modes(sources[0]), dtype)
    return spectral_filters(training, dtype)


def fingerprint(source: Any) -> tuple[Any, ...]:
    """All that tells a source apart but its augmentation and feature map."""
    leaves = () if isinstance(source, DataViews) else tuple(np.asarray(leaf) for leaf in jax.tree.leaves(source))
    return (type(source).__name__, *leaves, *source.identity)


def initial_weights(
    training: AbstractTraining, task: Task, source: Any, features: int | None, dtype: str
) -> InitialWeights | None:
    """The law of the weights before training, None where they are 0."""
    variance = training.initial_variance
    if not variance.any():
        return None
    zero = np.zeros(())
    if training.stochastic and features is None and unresolved_modes(source):
        raise ValueError(
            "initial_variance of stochastic training is simulated for a finite number of modes: give modes=..., or features"
        )
    if features is not None:
        if variance.ndim:
            raise ValueError(
                f"initial_variance must be one number with random features, got shape {variance.shape}: variances of "
                "levels are for kernel regression"
            )
        parts = (np.sqrt(variance), zero, zero)
    elif isinstance(task.population, SpherePopulation | KernelInputs):
        raise ValueError(
            f"initial_variance must be 0 for kernel regression on Task.{task.name}, which draws points, not the modes that "
            "have the weights: give features=..., or use Task(eigenvalues, power, multiplicity=...) with the same levels"
        )
    elif isinstance(source, DataViews) and variance.ndim == 0:
        parts = (np.sqrt(variance), zero, zero)
    elif isinstance(source, DataViews):
        raise ValueError(
            "initial_variance must be one number where views of a DataTask are drawn, got shape "
            f"{variance.shape}: its weights are those of the features, not of the modes"
        )
    else:
        spectrum = task.spectrum
        if variance.ndim and variance.size != spectrum.eigenvalues.size:
            raise ValueError(
                f"initial_variance must be one number or one per level ({spectrum.eigenvalues.size}), got shape "
                f"{variance.shape}"
            )
        by_level = np.broadcast_to(variance, spectrum.eigenvalues.shape)[spectrum.order]
        finite = isinstance(task.population, FinitePopulation)
        levels = np.arange(spectrum.eigenvalues.size) if finite else mode_levels(task)
        rest = levels_but(levels, spectrum.eigenvalues.size)
        rest = rest[spectrum.learnable[rest]]
        weights = by_level[rest] * spectrum.multiplicity[rest]
        norm = math.inf if spectrum.infinite and by_level[rest].any() else weights.sum()
        parts = (np.sqrt(by_level[levels]), weights @ spectrum.eigenvalues[rest], np.asarray(norm))
    return InitialWeights(*(np.asarray(part, dtype) for part in parts))


def trials_at_once(source: Any, features: int | None, outputs: int, settings: Settings) -> int:
    """Trials of a stored cell: a killed run loses at most these."""
    if isinstance(settings, OnePassSettings) and not isinstance(source, VisitedInputs):
        return max(CELL_TRIALS, 2 * pairs_together(settings, source, features, outputs))
    return CELL_TRIALS


def trial_keys(seed: int, n: int | None, features: int | None, start: int, stop: int) -> jax.Array:
    """The keys (pairs, 2) of `trial_words` on the device."""
    return device_key(trial_words(seed, n, features, start, stop))


def measure(
    source: Any, words: np.ndarray, n: Any, features: int | None, settings: Settings, initial: InitialWeights | None,
    noise: Any, together: int, trials: int, advance: Any, members: Members = ALONE,
) -> dict[str, np.ndarray]:
    """Measures of `trials` trials, each (trials, settings, outputs), `bias` (trials // 2, ...), in batches that fit.

    `words` are those of the trials' keys, `settings` ridges (ridges,), or those of another training; a trial averages
    `members`; `advance(count)` is called as trials finish.
    """
    pairs = words.shape[0]
    batched = not (on_host() or isinstance(source, DataViews | InBlocks))
    if batched:
        source, settings, initial, noise = jax.device_put((source, settings, initial, noise))
    elif isinstance(source, InBlocks):
        source = source.placed()
    devices = device_count()
    on_devices = isinstance(source, DataViews) and not on_host()
    # on the host one after another, on each device
    compiled = batched or on_devices or isinstance(settings, BatchSettings)
    in_numpy = isinstance(source, VisitedInputs)
    size = min(pairs, devices * (max(1, together // 2) if batched else 1)) if compiled else 1
    if isinstance(settings, OnePassSettings) and not in_numpy:
        # powers of two, so that few shapes are compiled
        most = max(1, min(together // 2, pairs_together(settings, source, features, noise.size)))
        size = min(devices << (most.bit_length() - 1), 1 << (pairs - 1).bit_length())
    pieces = []
    for start in range(0, pairs, size):
        length = min(size, pairs - start)
        batch = words[np.arange(start, start + size) % pairs]  # the shape compiled before
        if isinstance(source, InBlocks):
            measured = blocked_risk(source.base, source.examples, device_key(batch), n, features, settings, noise, members)
        elif isinstance(settings, OnePassSettings) and in_numpy:
            measured = input_stream(source, batch, features, settings, noise, members)
        elif isinstance(settings, OnePassSettings):
            measured = one_pass(source, device_key(batch), features, settings, noise, members.count)
        elif isinstance(settings, Filters):
            measured = trajectory(source, batch, n, features, settings, initial, noise, batched, members)
        elif isinstance(settings, BatchSettings) and in_numpy:
            measured = input_visits(source, batch, n, features, settings, noise, members)
        elif isinstance(source, VisitedSampler):
            measured = visits(source, batch, n, features, settings, noise, batched, members)
        elif isinstance(settings, BatchSettings):
            measured = multi_pass(source, batch, n, features, settings, noise, batched, members)
        else:
            measured = risk(source, batch, n, features, settings, noise, batched, members)
        leaves = {name: leaf for name, leaf in vars(measured).items() if leaf is not None}
        pieces.append({name: np.asarray(leaf, np.float64)[:length] for name, leaf in leaves.items()})
        advance(min(2 * length, trials - 2 * start))
    whole = {name: np.concatenate([piece[name] for piece in pieces]) for name in pieces[0]}
    bias = whole.pop("bias")[: trials // 2]
    flat = {name: values.reshape(-1, *values.shape[2:])[:trials] for name, values in whole.items()}
    return {**flat, "bias": bias}
