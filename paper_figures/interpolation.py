"""What the figures on the cost of overfitting share: pure-noise tasks, and simulated dots beside exact values."""

__all__ = ["AGNOSTIC", "coefficient", "cost_dots", "paired_ratio", "pure_noise", "risk_dots", "worst"]

from collections.abc import Mapping, Sequence
from typing import Any

import jax
import numpy as np

import rfgen as rg
from paper_figures.runs import group_risks, simulate
from rfgen.theory import overfitting_coefficient

AGNOSTIC = "After Zhou, Simon, Vardi, Srebro (arXiv 2306.13185), a theoretical paper; figure and parameters ours."


def pure_noise(spectrum: rg.Spectrum) -> rg.Task:
    """Nothing to learn, label noise of variance 1: the ridgeless risk is the overfitting coefficient."""
    return rg.Task(spectrum, np.zeros(spectrum.eigenvalues.size), 1.0)


def coefficient(spectrum: rg.Spectrum, n: Any) -> np.ndarray:
    """The overfitting coefficient E0 at sizes `n`, a number or (sizes,): of a task of `predict` all else is left out."""
    with jax.enable_x64(True):
        return np.asarray(_coefficient(pure_noise(spectrum).modes, np.ravel(n).astype(float))).reshape(np.shape(n))


@jax.jit
def _coefficient(modes: Any, n: Any) -> Any:
    return jax.vmap(overfitting_coefficient, in_axes=(None, 0))(modes, n)


def risk_dots(task: rg.Task, sizes: Sequence[int], trials: int, seed: int, name: str = "dot") -> dict[str, np.ndarray]:
    """Simulated test risk at ridge 0: `dot_n`, `dot`, `dot_se`, and `dot_z`, its distance from theory (sizes,)."""
    learner = rg.Learner(rg.Ridge(0.0))
    runs = simulate(task, learner, n=list(sizes), trials=trials, seed=seed)
    exact = rg.predict(task, learner, n=list(sizes))
    z = (runs.test - exact.test) / runs.test_se
    return {
        f"{name}_n": np.array(sizes, float), name: runs.test.values, f"{name}_se": runs.test_se.values,
        f"{name}_z": z.values,
    }


def paired_ratio(over: np.ndarray, under: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Ratio of two means over draws (draws, ...), the same of both, and its standard error, which knows the pairing.

    >>> drawn = np.array([1.0, 2.0, 3.0])
    >>> [float(one) for one in paired_ratio(3.0 * drawn, drawn)]
    [3.0, 0.0]
    """
    value = over.mean(axis=0) / under.mean(axis=0)
    return value, (over - value * under).std(axis=0, ddof=1) / over.shape[0] ** 0.5 / under.mean(axis=0)


def cost_dots(task: rg.Task, sizes: Sequence[int], trials: int, seed: int, name: str = "dot") -> dict[str, np.ndarray]:
    """Simulated risk at ridge 0 over that at the ridge best in theory, both of the same draws, as `risk_dots`."""
    exact = rg.overfitting_cost(task, n=list(sizes))
    best = np.minimum(exact.best_ridge.values, 1e12)
    test = group_risks(task, rg.Learner(rg.Ridge([0.0, *best])), n=list(sizes), trials=trials, seed=seed)
    place = np.arange(len(sizes))
    values, errors = paired_ratio(test[:, place, 0], test[:, place, place + 1])
    z = (values - exact.cost.values) / np.where(errors > 0, errors, 1.0)
    return {f"{name}_n": np.array(sizes, float), name: values, f"{name}_se": errors, f"{name}_z": z}


def worst(panels: Mapping[str, Mapping[str, Any]]) -> float:
    """The largest distance of a dot from theory, in standard errors."""
    scores = [values for panel in panels.values() for key, values in panel.items() if key.endswith("_z")]
    return max(float(np.abs(values).max()) for values in scores)
