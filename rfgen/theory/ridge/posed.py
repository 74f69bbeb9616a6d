"""Which form of the engine serves a task, an augmentation and a wish; many points of its curve at once."""

__all__ = ["Posed", "augmented_points", "pattern_errors", "pose", "posed_point", "posed_settings"]

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from rfgen.equivalents.augmented.pencil import Pencil
from rfgen.equivalents.operators import DiagonalOperators
from rfgen.numerics.compilation.at_points import at_points
from rfgen.numerics.compilation.caller import warn_caller
from rfgen.numerics.compilation.program import program
from rfgen.problems.augmentations.base import AbstractAugmentation
from rfgen.problems.augmentations.mixing import Mixup
from rfgen.problems.data_task import DataTask
from rfgen.problems.learner import Learner
from rfgen.problems.task import Task
from rfgen.problems.trainings.resampling import AbstractResampling
from rfgen.problems.views.view_moments import cached_moments
from rfgen.theory.ridge.block_risk import AugmentedProblem, AugmentedRisk, augmented_modes, augmented_risk, resampled
from rfgen.theory.ridge.real_features import MomentForm, pattern_features

# Patterns of views of real inputs that are told apart: each pair costs one matrix.
MOST_DATA_PATTERNS = 8
# Views drawn in all, by default, to estimate moments.
MOMENT_VIEWS = 20_000
# Numbers in the covariances of all groups up to which points are computed together.
SMALL = 2000
# Points of a pencil computed together: their quadratic forms become one matrix product.
TOGETHER = 16


@dataclass(frozen=True, eq=False)
class Posed:
    """`problem`, of which `augmentation` at a single setting, in which `form`; `replicate` (groups,) of sampled patterns or
    None, error of estimated moments or None.
    """

    problem: AugmentedProblem
    form: str
    replicate: np.ndarray | None = None
    moments_error: tuple[float, float] | None = None
    augmentation: AbstractAugmentation | None = None

    def label_noise(self, task: Task) -> Any:
        """Of each output, or of all that the problem stands for together."""
        return task.noise if self.problem.null_power.ndim else task.risk_noise

    @property
    def together(self) -> int | None:
        """Points that are best computed together; None: as many as wished, many fit into the cache at once."""
        if _small(self.problem):
            return None
        return TOGETHER if isinstance(self.problem.operators, Pencil) else 1


def _small(problem: AugmentedProblem) -> bool:
    return isinstance(problem.operators, DiagonalOperators) and problem.blocks.covariance.size <= SMALL


def posed_settings(
    task: Task | DataTask, learner: Learner, form: str | None,
    points: tuple[np.ndarray, np.ndarray, np.ndarray] | None = None,
) -> list[Posed]:
    """The problem at each setting of the learner's augmentation, one where it has none; `points` as in `pose`."""
    if form is not None and learner.augmentation is None:
        raise ValueError(f"form={form!r} needs a learner with an augmentation")
    settings: list[Any] = [None] if learner.augmentation is None else learner.augmentation.settings
    return [pose(task, one, form, learner.test_views, points, learner.resampling) for one in settings]


def pose(
    task: Task | DataTask, augmentation: AbstractAugmentation | None, form: str | None, test_views: int | None,
    points: tuple[np.ndarray, np.ndarray, np.ndarray] | None, resampling: AbstractResampling | None = None,
) -> Posed:
    """The problem at single strengths, good for `points` (n, features, ridge), or for complex ridges (`points` None), of
    models that draw their own samples from the training set by `resampling`.
    """
    # a pencil is of two groups, and bags have more
    points = points if resampling is None else None
    posed = replace(_clean(task, augmentation, form, test_views, points), augmentation=augmentation)
    return posed if resampling is None else _resampled(posed, augmentation, resampling)


def _resampled(posed: Posed, augmentation: AbstractAugmentation | None, resampling: AbstractResampling) -> Posed:
    if augmentation is not None and augmentation.mixes:
        raise ValueError(
            f"resampling is not covered for {type(augmentation).__name__}, whose views are mixtures of samples that "
            "are drawn together or apart: leave one of the two out, or simulate"
        )
    replicate = None if posed.replicate is None else np.repeat(posed.replicate, resampling.draws()[0].size)
    return replace(posed, problem=resampled(posed.problem, resampling), replicate=replicate)


