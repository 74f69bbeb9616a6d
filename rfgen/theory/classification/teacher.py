"""Linear classifiers trained by a convex loss of the margin on labels from a linear teacher.

The score om = w.x of a row left out and the teacher's u = direction.x are jointly normal, with Cov = m and Var om = q.
Given om the label is +1 with a probability that depends on m, q and om alone, and the rows pull along S direction:

    pull = n E[y psi u] + slope m        (no derivative in u: right for the sign teacher too)
    m = direction' S wbar,   the rest as for groups (`rfgen.equivalents.margin.margin_equilibrium`).

Equations: theory (10.10).
"""

__all__ = [
    "TaughtRows", "TeacherClassifier", "TeacherMoments", "label_law", "law_of", "measured", "scored_law",
    "teacher_classifier", "teacher_moments",
]

from dataclasses import field, replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from rfgen.equivalents.margin.margin_equilibrium import (
    Equilibrium,
    Forces,
    MarginState,
    SparseWeights,
    Weights,
    margin_equilibrium,
)
from rfgen.equivalents.margin.margin_losses import MarginLoss
from rfgen.equivalents.margin.paired_rows import PairedKinds, mean_spread
from rfgen.equivalents.margin.resampled_rows import drawn_rows
from rfgen.equivalents.margin.ridge_path import loss_of
from rfgen.numerics.compilation.precision import require_double_precision
from rfgen.numerics.compilation.program_maps import sparing_maps
from rfgen.numerics.compilation.record import record
from rfgen.numerics.compression import compress
from rfgen.numerics.quadrature.normal_quadrature import normal_nodes
from rfgen.problems.classes.teacher import Teacher

# Gauss-Hermite nodes over u given om, for the logistic link.
_HERMITE, _HERMITE_WEIGHTS = np.polynomial.hermite_e.hermegauss(60)
_HERMITE_WEIGHTS = _HERMITE_WEIGHTS / np.sqrt(2.0 * np.pi)
SIGNS = (1.0, -1.0)
# Scores at which the logistic link is averaged over u; between them it is a cubic with the right slopes (1e-8).
TABLE, REACH = 640, 9.5


@record
class TeacherMoments:
    """Compressed spectrum: `variances`, `multiplicity` and `power` = (variance * direction)^2 of each level, (levels,);
    `scale`, `flip`, `bias` and `unexplained` share of the labels, their `link`.
    """

    variances: Any
    multiplicity: Any
    power: Any
    scale: Any
    flip: Any
    bias: Any
    unexplained: Any
    link: str = field(metadata={"static": True})


def teacher_moments(teacher: Teacher, attack: str | None = None) -> TeacherMoments:
    """What the theory needs of a teacher, where training is under `attack`: "l2", all inputs, "linf", each alone."""
    if attack == "linf":
        power = (teacher.variances * teacher.direction) ** 2
        return TeacherMoments(teacher.variances, np.ones(teacher.dim), power, *law_of(teacher))
    order = np.argsort(-teacher.variances, kind="stable")
    order = order[teacher.variances[order] >= np.finfo(np.float64).tiny]
    values = teacher.variances[order]
    nodes, rows, _ = compress(values, np.stack([np.ones(values.size), (values * teacher.direction[order]) ** 2]))
    if attack and values.size < teacher.dim:  # features mix in inputs that do not vary
        nodes = np.append(nodes, 0.0)
        rows = np.append(rows, [[teacher.dim - values.size], [0.0]], axis=1)
    return TeacherMoments(nodes, rows[0], rows[1], *law_of(teacher))


def law_of(teacher: Teacher) -> tuple[Any, ...]:
    """What a label's law depends on: scale, flip, bias, unexplained share, link."""
    return teacher.scale, teacher.flip, teacher.bias, teacher.unexplained, teacher.link


