"""The curve under other conventions than rfgen's: what someone's own run may have meant."""

__all__ = ["Meant", "clock_of", "fitted", "meant"]

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from rfgen.api.finite_size import expected_error
from rfgen.api.nouns import in_modes
from rfgen.api.predicting import predict
from rfgen.problems.data_task import DataTask
from rfgen.problems.learner import Learner
from rfgen.problems.populations.examples import FinitePopulation
from rfgen.problems.task import Task
from rfgen.problems.trainings.spectral import GradientFlow

# The training error of each risk.
TRAINING = {"test": "train", "error": "train_error", "test_accuracy": "train_accuracy"}
# Factors on the ridge and on the clock (the time, or the rate of a step), of n samples and k features.
FACTORS: dict[str, tuple[Callable[[float, float], float], Callable[[float, float], float]]] = {
    "ridge * n": (lambda n, k: n, lambda n, k: 1.0),
    "ridge / n": (lambda n, k: 1.0 / n, lambda n, k: 1.0),
    "ridge * 2n": (lambda n, k: 2.0 * n, lambda n, k: 1.0),
    "ridge * 2": (lambda n, k: 2.0, lambda n, k: 1.0),
    "ridge / 2": (lambda n, k: 0.5, lambda n, k: 1.0),
    "ridge * features": (lambda n, k: k, lambda n, k: 1.0 / k),
    "ridge / features": (lambda n, k: 1.0 / k, lambda n, k: k),
    "time * n": (lambda n, k: 1.0, lambda n, k: n),
    "time / n": (lambda n, k: 1.0, lambda n, k: 1.0 / n),
    "time * 2": (lambda n, k: 1.0, lambda n, k: 2.0),
    "time / 2": (lambda n, k: 1.0, lambda n, k: 0.5),
    "time * 2n": (lambda n, k: 1.0, lambda n, k: 2.0 * n),
    "time / 2n": (lambda n, k: 1.0, lambda n, k: 0.5 / n),
}
# Times over which a clock that runs at a rate of its own is sought, and how many.
SOUGHT, TIMES = 1e4, 200


class Meant(NamedTuple):
    """A curve: its `values`, the `relative` error to be expected of them, and the `number` that was fitted, if any."""

    values: np.ndarray
    relative: np.ndarray
    number: float = 0.0


def clock_of(learner: Any) -> str:
    """The setting by which a training runs faster: "time", "rate", or "" of one that does not run."""
    training = getattr(learner, "training", None)
    return next((name for name in ("time", "rate") if hasattr(training, name)), "")


def meant(task: Any, learner: Any, n: Any, options: Mapping[str, Any], name: str, curve: Any) -> dict[str, Meant]:
    """Each convention without a number of its own, as in `UNITS`, that says something here."""
    error = expected_error(task, curve, name)
    found = {key: Meant(np.asarray(other), error) for key, other in _values(curve, task, name).items()}
    if isinstance(task, Task | DataTask) and isinstance(learner, Learner):
        for key in _scales(learner, n):
            with suppress(ValueError):  # a convention under which there is no curve
                found[key] = _rescaled(task, learner, n, options, name, curve[name].shape, key)
        for key, other in _tasks(task, learner):
            found[key] = _read(other, predict(other, learner, n, **options), name)
    return found


def _read(task: Any, curve: Any, name: str) -> Meant:
    return Meant(curve[name].values, expected_error(task, curve, name))


def _values(curve: Any, task: Any, name: str) -> dict[str, Any]:
    """Other numbers of the same curve."""
    theory, found = curve[name], dict[str, Any]()
    if TRAINING.get(name) in curve:
        found["training error"] = curve[TRAINING[name]]
    if name != "test":
        return found
    found |= {"root": theory**0.5, "half": theory / 2.0}
    if isinstance(task, Task | DataTask):
        modes = in_modes(task)
        if modes.noise.any():
            found["clean labels"] = theory - modes.risk_noise
        if modes.outputs > 1 and not modes.keep_outputs:
            found["outputs"] = theory / modes.outputs
        if not modes.keep_outputs:
            found["share"] = theory / modes.null_risk
    return found


def _with_noise(task: Any, noise: Any) -> Any:
    return task.with_noise(noise) if isinstance(task, Task) else replace(task, noise=noise)


def _tasks(task: Any, learner: Learner) -> Iterator[tuple[str, Any]]:
    """Other tasks: of another noise, or of centred rows."""
    modes, noise = in_modes(task), np.asarray(task.noise)
    if noise.any():
        yield "noise^2", _with_noise(task, noise**2)
        yield "root of noise", _with_noise(task, noise**0.5)
    population = modes.population
    if isinstance(population, FinitePopulation) and learner.augmentation is None:
        rows, labels = population.coordinates, population.labels
        levels = labels.mean(axis=0)
        if (np.abs(levels) > 1e-6 * labels.std(axis=0)).any():
            sampling = "without replacement" if population.held_out else "with replacement"
            rest: Any = (labels - levels, noise, modes.keep_outputs, sampling)
            yield "centred labels", Task.from_features(rows, *rest)
            yield "centred rows", Task.from_features(rows - rows.mean(axis=0), *rest)


