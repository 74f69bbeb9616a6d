"""Exact risk along training on rows of several domains, for any number of test populations.

A spectral training is a sum over nodes of a contour, so all that is measured are quadratic forms over the error kernel of
all pairs of nodes, of which the test populations need one.  Equations: theory (15.6).
"""

__all__ = ["domain_flow"]

from dataclasses import replace
from typing import Any

import jax
import numpy as np

from rfgen.equivalents.augmented.blocks import Blocks
from rfgen.equivalents.domain_target import DomainTarget
from rfgen.equivalents.node_kernels import quadratic_form
from rfgen.equivalents.targets import NoiseTarget
from rfgen.numerics.compilation.precision import require_double_precision
from rfgen.numerics.compilation.program import program
from rfgen.theory.domains.problem import DomainProblem
from rfgen.theory.domains.risk import DomainRisk, domain_risk
from rfgen.theory.dynamics.assembled import RISK_FLOOR, RISK_TOLERANCE, SCALAR_TOLERANCE
from rfgen.theory.dynamics.on_contours import on_contours
from rfgen.theory.dynamics.spectral_filters import Filter, Window
from rfgen.theory.dynamics.trajectory import kernels_at, kernels_of, largest_eigenvalue
from rfgen.theory.ridge.block_risk import AugmentedProblem

Parts = dict[str, np.ndarray]
# What is computed on contours; the rest follows.
PARTS = ("bias", "data_variance", "features_variance", "noise_by_domain", "train", "norm", "df1")


def domain_flow(
    problem: DomainProblem, n: Any, weight: Any, features: Any, training: Filter, clock: Any, shared: str = "all",
    samples: float | None = None,
) -> dict[str, np.ndarray]:
    """The fields of a `DomainRisk`, with a first axis of `clock` (times,), along a training from weights 0.

    The objective is  (sum_d omega_d |y_d - X_d w|^2 + ridge |w|^2) / (2 N), N all rows, or `samples`; times >= 0 or
    steps, inf the end.
    Without `amplification`.  Not traceable.  Beyond the edge of stability inf.

    Source: derived: theory (15.6).
    """
    require_double_precision("rfgen.theory.domain_flow")
    n, weight, clock = (np.asarray(value, np.float64) for value in (n, weight, clock))
    total = float(n.sum()) if samples is None else float(samples)
    engine = AugmentedProblem(
        problem.operators, Blocks(n * weight / total, weight, np.asarray(problem.covariance)[:, None, None]),
        DomainTarget(problem.teachers, np.sqrt(np.asarray(problem.noise))[:, None], problem.test.T, problem.test_teachers,
                     problem.misfit),
        np.zeros(()),
    )
    sizes = (np.float64(total), np.asarray(features, np.float64))
    start = jax.tree.map(np.asarray, vars(_ridge(problem, n, weight, features, np.inf, shared=shared)))
    shapes = {name: start[name].shape for name in PARTS}
    run = on_contours(
        training, clock, _trace(problem, n * weight / total), lambda: largest_eigenvalue(engine, *sizes),
        lambda window: _window(engine, sizes, training, window, shared), shapes,
    )
    found, rough, solved, error = run.parts, run.rough, run.solved, run.error
    last = start
    if run.ended.any():
        last = jax.tree.map(np.asarray, vars(_ridge(problem, n, weight, features, training.ridge * total, shared=shared)))
        solved[run.ended] = last["converged"]
    for name in PARTS:
        for parts in (found, rough):
            parts[name][run.unmoved], parts[name][run.ended] = start[name], last[name]
    change = np.maximum(*(np.abs(_risk(found)[name] - _risk(rough)[name]).max(axis=1) for name in ("test", "train")))
    risks = _risk(found) | {"irreducible": np.broadcast_to(np.asarray(problem.test_noise), found["bias"].shape)}
    risks["noise"] = found["noise_by_domain"].sum(axis=-1) + risks["irreducible"]
    risks["test"] = risks["test"] + risks["irreducible"]
    with np.errstate(invalid="ignore"):
        change = np.nan_to_num(change, posinf=0.0)
        residual = np.maximum(change / risks["test"].min(axis=1).clip(1e-300), error)
    exact = (error < SCALAR_TOLERANCE) & ((residual < RISK_TOLERANCE) | (change < RISK_TOLERANCE * RISK_FLOOR))
    converged = solved & exact
    moved = (clock > 0) & (not run.stable)
    for name, values in risks.items():
        risks[name] = np.where(moved.reshape(-1, *[1] * (values.ndim - 1)), np.inf, values)
    return risks | {"residual": residual, "converged": converged | moved}


def _risk(parts: Parts) -> Parts:
    """All of a risk but the noise of the test labels."""
    least = {name: np.maximum(parts[name], 0.0) for name in ("bias", "data_variance", "features_variance", "train", "norm")}
    variance = least["data_variance"] + least["features_variance"]
    noise = parts["noise_by_domain"].sum(axis=-1)
    return {**parts, **least, "variance": variance, "test": least["bias"] + variance + noise}


def _trace(problem: DomainProblem, mass: np.ndarray) -> float:
    """Trace of the training second moment in the mean."""
    return float(mass @ (np.asarray(problem.covariance) @ np.asarray(_sizes(problem))))


@program
def _sizes(problem: DomainProblem) -> Any:
    return problem.operators.size()


@program(static_argnames="shared")
def _ridge(problem: DomainProblem, n: Any, weight: Any, features: Any, ridge: Any, shared: str) -> DomainRisk:
    found = domain_risk(problem, n, weight, features, ridge, shared)
    return DomainRisk(**{**vars(found), "noise": found.noise - found.irreducible})


def _window(
    engine: AugmentedProblem, sizes: tuple[Any, Any], training: Filter, window: Window, shared: str
) -> tuple[Parts, bool]:
    """All parts at a window's clocks, and whether all nodes were solved."""
    shift = 0.0 if training.kind == "distillation" else training.ridge
    nodes, kernels = kernels_at(engine, *sizes, window.ways(shift - window.zeta), shared, by_group=True)
    pad = nodes.ridge.shape[0] - window.zeta.size
    f = np.pad(window.filters, ((0, 0), (0, pad)))
    mass = np.asarray(engine.blocks.mass)
    alive = np.where(mass > 0.0, mass, 1.0)[:, None]
    spread = quadratic_form(f, kernels.spread)  # (times, sources, tests)
    noise = [np.zeros_like(spread[:, 1])] * mass.size
    for own in np.flatnonzero(np.asarray(engine.target.label)[:, 0] * mass):  # the noise of each domain alone
        probe = NoiseTarget(np.eye(mass.size)[own][:, None] * engine.target.label, engine.target.test)
        alone = kernels_of(replace(engine, target=probe), *sizes, nodes, shared, by_group=True)
        noise[own] = quadratic_form(f, alone.spread[..., 1, :])
    return {
        "bias": quadratic_form(f, kernels.bias), "data_variance": spread[:, 0], "noise_by_domain": np.stack(noise, -1),
        "features_variance": spread[:, 2], "train": (quadratic_form(f, kernels.train) / alive).sum(axis=-1),
        "norm": quadratic_form(f, kernels.norm).sum(axis=-1), "df1": 2.0 * np.real(f @ np.asarray(nodes.df1)),
    }, bool(np.asarray(nodes.converged).all())
