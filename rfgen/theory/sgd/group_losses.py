"""Exact risk of many passes of SGD where groups of rows have losses of their own.

Rows come in groups g of second moments S_g, their parts of the objective, S = sum_g S_g.  Each has a loss L_g, its part of
the objective too, and batches of B scatter the gradient with the covariance  (1/B) sum_g S_g sum_h N_gh L_h.  With phi_r(S)
what r steps leave of a kick, rate (1 - rate (S + ridge/n))^r without momentum,

    L_h,t  = descent_h,t  + (1/B) sum_{s<t} sum_g tr[S_h phi S_g phi] (N L_s)_g,         phi = phi_{t-1-s}(S),
    test_t = descent_t    + (1/B) sum_{s<t} sum_g tr[A phi S_g phi] (N L_s)_g,           A the test covariance.

The S_g need not commute, so traces are of two resolvents.  They are what unit noise on the labels of group g alone does:
its weights (S - zeta)^-1 v have v of covariance S_g, and the error kernel of two nodes tells what the losses, the test,
and the norm see of them, through random features as well.  A penalty (a group of weight 0) is the limit of endless rows.

Domains: N is diagonal, 1/(share of the rows).  Samples drawn m times by a bootstrap are a group for each m.  Of m fresh
views at each visit the means of all views are one group and their scatter C is a penalty: N = [[1, 1/m], [1/m, 1/m]], which
for m = 1 is S times the loss on views.  (Derived: theory (17.8).)
"""

__all__ = ["GroupRun", "group_losses"]

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Float

from rfgen.equivalents.node_kernels import NodeKernels, quadratic_form
from rfgen.equivalents.targets import NoiseTarget
from rfgen.numerics.contours import Curve
from rfgen.numerics.interpolation import sparse_times, through_sparse
from rfgen.theory.dynamics.trajectory import kernels_at, kernels_of, largest_eigenvalue
from rfgen.theory.ridge.block_risk import AugmentedProblem
from rfgen.theory.sgd.contour import moment_contour, moment_error
from rfgen.theory.sgd.group_kicks import kicks, returned
from rfgen.theory.sgd.second_moments import Iteration, MomentNodes, second_moments

# Weight of the rows that stand for a penalty: nothing is learned of their labels, which have noise of 1 over it.
TINY = 1e-60
# Nodes whose pairs are affordable, for each group: seconds; and steps, whose pairs are summed.
MOST_NODES, MOST_STEPS = 1152, 20_000
# Groups of a smaller share of the objective kick by less than that share, and their kernels are lost to rounding.
LEAST_MASS = 1e-7
# Error of what is known between steps beyond which all steps are computed.
SMOOTH = 1e-8
# Steps over which what returns of a kick is summed up at least.
LONG = 3000


@dataclass(frozen=True)
class GroupRun:
    """At each of the times: `bias` (times, tests); `spread` (times, 3, tests), `train` (times, G, 3), `norm` (times, 3) of
    full-batch descent by source (target, unit label noise, features); what batches add by column (signal, noise), `test`
    (times, 2, tests), `loss` (times, G, 2), `length` (times, 2).  `error` (times,), `solved`; `mass` and `growth` as in
    `Stability`, NaN where they are not known.
    """

    bias: Float[np.ndarray, "times tests"]
    spread: Float[np.ndarray, "times 3 tests"]
    train: Float[np.ndarray, "times G 3"]
    norm: Float[np.ndarray, "times 3"]
    df1: Float[np.ndarray, " times"]
    test: Float[np.ndarray, "times 2 tests"]
    loss: Float[np.ndarray, "times G 2"]
    length: Float[np.ndarray, "times 2"]
    error: Float[np.ndarray, " times"]
    solved: bool
    mass: float
    growth: float


