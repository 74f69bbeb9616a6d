"""One step of stochastic descent on fresh samples that are seen in fresh views: exact moments, at every number of modes.

Given its pattern t a view is independent over modes, with E view^2 = a = kappa lambda + level, kappa = gain^2 + slope.  The
gradient of one sample is the mean over its m views; where a view of label factor l is seen by weights of error e = w - b,

    E g_i^2 = sum over s of weight_s [spread_si (T_s - z_si) + x_si],      T_s = label_s noise + sum_i z_si,

with s a single pattern t (weight p_t / m) or a pair t, t' of two views of one sample (weight (1 - 1/m) p_t p_t'), and z, x
quadratic in (b, e), written here (A0, A1, A2) for A0 b^2 + 2 A1 b E e + A2 E e^2:

    single  spread a,           label l^2,  z = (l^2 lambda - 2 l g lambda + a,  a - l g lambda,  a)
            x = (l^2 (3 kappa lambda^2 + level lambda) - 2 l q3 + q4,  q4 - l q3,  q4)
            q3 = 3 third_0 lambda^2 + third_1 lambda,        q4 = 3 fourth_0 lambda^2 + fourth_1 lambda + fourth_2
    pair    spread g g' lambda, label l l', z = lambda (l l' - l g' - l' g + g g',  g g' - (l g' + l' g)/2,  g g')
            x = (3 l l' g g' lambda^2 - y + u,  u - y/2,  u)
            y = l g (3 kappa' lambda^2 + level' lambda) + the same with t, t' exchanged
            u = 3 kappa kappa' lambda^2 + (kappa level' + kappa' level) lambda + level level'

Less the square of the mean gradient, this is the noise that `second_moments` takes, a batch of B dividing it.  Only the
mean and the variance of each mode's weight enter: the recursion closes.  In one pass each sample is seen once, so all views
are fresh.

A mixture of a sample with the next of its batch is one of two samples that nobody sees else, times a factor; but every
sample is in two mixtures, whose gradients correlate: E g_i^2 gains 2 (E w^2)^2 (lambda T + lambda^2 E e^2), of clean
samples, and in a batch of two, which share both, 2 (E w(1-w))^2 of the same.  (Derived.)
Equations: theory (7.14), (17.7).
"""

__all__ = ["ViewedModes", "on_views", "rest_with_views", "view_nodes", "viewed_modes"]

from dataclasses import dataclass
from typing import Any

import numpy as np

from rfgen.problems.augmentations.base import AbstractAugmentation
from rfgen.problems.augmentations.mixing import Mixup
from rfgen.problems.task import Task
from rfgen.problems.views.mode_classes import class_shares
from rfgen.theory.sgd.stability import Responses
from rfgen.theory.sgd.streaming.one_pass_parts import Found, parts_of, verdicts
from rfgen.theory.sgd.streaming.second_moments import Iteration, MomentNodes, ViewTerms, second_moments

# Numbers of one form over patterns and nodes that are affordable.
MOST_NUMBERS = 2 * 10**6
Form = tuple[np.ndarray, np.ndarray, np.ndarray]


@dataclass(frozen=True)
class ViewedModes:
    """Modes by the classes that an augmentation tells apart: `eigenvalues`, `counts`, `level` number (nodes,), `power`
    (outputs, nodes), and the law of each node's views: `gain`, `square`, `floor` (patterns, nodes), E view^2 = square x^2 +
    floor, `third`, `fourth` (2 or 3, patterns, nodes), `probability`, `label` (patterns,), `views` of a sample, `shared`:
    what views have in common because samples are mixed with others of their batch.
    """

    eigenvalues: np.ndarray
    counts: np.ndarray
    level: np.ndarray
    power: np.ndarray
    gain: np.ndarray
    square: np.ndarray
    floor: np.ndarray
    third: np.ndarray
    fourth: np.ndarray
    probability: np.ndarray
    label: np.ndarray
    views: float
    shared: float


