"""Classifiers trained on n of the real rows, and tried on the others."""

__all__ = ["feature_runs"]

from functools import partial
from typing import Any

import jax
import numpy as np

from rfgen.numerics.compilation.precision import double_precision
from rfgen.problems.augmentations.base import AbstractAugmentation
from rfgen.problems.trainings.classifier import rule_of
from rfgen.simulation.arrays import Array, few_threads, namespace, normal_cdf, on_host, stacked
from rfgen.simulation.devices import in_turn, keys_of
from rfgen.simulation.fits.margins.margin_fit import loss_values, margin_fit, prepared
from rfgen.simulation.fits.margins.smoothed_fit import smoothed_fit
from rfgen.simulation.random_numbers import fold_in, host_key, normals, permutation
from rfgen.simulation.runs.ensemble import ALONE, Members, bag, with_views
from rfgen.simulation.sampling.views import VIEWS, one_view_each
from rfgen.systems.labelled_features.problem import LabelledFeatures

# Features and bags are drawn with a key of their own.
MODELS = 0x6D6F64


@double_precision
def feature_runs(
    task: LabelledFeatures, training: Any, n: int, trials: int, seed: int = 0, start: int = 0,
    augmentation: AbstractAugmentation | None = None, features: int | None = None, members: Members = ALONE,
) -> dict[str, np.ndarray]:
    """Arrays (trials, *ridges): `error` on the rows not trained on, `train_error`, `train_loss`, `norm`, `intercept`.

    `augmentation`, at single strengths: train on the mean loss of views, which training measures are of.  `features` k: of
    the rows times a matrix of normals over the root of k.  `members`: the mean of so many models, each with features and
    resampled rows of its own; all but the error means over them.
    """
    name, factor = rule_of(training)
    ridges = np.ravel(training.ridge) * factor
    given = (task.features, task.labels, ridges)
    stated = {"n": n, "name": name, "intercept": training.intercept, "augmentation": augmentation}
    stated |= {"width": features, "members": members}
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


def _trial(
    key: Any, features: Array, labels: Array, ridges: Array, n: int, name: str, intercept: bool,
    augmentation: AbstractAugmentation | None, width: int | None, members: Members,
) -> dict[str, Array]:
    order, models = permutation(key, labels.shape[0]), fold_in(key, MODELS)
    xp = namespace(order)
    rows, answers = xp.asarray(features)[order], xp.asarray(labels)[order]
    views = 1.0 if augmentation is None else float(augmentation.views)
    copies = 1 if np.isinf(views) else int(views)
    own = np.repeat(np.arange(n), copies)
    every = rows[own]
    if augmentation is not None and np.isfinite(views):
        every = xp.asarray(one_view_each(augmentation, fold_in(key, VIEWS), every, every).input)

    def member(number: Any) -> dict[str, Array]:
        """One model: its weights on inputs, and what is measured of itself."""
        own_key = fold_in(models, int(number) if isinstance(number, np.integer) else number)
        seen, told = every, answers[own]
        if members.resampling is not None:
            drawn = with_views(bag(own_key, n, members.resampling), copies)
            seen, told = seen[drawn], told[drawn]
        weights = xp.ones_like(told) / copies
        mixing = None if width is None else normals(own_key, (rows.shape[1], width)) / width**0.5
        design = seen if mixing is None else seen @ mixing
        shared = None if np.isinf(views) else prepared(design, weights, name, intercept)

        def setting(ridge: Array) -> dict[str, Array]:
            fit: Any
            if np.isinf(views):
                law: Any = augmentation.mode_law(seen.shape[1])  # type: ignore[union-attr]
                gain, slope, level = (float(part[0, 0]) for part in (law.gain, law.slope, law.level))
                shape = np.ones(seen.shape[1]) if law.shape is None else law.shape
                private = slope * seen * seen, xp.asarray(level * shape)
                fit = smoothed_fit(gain * design, told, weights, private, mixing, name, ridge, intercept)
                wrong, loss = normal_cdf(-fit.margins / fit.deviations), fit.losses
            else:
                fit = margin_fit(shared, told, weights, name, ridge, intercept)
                wrong, loss = (fit.margins < 0.0).astype(rows.dtype), loss_values(name, fit.margins)
            return {
                "weights": fit.weights if mixing is None else mixing @ fit.weights, "train_error": xp.mean(wrong),
                "train_loss": xp.mean(loss), "norm": xp.sum(fit.weights**2), "intercept": fit.intercept,
                "converged": fit.converged,
            }

        return stacked(setting, ridges)

    each = stacked(member, xp.arange(members.count))
    found = {one: xp.mean(values, axis=0) for one, values in each.items() if one != "converged"}
    margins = answers[n:] * (found.pop("weights") @ rows[n:].T + found["intercept"][:, None])
    found["error"] = xp.mean((margins < 0.0).astype(rows.dtype), axis=1)
    return {one: xp.where(xp.all(each["converged"], axis=0), value, xp.nan) for one, value in found.items()}


_compiled = jax.jit(
    partial(in_turn, _trial), static_argnames=("n", "name", "intercept", "augmentation", "width", "members")
)
