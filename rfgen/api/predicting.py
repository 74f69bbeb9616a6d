"""`predict`: the exact curve."""

__all__ = ["predict"]

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from rfgen.algebra.estimator import Estimator
from rfgen.api.domain_arguments import as_domains, as_task
from rfgen.api.finite_size import with_finite_size
from rfgen.api.methods.compiled import own_numbers
from rfgen.api.methods.table import method_for
from rfgen.api.nouns import AnyLearner, AnyTask, TasksOfSpaces, in_modes
from rfgen.api.over_tasks import over_tasks
from rfgen.curves.arguments import Numbers
from rfgen.curves.dataset import described
from rfgen.numerics.compilation.precision import double_precision
from rfgen.problems.data_task import DataTask
from rfgen.problems.task import Task

if TYPE_CHECKING:
    import xarray

CLASSICAL = "classical"


@overload
def predict(
    task: AnyTask, learner: AnyLearner, n: Numbers | None = None, *, form: str | None = None, by_mode: bool = False,
    members: Numbers | None = None, weights: Mapping[str, Numbers] | None = None, test: Any = None,
    split: str | None = None,
) -> "xarray.Dataset": ...
@overload
def predict(task: TasksOfSpaces, learner: Estimator, n: Numbers | None = None, *, test: Any = None, **numbers: Any
) -> "xarray.Dataset": ...
@over_tasks
@double_precision
def predict(
    task: AnyTask | TasksOfSpaces, learner: AnyLearner | Estimator, n: Numbers | None = None, *, form: str | None = None,
    by_mode: bool = False, members: Numbers | None = None, weights: Mapping[str, Numbers] | None = None,
    test: Any = None, split: str | None = None, **numbers: Any,
) -> "xarray.Dataset":
    """The exact curve of a learner on a task.

    Parameters
    ----------
    task
        What is learned.
    learner
        Who learns; settings given as arrays (features, ridge, steps, views, ...) are dimensions of the curve.
    n
        Number of training samples, > 0; None for trainings on fresh samples.  Of an `rg.Domains`: {name: rows}, >= 0.
    form
        "moment" or "pattern" forces one of the two deterministic equivalents of an augmentation; None: the right one.
    by_mode
        One pass of SGD on the kernel's own modes: also the error of each mode.
    members
        Models in an ensemble, >= 1 or inf: their mean prediction.  None: one model.
    **numbers
        Of an `rg.algebra.Estimator`: sizes and scalars by the names that its expression gives them.
    weights
        {name: weight of the rows}, >= 0, of some domains of an `rg.Domains`; None: 1.
    test
        Where the model is used, if not where the rows are from: names of domains, or a population (`rg.Domain`, `rg.Task`)
        or {name: population}; a task takes it too, such as test=task.shifted(overlap=0.8).  None: every domain.
        Of an `rg.algebra.Estimator`: the task tested, or the name of the sample space whose task it is; None: the one
        task that there is.
    split
        "classical": the parts of textbooks alone, `bias` (squared), `variance` with that of fitted noise, `irreducible`.
        None: these, called `variance_with_noise`, beside `variance` without it and all that is linear in `noise`.

    Returns
    -------
    xarray.Dataset
        Over every argument and setting that is an array (the outer product), and over `output` if the task keeps its
        outputs; what is a number is a scalar coordinate.  Risks are in units of the target squared.  A divergent point is
        inf; one that was not solved is NaN with `converged` False and a reason in `attrs["failures"]`.  `finite_size` is
        the relative error to be expected at this n and number of features; beyond 5 % there is a warning.

    Raises
    ------
    ValueError
        Bad input, or an option that the method does not cover: one sentence with the remedy.
    TypeError
        A tracer: under jit, grad or vmap use `rfgen.theory`.

    Notes
    -----
    `noise` is not the noise variance: it is all of the test risk that is linear in it, that of the test label and what
    fitted noise adds; and `variance` is without the latter.  The usual split of textbooks is `bias` (squared),
    `variance_with_noise` and `irreducible`, with the same sum `test`.

    Which variables there are, in what regime they are exact and where they come from is told by the method that serves
    task and learner: `rfgen.methods()` lists them, `print(rfgen.methods().about["ridge regression"])` explains one.

    Examples
    --------
    >>> import rfgen as rg
    >>> task = rg.Task.power_law(alpha=1.5, beta=1.5, noise=0.5, modes=10_000)
    >>> curve = rg.predict(task, rg.Learner(rg.Ridge([1e-3, 0.1]), features=256), n=[64, 256, 1024])
    >>> curve.test.dims, curve.test.values[2].round(6)
    (('n', 'ridge'), array([0.937271, 0.873427]))
    """
    own_numbers(learner, "predict", numbers)
    if split not in (None, CLASSICAL):
        raise ValueError(f"split must be {CLASSICAL!r} or None, got {split!r}")
    asked, rows = as_domains(task, learner, n, test)
    method, options = method_for(
        "predict", asked, learner, form=form, by_mode=by_mode, members=members, weights=weights, test=test,
    )
    curve = as_task(task, asked, method.theory(asked, learner, rows, **options, **numbers))
    curve = with_finite_size(asked, _with_usual_parts(asked, curve), method.decided[0])
    return curve if split is None else _classical(curve, method.name)


def _classical(curve: "xarray.Dataset", name: str) -> "xarray.Dataset":
    """Without the parts that textbooks do not have."""
    if "variance_with_noise" not in curve:
        raise ValueError(f"split={CLASSICAL!r} needs bias and variance, which {name} has none of: leave split out")
    return curve.drop_vars(["variance", "noise"]).rename(variance_with_noise="variance").assign_attrs(split=CLASSICAL)


def _with_usual_parts(task: AnyTask | TasksOfSpaces, curve: "xarray.Dataset") -> "xarray.Dataset":
    """The curve with the split of textbooks: bias (squared), variance with that of noise, irreducible noise."""
    if not (isinstance(task, Task | DataTask) and {"bias", "variance", "noise"} <= set(curve)):
        return curve
    sigma = in_modes(task).risk_noise
    added = np.maximum(curve.noise.values - sigma, 0.0)
    irreducible = np.where(np.isnan(curve.noise), np.nan, sigma)
    parts = {"variance_with_noise": curve.variance.values + added, "irreducible": irreducible}
    return curve.assign({name: (curve.noise.dims, part, described(name)) for name, part in parts.items()})
