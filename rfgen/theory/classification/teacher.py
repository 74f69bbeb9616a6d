"""Linear classifiers trained by a convex loss of the margin on labels from a linear teacher.

The score om = w.x of a row left out and the teacher's u = direction.x are jointly normal, with Cov = m and Var om = q.
Given om the label is +1 with a probability that depends on m, q and om alone, and the rows pull along S direction:

    pull = n E[y psi u] + slope m        (no derivative in u: right for the sign teacher too)
    m = direction' S wbar,   the rest as for groups (`rfgen.equivalents.margin.margin_equilibrium`).

Equations: theory (10.10).
"""

__all__ = ["TeacherClassifier", "TeacherMoments", "law_of", "measured", "teacher_classifier", "teacher_moments"]

from dataclasses import field, replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from rfgen.equivalents.margin.margin_equilibrium import Equilibrium, MarginState, SparseWeights, Weights, margin_equilibrium
from rfgen.equivalents.margin.margin_losses import MarginLoss
from rfgen.equivalents.margin.paired_rows import mean_spread
from rfgen.equivalents.margin.resampled_rows import drawn_rows
from rfgen.equivalents.margin.ridge_path import loss_of
from rfgen.equivalents.margin.taught_rows import TaughtRows, label_law, turn
from rfgen.numerics.compilation.precision import require_double_precision
from rfgen.numerics.compilation.program_maps import sparing_maps
from rfgen.numerics.compilation.record import record
from rfgen.numerics.compression import compress
from rfgen.numerics.quadrature.normal_quadrature import normal_nodes
from rfgen.problems.classes.teacher import Teacher


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
    score, measure = normal_nodes(0.0, jnp.sqrt(spread), jnp.stack([-state.intercept, turn(signs, overlap, spread)]))
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
