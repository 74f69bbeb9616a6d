"""The modes of a task by the classes that an augmentation tells apart, compressed class by class."""

__all__ = ["ModeClasses", "class_shares", "mode_classes"]

from dataclasses import dataclass

import numpy as np

from rfgen.numerics.compression import compress
from rfgen.problems.augmentations.mode_law import ModeLaw
from rfgen.problems.task import Task

# As in `Task.modes`: nodes are padded with empty ones, so that most tasks share one compiled shape.
LEAST_NODES, PADDING = 192, 32
# A task of no more modes than this is not compressed for many classes: fewer nodes that way.
FEW_MODES = 2048


@dataclass(frozen=True, eq=False)
class ModeClasses:
    """Nodes with `eigenvalues`, `multiplicity`, `shape` (nodes,), `power` (outputs, nodes) (or (nodes,), summed) and
    `membership` (classes, nodes), 1 where the node belongs to the class; `null_power` as in `Task.modes`.
    """

    eigenvalues: np.ndarray
    multiplicity: np.ndarray
    power: np.ndarray
    membership: np.ndarray
    shape: np.ndarray
    null_power: np.ndarray


def mode_classes(task: Task, law: ModeLaw) -> ModeClasses:
    """Nodes of `task` for the classes of `law`; the noise of a law with `shape` keeps every level as a node."""
    if law.classes == 1 and law.shape is None:
        modes = task.modes
        ones = np.ones_like(modes.eigenvalues)
        return ModeClasses(modes.eigenvalues, modes.multiplicity, modes.power, ones[None], ones, modes.null_power)
    learned = task.spectrum.learnable
    eigenvalues, counts = task.eigenvalues[learned], task.spectrum.multiplicity[learned]
    power = (task.power if task.keep_outputs else task.power.sum(axis=0, keepdims=True))[:, learned]
    shape = np.ones(eigenvalues.size)
    if law.shape is not None:
        if law.shape.size != task.eigenvalues.size:
            raise ValueError(f"covariance must have one entry per level ({task.eigenvalues.size}), got {law.shape.size}")
        order = task.spectrum.order
        shape = np.asarray(law.shape)[order][learned]
    rows = np.concatenate([counts[None], power])
    pieces = []
    for number, share in enumerate(class_shares(task, law)):
        share = share[learned]
        there = share > 0
        if not there.any():
            continue
        nodes, weights, kept = eigenvalues[there], rows[:, there] * share[there], shape[there]
        if law.shape is None and nodes.size > FEW_MODES // law.classes:
            nodes, weights, _ = compress(nodes, weights)
            kept = np.ones(nodes.size)
        pieces.append((nodes, weights, kept, np.full(nodes.size, number)))
    nodes, kept, number = (np.concatenate([piece[i] for piece in pieces]) for i in (0, 2, 3))
    weights = np.concatenate([piece[1] for piece in pieces], axis=1)
    pad = max(LEAST_NODES, nodes.size + -nodes.size % PADDING) - nodes.size
    nodes, kept, number = (np.append(values, np.full(pad, values[0])) for values in (nodes, kept, number))
    weights = np.concatenate([weights, np.zeros((weights.shape[0], pad))], axis=1)
    null = task.modes.null_power
    return ModeClasses(
        nodes, weights[0], weights[1:] if task.keep_outputs else weights[1],
        (number == np.arange(law.classes)[:, None]).astype(np.float64), kept, null,
    )


def class_shares(task: Task, law: ModeLaw) -> list[np.ndarray]:
    """For each class, the share of each level's modes in it, (levels,)."""
    counts, explicit = task.spectrum.multiplicity, task.spectrum.explicit
    if law.classes == 1:
        return [np.ones(counts.size)]
    if law.level_class is not None:
        own = law.level_class[task.spectrum.order]
        return [(own == number).astype(np.float64) for number in range(law.classes)]
    start = np.concatenate([[0.0], np.cumsum(counts[:explicit])[:-1]])
    stop = start + counts[:explicit]
    if law.breaks is None:
        odd = np.full(counts.size, 0.5)  # of an infinite tail
        odd[:explicit] = (np.floor(stop / 2) - np.floor(start / 2)) / counts[:explicit]
        return [1.0 - odd, odd]
    shares = []
    for first, last in zip(law.breaks[:-1], law.breaks[1:], strict=True):
        overlap = np.clip(np.minimum(stop, last) - np.maximum(start, first), 0.0, None)
        shares.append(overlap / counts[:explicit])
    return shares
