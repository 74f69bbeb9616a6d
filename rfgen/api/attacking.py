"""`adversarial_error`: classifiers whose test inputs are moved against their class."""

__all__ = ["adversarial_error"]

from functools import partial
from typing import Any

import jax
import numpy as np

from rfgen.api.methods.classification import Arrays, axes_of, groups_of, shown, solved_classifiers, unsolved
from rfgen.api.methods.table import method_for
from rfgen.curves.arguments import Dataset, Numbers
from rfgen.curves.dataset import dataset
from rfgen.curves.grid import blockwise
from rfgen.numerics.compilation.precision import double_precision
from rfgen.numerics.compilation.program import program
from rfgen.problems import validation
from rfgen.problems.classes.class_groups import ClassGroups
from rfgen.problems.classes.mixture import Mixture
from rfgen.problems.classes.teacher import Teacher
from rfgen.problems.learner import Learner
from rfgen.problems.trainings.classifier import rule_of
from rfgen.theory.classification.margin import MarginClassifier
from rfgen.theory.classification.weight_law import adversarial_error as theory_adversarial_error


@program(static_argnames="norm")
def _attacked(found: MarginClassifier, means: Any, variances: Any, classes: Any, radius: Any, norm: str) -> Any:
    attacked = jax.vmap(partial(theory_adversarial_error, norm=norm), in_axes=(0, None, None, None, 0))
    return attacked(found, means, variances, classes, radius)


@double_precision
def adversarial_error(
    task: Mixture | ClassGroups, learner: Learner, n: Numbers | None, radius: Numbers, *, norm: str = "l2"
) -> Dataset:
    """The exact error of a classifier whose test inputs are moved against their class.

    Parameters
    ----------
    task, learner, n
        As in `predict`; n None: as many rows as the groups say.
    radius
        How far a test input is moved, >= 0, in units of the inputs; 0 is `predict`.
    norm
        In which distance: "l2", or "linf" (each coordinate by at most `radius`).

    Returns
    -------
    xarray.Dataset
        Over n, features, ridge and radius: `error`, `error_by_class` or `error_by_group`, `converged`.

    Raises
    ------
    ValueError
        That names the argument, or what the learner lacks.

    Notes
    -----
    Trained on clean rows, or for one radius by `rg.AdversarialTraining`; exact as in `predict`.

    References
    ----------
    Derived: `rfgen.theory.classification`.

    Examples
    --------
    >>> import rfgen as rg
    >>> mixture = rg.Mixture(mean=[2.0] + [0.0] * 99, covariance=[1.0] * 100)
    >>> under = rg.adversarial_error(mixture, rg.Learner(rg.Ridge(10.0)), n=200, radius=[0.0, 0.5])
    >>> bool(under.error[1] > under.error[0]), under.error_by_class.dims
    (True, ('radius', 'class'))
    """
    method_for("adversarial_error", task, learner)
    if isinstance(task, Teacher):
        raise ValueError(
            f"task must be an rg.Mixture or rg.ClassGroups for adversarial_error, got {task!r}: rg.predict gives "
            "robust_error of rg.AdversarialTraining"
        )
    axes = axes_of(task, learner, n)
    radii = validation.non_negative("radius", radius)
    if norm not in ("l2", "linf"):
        raise ValueError(f"norm must be 'l2' or 'linf', got {norm!r}")
    if np.ndim(axes.get("radius", 0.0)):
        raise ValueError(f"radius of a training must be one number for adversarial_error, got {axes['radius'].tolist()}")
    fields = solved_classifiers(task, learner, axes)
    groups, inner = groups_of(task), shown(task)
    names = list(MarginClassifier.__dataclass_fields__)[:-1]
    points, count, converged = fields["norm"].size, np.size(radii), fields["converged"]

    def record(*block: np.ndarray) -> Any:
        *solved, strength = block
        classifiers = MarginClassifier(*(jax.device_put(values) for values in solved), loss=rule_of(learner.training)[0])
        by_group = _attacked(classifiers, groups.means, groups.variances, groups.classes, strength, norm=norm)
        return Arrays({"by_group": by_group})

    columns = [*(np.repeat(fields[name], count, axis=0) for name in names), np.tile(np.ravel(radii), points)]
    by_group = blockwise(record, columns)["by_group"]
    by_group = np.where(np.repeat(converged, count)[:, None], by_group, np.nan)
    axes = {**axes, "radius": radii}
    shape = tuple(axis.size for axis in axes.values() if axis.ndim)
    kind = next(iter(inner))
    variables = {
        "error": np.reshape(by_group @ groups.test_shares, shape),
        f"error_by_{kind}": np.reshape(by_group[:, : inner[kind].size], (*shape, inner[kind].size)),
        "converged": np.reshape(np.repeat(converged, count), shape),
    }
    attributes: dict[str, Any] = {"kind": "theory", "dtype": "float64", "source": "derived", "norm": norm}
    if not converged.all():
        attributes["failures"] = unsolved(learner, int(np.sum(~converged)))
    return dataset(axes, variables, task, attributes, inner)
