"""Why the curve of a task and what was measured of it disagree."""

__all__ = ["of_curve"]

import warnings
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from rfgen.api.diagnosis.causes import causes
from rfgen.api.diagnosis.conventions import Meant, clock_of, fitted, meant
from rfgen.api.diagnosis.measured import OFF, UNITS, agreeing, within
from rfgen.api.diagnosis.point import examined, nearby_rows, scatter_of_inputs
from rfgen.api.diagnosis.record import Diagnosis, Finding
from rfgen.api.nouns import in_modes
from rfgen.api.own_data.held_out_points import MOST_ROWS
from rfgen.api.own_data.learning_curve import SAME, read_rows
from rfgen.api.predicting import predict
from rfgen.problems.learner import Learner
from rfgen.problems.populations.examples import FinitePopulation
from rfgen.problems.populations.gaussian_inputs import GaussianInputs
from rfgen.problems.populations.kernel_inputs import NOTED_DEFECT, REMEDY, KernelInputs
from rfgen.problems.populations.population import SpherePopulation
from rfgen.problems.trainings.spectral import Ridge

# Inputs of so many coordinates, and df2/n beyond which it shows there that modes are not independent: in 6 dimensions 4 %.
SPHERE, SHARE = 6, 0.1
# Amplification (1/n + 1/features), and that of the scatter 2/d of |x|^2, from which the limit of large sizes is far.
FAR = 0.1
# Points from which a convention with a number of its own is fitted, where no standard errors hold it.
FITTED = 3
DOUBLE = float(np.finfo(np.float64).eps)


