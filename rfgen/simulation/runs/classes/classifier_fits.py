"""Fits of linear classifiers by any rule, and of several members to one training set."""

__all__ = ["fitted", "mean_fits", "ready", "trained_on"]

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from rfgen.problems.trainings.classifier import rule_parts
from rfgen.problems.trainings.resampling import Bootstrap
from rfgen.simulation.arrays import Array, cond, namespace, stacked
from rfgen.simulation.fits.margins.attacked_fit import attacked_fit
from rfgen.simulation.fits.margins.margin_fit import FITS, MarginFit, Prepared, margin_fit, prepared
from rfgen.simulation.fits.margins.mean_rules import averaging, lda
from rfgen.simulation.fits.margins.smoothed_fit import SmoothedFit, smoothed_fit
from rfgen.simulation.random_numbers import fold_in, integers, normals, permutation
from rfgen.simulation.runs.ensemble import BAG, Members
from rfgen.simulation.sampling.labelled_rows import LabelledRows
from rfgen.simulation.sampling.labelled_views import LimitRows


def fitted(
    design: Array, drawn: LabelledRows, mixing: Array | None, name: str, ridge: Array, intercept: bool, zero: bool,
    radius: Array, attack: str | None, shared: Prepared | None = None,
) -> tuple[MarginFit, Array]:
    """The classifier trained under `attack`, or none, and whether its weights are to be thought of as infinite; `design` is
    the drawn rows times `mixing`, `shared` of `ready`.
    """
    xp = namespace(design)
    finite = xp.asarray(False)
    if attack:
        given = drawn.labels, drawn.weights, name, ridge, intercept
        attacked = partial(attacked_fit, drawn.rows, *given, radius, attack, mixing)
        return cond(radius > 0.0, attacked, partial(margin_fit, design, *given)), finite
    if name in ("averaging", "discriminant"):
        given = design, drawn.labels, intercept
        weights, bias = averaging(*given, drawn.weights) if name == "averaging" else lda(*given)
        margins = drawn.labels * (design @ weights + bias)
        right = xp.all(xp.isfinite(weights)) & xp.isfinite(bias)
        return MarginFit(weights, bias, margins, margins < 1.0, right, xp.asarray(True)), finite

    def fit(loss: str) -> MarginFit:
        own = shared if shared is not None and loss == name else design
        return margin_fit(own, drawn.labels, drawn.weights, loss, ridge, intercept)

    if not zero:
        return fit(name), finite
    limit = cond(ridge == 0.0, lambda: fit("hard_margin").separable, lambda: xp.asarray(False))
    return cond(limit, lambda: fit("hard_margin"), lambda: fit("logistic")), limit


def ready(design: Array, drawn: LabelledRows, name: str, intercept: bool) -> Prepared | None:
    """What all ridges of a rule with a loss share."""
    return prepared(design, drawn.weights, name, intercept) if rule_parts(name)[0] in FITS else None


def trained_on(drawn: LabelledRows, key: Any, owners: np.ndarray, members: Members) -> LabelledRows:
    """All views of the rows that one member draws; `owners` (views of rows,): the row of each."""
    if members.resampling is None:
        return drawn
    n, key = int(owners.max()) + 1, fold_in(key, BAG)
    size = members.resampling.size(n)
    own = integers(key, size, n) if isinstance(members.resampling, Bootstrap) else permutation(key, n)[:size]
    places = np.argsort(owners, kind="stable").reshape(n, -1)  # of the views of each row
    seen = namespace(own).asarray(places)[own].ravel()
    taken = {name: getattr(drawn, name)[seen] for name in ("rows", "labels", "weights", "member")}
    if isinstance(drawn, LimitRows):
        taken["private"] = drawn.private[0][seen], drawn.private[1]
    return replace(drawn, **taken)


def mean_fits(
    key: Any, drawn: LabelledRows, owners: np.ndarray, settings: tuple[Array, Array], name: str, intercept: bool,
    features: int | None, zero: bool, attack: str | None, members: Members,
) -> dict[str, Array]:
    """Means over members of `weights` on inputs (settings, dim), `intercept`, `norm`, and whether all of them are `usable`,
    `separable`, and any `infinite`, (settings,); `settings` are ridges, and radii trained for.
    """
    dim = drawn.rows.shape[1]

    def of_member(number: Any) -> dict[str, Array]:
        own_key = key if members.count == 1 else fold_in(key, int(number) if isinstance(number, np.integer) else number)
        own = trained_on(drawn, own_key, owners, members)
        mixing = None if features is None else normals(own_key, (dim, features)) / features**0.5
        design = own.rows if mixing is None else own.rows @ mixing
        xp, smooth = namespace(design), isinstance(own, LimitRows) and name != "averaging"
        shared = None if smooth or attack else ready(design, own, name, intercept)

        def of_setting(ridge: Array, radius: Array) -> dict[str, Array]:
            fit: SmoothedFit | MarginFit
            if smooth:
                assert isinstance(own, LimitRows)
                fit, infinite = smoothed_fit(
                    design, own.labels, own.weights, own.private, mixing, name, ridge, intercept, radius, attack
                ), xp.asarray(False)
                separable = xp.asarray(True)
            else:
                fit, infinite = fitted(design, own, mixing, name, ridge, intercept, zero, radius, attack, shared)
                separable = fit.separable
            return {
                "weights": fit.weights if mixing is None else mixing @ fit.weights, "intercept": fit.intercept,
                "norm": xp.sum(fit.weights**2), "usable": fit.converged & separable, "separable": separable | infinite,
                "infinite": infinite,
            }

        return stacked(of_setting, *settings)

    xp = namespace(drawn.rows)
    each = stacked(of_member, xp.arange(members.count))
    found = {name: xp.mean(each[name], axis=0) for name in ("weights", "intercept", "norm")}
    return {
        **found, "usable": xp.all(each["usable"], axis=0), "separable": xp.all(each["separable"], axis=0),
        "infinite": xp.any(each["infinite"], axis=0),
    }
