"""Augmented training sets and test points in eigen-coordinates.

The objective sum_i (mean over views of (y_i - f(view_i))^2) + ridge |w|^2 is plain ridge regression on all views, with rows
and labels divided by sqrt(views): what the samplers here draw, from one of `samplers.py` inside.
"""

__all__ = ["AugmentedSampler", "AveragedSampler", "LimitSampler", "augmented"]

import math
from dataclasses import dataclass, field, fields, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from rfgen.problems.augmentations.base import AbstractAugmentation
from rfgen.problems.augmentations.mixing import Mixup
from rfgen.problems.augmentations.noise import GaussianNoise
from rfgen.problems.mode_law import ModeLaw
from rfgen.problems.task import Task
from rfgen.simulation.samplers import FiniteSampler, GaussianSampler, Sample, SphereSampler, mode_levels

# Views are drawn with a key of their own, so that the samples are those of the plain learner.
VIEWS = 0x76696577
# Fresh test points of a pair of trials, where predictions average over views.
TEST_POINTS = 1000


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class AugmentedSampler:
    """`views` views of every sample of `base`, and their labels; a sample's label noise is drawn once."""

    base: Any
    augmentation: AbstractAugmentation = field(metadata={"static": True})
    views: int = field(metadata={"static": True})

    def draw(self, key: Array, shared: Array, n: int) -> Sample:
        """One training set of `n` samples, all their views."""
        sample = self.base.draw(key, shared, n)
        views_key, partner_key = jax.random.split(jax.random.fold_in(key, VIEWS))
        own = jnp.broadcast_to(jnp.arange(n, dtype=jnp.int32)[:, None], (n, self.views))
        if self.augmentation.mixes:
            partner = jax.random.randint(partner_key, own.shape, 0, n, dtype=jnp.int32)
        else:
            partner = own
        change = jax.vmap(jax.vmap(self.augmentation.mode_view))
        view = change(jax.random.split(views_key, own.shape), sample.rows[own], sample.rows[partner])
        scale = 1.0 / math.sqrt(self.views)

        def stacked(values: Array) -> Array:
            return (scale * values).reshape(n * self.views, values.shape[-1])

        def labels(values: Array, offset: Any) -> Array:
            weights = [jnp.asarray(part, values.dtype)[..., None] for part in (view.own, view.partner, offset)]
            return stacked(weights[0] * values[own] + weights[1] * values[partner] + weights[2])

        return replace(
            sample, rows=stacked(view.input), targets=labels(sample.targets, view.offset),
            errors=labels(sample.errors, jnp.zeros_like(view.own)),
        )  # fmt: skip

    @property
    def identity(self) -> tuple[Any, ...]:
        """What tells it apart beside its arrays and its augmentation."""
        return (*self.base.identity, self.views)

    def rows(self, n: int) -> int:
        """Rows of a training set of `n` samples."""
        return n * self.views

    @property
    def modes(self) -> int:
        """Number of coordinates of a row."""
        return self.base.modes


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class LimitSampler:
    """Infinitely many views of every sample: their mean squared residual, exactly.

    One row per sample and pattern t, `gain` (patterns, modes) times the sample's, with `label` (patterns,) times its label,
    both holding the square root of the pattern's probability; and one row of label 0 per mode for the variance of the
    views, `slope` (modes,) times the square of the coordinate plus `level` (modes,) for each sample.  `mixing` (): the
    mixtures' quadratic form, `mixing (I - 11'/n) + 11'/n`.
    """

    base: Any
    gain: Any
    slope: Any
    level: Any
    label: Any
    mixing: Any

    def draw(self, key: Array, shared: Array, n: int) -> Sample:
        """One training set of `n` samples."""
        sample = self.base.draw(key, shared, n)

        def mixed(values: Array) -> Array:
            mean = jnp.mean(values, axis=0)
            return jnp.sqrt(self.mixing) * (values - mean) + mean

        rows = mixed(sample.rows)
        penalty = jnp.sqrt(self.slope * jnp.sum(rows * rows, axis=0) + n * self.level)

        def labels(values: Array) -> Array:
            taught = (self.label[:, None, None] * mixed(values)).reshape(-1, values.shape[1])
            return jnp.concatenate([taught, jnp.zeros((penalty.size, values.shape[1]), values.dtype)])

        patterns = (self.gain[:, None, :] * rows).reshape(-1, penalty.size)
        return replace(
            sample, rows=jnp.concatenate([patterns, jnp.diag(penalty)]), targets=labels(sample.targets),
            errors=labels(sample.errors),
        )  # fmt: skip

    @property
    def identity(self) -> tuple[Any, ...]:
        """What tells it apart beside its arrays."""
        return self.base.identity

    def rows(self, n: int) -> int:
        """Rows of a training set of `n` samples."""
        return n * self.label.size + self.modes

    @property
    def modes(self) -> int:
        """Number of coordinates of a row."""
        return self.base.modes


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class AveragedSampler:
    """Training sets of `source`; predictions, averaged over `views` views, are measured at fresh points of `base`.

    Trials with one `shared` key have points and views in common, so that their errors can be multiplied.
    """

    source: Any
    base: Any
    augmentation: AbstractAugmentation = field(metadata={"static": True})
    views: int = field(metadata={"static": True})

    def draw(self, key: Array, shared: Array, n: int) -> Sample:
        """One training set of `n` samples, and the mean views of the test points."""
        sample = self.source.draw(key, shared, n)
        points, where = sample.probe.T, {}
        if sample.probe.ndim == 1:
            tests = self.base.draw(shared, shared, TEST_POINTS)
            # labels hold the power outside the modes already
            mask, floor = jnp.ones(TEST_POINTS, tests.rows.dtype), jnp.zeros_like(sample.floor)
            points, where = tests.rows, {"truth": tests.targets.T, "mask": mask, "floor": floor}
        change = jax.vmap(self.augmentation.mode_view)

        def add(total: Array, one: Array) -> tuple[Array, None]:
            return total + change(jax.random.split(one, points.shape[0]), points, points).input, None

        keys = jax.random.split(jax.random.fold_in(shared, VIEWS), self.views)
        total, _ = jax.lax.scan(add, jnp.zeros_like(points), keys)
        return replace(sample, probe=total.T / self.views, **where)

    @property
    def identity(self) -> tuple[Any, ...]:
        """What tells it apart beside its arrays and its augmentation."""
        return (*self.source.identity, self.views, TEST_POINTS)

    def rows(self, n: int) -> int:
        """Rows of a training set of `n` samples, and test points."""
        return self.source.rows(n) + TEST_POINTS

    @property
    def modes(self) -> int:
        """Number of coordinates of a row."""
        return self.base.modes