def _scales(learner: Learner, n: Any) -> Iterator[str]:
    """The factors that change something."""
    training: Any = learner.training
    clock = clock_of(learner)
    fields = training.__dataclass_fields__
    ridge = "ridge" in fields and bool(np.asarray(training.ridge).any())
    clock = clock and clock in fields and not callable(getattr(training, clock))
    with_features = learner.features is not None and bool(np.isfinite(learner.features).all())
    for key in FACTORS:
        of_features, of_clock = "features" in key, key.startswith("time")
        if (of_features and not with_features) or (key.endswith("n") and n is None):
            continue
        if clock if of_clock else (ridge or bool(of_features and clock)):
            yield key


def _rescaled(
    task: Any, learner: Learner, n: Any, options: Mapping[str, Any], name: str, shape: tuple[int, ...], key: str
) -> Meant:
    """The curve, each n and number of features at a ridge and a clock of its own."""
    of_ridge, of_clock = FACTORS[key]
    training, clock = learner.training, clock_of(learner)

    def at(own: Any, k: Any) -> Meant:
        sizes = (1.0 if own is None else float(own), 1.0 if np.ndim(k) else float(k))
        factors = {"ridge": of_ridge(*sizes), clock: of_clock(*sizes)}
        changed = {
            field: getattr(training, field) * factor for field, factor in factors.items()
            if factor != 1.0 and field in training.__dataclass_fields__
        }
        own_learner = replace(learner, training=replace(training, **changed), features=k)
        return _read(task, predict(task, own_learner, own, **options), name)

    # arrays in the order of the curve: n, features, the training's
    features = np.atleast_1d(learner.features) if "features" in key else [learner.features]
    points = [at(own, k) for own in ([n] if np.ndim(n) == 0 else np.asarray(n)) for k in features]
    values, errors = (np.reshape([getattr(point, part) for point in points], shape) for part in ("values", "relative"))
    return Meant(values, errors)


def fitted(
    task: Any, learner: Any, n: Any, options: Mapping[str, Any], name: str, curve: Any, measured: np.ndarray,
    weight: np.ndarray,
) -> dict[str, Meant]:
    """Conventions with a number of their own, which is fitted to what was measured; `weight` is 0 where nothing counts."""
    found = dict[str, Meant]()
    if not isinstance(task, Task | DataTask) or not isinstance(learner, Learner) or name != "test":
        return found
    modes, theory = in_modes(task), np.where(weight > 0.0, curve[name].values, 0.0)
    # a mean that no mode reaches acts as noise does: risk is linear in its square
    unit = modes.null_risk
    noisy = predict(_with_noise(task, modes.noise + unit), learner, n, **options)
    slope = np.where(weight > 0.0, (noisy[name].values - theory) / unit, 0.0)
    square = float(np.sum(weight * slope * (measured - theory)) / max(np.sum(weight * slope**2), np.finfo(float).tiny))
    if square > 0.0:
        found["offset"] = Meant(curve[name].values + square * slope, expected_error(task, curve, name), square**0.5)
    training = learner.training
    if isinstance(training, GradientFlow) and (np.isfinite(training.time) & (training.time > 0.0)).any():
        factor = _clock(task, learner, n, options, name, measured, weight)
        own = replace(learner, training=replace(training, time=training.time * factor))
        found["steps"] = _read(task, predict(task, own, n, **options), name)._replace(number=factor)
    return found


def _clock(
    task: Any, learner: Any, n: Any, options: Mapping[str, Any], name: str, measured: np.ndarray, weight: np.ndarray
) -> float:
    """The factor on all times that comes nearest."""
    training: Any = learner.training
    time = np.atleast_1d(training.time)
    moving = np.isfinite(time) & (time > 0.0)
    grid = np.geomspace(time[moving].min() / SOUGHT, time[moving].max() * SOUGHT, TIMES)
    dense = predict(task, replace(learner, training=replace(training, time=grid)), n, **options)[name]
    rows = np.moveaxis(dense.values, dense.dims.index("time"), -1)

    def last(values: np.ndarray) -> np.ndarray:
        return np.moveaxis(values, dense.dims.index("time"), -1) if training.time.ndim else values[..., None]

    told, counts = last(measured), last(weight)

    def miss(factor: float) -> float:
        at = np.log(np.clip(time * factor, grid[0], grid[-1]))
        values = np.apply_along_axis(lambda row: np.interp(at, np.log(grid), row), -1, rows)
        return float(np.sum(counts * (told - values) ** 2))

    low, high = 1.0 / SOUGHT, SOUGHT
    for _ in range(4):
        tried = np.geomspace(low, high, 81)
        best = int(np.argmin([miss(factor) for factor in tried]))
        low, high = tried[max(best - 1, 0)], tried[min(best + 1, 80)]
    return float(tried[best])