@record
class TeacherClassifier:
    """A trained classifier, in the limit; scalars (), or batched by vmap.

    `error`: probability that a fresh label of the teacher, link and flip included, is missed; `sign_error`: the same
    against the sign of u, bias and what is unexplained included; `robust_error`: that of a label whose input is moved
    against it, within the radius trained for; `train_error`, `train_loss`: share of training labels
    missed, mean loss; `support`: share of training rows with margin at most 1; `norm`: E|trainable weights|^2;
    `intercept`; `overlap` m = E[(direction.x)(w.x)], `spread` q = E[(w.x)^2]; `gamma`; `residual`, `converged`.
    """

    error: Float[Array, "*batch"]
    sign_error: Float[Array, "*batch"]
    robust_error: Float[Array, "*batch"]
    train_error: Float[Array, "*batch"]
    train_loss: Float[Array, "*batch"]
    support: Float[Array, "*batch"]
    norm: Float[Array, "*batch"]
    intercept: Float[Array, "*batch"]
    overlap: Float[Array, "*batch"]
    spread: Float[Array, "*batch"]
    gamma: Float[Array, "*batch"]
    residual: Float[Array, "*batch"]
    converged: Bool[Array, "*batch"]


@sparing_maps
@partial(jax.jit, static_argnames=("loss", "intercept", "attack"))
def teacher_classifier(
    moments: TeacherMoments, n: Any, loss: str, ridge: Any = 0.0, features: Any = jnp.inf, intercept: bool = False,
    draws: Any = None, members: Any = None, attack: str | None = None, radius: Any = 0.0,
) -> TeacherClassifier:
    """Train on `n` rows of `teacher_moments(teacher)`; the other arguments as in `margin_classifier`.

    `attack` "l2" or "linf" (without features): inputs are moved against their labels by at most `radius` >= 0, the labels
    stay; `moments` of `teacher_moments(teacher, attack)`.
    Exact as n, dimension and features grow together.  Derived.

    >>> import jax, numpy as np
    >>> from rfgen.problems.classes.teacher import Teacher
    >>> teacher = Teacher(np.ones(100), np.ones(100))
    >>> with jax.enable_x64(True):
    ...     found = teacher_classifier(teacher_moments(teacher), 150, "hard_margin")
    ...     round(float(found.sign_error), 3), bool(found.converged)
    (0.222, True)
    """
    require_double_precision("rfgen.theory.teacher_classifier")
    moments = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float64), moments)
    n, ridge, features = (jnp.asarray(value, jnp.float64) for value in (n, ridge, features))
    rows, zero = TaughtRows(moments, n), jnp.zeros_like(ridge)
    radius = jnp.asarray(radius, jnp.float64) if attack else zero
    weights: Any = Weights(moments.variances[None], moments.multiplicity, moments.power[None, None], features, radius)
    if attack == "linf":
        weights = SparseWeights(moments.variances[None], jnp.sqrt(moments.power)[None], radius)
    solved = margin_equilibrium(drawn_rows(rows, draws), weights, loss, ridge, intercept)
    clean = None
    if members is not None:
        spread = mean_spread(rows, weights, solved, loss_of(loss), draws, members, moments.variances[None])
        clean = spread[0], solved.state.overlap[0]
    return measured(rows, solved, loss_of(loss), clean, attack is not None)


