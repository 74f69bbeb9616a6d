"""The numbers of an estimator on tasks: modes compressed to few nodes where they have one spectrum."""

__all__ = ["numbers_of"]

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from rfgen.algebra.estimator import Estimator
from rfgen.algebra.leaves import Vector
from rfgen.algebra.macros import INPUTS, covariance
from rfgen.algebra.matrices import nodes
from rfgen.numerics.compression import compress
from rfgen.problems.space_tasks import SpaceTasks
from rfgen.theory.compiled.dense import Dense
from rfgen.theory.compiled.system import Numbers


def numbers_of(
    estimator: Estimator, domains: SpaceTasks, diagonals: Mapping[str, np.ndarray]
) -> Callable[[Mapping[str, Any]], Numbers]:
    """The `Numbers` at a point as a function of the numbers of all names there.

    `diagonals` (levels,) by name: of inputs in the order of the eigenvalues, of another space over levels of equal shares;
    or matrices (levels, levels), each level one dimension.
    """
    values, coefficients, names = domains.eigenvalues, domains.coefficients, list(domains.own)
    leading = domains.own[names[0]]
    signs = np.ones_like(values[names[0]])
    signs[leading.spectrum.order] = np.where(leading.power.sum(axis=0) < 0.0, -1.0, 1.0)
    pairs = [(one, two) for one in names for two in names]
    products = [signs * np.sum(coefficients[one] * coefficients[two], axis=0) for one, two in pairs]
    rows = np.stack([domains.multiplicity, *products])
    of_inputs = {own.name for own in estimator.diagonals if own.rows is INPUTS}
    dense = {name for name, own in diagonals.items() if own.ndim == 2}
    if domains.shared_spectrum and not of_inputs:
        first = values[names[0]]
        kept = np.flatnonzero(first > 0.0)
        kept = kept[np.argsort(-first[kept], kind="stable")]
        shared, rows, _ = compress(first[kept], rows[:, kept])
        values = dict.fromkeys(names, shared)
    moments: dict[Any, Any] = {}
    for (one, two), product in zip(pairs, rows[1:], strict=True):
        scale = np.sqrt(values[one] * values[two])
        seen = scale > 0.0
        moments[("teacher", one), ("teacher", two)] = np.where(seen, product, 0.0) / np.where(seen, scale, 1.0)
        if dense & of_inputs:
            first, second = (
                coefficients[name] / np.sqrt(np.where(values[name] > 0.0, values[name], 1.0)) for name in (one, two)
            )
            moments[("teacher", one), ("teacher", two)] = Dense(first.T @ second)
    known: dict[str, Any] = {covariance(name).name: values[name] for name in names}
    known |= {name: Dense(own) if name in dense else own for name, own in diagonals.items()}
    levels = {own.rows.name: len(diagonals[own.name]) for own in estimator.diagonals if own.rows is not INPUTS}
    noises = [node for node in nodes(estimator.weights) if isinstance(node, Vector) and node.kind == "noise"]
    unseen = {node: float(domains.unseen(node.rows.name).sum()) for node in noises}

    def at(point: Mapping[str, Any]) -> Numbers:
        weights = {INPUTS.name: rows[0]}
        for name in estimator.sizes:
            count = levels.get(name, 1)
            weights[name] = point[name] / count * np.ones(count)
        own = {(key, key): unseen[node] * weights[node.rows.name] for node in noises for key in ((node.kind, node.of),)}
        return Numbers(weights, known, point, moments | own)

    return at
