"""Exact risk of stochastic gradient descent that draws its batches from n samples, with replacement.

The mean over batches is full-batch descent, of training loss G_t (at the gradient's point) and test risk.  Batches add
noise in proportion to the loss T_t itself, a Volterra equation; with S the training second moment,

    T_t    = G_t       + (1/B) sum_{s<t} tr[S^2 K_{t-1-s}(S)] T_s
    test_t = descent_t + (1/B) sum_{s<t} tr[Sigma S K_{t-1-s}(S)] T_s

where K_r(S) is what r steps leave of a squared gradient step: rate^2 (1 - rate (S + ridge/n))^(2r) without momentum.  The
traces are sums over one contour that serves all steps, so both follow from the recursion of `second_moments` on its nodes.

`finite_size` keeps the Gaussian fourth moments: K_r acts through p^2 + rate^2 S^2/B, and the mean gradient's square
enters beside S T; the latter is a recursion over pairs of nodes.  (Derived: theory (7.9) to (7.12).)
"""

__all__ = ["MultiPassCurve", "multi_pass_sgd", "nothing_learned", "unserved"]

from dataclasses import dataclass
from typing import Any

import numpy as np

from rfgen.equivalents.node_kernels import quadratic_form
from rfgen.numerics.compilation.precision import require_double_precision
from rfgen.numerics.interpolation import sparse_times, through_sparse
from rfgen.theory.dynamics.ends import end, prediction_covariance
from rfgen.theory.dynamics.spectral_filters import Filter
from rfgen.theory.dynamics.trajectory import kernels_at, largest_eigenvalue
from rfgen.theory.ridge.block_risk import AugmentedProblem
from rfgen.theory.sgd.initial_weights import Start
from rfgen.theory.sgd.many_passes.contour import moment_contour, moment_error
from rfgen.theory.sgd.many_passes.visits import Factors
from rfgen.theory.sgd.stability import Stability, stability
from rfgen.theory.sgd.streaming.gradient_squares import gradient_squares
from rfgen.theory.sgd.streaming.second_moments import Iteration, MomentNodes, second_moments

# Nodes whose pairs are affordable (seconds), and the error that a point may have.
MOST_NODES = 1152
TOLERANCE = 1e-6
# Steps of the mean whose forms are taken together: memory.
TOGETHER = 4096
# Error of the loss between the steps at which it is known beyond which all steps are computed.
SMOOTH = 1e-8
# and steps up to which all of them fit into memory.
MOST_STEPS = 50_000


@dataclass(frozen=True)
class MultiPassCurve:
    """At each step number (times,); risks in units of the target squared.

    `test = bias + variance + noise`, over data, features and batches; `train`: the training loss without the ridge
    penalty; `norm`: mean squared weights; `amplification`: factor on the label noise; `residual`: of the contour's test and
    of the interpolation in time; `converged`; `served`: whether a contour of affordable size exists.  `stability`, and the
    test risk `stationary_test` that is reached in the end.
    """

    test: np.ndarray
    train: np.ndarray
    bias: np.ndarray
    variance: np.ndarray
    noise: np.ndarray
    norm: np.ndarray
    amplification: np.ndarray
    residual: np.ndarray
    converged: np.ndarray
    served: np.ndarray
    stability: Stability
    stationary_test: Any


