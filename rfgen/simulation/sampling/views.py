"""Augmented training sets and test points in eigen-coordinates.

The objective sum_i (mean over views of (y_i - f(view_i))^2) + ridge |w|^2 is plain ridge regression on all views, with rows
and labels divided by sqrt(views): what the samplers here draw, from one of `samplers.py` inside.
"""

__all__ = ["VIEWS", "AugmentedSampler", "AveragedSampler", "augmented", "mean_view", "one_view_each", "viewed"]

import math
from collections.abc import Callable
from dataclasses import field, fields, replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from rfgen.numerics.compilation.record import record
from rfgen.problems.augmentations.base import AbstractAugmentation, View
from rfgen.problems.augmentations.noise import GaussianNoise
from rfgen.problems.task import Task
from rfgen.simulation.arrays import Array, namespace
from rfgen.simulation.random_numbers import HostKey, device_key, fold_in, integers, split
from rfgen.simulation.sampling.limit_views import LimitSampler, coordinate_law, limit_of
from rfgen.simulation.sampling.samplers import (
    FiniteSampler,
    GaussianSampler,
    RowSampler,
    Sample,
    SphereSampler,
    mode_levels,
)

# Views are drawn with a key of their own, so that the samples are those of the plain learner.
VIEWS = 0x76696577
# Fresh test points of a pair of trials, where predictions average over views.
TEST_POINTS = 1000
# Views drawn by one call on the host.
TOGETHER = 64


def one_view_each(augmentation: AbstractAugmentation, key: Any, inputs: Array, partners: Array) -> View:
    """A view of each of `inputs` (count, modes); on the host in blocks, so that one program serves any number."""
    if not isinstance(key, HostKey):
        return jax.vmap(augmentation.mode_view)(jax.random.split(key, inputs.shape[0]), inputs, partners)
    words, blocks = np.array(key, np.uint32), []
    for start in range(0, inputs.shape[0], TOGETHER):
        here = [values[start : start + TOGETHER] for values in (inputs, partners)]
        count = here[0].shape[0]
        if count < TOGETHER:
            here = [np.pad(values, ((0, TOGETHER - count), (0, 0)), mode="edge") for values in here]
        block = _block_of_views(augmentation, words, np.uint32(start), *here)
        blocks.append([np.asarray(part)[:count] for part in block])
    return View(*map(np.concatenate, zip(*blocks, strict=True)))


@partial(jax.jit, static_argnums=0)
def _block_of_views(augmentation: AbstractAugmentation, words: Any, start: Any, inputs: Any, partners: Any) -> View:
    key, numbers = device_key(words), start + jnp.arange(TOGETHER, dtype=jnp.uint32)
    keys = jax.vmap(lambda number: jax.random.fold_in(key, number))(numbers)  # as `split` numbers them
    return jax.vmap(augmentation.mode_view)(keys, inputs, partners)


def viewed(parents: Sample, partners: Sample, view: View, views: int) -> Sample:
    """The training set of a `view` of each row of `parents`, mixed with `partners`, of so many `views` of a sample."""
    xp, scale = namespace(parents.rows), 1.0 / math.sqrt(views)

    def labels(own: Array, other: Array, offset: Any) -> Array:
        weights = [xp.asarray(part, own.dtype)[..., None] for part in (view.own, view.partner, offset)]
        return scale * (weights[0] * own + weights[1] * other + weights[2])

    return replace(
        parents, rows=scale * view.input, targets=labels(parents.targets, partners.targets, view.offset),
        errors=labels(parents.errors, partners.errors, xp.zeros_like(view.own)),
    )


def mean_view(
    augmentation: AbstractAugmentation, shared: Any, points: Array, views: int,
    mapped: Callable[[Array], Array] = lambda rows: rows,
) -> Array:
    """The mean (count, ...) over `views` views of `mapped` views of `points` (count, modes)."""

    def one(key: Any) -> Array:
        return mapped(one_view_each(augmentation, key, points, points).input)

    keys = split(fold_in(shared, VIEWS), views)
    if isinstance(shared, HostKey):
        return sum(map(one, keys)) / views
    start = jax.eval_shape(one, keys[0])
    total, _ = jax.lax.scan(lambda total, key: (total + one(key), None), jnp.zeros(start.shape, start.dtype), keys)
    return total / views


@record
class AugmentedSampler:
    """`views` views of every sample of `base`, and their labels; a sample's label noise is drawn once."""

    base: Any
    augmentation: AbstractAugmentation = field(metadata={"static": True})
    views: int = field(metadata={"static": True})

    def draw(self, key: Any, shared: Any, n: int) -> Sample:
        """One training set of `n` samples, all their views."""
        sample = self.base.draw(key, shared, n)
        views_key, partner_key = split(fold_in(key, VIEWS))
        own = np.repeat(np.arange(n, dtype=np.int32), self.views)
        partner = integers(partner_key, own.size, n) if self.augmentation.mixes else own
        parents = sample.at(own)
        partners = parents if partner is own else sample.at(partner)
        view = one_view_each(self.augmentation, views_key, parents.rows, partners.rows)
        return viewed(parents, partners, view, self.views)

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


@record
class AveragedSampler:
    """Training sets of `source`; predictions, averaged over `views` views, are measured at fresh points of `base`.

    Trials with one `shared` key have points and views in common, so that their errors can be multiplied.
    """

    source: Any
    base: Any
    augmentation: AbstractAugmentation = field(metadata={"static": True})
    views: int = field(metadata={"static": True})

    def draw(self, key: Any, shared: Any, n: int) -> Sample:
        """One training set of `n` samples, and the mean views of the test points."""
        sample = self.source.draw(key, shared, n)
        points, where = sample.probe.T, {}
        if sample.probe.ndim == 1:
            tests = self.base.draw(shared, shared, TEST_POINTS)
            xp = namespace(tests.rows)
            # labels hold the power outside the modes already
            mask, floor = xp.ones(TEST_POINTS, tests.rows.dtype), xp.zeros_like(sample.floor)
            points, where = tests.rows, {"truth": tests.targets.T, "mask": mask, "floor": floor}
        mean = mean_view(self.augmentation, shared, points, self.views)
        return replace(sample, probe=mean.T, **where)

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
    base: RowSampler | SphereSampler, task: Task, augmentation: AbstractAugmentation,
    test_views: int | None = None,
) -> AugmentedSampler | LimitSampler | AveragedSampler:
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
    law = coordinate_law(augmentation, base.modes)  # refuses what acts on images alone
    changed = _spread(augmentation, levels)
    views = float(augmentation.views)
    if math.isinf(views):
        source = limit_of(base, augmentation, law, levels, base.scale.dtype)
    else:
        source = AugmentedSampler(base, changed, int(views))
    return source if test_views is None else AveragedSampler(source, base, changed, test_views)


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