def augmented(
    base: GaussianSampler | FiniteSampler | SphereSampler, task: Task, augmentation: AbstractAugmentation,
    test_views: int | None = None,
) -> AugmentedSampler | LimitSampler | AveragedSampler:  # fmt: skip
    """The samples of `base`, a sampler of `task`, in the views of an augmentation at single strengths."""
    if isinstance(base, SphereSampler):
        raise ValueError(
            "augmentation acts on eigen-coordinates, and Task.sphere draws points, not these: use Task(eigenvalues, power, "
            "multiplicity=...) with the same levels, or rg.DataTask with points as inputs"
        )
    if isinstance(base, GaussianSampler) and float(base.tail) > 0:
        raise ValueError(
            "the spectrum has modes beyond those simulated one by one: give modes=..., a finite number, to simulate "
            "augmentation"
        )
    levels = np.arange(base.modes) if isinstance(base, FiniteSampler) else mode_levels(task)
    levels = task.spectrum.order[levels]  # noise variances come in the order of the eigenvalues given
    if isinstance(augmentation, Mixup):
        a = float(augmentation.concentration)
        law, mixing = ModeLaw.of(), (a + 1.0) / (2.0 * a + 1.0)
    else:
        law, mixing = augmentation.mode_law(base.modes), 1.0  # refuses what acts on images alone
    changed = _spread(augmentation, levels)
    views = float(augmentation.views)
    source = _limit(base, law, mixing, levels) if math.isinf(views) else AugmentedSampler(base, changed, int(views))
    return source if test_views is None else AveragedSampler(source, base, changed, test_views)


def _limit(base: Any, law: ModeLaw, mixing: float, levels: np.ndarray) -> LimitSampler:
    modes = np.arange(base.modes)
    if law.classes == 1:
        kind = np.zeros_like(modes)
    else:
        kind = modes % 2 if law.breaks is None else np.searchsorted(law.breaks, modes, side="right") - 1
    root = np.sqrt(law.probability)
    shape = 1.0 if law.shape is None else law.shape[levels]
    arrays = (
        root[:, None] * law.gain[:, kind], law.probability @ law.slope[:, kind],
        law.probability @ law.level[:, kind] * shape, root * law.label, np.asarray(mixing),
    )  # fmt: skip
    return LimitSampler(base, *(jnp.asarray(leaf, base.scale.dtype) for leaf in arrays))


def _spread(augmentation: AbstractAugmentation, levels: np.ndarray) -> AbstractAugmentation:
    """The same with the noise variances of levels given mode by mode."""

    def inner(value: Any) -> Any:
        if isinstance(value, tuple):
            every = tuple(map(inner, value))
            return value if all(one is other for one, other in zip(every, value, strict=True)) else every
        return _spread(value, levels) if isinstance(value, AbstractAugmentation) else value

    if isinstance(augmentation, GaussianNoise) and augmentation.covariance is not None:
        return replace(augmentation, covariance=augmentation.covariance[levels])
    held = {own.name: getattr(augmentation, own.name) for own in fields(augmentation) if own.init}  # type: ignore[arg-type]
    changed = {name: inner(value) for name, value in held.items()}
    if all(changed[name] is value for name, value in held.items()):
        return augmentation  # itself: its compiled trials serve again
    return replace(augmentation, **changed)  # type: ignore[type-var]