@record
class TaughtRows:
    """The population of `n` rows labelled by the teacher of `moments`; its one direction is the teacher's."""

    moments: Any
    n: Any

    way = None

    @property
    def weight(self) -> Any:
        """Rows times their largest second moment."""
        return self.n * jnp.max(self.moments.variances)

    @property
    def lean(self) -> Any:
        """Half the difference of the shares of labels: 0 without bias."""
        right, _ = label_law(self.moments, jnp.zeros(()), jnp.ones(()), jnp.zeros(1))
        return right[0] - 0.5

    def forces(self, state: MarginState, shift: Any, loss: MarginLoss, scale: Any) -> Forces:
        """Forces at leave-one-out margins lowered by `shift`."""
        total = balance = along = power = slope = jnp.zeros(())
        kinks = loss.kinks(state.gamma[0], scale)
        for label, measure, share, u, margins in self.margins(state, shift, kinks):
            force, bend = loss.force(margins, state.gamma[0], scale)
            mean = measure @ (share * force)
            total, balance = total + mean, balance + label * mean
            along = along + label * (measure @ (u * force))
            power, slope = power + measure @ (share * force**2), slope + measure @ (share * bend)
        pull = along + slope * state.overlap[0]
        sums = pull[None], power[None], slope[None], total, balance, jnp.sqrt(power)
        return Forces(*(self.n * each for each in sums))

    def pairs(self, state: MarginState) -> PairedKinds:
        """By the teacher's u and the label."""
        one, (overlap,) = jnp.ones(()), state.overlap
        u, measure = normal_nodes(0.0, one, _turn(self.moments, one, one)[None])
        right, _ = label_law(self.moments, one, one, u)
        shares = jnp.concatenate([measure * right, measure * (1.0 - right)])
        means = jnp.concatenate([overlap * u + state.intercept, -overlap * u - state.intercept])
        full = jnp.ones_like(means)
        return PairedKinds(self.n * shares, full, means, overlap**2 * full, jnp.zeros(means.size, int))

    def first_forces(self, force: Any) -> Forces:
        """Forces of rows which all pull alike."""
        right, moment = label_law(self.moments, jnp.zeros(()), jnp.ones(()), jnp.zeros(1))
        square = (force**2)[None]
        sums = 2.0 * force * moment, square, jnp.zeros_like(square), force, force * (2.0 * right[0] - 1.0), force
        return Forces(*(self.n * each for each in sums))

    def margins(self, state: MarginState, shift: Any, kinks: Array) -> list[tuple[Any, ...]]:
        """For either label: weights of the quadrature, probability of the label, E[u; label], leave-one-out margins; their
        `kinks` are edges.
        """
        overlap, spread, nodes = state.overlap[0], state.spread[0], []
        for label in SIGNS:
            # a steep link bends where its argument changes sign
            turn = _turn(self.moments, overlap, spread)
            edges = jnp.concatenate([label * (kinks + shift) - state.intercept, turn[None]])
            score, measure = normal_nodes(0.0, jnp.sqrt(spread), edges)
            right, moment = label_law(self.moments, overlap, spread, score)
            mean = overlap * score / spread
            share, u = (right, moment) if label > 0 else (1.0 - right, mean - moment)
            nodes.append((label, measure, share, u, label * (score + state.intercept) - shift))
        return nodes


def _turn(moments: TeacherMoments, overlap: Any, spread: Any) -> Array:
    """The score at which the mean of the teacher's u is minus its bias."""
    known = jnp.sqrt(1.0 - moments.unexplained) * overlap
    far = 20.0 * jnp.sqrt(spread)
    away = jnp.where(known == 0.0, far, -moments.bias * spread / jnp.where(known == 0.0, 1.0, known))
    return jnp.where(moments.bias == 0.0, 0.0, jnp.clip(away, -far, far))


def label_law(moments: TeacherMoments, overlap: Any, spread: Any, score: Array) -> tuple[Array, Array]:
    """P(label +1) and E[direction.x; label +1] given scores, each of their shape; of the logistic link (nodes,)."""
    # rounding must not make the part of direction.x that is not in the score negative
    rest = jnp.maximum(1.0 - overlap**2 / spread, 1e-12)
    told = jnp.sqrt(1.0 - moments.unexplained)
    mean = overlap * score / spread
    center, variance = told * mean + moments.bias, told**2 * rest + moments.unexplained
    if moments.link == "logistic":
        nodes = jnp.asarray(_HERMITE, mean.dtype)
        deviation = jnp.sqrt(variance)
        u = mean[:, None] + told * rest / deviation * nodes
        says = jax.nn.sigmoid((center[:, None] + deviation * nodes) / moments.scale)
        weighted = says * jnp.asarray(_HERMITE_WEIGHTS, mean.dtype)
        right, moment = jnp.sum(weighted, axis=1), jnp.sum(weighted * u, axis=1)
    else:
        blur = jnp.sqrt(variance + (moments.scale**2 if moments.link == "probit" else 0.0))
        right = jax.scipy.stats.norm.cdf(center / blur)
        moment = mean * right + told * rest / blur * jax.scipy.stats.norm.pdf(center / blur)
    turned = (1.0 - moments.flip) * right + moments.flip * (1.0 - right)
    return turned, (1.0 - moments.flip) * moment + moments.flip * (mean - moment)


