"""Classifiers trained on n of the real rows, and tried on the others."""

__all__ = ["feature_runs"]

from functools import partial
from typing import Any

import jax
import numpy as np

from rfgen.numerics.compilation.precision import double_precision
from rfgen.problems.trainings.classifier import rule_of
from rfgen.simulation.arrays import Array, few_threads, namespace, on_host, stacked
from rfgen.simulation.devices import in_turn, keys_of
from rfgen.simulation.fits.margin_fit import loss_values, margin_fit
from rfgen.simulation.random_numbers import fold_in, host_key, permutation
from rfgen.systems.labelled_features.problem import LabelledFeatures


@double_precision
def feature_runs(
    task: LabelledFeatures, training: Any, n: int, trials: int, seed: int = 0, start: int = 0
) -> dict[str, np.ndarray]:
    """Arrays (trials, *ridges): `error` on the rows not trained on, `train_error`, `train_loss`, `norm`, `intercept`."""
    name, factor = rule_of(training)
    ridges = np.ravel(training.ridge) * factor
    given = (task.features, task.labels, ridges)
    stated = {"n": n, "name": name, "intercept": training.intercept}
    if on_host():
        key = fold_in(host_key(seed), n)
        with np.errstate(all="ignore"), few_threads(0.1 * n * task.dim * min(n, task.dim)):
            found = [_trial(fold_in(key, number), *given, **stated) for number in range(start, start + trials)]
    else:
        key = fold_in(jax.random.key(seed, impl="threefry2x32"), n)
        found = [_compiled(keys_of(key, start, start + trials), *given, **stated)]
    shape = (trials, *np.shape(training.ridge))
    found = {each: np.reshape([np.asarray(one[each]) for one in found], shape) for each in found[0]}
    if name in ("square", "squared_hinge"):
        found["train_loss"] = 2.0 * found["train_loss"]
    return found


def _trial(key: Any, features: Array, labels: Array, ridges: Array, n: int, name: str, intercept: bool) -> dict[str, Array]:
    order = permutation(key, labels.shape[0])
    xp = namespace(order)
    rows, answers = xp.asarray(features)[order], xp.asarray(labels)[order]

    def setting(ridge: Array) -> dict[str, Array]:
        fit = margin_fit(rows[:n], answers[:n], xp.ones_like(answers[:n]), name, ridge, intercept)
        margins = answers[n:] * (rows[n:] @ fit.weights + fit.intercept)
        found = {
            "error": xp.mean((margins < 0.0).astype(rows.dtype)),
            "train_error": xp.mean((fit.margins < 0.0).astype(rows.dtype)),
            "train_loss": xp.mean(loss_values(name, fit.margins)), "norm": xp.sum(fit.weights**2),
            "intercept": fit.intercept,
        }
        return {each: xp.where(fit.converged, value, xp.nan) for each, value in found.items()}

    return stacked(setting, ridges)


_compiled = jax.jit(partial(in_turn, _trial), static_argnames=("n", "name", "intercept"))
