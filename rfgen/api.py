"""The verbs: arrays in, xarray out.

Each opens a 64-bit scope of its own and leaves the process's flag alone; each takes plain numbers and arrays, broadcasts
them to named dimensions (the outer product), and refuses tracers: under jit, grad or vmap use `rfgen.theory`.
"""

__all__ = ["check", "optimal_ridge", "predict", "simulate"]

import itertools
import math
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from rfgen._version import __version__
from rfgen.comparison.agreement import FINITE_SIZE, FLOOR, ROUNDING, allowance, standard_score
from rfgen.comparison.report import Report
from rfgen.execution.content import content
from rfgen.execution.memory import budget, plan
from rfgen.execution.progress import progress_bar
from rfgen.execution.store import Store, content_key
from rfgen.numerics.precision import double_precision
from rfgen.problems import validation
from rfgen.problems.data_task import DataTask
from rfgen.problems.learner import Learner
from rfgen.problems.modes import Modes
from rfgen.problems.population import FinitePopulation
from rfgen.problems.task import Task
from rfgen.simulation.trials import fingerprint, measure, settings, source_of, trial_bytes, trial_keys
from rfgen.theory.augmented_problem import augmented_points, pattern_errors, pose
from rfgen.theory.optimal_ridge import optimal_ridge as theory_optimal_ridge
from rfgen.theory.risk import risk as theory_risk

# Points are computed in blocks of these sizes, padded: two shapes compiled, whatever the grid.  1,024 points by 160 modes
# stay in the second-level cache (2.5 us a point); 4,096 do not (6.7 us).
BLOCKS = (64, 1024)
# Points of a problem of many patterns or of matrices, computed one after another.
LARGE_BLOCKS = (1, 16)
# Degrees of freedom per example of a finite population beyond which repeated rows are seen: at 0.067 (a neural tangent
# kernel on 200 of 1,797 digits) the test risk is 3 % above theory and the training error 10 % below.
MOST_DF1_PER_EXAMPLE = 0.03
# Trials of one stored cell; a killed run loses at most these.
CELL_TRIALS = 32

DESCRIPTIONS = {
    "test": "test risk, label noise included",
    "train": "training error (mean squared residual)",
    "bias": "squared error of the mean predictor",
    "variance": "variance from the draw of samples and features",
    "noise": "part of the test risk linear in the noise variance",
    "norm": "mean squared norm of the weights",
    "amplification": "factor on every error source; overfitting coefficient at ridge 0",
    "data_variance": "variance from the draw of samples",
    "features_variance": "variance from the draw of features",
    "test_pattern_se": "standard error of test from sampled patterns",
    "train_pattern_se": "standard error of train from sampled patterns",
    "kappa": "effective ridge of the samples",
    "gamma": "effective ridge of samples and features",
    "df1": "degrees of freedom, the sum of all learnabilities",
    "residual": "relative residual of the equilibrium",
    "converged": "whether the equilibrium was solved",
    "n": "samples",
    "features": "random features",
    "ridge": "ridge (unnormalised)",
    "views": "views per sample",
    "output": "output",
}
MEASURED = ("test", "train", "bias", "variance", "noise", "norm")


def _prepare(verb: str, task: Any, learner: Any, n: Any) -> tuple[Task, dict[str, np.ndarray]]:
    """Check the nouns; return the task in eigen-coordinates and the axes of the outer product."""
    if isinstance(task, DataTask):
        task = task.eigen
    if not isinstance(task, Task):
        raise ValueError(f"task must be an rg.Task or rg.DataTask, got {type(task).__name__}")
    if not isinstance(learner, Learner):
        raise ValueError(f"learner must be an rg.Learner, got {type(learner).__name__}")
    axes = {"n": validation.positive("n", n), "features": learner.features, "ridge": learner.training.ridge}
    return task, axes


