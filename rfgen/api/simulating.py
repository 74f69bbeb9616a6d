"""`simulate`: the measured curve."""

__all__ = ["simulate"]

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, overload

from rfgen.algebra.estimator import Estimator
from rfgen.api.domain_arguments import as_domains, as_task
from rfgen.api.methods.compiled import own_numbers
from rfgen.api.methods.table import method_for
from rfgen.api.nouns import AnyLearner, AnyTask, TasksOfSpaces
from rfgen.api.over_tasks import over_tasks
from rfgen.curves.arguments import Folder, Numbers
from rfgen.curves.cells.dask_engine import Dask
from rfgen.curves.cells.engines import call_in
from rfgen.curves.cells.precision import Precision, StandardError
from rfgen.curves.cells.store import checked_store
from rfgen.curves.measured import MonteCarlo
from rfgen.numerics.compilation.precision import double_precision
from rfgen.problems import validation

if TYPE_CHECKING:
    import xarray


@overload
def simulate(
    task: AnyTask, learner: AnyLearner, n: Numbers | None = None, *, trials: int = 45, seed: int = 0,
    dtype: str = "float64", test_rows: str = "population", memory: float | None = None, progress: bool | None = None,
    store: Folder | None = None, members: Numbers | None = None, weights: Mapping[str, Numbers] | None = None,
    test: Any = None, engine: Dask | None = None,
    until: StandardError | None = None, max_trials: int | None = None,
) -> "xarray.Dataset": ...
@overload
def simulate(
    task: TasksOfSpaces, learner: Estimator, n: Numbers | None = None, *, trials: int = 45, seed: int = 0,
    memory: float | None = None, progress: bool | None = None, store: Folder | None = None, test: Any = None,
    engine: Dask | None = None, until: StandardError | None = None, max_trials: int | None = None, **numbers: Any,
) -> "xarray.Dataset": ...
@over_tasks
@double_precision
def simulate(
    task: AnyTask | TasksOfSpaces, learner: AnyLearner | Estimator, n: Numbers | None = None, *,
    trials: int = 45, seed: int = 0,
    dtype: str = "float64", test_rows: str = "population", memory: float | None = None, progress: bool | None = None,
    store: Folder | None = None, members: Numbers | None = None, weights: Mapping[str, Numbers] | None = None,
    test: Any = None, engine: Dask | None = None, until: StandardError | None = None, max_trials: int | None = None,
    **numbers: Any,
) -> "xarray.Dataset":
    """The measured curve: draw training sets, fit, measure; mean and standard error over trials.

    Parameters
    ----------
    task, learner, n, members, weights, test, **numbers
        As in `predict`; n, features, members and other sizes whole numbers.
    trials
        Training sets drawn for each point, where `until` is not given.
    seed
        0 <= seed < 2^63.  A trial depends on (seed, n, features, its number), not on the order or grouping of the work.
    dtype
        "float64" or "float32".
    test_rows
        Of real examples with sampling="with replacement": "population" measures on all, as the theory describes; "rest"
        draws without and measures on those left, as it is with sampling="without replacement".
    memory
        Bytes to plan for; None: half the device's.
    progress
        Whether to show a bar; None: in a terminal or notebook.
    store
        A folder in which finished cells are kept, so that a killed run continues.  Ctrl-C returns the trials finished,
        with and without.
    engine
        `rg.Dask(client)`: the cells are measured by the workers of a cluster; None: by this process.
    until
        `rg.StandardError(relative=0.01)`: trials are drawn until the standard error of the first variable that `check`
        decides by (test; of classes the error, of networks the test_accuracy) is 1 % of it, at every setting of a point.
    max_trials
        With `until`: the most for each point.

    Returns
    -------
    xarray.Dataset
        Of the dimensions of `predict`, its variables that can be measured, each with `<name>_se`, and `trials`, by point
        where they differ.

    Raises
    ------
    ValueError, TypeError
        As in `predict`.
    MemoryError
        Before anything is drawn, with the cell that does not fit and what to lower.

    Notes
    -----
    How each method draws and fits: `print(rfgen.methods().about["ridge regression"])`.

    Examples
    --------
    >>> import rfgen as rg
    >>> runs = rg.simulate(rg.Task.isotropic(20, noise=0.1), rg.Learner(rg.Ridge(0.1)), n=40, trials=20, seed=1)
    >>> abs(float(runs.test) - 0.19) < 5 * float(runs.test_se)
    True
    """
    own_numbers(learner, "simulate", numbers)
    if store is not None:
        checked_store(store)
    asked, rows = as_domains(task, learner, n, test)
    method, options = method_for(
        "simulate", asked, learner, dtype=dtype, test_rows=test_rows, members=members, weights=weights, test=test,
    )
    about = {"task": task, "learner": learner, "n": n, "trials": trials, "seed": seed}
    precision = None
    if until is not None:
        trials, precision = _most(until, max_trials), Precision(until, method.decided[0])
        about |= {"trials": f"at most {trials}", "until": until}
    elif max_trials is not None:
        raise ValueError(f"max_trials bounds the trials of until=rg.StandardError(relative=0.01), got {max_trials!r} alone")
    runs = MonteCarlo(trials, seed, memory, progress, store)
    with call_in(engine, {name: str(value) for name, value in about.items()}, precision):
        curve = method.simulation(asked, learner, rows, runs, **options, **numbers)
    return as_task(task, asked, curve)


def _most(until: Any, max_trials: Any) -> int:
    if not isinstance(until, StandardError):
        raise ValueError(f"until must be such as rg.StandardError(relative=0.01), got {until!r}")
    if max_trials is None:
        raise ValueError(f"max_trials is missing: the most that until={until!r} may draw for each point")
    return validation.integer("max_trials", max_trials, 2)
