"""Exact risk along training: any spectral algorithm, on any problem of the engine.

Equations: theory (6.6), (6.9) and (6.10).
"""

__all__ = ["Trajectory", "equilibria_at", "kernels_at", "kernels_of", "largest_eigenvalue", "trajectory"]

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from rfgen.equivalents.augmented.block_equilibrium import BlockEquilibrium
from rfgen.equivalents.node_kernels import NodeKernels, magnitude, node_kernels, quadratic_form
from rfgen.equivalents.path_equilibria import approach, path_equilibria, upper_edge
from rfgen.equivalents.targets import WeightTarget
from rfgen.numerics.compilation.precision import needs_double_precision
from rfgen.numerics.compilation.program import program
from rfgen.theory.dynamics.assembled import Trajectory, assembled
from rfgen.theory.dynamics.ends import PARTS, blocks_of, dimension, prediction_covariance, total_trace
from rfgen.theory.dynamics.fewer_nodes import fewer_nodes
from rfgen.theory.dynamics.on_contours import reached
from rfgen.theory.dynamics.spectral_filters import Filter, Window, windows
from rfgen.theory.ridge.block_risk import AugmentedProblem

# Nodes are padded to one of these numbers: few programs are compiled.
SIZES = (48, 96, 192, 384, 576, 768, 1152, 1536, 2304, 4608)
# Numbers in the traces of one pair of nodes from which fewer are looked for: of 60 features and three covariances 32,400.
DEAR = 30_000
# A bound on the upper edge, in units of the trace.
MULTIPLE = 10.0
# What rounding may make of risk and training error, and of a sum over nodes in units of the sum of its terms' sizes; errors
# against the exact isotropic law were at most 1/17 of it.
ROUNDED, PLACES = ("rounding", "train_rounding"), 8 * float(np.finfo(np.float64).eps)


@needs_double_precision
def trajectory(
    problem: AugmentedProblem, n: Any, features: Any, training: Filter, clock: Any, noise: Any = 0.0,
    initial_variance: Any = 0.0, shared: str = "all",
) -> Trajectory:
    """The curve of `training` at `clock` (times,), in any order: times >= 0 or steps, `math.inf` the end of training.

    `problem`: of one output, its operators diagonal or dense; `n` samples, `features` (inf: the full kernel), label `noise`
    a variance; `initial_variance` () of every trained weight, or (modes,) of all weights at a node together (kernel
    regression with diagonal operators only); `shared` as in `augmented_risk`, initial weights being each model's own.
    Not traceable: contours are chosen for the clock.  Cost: one kernel of 49 x 98 nodes for each decade of the clock.

    Exact as n, features and modes grow together, for trainings in the span of powers of the training second moment.  A
    rate at or beyond the edge of stability gives inf at all steps but 0.

    Source: derived; gradient flow in the isotropic case is that of arXiv 1710.03667.

    >>> import jax, rfgen
    >>> from rfgen.theory.ridge.block_risk import augmented_modes
    >>> from rfgen.theory.dynamics.spectral_filters import Filter
    >>> task = rfgen.Task.power_law(alpha=1.5, beta=1.5, noise=0.5, modes=2000)
    >>> with jax.enable_x64(True):
    ...     problem, *_ = augmented_modes(task, rfgen.Mask(1.0))
    ...     curve = trajectory(problem, 256, 1000, Filter("flow", 0.0), [0.0, 10.0, 1e9], noise=0.5)
    >>> curve.test.round(6).tolist()
    [3.06766, 1.147803, 1.256226]
    """
    clock = np.asarray(clock, dtype=np.float64)
    initial = np.asarray(initial_variance if shared == "all" else 0.0, dtype=np.float64)
    sizes = (np.asarray(n, np.float64), np.asarray(features, np.float64))
    unmoved, ended = reached(training, clock, total_trace(problem))
    inner = ~(unmoved | ended)
    fine, coarse = ({name: np.zeros(clock.size) for name in (*PARTS, *ROUNDED)} for _ in range(2))
    solved, error, served = np.ones(clock.size, bool), np.zeros(clock.size), np.ones(clock.size, bool)
    edge, stable = np.inf, np.ones(clock.size, bool)
    if training.kind == "flow":
        edge = 1e3 / clock[inner].min() if inner.any() else 1.0
    elif (clock > 0).any():
        edge = largest_eigenvalue(problem, *sizes) + (0.0 if training.kind == "distillation" else training.ridge)
        stable = (clock == 0) | (training.rate * edge < training.stable_below)
    steady = np.flatnonzero(inner & stable)
    solved[steady] = served[steady] = False
    squares = bool(initial.any() and not initial.ndim)
    for parts, few in ((fine, False), (coarse, True)):
        made = windows(training, clock[steady], edge, few, squares)
        if _dear(problem) and not initial.any():
            # no eigenvalue is larger than a small multiple of the trace
            most = min(edge, MULTIPLE * total_trace(problem) + training.ridge)
            made = fewer_nodes(made, most, SIZES)
        for window in made:
            at = steady[window.index]
            found, fits = _window(problem, sizes, training, window, initial, shared, float(noise))
            for name in (*PARTS, *ROUNDED):
                parts[name][at] = found[name]
            solved[at] = fits if not few else solved[at] & fits
            served[at] = True
            error[at] = np.maximum(error[at], window.error if not few else 0.0)
    state = (solved, error, stable, unmoved, ended & stable, served)
    return assembled(problem, sizes, training, noise, initial, fine, coarse, state, shared)


