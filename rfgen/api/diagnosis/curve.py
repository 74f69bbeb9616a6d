"""Why the curve of a task and what was measured of it disagree."""

__all__ = ["of_curve"]

import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from rfgen.api.diagnosis.causes import causes
from rfgen.api.diagnosis.measured import UNITS, agreeing
from rfgen.api.diagnosis.point import examined, nearby_rows, scatter_of_inputs
from rfgen.api.diagnosis.record import Diagnosis, Finding
from rfgen.api.held_out_points import MOST_ROWS
from rfgen.api.nouns import in_modes
from rfgen.api.own_data import SAME, read_rows
from rfgen.api.predicting import predict
from rfgen.problems.data_task import DataTask
from rfgen.problems.learner import Learner
from rfgen.problems.populations.examples import FinitePopulation
from rfgen.problems.populations.gaussian_inputs import GaussianInputs
from rfgen.problems.populations.kernel_inputs import NOTED_DEFECT, REMEDY, KernelInputs
from rfgen.problems.populations.population import SpherePopulation
from rfgen.problems.task import Task
from rfgen.problems.trainings.spectral import Ridge

# Inputs of so many coordinates, and df2/n beyond which it shows there that modes are not independent: in 6 dimensions 4 %.
SPHERE, SHARE = 6, 0.1
# Amplification (1/n + 1/features), and that of the scatter 2/d of |x|^2, from which the limit of large sizes is far.
FAR = 0.1
DOUBLE = float(np.finfo(np.float64).eps)


def of_curve(
    task: Any, learner: Any, n: Any, options: Mapping[str, Any], name: str, measured: np.ndarray, wrong: np.ndarray
) -> Diagnosis:
    """What separates the variable `name` of the curve from `measured` values where they are `wrong`, both of its shape."""
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
        found = list(_units(task, learner, n, options, name, theory, measured, size)) if size else []
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
    task: Any, learner: Any, n: Any, options: Mapping[str, Any], name: str, theory: Any, measured: np.ndarray, size: float
) -> Iterator[Finding]:
    """Whether another convention would agree with what was measured."""
    if not isinstance(task, Task | DataTask) or not _is_ridge(learner):
        return
    ridge, features = learner.training.ridge, np.atleast_1d(learner.features)

    def rescaled(factor: Callable[[float, float], float]) -> np.ndarray:
        """The curve, each n and number of features at a ridge of its own."""
        values = [
            predict(
                task, replace(learner, training=Ridge(ridge * factor(float(own), float(k))), features=k), own, **options
            )[name].values
            for own in np.ravel(n) for k in features
        ]
        return np.reshape(values, theory.shape)

    meant: dict[str, Any] = {"ridge * n": rescaled(lambda own, _: own), "ridge / n": rescaled(lambda own, _: 1.0 / own)}
    if np.isfinite(features).all():
        meant |= {
            "ridge * features": rescaled(lambda _, k: k), "ridge / features": rescaled(lambda _, k: 1.0 / k),
        }
    noise = np.asarray(task.noise)
    if noise.any():
        meant |= {
            "noise^2": predict(_with_noise(task, noise**2), learner, n, **options)[name],
            "root of noise": predict(_with_noise(task, noise**0.5), learner, n, **options)[name],
        }
        if name == "test":
            meant["clean labels"] = theory - in_modes(task).risk_noise
    meant |= {"root": theory**0.5, "half": theory / 2.0}
    given = {key: np.asarray(value) for key, value in meant.items()}
    kept = np.isfinite(theory.values) & (theory.values > 0.0)
    for values in given.values():
        kept &= np.isfinite(values) & (values > 0.0)
    if not kept.any():
        return
    found = agreeing(measured[kept], theory.values[kept], {key: values[kept] for key, values in given.items()})
    if found:
        what, remedy = UNITS[found[0]]
        also = f" (or {' or '.join(UNITS[other][0] for other in found[1:])})" if found[1:] else ""
        yield Finding("units", size, "", f"what was measured is what theory gives with {what}{also}", remedy)


def _with_noise(task: Any, noise: Any) -> Any:
    """The task with another noise."""
    return task.with_noise(noise) if isinstance(task, Task) else replace(task, noise=noise)