def _dataset(axes: dict[str, np.ndarray], variables: dict[str, np.ndarray], task: Task, attributes: dict[str, Any]) -> Any:
    """An xarray Dataset over the axes that are arrays; scalars become scalar coordinates."""
    import xarray

    dims = [name for name, axis in axes.items() if axis.ndim]
    coords = {name: ((name,) if axis.ndim else (), axis) for name, axis in axes.items()}
    if task.keep_outputs:
        dims.append("output")
        coords["output"] = (("output",), np.arange(task.outputs))
    data = {}
    for name, values in variables.items():
        own = dims if values.ndim == len(dims) else dims[:-1]
        data[name] = (own, values, {"long_name": DESCRIPTIONS.get(name, name)})
    result = xarray.Dataset(data, coords, {"rfgen_version": __version__, "task": repr(task), **attributes})
    for name in coords:
        result[name].attrs["long_name"] = DESCRIPTIONS.get(name, name)
    return result


def _over_modes(function: Callable[..., Any], keep_outputs: bool) -> Callable[..., Any]:
    """Map `function(modes, ..., noise)` over the outputs when they are kept; the equilibrium is solved once for all."""
    if not keep_outputs:
        return function
    outputs = Modes(None, None, 0, 0, None, None, None)

    def mapped(modes: Modes, *arguments: Any) -> Any:
        *shared, noise = arguments
        return jax.vmap(lambda m, s: function(m, *shared, s), in_axes=(outputs, 0))(modes, noise)

    return mapped


@partial(jax.jit, static_argnames="keep_outputs")
def _risks(modes: Modes, n: Any, features: Any, ridge: Any, noise: Any, keep_outputs: bool) -> Any:
    point = _over_modes(theory_risk, keep_outputs)
    return jax.vmap(point, in_axes=(None, 0, 0, 0, None))(modes, n, features, ridge, noise)


@partial(jax.jit, static_argnames="keep_outputs")
def _optimal_ridges(modes: Modes, n: Any, features: Any, noise: Any, keep_outputs: bool) -> Any:
    point = _over_modes(theory_optimal_ridge, keep_outputs)
    return jax.lax.map(lambda at: point(modes, *at, noise), (n, features))


def _blockwise(
    function: Callable[..., Any], columns: list[np.ndarray], blocks: tuple[int, int] = BLOCKS
) -> dict[str, np.ndarray]:
    """`function(*columns)`, a record of arrays with leading dimension points, in padded blocks."""
    count = columns[0].size
    size = blocks[0] if count <= blocks[0] else blocks[1]
    pieces = []
    for start in range(0, count, size):
        block = [column[start : start + size] for column in columns]
        length = block[0].size
        padded = [np.concatenate([column, np.full(size - length, column[0])]) for column in block]
        pieces.append((length, function(*padded)))
    names = vars(pieces[0][1]).keys()
    return {
        name: np.concatenate([np.asarray(getattr(record, name))[:length] for length, record in pieces]) for name in names
    }


@double_precision
def predict(task: Task | DataTask, learner: Learner, n: Any, form: str | None = None) -> Any:
    """The exact curve: an xarray Dataset over every argument given as an array.

    Parameters: `task` (what is learned), `learner` (who learns), `n` the number of samples, a number > 0 or an array (n,).
    Dimensions `n`, `features`, `ridge`, `views` and strengths of an augmentation, and `output` if the task keeps its outputs;
    scalars are scalar coordinates.

    Variables, each over all dimensions: `test` = `bias` + `variance` + `noise` (risks, in units of the target squared),
    `train`, `norm`, `amplification`; diagnostics `kappa`, `gamma`, `df1`, `residual`, `converged`.  A divergent point is
    inf; a point whose equilibrium was not solved is NaN with `converged` False and a reason in `attrs["failures"]`.

    With an augmentation: `data_variance` + `features_variance` = `variance` in place of `kappa`, `gamma`.  `form` "moment"
    or "pattern" forces one of the two deterministic equivalents; None takes the right one, and `attrs["form"]` says which.
    Where patterns are sampled, `test_pattern_se`, `train_pattern_se` are the standard errors from it; moments estimated from
    real inputs give `attrs["moments_error"]`, their relative standard errors.

    Regime and sources: `rfgen.theory.risk`, `augmented_risk`.  Costs 2-5 (augmented 20-80) microseconds a point, whatever the
    number of modes.

    >>> import rfgen as rg
    >>> task = rg.Task.power_law(alpha=1.5, beta=1.5, noise=0.5, modes=10_000)
    >>> curve = rg.predict(task, rg.Learner(rg.Ridge([1e-3, 0.1]), features=256), n=[64, 256, 1024])
    >>> curve.test.dims, curve.test.values[2].round(6)
    (('n', 'ridge'), array([0.937271, 0.873427]))
    """
    given = task
    task, axes = _prepare("predict", task, learner, n)
    mesh = np.meshgrid(*axes.values(), indexing="ij")
    columns = [np.ravel(part) for part in mesh]
    if learner.augmentation is not None:
        return _predict_augmented(given, task, learner, axes, columns, form)
    if form is not None:
        raise ValueError(f"form={form!r} needs a learner with an augmentation")
    values = _blockwise(lambda *at: _risks(task.modes, *at, task.risk_noise, keep_outputs=task.keep_outputs), columns)
    shape = tuple(axis.size for axis in axes.values() if axis.ndim)
    inner = (task.outputs,) if task.keep_outputs else ()
    values = {name: np.reshape(column, shape + inner) for name, column in values.items()}
    variables, failures = _judged(task, axes, columns, values)
    _warn_small_population(task, variables["df1"])
    attributes = {"kind": "theory", "dtype": "float64", "source": "arXiv 2311.14646; norm and parts derived", **failures}
    return _dataset(axes, variables, task, attributes)


