"""Measured risk of models trained on rows of several domains: draw, fit, measure.

The Monte-Carlo twin of `rfgen.theory.domain_risk`.  Fits are linear in the labels: teachers have an output for each of
their independent parts, and the noise of each domain is a column of its own, so that one decomposition tells what each
adds.  The product of the signal errors of two trials measures the bias.
"""

__all__ = ["DomainRuns", "domain_bytes", "domain_runs", "fitted_weights", "gaussian_inputs"]

from dataclasses import dataclass
from typing import Any

import numpy as np

from rfgen.problems.augmentations.base import AbstractAugmentation
from rfgen.problems.domains.domain import Domain
from rfgen.problems.domains.domains import Law
from rfgen.problems.trainings.stochastic import SGD
from rfgen.simulation.arrays import few_threads
from rfgen.simulation.fits.batch_fit import batch_fit
from rfgen.simulation.fits.ridge_fit import fit_kernel, fit_random_features
from rfgen.simulation.fits.spectral_filters import Filters
from rfgen.simulation.fits.spectral_fit import fit_spectrally
from rfgen.simulation.random_numbers import HostKey, fold_in, host_key, integers, normal_rows, split, standard_normals
from rfgen.simulation.sampling.samplers import Sample
from rfgen.simulation.sampling.views import VIEWS, one_view_each

# Keys of the features, after those of the domains, and of batches.
FEATURES, BATCHES = 0x646F6D, 0x62617463


@dataclass(frozen=True)
class DomainRuns:
    """What is drawn: `domains` to train on, in the coordinates of `law`, whose further entries are tests; `settings` ridges
    (ridges,), the filters of another training, or SGD; `features` None: the kernel; `augmentations` of each domain;
    `members` are averaged.
    """

    domains: tuple[Domain, ...]
    law: Law
    settings: Any
    features: int | None
    augmentations: tuple[AbstractAugmentation | None, ...]
    members: int = 1

    @property
    def tests(self) -> slice:
        """Places of the test populations in `law`."""
        return slice(len(self.domains), None)


def domain_bytes(runs: DomainRuns, rows: int, settings: int) -> float:
    """Bytes that a trial holds at a time."""
    inputs = runs.law.teachers.shape[-1]
    width = inputs if runs.features is None else runs.features
    columns = runs.law.teachers.shape[1] + len(runs.domains)
    designs = 3 * rows * inputs + 2 * rows * width + 3 * min(rows, width) ** 2
    if runs.features is not None:
        designs += 2 * rows**2 if rows < inputs else (inputs + rows) * width
    return 8.0 * (designs + settings * columns * (2 * inputs + rows))


def domain_runs(
    runs: DomainRuns, n: tuple[int, ...], weights: np.ndarray, trials: int, seed: int, start: int
) -> dict[str, np.ndarray]:
    """Measures of the trials from number `start` on, of `weights` (settings of weights, domains): `test`, `noise`
    (trials, weights, settings, tests), `noise_by_domain` with domains behind, `train` (trials, weights, settings, domains),
    `norm` (trials, weights, settings), and of pairs of trials `bias`, `variance`.
    """
    with np.errstate(all="ignore"), few_threads(float(sum(n)) ** 2 * runs.law.teachers.shape[-1]):
        each = [_trial(runs, n, weights, fold_in(host_key(seed), number)) for number in range(start, start + trials)]
    found = {name: np.stack([one[name] for one in each]) for name in each[0]}
    errors, pairs = found.pop("errors"), trials // 2
    one, other = errors[: 2 * pairs : 2], errors[1 : 2 * pairs : 2]
    signal = _forms(runs, errors, errors)[: 2 * pairs].reshape(pairs, 2, *errors.shape[1:4])
    bias = _forms(runs, one, other)
    return {**found, "bias": bias, "variance": signal.mean(axis=1) - bias}


