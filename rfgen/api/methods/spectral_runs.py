"""Measured curves of tasks in eigen-coordinates."""

__all__ = ["simulate_spectral"]

import itertools
import math
from typing import Any

import numpy as np

from rfgen._version import __version__
from rfgen.api.nouns import checked_axes, in_modes, outputs_kept, refuse_held_out, refuse_views_of_inputs, with_strengths
from rfgen.curves.cells.content import content
from rfgen.curves.cells.precision import trials_drawn
from rfgen.curves.cells.run import Cell, whole
from rfgen.curves.controls import controlled
from rfgen.curves.dataset import MEASURED, dataset, settings_last
from rfgen.curves.grid import Grid
from rfgen.curves.measured import MonteCarlo
from rfgen.numerics.compilation.program_maps import spare_maps
from rfgen.numerics.memory import plan
from rfgen.problems.data_task import DataTask
from rfgen.problems.learner import Learner, checked_members
from rfgen.problems.populations.examples import FinitePopulation
from rfgen.problems.populations.gaussian_inputs import GaussianInputs
from rfgen.problems.task import Task
from rfgen.problems.trainings.resampling import on_drawn
from rfgen.problems.trainings.spectral import AbstractTraining
from rfgen.simulation.random_numbers import trial_words
from rfgen.simulation.runs.blocks.blocked_risk import in_blocks
from rfgen.simulation.runs.ensemble import ALONE, Members
from rfgen.simulation.runs.kernel_rows import by_kernel
from rfgen.simulation.runs.memory import pair_bytes
from rfgen.simulation.runs.trials import (
    fingerprint,
    initial_weights,
    measure,
    refuse_streams,
    settings_of,
    source_of,
    trials_at_once,
)
from rfgen.simulation.sampling.fresh_views import refuse_views
from rfgen.simulation.sampling.streams import unresolved_modes

KNOBS = "n, the modes, the views or the number of times and ridges"