def _predict_augmented(
    given: Task | DataTask, task: Task, learner: Learner, axes: dict[str, np.ndarray], columns: list[np.ndarray],
    form: str | None,
) -> Any:  # fmt: skip
    """The curve of an augmented learner: one problem for each setting of the augmentation, over all points."""
    augmentation = learner.augmentation
    assert augmentation is not None
    axes = {**axes, **augmentation.axes}
    noise = task.noise if isinstance(given, DataTask) and not augmentation.mixes else task.risk_noise
    most_views = float(np.max(augmentation.axes["views"]))
    collected, used, errors = [], [], []
    for each in settings(augmentation):
        posed = pose(given, each, form, learner.test_views, (columns[0], columns[1], columns[2]), most_views)
        points = partial(augmented_points, posed.problem, noise=noise, keep_outputs=task.keep_outputs)
        values = _blockwise(points, columns, BLOCKS if posed.small else LARGE_BLOCKS)
        if posed.replicate is not None:
            spread = pattern_errors(posed, *columns, noise, task.keep_outputs)
            values |= {"test_pattern_se": spread[:, 0], "train_pattern_se": spread[:, 1]}
        collected.append(values)
        used.append(posed.form)
        errors.append(posed.moments_error)
    names = {name: None for values in collected for name in values}  # pattern errors only where patterns were sampled
    count = int(np.prod([axis.size for axis in augmentation.axes.values()]))
    columns = [np.repeat(column, count) for column in columns]
    merged = {
        name: np.stack([values.get(name, np.zeros_like(values["test"])) for values in collected], axis=1) for name in names
    }
    inner = (task.outputs,) if task.keep_outputs else ()
    shape = tuple(axis.size for axis in axes.values() if axis.ndim)
    variables, failures = _judged(
        task, axes, columns, {name: np.reshape(column, (*shape, *inner)) for name, column in merged.items()}
    )
    _warn_small_population(task, variables["df1"])
    attributes = {
        "kind": "theory", "dtype": "float64", "source": "derived; question of arXiv 2605.10290",
        "augmentation": repr(augmentation), "form": " ".join(dict.fromkeys(used)), **failures,
    }  # fmt: skip
    if errors[0] is not None:
        attributes["moments_error"] = np.max(errors, axis=0).tolist()
    if learner.test_views is not None:
        attributes["test_views"] = learner.test_views
    return _dataset(axes, variables, task, attributes)


