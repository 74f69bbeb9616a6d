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

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from rfgen.equivalents.node_kernels import quadratic_form
from rfgen.numerics.interpolation import sparse_times, through_sparse
from rfgen.theory.dynamics.trajectory import kernels_at, largest_eigenvalue
from rfgen.theory.ridge.block_risk import AugmentedProblem
from rfgen.theory.sgd.initial_weights import Start
from rfgen.theory.sgd.many_passes.contour import moment_contour, moment_error
from rfgen.theory.sgd.many_passes.group_kicks import group_kernels, kicks, returned
from rfgen.theory.sgd.streaming.second_moments import Iteration, MomentNodes, second_moments

# Nodes whose pairs are affordable, for each group: seconds; and steps, whose pairs are summed.
MOST_NODES, MOST_STEPS = 1152, 20_000
# Groups of a smaller share of the objective kick by less than that share, and their kernels are lost to rounding.
LEAST_MASS = 1e-7
# Error of what is known between steps beyond which all steps are computed.
SMOOTH = 1e-8
# Steps over which what returns of a kick is summed up at least.
LONG = 3000
# Share of a kick's returns in the last half of them below which nothing follows; what stands for ridge 0, over the edge.
SETTLED, NO_RIDGE = 1e-9, 1e-10


@dataclass(frozen=True)
class GroupRun:
    """At each of the times: `bias` (times, tests); `spread` (times, 3, tests), `train` (times, G, 3), `norm` (times, 3) of
    full-batch descent by source (target, label noise, features), `apart` (times, K, tests) the second of these by column of
    noise; what batches add by column (signal, K of noise), `test` (times, 1 + K, tests), `loss` (times, G, 1 + K), `length`
    (times, 1 + K).  `error` (times,), `solved`; `mass` and `growth` as in `Stability`, `rest` (2, tests): the risk in the
    end of signal and of unit noise, the test's own left out; all NaN where they are not known.
    """

    bias: Float[np.ndarray, "times tests"]
    spread: Float[np.ndarray, "times 3 tests"]
    train: Float[np.ndarray, "times G 3"]
    norm: Float[np.ndarray, "times 3"]
    df1: Float[np.ndarray, " times"]
    apart: Float[np.ndarray, "times K tests"]
    test: Float[np.ndarray, "times columns tests"]
    loss: Float[np.ndarray, "times G columns"]
    length: Float[np.ndarray, "times columns"]
    error: Float[np.ndarray, " times"]
    solved: bool
    mass: float
    growth: float
    rest: Float[np.ndarray, "kinds tests"]


