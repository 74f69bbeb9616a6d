"""`simulate`: the measured curve."""

__all__ = ["simulate"]

import itertools
import math
from typing import Any

import jax
import numpy as np

from rfgen._version import __version__
from rfgen.api.methods.ensembles import checked_members
from rfgen.api.nouns import prepare
from rfgen.api.systems import SYSTEMS, refuse
from rfgen.curves.cells.content import content
from rfgen.curves.cells.memory import budget, plan
from rfgen.curves.cells.progress import progress_bar
from rfgen.curves.cells.store import Store, content_key
from rfgen.curves.dataset import MEASURED, dataset
from rfgen.numerics.precision import double_precision
from rfgen.numerics.program_maps import spare_maps
from rfgen.problems import validation
from rfgen.problems.classes.mixture import Mixture
from rfgen.problems.data_task import DataTask
from rfgen.problems.learner import Learner
from rfgen.problems.populations.gaussian_inputs import GaussianInputs
from rfgen.problems.populations.population import FinitePopulation
from rfgen.problems.task import Task
from rfgen.problems.trainings.spectral import AbstractTraining, Ridge
from rfgen.simulation.random_numbers import trial_words
from rfgen.simulation.runs.ensemble import ALONE, Members
from rfgen.simulation.runs.trials import (
    fingerprint,
    initial_weights,
    measure,
    refuse_stochastic,
    settings_of,
    source_of,
    trial_bytes,
    trials_at_once,
)
from rfgen.systems.sparse.sparse_regression import SparseRegression
from rfgen.systems.xor.two_layer_relu import TwoLayerReLU
from rfgen.systems.xor.xor_clusters import XORClusters

KNOBS = "n, the modes, the views or the number of times and ridges"


def _whole(name: str, values: np.ndarray) -> np.ndarray:
    finite = values[np.isfinite(values)]
    if (finite != np.round(finite)).any():
        raise ValueError(f"{name} must be whole numbers for a simulation, got {values.tolist()}")
    return values


