"""Exact risk along training: any spectral algorithm, on any problem of the engine."""

__all__ = ["Trajectory", "total_trace", "trajectory"]

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from rfgen.equivalents.block_equilibrium import BlockEquilibrium, block_equilibrium
from rfgen.equivalents.blocks import Blocks
from rfgen.equivalents.node_kernels import NodeKernels, node_kernels, quadratic_form
from rfgen.equivalents.operators import DiagonalOperators
from rfgen.equivalents.path_equilibria import approach, path_equilibria, upper_edge
from rfgen.equivalents.targets import WeightTarget
from rfgen.numerics.precision import require_double_precision
from rfgen.theory.augmented_risk import AugmentedProblem, augmented_risk
from rfgen.theory.spectral_filters import Filter, Window, windows

# Nodes are padded to one of these numbers: few programs are compiled.
SIZES = tuple(48 * 2**k for k in range(7))
# Errors beyond which a point has failed: of the nodes' scalar test, and of the risk against fewer nodes.
SCALAR_TOLERANCE, RISK_TOLERANCE = 1e-7, 1e-5


@dataclass(frozen=True)
class Trajectory:
    """Curves along one clock, each (times,); risks in units of the target squared.

    `test = bias + variance + noise`; `variance = data_variance + features_variance + initial_variance` (from the initial
    weights); `train`: the training loss without the ridge penalty; `norm`: mean squared weights; `amplification`: factor
    on the label noise; `df1`: degrees of freedom, the trace of the fit; `residual`: change from a contour of fewer nodes,
    relative to the risk; `converged`; `stable` whether the rate is below the edge of stability.
    """

    test: np.ndarray
    train: np.ndarray
    bias: np.ndarray
    variance: np.ndarray
    data_variance: np.ndarray
    features_variance: np.ndarray
    initial_variance: np.ndarray
    noise: np.ndarray
    norm: np.ndarray
    amplification: np.ndarray
    df1: np.ndarray
    residual: np.ndarray
    converged: np.ndarray
    stable: np.ndarray


# what a window gives of each clock; linear in these, everything else follows
PARTS = ("bias", "data", "noise", "features", "train", "train_noise", "norm", "norm_noise", "df1",
         "initial", "initial_train", "initial_norm")  # fmt: skip


def trajectory(
    problem: AugmentedProblem, n: float, features: float, training: Filter, clock: Any, noise: float = 0.0,
    initial_variance: Any = 0.0,
) -> Trajectory:  # fmt: skip
    """The curve of `training` at `clock` (times,), in any order: times >= 0 or steps, `math.inf` the end of training.

    `problem`: of one output, its operators diagonal or dense; `n` samples, `features` (inf: the full kernel), label `noise`
    a variance; `initial_variance` () of every trained weight, or (modes,) of all weights at a node together (kernel
    regression with diagonal operators only).
    Not traceable: contours are chosen for the clock.  Cost: one kernel of 49 x 98 nodes for each decade of the clock.

    Exact as n, features and modes grow together, for trainings in the span of powers of the training second moment.  A
    rate at or beyond the edge of stability gives inf at all steps but 0.

    Source: derived; gradient flow in the isotropic case is that of arXiv 1710.03667.

    >>> import jax, rfgen
    >>> from rfgen.theory.augmented_risk import augmented_modes
    >>> from rfgen.theory.spectral_filters import Filter
    >>> task = rfgen.Task.power_law(alpha=1.5, beta=1.5, noise=0.5, modes=2000)
    >>> with jax.enable_x64(True):
    ...     problem, *_ = augmented_modes(task, rfgen.Mask(1.0))
    ...     curve = trajectory(problem, 256, 1000, Filter("flow", 0.0), [0.0, 10.0, 1e9], noise=0.5)
    >>> curve.test.round(6).tolist()
    []
    """
    require_double_precision("rfgen.theory.trajectory")
    clock = np.asarray(clock, dtype=np.float64)
    initial = np.asarray(initial_variance, dtype=np.float64)
    sizes = (jnp.asarray(n, jnp.float64), jnp.asarray(features, jnp.float64))
    inner = (clock > 0) & np.isfinite(clock)
    fine = {name: np.zeros(clock.size) for name in PARTS}
    coarse = {name: np.zeros(clock.size) for name in PARTS}
    solved, error = np.ones(clock.size, bool), np.zeros(clock.size)
    edge, stable = np.inf, np.ones(clock.size, bool)
    if training.kind == "flow":
        edge = 1e3 / clock[inner].min() if inner.any() else 1.0
    elif inner.any():
        edge = float(_edge(problem, *sizes)) + (0.0 if training.kind == "distillation" else training.ridge)
        stable = (clock == 0) | (training.rate * edge < training.stable_below)
    steady = np.flatnonzero(inner & stable & (edge > 0))
    solved[steady] = steady.size == 0
    if training.kind == "distillation" and training.ridge == 0.0:
        steady = steady[:0]
    for parts, few in ((fine, False), (coarse, True)):
        if not steady.size:
            break
        for window in windows(training, clock[steady], edge, few, bool(initial.any() and not initial.ndim)):
            at = steady[window.index]
            found, fits = _window(problem, sizes, training, window, initial)
            for name in PARTS:
                parts[name][at] = found[name]
            solved[at] = fits if not few else solved[at] & fits
            error[at] = np.maximum(error[at], window.error if not few else 0.0)
    unmoved = (clock == 0) | (inner & (edge == 0))
    return _assemble(problem, sizes, training, clock, noise, initial, fine, coarse, (solved, error, stable, unmoved))


