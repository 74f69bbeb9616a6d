"""Exact risk of stochastic gradient descent on fresh Gaussian samples, at every finite number of modes.

On the kernel's own modes the recursion of `second_moments` is exact.  On k random features, of second moment M given the
features, the same recursion runs over the spectrum of M; sums over it are taken on a contour, by the deterministic
equivalents (kappa the effective ridge of the k features at ridge -zeta, L_i = lambda_i/(lambda_i + kappa))

    tr M (M - zeta)^-1 = sum_i L_i,    b (M - zeta)^-1 b = sum_i v_i^2 L_i,    b M^-1 b = sum_i v_i^2 L_i at ridge 0,

and what no weights of the features reach, sum_i v_i^2 (1 - L_i) at ridge 0, acts as label noise.  (Derived: theory (7.8).)
"""

__all__ = ["OnePassCurve", "iteration_of", "one_pass_sgd"]

from dataclasses import dataclass, replace
from typing import Any

import jax.numpy as jnp
import numpy as np

from rfgen.equivalents.augmented.block_equilibrium import block_equilibrium
from rfgen.numerics.compilation.precision import require_double_precision
from rfgen.numerics.compilation.program import program
from rfgen.numerics.compression import compress
from rfgen.problems.augmentations.base import AbstractAugmentation
from rfgen.problems.task import Task
from rfgen.theory.dynamics.ends import blocks_of
from rfgen.theory.dynamics.trajectory import equilibria_at, largest_eigenvalue
from rfgen.theory.ridge.block_risk import AugmentedProblem, augmented_modes
from rfgen.theory.sgd.many_passes.contour import moment_contour, moment_error
from rfgen.theory.sgd.many_passes.multi_pass import MultiPassCurve
from rfgen.theory.sgd.stability import Stability
from rfgen.theory.sgd.streaming.fresh_views import on_views, viewed_modes
from rfgen.theory.sgd.streaming.one_pass_parts import Found, parts_of, smooth_below, verdicts
from rfgen.theory.sgd.streaming.second_moments import Iteration, MomentNodes, second_moments
from rfgen.theory.sgd.streaming.viewed_features import on_viewed_features

# Half-widths of the panels of compressed modes, for the result and for its error.
PANEL, COARSE_PANEL = 0.6, 0.9
# Nodes of a contour that are affordable, and the error that a point may have.
MOST_NODES = 4608
TOLERANCE = 1e-6


@dataclass(frozen=True)
class OnePassCurve:
    """At each step number (times,), with a last axis of outputs where the task keeps them; risks in units of the target
    squared.

    `test = bias + variance + noise`; `norm`: mean squared weights; `amplification`: factor on the label noise; `residual`:
    relative change of the risk with fewer nodes, or error of the contour's test; `converged`.  `stability`: of settings
    that do not change (None: a schedule), `stationary_test`: the risk of the last iterate at rest.  `unstable_steps` of a
    schedule: see `stability`.  `by_mode`: squared errors (times, outputs, levels) by source "bias", "variance", "noise",
    the irreducible noise apart.
    """

    test: np.ndarray
    bias: np.ndarray
    variance: np.ndarray
    noise: np.ndarray
    norm: np.ndarray
    amplification: np.ndarray
    residual: np.ndarray
    converged: np.ndarray
    stability: Stability | None
    stationary_test: Any
    by_mode: dict[str, np.ndarray] | None
    unstable_steps: list[int]


