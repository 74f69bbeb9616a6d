"""Linear classifiers along gradient training: the square loss on labels +1 and -1, stopped before its end.

A training is a sum over nodes of a contour, w_t = sum_j f_j w(zeta_j), so a fresh row of covariance S scores

    normal,  mean sum_j f_j mean . w_bar_j,   variance sum_jl f_j f_l (w_bar_j' S w_bar_l + tr(S V_jl)),

and a row of group g that is trained on scores  sum_j f_j (r_gj s_j + (1 - r_gj) y),  r_gj = 1/(1 + a_g delta_gj), s_j its
score left out: joint normal.  The node at infinity scores 0.  Equations: theory (13.7) to (13.11).
"""

__all__ = ["ClassTraining", "judged_classifier", "moving_classifier", "scored"]

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from rfgen.equivalents.augmented.blocks import Blocks
from rfgen.equivalents.class_target import ClassTarget
from rfgen.equivalents.node_kernels import quadratic_form
from rfgen.equivalents.operators import DiagonalOperators
from rfgen.numerics.compilation.precision import require_double_precision
from rfgen.numerics.compilation.program import program
from rfgen.problems.classes.class_groups import ClassMoments
from rfgen.theory.classification.margin import margin_classifier
from rfgen.theory.dynamics.assembled import RISK_FLOOR, RISK_TOLERANCE, SCALAR_TOLERANCE
from rfgen.theory.dynamics.on_contours import UNMOVED, OnContours, on_contours
from rfgen.theory.dynamics.spectral_filters import Filter, Window
from rfgen.theory.dynamics.trajectory import equilibria_at, kernels_at, largest_eigenvalue
from rfgen.theory.ridge.block_risk import AugmentedProblem
from rfgen.theory.sgd.many_passes.group_losses import group_losses
from rfgen.theory.sgd.many_passes.multi_pass import TOLERANCE
from rfgen.theory.sgd.streaming.second_moments import Iteration

# What is computed on contours: of fresh rows and of training rows, and |w|^2.
PARTS = ("overlap", "spread", "train_overlap", "train_spread", "norm")
# Directions of the means whose length, squared, is this share of the longest are none.
ROUNDED = 1e-14
# Ridges between the edge of the bulk and FAR traces on which a spike is looked for, and times the bracket is divided.
SPIKE_POINTS, REFINEMENTS, FAR = 48, 4, 1e3


@dataclass(frozen=True)
class ClassTraining:
    """Curves along one clock: of each group (times, groups) `error`, `train_error`, `train_loss` (1 - y f)^2, `support`,
    and of the scores `overlap`, `spread`, mean and variance of fresh rows; `norm` E|w|^2; `residual`: change of the errors
    from a contour of fewer nodes; `converged`; `stable` (times,), False beyond the edge of stability; `growth` of batches'
    noise at late steps, a factor per step.
    """

    error: np.ndarray
    train_error: np.ndarray
    train_loss: np.ndarray
    support: np.ndarray
    overlap: np.ndarray
    spread: np.ndarray
    norm: np.ndarray
    residual: np.ndarray
    converged: np.ndarray
    stable: np.ndarray
    growth: float = 1.0