@double_precision
def simulate(
    task: Task | DataTask | Mixture | SparseRegression | XORClusters,
    learner: Learner | TwoLayerReLU,
    n: Any = None,
    trials: int = 45,
    seed: int = 0,
    dtype: str = "float64",
    test_rows: str = "population",
    memory: float | None = None,
    progress: bool | None = None,
    store: Any = None,
    members: Any = None,
) -> Any:
    """The measured curve: draw training sets, fit the estimator, measure; mean and standard error over `trials`.

    Gaussian tasks draw eigen-coordinates; `DataTask` and `Task.from_kernel` draw rows of the real examples, with
    replacement and measured on all of them (`test_rows="population"`, what the theory describes) or without and measured
    on those left (`test_rows="rest"`); `Task.sphere` draws points and uses the kernel itself.

    Augmented learners see drawn views: of the eigen-coordinates on a `Task`, where views=inf is exact, of the inputs on a
    `DataTask`.  Trials of all settings of an augmentation share their samples.

    One decomposition per trial serves all ridges, rates, momenta and times.  Initial weights are drawn anew in each trial
    and belong to the signal: their mean square counts as variance.  Unstable rates give inf.  Stochastic trainings are run
    step by step on drawn batches.  One pass (`OnePassSGD`, `AcceleratedSGD`) takes no `n` and measures no `train`: it
    draws fresh eigen-coordinates, or rows of the real examples with replacement.

    Results depend on (seed, n, features, trial), not on the order or grouping of the work.  `dtype` "float64" or
    "float32"; `memory` in bytes (default half the device's), `progress` True, False or None (only in a terminal or
    notebook); `store` a folder in which finished cells are kept, so that a killed run continues.

    `members`: each trial trains so many models on one training set and measures their mean prediction; a number or an
    array, as in `predict`.

    On an `rg.Mixture`: class sizes n * prior are rounded at random, labels flipped independently; errors are exact given
    the classifier.  `separable` is the share of trials in which a plane separates the training labels; `MaxMargin` is
    averaged over those.  On an `rg.SparseRegression` fits that do not converge are left out and counted in
    `attrs["failures"]`.  On `rg.XORClusters` the network is trained in single precision: `train_accuracy`,
    `test_accuracy`, `flips_fitted` over `step`.

    Returns the variables of `predict` that can be measured (`test`, `train`, `bias`, `variance`, `noise`, `norm`), each
    with `<name>_se`, and `trials`.

    >>> import rfgen as rg
    >>> runs = rg.simulate(rg.Task.isotropic(20, noise=0.1), rg.Learner(rg.Ridge(0.1)), n=40, trials=20, seed=1)
    >>> abs(float(runs.test) - 0.19) < 5 * float(runs.test_se)
    True
    """
    if system := SYSTEMS.get(type(task)):
        rows = None if test_rows == "population" else test_rows
        numbers = None if dtype == "float64" else dtype
        resampling = getattr(learner, "resampling", None)
        refuse(task, dtype=numbers, test_rows=rows, memory=memory, members=members, resampling=resampling)
        return system.simulate(task, learner, n, trials, seed, progress, store)
    given = task
    task, axes = prepare("simulate", task, learner, n)
    assert isinstance(given, Task | DataTask) and isinstance(learner, Learner)
    count = 1
    if members is not None:
        sizes = _finite_members(task, learner, members)
        if sizes.ndim:
            common = (trials, seed, dtype, test_rows, memory, progress, store)
            return _stacked([simulate(given, learner, n, *common, members=int(size)) for size in sizes], sizes, task)
        count = int(sizes)
    if learner.augmentation is not None:
        axes = {**axes, **learner.augmentation.axes}
    models = Members(count, learner.resampling)
    trials = validation.integer("trials", trials, 1)
    seed = validation.integer("seed", seed, 0)
    if seed >= 2**63:
        raise ValueError(f"seed must be below 2^63, got {seed}")
    if dtype not in ("float32", "float64"):
        raise ValueError(f"dtype must be 'float32' or 'float64', got {dtype!r}")
    if test_rows not in ("population", "rest"):
        raise ValueError(f"test_rows must be 'population' or 'rest', got {test_rows!r}")
    refuse_stochastic(learner.training, task, learner.augmentation, test_rows)
    sizes, counts = _whole("n", axes["n"]) if "n" in axes else None, _whole("features", axes["features"])
    if sizes is not None and test_rows == "rest":
        if not isinstance(task.population, FinitePopulation):
            raise ValueError("test_rows='rest' needs a task of real examples (DataTask, Task.from_kernel)")
        examples = task.population.labels.shape[0]
        # two trials must leave some examples in common, to measure the bias on
        if (examples - sizes.max()) ** 2 < 10 * examples:
            raise ValueError(f"n must leave examples to measure on ({examples} in all), got {int(sizes.max())}")
    _refuse_resampling(learner, task)
    augmentations = [None] if learner.augmentation is None else learner.augmentation.settings
    sources = [source_of(given, task, each, learner.test_views, dtype, test_rows) for each in augmentations]
    training, noise = learner.training, np.asarray(task.noise, dtype)
    settings = settings_of(training, sources, dtype)
    available = budget(_device_bytes()) if memory is None else int(validation.positive("memory", memory, 0))
    folder = None if store is None else Store(store)
    identity = (
        __version__, task.eigenvalues, task.spectrum.multiplicity, task.power, task.null_power, task.noise,
        *(() if models == ALONE else content(models)), *_content(training, settings), seed, dtype, test_rows,
    )  # fmt: skip
    cells = [
        (None if size is None else int(size), None if np.isinf(count) else int(count))
        for size in ([None] if sizes is None else np.ravel(sizes)) for count in np.ravel(counts)
    ]  # fmt: skip
    work = []
    for (size, features), source in itertools.product(cells, sources):
        need = count * trial_bytes(source, size, features, task.outputs, settings, np.dtype(dtype).itemsize)
        point = {"n": size, "features": features}
        where = ", ".join(f"{name}={value}" for name, value in point.items() if value is not None)
        work.append(plan(2 * need, trials, available, f"a pair of trials{where and ' at '}{where}", KNOBS))
    starts = [
        initial_weights(training, task, source, features, dtype)
        for (_, features), source in itertools.product(cells, sources)
    ]
    collected = []
    with progress_bar(len(work) * trials, "simulate", progress) as bar:
        for number, (size, features) in enumerate(cells):
            spare_maps()
            here = []
            here_from = slice(number * len(sources), (number + 1) * len(sources))
            for each, source, together, initial in zip(
                augmentations, sources, work[here_from], starts[here_from], strict=True
            ):
                own = fingerprint(source)
                if each is not None:
                    own = (*own, *content(each), *content(getattr(given, "feature_map", None)))
                blocks = []
                at_once = trials_at_once(source, features, task.outputs, settings)
                for start in range(0, trials, at_once):
                    stop = min(start + at_once, trials)
                    name = content_key(*identity, *own, size, features, start, stop) if folder else ""
                    block = folder.get(name) if folder else None
                    if block is None:
                        words = trial_words(seed, size, features, start, stop)
                        block = measure(
                            source, words, size, features, settings, initial, noise, together, stop - start, bar, models
                        )
                        if folder:
                            folder.put(name, block)
                    else:
                        bar.update(stop - start)
                    blocks.append(block)
                here.append({key: np.concatenate([block[key] for block in blocks]) for key in blocks[0]})
            # (trials, settings, augmentations, outputs): the order of the dimensions
            collected.append({key: np.stack([values[key] for values in here], axis=2) for key in here[0]})
    attributes = {"seed": seed, "dtype": dtype, "test_rows": test_rows}
    if learner.augmentation is not None:
        attributes["augmentation"] = repr(learner.augmentation)
    if learner.resampling is not None:  # members see other samples
        collected = [{name: values for name, values in cell.items() if name != "train"} for cell in collected]
        attributes["resampling"] = repr(learner.resampling)
    found = _summary(task, axes, collected, trials, attributes)
    return found if members is None else found.assign_coords(members=float(count))


