"""Linear classifiers trained on drawn rows, and measured.  The Monte-Carlo twin of `rfgen.theory.margin_classifier` and
`rfgen.theory.teacher_classifier`.
"""

__all__ = ["ClassifierRuns", "classifier_runs"]

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from rfgen.numerics.compilation.precision import double_precision
from rfgen.problems import validation
from rfgen.problems.trainings.classifier import RULES, rule_of
from rfgen.simulation.arrays import Array, few_threads, namespace, normal_cdf, on_host, stacked
from rfgen.simulation.devices import device_count, over_devices
from rfgen.simulation.fits.margins.margin_fit import MarginFit, loss_values
from rfgen.simulation.fits.margins.mixed_fit import mixed_fit
from rfgen.simulation.fits.margins.smoothed_fit import smoothed_fit
from rfgen.simulation.random_numbers import fold_in, host_key, normals, split
from rfgen.simulation.runs.classes.classifier_fits import fitted, mean_fits, ready
from rfgen.simulation.runs.classes.classifier_measures import (
    attacked_error,
    calibration,
    group_errors,
    group_laws,
    label_error,
    label_law,
    sign_error,
)
from rfgen.simulation.runs.classes.classifier_record import ClassifierRuns
from rfgen.simulation.runs.ensemble import ALONE, Members
from rfgen.simulation.sampling.labelled_rows import LabelledRows, TeacherRows, labelled_rows
from rfgen.simulation.sampling.labelled_views import (
    AllPairs,
    PatternedViews,
    SharedRows,
    ViewedRows,
    copies,
    seen_in_views,
)

# Numbers of training inputs held at a time where trials are batched, 128 MiB.
HELD = 2**24