def iteration_of(training: Any, settings: dict[str, float], n: Any = np.inf) -> Iteration:
    """The iteration of a stochastic training at single settings; `n`: samples over which weight decay is spread."""
    steps = max(int(np.max(training.steps)), 1)
    schedules = training.schedules(steps) if hasattr(training, "schedules") else {}

    def setting(name: str) -> np.ndarray:
        values = schedules.get(name, np.zeros(0))
        # padded by its last value: few programs are compiled, and no schedule looks like a constant
        size = 2 ** max(1, int(np.ceil(np.log2(max(values.size, 1)))))
        return np.pad(values, (0, size - values.size), mode="edge") if values.size else np.array([settings.get(name, 0.0)])

    accelerated = np.array([settings.get(name, 0.0) for name in ("alpha", "beta", "gamma", "delta")])
    rate, momentum = setting("rate"), setting("momentum")
    kind = training.kind
    if kind == "dana":
        own = setting("momentum_rate")
        unit = float(own[0]) or float(rate[0])
        # the momentum rate in units of its start; its damping changes, so nothing is constant
        accelerated, momentum = np.array([float(training.damping), 0.0, unit, 0.0]), np.append(own, own[-1]) / unit
    if kind not in ("accelerated", "dana") and not momentum.any():
        kind = "descent"
    ridge = settings.get("ridge", 0.0) / n
    parts = (rate, momentum, accelerated, np.asarray(settings["batch"], float), np.asarray(ridge, float))
    return Iteration(*(np.asarray(part, np.float64) for part in parts), kind=kind)


def one_pass_sgd(
    task: Task, features: Any, iteration: Iteration, clock: Any, average_from: Any = None, by_mode: bool = False,
    augmentation: AbstractAugmentation | None = None, initial: float = 0.0,
) -> OnePassCurve:
    """The curve at step numbers `clock` (times,), in any order, on `features` random features (inf: the kernel itself).

    `average_from`: from this step on the predictor is the mean of all iterates since.  `augmentation`, at single strengths:
    each sample is seen in fresh views.  `initial`: variance of each weight at the start, which counts as variance.

    Exact for Gaussian eigen-coordinates at any number of modes; with random features
    as modes and features grow together (augmented: see `viewed_features`), at any batch, rate and time.
    Unstable settings give the numbers, which grow.

    Not traceable.  Costs a microsecond a step (five with momentum, ten with features) whatever the number of modes, unless
    rate times eigenvalue exceeds 1/2 for many of them.

    Source: derived; the iterations are those of arXiv 2311.14222.

    >>> import jax, rfgen
    >>> task = rfgen.Task.power_law(alpha=1.5, beta=1.5, noise=0.5, modes=2000)
    >>> training = rfgen.OnePassSGD(rate=0.3, steps=1000)
    >>> with jax.enable_x64(True):
    ...     iteration = iteration_of(training, {"rate": 0.3, "batch": 1.0})
    ...     curve = one_pass_sgd(task, np.inf, iteration, [0, 10, 1000])
    >>> curve.test.round(6).tolist()
    [3.06766, 2.17591, 1.184668]
    """
    require_double_precision("rfgen.theory.one_pass_sgd")
    if initial and (augmentation is not None or np.isfinite(features)):
        raise ValueError(
            "initial_variance of one pass is derived on the kernel's own modes and clean samples: leave features and "
            "augmentation out, or take rg.SGD with many samples"
        )
    if augmentation is not None and np.isfinite(features):
        return _once(on_viewed_features(task, augmentation, float(features), iteration, clock, average_from))
    times, place = np.unique(np.asarray(clock, np.int64), return_inverse=True)
    constant = iteration.rate.size == 1 and iteration.momentum.size == 1
    window = None if average_from is None else int(average_from)
    noise = np.atleast_1d(task.risk_noise)
    power = task.power if task.keep_outputs else task.power.sum(axis=0, keepdims=True)
    null = task.null_power if task.keep_outputs else task.null_power.sum(keepdims=True)
    learned = task.spectrum.learnable
    null = null + power[:, ~learned].sum(axis=1)
    modes = (task.eigenvalues[learned], task.spectrum.multiplicity[learned], power[:, learned])
    # in units of the largest eigenvalue, whose square would overflow
    scale = float(modes[0][0]) if learned.any() else 1.0
    modes, iteration = (modes[0] / scale, *modes[1:]), iteration.scaled(scale)
    if not learned.any():  # one mode that nobody asks for
        modes = (np.ones(1), np.zeros(1), np.zeros((power.shape[0], 1)))
    if augmentation is not None and learned.any():
        seen = viewed_modes(task, augmentation, scale, float(iteration.batch))
        found = on_views(seen, iteration, times, window, null, noise, by_mode)
    elif np.isfinite(features) and learned.any():
        found = _on_features(task, float(features), scale, iteration, times, window, null, noise)
    else:
        found = _on_modes(modes, iteration, times, window, null, noise, None if by_mode else PANEL, initial * scale)
    parts, steady, growing, error, kept = found
    parts["norm"] = parts["norm"] / scale
    if error is None:
        rough = _on_modes(modes, iteration, times, window, null, noise, COARSE_PANEL, initial * scale)[0]
        with np.errstate(invalid="ignore", divide="ignore"):
            change = np.abs(rough["test"] - parts["test"])
            error = np.max(np.where(change == 0, 0.0, change / np.abs(parts["test"])), axis=1)
    served = not np.isnan(steady.growth)
    # no error where moments have outgrown the floats
    if np.isinf(features) or (served and constant and not steady.stable):
        error = np.where(np.isfinite(parts["test"]).all(axis=1), error, 0.0)
    rest = None
    if constant:
        at_rest = float(steady.sums[0])
        if "rest" in parts:
            rest = parts["rest"]
        else:
            rest = (1.0 + at_rest) * (parts["forcing"] + noise) if steady.stable else np.full(noise.shape, np.inf)
    for name in ("forcing", "rest"):
        parts.pop(name, None)
    if not task.keep_outputs:
        parts = {name: values[..., 0] if values.ndim == 2 else values for name, values in parts.items()}
        rest = None if rest is None else rest[0]
    # where moments have outgrown the floats, inf - inf is NaN
    lost = np.inf if served else np.nan
    grown = {name: np.where(np.isfinite(values), values, lost)[place] for name, values in parts.items()}
    if kept is not None:
        kept = {name: np.where(np.isnan(part), np.inf, part)[place] for name, part in kept.items()}
    solved = (error < TOLERANCE) & ~np.any(np.reshape(parts["test"] < 0, (times.size, -1)), axis=1)
    return OnePassCurve(
        **grown, residual=error[place], converged=solved[place], stability=steady if constant else None,
        stationary_test=rest, by_mode=kept, unstable_steps=growing,
    )