def of_curve(
    task: Any, learner: Any, n: Any, options: Mapping[str, Any], name: str, measured: np.ndarray, wrong: np.ndarray,
    bound: np.ndarray | None = None,
) -> Diagnosis:
    """What separates the variable `name` of the curve from `measured` values where they are `wrong`, both of its shape.

    `bound`: what their standard errors leave open; None: a share of each.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        curve = predict(task, learner, n, **options)
        theory = curve[name]
        title = f"{type(task).__name__}, {name} of theory beside what was measured"
        if not wrong.any():
            return Diagnosis((), title)
        with np.errstate(divide="ignore", invalid="ignore"):
            off = np.where(wrong & np.isfinite(theory.values), theory.values / measured - 1.0, 0.0)
        unsolved = wrong & ~np.isfinite(theory.values)
        place = np.unravel_index(int(np.argmax(np.abs(off))), off.shape)
        size, at = float(off[place]), curve.isel(dict(zip(theory.dims, place, strict=True)))
        sizes = {key: float(at[key]) for key in ("n", "features", "ridge") if key in at.coords}
        sizes = {key: value for key, value in sizes.items() if np.isfinite(value)}
        where = ", ".join(f"{key}={value:g}" for key, value in sizes.items()) if off.size > 1 else ""
        found = list(_units(task, learner, n, options, name, curve, measured, size, bound)) if size else []
        if size and not found:
            found = list(_causes(task, learner, at, sizes, size, where))
    if unsolved.any():
        found.append(
            Finding(
                "not solved", np.nan, "", f"theory has no value at {int(unsolved.sum())} point(s): "
                f"{curve.attrs.get('failures', 'it diverges there')}", "leave these out, or simulate",
            )
        )
    if size and not any(np.isfinite(each.size) for each in found):
        remedy = "compare one run step by step"
        found.append(Finding("unexplained", size, where, "theory is off, by none of the known causes", remedy))
    ordered = sorted(found, key=lambda each: -abs(np.nan_to_num(each.size, nan=np.inf)))
    return Diagnosis(tuple(ordered), title)


def _causes(task: Any, learner: Any, at: Any, sizes: dict[str, float], size: float, where: str) -> Iterator[Finding]:
    """Of what kind the inputs are, and how few samples there are."""
    population = getattr(in_modes(task), "population", None)
    amplification = float(at.get("amplification", 1.0))
    inverse = sum(1.0 / sizes[key] for key in ("n", "features") if key in sizes)
    if isinstance(population, SpherePopulation) and population.dim <= SPHERE and 1.0 - 1.0 / amplification > SHARE:
        yield Finding(
            "low dimension", size, where, f"inputs on the sphere of dim={population.dim}, where modes are not independent: "
            "noise that is fitted adds less than theory says, what is not learned is more",
            "use a larger ridge, more samples at that ridge, or rg.simulate",
        )
    if isinstance(population, KernelInputs) and population.trace_defect > NOTED_DEFECT:
        yield Finding(
            "low dimension", size, where,
            f"inputs are low-dimensional for this kernel (trace_defect {population.trace_defect:.2g}): modes are not "
            "independent", REMEDY,
        )
    if isinstance(population, GaussianInputs):
        variances = np.asarray(population.variances)
        scatter = 2.0 * float(np.sum(variances**2) / np.sum(variances) ** 2)
        if scatter * amplification > FAR:
            yield Finding(
                "norms", size, where,
                f"|x|^2 of the inputs scatters by {scatter**0.5:.0%}, and with it all features of a row, if steep",
                "take more inputs, a flatter activation, or rg.simulate",
            )
    if amplification * inverse > FAR:
        yield Finding(
            "few samples", size, where,
            f"theory is of large sizes, its error about {amplification * inverse:.2g} = amplification (1/n + 1/features)",
            "take more samples or features, or a larger ridge",
        )
    if isinstance(population, FinitePopulation) and _is_ridge(learner) and "features" not in sizes:
        yield from _of_examples(population, sizes, where, float(at.test))


def _of_examples(population: FinitePopulation, sizes: dict[str, float], where: str, theory: float) -> Iterator[Finding]:
    """The rows of the population, on splits of them."""
    rows, labels = population.coordinates, population.labels
    n = round(sizes["n"])
    if not 2 <= n < len(labels) or len(labels) > MOST_ROWS:
        return
    own = read_rows(rows, labels, sizes["ridge"], "features", None, None, False, None, None, False, 0)[0]
    point = examined(own, n, float(own.per_row(sizes["ridge"])))
    off = theory / point.found - 1.0
    if not getattr(population, "held_out", False) and abs(off) > FAR:
        yield Finding(
            "repeated rows", off, where,
            f"rows are drawn from {len(labels)} with replacement, and those drawn tested too; held out: {point.found:.4g}",
            "ask rg.learning_curve for held-out rows, or take n far below their number",
        )
    groups = nearby_rows(own.kernel, SAME) if own.repeated else None
    yield from causes(own, groups, scatter_of_inputs(own.kernel), DOUBLE, point, where, own.scale)


def _is_ridge(learner: Any) -> bool:
    return (
        isinstance(learner, Learner) and type(learner.training) is Ridge and learner.augmentation is None
        and learner.resampling is None
    )


def _units(
    task: Any, learner: Any, n: Any, options: Mapping[str, Any], name: str, curve: Any, measured: np.ndarray, size: float,
    bound: np.ndarray | None,
) -> Iterator[Finding]:
    """Whether another convention would agree with what was measured: those with a number to fit only if no other does."""
    theory = curve[name].values
    kept = np.isfinite(theory) & (theory > 0.0) & (measured > 0.0)
    others = meant(task, learner, n, options, name, curve)
    found = _agreeing(measured, theory, others, kept, bound)
    if not found and kept.sum() >= (FITTED if bound is None else 2):
        weight = np.where(kept, 1.0 / np.where(kept, measured if bound is None else bound, 1.0) ** 2, 0.0)
        others = fitted(task, learner, n, options, name, curve, measured, weight)
        found = _agreeing(measured, theory, others, kept, bound)
    if not found:
        return
    told = {"clock": clock_of(learner), "number": others[found[0]].number, "square": others[found[0]].number ** 2}
    what, remedy = (text.format(**told) for text in UNITS[found[0]])
    more = [UNITS[key][0].format(**told | {"number": others[key].number}) for key in found[1:]]
    also = f" (or {' or '.join(more)})" if more else ""
    yield Finding("units", size, "", f"what was measured is what theory gives with {what}{also}", remedy)


def _agreeing(
    measured: np.ndarray, theory: np.ndarray, others: Mapping[str, Meant], kept: np.ndarray, bound: np.ndarray | None
) -> list[str]:
    """Those of `others` that have a positive value wherever theory has, and agree."""
    whole = {key: other for key, other in others.items() if (np.isfinite(other.values) & (other.values > 0.0))[kept].all()}
    if not kept.any():
        return []
    if bound is None:
        return agreeing(measured[kept], theory[kept], {key: other.values[kept] for key, other in whole.items()})
    granted = {key: (np.minimum(other.relative, OFF) * other.values)[kept] for key, other in whole.items()}
    return within(measured[kept], bound[kept], {key: (other.values[kept], granted[key]) for key, other in whole.items()})