def total_trace(problem: AugmentedProblem) -> float:
    """Trace of the training second moment in the mean: no eigenvalue is larger than a small multiple of it."""
    rest = _untrained(problem)
    return float(rest["strength"] @ rest["sizes"])


def _window(
    problem: AugmentedProblem, sizes: tuple[Any, Any], training: Filter, window: Window, initial: np.ndarray
) -> tuple[dict[str, np.ndarray], bool]:
    """All parts at a window's clocks, and whether all nodes were solved."""
    shift = 0.0 if training.kind == "distillation" else training.ridge
    ridges, count = shift - window.zeta, window.zeta.size
    left = count - window.right
    sides = (ridges[:left], ridges[left:]) if window.right else (ridges,)
    followed = [jax.tree.map(np.asarray, _follow(problem, *sizes, _padded(side))) for side in sides]
    pieces = [jax.tree.map(lambda leaf, size=side.size: leaf[:size], at) for at, side in zip(followed, sides, strict=True)]
    nodes = jax.tree.map(lambda *leaves: _padded(np.concatenate(leaves)), *pieces)
    kernels = jax.tree.map(np.asarray, _kernels(problem, *sizes, nodes))
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
        "df1": 2.0 * (f @ np.asarray(nodes.df1)).real,
    }  # fmt: skip
    zeros = np.zeros(window.index.size)
    parts |= {"initial": zeros, "initial_train": zeros, "initial_norm": zeros}
    if initial.ndim:
        leaves = padded(window.decay * window.weights) / np.asarray(nodes.ridge)
        own = jax.tree.map(np.asarray, _initial_kernels(problem, *sizes, nodes, jnp.asarray(initial)))
        both = np.concatenate([leaves, leaves.conj()], axis=1)
        keep = np.r_[:total, total + 1 : 2 * total + 1]

        def form(kernel: np.ndarray) -> np.ndarray:
            return 2.0 * np.einsum("tb,tb->t", leaves @ kernel[:total, keep], both).real

        parts["initial"] = form(own.bias + own.spread[..., 0])
        parts["initial_train"], parts["initial_norm"] = form(own.train[..., 0]), form(own.norm[..., 0])
    elif initial:
        h = padded(-(window.decay**2) * window.weights)
        weights = sizes[1] if np.isfinite(sizes[1]) else np.sum(_dimension(problem.operators))
        spare = (float(weights) - np.asarray(nodes.df1)) / np.asarray(nodes.ridge)
        reached = np.asarray(nodes.traces) @ np.asarray(problem.target.test)
        parts["initial"], parts["initial_train"], parts["initial_norm"] = (
            float(initial) * 2.0 * (h @ each).real for each in (reached, np.asarray(nodes.df1), spare)
        )
    return parts, bool(np.asarray(nodes.converged).all())