def _refuse_resampling(learner: Learner, task: Task) -> None:
    """Refuse what a sample cannot be drawn twice of."""
    if learner.resampling is None:
        return
    tail = isinstance(task.population, GaussianInputs) or task.spectrum.infinite
    if tail or (learner.augmentation is not None and np.isinf(learner.augmentation.axes["views"]).any()):
        raise ValueError(
            "resampling is simulated for a finite number of modes (give modes=...), of views, and not for "
            f"Task.gaussian_inputs, got {task!r}"
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


def _stacked(runs: list[Any], sizes: np.ndarray, task: Task) -> Any:
    """Runs of several ensembles along `members`, the last dimension but the outputs."""
    import xarray

    found = xarray.concat([run.drop_vars("members") for run in runs], dim="members", combine_attrs="override")
    found = found.assign_coords(members=("members", sizes))
    order = [name for name in found.dims if name not in ("members", "output")]
    return found.transpose(*order, "members", *(("output",) if task.keep_outputs else ()))


def _content(training: AbstractTraining, settings: Any) -> tuple[Any, ...]:
    """What tells a training apart; schedules by their values."""
    if isinstance(training, Ridge):
        return (np.asarray(settings),)
    return content(training if training.needs_samples else settings)


def _device_bytes() -> int | None:
    statistics = jax.devices()[0].memory_stats()
    return statistics.get("bytes_limit") if statistics else None


def _summary(
    task: Task, axes: dict[str, np.ndarray], cells: list[dict[str, np.ndarray]], trials: int, attributes: dict[str, Any]
) -> Any:
    """Means and standard errors over trials (over pairs, for bias and variance) as a Dataset."""
    statistics: dict[str, list[np.ndarray]] = {}
    for cell in cells:
        if not task.keep_outputs:
            cell = {name: values.sum(axis=-1) for name, values in cell.items()}
        pairs = cell["bias"].shape[0]
        signal = cell["signal"][: 2 * pairs]
        mean_signal = signal.reshape(pairs, 2, *signal.shape[1:]).mean(axis=1)
        with np.errstate(invalid="ignore"):  # unstable trainings give inf
            cell["variance"] = np.where(np.isinf(mean_signal), math.inf, mean_signal - cell["bias"])
        for name in (name for name in MEASURED if name in cell):
            values = cell[name]
            count = values.shape[0]
            with np.errstate(invalid="ignore"):
                mean = values.mean(axis=0) if count else np.full(values.shape[1:], np.nan)
                spread = values.std(axis=0, ddof=1) / math.sqrt(count) if count > 1 else np.full(values.shape[1:], np.nan)
            statistics.setdefault(name, []).append(mean)
            statistics.setdefault(f"{name}_se", []).append(spread)
    shape = tuple(axis.size for axis in axes.values() if axis.ndim) + ((task.outputs,) if task.keep_outputs else ())
    variables = {name: np.reshape(np.stack(values), shape) for name, values in statistics.items()}
    result = dataset(axes, variables, task, {"kind": "simulation", "trials": trials, **attributes})
    for name in set(MEASURED) & set(result):
        result[f"{name}_se"].attrs["long_name"] = f"standard error of {name}"
    return result.assign_coords(trials=trials)
