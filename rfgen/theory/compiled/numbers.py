"""The numbers of an estimator on tasks: modes compressed to few nodes where they have one spectrum."""

__all__ = ["numbers_of"]

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from rfgen.algebra.estimator import Estimator
from rfgen.algebra.leaves import Vector
from rfgen.algebra.macros import INPUTS, covariance
from rfgen.algebra.matrices import LINE
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
    lines = estimator.directions
    if domains.shared_spectrum and not of_inputs and not lines:
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
    if lines or dense & of_inputs:  # all entries are kept
        vectors = {("direction", own.of): np.asarray(diagonals[own.of], float)[None] for own in lines}
        roots = {name: np.sqrt(np.where(values[name] > 0.0, values[name], 1.0)) for name in names}
        vectors |= {("teacher", name): coefficients[name] / roots[name] for name in names}
        for one, first in vectors.items():
            for two, second in vectors.items():
                if len(first) == len(second):
                    product = Dense(first.T @ second) if dense & of_inputs else np.sum(first * second, axis=0)
                    moments[one, two] = product
    known: dict[str, Any] = {covariance(name).name: values[name] for name in names}
    given = {own.name: own for own in estimator.diagonals}
    known |= {name: Dense(diagonals[name]) if name in dense else diagonals[name] for name in given}
    levels = {own.rows.name: len(diagonals[name]) for name, own in given.items() if own.rows is not INPUTS}
    drawn = [node for node in estimator.nodes if isinstance(node, Vector)]
    noises = [node for node in drawn if node.kind == "noise"]
    unseen = {node: float(domains.unseen(node.rows.name).sum()) for node in noises}
    shares = {
        node.key: float(domains.noise(node.rows.name).sum()) / unseen[node] if unseen[node] else 1.0 for node in noises
    }
    labels = [node for node in drawn if node.kind in ("ones", "signs", "normal")]

    def at(point: Mapping[str, Any]) -> Numbers:
        weights = {INPUTS.name: rows[0], LINE.name: np.ones(1)}
        here = dict(known)
        for name in estimator.sizes:
            count = levels.get(name, 1)
            weights[name] = point[name] / count * np.ones(count)
            split = [own.name for own in given.values() if own.rows.name == name]
            for own in estimator.subsets:  # each divides every level in two
                if own.rows.name == name:
                    share, size = point[own.size] / point[name], len(weights[name])
                    weights[name] = np.concatenate([share * weights[name], (1.0 - share) * weights[name]])
                    here |= {one: np.tile(here[one], 2) for one in split} | {own.name: np.repeat([1.0, 0.0], size)}
                    split.append(own.name)
        own = {(node.key, node.key): unseen[node] * weights[node.rows.name] for node in noises}
        means = {node: node.mean(point) for node in labels}
        for one in labels:
            for two in labels:
                mean = 1.0 if one is two else means[one] * means[two]
                if one.rows is two.rows and mean:
                    own[one.key, two.key] = mean * weights[one.rows.name]
        return Numbers(weights, here, point, moments | own, shares)

    return at
