"""`adversarial_error`: classifiers whose test inputs are moved against their class."""

__all__ = ["adversarial_error"]

from functools import partial
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from rfgen.api.methods.classification import Arrays, axes_of, solved_classifiers, unsolved
from rfgen.api.methods.table import method_for
from rfgen.curves.arguments import Numbers
from rfgen.curves.dataset import dataset
from rfgen.curves.grid import blockwise
from rfgen.numerics.precision import double_precision
from rfgen.numerics.program import program
from rfgen.problems import validation
from rfgen.problems.classes.mixture import Mixture
from rfgen.problems.learner import Learner
from rfgen.theory.classification.margin import MarginClassifier
from rfgen.theory.classification.weight_law import adversarial_error as theory_adversarial_error

if TYPE_CHECKING:
    import xarray


@program(static_argnames="norm")
def _attacked(found: MarginClassifier, means: Any, variances: Any, classes: Any, radius: Any, norm: str) -> Any:
    attacked = jax.vmap(partial(theory_adversarial_error, norm=norm), in_axes=(0, None, None, None, 0))
    return attacked(found, means, variances, classes, radius)


@double_precision
def adversarial_error(
    mixture: Mixture, learner: Learner, n: Numbers, radius: Numbers, *, norm: str = "l2"
) -> "xarray.Dataset":
    """The exact error of a classifier whose test inputs are moved against their class.

    Parameters
    ----------
    mixture, learner, n
        As in `predict`.
    radius
        How far a test input is moved, >= 0, in units of the inputs; 0 is `predict`.
    norm
        In which distance: "l2", or "linf" (each coordinate by at most `radius`).

    Returns
    -------
    xarray.Dataset
        Over n, features, ridge and radius: `error`, `error_by_class`, `converged`.

    Raises
    ------
    ValueError
        That names the argument, or what the learner lacks.

    Notes
    -----
    Trained on clean rows; exact as in `predict`.

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
    method_for("adversarial_error", mixture, learner)
    axes = axes_of(mixture, learner, n)
    radii = validation.non_negative("radius", radius)
    if norm not in ("l2", "linf"):
        raise ValueError(f"norm must be 'l2' or 'linf', got {norm!r}")
    found = solved_classifiers(mixture, learner, axes)
    groups = mixture.groups(1.0 / mixture.shares.min())

    points, count = found.norm.shape[0], np.size(radii)
    leaves, structure = jax.tree.flatten(found)

    def record(*block: np.ndarray) -> Any:
        *solved, strength = block
        given = (groups.means, groups.variances, groups.classes, strength)
        classifiers = jax.tree.unflatten(structure, [jax.device_put(values) for values in solved])
        return Arrays({"by_class": _attacked(classifiers, *given, norm=norm)})

    columns = [*(np.repeat(np.asarray(leaf), count, axis=0) for leaf in leaves), np.tile(np.ravel(radii), points)]
    by_class = np.reshape(blockwise(record, columns)["by_class"], (points, count, -1))[:, :, :2]
    by_class = np.where(np.asarray(found.converged)[:, None, None], by_class, np.nan)
    axes = {**axes, "radius": radii}
    shape = tuple(axis.size for axis in axes.values() if axis.ndim)
    variables = {
        "error": np.reshape(by_class @ mixture.shares, shape), "error_by_class": np.reshape(by_class, (*shape, 2)),
        "converged": np.reshape(np.repeat(np.asarray(found.converged), count), shape),
    }  # fmt: skip
    attributes: dict[str, Any] = {"kind": "theory", "dtype": "float64", "source": "derived", "norm": norm}
    if not np.all(found.converged):
        attributes["failures"] = unsolved(learner, int(np.sum(~np.asarray(found.converged))))
    return dataset(axes, variables, mixture, attributes)
