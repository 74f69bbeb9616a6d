"""Sparse linear regression on drawn rows, and measured.  The Monte-Carlo twin of `rfgen.systems.sparse.state_evolution`."""

__all__ = ["reparametrized_descent", "reparametrized_fit", "ridge_fit", "sparse_runs", "sparse_source"]

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from rfgen.numerics.compilation.precision import double_precision
from rfgen.numerics.compilation.record import record
from rfgen.problems.augmentations.base import AbstractAugmentation
from rfgen.problems.task import Task
from rfgen.problems.trainings.resampling import Bootstrap
from rfgen.simulation.arrays import (
    Array,
    cholesky,
    cholesky_solve,
    few_threads,
    namespace,
    on_host,
    shifted,
    stacked,
    while_loop,
)
from rfgen.simulation.devices import in_turn, keys_of
from rfgen.simulation.random_numbers import fold_in, host_key, normals, split
from rfgen.simulation.runs.ensemble import ALONE, Members, own_sample
from rfgen.simulation.sampling.samplers import RowSampler, Sample
from rfgen.simulation.sampling.views import augmented
from rfgen.systems.sparse.l1_fit import l1_fit
from rfgen.systems.sparse.problem import KINDS, SparseRegression

# Newton's steps, and the relative misfit of the training set that is aimed at, and that counts as converged.
MOST_STEPS, AIM, ENOUGH = 300, 1e-12, 1e-8
ROUNDING = 1e-14
# Features and bags are drawn with a key of their own.
MODELS = 0x6D6F64


@double_precision
def sparse_runs(
    task: SparseRegression, training: Any, n: int, trials: int, seed: int = 0, start: int = 0,
    augmentation: AbstractAugmentation | None = None, features: int | None = None, members: Members = ALONE,
) -> dict[str, np.ndarray]:
    """Fit `trials` training sets of `n` rows by `Lasso`, `BasisPursuit`, `ReparametrizedFlow` or `Ridge`, in the views of
    an `augmentation` at single strengths, and measure.  `features` k: of the rows times a matrix (dim, k) of normals over
    sqrt(k).  `members`: the mean of so many models, each with features and resampled rows of its own.

    Arrays (trials, *settings), settings being the axes of the training that are arrays: `test` risk = noise + `excess`
    (exact for the fitted coefficients), `train` (mean squared residual), `norm` (squared); of `Lasso` and `BasisPursuit`
    also `active` (coefficients not 0), `true_positives` (share found of the nonzeros) and `false_discoveries` (share of
    zeros in those found), all but the risks means over the members; there is no `train` of resampled rows, and no
    coefficient to find among those of features.  A fit that did not converge is NaN.  Trials number `start` and on; a trial
    depends on `seed`, `n` and its number alone.

    >>> from rfgen.systems.sparse.problem import Lasso
    >>> task = SparseRegression.equal(dim=30, nonzeros=2)
    >>> runs = sparse_runs(task, Lasso([0.1, 1e4]), n=20, trials=3)
    >>> runs["test"].shape, bool((runs["test"][:, 0] < 0.01).all()), runs["test"][:, 1].tolist()
    ((3, 2), True, [2.0, 2.0, 2.0])
    """
    if (kind := KINDS.get(type(training))) is None:
        raise ValueError(f"training must be Lasso, BasisPursuit, ReparametrizedFlow or Ridge, got {training!r}")
    axes = training.axes
    mesh = np.meshgrid(*axes.values(), indexing="ij")
    settings = tuple(np.ravel(part).astype(np.float64) for part in mesh) or (np.zeros(1),)
    truth = np.repeat(task.coefficients, task.multiplicity)
    source = sparse_source(task, augmentation)
    given = source, truth, np.asarray(task.noise), settings
    stated = {"n": n, "kind": kind, "features": features, "members": members}
    if on_host() or isinstance(members.resampling, Bootstrap):  # of which each bag has its own number of rows
        key = fold_in(host_key(seed), n)
        with np.errstate(all="ignore"), few_threads(0.1 * source.rows(n) ** 2 * (features or truth.size)):
            found = [_trial(fold_in(key, number), *given, **stated) for number in range(start, start + trials)]
    else:
        key = fold_in(jax.random.key(seed, impl="threefry2x32"), n)
        found = [_compiled(keys_of(key, start, start + trials), *given, **stated)]
    shape = (trials, *(axis.size for axis in axes.values() if axis.ndim))
    return {name: np.reshape([np.asarray(one[name]) for one in found], shape) for name in found[0]}