def viewed_modes(task: Task, augmentation: AbstractAugmentation, scale: float, batch: float) -> ViewedModes:
    """The learnable modes of `task`, in units of `scale`, and the law of their views in batches of `batch`; refuses what is
    not derived.
    """
    name, shared, spectrum = type(augmentation).__name__, 0.0, task.spectrum
    if isinstance(augmentation, Mixup):
        law, shared = augmentation.law_of_one(), shared_in_batch(augmentation, batch)
    elif augmentation.mixes:
        raise ValueError(
            f"{name} is not predicted along one pass, whose samples are mixed by rg.Mixup alone: take that, an "
            "augmentation that changes one input at a time, or train by rg.Ridge"
        )
    else:
        law = augmentation.mode_law(task.spectrum.rank)
    if law.higher is None:
        raise ValueError(
            f"one pass needs the third and fourth moments of views, and those of {name} are not given: state `third` and "
            "`fourth` in the ModeLaw of its mode_law"
        )
    if law.shape is not None and law.shape.size != spectrum.order.size:
        raise ValueError(f"covariance must have one entry per level ({spectrum.order.size}), got {law.shape.size}")
    shares = np.array(class_shares(task, law))
    shares[:, ~spectrum.learnable] = 0.0
    level, kind = np.nonzero(shares.T > 0)
    share = shares[kind, level]
    power = task.power if task.keep_outputs else task.power.sum(axis=0, keepdims=True)
    shape = 1.0 if law.shape is None else law.shape[spectrum.order][level]
    unit = shape / scale
    third, fourth = (np.moveaxis(part, -1, 0)[:, :, kind] for part in law.higher)
    return ViewedModes(
        task.eigenvalues[level] / scale, spectrum.multiplicity[level] * share, level, power[:, level] * share,
        law.gain[:, kind], (law.gain**2 + law.slope)[:, kind], law.level[:, kind] * unit,
        np.stack([third[0], third[1] * unit]), np.stack([fourth[0], fourth[1] * unit, fourth[2] * unit**2]),
        law.probability, law.label, float(augmentation.views), shared,
    )


def shared_in_batch(augmentation: Mixup, batch: float) -> float:
    """What the mixtures of one batch have in common, in units of the noise of clean samples."""
    if float(augmentation.views) != 1:
        raise ValueError(
            f"views must be 1 for Mixup along one pass, got {float(augmentation.views):g}: mixtures of one sample with "
            "several others are not derived; take a larger batch"
        )
    if augmentation.partner == "fresh":
        return 0.0
    if batch < 2:
        raise ValueError(
            f"batch must be at least 2 for Mixup along one pass, got {batch:g}: a sample is mixed with the next of its "
            'batch; give partner="fresh" for samples of the stream'
        )
    own, cross = augmentation.weight_moments
    return 2.0 * (own**2 + (cross**2 if batch == 2 else 0.0))


def on_views(
    modes: ViewedModes, iteration: Iteration, times: np.ndarray, window: int | None, null: np.ndarray, noise: np.ndarray,
    by_mode: bool,
) -> Found:
    """Parts of the curve where each sample is seen in fresh views: all modes, one by one."""
    table = view_nodes(modes, np.append(null, 1.0))
    run = second_moments(iteration, table, times, window, by_mode)
    mean, sums, power = run.mean, run.sums, modes.power
    with np.errstate(over="ignore", invalid="ignore"):
        bias = mean**2 @ power.T + null
        weights_norm = (1.0 - mean) ** 2 @ (power / modes.eigenvalues).T
    parts = parts_of(bias, sums[:, 0, :-1], sums[:, 0, -1:], weights_norm, sums[:, 1], noise)
    kept = None
    if by_mode:
        first = np.flatnonzero(np.diff(modes.level, prepend=-1))  # of the nodes of each level
        each = {"bias": mean[:, None] ** 2 * power, "variance": run.by_node[:, :-1],
                "noise": noise[:, None] * run.by_node[:, -1:]}
        kept = {name: np.add.reduceat(part, first, axis=-1) for name, part in each.items()}
    steady, growing = verdicts(iteration, table, float(np.max(table.eigenvalues)), int(times[-1]))
    parts["rest"] = np.full(noise.shape, np.inf)
    if steady.stable:
        excess = rest_with_views(iteration, table)
        parts["rest"] = excess[:-1] + null + noise * (1.0 + excess[-1])
    return parts, steady, growing, np.zeros(times.size), kept


