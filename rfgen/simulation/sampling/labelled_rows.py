"""Training sets with labels +1 and -1, drawn from labelled groups, or labelled by a teacher."""

__all__ = ["GroupRows", "LabelledRows", "TeacherRows", "labelled_rows"]

from dataclasses import field
from typing import Any

import numpy as np

from rfgen.numerics.compilation.record import record
from rfgen.problems import validation
from rfgen.problems.classes.class_groups import ClassGroups
from rfgen.problems.classes.mixture import CLASSES, Mixture
from rfgen.problems.classes.teacher import Teacher
from rfgen.simulation.arrays import namespace
from rfgen.simulation.random_numbers import fold_in, logistics, normals, split, uniforms


@record
class LabelledRows:
    """`rows` (n, dim), training `labels` (n,), loss `weights` (n,), and `member` (n,): the group of each row."""

    rows: Any
    labels: Any
    weights: Any
    member: Any


@record
class GroupRows:
    """Groups: `means`, `deviations` (groups, dim), true `classes`, `labels`, `weights`, `shares` of the `n` rows,
    `test_shares` (groups,); probability `flip` () of a wrong label.
    """

    means: Any
    deviations: Any
    classes: Any
    labels: Any
    weights: Any
    shares: Any
    test_shares: Any
    flip: Any
    n: int = field(metadata={"static": True})

    def draw(self, key: Any) -> LabelledRows:
        """Rows in the order of the groups, n * share of each, rounded up or down at random; labels flip on their own."""
        of_count, of_flips, of_rows = split(key, 3)
        chance, flipped = uniforms(of_count, 1), uniforms(of_flips, self.n) < self.flip
        xp = namespace(chance)
        ends = xp.floor(self.n * xp.cumsum(xp.asarray(self.shares))[:-1] + chance)
        member = xp.sum(xp.arange(self.n, dtype=ends.dtype) >= ends[:, None], axis=0).astype(xp.int32)
        rows = normals(of_rows, (self.n, self.means.shape[1]))
        rows = xp.asarray(self.means)[member] + xp.asarray(self.deviations)[member] * rows
        labels = xp.asarray(self.labels)[member] * xp.where(flipped, -1.0, 1.0)
        return LabelledRows(rows, labels, xp.asarray(self.weights)[member], member)


@record
class TeacherRows:
    """One population: `direction`, `deviations` (dim,), `scale`, `flip`, `bias`, `unexplained` (), `link`, `n` rows."""

    direction: Any
    deviations: Any
    scale: Any
    flip: Any
    bias: Any
    unexplained: Any
    link: str = field(metadata={"static": True})
    n: int = field(metadata={"static": True})

    def draw(self, key: Any) -> LabelledRows:
        """Labels as the teacher says, then flipped."""
        of_labels, of_flips, of_rows = split(key, 3)
        of_rest = fold_in(of_labels, 1)
        rows = self.deviations * normals(of_rows, (self.n, self.deviations.size))
        xp = namespace(rows)
        score = xp.sqrt(1.0 - self.unexplained) * (rows @ self.direction) + self.bias
        score = score + xp.sqrt(self.unexplained) * normals(of_rest, (self.n,))
        if self.link == "probit":
            score = score + self.scale * normals(of_labels, (self.n,))
        elif self.link == "logistic":
            score = score + self.scale * logistics(of_labels, self.n)
        flipped = uniforms(of_flips, self.n) < self.flip
        labels = xp.where((score >= 0.0) ^ flipped, 1.0, -1.0)
        return LabelledRows(rows, labels, xp.ones_like(labels), xp.zeros(self.n, xp.int32))


def labelled_rows(problem: Any, n: Any = None) -> GroupRows | TeacherRows:
    """Where training sets of a `Mixture`, `ClassGroups` or `Teacher` are drawn; groups say themselves how many rows.

    >>> import jax
    >>> with jax.enable_x64(True):
    ...     source = labelled_rows(Mixture([1.0], [1.0], prior=0.25), 10)  # 2 or 3 of class +1
    ...     [int((source.draw(jax.random.key(seed)).labels > 0).sum()) for seed in range(4)]
    [3, 3, 2, 2]
    """
    if not isinstance(problem, Mixture | ClassGroups | Teacher):
        raise ValueError(f"problem must be a Mixture, ClassGroups or Teacher, got {type(problem).__name__}")
    if n is None and isinstance(problem, ClassGroups):
        n = round(float(problem.counts.sum()))
        if abs(n - problem.counts.sum()) > 1e-9 * n:
            raise ValueError(f"counts must sum to a whole number of rows, or n be given, got {problem.counts.tolist()}")
    n = validation.integer("n", n, 2 if isinstance(problem, Mixture) else 1)
    if isinstance(problem, Teacher):
        names = ("scale", "flip", "bias", "unexplained")
        arrays = (problem.direction, np.sqrt(problem.variances), *(getattr(problem, name) for name in names))
        return TeacherRows(*(np.asarray(each) for each in arrays), link=problem.link, n=n)
    if isinstance(problem, Mixture):
        problem.groups(n)  # refuses, by name, an n that leaves a class empty
        signs, shares = np.array(CLASSES), problem.shares
        deviations = np.broadcast_to(np.sqrt(problem.covariance), (2, problem.dim))
        arrays = (signs[:, None] * problem.mean, deviations, signs, signs, np.ones(2), shares, shares, problem.flip)
    else:
        shares = problem.counts / problem.counts.sum()
        of_groups = (problem.classes, problem.labels, problem.weights, shares, problem.test_shares, 0.0)
        arrays = (problem.means, np.sqrt(problem.variances), *of_groups)
    return GroupRows(*(np.asarray(each) for each in arrays), n=n)