def _judged(
    task: Task, axes: dict[str, np.ndarray], columns: list[np.ndarray], values: dict[str, np.ndarray]
) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """NaN, with a reason, where a point could not be solved; diagnostics without their dimension `output`."""
    shape = tuple(axis.size for axis in axes.values() if axis.ndim)
    beyond = np.reshape(np.minimum(columns[0], columns[1]) > task.spectrum.resolved, shape)
    beyond = beyond[..., None] if task.keep_outputs else beyond
    unsolved = ~values["converged"] | np.isnan(values["test"])
    solved = ~(unsolved | beyond)
    failures = []
    if beyond.any():
        failures.append(f"min(n, features) above {task.spectrum.resolved:.4g}: the infinite tail is not resolved there")
    if (unsolved & ~beyond).any():
        residuals = values["residual"][unsolved & ~beyond]
        failures.append(f"{residuals.size} equilibria not solved in double precision, residual {np.max(residuals):.2g}")
    variables = {
        name: column if name in ("converged", "residual") else np.where(solved, column, np.nan)
        for name, column in values.items()
    }
    variables["converged"] = solved
    for name in {"kappa", "gamma", "df1", "residual", "converged"} & variables.keys():
        variables[name] = variables[name][..., 0] if task.keep_outputs else variables[name]
    return variables, {"failures": "; ".join(failures)} if failures else {}


def _warn_small_population(task: Task, df1: np.ndarray) -> None:
    """Say so where a finite population is too small: its rows repeat, and a learner that fits them exactly knows them."""
    if not isinstance(task.population, FinitePopulation):
        return
    examples = task.population.labels.shape[0]
    share = float(np.nanmax(df1)) / examples
    if share > MOST_DF1_PER_EXAMPLE:
        warnings.warn(
            f"degrees of freedom reach {share:.2g} of the {examples} examples of the population: rows drawn from so few "
            f"examples repeat, and theory and simulation differ by a relative error of about that size; use smaller n, "
            "a larger ridge, or more examples",
            stacklevel=4,
        )


@double_precision
def optimal_ridge(task: Task | DataTask, learner: Learner, n: Any) -> Any:
    """The ridge that minimises the exact test risk at each n and number of features, and the curve there.

    The learner's own ridge plays no part.  Returns a Dataset over `n` and `features` with `ridge` (0: no ridge is better;
    inf: predicting zero is best) and the variables of `predict` at that ridge.

    >>> import rfgen as rg
    >>> best = rg.optimal_ridge(rg.Task.isotropic(100, noise=0.5), rg.Learner(rg.Ridge()), n=[50, 200])
    >>> best.ridge.values.round(4)  # dim * noise / signal
    array([50., 50.])
    """
    task, axes = _prepare("optimal_ridge", task, learner, n)
    axes.pop("ridge")
    mesh = [np.ravel(part) for part in np.meshgrid(*axes.values(), indexing="ij")]
    best = _optimal_ridges(task.modes, *mesh, task.risk_noise, keep_outputs=task.keep_outputs)
    shape = tuple(axis.size for axis in axes.values() if axis.ndim) + ((task.outputs,) if task.keep_outputs else ())
    values = {
        name: np.reshape(np.asarray(column), shape) for name, column in {"ridge": best.ridge, **vars(best.risk)}.items()
    }
    _warn_small_population(task, values["df1"])
    return _dataset(axes, values, task, {"kind": "theory", "dtype": "float64"})


def _whole(name: str, values: np.ndarray) -> np.ndarray:
    finite = values[np.isfinite(values)]
    if (finite != np.round(finite)).any():
        raise ValueError(f"{name} must be whole numbers for a simulation, got {values.tolist()}")
    return values