def multi_pass_sgd(
    problem: AugmentedProblem, n: Any, features: Any, iteration: Iteration, clock: Any, noise: Any = 0.0,
    finite_size: bool = False, factors: Factors | None = None, shared: str = "all", initial: float = 0.0,
) -> MultiPassCurve:
    """The curve at step numbers `clock` (times,), in any order.

    `problem`: of one output and clean samples; `features` inf is the full kernel; `iteration` with weight decay over n, at
    settings that do not change.  Exact in the limit of many effective dimensions, (tr S)^2 / tr S^2, at any batch, rate
    and time; unstable settings give the numbers, which grow.  `finite_size`: right to the next order where n exceeds the
    number of weights, and before the first epoch ends.  `factors`: of the views of each visit, see `visits`; there
    `stationary_test` is not known (NaN).  `shared` "samples": the mean product of the errors of two models that have these
    in common, and not their batches and features.  `initial`: variance of each weight at the start, which counts
    as variance.

    Not traceable.  Costs a second, and 10 microseconds a step (with `finite_size` milliseconds).

    Source: derived; the Volterra equation of the kernel case is known since arXiv 2102.04396.

    >>> import jax, rfgen
    >>> from rfgen.theory.ridge.block_risk import augmented_modes
    >>> from rfgen.theory.sgd.streaming.one_pass import iteration_of
    >>> training = rfgen.SGD(rate=0.5, steps=1000, batch=4)
    >>> with jax.enable_x64(True):
    ...     problem, *_ = augmented_modes(rfgen.Task.power_law(1.5, 1.5, 0.5, modes=500), None)
    ...     iteration = iteration_of(training, {"rate": 0.5, "batch": 4.0}, n=200)
    ...     curve = multi_pass_sgd(problem, 200, 1000, iteration, [0, 10, 1000], noise=0.5)
    >>> curve.stability.stable
    True
    """
    require_double_precision("rfgen.theory.multi_pass_sgd")
    sizes = (np.asarray(n, np.float64), np.asarray(features, np.float64))
    times, place = np.unique(np.asarray(clock, np.int64), return_inverse=True)
    edge = largest_eigenvalue(problem, *sizes)
    aim, returned = 1.0, 1.0
    if factors is not None:
        iteration, aim, returned = factors.iteration(iteration), factors.aim, factors.returned
    if initial and (finite_size or factors is not None):
        raise ValueError(
            "initial_variance is derived without finite_size, and for views of many small changes: leave one of them out"
        )
    if edge == 0.0:
        return nothing_learned(place.size, float(problem.null_power), noise)
    curve = moment_contour(iteration, edge, int(times[-1]), finite_size)
    if curve is None or curve.nodes.size > MOST_NODES:
        return unserved(place.size)
    zeta, own = curve.nodes, curve.nodes.size
    nodes, kernels = kernels_at(problem, *sizes, [-zeta], shared)
    total, null = np.asarray(nodes.ridge).shape[0], float(problem.null_power)
    df1, reached = np.asarray(nodes.df1)[:own], (np.asarray(nodes.traces) @ prediction_covariance(problem))[:own]
    around = -2.0 * curve.weights
    read = np.stack([around * zeta * df1, around * zeta * reached, around * df1])
    flat = np.zeros((2, own), complex)

    def table(forcing: np.ndarray) -> MomentNodes:
        multiplicative = zeta**2 if finite_size else np.zeros_like(zeta)
        return MomentNodes(zeta, flat, multiplicative, np.ones(own, complex), returned * read[0], read, forcing)

    ridge = float(iteration.ridge)
    start = Start(problem, sizes, nodes, curve, initial if shared == "all" else 0.0)

    def forms(mean: np.ndarray, kernel: np.ndarray, scale: float = aim) -> np.ndarray:
        """Of `scale` times the weights that descend."""
        filters = mean * curve.weights / zeta if ridge == 0.0 else (mean - 1.0) * curve.weights / (zeta + ridge)
        filters = np.pad(scale * filters, ((0, 0), (0, total - own)))
        pieces = np.array_split(filters, 1 + filters.shape[0] // TOGETHER)
        return np.concatenate([quadratic_form(piece, kernel) for piece in pieces])

    def losses(mean: np.ndarray, coefficients: np.ndarray | None) -> np.ndarray:
        """Training loss of the signal and of unit noise; where views differ by factors, with these coefficients."""
        train = _columns(kernels.train, null)
        if coefficients is None:
            seen = np.stack([forms(mean, kernel) for kernel in train])
            seen[0] += start.loss(mean)
            return seen
        ahead, none, back = (np.stack([forms(mean, kernel, one) for kernel in train]) for one in (1.0, 0.0, -1.0))
        overlap, square = aim * (back - ahead) / 4.0, aim**2 * ((ahead + back) / 2.0 - none)
        return coefficients[0] * none - 2.0 * coefficients[1] * overlap + coefficients[2] * square

    kinds = [*_columns(kernels.spread, null), *_columns(kernels.norm, null), kernels.bias]
    noisy_loss, seen_loss = (None, None) if factors is None else (factors.loss, factors.train)

    def every_form(mean: np.ndarray) -> np.ndarray:
        found = np.concatenate([losses(mean, seen_loss), np.stack([forms(mean, kernel) for kernel in kinds])])
        found[2] += start.tests(mean)[:, 0]
        found[4] += start.norm(mean)
        return found

    def descent(every: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
        """Full-batch descent: its loss at the gradient's point at all steps, the forms of its mean at `times`, that mean,
        and the error of interpolation between the steps of `every`.
        """
        asked = np.union1d(every, times)
        means = second_moments(iteration, table(np.zeros((2, 1))), asked)
        ahead, mean = means.ahead[np.searchsorted(asked, every)], means.mean[np.searchsorted(asked, times)]
        loss, roughness = through_sparse(losses(ahead, noisy_loss), every)
        if times.size <= every.size:
            return loss, every_form(mean), mean, roughness
        own_mean = means.mean[np.searchsorted(asked, every)]
        found, more = through_sparse(every_form(own_mean), every)
        return loss, found[:, times], mean, max(roughness, more)

    forcing, base, mean, roughness = descent(sparse_times(int(times[-1])))
    if roughness > SMOOTH and times[-1] <= MOST_STEPS:  # it oscillates still, or grows
        forcing, base, mean, roughness = descent(np.arange(int(times[-1]) + 1))
    excess = np.zeros((times.size, 3, 2))
    if finite_size:
        squares, excess = gradient_squares(iteration, curve, kernels, null, times)
        forcing = forcing + squares
    run = second_moments(iteration, table(forcing), times)
    noise_of_batches = run.sums if factors is None else run.sums * (
        np.array([factors.square, 1.0, 1.0])[:, None] / factors.square**2
    )
    excess = excess + noise_of_batches if shared == "all" else np.zeros_like(excess)
    bias = np.maximum(base[6], 0.0) + null
    base = np.moveaxis(base[:6].reshape(3, 2, -1), 2, 0) + excess
    noisy = 1.0 + base[:, 1, 1]
    with np.errstate(over="ignore", invalid="ignore"):
        found = {
            "bias": bias, "variance": np.maximum(base[:, 1, 0], 0.0), "noise": noise * noisy if noise else 0.0 * noisy,
            "train": np.maximum(base[:, 0] @ np.array([1.0, noise]), 0.0), "amplification": noisy,
            "norm": np.maximum(base[:, 2] @ np.array([1.0, noise]), 0.0),
        }
        found["test"] = found["bias"] + found["variance"] + found["noise"]
        untrained = float(forms(np.ones((1, own)), kernels.bias)[0]) + null
        error = moment_error(iteration, curve, edge, times, mean, None)
        error = np.where(untrained == 0, 0.0, error * untrained / np.abs(found["test"]))
    error = np.maximum(np.where(np.isnan(error), np.inf, error), roughness)
    steady = stability(iteration, table(np.zeros((2, 1))), edge, finite_size)
    grown = {name: np.where(np.isfinite(values), values, np.inf)[place] for name, values in found.items()}
    if not steady.stable:  # no error where moments have outgrown the floats
        error = np.where(np.isfinite(found["test"]), error, 0.0)
    rest = np.inf
    if steady.stable and factors is not None:
        rest = np.nan
    elif steady.stable:
        last = end(problem, sizes, Filter("flow", ridge), noise, np.asarray(start.variance))
        rest = float(last["test"] + steady.sums[1] * last["train"])
    solved = bool(np.asarray(nodes.converged).all())
    return MultiPassCurve(
        **grown, residual=error[place], converged=solved & (error[place] < TOLERANCE) & ~(grown["test"] < 0),
        served=np.ones(place.size, bool), stability=steady, stationary_test=rest,
    )


def _columns(kernel: np.ndarray, null: float) -> list[np.ndarray]:
    """Kernels of the signal, to which what no mode holds is noise, and of unit noise."""
    return [kernel[..., 0] + kernel[..., 2] + null * kernel[..., 1], kernel[..., 1]]


def nothing_learned(count: int, null: float, noise: Any) -> MultiPassCurve:
    """Nothing can be learned."""
    one, zero = np.ones(count), np.zeros(count)
    return MultiPassCurve(
        test=(null + noise) * one, train=(null + noise) * one, bias=null * one, variance=zero, noise=noise * one, norm=zero,
        amplification=one, residual=zero, converged=one > 0, served=one > 0,
        stability=Stability(True, 0.0, 1.0, 1.0, np.zeros(3)), stationary_test=null + noise,
    )


def unserved(count: int) -> MultiPassCurve:
    """No contour of affordable size serves."""
    nothing, never = np.full(count, np.nan), np.zeros(count, bool)
    unknown = Stability(False, np.nan, np.nan, np.nan, np.full(3, np.nan))
    names = ("test", "train", "bias", "variance", "noise", "norm", "amplification")
    return MultiPassCurve(
        **dict.fromkeys(names, nothing), residual=np.full(count, np.inf), converged=never, served=never, stability=unknown,
        stationary_test=np.nan,
    )
