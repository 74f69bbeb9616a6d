"""Measured curves of deep linear networks from balanced weights: the Monte-Carlo twin of `balanced_flow` beside it."""

__all__ = ["balanced_trials"]

import numpy as np

from rfgen.problems.task import Task
from rfgen.simulation.random_numbers import fold_in, host_key, normals, split
from rfgen.simulation.sampling.samplers import GaussianSampler, sampler

# Relative error of a step, of the product of the layers.
TOLERANCE = 1e-6


def balanced_trials(
    task: Task, depth: int, times: np.ndarray, length: float, trials: int, seed: int, start: int, n: int
) -> dict[str, np.ndarray]:
    """`test` risk, exact given the weights, `train` error and squared `norm` of the trials from number `start` on, each
    (trials, times); a trial depends on `seed` and its number alone, and its samples are the same at every depth.

    >>> found = balanced_trials(Task.isotropic(20, noise=0.1), 2, np.array([0.0, 3.0]), 0.5, 3, 0, 0, 15)
    >>> found["test"].shape, found["norm"][:, 0].round(6).tolist()
    ((3, 2), [0.25, 0.25, 0.25])
    """
    source, key = sampler(task, "float64", "population"), host_key(seed)
    if not isinstance(source, GaussianSampler) or float(source.tail) > 0 or task.outputs > 1:
        raise ValueError(
            "task must have finitely many Gaussian modes and one output to simulate a DeepLinearFlow: use rg.Task, with "
            f"modes=..., got {task!r}"
        )
    noise, runs = float(np.sum(task.noise)), []
    for number in range(start, start + trials):
        samples, weights = split(fold_in(key, number))
        drawn = source.draw(samples, samples, n)
        labels = drawn.targets[:, 0] + np.sqrt(noise) * drawn.errors[:, 0]
        beta = np.asarray(normals(weights, (source.modes,)))
        flow = _flow(np.asarray(drawn.rows), labels, depth, times, beta * (length / np.linalg.norm(beta)))
        test = np.sum((flow * drawn.probe - drawn.truth) ** 2, axis=1) + float(drawn.floor[0]) + noise
        train = np.mean((labels - flow @ drawn.rows.T) ** 2, axis=1)
        runs.append([test, train, np.sum(flow**2, axis=1)])
    return dict(zip(("test", "train", "norm"), np.moveaxis(np.array(runs), 1, 0), strict=True))


def _flow(rows: np.ndarray, labels: np.ndarray, depth: int, times: np.ndarray, start: np.ndarray) -> np.ndarray:
    """The product of the layers at `times`, (times, modes)."""
    from scipy.integrate import solve_ivp

    n = len(rows)
    right = rows.T @ labels / n

    def rates(_: float, beta: np.ndarray) -> np.ndarray:
        length = np.linalg.norm(beta)
        gradient, unit = right - rows.T @ (rows @ beta) / n, beta / length
        return length ** (2.0 - 2.0 / depth) * (gradient + (depth - 1) * unit * (unit @ gradient))

    wanted = np.unique(np.append(times, 0.0))
    found = solve_ivp(rates, (0.0, wanted[-1]), start, "DOP853", wanted, rtol=TOLERANCE, atol=1e-3 * TOLERANCE)
    if not found.success:
        return np.full((times.size, start.size), np.nan)
    return found.y.T[np.searchsorted(wanted, times)]