@double_precision
def simulate(
    task: Task | DataTask,
    learner: Learner,
    n: Any,
    trials: int = 45,
    seed: int = 0,
    dtype: str = "float64",
    test_rows: str = "population",
    memory: float | None = None,
    progress: bool | None = None,
    store: Any = None,
) -> Any:
    """The measured curve: draw training sets, fit the estimator, measure; mean and standard error over `trials`.

    Gaussian tasks draw eigen-coordinates; `DataTask` and `Task.from_kernel` draw rows of the real examples, with
    replacement and measured on all of them (`test_rows="population"`, what the theory describes) or without and measured
    on those left (`test_rows="rest"`); `Task.sphere` draws points and uses the kernel itself.

    Augmented learners see drawn views: of the eigen-coordinates on a `Task`, where views=inf is exact, of the inputs on a
    `DataTask`.  Trials of all settings of an augmentation share their samples.

    One decomposition per trial serves all ridges.  Results depend on (seed, n, features, trial), not on the order or
    grouping of the work.  `dtype` "float64" or "float32"; `memory` in bytes (default half the device's), `progress` True,
    False or None (only in a terminal or notebook); `store` a folder in which finished cells are kept, so that a killed run
    continues.

    Returns the variables of `predict` that can be measured (`test`, `train`, `bias`, `variance`, `noise`, `norm`), each
    with `<name>_se`, and `trials`.

    >>> import rfgen as rg
    >>> runs = rg.simulate(rg.Task.isotropic(20, noise=0.1), rg.Learner(rg.Ridge(0.1)), n=40, trials=20, seed=1)
    >>> abs(float(runs.test) - 0.19) < 5 * float(runs.test_se)
    True
    """
    given = task
    task, axes = _prepare("simulate", task, learner, n)
    if learner.augmentation is not None:
        axes = {**axes, **learner.augmentation.axes}
    trials = validation.integer("trials", trials, 1)
    seed = validation.integer("seed", seed, 0)
    if seed >= 2**63:
        raise ValueError(f"seed must be below 2^63, got {seed}")
    if dtype not in ("float32", "float64"):
        raise ValueError(f"dtype must be 'float32' or 'float64', got {dtype!r}")
    if test_rows not in ("population", "rest"):
        raise ValueError(f"test_rows must be 'population' or 'rest', got {test_rows!r}")
    sizes, counts = _whole("n", axes["n"]), _whole("features", axes["features"])
    if test_rows == "rest":
        if not isinstance(task.population, FinitePopulation):
            raise ValueError("test_rows='rest' needs a task of real examples (DataTask, Task.from_kernel)")
        examples = task.population.labels.shape[0]
        # two trials must leave some examples in common, to measure the bias on
        if (examples - sizes.max()) ** 2 < 10 * examples:
            raise ValueError(f"n must leave examples to measure on ({examples} in all), got {int(sizes.max())}")
    if np.max(axes["ridge"]) > np.finfo(dtype).max:
        raise ValueError(f"ridge must fit into {dtype}, got {np.max(axes['ridge']):g}; use dtype='float64'")
    augmentations = settings(learner.augmentation)
    sources = [source_of(given, task, each, learner.test_views, dtype, test_rows) for each in augmentations]
    ridges, noise = jnp.asarray(np.atleast_1d(axes["ridge"]), dtype), jnp.asarray(task.noise, dtype)
    available = budget(_device_bytes()) if memory is None else int(validation.positive("memory", memory, 0))
    folder = None if store is None else Store(store)
    identity = (
        __version__, task.eigenvalues, task.spectrum.multiplicity, task.power, task.null_power, task.noise,
        np.asarray(ridges), seed, dtype, test_rows,
    )  # fmt: skip
    cells = [(int(size), None if np.isinf(count) else int(count)) for size in np.ravel(sizes) for count in np.ravel(counts)]
    work = []
    for (size, features), source in itertools.product(cells, sources):
        need = trial_bytes(source, size, features, ridges.size * 2 * task.outputs, np.dtype(dtype).itemsize)
        also = "" if features is None else f", features={features}"
        work.append(plan(2 * need, trials, available, f"a pair of trials at n={size}{also}", "n or the modes"))
    collected = []
    with progress_bar(len(work) * trials, "simulate", progress) as bar:
        for number, (size, features) in enumerate(cells):
            here = []
            for each, source, together in zip(augmentations, sources, work[number * len(sources) :], strict=False):
                own = fingerprint(source)
                if each is not None:
                    own = (*own, *content(each), *content(getattr(given, "feature_map", None)))
                blocks = []
                for start in range(0, trials, CELL_TRIALS):
                    stop = min(start + CELL_TRIALS, trials)
                    name = content_key(*identity, *own, size, features, start, stop) if folder else ""
                    block = folder.get(name) if folder else None
                    if block is None:
                        keys = trial_keys(seed, size, features, start, stop)
                        block = measure(source, keys, size, features, ridges, noise, together, stop - start, bar)
                        if folder:
                            folder.put(name, block)
                    else:
                        bar.update(stop - start)
                    blocks.append(block)
                here.append({key: np.concatenate([block[key] for block in blocks]) for key in blocks[0]})
            # (trials, ridges, settings, outputs): the order of the dimensions
            collected.append({key: np.stack([values[key] for values in here], axis=2) for key in here[0]})
    attributes = {"seed": seed, "dtype": dtype, "test_rows": test_rows}
    if learner.augmentation is not None:
        attributes["augmentation"] = repr(learner.augmentation)
    return _summary(task, axes, collected, trials, attributes)


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
        cell["variance"] = signal.reshape(pairs, 2, *signal.shape[1:]).mean(axis=1) - cell["bias"]
        for name in MEASURED:
            values = cell[name]
            count = values.shape[0]
            mean = values.mean(axis=0) if count else np.full(values.shape[1:], np.nan)
            spread = values.std(axis=0, ddof=1) / math.sqrt(count) if count > 1 else np.full(values.shape[1:], np.nan)
            statistics.setdefault(name, []).append(mean)
            statistics.setdefault(f"{name}_se", []).append(spread)
    shape = tuple(axis.size for axis in axes.values() if axis.ndim) + ((task.outputs,) if task.keep_outputs else ())
    variables = {name: np.reshape(np.stack(values), shape) for name, values in statistics.items()}
    result = _dataset(axes, variables, task, {"kind": "simulation", "trials": trials, **attributes})
    for name in MEASURED:
        result[f"{name}_se"].attrs["long_name"] = f"standard error of {name}"
    return result.assign_coords(trials=trials)


