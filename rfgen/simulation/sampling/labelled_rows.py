"""Training sets with labels +1 and -1, drawn from two classes, from labelled groups, or labelled by a teacher."""

__all__ = ["GroupRows", "LabelledRows", "MixtureRows", "TeacherRows", "labelled_rows"]

from dataclasses import dataclass, field
from typing import Any

import jax
import numpy as np

from rfgen.problems import validation
from rfgen.problems.classes.class_groups import ClassGroups
from rfgen.problems.classes.mixture import CLASSES, Mixture
from rfgen.problems.classes.teacher import Teacher
from rfgen.simulation.arrays import Array, namespace
from rfgen.simulation.random_numbers import logistics, normals, split, uniforms


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class LabelledRows:
    """`rows` (n, dim), training `labels` (n,), loss `weights` (n,), and `member` (n,): the group of each row."""

    rows: Any
    labels: Any
    weights: Any
    member: Any


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class MixtureRows:
    """Two classes: `means`, `deviations` (2, dim), true `classes` (2,), `shares` (2,), probability `flip` (), `n` rows."""

    means: Any
    deviations: Any
    classes: Any
    shares: Any
    flip: Any
    n: int = field(metadata={"static": True})

    def draw(self, key: Any) -> LabelledRows:
        """The class +1 has n * share rows, rounded up or down at random; each label is flipped on its own."""
        of_count, of_flips, of_rows = split(key, 3)
        chance, flipped = uniforms(of_count, 1), uniforms(of_flips, self.n) < self.flip
        xp = namespace(chance)
        upper = xp.floor(self.n * self.shares[0] + chance)
        member = (xp.arange(self.n, dtype=upper.dtype) >= upper).astype(xp.int32)
        labels = xp.asarray(self.classes)[member] * xp.where(flipped, -1.0, 1.0)
        rows = _scattered(of_rows, self.means, self.deviations, member)
        return LabelledRows(rows, labels, xp.ones_like(labels), member)


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class GroupRows:
    """Groups: `means`, `deviations` (groups, dim), true `classes`, `shares` in the test, `labels`, `weights`
    (groups,), and `counts` of rows.
    """

    means: Any
    deviations: Any
    classes: Any
    shares: Any
    labels: Any
    weights: Any
    counts: tuple[int, ...] = field(metadata={"static": True})

    def draw(self, key: Any) -> LabelledRows:
        """Rows in the order of the groups."""
        of_row = np.repeat(np.arange(len(self.counts), dtype=np.int32), self.counts)
        rows = _scattered(key, self.means, self.deviations, of_row)
        xp = namespace(rows)
        member = xp.asarray(of_row)
        return LabelledRows(rows, xp.asarray(self.labels)[member], xp.asarray(self.weights)[member], member)


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class TeacherRows:
    """One population: `direction`, `deviations` (dim,), `scale` and `flip` (), `link`, `n` rows."""

    direction: Any
    deviations: Any
    scale: Any
    flip: Any
    link: str = field(metadata={"static": True})
    n: int = field(metadata={"static": True})

    def draw(self, key: Any) -> LabelledRows:
        """Labels as the teacher says, then flipped."""
        of_labels, of_flips, of_rows = split(key, 3)
        rows = self.deviations * normals(of_rows, (self.n, self.deviations.size))
        score, xp = rows @ self.direction, namespace(rows)
        if self.link == "probit":
            score = score + self.scale * normals(of_labels, (self.n,))
        elif self.link == "logistic":
            score = score + self.scale * logistics(of_labels, self.n)
        flipped = uniforms(of_flips, self.n) < self.flip
        labels = xp.where((score >= 0.0) ^ flipped, 1.0, -1.0)
        return LabelledRows(rows, labels, xp.ones_like(labels), xp.zeros(self.n, xp.int32))


def labelled_rows(problem: Any, n: Any = None) -> MixtureRows | GroupRows | TeacherRows:
    """Where training sets of a `Mixture`, `ClassGroups` or `Teacher` are drawn; groups say themselves how many rows.

    >>> import jax
    >>> with jax.enable_x64(True):
    ...     source = labelled_rows(Mixture([1.0], [1.0], prior=0.25), 10)  # 2 or 3 of class +1
    ...     [int((source.draw(jax.random.key(seed)).labels > 0).sum()) for seed in range(4)]
    [3, 3, 2, 2]
    """
    if isinstance(problem, ClassGroups):
        if n is not None:
            raise ValueError(f"n must be left out for ClassGroups, whose counts say how many rows to draw, got {n!r}")
        counts = problem.counts
        if (counts != np.round(counts)).any():
            raise ValueError(f"counts must be whole numbers to draw rows, got {counts.tolist()}")
        of_groups = (problem.classes, problem.test_shares, problem.labels, problem.weights)
        arrays = (problem.means, np.sqrt(problem.variances), *of_groups)
        return GroupRows(*arrays, counts=tuple(int(count) for count in counts))
    if not isinstance(problem, Mixture | Teacher):
        raise ValueError(f"problem must be a Mixture, ClassGroups or Teacher, got {type(problem).__name__}")
    n = validation.integer("n", n, 2 if isinstance(problem, Mixture) else 1)
    if isinstance(problem, Teacher):
        arrays = (problem.direction, np.sqrt(problem.variances), problem.scale, problem.flip)
        return TeacherRows(*(np.asarray(each) for each in arrays), link=problem.link, n=n)
    problem.groups(n)  # refuses, by name, an n that leaves a class empty
    signs = np.array(CLASSES)
    deviations = np.broadcast_to(np.sqrt(problem.covariance), (2, problem.dim))
    arrays = (signs[:, None] * problem.mean, deviations, signs, problem.shares, problem.flip)
    return MixtureRows(*(np.asarray(each) for each in arrays), n=n)


def _scattered(key: Any, means: Array, deviations: Array, member: Array) -> Array:
    drawn = normals(key, (member.size, means.shape[1]))
    xp = namespace(drawn)
    return xp.asarray(means)[member] + xp.asarray(deviations)[member] * drawn