@record
class SparseRows(RowSampler):
    """Rows of independent standard normals, `scale` (dim,) times these, and labels by the coefficients `truth` (dim,)."""

    scale: Any
    truth: Any

    def draw(self, key: Any, shared: Any, n: int) -> Sample:
        """One training set of `n` rows."""
        del shared
        of_rows, of_noise = split(key)
        rows = normals(of_rows, (n, self.truth.size))
        xp = namespace(rows)
        none, truth = xp.zeros((), rows.dtype), xp.asarray(self.truth)
        return Sample(
            rows=rows, targets=(rows @ truth)[:, None], errors=normals(of_noise, (n, 1)), tail=none, probe=self.scale,
            truth=truth[None], mask=self.scale, floor=none[None],
        )


def sparse_source(task: SparseRegression, augmentation: AbstractAugmentation | None) -> Any:
    """What draws training sets of the `task` in the views of an `augmentation` at single strengths."""
    truth = np.repeat(task.coefficients, task.multiplicity)
    source = SparseRows(np.ones_like(truth), truth)
    return source if augmentation is None else augmented(source, Task.isotropic(truth.size), augmentation)


def _trial(
    key: Any, source: Any, truth: Array, noise: Array, settings: tuple[Array, ...], n: int, kind: str, features: int | None,
    members: Members,
) -> dict[str, Array]:
    """All measures of one training set, (settings,)."""
    sample, models = source.draw(key, key, n), fold_in(key, MODELS)
    xp = namespace(sample.rows)

    def labels(of: Sample) -> Array:
        return (of.targets + xp.sqrt(noise) * of.errors)[:, 0]

    def member(number: Any) -> dict[str, Array]:
        own_key = fold_in(models, int(number) if isinstance(number, np.integer) else number)
        own = own_sample(sample, own_key, n, members)
        given = own.rows, labels(own)
        if isinstance(members.resampling, Bootstrap):
            given = _gathered(*given)
        if features is None:
            return stacked(partial(_fitted, *given, truth, None, kind), *settings)
        mixing = normals(own_key, (truth.size, features)) / features**0.5
        return stacked(partial(_fitted, *_triangular(*given), truth, mixing, kind), *settings)

    each = stacked(member, xp.arange(members.count))
    mean = {name: xp.mean(values, axis=0) for name, values in each.items() if name != "converged"}
    fitted = mean.pop("fitted")
    excess = xp.sum((fitted - truth) ** 2, axis=1)
    found = {"test": noise + excess, "excess": excess, **mean}
    if members.resampling is None:
        found["train"] = xp.sum((labels(sample) - fitted @ sample.rows.T) ** 2, axis=1) / n
    return {name: xp.where(xp.all(each["converged"], axis=0), value, xp.nan) for name, value in found.items()}


_compiled = jax.jit(partial(in_turn, _trial), static_argnames=("n", "kind", "features", "members"))


def _gathered(rows: Array, targets: Array) -> tuple[Array, Array]:
    """Rows that are there again and again but once, of as much weight: what interpolates needs rows that differ."""
    both, times = np.unique(np.column_stack([rows, targets]), axis=0, return_counts=True)
    both = np.sqrt(times)[:, None] * both
    return both[:, :-1], both[:, -1]


def _triangular(rows: Array, targets: Array) -> tuple[Array, Array]:
    """As many rows as coordinates at most: features, which may be more, do not make more of them independent."""
    if rows.shape[0] <= rows.shape[1]:
        return rows, targets
    basis, triangle = namespace(rows).linalg.qr(rows)
    return triangle, basis.T @ targets


def _fitted(rows: Array, targets: Array, truth: Array, mixing: Array | None, kind: str, *at: Array) -> dict[str, Array]:
    """One model: what it is on inputs, `fitted` (dim,), and what is measured of itself."""
    xp, converged = namespace(rows), namespace(rows).asarray(True)
    design = rows if mixing is None else rows @ mixing
    if kind == "ridge" or (kind == "flow" and design.shape[0] >= design.shape[1]):
        weights = ridge_fit(design, targets, at[0] if kind == "ridge" else 0.0)
    elif kind == "flow":
        weights, converged = reparametrized_fit(design, targets, *at)
    else:
        fit = l1_fit(design, targets, at[0])
        weights, converged = fit.coefficients, fit.converged
    fitted = weights if mixing is None else mixing @ weights
    found = {"fitted": fitted, "norm": xp.sum(weights**2), "converged": converged}
    if kind == "l1":
        kept = weights != 0.0
        found["active"] = total = xp.sum(kept, dtype=truth.dtype)
        if mixing is None:
            real = truth > 0.0
            right = xp.sum(kept & real, dtype=truth.dtype)
            found["true_positives"] = right / xp.sum(real, dtype=truth.dtype)
            found["false_discoveries"] = (total - right) / xp.maximum(total, 1.0)
    return found


