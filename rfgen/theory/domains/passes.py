"""Exact risk of many passes of SGD over rows of several domains: each domain has a loss of its own.

Equations: theory (17.8), of the problem of theory (15.6).
"""

__all__ = ["domain_passes"]

from typing import Any

import numpy as np

from rfgen.equivalents.augmented.blocks import Blocks
from rfgen.equivalents.domain_target import DomainTarget
from rfgen.numerics.compilation.precision import require_double_precision
from rfgen.theory.domains.problem import DomainProblem
from rfgen.theory.ridge.block_risk import AugmentedProblem
from rfgen.theory.sgd.many_passes.group_losses import group_losses
from rfgen.theory.sgd.many_passes.multi_pass import TOLERANCE
from rfgen.theory.sgd.streaming.second_moments import Iteration


def domain_passes(
    problem: DomainProblem, n: Any, weight: Any, features: Any, iteration: Iteration, clock: Any, shared: str = "all"
) -> dict[str, np.ndarray]:
    """The fields of `domain_flow`, along batches drawn from all rows alike, from weights 0.

    A row of domain d in a batch moves by its weight times its gradient: the mean is descent on
    (sum_d omega_d |y_d - X_d w|^2 + ridge |w|^2) / (2 N).  What batches add is `data_variance` and `noise`.  Not traceable.
    Settings that diverge give the numbers, up to inf.

    Source: derived: theory (17.8).
    """
    require_double_precision("rfgen.theory.domain_passes")
    n, weight = (np.asarray(value, np.float64) for value in (n, weight))
    total = float(n.sum())
    times, place = np.unique(np.asarray(clock, np.int64), return_inverse=True)
    mass = n * weight / total
    # `group_losses` takes weights times n
    engine = AugmentedProblem(
        problem.operators, Blocks(mass, np.where(mass > 0.0, weight, 1.0), np.asarray(problem.covariance)[:, None, None]),
        DomainTarget(problem.teachers, np.sqrt(np.asarray(problem.noise))[:, None], problem.test.T, problem.test_teachers,
                     problem.misfit),
        np.zeros(()),
    )
    coupling = np.diag(np.where(mass > 0.0, total / np.where(n > 0.0, n, 1.0), 0.0))
    with np.errstate(over="ignore", invalid="ignore"):
        run = group_losses(engine, total, float(features), iteration, times, coupling, 0.0, shared, apart=True)
        if run is None:
            raise ValueError(
                "steps have no contour of affordable size here: take fewer steps, less momentum or a smaller rate"
            )
        spread = run.spread
        live = np.where(mass > 0.0, mass, 1.0)
        found = {
            "bias": np.maximum(run.bias, 0.0), "data_variance": np.maximum(spread[:, 0] + run.test[:, 0], 0.0),
            "features_variance": np.maximum(spread[:, 2], 0.0),
            "train": np.maximum((run.train.sum(axis=2) + run.loss.sum(axis=2)) / live, 0.0),
            "norm": np.maximum(run.norm.sum(axis=1) + run.length.sum(axis=1), 0.0), "df1": run.df1,
            "irreducible": np.broadcast_to(np.asarray(problem.test_noise), run.bias.shape),
        }
        found["noise_by_domain"] = np.moveaxis(run.apart + run.test[:, 1:], 1, 2)
        found["noise"] = found["noise_by_domain"].sum(axis=-1) + found["irreducible"]
        found["variance"] = found["data_variance"] + found["features_variance"]
        found["test"] = found["bias"] + found["variance"] + found["noise"]
    found = {name: np.where(np.isfinite(values), values, np.inf) for name, values in found.items()}
    outgrown = ~np.isfinite(found["test"]).all(axis=1)
    error = np.where(outgrown, 0.0, np.where(np.isnan(run.error), np.inf, run.error))
    found |= {"residual": error, "converged": run.solved & (error < TOLERANCE),
              "growth": np.full(times.size, run.growth), "stability_mass": np.full(times.size, run.mass)}
    return {name: values[place] for name, values in found.items()}