def view_nodes(modes: ViewedModes, forcing: np.ndarray) -> MomentNodes:
    """The table of `second_moments`: columns are the outputs and unit label noise, `forcing` (columns,)."""
    lam, p, views = modes.eigenvalues, modes.probability, modes.views
    patterns = p.size
    first, second = np.triu_indices(patterns)
    parts: list[Any] = []
    if np.isfinite(views):
        parts.append((p / views, *_single(modes)))
    if views > 1:
        twice = np.where(first == second, 1.0, 2.0)
        if first.size * lam.size > MOST_NUMBERS:
            raise ValueError(
                f"views must be 1 for so many patterns of a view ({patterns}, of {lam.size} modes), got {views:g}"
            )
        parts.append(((1.0 - 1.0 / views) * twice * p[first] * p[second], *_pairs(modes, first, second)))
    if modes.shared:
        none, one = np.zeros((1, lam.size)), lam[None]
        parts.append((np.array([modes.shared]), one, np.ones(1), (none, none, one), (none, none, 2.0 * one**2)))
    weight, spread, label = (np.concatenate([part[i] for part in parts]) for i in range(3))
    loss, own = ([np.concatenate(each) for each in zip(*(part[i] for part in parts), strict=True)] for i in (3, 4))
    second_moment = p @ (modes.square * lam + modes.floor)
    drift = second_moment - (p * modes.label) @ modes.gain * lam
    mean = (drift**2, drift * second_moment, second_moment**2)
    noise = [weight @ (x - spread * z) - square for x, z, square in zip(own, loss, mean, strict=True)]
    loss = [part / lam for part in loss]  # in units of the risk, as the powers are
    ones = np.ones_like(lam)
    return MomentNodes(
        second_moment, np.concatenate([modes.power, np.zeros((1, lam.size))]), noise[2],
        weight[:, None] * spread * lam * modes.counts, loss[2], np.stack([ones, 1.0 / lam]), forcing[:, None],
        # the mean error is counted from the target down to the weights: m = -E e / b
        ViewTerms(drift, np.stack([noise[0], -noise[1]]), np.stack([loss[0], -loss[1]]), label),
    )


def _single(modes: ViewedModes) -> tuple[np.ndarray, np.ndarray, Form, Form]:
    """Spread, label, loss and own square of one view by pattern, (patterns, nodes)."""
    lam, label, g = modes.eigenvalues, modes.label[:, None], modes.gain
    a = modes.square * lam + modes.floor
    q3 = 3.0 * modes.third[0] * lam**2 + modes.third[1] * lam
    q4 = 3.0 * modes.fourth[0] * lam**2 + modes.fourth[1] * lam + modes.fourth[2]
    aim = label * g * lam
    taught = label**2 * (3.0 * modes.square * lam**2 + modes.floor * lam)
    return (
        a, modes.label**2, (label**2 * lam - 2.0 * aim + a, a - aim, a),
        (taught - 2.0 * label * q3 + q4, q4 - label * q3, q4),
    )


def _pairs(modes: ViewedModes, i: np.ndarray, j: np.ndarray) -> tuple[np.ndarray, np.ndarray, Form, Form]:
    """The same of two views of one sample, of patterns i and j."""
    lam, label, g = modes.eigenvalues, modes.label[:, None], modes.gain
    kappa, floor = modes.square, modes.floor
    both, labels = g[i] * g[j] * lam, label[i] * label[j]
    aim = (label[i] * g[j] + label[j] * g[i]) * lam / 2.0
    cubes = 3.0 * kappa * lam**2 + floor * lam
    y = label[i] * g[i] * cubes[j] + label[j] * g[j] * cubes[i]
    u = 3.0 * kappa[i] * kappa[j] * lam**2 + (kappa[i] * floor[j] + kappa[j] * floor[i]) * lam + floor[i] * floor[j]
    return (
        both, labels[:, 0], (labels * lam - 2.0 * aim + both, both - aim, both),
        (3.0 * labels * both * lam - y + u, u - y / 2.0, u),
    )


def rest_with_views(iteration: Iteration, nodes: MomentNodes) -> np.ndarray:
    """The excess risk (columns,) where the last iterate of a stable iteration comes to rest, its bias included."""
    views, power = nodes.views, nodes.power
    if views is None:
        raise TypeError("nodes must have views")
    mean = views.drift / (nodes.eigenvalues + float(iteration.ridge))
    responses = Responses(iteration, nodes.eigenvalues, nodes.multiplicative)
    seen, predicted = responses.at(1.0)
    own, loss = (power[:, None] * (part[0] + 2.0 * part[1] * mean) for part in (views.own, views.loss))
    own, passive = own[:, 0] + nodes.multiplicative * power * mean**2, nodes.closing * mean**2
    start = np.sum(loss + power[:, None] * passive + (nodes.closing * seen) * own[:, None], axis=-1)
    start = start + nodes.forcing * views.label
    matrix = (nodes.closing * seen) @ nodes.source.T
    losses = np.linalg.solve(np.eye(len(matrix)) - matrix, start.T).T
    return power @ mean**2 + (own + losses @ nodes.source) @ predicted