def moving_classifier(
    moments: ClassMoments, training: Filter, clock: Any, features: Any = np.inf, members: float = 1.0,
    iteration: Iteration | None = None, rows: float | None = None, last: Any = None,
) -> ClassTraining:
    """Train on `moments` (of `Mixture.groups(n)` or `ClassGroups`) from weights 0, and stop at `clock` (times,): times >= 0
    or steps, inf the end.

    The objective is  (sum_i a_i (y_i - x_i.w)^2 + ridge |w|^2) / (2 n), n rows; `training.ridge` is ridge/n.  No intercept.
    At 0 all scores are 0 and a guess is right in one of two cases.  `members`: fresh rows are scored by the mean of so many
    models with features, or batches, of their own; training rows are one model's.  `iteration`: many passes of SGD, whose
    mean over batches is `training`.  Of `groups_in_bags` and `groups_in_views`, `rows` is n, and `last()` the classifier
    that training ends at.  Not traceable.  Exact as counts, dimension and features grow together; relative errors at
    finite size are of order 1/n.

    Source: derived: theory (13.7) to (13.11).

    >>> import jax, rfgen
    >>> from rfgen.theory.dynamics.spectral_filters import Filter
    >>> mixture = rfgen.Mixture(mean=[1.5] + [0.0] * 99, covariance=[1.0] * 100, flip=0.1)
    >>> with jax.enable_x64(True):
    ...     found = moving_classifier(mixture.groups(200).moments, Filter("flow", 0.0), [0.1, 1.0, 100.0])
    >>> found.error[:, 0].round(4).tolist()
    [0.1007, 0.138, 0.253]
    """
    require_double_precision("rfgen.theory.moving_classifier")
    moments, features = jax.tree.map(np.asarray, moments), np.asarray(features, np.float64)
    clock, rows = np.asarray(clock, np.float64), float(moments.counts.sum() if rows is None else rows)
    problem, owner = _problem(moments, rows)
    sizes = np.float64(rows), features
    lengths = np.diagonal(moments.overlaps).sum(axis=0)
    trace = float(problem.blocks.mass @ (moments.variances @ moments.multiplicity + lengths))
    # a little is learned at once: the direction of the first step
    at = np.where(clock > 0.0, np.maximum(clock, 10.0 * UNMOVED / trace if training.kind == "flow" else 0.0), 0.0)
    shapes = {name: () if name == "norm" else moments.counts.shape for name in PARTS}

    def along(shared: str) -> OnContours:
        def window(one: Window) -> tuple[dict[str, np.ndarray], bool]:
            return _window(problem, owner, sizes, training, one, shared)

        found = on_contours(training, at, trace, lambda: _largest(problem, *sizes), window, shapes)
        for parts in (found.parts, found.rough) if iteration is not None and shared == "all" else ():
            parts |= known
        return found

    growth = 1.0
    if iteration is not None:
        known, batches, growth = _batches(problem, owner, sizes, iteration, at)
    run = along("all")
    solved, error = run.solved.copy(), run.error
    if iteration is not None:
        second = 1.0 - moments.labels * run.parts["train_overlap"]
        for parts in (run.parts, run.rough):
            parts["train_spread"] = known["train_spread"] - second**2
        error = np.maximum(error, batches)
        solved &= np.isfinite(known["norm"])
    if members != 1.0:
        pair = along("samples")
        for parts, mixed in ((run.parts, pair.parts), (run.rough, pair.rough)):
            parts["spread"] = mixed["spread"] + (parts["spread"] - mixed["spread"]) / members
    found, rough = (scored(parts, moments) for parts in (run.parts, run.rough))
    change = np.sum([np.abs(found[name] - rough[name]).max(axis=1) for name in ("error", "train_error")], axis=0)
    if run.ended.any():
        end = last() if last else margin_classifier(moments, "square", training.ridge * rows, features, members=members)
        for name in found:
            found[name][run.ended] = np.asarray(getattr(end, name)) * (2.0 if name == "train_loss" else 1.0)
        solved[run.ended], change[run.ended] = bool(end.converged), float(end.residual)
    return judged_classifier(found, clock > 0.0, change, error, solved, run.stable, growth)