@double_precision
def classifier_runs(
    problem: Any, training: Any, n: Any = None, features: Any = None, trials: Any = 100, seed: Any = 0, radius: Any = (),
    start: Any = 0, augmentation: Any = None, members: Members = ALONE,
) -> ClassifierRuns:
    """Train on `trials` training sets of `problem`, a `Mixture`, `ClassGroups` or `Teacher`, and measure.

    `training`: `Ridge`, `Logistic`, `Hinge`, `SquaredHinge`, `MaxMargin`, `Averaging`, `LDA` or
    `AdversarialTraining` (on features within l2).  `n` rows (None: as many as the counts of `ClassGroups` say).  `features`
    k: train on G'x / sqrt(k), G (dim, k) standard normal, drawn anew each trial.  `radius` >= 0 () or (radii,): of attacks
    to measure under, not for teachers.  Trials number `start` and on; a trial depends on `seed` and its number alone.
    `augmentation`, at single strengths and views: train on the mean loss of views, or all of them as rows, which training
    measures are of; under attack of views that keep their labels.  `members`: measure the mean score of so many models,
    each with features and resampled rows of its own; measures of training rows are then of that score.

    Hinge losses take ridges below 1e-6 (squared: 1e-9) of the longest row's square as that.  Logistic loss at ridge 0 of
    separable classes: the direction of the largest margin, with infinite norm.

    >>> from rfgen.problems.trainings.classifier import Hinge
    >>> from rfgen.problems.classes.mixture import Mixture
    >>> mixture = Mixture(mean=[1.5] + [0.0] * 39, covariance=[1.0] * 40, prior=0.4, flip=0.1)
    >>> runs = classifier_runs(mixture, Hinge([1.0, 10.0], intercept=True), n=100, trials=3, radius=[0.1, 0.2])
    >>> runs.error.shape, runs.group_error.shape, runs.l2_error.shape
    ((3, 2), (3, 2, 2), (3, 2, 2))
    """
    attack = training.attack
    if attack is None and type(training) not in RULES:
        raise ValueError(
            f"training must be one of {', '.join(rule.__name__ for rule in RULES)} to train a classifier, got {training!r}"
        )
    name, factor = rule_of(training)
    source: Any = labelled_rows(problem, n)
    trials, start = validation.integer("trials", trials, 1), validation.integer("start", start, 0)
    seed = validation.integer("seed", seed, 0)
    features = None if features is None else validation.integer("features", features, 1)
    radii = np.zeros(0) if np.size(radius) == 0 else validation.non_negative("radius", radius)
    if radii.size and isinstance(source, TeacherRows):
        raise ValueError(f"radius must be left out for a Teacher, whose classes are not attacked, got {radius!r}")
    rows, width = source.n, features or problem.dim
    if name in ("averaging", "discriminant") and np.ptp(getattr(source, "weights", 1.0)) > 0.0:
        raise ValueError(f"weights must be equal for {type(training).__name__}, which has no loss to weight")
    if name == "discriminant" and rows - 2 < width:
        raise ValueError(f"n must be at least {width + 2}, 2 more than dimensions or features, for LDA, got {rows}")
    if attack == "linf" and features:
        raise ValueError(f"features must be None under attacks of bounded coordinates, got {training!r}")
    # settings of the training: ridges, or ridges and radii trained for
    ridges, *trained = np.meshgrid(*(training.axes.values() or [np.ones(())]), indexing="ij")
    zero, settings = name == "logistic" and bool((ridges == 0.0).any()), ridges.shape
    columns = np.ravel(ridges) * factor, np.ravel(trained[0]) if trained else np.zeros(ridges.size)
    if augmentation is not None:
        source, rows = seen_in_views(source, augmentation), rows * copies(augmentation, problem.dim)
    given = (source, columns, np.atleast_1d(radii), name, bool(training.intercept), features, zero, attack, members)
    if on_host():
        key = host_key(seed)
        # overflow is dealt with; between large products threads spin: at n=1200, dim=400 for 17 s instead of 2
        with np.errstate(all="ignore"), few_threads(0.1 * rows * width * min(rows, width)):
            found = [_trial(fold_in(key, number), *given) for number in range(start, start + trials)]
        arrays = {each: np.stack([one[each] for one in found]) for each in found[0]}
    else:
        held = rows * (problem.dim + width) + (problem.dim * width if features else 0) + min(rows, width) ** 2
        together = max(1, min(trials, device_count() * (HELD // held)))
        key = jax.random.key(seed, impl="threefry2x32")
        # blocks of one size, so that one compiled program serves any number of trials
        blocks = -(-trials // together)
        every = jnp.arange(start, start + blocks * together, dtype=jnp.uint32).reshape(blocks, together)
        found = [_batch(key, block, *given) for block in every]
        arrays = {each: np.concatenate([np.asarray(block[each]) for block in found])[:trials] for each in found[0]}
    lone = [number for number, axis in enumerate(training.axes.values()) if axis.ndim == 0]
    settings = tuple(np.delete(settings, lone)) if training.axes else ()
    arrays = {each: values.reshape(-1, *settings, *values.shape[2:]) for each, values in arrays.items()}
    if name in ("square", "squared_hinge"):
        arrays["train_loss"] = 2.0 * arrays["train_loss"]
    if radii.ndim == 0:
        for each in ("l2_error", "linf_error"):
            axis = len(settings) + 1
            arrays[each], arrays[f"group_{each}"] = arrays[each].take(0, axis), arrays[f"group_{each}"].take(0, axis)
    return ClassifierRuns(**{"train_loss": None, **arrays})


@partial(jax.jit, static_argnames=("name", "intercept", "features", "zero", "attack", "members"))
def _batch(
    key: Array, block: Array, source: Any, settings: tuple[Array, Array], radii: Array, name: str, intercept: bool,
    features: int | None, zero: bool, attack: str | None, members: Members,
) -> dict[str, Array]:
    """All measures of the trials numbered in `block`, (trials, settings, ...)."""

    def every(numbers: Array, key: Array, source: Any, settings: Any, radii: Array) -> dict[str, Array]:
        def one(number: Array) -> dict[str, Array]:
            return _trial(fold_in(key, number), source, settings, radii, name, intercept, features, zero, attack, members)

        return jax.vmap(one)(numbers)

    return over_devices(every, block, key, source, settings, radii)


def _trial(
    key: Any, source: Any, settings: tuple[Array, Array], radii: Array, name: str, intercept: bool, features: int | None,
    zero: bool, attack: str | None, members: Members,
) -> dict[str, Array]:
    """All measures of one training set, (settings, ...)."""
    of_rows, of_features = split(key)
    drawn, mixing = source.draw(of_rows), None
    limit = isinstance(source, ViewedRows) and source.views is None
    pairs = source.concentration if isinstance(source, AllPairs) else None
    owners = source.owners if isinstance(source, ViewedRows | PatternedViews) else None
    source = source.base if isinstance(source, ViewedRows | PatternedViews | AllPairs) else source
    owners = np.arange(source.n) if owners is None else owners
    design, xp = drawn.rows, namespace(drawn.rows)

    def lowered(weights: Array, trained: Array) -> Array | None:
        """By how much an attack lowers margins."""
        dual = xp.sum(xp.abs(weights)) if attack == "linf" else xp.sqrt(xp.sum(weights * weights))
        return trained * dual if attack else None

    if members != ALONE:
        means = mean_fits(of_features, drawn, owners, settings, name, intercept, features, zero, attack, members)

        def mean(trained: Array, at: Any) -> dict[str, Array]:
            margins = drawn.labels * (drawn.rows @ at["weights"] + at["intercept"])
            fit = MarginFit(at["weights"], at["intercept"], margins, margins < 1.0, at["usable"], at["separable"])
            shift = lowered(at["weights"], trained)
            found = _measured(source, drawn, fit, at["weights"], radii, name, shift) | {"norm": at["norm"]}
            for each in ("norm", "l1", "intercept"):
                found[each] = xp.where(at["infinite"] & (found[each] != 0.0), xp.copysign(np.inf, found[each]), found[each])
            found = {each: xp.where(at["usable"], value, np.nan) for each, value in found.items()}
            return {**found, "separable": at["separable"], "converged": at["usable"]}

        every = settings[1], *means.values()
        return stacked(lambda trained, *at: mean(trained, dict(zip(means, at, strict=True))), *every)
    if features is not None:
        mixing = normals(of_features, (design.shape[1], features)) / features**0.5
        design = design @ mixing
    shared = None if limit or pairs is not None or attack is not None else ready(design, drawn, name, intercept)

    def smoothed(ridge: Array, trained: Array) -> dict[str, Array]:
        """Of infinitely many views, or all mixtures of rows."""
        fit: Any
        if name == "averaging":  # of the mean views
            fit, _ = fitted(design, drawn, mixing, name, ridge, intercept, zero, trained, attack)
            inputs = fit.weights if mixing is None else mixing @ fit.weights
            deviations = xp.sqrt(drawn.private[0] @ inputs**2 + drawn.private[1] @ inputs**2)
            below = (normal_cdf((end - fit.margins) / deviations) for end in (0.0, 1.0))
            of_views = (*below, -fit.margins)
        elif pairs is not None:
            fit = mixed_fit(design, drawn.labels, drawn.weights, pairs, name, ridge, intercept)
            of_views = fit.wrong, fit.support, fit.losses
        else:
            given = drawn.labels, drawn.weights, drawn.private, mixing, name, ridge, intercept, trained, attack
            fit = smoothed_fit(design, *given)
            shift = lowered(fit.weights if mixing is None else mixing @ fit.weights, trained)
            ends = 0.0, 1.0 if shift is None else 1.0 + shift
            of_views = (*(normal_cdf((end - fit.margins) / fit.deviations) for end in ends), fit.losses)
        margins = MarginFit(fit.weights, fit.intercept, fit.margins, fit.margins < 1.0, fit.converged, xp.asarray(True))
        weights = fit.weights if mixing is None else mixing @ fit.weights
        found = _measured(source, drawn, margins, weights, radii, name, lowered(weights, trained), of_views)
        found = {each: xp.where(fit.converged, value, np.nan) for each, value in found.items()}
        return {**found, "separable": xp.asarray(True), "converged": fit.converged}

    def setting(ridge: Array, trained: Array) -> dict[str, Array]:
        if limit or pairs is not None:
            return smoothed(ridge, trained)
        fit, infinite = fitted(design, drawn, mixing, name, ridge, intercept, zero, trained, attack, shared)
        weights = fit.weights if mixing is None else mixing @ fit.weights
        found = _measured(source, drawn, fit, weights, radii, name, lowered(weights, trained))
        for each in ("norm", "l1", "intercept"):
            found[each] = xp.where(infinite & (found[each] != 0.0), xp.copysign(np.inf, found[each]), found[each])
        if name == "logistic":
            found["train_loss"] = xp.where(infinite, 0.0, found["train_loss"])
        usable = fit.converged & fit.separable
        found = {each: xp.where(usable, value, np.nan) for each, value in found.items()}
        return {**found, "separable": fit.separable | infinite, "converged": fit.converged}

    return stacked(setting, *settings)


def _measured(
    source: Any, drawn: LabelledRows, fit: MarginFit, weights: Array, radii: Array, name: str, shift: Array | None,
    of_views: tuple[Array, Array, Array] | None = None,
) -> dict[str, Array]:
    """Measures of one classifier with input `weights` (dim,), trained on margins lowered by `shift` where that is given.

    `of_views`: shares of negative margins, of those at most 1, and mean losses (n,), of rows of infinitely many views.
    """
    t, bias, xp = fit.margins, fit.intercept, namespace(weights)
    wrong, support = of_views[:2] if of_views else (each.astype(t.dtype) for each in (t < 0.0, fit.support))
    t = t if shift is None else t - shift
    l1, l2 = xp.sum(xp.abs(weights)), xp.sqrt(xp.sum(weights * weights))
    shares = drawn.shares if isinstance(drawn, SharedRows) else xp.ones_like(drawn.weights)

    def mean(values: Array) -> Array:
        """Over rows, of whose views each counts by its share."""
        return xp.sum(shares * values) / xp.sum(shares)

    found = {
        "train_error": mean(wrong), "support": mean(support), "norm": xp.sum(fit.weights**2), "l1": l1,
        "intercept": bias,
    }
    if (values := of_views[2] if of_views else loss_values(name, t)) is not None:
        found["train_loss"] = mean(values)
    if isinstance(source, TeacherRows):
        moved = source.deviations * source.deviations * weights
        overlap, spread = source.direction @ moved, weights @ moved
        # the teacher's u, of variance 1, has a part that inputs do not tell
        told, law = xp.sqrt(1.0 - source.unexplained) * overlap, (source.link, source.scale, source.flip, source.bias)
        missed = label_error(told, spread, bias, *law)
        clean = sign_error(told, spread, bias, source.bias)
        if name == "logistic":
            found |= calibration(*label_law(told, spread, bias, *law))
        found |= {"overlap": overlap, "spread": spread, "error": missed, "sign_error": clean}
        return found if shift is None else {**found, "robust_error": attacked_error(told, spread, bias, shift, *law)}
    groups = (source.means, source.deviations, source.classes)
    of_group = (drawn.member == xp.arange(source.classes.size, dtype=drawn.member.dtype)[:, None]).astype(t.dtype) * shares
    counts = xp.sum(of_group, axis=1)
    errors = group_errors(weights, bias, *groups)
    found |= {
        "error": source.test_shares @ errors, "group_error": errors, "overlap": source.means @ weights,
        "spread": (source.deviations * source.deviations) @ (weights * weights),
        "group_train_error": of_group @ wrong / counts, "group_support": of_group @ support / counts,
    }
    if name == "logistic":
        scores = found["overlap"] + bias, xp.sqrt(found["spread"])
        found |= calibration(*group_laws(*scores, source.classes, source.test_shares))
    if shift is not None:
        attacked = group_errors(weights, bias, *groups, shift)
        found |= {"robust_error": source.test_shares @ attacked, "group_robust_error": attacked}
    if radii.size:
        for each, length in (("l2_error", l2), ("linf_error", l1)):
            attacked = group_errors(weights, bias, *groups, radii[:, None] * length)
            found |= {each: attacked @ source.test_shares, f"group_{each}": attacked}
    return found