def ridge_fit(rows: Array, targets: Array, ridge: Any) -> Array:
    """Minimise |y - X b|^2 + ridge |b|^2 on the smaller side; ridge 0: least squares, of least norm if n < dim."""
    n, dim = rows.shape
    factor = cholesky(shifted(rows @ rows.T if n < dim else rows.T @ rows, ridge))
    if n < dim:
        return rows.T @ cholesky_solve(factor, targets)
    return cholesky_solve(factor, rows.T @ targets)


def reparametrized_fit(rows: Array, targets: Array, init: Any, linear: Any) -> tuple[Array, Array]:
    """Where gradient flow on b = u^2 - v^2 + linear w ends, from u = v = init, w = 0; n < dim.  And whether it converged.

    With s = X'u the coefficients are h(s) = 2 init^2 sinh(4 s) + linear^2 s at all times; at the end X h(s) = y, where the
    convex function sum_j H(s_j) - y'u, H' = h, is least.  As |H'''| <= 4 H'', Newton's step times log(1 + 4 m)/(4 m), m its
    largest move of an s, never overshoots.

    >>> import jax, jax.numpy as jnp
    >>> with jax.enable_x64(True):
    ...     found, _ = reparametrized_fit(jnp.array([[1.0, 2.0]]), jnp.array([4.0]), 1e-3, 0.0)
    >>> [round(float(each), 3) for each in found]
    [0.001, 1.999]
    """
    xp = namespace(rows)
    square, straight = xp.asarray(init, rows.dtype) ** 2, xp.asarray(linear, rows.dtype) ** 2
    length = xp.sqrt(targets @ targets)

    def response(dual: Array) -> Array:
        s = rows.T @ dual
        return 2.0 * square * xp.sinh(4.0 * s) + straight * s

    def unfinished(state: tuple[Array, Array, Array]) -> Array:
        number, _, misfit = state
        return (number < MOST_STEPS) & (misfit > AIM * length)

    def advance(state: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        number, dual, _ = state
        slope = 8.0 * square * xp.cosh(4.0 * (rows.T @ dual)) + straight
        hessian = (rows * slope) @ rows.T
        # slopes of a tiny init differ by more than all digits; a larger Hessian does not overshoot either
        factor = cholesky(shifted(hessian, ROUNDING * xp.max(xp.diag(hessian))))
        move = cholesky_solve(factor, targets - rows @ response(dual))
        largest = 4.0 * xp.max(xp.abs(rows.T @ move))
        dual = dual + move * xp.where(largest > 0.0, xp.log1p(largest) / xp.where(largest > 0.0, largest, 1.0), 1.0)
        left = targets - rows @ response(dual)
        misfit = xp.sqrt(left @ left)
        return xp.where(xp.isfinite(misfit), number + 1, MOST_STEPS), dual, misfit

    begin = (xp.zeros((), xp.int32), xp.zeros_like(targets), length)
    _, dual, misfit = while_loop(unfinished, advance, begin)
    return response(dual), misfit <= ENOUGH * length


def reparametrized_descent(rows: Array, targets: Array, init: Any, linear: Any, rate: Any, steps: int) -> Array:
    """The same by `steps` of gradient descent on u, v and w themselves, on half the mean squared residual.

    Another route to what the flow finds, as `rate` tends to 0 and steps * rate to infinity.
    """
    n, dim = rows.shape

    def step(_: Any, at: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        u, v, w = at
        gradient = rows.T @ (rows @ (u * u - v * v + linear * w) - targets) / n
        return u - 2.0 * rate * u * gradient, v + 2.0 * rate * v * gradient, w - rate * linear * gradient

    begin = (jnp.full(dim, init, rows.dtype), jnp.full(dim, init, rows.dtype), jnp.zeros(dim, rows.dtype))
    u, v, w = jax.lax.fori_loop(0, steps, step, begin)
    return u * u - v * v + linear * w