def _once(curve: MultiPassCurve) -> OnePassCurve:
    """The curve of many passes through endlessly many samples."""
    names = ("test", "bias", "variance", "noise", "norm", "amplification", "residual", "converged", "stability")
    parts = {name: getattr(curve, name) for name in (*names, "stationary_test")}
    return OnePassCurve(**parts, by_mode=None, unstable_steps=[])


def _on_modes(
    modes: tuple[np.ndarray, ...], iteration: Iteration, times: np.ndarray, window: int | None, null: np.ndarray,
    noise: np.ndarray, panel: float | None, initial: float,
) -> Found:
    """Parts of the curve from the modes, those of smooth decay compressed in panels of half-width `panel` (None: none).

    Weights that start apart from the best ones by more are those of a task of more power: `initial` times the eigenvalue.
    """
    values, counts, power = modes
    first = values.size if panel is None else int(np.sum(values > smooth_below(iteration)))
    rows = np.concatenate([counts[None], power])
    if first < values.size:
        small, weights, _ = compress(values[first:], rows[:, first:], panel)
        nodes = np.concatenate([values[:first], small])
        rows = np.concatenate([rows[:, :first], weights], axis=1)
    else:
        nodes = values
    start = initial * rows[0] * nodes
    columns = np.concatenate([rows[1:] + start, np.zeros((1, nodes.size))])
    table = MomentNodes(
        nodes, columns, nodes**2, rows[0] * nodes**2, np.ones_like(nodes), np.stack([np.ones_like(nodes), 1.0 / nodes]),
        np.append(null, 1.0)[:, None],
    )
    run = second_moments(iteration, table, times, window, panel is None)
    mean, sums = run.mean, run.sums
    with np.errstate(over="ignore", invalid="ignore"):
        bias = mean**2 @ rows[1:].T + null
        left = (mean**2 @ start)[:, None]
        weights_norm = (1.0 - mean) ** 2 @ (rows[1:] / nodes).T + (mean**2 @ (start / nodes))[:, None]
    parts = parts_of(bias, left + sums[:, 0, :-1], sums[:, 0, -1:], weights_norm, sums[:, 1], noise)
    kept = None
    if panel is None:
        kept = {"bias": mean[:, None] ** 2 * rows[1:], "variance": (mean**2 * start)[:, None] + run.by_node[:, :-1],
                "noise": noise[:, None] * run.by_node[:, -1:]}
    error = None if first < values.size else np.zeros(times.size)
    return {**parts, "forcing": null}, *verdicts(iteration, table, float(values[0]), int(times[-1])), error, kept


