"""Second moments of the features of augmented views, estimated from independent views of every example.

With V views of each example, u_bar their mean: `between = E[u_bar u_bar']` has expectation Sigma_mu + C/V and `within`, the
covariance inside an example with divisor V - 1, has expectation C.  Then Sigma_mu + C/m is estimated without bias by
between + (1/m - 1/V) within, positive semidefinite for every m <= V.  Equations: theory (5.14).
"""

__all__ = ["ViewMoments", "cached_moments", "view_moments"]

from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from rfgen.numerics.compilation.program import program
from rfgen.problems.augmentations.base import AbstractAugmentation
from rfgen.problems.data_task import DataTask
from rfgen.problems.views.drawn_views import DrawnViews

# Feature rows held at a time, in numbers.
CHUNK = 1 << 23


@dataclass(frozen=True, eq=False)
class ViewMoments:
    """`means` (patterns, patterns, p, p): E[u_bar_a u_bar_b'], `between` for a = b (given for a <= b); `within`
    (patterns, p, p); `cross` (patterns, patterns, outputs, p): E[u_bar_a label_b]; `label_means` (patterns, patterns,
    outputs): E[label_a label_b]; `test_cross` (patterns, outputs, p): E[u_bar_a label], of the label as it is; `label`
    (patterns,): factor on the label; `views`: V; `error`: relative standard errors (Frobenius norm) of between and
    within, from two halves of the views.  Of the first pattern and the clean example: `clean` (p, p): E[features u_bar'],
    `clean_cross` (outputs, p): E[features label_0], `clean_label` (outputs,): E[label label_0].
    """

    means: np.ndarray
    within: np.ndarray
    label_means: np.ndarray
    cross: np.ndarray
    test_cross: np.ndarray
    label: np.ndarray
    views: int
    error: tuple[float, float]
    clean: np.ndarray
    clean_cross: np.ndarray
    clean_label: np.ndarray


def cached_moments(task: DataTask, augmentation: AbstractAugmentation, patterns: Any, views: int) -> ViewMoments:
    """`view_moments`, kept with the task: another number of views in training, n or ridge needs no new estimate."""
    key = (augmentation.at(views=1), views, len(patterns))
    if key not in task.kept_moments:
        task.kept_moments[key] = view_moments(task, patterns, views)
    return task.kept_moments[key]


def view_moments(task: DataTask, patterns: tuple[AbstractAugmentation, ...], views: int, seed: int = 0) -> ViewMoments:
    """Moments of `views` >= 2 (even) views of every example for each of `patterns`."""
    drawers = [DrawnViews(task, one) for one in patterns]
    labels = task.labels if task.labels.ndim == 2 else task.labels[:, None]
    (size, p), outputs, count = task.features.shape, labels.shape[1], len(patterns)
    key = jax.random.key(seed, impl="threefry2x32")
    halves = np.zeros((2, count, p, p))  # sums of second moments of single views, of the first and the second half
    means = np.zeros((count, count, p, p))
    apart = np.zeros((2, count, p, p))  # sums over half means, of each half
    cross = np.zeros((count, count, outputs, p))
    test_cross = np.zeros((count, outputs, p))
    label_means, label = np.zeros((count, count, outputs)), np.zeros(count)
    clean, clean_cross, clean_label = np.zeros((p, p)), np.zeros((outputs, p)), np.zeros(outputs)
    chunk = max(1, CHUNK // (views * max(p, task.inputs[0].size)))
    for start in range(0, size, chunk):
        inputs, here = task.inputs[start : start + chunk], labels[start : start + chunk]
        averages, seen = [], []
        for a, drawer in enumerate(drawers):
            keys = _keys(key, start, a, count=inputs.shape[0] * views)
            many = np.repeat(inputs, views, axis=0)
            view = drawer.views(keys, many, many)
            rows = drawer.features(view.input).astype(np.float64)
            pair = rows.reshape(inputs.shape[0], 2, views // 2, p)
            half_means = pair.mean(axis=2)
            for half in range(2):
                flat = pair[:, half].reshape(-1, p)
                halves[half, a] += flat.T @ flat
                apart[half, a] += half_means[:, half].T @ half_means[:, half]
            averages.append(half_means.mean(axis=1))
            own, offset = (np.reshape(part, (inputs.shape[0], views)).mean(axis=1) for part in (view.own, view.offset))
            label[a] += own.sum() / size
            seen.append(own[:, None] * here + offset[:, None])
        features = task.features[start : start + chunk]
        clean += features.T @ averages[0]
        clean_cross += seen[0].T @ features
        clean_label += (here * seen[0]).sum(axis=0)
        for a in range(count):
            test_cross[a] += here.T @ averages[a]
            for b in range(count):
                cross[a, b] += seen[b].T @ averages[a]
                label_means[a, b] += (seen[a] * seen[b]).sum(axis=0)
                if b >= a:
                    means[a, b] += averages[a].T @ averages[b]
    means /= size
    half = views // 2
    within = np.zeros((count, p, p))
    spread = []
    for a in range(count):
        total = (halves[0, a] + halves[1, a]) / (size * views)
        within[a] = (total - means[a, a]) * (views / (views - 1))
        if np.trace(within[a]) < 1e-13 * np.trace(means[a, a]):  # rounding: all views are alike
            within[a] = 0.0
        if half > 1:
            parts = [(halves[i, a] / (size * half) - apart[i, a] / size) * (half / (half - 1)) for i in range(2)]
            between = _relative(apart[0, a] - apart[1, a], size * means[a, a])
            spread.append([between, _relative(parts[0] - parts[1], within[a])])
    error = tuple(np.max(spread, axis=0) / 2.0) if spread else (np.nan, np.nan)
    return ViewMoments(
        means, within, label_means / size, cross / size, test_cross / size, label, views,
        (float(error[0]), float(error[1])), clean / size, clean_cross / size, clean_label / size,
    )


@program(static_argnames="count")
def _keys(key: jax.Array, start: Any, pattern: Any, count: int) -> jax.Array:
    return jax.random.split(jax.random.fold_in(jax.random.fold_in(key, start), pattern), count)


def _relative(difference: np.ndarray, whole: np.ndarray) -> float:
    size = float(np.linalg.norm(whole))
    return float(np.linalg.norm(difference)) / size if size > 0 else 0.0