def simulate_spectral(
    task: Task | DataTask, learner: Learner, n: Any, runs: MonteCarlo, dtype: str = "float64",
    test_rows: str = "population", members: Any = None,
) -> Any:
    """Measured risk of linear models: `test`, `train`, `bias`, `variance`, `noise`, `norm`, each with its standard error.

    Notes
    -----
    A `Task` draws eigen-coordinates, `Task.sphere` points on it, for the kernel itself; `DataTask` and `Task.from_kernel`
    draw rows of the real examples as their `sampling` says: without replacement, measured on the others, or with it, on
    all.  Augmented learners see drawn views, of the eigen-coordinates or of the inputs of a `DataTask`; views=inf is exact,
    of inputs where they are the features.  Trials of all settings of an augmentation share their samples.  One
    decomposition a trial serves all ridges, rates, momenta and times; unstable rates give inf.  Initial weights are drawn
    anew in each trial: their mean square counts as variance.  Stochastic trainings are run step by step; one pass takes no
    n, measures no `train`, and draws fresh eigen-coordinates or rows, of a `DataTask` as its `sampling` says.  Members of
    an ensemble share a training set, or a stream in one view of it.
    """
    of_cells, eigen = checked_axes(task, learner, n), in_modes(task)
    axes = with_strengths(of_cells, learner.augmentation)
    if members is not None:
        axes["members"] = _finite_members(eigen, learner, members)
    ensembles = [Members(int(count), learner.resampling) for count in np.ravel(axes.get("members", 1))]
    refuse_views_of_inputs(eigen, learner)  # those of a DataTask are drawn
    Grid(axes)  # refuses more points than fit into memory
    if dtype not in ("float32", "float64"):
        raise ValueError(f"dtype must be 'float32' or 'float64', got {dtype!r}")
    if test_rows not in ("population", "rest"):
        raise ValueError(f"test_rows must be 'population' or 'rest', got {test_rows!r}")
    if isinstance(eigen.population, FinitePopulation) and eigen.population.held_out:
        test_rows = "rest"
        if not (learner.training.needs_samples or isinstance(task, DataTask)):
            refuse_held_out(task, learner, type(learner.training).__name__)
    refuse_streams(learner.training, eigen)
    sizes, counts = whole("n", axes["n"]) if "n" in axes else None, whole("features", axes["features"])
    if sizes is not None and test_rows == "rest":
        if not isinstance(eigen.population, FinitePopulation):
            raise ValueError("test_rows='rest' needs a task of real examples (DataTask, Task.from_kernel)")
        examples = eigen.population.labels.shape[0]
        if sizes.max() >= examples:
            raise ValueError(
                f"n must be below the {examples} examples of the task, as those left are tested, got {int(sizes.max())}"
            )
    _refuse_resampling(learner, eigen)
    augmentations = [None] if learner.augmentation is None else learner.augmentation.settings
    training, noise = learner.training, np.asarray(eigen.noise, dtype)
    sources = [source_of(task, eigen, each, learner.test_views, dtype, test_rows, training) for each in augmentations]
    if members is not None and not training.needs_samples and any(map(unresolved_modes, sources)):
        raise ValueError(
            "members of one stream are simulated for a finite number of modes, which they all see: give modes=..., got "
            f"{eigen!r}"
        )
    settings = settings_of(training, sources, dtype)
    available = runs.available
    law = __version__, eigen.eigenvalues, eigen.spectrum.multiplicity, eigen.power, eigen.null_power, eigen.noise
    given = *_content(training, settings), runs.seed, dtype, test_rows
    points = [
        (None if size is None else int(size), None if np.isinf(count) else int(count))
        for size in ([None] if sizes is None else np.ravel(sizes)) for count in np.ravel(counts)
    ]
    alone = [size for size, features in points if size is not None and features is None and learner.resampling is None]
    kernels = {id(source): by_kernel(source, settings, alone, runs.trials, available) for source in sources}

    def precise(arrays: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        return _statistics(eigen, arrays)["test"]

    cells = []
    variants = list(itertools.product(zip(augmentations, sources, strict=True), ensembles))
    for (size, features), ((each, source), models) in itertools.product(points, variants):
        if learner.resampling is not None and size is not None:
            settings = settings_of(on_drawn(training, learner.resampling.size(size) / size), sources, dtype)
        if not training.needs_samples:
            refuse_views(source, tuple(np.ravel(training.axes["batch"]).tolist()))
        drawn = kernels[id(source)].get(size, source) if features is None and size is not None else source
        held = size, features, eigen.outputs, settings, np.dtype(dtype).itemsize, models
        need = pair_bytes(drawn, *held)
        if need > available and (shared := in_blocks(drawn, size, settings)):
            drawn, need = shared, pair_bytes(shared, *held)
        point = {"n": size, "features": features, "members": models.count if len(ensembles) > 1 else None}
        where = ", ".join(f"{name}={value:.12g}" for name, value in point.items() if value is not None)
        together = 2 * plan(need, runs.trials, available, f"a pair of trials{where and ' at '}{where}", KNOBS)
        initial = initial_weights(training, eigen, source, features, dtype)
        own = () if runs.store is None else fingerprint(source)
        if each is not None:
            own = (*own, *content(each), *content(getattr(task, "feature_map", None)))

        def measured(
            start: int, stop: int, advance: Any, size: Any = size, features: Any = features, source: Any = drawn,
            initial: Any = initial, together: int = together, settings: Any = settings, models: Members = models,
        ) -> dict[str, np.ndarray]:
            spare_maps()
            words = trial_words(runs.seed, size, features, start, stop)
            return measure(source, words, size, features, settings, initial, noise, together, stop - start, advance, models)

        at_once = trials_at_once(source, features, eigen.outputs, settings)
        key = (*law, *(() if models == ALONE else content(models)), *given, *own, size, features)
        cells.append(Cell(measured, key, at_once, 0, where, precise))
    collected, attributes = runs.measured(cells, KNOBS, dtype=dtype, test_rows=test_rows)
    if learner.augmentation is not None:
        attributes["augmentation"] = repr(learner.augmentation)
    if learner.resampling is not None:  # members see other samples
        collected = [{name: values for name, values in cell.items() if name != "train"} for cell in collected]
        attributes["resampling"] = repr(learner.resampling)
    outer = "n", "features", *(name for name in axes if name not in of_cells)
    found = _summary(eigen, axes, collected, len(variants), attributes)
    return found.assign_coords(trials=trials_drawn(collected, axes, outer))


def _refuse_resampling(learner: Learner, task: Task) -> None:
    """Refuse what a sample cannot be drawn twice of."""
    if learner.resampling is None:
        return
    if isinstance(task.population, GaussianInputs) or task.spectrum.infinite:
        raise ValueError(
            "resampling is simulated for a finite number of modes (give modes=...), and not for Task.gaussian_inputs, got "
            f"{task!r}"
        )


def _finite_members(task: Task, learner: Learner, members: Any) -> np.ndarray:
    sizes = checked_members(learner, members)
    if np.isinf(sizes).any():
        raise ValueError(f"members must be finite for a simulation, got {members!r}")
    if isinstance(task.population, GaussianInputs):
        raise ValueError(
            f"members is not simulated on Task.gaussian_inputs: use Task(eigenvalues, power) with the same, got {task!r}"
        )
    return sizes


def _content(training: AbstractTraining, settings: Any) -> tuple[Any, ...]:
    """What tells a training apart; schedules by their values."""
    if training.clock is None:
        return (np.asarray(settings),)
    return content(training if training.needs_samples else settings)


def _summary(
    task: Task, axes: dict[str, np.ndarray], cells: list[dict[str, np.ndarray]], settings: int, attributes: dict[str, Any]
) -> Any:
    """Means and standard errors over trials (over pairs, for bias and variance) as a Dataset."""
    statistics: dict[str, list[np.ndarray]] = {}
    for cell in cells:
        for name, (mean, error) in _statistics(task, cell).items():
            statistics.setdefault(name, []).append(mean)
            statistics.setdefault(f"{name}_se", []).append(error)
    grid, inner = Grid(axes), outputs_kept(task)
    variables = {name: grid.pack(settings_last(each, settings, *inner), *inner) for name, each in statistics.items()}
    result = dataset(axes, variables, task, attributes)
    for name in set(MEASURED) & set(result):
        result[f"{name}_se"].attrs["long_name"] = f"standard error of {name}"
    return result


def _statistics(task: Task, cell: dict[str, np.ndarray]) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Mean and standard error of every variable at one point, over trials, or pairs of them."""
    cell = dict(cell)
    controls = cell.pop("controls", None)
    if not task.keep_outputs:
        cell = {name: values.sum(axis=-1) for name, values in cell.items()}
        controls = None if controls is None else controls.sum(axis=-2)
    pairs = cell["bias"].shape[0]

    def of_pairs(values: np.ndarray) -> np.ndarray:
        return values[: 2 * pairs].reshape(pairs, 2, *values.shape[1:]).mean(axis=1)

    mean_signal = of_pairs(cell["signal"])
    # pairs that leave no example in common have no bias
    shared = ~np.isnan(cell["bias"]).all(axis=tuple(range(1, cell["bias"].ndim)))
    with np.errstate(invalid="ignore"):  # unstable trainings give inf
        cell["variance"] = np.where(np.isinf(mean_signal), math.inf, mean_signal - cell["bias"])
    found = {}
    for name in (name for name in MEASURED if name in cell):
        values, known = cell[name], controls
        if name in ("bias", "variance"):
            values, known = values[shared], None if controls is None else of_pairs(controls)[shared]
        if known is None or name == "noise" or not len(values):
            found[name] = _plain(values)
        else:
            found[name] = controlled(values, known)
    return found


def _plain(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    count, none = values.shape[0], np.full(values.shape[1:], np.nan)
    with np.errstate(invalid="ignore"):
        mean = values.mean(axis=0) if count else none
        return mean, values.std(axis=0, ddof=1) / math.sqrt(count) if count > 1 else none