def _trial(runs: DomainRuns, n: tuple[int, ...], weights: np.ndarray, key: HostKey) -> dict[str, np.ndarray]:
    """All measures of one trial but bias and variance, and `errors` (weights, settings, tests, outputs, inputs)."""
    law, count = runs.law, len(runs.domains)
    drawn = [_rows(law, place, one, n[place], fold_in(key, place)) for place, one in enumerate(runs.domains)]
    seen_as = [1 if one is None else int(one.views) for one in runs.augmentations]
    drawn = [tuple(np.repeat(part, views, axis=0) for part in one) for one, views in zip(drawn, seen_as, strict=True)]
    rows, outputs = np.concatenate([one for one, _ in drawn]), law.teachers.shape[1]
    owner = np.repeat(np.arange(count), [size * views for size, views in zip(n, seen_as, strict=True)])
    labels = np.zeros((rows.shape[0], outputs + count))
    labels[:, :outputs] = np.concatenate([signal for _, signal in drawn])
    for place, one in enumerate(runs.domains):
        if one.examples is None:
            (white,) = standard_normals(fold_in(fold_in(key, place), 2), np.float64, (n[place],))
            labels[owner == place, outputs + place] = np.repeat(np.sqrt(one.noise) * white, seen_as[place])
    for place, augmentation in enumerate(runs.augmentations):
        if augmentation is not None and n[place]:
            at = owner == place
            seen = one_view_each(augmentation, fold_in(fold_in(key, place), VIEWS), rows[at], rows[at])
            rows[at], factor = seen.input, np.broadcast_to(seen.own, rows[at].shape[:1])[:, None]
            labels[at] *= factor
            rows[at], labels[at] = rows[at] / np.sqrt(seen_as[place]), labels[at] / np.sqrt(seen_as[place])
    found: list[dict[str, np.ndarray]] = []
    for own in weights:
        root = np.sqrt(own)[owner, None]
        fitted, norm = fitted_weights(
            runs.settings, runs.features, fold_in(key, FEATURES), rows * root, labels * root, runs.members,
            sum(n),
        )
        residuals = labels - np.einsum("np,scp->snc", rows, fitted)
        squares = np.sum(residuals**2, axis=2)
        train = [squares[:, owner == place].sum(axis=1) / size if size else np.zeros(len(squares))
                 for place, size in enumerate(n)]
        errors = fitted[:, None, :outputs] - law.teachers[None, runs.tests]
        spurious = _products(law.covariance[runs.tests], fitted[:, None, outputs:], fitted[:, None, outputs:])
        signal = _products(law.covariance[runs.tests], errors, errors).sum(axis=-1)
        noise = law.noise[runs.tests] + spurious.sum(axis=-1)
        found.append({
            "test": signal + noise, "noise": noise, "noise_by_domain": spurious, "train": np.stack(train, axis=-1),
            "norm": norm, "errors": errors,
        })
    return {name: np.stack([one[name] for one in found]) for name in found[0]}


def _rows(law: Law, place: int, domain: Domain, n: int, key: HostKey) -> tuple[np.ndarray, np.ndarray]:
    """Rows (n, inputs) and their labels without noise (n, outputs); of real rows with all that they have."""
    outputs = law.teachers.shape[1]
    if domain.examples is not None:
        features, labels = domain.examples
        drawn = integers(key, n, len(labels)) if n else np.zeros(0, int)
        own = np.zeros((n, outputs))
        own[:, 0] = labels[drawn]
        return features[drawn], own
    rows = gaussian_inputs(law.covariance[place], n, split(key)[0])
    return rows, rows @ law.teachers[place].T


def gaussian_inputs(covariance: np.ndarray, n: int, key: HostKey) -> np.ndarray:
    """Rows (n, inputs) of a covariance (inputs,) or (inputs, inputs)."""
    if not n:
        return np.zeros((0, covariance.shape[0]))
    if covariance.ndim == 1:
        return normal_rows(key, n, np.sqrt(covariance))
    values, vectors = np.linalg.eigh(covariance)
    return (normal_rows(key, n, np.ones(values.size)) * np.sqrt(np.maximum(values, 0.0))) @ vectors.T


def fitted_weights(
    settings: Any, features: int | None, key: HostKey, rows: np.ndarray, labels: np.ndarray, members: int = 1,
    samples: int | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Weights (settings, columns, inputs) and squared length (settings,), the mean over members, for `settings` ridges
    (ridges,), filters, or SGD.  The objective is a mean over so many `samples`; None: rows.
    """
    (count, inputs), columns = rows.shape, labels.shape[1]
    count = count if samples is None else samples
    # fits read rows and labels alone; the rest of a sample is for measures that are not taken here
    ones, truth = np.ones(inputs), np.zeros((columns, inputs))
    sample = Sample(rows, labels, labels, np.zeros(()), ones, truth, ones, np.zeros(columns))
    total, norm = 0.0, 0.0
    for own in split(key, members):
        if isinstance(settings, SGD):
            mixing = None
            if features is not None:
                (mixing,) = standard_normals(own, np.float64, (inputs, features))
                mixing = mixing / np.sqrt(features)
            trained = batch_fit(fold_in(own, BATCHES), settings, rows, labels, mixing)
            total = total + (trained if mixing is None else trained @ mixing.T)
            norm = norm + np.sum(trained**2, axis=(1, 2))
        elif isinstance(settings, Filters):
            doubled = np.concatenate([labels, np.zeros_like(labels)], axis=1)
            fit = fit_spectrally(own, sample, doubled, settings, count, features, own, None)
            total, norm = total + fit.signal @ fit.basis.T, norm + fit.norm.sum(axis=1)
        else:
            if features is None:
                found = fit_kernel(sample, labels, settings)
            else:
                found = fit_random_features(own, sample, labels, settings, features)
            total, norm = total + found.weights, norm + np.trace(found.gram, axis1=1, axis2=2)
    return np.asarray(total) / members, np.asarray(norm) / members


def _products(covariance: np.ndarray, one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """v' A v' of each test population's covariance: vectors (..., tests, columns, inputs) to (..., tests, columns)."""
    if covariance.ndim == 2:
        return np.sum(one * covariance[:, None] * other, axis=-1)
    return np.sum((one @ covariance) * other, axis=-1)


def _forms(runs: DomainRuns, one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """The same, summed over outputs."""
    return _products(runs.law.covariance[runs.tests], one, other).sum(axis=-1)