def group_losses(
    problem: AugmentedProblem, n: float, features: float, iteration: Iteration, times: np.ndarray, coupling: np.ndarray,
    null: float = 0.0, shared: str = "all", apart: bool = False, initial: float = 0.0,
) -> GroupRun | None:
    """The run at ascending step numbers `times` (times,); `coupling` N (G, G); groups of one view; None if no affordable
    contour serves.

    Settings of `iteration` do not change.  `shared` "samples": two models that have these alone in common.  `apart`: the
    noise of each group's labels is a column, K = G, else that of all is one.  `initial`: variance of each
    weight at the start, which counts as variance.

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
    mass, weight = np.asarray(problem.blocks.mass), np.asarray(problem.blocks.weight)
    groups = np.flatnonzero(mass > LEAST_MASS * mass.sum())
    count, batch, live = mass.size, float(iteration.batch), np.flatnonzero(mass > 0.0).tolist()
    kinds = 1 + (count if apart else 1)
    seen = group_kernels(problem, sizes, nodes, own, groups, shared) if apart or shared == "all" else None
    noise = np.asarray(problem.target.label)[:, 0] ** 2 * (weight > 0.0)
    start = Start(problem, sizes, nodes, curve, initial if shared == "all" else 0.0)

    def filters(mean: np.ndarray) -> np.ndarray:
        found = mean * curve.weights / curve.nodes if ridge == 0.0 else (mean - 1.0) * curve.weights / (curve.nodes + ridge)
        return np.pad(found, ((0, 0), (0, total - own)))

    columns, own_noise = np.array([[1.0, null, 1.0], [0.0, 1.0, 0.0]]), [g for g in groups.tolist() if noise[g] > 0.0]

    def descent(every: np.ndarray) -> tuple[np.ndarray, float, Any]:
        """Losses (G, 2, last + 1) at the gradient's point, their error, and what is known of the mean at `every`."""
        zeros = np.zeros((1, own), complex)
        table = MomentNodes(curve.nodes, zeros, zeros[0], zeros[0], zeros[0], zeros, np.zeros((1, 1)))
        means = second_moments(iteration, table, every)
        fitted = filters(means.ahead)
        losses = quadratic_form(fitted, kernels.train) @ columns.T
        if apart:
            losses = np.concatenate([losses[..., :1], np.zeros((*losses.shape[:2], count))], axis=2)
            for g, h in itertools.product(own_noise, live):
                losses[:, h, 1 + g] = noise[g] / seen.power[g] * seen.losses(fitted[:, :own], g, h, 1.0)
        losses[..., 0] += start.losses(means.ahead)
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
    tests = parts["bias"].shape[1]
    parts["apart"] = np.zeros((times.size, count, tests)) if apart else parts["spread"][:, 1:2]
    for g in own_noise if apart else ():
        parts["apart"][:, g] = noise[g] / seen.power[g] * seen.tests(f[:, :own], g).T
    error = np.maximum(moment_error(iteration, curve, edge, times, mean, None), rough)
    solved = bool(np.asarray(nodes.converged).all())
    test, loss = np.zeros((times.size, kinds, tests)), np.zeros((times.size, count, kinds))
    length = np.zeros((times.size, kinds))
    test[:, 0], loss[..., 0], length[:, 0] = start.tests(mean), start.losses(mean), start.norm(mean)
    if shared != "all":  # batches of their own
        return GroupRun(**parts, test=test, loss=loss, length=length, error=error, solved=solved, mass=np.nan, growth=1.0,
                        rest=np.full((2, tests), np.nan))
    long = max(last, LONG)
    after = sparse_times(long)
    ahead, moved = (part * curve.weights for part in kicks(iteration, curve.nodes, after))
    still = iteration.kind == "descent"  # the gradient's point is the predictor
    # what the losses, the test and the norm see of a kick by each group, (G or tests or 1, G, steps)
    loss_kernel, train_kernel = (np.zeros((count, count, long + 1)) for _ in range(2))
    test_kernel, norm_kernel = np.zeros((tests, count, long + 1)), np.zeros((1, count, long + 1))
    for g in groups.tolist():
        for h in live:
            if h in groups and h < g:  # tr[S_h phi S_g phi] is symmetric
                loss_kernel[h, g], train_kernel[h, g] = loss_kernel[g, h], train_kernel[g, h]
                continue
            loss_kernel[h, g], error_here = through_sparse(seen.losses(ahead, g, h), after)
            rough = max(rough, error_here)
            train_kernel[h, g] = loss_kernel[h, g] if still else through_sparse(seen.losses(moved, g, h), after)[0]
        test_kernel[:, g], error_here = through_sparse(seen.tests(moved, g), after)
        norm_kernel[0, g], _ = through_sparse(seen.norm(moved, g), after)
        rough = max(rough, error_here)
    source = np.zeros((last + 1, count, kinds))
    found = np.zeros((last + 1, count, kinds))
    reverse = loss_kernel[..., :last][..., ::-1].copy()
    for t in range(last + 1):
        found[t] = forcing[..., t]
        if t:
            found[t] += np.einsum("hgs,sgc->hc", reverse[..., last - t:], source[:t], optimize=True)
        source[t] = coupling @ found[t] / batch
    for place, t in enumerate(times):
        if t:
            past = source[:t][::-1]
            test[place] += np.einsum("hgs,sgc->ch", test_kernel[..., :t], past, optimize=True)
            loss[place] += np.einsum("hgs,sgc->hc", train_kernel[..., :t], past, optimize=True)
            length[place] += np.einsum("hgs,sgc->c", norm_kernel[..., :t], past, optimize=True)
    mass_now, growth = returned(iteration, edge, loss_kernel, coupling / batch)
    rest = np.full((2, tests), np.nan)
    late = float(np.abs(loss_kernel[..., long // 2 :].sum(axis=-1)).max())
    if growth == 1.0 and mass_now < 1.0 and late < SETTLED * np.abs(loss_kernel.sum(axis=-1)).max():
        end = np.array([ridge if ridge > 0.0 else NO_RIDGE * edge], complex)
        alone, last_kernels = kernels_at(problem, *sizes, [end], shared, by_group=True)
        only = np.zeros((1, np.asarray(alone.ridge).shape[0]))
        only[0, 0] = 0.5  # it and its conjugate
        losses = quadratic_form(only, last_kernels.train)[0] @ columns.T
        back = coupling / batch @ np.linalg.solve(np.eye(count) - loss_kernel.sum(axis=-1) @ coupling / batch, losses)
        rest = columns @ quadratic_form(only, last_kernels.spread)[0].reshape(3, -1)
        rest = rest + np.einsum("hg,gc->ch", test_kernel.sum(axis=-1), back)
        rest[0] += quadratic_form(only, last_kernels.bias)[0] + null + (start.left(alone) if ridge == 0.0 else 0.0)
    return GroupRun(**parts, test=test, loss=loss, length=length, error=np.maximum(error, rough), solved=solved,
                    mass=mass_now, growth=growth, rest=rest)