def _dear(problem: AugmentedProblem) -> bool:
    """Whether a node costs more than the choice of fewer of them."""
    count, *shape = problem.operators.basis.shape
    return count**2 * math.prod(shape) > DEAR


def largest_eigenvalue(problem: AugmentedProblem, n: Any, features: Any) -> float:
    """Upper edge of the spectrum of the training second moment."""
    return float(_edge(problem, n, features))


def equilibria_at(problem: AugmentedProblem, n: Any, features: Any, ridges: np.ndarray) -> BlockEquilibrium:
    """Equilibria at complex `ridges`, in the order of a contour."""
    found = _follow(problem, n, features, _padded(ridges))
    return jax.tree.map(lambda leaf: jax.device_put(np.asarray(leaf)[: ridges.size]), found)


def kernels_at(
    problem: AugmentedProblem, n: Any, features: Any, ways: list[np.ndarray], shared: str = "all", by_group: bool = False
) -> tuple[BlockEquilibrium, NodeKernels]:
    """Equilibria at complex ridges, `ways` each in the order of a contour, padded; and the kernels of all their pairs, as
    numpy arrays; `by_group` as in `rfgen.equivalents.node_kernels`.
    """
    followed = [_follow(problem, n, features, _padded(way)) for way in ways]

    def joined(*parts: Any) -> Any:
        kept = [np.asarray(part)[: way.size] for part, way in zip(parts, ways, strict=True)]
        return jax.device_put(_padded(np.concatenate(kept)))

    nodes = followed[0]
    if len(ways) > 1:  # a single way is padded already
        leaves = [joined(*parts) for parts in zip(*(jax.tree.leaves(at) for at in followed), strict=True)]
        nodes = jax.tree.unflatten(jax.tree.structure(nodes), leaves)
    return nodes, kernels_of(problem, n, features, nodes, shared, by_group)


def kernels_of(
    problem: AugmentedProblem, n: Any, features: Any, nodes: BlockEquilibrium, shared: str = "all", by_group: bool = False
) -> NodeKernels:
    """The kernels of all pairs of known `nodes`, as numpy arrays."""
    # thoroughly they take three quarters of the time (.11 s of six decades, .15), and .4 s more to compile
    return jax.tree.map(np.asarray, _kernels(problem, n, features, nodes, shared=shared, by_group=by_group))