def _on_features(
    task: Task, features: float, scale: float, iteration: Iteration, times: np.ndarray, window: int | None,
    null: np.ndarray, noise: np.ndarray,
) -> Found:
    """Parts of the curve averaged over the draw of random features."""
    problem = augmented_modes(task, None)[0]
    operators = replace(problem.operators, basis=problem.operators.basis / scale)
    problem = replace(problem, operators=operators)
    edge = largest_eigenvalue(problem, np.inf, features)
    curve = moment_contour(iteration, edge, int(times[-1]), True)
    modes = task.modes
    if curve is None or curve.nodes.size > MOST_NODES:
        failed = np.full((times.size, noise.size), np.nan)
        parts = dict.fromkeys(("test", "bias", "variance", "noise", "norm"), failed)
        nowhere = Stability(False, np.nan, np.nan, np.nan, np.full(2, np.nan))
        return {**parts, "amplification": failed[:, 0], "forcing": null}, nowhere, [], np.full(times.size, np.inf), None
    zeta, weights = curve.nodes, curve.weights
    at = equilibria_at(problem, np.inf, features, -zeta)
    kappa, df1 = np.asarray(at.nu), np.asarray(at.df1)
    lowest = float(_lowest(problem, np.asarray(features)))
    power = np.atleast_2d(modes.power)
    eigenvalues = modes.eigenvalues / scale
    learned = eigenvalues / (eigenvalues + kappa[:, None])  # (nodes, modes)
    explained = power @ (eigenvalues / (eigenvalues + lowest))
    unexplained = power @ (lowest / (eigenvalues + lowest)) + null
    shares = -2.0 * weights / zeta
    own = shares * (power.astype(complex) @ learned.T)
    # the part that the iteration leaves as it is
    frozen = explained - own.sum(axis=1).real
    columns = np.concatenate([np.concatenate([own, frozen[:, None]], axis=1), np.zeros((1, zeta.size + 1))])
    nodes = np.append(zeta, 0.0)
    inverse = np.append(1.0 / zeta, 0.0)
    source = np.append(shares * df1 * zeta**2, 0.0)
    table = MomentNodes(
        nodes, columns, nodes**2, source, np.ones_like(nodes), np.stack([np.ones_like(inverse), inverse]),
        np.append(unexplained, 1.0)[:, None],
    )
    run = second_moments(iteration, table, times, window)
    mean, sums = run.mean, run.sums
    with np.errstate(over="ignore", invalid="ignore"):
        signal = (mean**2 @ columns[:-1].T).real + sums[:, 0, :-1] + unexplained
        fitted = ((1.0 - mean[:, :-1]) * shares @ learned).real
        bias = (1.0 - fitted) ** 2 @ power.T + null
        weights_norm = ((1.0 - mean) ** 2 @ (columns[:-1] * inverse).T).real
        variance = np.maximum(signal - bias, np.minimum(signal, 0.0))  # a negative risk must show
        parts = parts_of(bias, variance, sums[:, 0, -1:], weights_norm, sums[:, 1], noise)
        error = moment_error(iteration, curve, edge, times, mean[:, :-1], window)
        whole = power.sum(axis=1)
        error = error * np.max(np.where(whole == 0, 0.0, whole / np.abs(parts["test"])), axis=1)
    return {**parts, "forcing": unexplained}, *verdicts(iteration, table, edge, int(times[-1])), error, None


@program
def _lowest(problem: AugmentedProblem, features: Any) -> Any:
    """The effective ridge of the features alone: n infinite, ridge 0."""
    return block_equilibrium(problem.operators, blocks_of(problem, jnp.inf), features, jnp.zeros(())).nu