def judged_classifier(
    found: dict[str, np.ndarray], moved: np.ndarray, change: np.ndarray, error: np.ndarray, solved: np.ndarray,
    stable: bool, growth: float = 1.0,
) -> ClassTraining:
    """The record of what is `found` once training has `moved` (times,), its `change` from fewer nodes, `error` of
    contours.
    """
    for name, values in found.items():
        values[~moved] = {"error": 0.5, "train_error": 0.5, "train_loss": 1.0, "support": 1.0}.get(name, 0.0)
        values[moved & (not stable)] = np.nan
    change = np.where(moved & stable, change, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        relative = np.where(change > 0.0, change / found["error"].min(axis=1), 0.0)
    exact = (error < SCALAR_TOLERANCE) & ((relative < RISK_TOLERANCE) | (change < RISK_TOLERANCE * RISK_FLOOR))
    known = (solved & exact & stable) | ~moved
    return ClassTraining(
        **found, residual=np.where(moved, np.maximum(relative, error), 0.0), converged=known, stable=~moved | stable,
        growth=growth,
    )


def _problem(moments: ClassMoments, rows: float) -> tuple[AugmentedProblem, np.ndarray]:
    """Groups as the engine takes them, equal covariances as one test population each, and which is whose (groups,)."""
    basis, owner = np.unique(moments.variances, axis=0, return_inverse=True)
    own = np.eye(len(basis))[np.ravel(owner)]
    # within a level only inner products of the means count: as few coordinates as they span
    lengths = np.diagonal(moments.overlaps).sum(axis=0)
    values, vectors = np.linalg.eigh(np.moveaxis(moments.overlaps, -1, 0))
    rank = int((np.abs(values) > ROUNDED * lengths.max()).sum(axis=1).max())
    order = np.argsort(-np.abs(values), axis=1)[:, : max(rank, 1)]
    values, vectors = np.take_along_axis(values, order, 1), np.take_along_axis(vectors, order[:, None], 2)
    means = vectors * np.sqrt(np.abs(values))[:, None]
    mass = moments.counts * moments.weights / rows
    problem = AugmentedProblem(
        DiagonalOperators(basis, moments.multiplicity), Blocks(mass, moments.weights, own[:, None, None]),
        ClassTarget(
            moments.labels, np.transpose(means, (1, 2, 0)), np.sign(values).T, np.zeros((mass.size, 1)), np.eye(len(basis)),
        ),
        np.zeros(()),
    )
    return jax.tree.map(lambda leaf: np.asarray(leaf, np.float64), problem), np.ravel(owner)


def scored(parts: dict[str, np.ndarray], moments: Any) -> dict[str, np.ndarray]:
    """What the laws of scores say of each group, (times, groups)."""
    cdf = jax.scipy.stats.norm.cdf
    labels, classes = np.asarray(moments.labels), np.asarray(moments.classes)
    spread, train = (np.maximum(parts[name], 0.0) for name in ("spread", "train_spread"))
    with np.errstate(invalid="ignore", divide="ignore"):
        error = np.asarray(cdf(-classes * parts["overlap"] / np.sqrt(spread)))
        margin = labels * parts["train_overlap"]
        missed, support = (np.asarray(cdf((level - margin) / np.sqrt(train))) for level in (0.0, 1.0))
    found = {"error": error, "train_error": missed, "train_loss": (1.0 - margin) ** 2 + train, "support": support}
    found |= {"overlap": parts["overlap"].copy(), "spread": spread, "norm": np.maximum(parts["norm"], 0.0)}
    return {name: np.array(values) for name, values in found.items()}


def _window(
    problem: AugmentedProblem, owner: np.ndarray, sizes: tuple[Any, Any], training: Filter, window: Window,
    shared: str,
) -> tuple[dict[str, np.ndarray], bool]:
    """All parts at a window's clocks, and whether all nodes were solved."""
    shift = 0.0 if training.kind == "distillation" else training.ridge
    nodes, kernels = kernels_at(problem, *sizes, window.ways(shift - window.zeta), shared)
    f = np.pad(window.filters, ((0, 0), (0, nodes.ridge.shape[0] - window.zeta.size)))
    overlap, kept, moved = (np.asarray(each) for each in _means(problem, *sizes, nodes))
    labels, seen = problem.target.labels, kernels.bias + kernels.spread[..., 0, :] + kernels.spread[..., 2, :]
    trained = [quadratic_form(f * kept[:, g], seen[..., covariance]) for g, covariance in enumerate(owner)]
    return {
        "overlap": 2.0 * np.real(f @ overlap), "spread": quadratic_form(f, seen)[:, owner],
        "train_overlap": 2.0 * np.real(f @ (kept * overlap + moved * labels)), "train_spread": np.stack(trained, -1),
        "norm": quadratic_form(f, kernels.norm[..., 0] + kernels.norm[..., 2]),
    }, bool(np.asarray(nodes.converged).all())


def _batches(
    problem: AugmentedProblem, owner: np.ndarray, sizes: tuple[Any, Any], iteration: Iteration, clock: np.ndarray
) -> tuple[dict[str, np.ndarray], np.ndarray, float]:
    """What batches drawn from the rows change of the parts: `train_spread` is the residuals' second moment; the error
    (times,) of contours; the growth.
    """
    times, place = np.unique(clock.astype(np.int64), return_inverse=True)
    mass, weight = problem.blocks.mass, problem.blocks.weight
    share = mass / weight  # of the rows
    coupling = np.diag(np.where(share > 0.0, 1.0 / np.where(share > 0.0, share, 1.0), 0.0))
    with np.errstate(over="ignore", invalid="ignore"):
        run = group_losses(problem, float(sizes[0]), float(sizes[1]), iteration, times, coupling)
    if run is None:
        raise ValueError(
            "steps have no contour of affordable size here: take fewer steps, less momentum or a smaller rate"
        )
    spread = run.bias + run.spread[:, 0] + run.spread[:, 2] + run.test[:, 0]
    residuals = (run.train.sum(axis=2) + run.loss.sum(axis=2)) / np.where(mass > 0.0, mass, 1.0)
    found = {"spread": spread[:, owner], "train_spread": residuals, "norm": run.norm.sum(axis=1) + run.length.sum(axis=1)}
    error = np.nan_to_num(run.error, nan=np.inf)
    # contours of batches are right to their own tolerance
    error = np.where(error < TOLERANCE, np.minimum(error, 0.1 * SCALAR_TOLERANCE), error)
    error = error if run.solved else np.full_like(error, np.inf)
    return {name: values[place] for name, values in found.items()}, error[place], run.growth


@program
def _means(problem: AugmentedProblem, n: Any, features: Any, nodes: Any) -> tuple[Any, Any, Any]:
    """Mean scores of fresh rows, what training leaves of a row's residual, and what it takes, (nodes, groups) each."""
    del features
    blocks, target = problem.blocks.of_samples(n), problem.target

    def at(node: Any) -> tuple[Any, Any, Any]:
        weights, _ = target.mean(problem.operators, blocks, node)
        kept = node.reduction[:, 0, 0]
        traces = blocks.covariance[:, 0, 0].astype(kept.dtype) @ node.traces
        return target.along(weights), kept, kept * blocks.weight.astype(kept.dtype) * traces

    return jax.vmap(at)(nodes)


@program
def _pulls(problem: AugmentedProblem, nodes: Any) -> Any:
    """Least eigenvalue of 1 + c^(1/2) K c^(1/2) at real ridges, K_gh = mean_g' Q mean_h: 0 at a spike of the spectrum."""

    def at(node: Any) -> Any:
        strength = jnp.sqrt(jnp.maximum(problem.blocks.mass * node.reduction[:, 0, 0].real, 0.0))
        overlaps = problem.target.along(problem.target.means * node.resolvent.real)
        return jnp.linalg.eigvalsh(jnp.eye(strength.size) + overlaps * strength[:, None] * strength)[0]

    return jax.vmap(at)(nodes)


def _largest(problem: AugmentedProblem, n: Any, features: Any) -> float:
    """The largest eigenvalue of the training second moment: the edge of the bulk, or the means' spike above it."""
    low = largest_eigenvalue(problem, n, features) * (1.0 + 1e-5)
    reach = float(problem.blocks.mass @ (problem.target.signs * problem.target.means**2).sum(axis=(1, 2)))
    high = FAR * (low + reach)
    for _ in range(REFINEMENTS):
        points = np.geomspace(high, low, SPIKE_POINTS)
        nodes = equilibria_at(problem, n, features, -points.astype(complex))
        beyond = np.flatnonzero(np.asarray(_pulls(problem, nodes)) <= 0.0)
        if not beyond.size:
            return float(low)
        high, low = points[max(beyond[0] - 1, 0)], points[beyond[0]]
    return float(high)