def _window(
    problem: AugmentedProblem, sizes: tuple[Any, Any], training: Filter, window: Window, initial: np.ndarray, shared: str,
    noise: float,
) -> tuple[dict[str, np.ndarray], bool]:
    """All parts at a window's clocks, with what rounding may make of two, and whether all nodes were solved."""
    shift = 0.0 if training.kind == "distillation" else training.ridge
    ridges, count = shift - window.zeta, window.zeta.size
    nodes, kernels = kernels_at(problem, *sizes, window.ways(ridges), shared)
    total = nodes.ridge.shape[0]

    def padded(rows: np.ndarray) -> np.ndarray:
        return np.concatenate([rows, np.zeros((rows.shape[0], total - count))], axis=1)

    f = padded(window.filters)
    null = float(problem.null_power)
    parts = {
        "bias": quadratic_form(f, kernels.bias) + null,
        "data": quadratic_form(f, kernels.spread[..., 0]), "noise": quadratic_form(f, kernels.spread[..., 1]),
        "features": quadratic_form(f, kernels.spread[..., 2]),
        "train": quadratic_form(f, kernels.train[..., 0] + kernels.train[..., 2]),
        "train_noise": quadratic_form(f, kernels.train[..., 1]),
        "norm": quadratic_form(f, kernels.norm[..., 0] + kernels.norm[..., 2]),
        "norm_noise": quadratic_form(f, kernels.norm[..., 1]),
        "df1": 2.0 * np.real(f @ np.asarray(nodes.df1)),
    }
    weights_of = np.array([1.0, null + noise, 1.0])  # of the sources
    of_test = np.abs(kernels.bias) + np.abs(kernels.spread) @ weights_of
    parts |= {
        "rounding": PLACES * magnitude(f, of_test),
        "train_rounding": PLACES * magnitude(f, np.abs(kernels.train) @ weights_of),
    }
    zeros = np.zeros(window.index.size)
    parts |= {"initial": zeros, "initial_train": zeros, "initial_norm": zeros}
    if initial.ndim:
        leaves = padded(window.decay * window.weights) / np.asarray(nodes.ridge)
        own = jax.tree.map(np.asarray, _initial_kernels(problem, *sizes, nodes, jnp.asarray(initial)))
        both = np.concatenate([leaves, leaves.conj()], axis=1)
        keep = np.r_[:total, total + 1 : 2 * total + 1]

        def form(kernel: np.ndarray, leaves: np.ndarray = leaves, both: np.ndarray = both) -> np.ndarray:
            return 2.0 * np.einsum("tb,tb->t", leaves @ kernel[:total, keep], both).real

        parts["initial"] = form(own.bias + own.spread[..., 0])
        parts["rounding"] += PLACES * form(np.abs(own.bias + own.spread[..., 0]), np.abs(leaves), np.abs(both))
        parts["initial_train"], parts["initial_norm"] = form(own.train[..., 0]), form(own.norm[..., 0] + own.norm[..., 2])
    elif initial:
        h = padded(-(window.decay**2) * window.weights)
        weights = sizes[1] if np.isfinite(sizes[1]) else np.sum(dimension(problem.operators))
        spare = (float(weights) - np.asarray(nodes.df1)) / np.asarray(nodes.ridge)
        blocks = jax.tree.map(np.asarray, problem.blocks).of_samples(sizes[0])
        reached = np.asarray(blocks.of_tests(np.asarray(nodes.traces))) @ prediction_covariance(problem)
        parts["initial"], parts["initial_train"], parts["initial_norm"] = (
            float(initial) * 2.0 * np.real(h @ each) for each in (reached, np.asarray(nodes.df1), spare)
        )
        parts["rounding"] += PLACES * float(initial) * 2.0 * (np.abs(h) @ np.abs(reached))
    return parts, bool(np.asarray(nodes.converged).all())


@program
def _edge(problem: AugmentedProblem, n: Any, features: Any) -> Any:
    return upper_edge(problem.operators, blocks_of(problem, n), features)


@program
def _follow(problem: AugmentedProblem, n: Any, features: Any, ridges: Any) -> BlockEquilibrium:
    blocks = blocks_of(problem, n)
    return path_equilibria(problem.operators, blocks, features, approach(problem.operators, blocks, ridges[0]), ridges)


@program(static_argnames=("shared", "by_group"))
def _kernels(
    problem: AugmentedProblem, n: Any, features: Any, nodes: BlockEquilibrium, shared: str, by_group: bool
) -> NodeKernels:
    return node_kernels(problem.operators, blocks_of(problem, n), problem.target, features, nodes, shared, by_group)


@program
def _initial_kernels(
    problem: AugmentedProblem, n: Any, features: Any, nodes: BlockEquilibrium, variances: Any
) -> NodeKernels:
    target = WeightTarget(variances, jnp.zeros_like(problem.target.label), problem.target.test)
    return node_kernels(problem.operators, blocks_of(problem, n), target, features, nodes)


def _padded(values: np.ndarray) -> np.ndarray:
    """Padded to one of `SIZES` by its last entry."""
    count = values.shape[0]
    size = next(each for each in SIZES if each >= count)
    return np.concatenate([values, np.repeat(values[-1:], size - count, axis=0)])