def _clean(
    task: Task | DataTask, augmentation: AbstractAugmentation | None, form: str | None, test_views: int | None,
    points: tuple[np.ndarray, np.ndarray, np.ndarray] | None,
) -> Posed:
    if augmentation is None:
        return Posed(*augmented_modes(task.eigen if isinstance(task, DataTask) else task, None, form))
    if isinstance(task, Task):
        return Posed(*augmented_modes(task, augmentation, form, test_views))
    if form not in (None, "moment", "pattern"):
        raise ValueError(f"form must be 'moment', 'pattern' or None, got {form!r}")
    name = type(augmentation).__name__
    if augmentation.mixes:
        if task.feature_map is not None or not isinstance(augmentation, Mixup):
            raise ValueError(
                f"{name} mixes training inputs, and rows that share inputs are not independent: predict covers Mixup of a "
                "Task, or of a DataTask without feature map; use simulate"
            )
        return Posed(*augmented_modes(task.eigen, augmentation, form, test_views))
    patterns = augmentation.patterns(task.inputs.shape[1:])
    listable = patterns is not None and len(patterns) <= MOST_DATA_PATTERNS
    held_out = bool(np.isfinite(task.eigen.held_out_of))
    if held_out and form == "pattern":
        raise ValueError(
            "form must be 'moment' for views of rows drawn without replacement, got 'pattern': make the task with "
            "sampling='with replacement', or use rg.simulate"
        )
    if form is None:
        form = "moment" if augmentation.moments_suffice or held_out or not listable else "pattern"
        if form == "moment" and not augmentation.moments_suffice:
            why = "of rows drawn without replacement" if listable else f"in more than {MOST_DATA_PATTERNS} ways"
            warn_caller(
                f"{augmentation!r} moves a view as a whole, {why}: the moment form is used, which is an approximation "
                "here; compare with simulate"
            )
    if form == "pattern" and not listable:
        raise ValueError(
            f"form='pattern' needs an augmentation of at most {MOST_DATA_PATTERNS} patterns on real inputs, {name} has more"
        )
    # its own views alone: what others are asked for in the same call moves nothing
    asked = int(augmentation.views) if np.isfinite(augmentation.views) else 0
    views = task.moment_views or max(8, -(-MOMENT_VIEWS // task.inputs.shape[0]), asked)
    views += views % 2
    if form == "moment":
        moments = cached_moments(task, augmentation, (augmentation,), views)
        key = (id(moments), test_views)
        if key not in task.kept_moments:
            task.kept_moments[key] = MomentForm(task, moments, test_views)
        made, one = task.kept_moments[key], float(augmentation.views)
        if held_out:
            return Posed(made.held_out(one), form, None, moments.error)
        return Posed(made.problem(one, *points) if points else made.dense(one), form, None, moments.error)
    moments = cached_moments(task, augmentation, tuple(one for _, one in patterns or ()), views)
    probabilities = np.array([probability for probability, _ in patterns or ()], dtype=np.float64)
    problem, replicate = pattern_features(task, moments, probabilities, float(augmentation.views), test_views)
    return Posed(problem, form, replicate, moments.error)


@program(static_argnames=("keep_outputs", "shared"))
def augmented_points(
    problem: AugmentedProblem, n: Any, features: Any, ridge: Any, noise: Any, keep_outputs: bool, shared: str = "all"
) -> Any:
    """`AugmentedRisk` at n, features, ridge (points,), per output or summed over outputs; small problems all at once."""

    def point(n: Any, features: Any, ridge: Any) -> AugmentedRisk:
        return _point(problem, n, features, ridge, noise, keep_outputs=keep_outputs, shared=shared)

    if _small(problem):
        return jax.vmap(point)(n, features, ridge)
    return at_points(point, (n, features, ridge), TOGETHER if isinstance(problem.operators, Pencil) else None)


@program
def posed_point(problem: AugmentedProblem, n: Any, features: Any, ridge: Any, noise: Any) -> AugmentedRisk:
    """`augmented_risk` at one point, outputs summed."""
    return _point(problem, n, features, ridge, noise, keep_outputs=False)


def _point(
    problem: AugmentedProblem, n: Any, features: Any, ridge: Any, noise: Any, keep_outputs: bool, shared: str = "all"
) -> AugmentedRisk:
    one = partial(augmented_risk, shared=shared)
    if problem.null_power.ndim == 0:
        return one(problem, n, features, ridge, noise)
    axes = AugmentedProblem(None, None, problem.target.by_output, 0)
    found = jax.vmap(one, in_axes=(axes, None, None, None, 0))(problem, n, features, ridge, noise)
    if keep_outputs:
        return found
    of_all = ("amplification", "df1", "residual", "converged")
    return AugmentedRisk(**{k: leaf[0] if k in of_all else jnp.sum(leaf) for k, leaf in vars(found).items()})


@program(static_argnames="keep_outputs")
def _pattern_slopes(problem: AugmentedProblem, points: tuple[Any, Any, Any], noise: Any, keep_outputs: bool) -> Any:
    """Derivatives of test and training error in the logarithm of each group's mass, (points, 2, ..., groups)."""

    def errors(log_mass: Any, at: tuple[Any, Any, Any]) -> Any:
        there = replace(problem, blocks=replace(problem.blocks, mass=problem.blocks.mass * jnp.exp(log_mass)))
        found = _point(there, *at, noise, keep_outputs=keep_outputs)
        return jnp.stack([found.test, found.train])

    zeros = jnp.zeros_like(problem.blocks.mass)
    return jax.lax.map(lambda at: jax.jacrev(errors)(zeros, at), points)


def pattern_errors(posed: Posed, points: tuple[Any, Any, Any], noise: Any, keep_outputs: bool) -> np.ndarray:
    """Standard errors of test and training error from the sampling of patterns, (points, 2, ...): to first order in it."""
    assert posed.replicate is not None
    slopes = np.asarray(_pattern_slopes(posed.problem, points, noise, keep_outputs))
    numbers = np.unique(posed.replicate)
    parts = np.stack([slopes[..., posed.replicate == number].sum(axis=-1) for number in numbers])
    return (parts * numbers.size).std(axis=0, ddof=1) / numbers.size**0.5
