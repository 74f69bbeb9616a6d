"""The curve of a training from its parts, on contours of more and of fewer nodes, and from the ends of training."""

__all__ = ["Trajectory", "assembled"]

from dataclasses import dataclass
from typing import Any

import numpy as np

from rfgen.theory.dynamics.ends import beginning, end
from rfgen.theory.dynamics.spectral_filters import Filter
from rfgen.theory.ridge.block_risk import AugmentedProblem

# Errors beyond which a point has failed: of the nodes' scalar test, and of the risk against fewer nodes.
SCALAR_TOLERANCE, RISK_TOLERANCE = 1e-8, 1e-5
# An error below the tolerance of this share of the untrained risk is rounding.
RISK_FLOOR = 1e-4
# A training error of which rounding may be this share is known to no digit that counts.
TRAIN_TOLERANCE = 1e-3


@dataclass(frozen=True)
class Trajectory:
    """Curves along one clock, each (times,); risks in units of the target squared.

    `test = bias + variance + noise`; `variance = data_variance + features_variance + initial_variance` (from the initial
    weights); `train`: the training loss without the ridge penalty; `norm`: mean squared weights; `amplification`: factor on
    the label noise; `df1`: degrees of freedom, the trace of the fit; `residual`: change from a contour of fewer nodes, and
    rounding, relative to the risk; `converged`; `rounded`: whether rounding is all that a point lacks; `train_rounded`:
    whether `train` is rounding, or 0 for what came below; `stable`: whether
    the rate is below the edge of stability; `served`: whether a contour of affordable size exists (with momentum near 1, or
    its schedule, not for thousands of steps).
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
    served: np.ndarray
    rounded: np.ndarray
    train_rounded: np.ndarray


def assembled(
    problem: AugmentedProblem, sizes: tuple[Any, Any], training: Filter, noise: Any,
    initial: np.ndarray, fine: dict[str, np.ndarray], coarse: dict[str, np.ndarray],
    state: tuple[np.ndarray, ...], shared: str,
) -> Trajectory:
    """The record: contours, and the beginning and the end of training."""
    solved, error, stable, unmoved, ended, served = state
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
        }

    found, rough = combined(fine), combined(coarse)
    start = combined({name: np.array([value]) for name, value in beginning(problem, sizes, initial).items()})
    for name in found:
        found[name][unmoved] = rough[name][unmoved] = start[name]
    if ended.any():
        last = end(problem, sizes, training, noise, initial, shared)
        for name in found:
            found[name][ended] = rough[name][ended] = last[name]
        solved[ended] = last["converged"]
    untrained = float(start["test"][0])
    with np.errstate(invalid="ignore", divide="ignore"):  # both are inf where the end of training diverges
        change = np.maximum(np.abs(found["test"] - rough["test"]), np.abs(found["train"] - rough["train"]))
        change = np.nan_to_num(change + np.where(ended | unmoved, 0.0, fine["rounding"]), posinf=0.0)
        residual = np.where(change == 0.0, 0.0, change / np.maximum(found["test"], 0.0))
    residual = np.maximum(residual, error)
    inner = stable & served & ~(ended | unmoved)
    if shared == "all":
        for name in ("bias", "data_variance", "features_variance", "initial_variance"):  # rounding may be below 0
            found[name][inner] = np.maximum(found[name][inner], 0.0)
        found["variance"] = found["data_variance"] + found["features_variance"] + found["initial_variance"]
        found["test"] = found["bias"] + found["variance"] + found["noise"]
    train_rounded = inner & (fine["train_rounding"] > TRAIN_TOLERANCE * found["train"])
    found["train"], found["norm"] = np.maximum(found["train"], 0.0), np.maximum(found["norm"], 0.0)
    for name, values in found.items():
        values[~stable] = 1.0 if name == "df1" else np.inf
    converged = solved & (error < SCALAR_TOLERANCE) & (residual < RISK_TOLERANCE) & ~np.isnan(found["test"])
    small = inner & solved & (error < SCALAR_TOLERANCE) & (change < RISK_TOLERANCE * RISK_FLOOR * untrained)
    return Trajectory(
        **found, residual=residual, converged=converged | ~stable, stable=stable, served=served, rounded=small & ~converged,
        train_rounded=train_rounded & converged,
    )