def _assemble(
    problem: AugmentedProblem, sizes: tuple[Any, Any], training: Filter, clock: np.ndarray, noise: float,
    initial: np.ndarray, fine: dict[str, np.ndarray], coarse: dict[str, np.ndarray],
    state: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray],
) -> Trajectory:  # fmt: skip
    """The record: contours, and the beginning and the end of training."""
    solved, error, stable, unmoved = state
    null = float(problem.null_power)

    def combined(p: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        data, noisy = p["data"] + null * p["noise"], noise * (1.0 + p["noise"])
        variance = data + p["features"] + p["initial"]
        return {
            "test": p["bias"] + variance + noisy, "bias": p["bias"], "variance": variance, "data_variance": data,
            "train": p["train"] + (null + noise) * p["train_noise"] + p["initial_train"],
            "features_variance": p["features"], "initial_variance": p["initial"], "noise": noisy,
            "norm": p["norm"] + (null + noise) * p["norm_noise"] + p["initial_norm"],
            "amplification": 1.0 + p["noise"], "df1": p["df1"],
        }  # fmt: skip

    found, rough = combined(fine), combined(coarse)
    if unmoved.any():
        start = combined({name: np.asarray(value) for name, value in _start(problem, sizes, initial).items()})
        for name in found:
            found[name][unmoved] = rough[name][unmoved] = start[name]
    ended = np.isposinf(clock) & stable
    if training.kind == "distillation" and training.ridge == 0.0:
        ended = clock > 0
    if ended.any():
        end = _end(problem, sizes, training, noise, initial)
        for name in found:
            found[name][ended] = rough[name][ended] = end[name]
        solved[ended] = end["converged"]
    scale = np.maximum(np.abs(found["test"]), 1e-300)
    with np.errstate(invalid="ignore"):  # both are inf where the end of training diverges
        change = np.maximum(np.abs(found["test"] - rough["test"]), np.abs(found["train"] - rough["train"])) / scale
    residual = np.maximum(np.nan_to_num(change, posinf=0.0), error)
    found["train"] = np.maximum(found["train"], 0.0)
    for name, values in found.items():
        values[~stable] = 1.0 if name == "df1" else np.inf
    converged = solved & (error < SCALAR_TOLERANCE) & (residual < RISK_TOLERANCE) & ~np.isnan(found["test"])
    return Trajectory(**found, residual=residual, converged=converged | ~stable, stable=stable)


def _start(problem: AugmentedProblem, sizes: tuple[Any, Any], initial: np.ndarray) -> dict[str, float]:
    """Parts of the untrained learner."""
    null = float(problem.null_power)
    rest = {name: np.asarray(part) for name, part in _untrained(problem).items()}
    if initial.ndim:
        reached, size = np.asarray(problem.operators.basis) @ initial, float(initial.sum())
    else:
        weights = sizes[1] if np.isfinite(sizes[1]) else rest["dimension"]
        reached, size = float(initial) * rest["sizes"], float(initial) * float(weights) if initial else 0.0
    return dict.fromkeys(PARTS, 0.0) | {
        "bias": float(rest["bias"]) + null, "train": float(rest["train"]), "train_noise": float(rest["train_noise"]),
        "initial": float(reached @ np.asarray(problem.target.test)), "initial_train": float(reached @ rest["strength"]),
        "initial_norm": size,
    }  # fmt: skip


def _end(
    problem: AugmentedProblem, sizes: tuple[Any, Any], training: Filter, noise: float, initial: np.ndarray
) -> dict[str, Any]:
    """The ridge solution, and what the initial weights leave in directions that training does not reach."""
    end = jax.tree.map(float, _ridge_end(problem, *sizes, training.ridge, noise))
    values = {name: getattr(end, name) for name in vars(end) if name != "residual"}
    left = {"initial_variance": 0.0, "initial_norm": 0.0}
    if training.ridge == 0.0 and initial.any():
        left = {name: float(value) for name, value in _frozen(problem, *sizes, jnp.asarray(initial)).items()}
    frozen = left["initial_variance"]
    return {**values, "initial_variance": frozen, "test": values["test"] + frozen, "variance": values["variance"] + frozen,
            "norm": values["norm"] + left["initial_norm"]}  # fmt: skip


def _blocks(problem: AugmentedProblem, n: Any) -> Blocks:
    return Blocks(problem.blocks.mass, problem.blocks.weight / n, problem.blocks.covariance)


@jax.jit
def _edge(problem: AugmentedProblem, n: Any, features: Any) -> Any:
    return upper_edge(problem.operators, _blocks(problem, n), features)


@jax.jit
def _follow(problem: AugmentedProblem, n: Any, features: Any, ridges: Any) -> BlockEquilibrium:
    blocks = _blocks(problem, n)
    return path_equilibria(problem.operators, blocks, features, approach(problem.operators, blocks, ridges[0]), ridges)


@jax.jit
def _kernels(problem: AugmentedProblem, n: Any, features: Any, nodes: BlockEquilibrium) -> NodeKernels:
    return node_kernels(problem.operators, _blocks(problem, n), problem.target, features, nodes)


@jax.jit
def _initial_kernels(problem: AugmentedProblem, n: Any, features: Any, nodes: BlockEquilibrium, variances: Any) -> NodeKernels:
    target = WeightTarget(variances, jnp.zeros_like(problem.target.label), problem.target.test)
    return node_kernels(problem.operators, _blocks(problem, n), target, features, nodes)


@jax.jit
def _untrained(problem: AugmentedProblem) -> dict[str, Any]:
    """Errors of weights 0, and the traces that initial weights are seen through."""
    sizes = problem.operators.size()
    rest = problem.target.untrained(problem.operators)
    others = jax.tree.map(lambda leaf: leaf[None], rest)
    fits = problem.target.mean_fit_row(problem.operators, problem.blocks, rest, others)
    mass = problem.blocks.mass
    return {"bias": fits.bias[0].real, "train": jnp.einsum("g,gkk->", mass, fits.residuals[0].real),
            "train_noise": jnp.einsum("g,gk,gk->", mass, problem.target.label, problem.target.label),
            "sizes": sizes, "strength": problem.blocks.strength(problem.blocks.reduction(jnp.zeros_like(sizes))),
            "dimension": jnp.asarray(_dimension(problem.operators))}  # fmt: skip


@jax.jit
def _ridge_end(problem: AugmentedProblem, n: Any, features: Any, ridge: Any, noise: Any) -> Any:
    return augmented_risk(problem, n, features, ridge * n, noise)


@jax.jit
def _frozen(problem: AugmentedProblem, n: Any, features: Any, variances: Any) -> dict[str, Any]:
    """Initial weights on the null space of the training second moment: lambda (S + lambda)^-1 as lambda -> 0."""
    operators, blocks = problem.operators, _blocks(problem, n)
    at = block_equilibrium(operators, blocks, features, jnp.zeros(()))
    if variances.ndim:
        target = WeightTarget(variances, jnp.zeros_like(problem.target.label), problem.target.test)
        nodes = jax.tree.map(lambda leaf: leaf[None].astype(complex) if leaf.dtype != bool else leaf[None], at)
        kernels = node_kernels(operators, blocks, target, features, nodes)
        kernels = jax.tree.map(lambda leaf: leaf[0, 0].real, kernels)
        return {"initial_variance": kernels.bias + kernels.spread[0], "initial_norm": kernels.norm[0]}
    weights = jnp.where(jnp.isfinite(features), features, _dimension(operators))
    return {"initial_variance": variances * at.ridge * (at.traces @ problem.target.test),
            "initial_norm": variances * (weights - at.df1)}  # fmt: skip


def _dimension(operators: Any) -> Any:
    """Number of weights of kernel regression."""
    if isinstance(operators, DiagonalOperators):
        return jnp.sum(operators.multiplicity)
    return operators.basis.shape[-1]


def _padded(values: np.ndarray) -> np.ndarray:
    """Padded to one of `SIZES` by its last entry."""
    count = values.shape[0]
    size = next(each for each in SIZES if each >= count)
    return np.concatenate([values, np.repeat(values[-1:], size - count, axis=0)])