def scored_law(moments: TeacherMoments, overlap: Any, spread: Any) -> Any:
    """P(label +1) and E[u; label +1] at scores of any shape."""
    if moments.link != "logistic":
        return lambda score: label_law(moments, overlap, spread, score)
    table = jnp.sqrt(spread) * jnp.linspace(-REACH, REACH, TABLE)
    values, slopes = jax.jvp(
        lambda at: jnp.stack(label_law(moments, overlap, spread, at)), (table,), (jnp.ones_like(table),)
    )
    step = table[1] - table[0]

    def between(score: Array) -> tuple[Array, Array]:
        place = jnp.clip((score - table[0]) / step, 0.0, TABLE - 1.0)
        whole = jnp.minimum(jnp.floor(place), TABLE - 2.0)
        left, t = whole.astype(int), place - whole
        ends = values[:, left], values[:, left + 1]
        bends = step * slopes[:, left], step * slopes[:, left + 1]
        found = (1 + 2 * t) * (1 - t) ** 2 * ends[0] + t**2 * (3 - 2 * t) * ends[1]
        found = found + t * (1 - t) ** 2 * bends[0] - t**2 * (1 - t) * bends[1]
        return found[0], found[1]

    return between


def measured(
    rows: TaughtRows, solved: Equilibrium, loss: MarginLoss, clean: tuple[Any, Any] | None = None, attacked: bool = False
) -> TeacherClassifier:
    """What a user reads; `clean`: spread and overlap of the scores of test inputs, where rows are not as these are;
    `attacked`: whether training lowers margins.
    """
    state, scale = solved.state, solved.scale
    spread, overlap = (state.spread[0], state.overlap[0]) if clean is None else clean
    tested = replace(state, spread=spread[None], overlap=overlap[None])
    gamma = state.gamma[0] / scale

    def below(margin: Any, moved: Any, state: MarginState = state, shift: Any = solved.shift) -> Array:
        """Share of rows whose left-out margin is below `margin` - `moved`."""
        total = jnp.zeros(())
        edge = jnp.clip(margin - moved, -1e300, 1e300)
        kinks = jnp.concatenate([loss.kinks(state.gamma[0], scale), edge[None]])
        for _, measure, share, _, margins in rows.margins(state, shift, kinks):
            total = total + measure @ jnp.where(margins < edge, share, 0.0)
        return total

    def trained_below(margin: Any) -> Array:
        force = loss.force_at(jnp.asarray(margin, jnp.float64))
        return below(margin, jnp.where(force > 0.0, gamma * jnp.where(force > 0.0, force, 1.0), 0.0))

    train_loss = jnp.zeros(())
    for _, measure, share, _, margins in rows.margins(state, solved.shift, loss.kinks(state.gamma[0], scale)):
        trained = margins + state.gamma[0] * loss.force(margins, state.gamma[0], scale)[0]
        train_loss = train_loss + measure @ (share * loss.value(trained))
    signs = replace(rows.moments, flip=jnp.zeros_like(rows.moments.flip), link="sign")
    score, measure = normal_nodes(0.0, jnp.sqrt(spread), jnp.stack([-state.intercept, _turn(signs, overlap, spread)]))
    positive, _ = label_law(signs, overlap, spread, score)
    wrong = jnp.where(score + state.intercept > 0.0, 1.0 - positive, positive)
    zero = jnp.zeros(())
    error = below(0.0, zero, tested, zero)
    return TeacherClassifier(
        error=error, sign_error=measure @ wrong, robust_error=below(0.0, zero, tested) if attacked else error,
        train_error=trained_below(-solved.shift),
        train_loss=train_loss, support=trained_below(1.0), norm=solved.answer.norm, intercept=state.intercept,
        overlap=overlap, spread=spread, gamma=gamma, residual=solved.residual, converged=solved.converged,
    )