def group_losses(
    problem: AugmentedProblem, n: float, features: float, iteration: Iteration, times: np.ndarray, coupling: np.ndarray,
    null: float = 0.0, shared: str = "all",
) -> GroupRun | None:
    """The run at ascending step numbers `times` (times,); `coupling` N (G, G); groups of one view; None if no affordable
    contour serves.

    Settings of `iteration` do not change.  `shared` "samples": two models that have these alone in common.

    Source: derived: theory (17.8); of one group the Volterra equation of arXiv 2102.04396.
    """
    last = int(times[-1])
    if last > MOST_STEPS:
        raise ValueError(
            f"steps must be at most {MOST_STEPS} where groups of rows have losses of their own, got {last}: take "
            "rg.GradientDescent, which has no noise of batches, or fewer steps"
        )
    sizes = (np.asarray(n, np.float64), np.asarray(features, np.float64))
    edge = largest_eigenvalue(problem, *sizes)
    curve = moment_contour(iteration, edge, max(last, LONG), False)
    if curve is None or curve.nodes.size > MOST_NODES:
        return None
    nodes, kernels = kernels_at(problem, *sizes, [-curve.nodes], shared, by_group=True)
    own, total, ridge = curve.nodes.size, np.asarray(nodes.ridge).shape[0], float(iteration.ridge)
    blocks, (tests, coefficients) = problem.blocks, _seen_by(problem)
    mass, weight = np.asarray(blocks.mass), np.asarray(blocks.weight)

    def filters(mean: np.ndarray) -> np.ndarray:
        found = mean * curve.weights / curve.nodes if ridge == 0.0 else (mean - 1.0) * curve.weights / (curve.nodes + ridge)
        return np.pad(found, ((0, 0), (0, total - own)))

    columns = np.array([[1.0, null, 1.0], [0.0, 1.0, 0.0]])

    def descent(every: np.ndarray) -> tuple[np.ndarray, float, Any]:
        """Losses (G, 2, last + 1) at the gradient's point, their error, and what is known of the mean at `every`."""
        zeros = np.zeros((1, own), complex)
        table = MomentNodes(curve.nodes, zeros, zeros[0], zeros[0], zeros[0], zeros, np.zeros((1, 1)))
        means = second_moments(iteration, table, every)
        losses = quadratic_form(filters(means.ahead), kernels.train) @ columns.T
        return *through_sparse(np.moveaxis(losses, 0, -1), every), means.mean

    every = sparse_times(last)
    forcing, rough, mean = descent(np.union1d(every, times))
    known = np.union1d(every, times)
    if rough > SMOOTH:  # it oscillates still, or grows
        known = np.arange(last + 1)
        forcing, rough, mean = descent(known)
    mean = mean[np.searchsorted(known, times)]
    f = filters(mean)
    spread, bias = quadratic_form(f, kernels.spread), quadratic_form(f, kernels.bias)
    parts = {
        "bias": bias.reshape(times.size, -1), "spread": spread.reshape(times.size, 3, -1),
        "train": quadratic_form(f, kernels.train), "norm": quadratic_form(f, kernels.norm),
        "df1": 2.0 * np.real(f[:, :own] @ np.asarray(nodes.df1)[:own]),
    }
    error = np.maximum(moment_error(iteration, curve, edge, times, mean, None), rough)
    solved = bool(np.asarray(nodes.converged).all())
    penalties = np.flatnonzero((weight == 0.0) & (mass > 0.0))
    groups = np.flatnonzero(mass > LEAST_MASS * mass.sum())
    count, batch = mass.size, float(iteration.batch)
    test, loss, length = np.zeros((times.size, 2, tests)), np.zeros((times.size, count, 2)), np.zeros((times.size, 2))
    if shared != "all":  # batches of their own
        return GroupRun(**parts, test=test, loss=loss, length=length, error=error, solved=solved, mass=np.nan, growth=1.0)
    labels = np.sqrt(float(n) / np.where(weight > 0.0, weight, TINY * float(n)))
    pinned = replace(blocks, weight=np.where(weight > 0.0, weight, TINY * float(n)))
    long = max(last, LONG)
    after = sparse_times(long)
    ahead, moved = kicks(iteration, curve.nodes, after)
    # what the losses, the test and the norm see of a kick by each group, (G or tests or 1, G, steps)
    loss_kernel, train_kernel = (np.zeros((count, count, long + 1)) for _ in range(2))
    test_kernel, norm_kernel = np.zeros((tests, count, long + 1)), np.zeros((1, count, long + 1))
    for g in groups:
        label = np.zeros((count, 1))
        label[g] = labels[g]
        probe = AugmentedProblem(problem.operators, pinned, NoiseTarget(label, coefficients), problem.null_power)
        seen = _reduced(kernels_of(probe, *sizes, nodes, shared, True), own, curve)
        for into, filtered in ((loss_kernel, ahead), (train_kernel, moved)):
            into[:, g], error_here = through_sparse(seen.losses(filtered, penalties, tests), after)
            rough = max(rough, error_here)
        test_kernel[:, g], error_here = through_sparse(seen.test(moved, tests), after)
        norm_kernel[0, g], _ = through_sparse(seen.norm(moved), after)
        rough = max(rough, error_here)
    source = np.zeros((last + 1, count, 2))
    found = np.zeros((last + 1, count, 2))
    reverse = loss_kernel[..., :last][..., ::-1].copy()
    for t in range(last + 1):
        found[t] = forcing[..., t]
        if t:
            found[t] += np.einsum("hgs,sgc->hc", reverse[..., last - t:], source[:t], optimize=True)
        source[t] = coupling @ found[t] / batch
    for place, t in enumerate(times):
        if t:
            past = source[:t][::-1]
            test[place] = np.einsum("hgs,sgc->ch", test_kernel[..., :t], past, optimize=True)
            loss[place] = np.einsum("hgs,sgc->hc", train_kernel[..., :t], past, optimize=True)
            length[place] = np.einsum("hgs,sgc->c", norm_kernel[..., :t], past, optimize=True)
    mass_now, growth = returned(iteration, edge, loss_kernel, coupling / batch)
    return GroupRun(**parts, test=test, loss=loss, length=length, error=np.maximum(error, rough), solved=solved,
                    mass=mass_now, growth=growth)


