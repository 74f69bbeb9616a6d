"""Measured risk of models trained in stages on fresh rows: the Monte-Carlo twin of `rfgen.theory.chain_risks`.

A model is a matrix: a row of weights for each part of the first teachers, and one for the label noise of each stage, which
reaches later stages through the labels that a model gives.  Fits are linear in labels, so that risks are sums over rows.
"""

__all__ = ["sequence_runs"]

from typing import Any

import numpy as np

from rfgen.problems.domains.domains import Domains, Law
from rfgen.problems.domains.sequence import TRUTH, Sequence
from rfgen.simulation.arrays import few_threads
from rfgen.simulation.random_numbers import HostKey, fold_in, host_key, standard_normals
from rfgen.simulation.runs.populations.domains import fitted_weights, gaussian_inputs


def sequence_runs(
    domains: Domains, law: Law, sequence: Sequence, at: list[dict[str, float]], settings: list[Any], trials: int, seed: int,
    start: int,
) -> dict[str, np.ndarray]:
    """`test` (trials, stages, tests) of the trials from number `start` on; `settings`: ridges or filters of each stage."""
    work = max(sum(value for name, value in one.items() if name.startswith("n_")) for one in at) ** 2 * domains.dim
    with np.errstate(all="ignore"), few_threads(float(work)):
        found = [
            _trial(domains, law, sequence, at, settings, fold_in(host_key(seed), number))
            for number in range(start, start + trials)
        ]
    return {"test": np.stack(found)}


def _trial(
    domains: Domains, law: Law, sequence: Sequence, at: list[dict[str, float]], settings: list[Any], key: HostKey
) -> np.ndarray:
    names, (_, own, size) = domains.names, law.teachers.shape
    truth = np.concatenate([law.teachers, np.zeros((len(law.teachers), len(sequence.stages), size))], axis=1)
    models: dict[str, np.ndarray] = {}
    risks = []
    for number, (stage, asked) in enumerate(zip(sequence.stages, at, strict=True)):
        here, first = fold_in(key, number), models[stage.start] if stage.start is not None else 0.0
        rows, labels = [], []
        for place, name in enumerate(names):
            count, mine = int(asked.get(f"n_{name}", 0)), fold_in(here, place)
            if not count:
                continue
            drawn, label = gaussian_inputs(law.covariance[place], count, fold_in(mine, 0)), stage.label_of(name)
            root = np.sqrt(asked.get(f"weight_{name}", 1.0))
            taught = drawn @ ((truth[place] if label == TRUTH else models[label]) - first).T
            noise = asked.get(f"noise_{name}", law.noise[place] if label == TRUTH else 0.0)
            (white,) = standard_normals(fold_in(mine, 1), np.float64, (count,))
            taught[:, own + number] += np.sqrt(noise) * white
            rows.append(drawn * root)
            labels.append(taught * root)
        features = None if np.isinf(asked["features"]) else int(asked["features"])
        weights, _ = fitted_weights(
            settings[number], features, fold_in(here, len(names)), np.concatenate(rows), np.concatenate(labels)
        )
        models[stage.name] = first + weights[0]
        missed = models[stage.name] - truth[len(names):]
        covariance = law.covariance[len(names):]
        seen = missed * covariance[:, None] if covariance.ndim == 2 else missed @ covariance
        risks.append(law.noise[len(names):] + np.sum(seen * missed, axis=(1, 2)))
    return np.stack(risks)