def check(
    task: Task | DataTask,
    learner: Learner,
    n: Any,
    trials: int = 45,
    seed: int = 0,
    variables: str | tuple[str, ...] = ("test", "train"),
    threshold: float = 4.0,
    finite_size: float = FINITE_SIZE,
    form: str | None = None,
    **simulation: Any,
) -> Report:
    """Theory beside simulation, with the z-score of every point; prints as a table, `.agrees` is the verdict.

    A point agrees when theory and measurement differ by at most `threshold` standard errors plus the finite-size
    allowance `finite_size * theory * amplification * (1/n + 1/features)`, which vanishes as sizes grow.  `variables` are
    those that decide; `.dataset` holds all six.  `form` goes to `predict`, whose error from sampled patterns is added to the
    measurement's; further arguments go to `simulate`.

    >>> import rfgen as rg
    >>> report = rg.check(rg.Task.isotropic(20, noise=0.1), rg.Learner(rg.Ridge(0.1)), n=[40, 80], trials=20)
    >>> report.agrees
    True
    """
    variables = (variables,) if isinstance(variables, str) else tuple(variables)
    unknown = set(variables) - set(MEASURED)
    if unknown or not variables:
        raise ValueError(f"variables must be among {', '.join(MEASURED)}, got {variables!r}")
    if validation.integer("trials", trials, 2) < 4 and {"bias", "variance"} & set(variables):
        raise ValueError(f"trials must be >= 4 to judge bias and variance, got {trials}")
    theory = predict(task, learner, n, form)
    measured = simulate(task, learner, n, trials, seed, **simulation)
    dtype = measured.attrs["dtype"]
    scale = (task.eigen if isinstance(task, DataTask) else task).null_risk
    data = {}
    for name in MEASURED:
        n_there, features_there = (
            theory[size].broadcast_like(theory[name]).transpose(*theory[name].dims) for size in ("n", "features")
        )
        granted = allowance(theory[name], theory["amplification"], n_there, features_there, finite_size)
        granted = granted + ROUNDING[dtype] * np.abs(theory[name].values)
        error = measured[f"{name}_se"]
        if f"{name}_pattern_se" in theory:
            error = np.hypot(error, theory[f"{name}_pattern_se"])
        floor = FLOOR[dtype] * (float(np.nanmax(np.abs(measured[name]))) if name == "norm" else scale)
        z = standard_score(theory[name], measured[name], error, floor)
        data |= {
            f"{name}_theory": theory[name], f"{name}_simulation": measured[name], f"{name}_se": error,
            f"{name}_z": theory[name].copy(data=z), f"{name}_allowance": theory[name].copy(data=granted),
        }  # fmt: skip
    import xarray

    dataset = xarray.Dataset(data, attrs={**measured.attrs, "threshold": threshold, "finite_size": finite_size})
    return Report(dataset, tuple(variables), threshold, f"{task!r}" if isinstance(task, Task) else repr(task.eigen))