def _seen_by(problem: AugmentedProblem) -> tuple[int, np.ndarray]:
    """Number of test populations, and the coefficients (J, tests + penalties) of their covariances and the penalties'."""
    test = np.asarray(problem.target.test)
    test = test.reshape(test.shape[0], -1)
    blocks = problem.blocks
    mass, weight = np.asarray(blocks.mass), np.asarray(blocks.weight)
    none = (weight == 0.0) & (mass > 0.0)
    penalties = (mass[:, None] * np.asarray(blocks.covariance)[:, 0, 0])[none]
    return test.shape[1], np.concatenate([test, penalties.T], axis=1)


@dataclass(frozen=True)
class _Seen:
    """Kernels (nodes, 2 nodes, ...) of the weights that a group's noise makes."""

    train: np.ndarray
    spread: np.ndarray
    length: np.ndarray

    def losses(self, filters: np.ndarray, penalties: np.ndarray, tests: int) -> np.ndarray:
        """(G, steps): penalties are seen as test populations are."""
        found = _form(filters, self.train)
        if penalties.size:
            found[:, penalties] = _form(filters, self.spread[..., tests:])
        return found.T

    def test(self, filters: np.ndarray, tests: int) -> np.ndarray:
        """(tests, steps)."""
        return _form(filters, self.spread[..., :tests]).T

    def norm(self, filters: np.ndarray) -> np.ndarray:
        """(steps,)."""
        return _form(filters, self.length[..., None])[:, 0]


def _reduced(kernels: NodeKernels, own: int, curve: Curve) -> _Seen:
    """Kernels of the weights alone: residuals are labels less predictions, and the labels, the node at infinity, go."""
    half = kernels.train.shape[1] // 2

    def weights_alone(kernel: np.ndarray) -> np.ndarray:
        columns = np.concatenate([np.arange(own), half + np.arange(own)])
        apart = kernel[:own, half - 1][:, None] + kernel[-1, columns][None] - kernel[-1, half - 1]
        pair = curve.weights[:, None] * np.concatenate([curve.weights, curve.weights.conj()])
        return (kernel[:own][:, columns] - apart) * pair.reshape(own, 2 * own, *[1] * (kernel.ndim - 2))

    return _Seen(
        weights_alone(kernels.train[..., 1]), weights_alone(kernels.spread[..., 1, :]), weights_alone(kernels.norm[..., 1])
    )


def _form(filters: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Quadratic forms (steps, ...) of `filters` (steps, nodes)."""
    both = np.concatenate([filters, filters.conj()], axis=1)
    halves = [np.einsum("tb,tb->t", filters @ kernel[..., place], both).real for place in range(kernel.shape[2])]
    return 2.0 * np.stack(halves, axis=1)
