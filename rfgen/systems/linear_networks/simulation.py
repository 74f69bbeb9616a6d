"""Measured curves of linear networks: the Monte-Carlo twins of `isotropic_flow` and `balanced_flow` beside it.

`isotropic_flow` in the terms of arXiv 1710.03667: inputs of variance 1/N, weights of the teacher of variance 1, label noise
1/snr, initial weights of variance initial_to_noise/snr, `tau dw/dt = (y - wX)X'`. One eigendecomposition of XX' a trial
gives every time exactly.
"""

__all__ = ["FlowRuns", "balanced_trials", "isotropic_flow"]

from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from rfgen.numerics.compilation.precision import double_precision
from rfgen.problems import validation
from rfgen.problems.task import Task
from rfgen.simulation.random_numbers import fold_in, host_key, normals, split
from rfgen.simulation.sampling.samplers import GaussianSampler, sampler


@dataclass(frozen=True)
class FlowRuns:
    """`test` error with label noise, `train` error and mean squared weight `norm`, each (trials, times), in units of the
    teacher's weight variance; `spectrum` (trials, inputs): eigenvalues of XX', ascending.
    """

    test: Float[np.ndarray, "trials times"]
    train: Float[np.ndarray, "trials times"]
    norm: Float[np.ndarray, "trials times"]
    spectrum: Float[np.ndarray, "trials inputs"]


@double_precision
def isotropic_flow(
    inputs: Any, samples: Any, snr: Any, times: Any, initial_to_noise: Any = 0.0, trials: Any = 20, seed: Any = 0
) -> FlowRuns:
    """Train `trials` networks of `inputs` weights on `samples` = alpha * inputs samples, and measure at `times` = t/tau.

    Test error is the expectation over inputs and label noise, given the trained weights.  A trial depends on `seed` and
    its number alone.

    >>> runs = isotropic_flow(inputs=100, samples=50, snr=5.0, times=[0.0, 3.0], trials=4)
    >>> runs.test.shape, runs.spectrum.shape
    ((4, 2), (4, 100))
    """
    inputs, samples, trials = (
        validation.integer(name, value, 1) for name, value in (("inputs", inputs), ("samples", samples), ("trials", trials))
    )
    seed = validation.integer("seed", seed, 0)
    noise = 1.0 / validation.positive("snr", snr, 0)
    initial = validation.non_negative("initial_to_noise", initial_to_noise, 0) * noise
    times = validation.non_negative("times", times, 1)
    key = jax.random.key(seed, impl="threefry2x32")
    keys = jax.vmap(lambda trial: jax.random.fold_in(key, trial))(jnp.arange(trials, dtype=jnp.uint32))
    measured = _runs(keys, inputs, samples, jnp.asarray(noise), jnp.asarray(initial), jnp.asarray(times))
    return FlowRuns(**{name: np.asarray(values) for name, values in measured.items()})


@partial(jax.jit, static_argnames=("inputs", "samples"))
def _runs(keys: Array, inputs: int, samples: int, noise: Array, initial: Array, times: Array) -> dict[str, Array]:
    def trial(key: Array) -> dict[str, Array]:
        # one draw for all: the compilation of a second takes longer than the trials
        sizes = (inputs * samples, samples, inputs, inputs)
        drawn = jax.random.normal(key, (sum(sizes),), jnp.float64)
        cuts = [sum(sizes[:i]) for i in range(1, len(sizes))]
        x, errors, teacher, start = jnp.split(drawn, cuts)
        x, errors = x.reshape(inputs, samples) / inputs**0.5, jnp.sqrt(noise) * errors
        spectrum, modes = jnp.linalg.eigh(x @ x.T)
        # what rounding makes of the zeros
        spectrum = jnp.where(spectrum > 1e-12 * spectrum[-1], spectrum, 0.0)
        rate = spectrum[:, None]
        gap = (teacher - jnp.sqrt(initial) * start) @ modes
        frozen = rate == 0.0
        uptake = jnp.where(frozen, 0.0, -jnp.expm1(-rate * times) / jnp.where(frozen, 1.0, rate))
        error = gap[:, None] * jnp.exp(-rate * times) - uptake * ((x @ errors) @ modes)[:, None]
        error = modes @ error  # teacher minus weights, (inputs, times)
        residual = x.T @ error + errors[:, None]
        return {
            "test": jnp.mean(error * error, axis=0) + noise,
            "train": jnp.mean(residual * residual, axis=0),
            "norm": jnp.mean(jnp.square(teacher[:, None] - error), axis=0),
            "spectrum": spectrum,
        }

    return jax.lax.map(trial, keys)


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
