"""Linear regression by a loss of the residual on rows that are seen in views, in the limit.

Of one view a pattern t of gains moves the row as a whole and others change its coordinates: rows of each pattern have
residuals of their own, and forces in closed form.  Of m views of independent changes the residuals are a common part and a
private one of each view, as margins are of classes; of infinitely many the loss is made smooth.  A row drawn k times has k
times the response, its pull is k times its force; clean rows are one view that changes nothing.
Equations: theory (8.10), (8.11), (12.15), (16.1), (16.2) and (16.3).
"""

__all__ = ["SeenTask", "seen_task", "viewed_regression"]

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from rfgen.equivalents.margin.margin_equilibrium import Forces, Weights
from rfgen.equivalents.margin.paired_rows import paired_spread
from rfgen.equivalents.margin.viewed_groups import answered, group_sums
from rfgen.equivalents.margin.viewed_rows import ViewRule, view_rule
from rfgen.equivalents.margin.weight_response import WeightResponse, weight_response
from rfgen.numerics.compilation.precision import needs_double_precision
from rfgen.numerics.compilation.record import record
from rfgen.numerics.continuation import follow, newton
from rfgen.numerics.implicit import implicit
from rfgen.problems.augmentations.base import AbstractAugmentation
from rfgen.problems.augmentations.noise import GaussianNoise
from rfgen.problems.task import Task
from rfgen.problems.views.mode_classes import mode_classes
from rfgen.systems.robust.clipped_force import clipped_moments
from rfgen.systems.robust.paired_forces import paired_power
from rfgen.systems.robust.residual_loss import ClippedLoss, SquaredLoss
from rfgen.systems.robust.theory import CONVERGED, NEAR_ZERO, NULL_RIDGE, TOLERANCE, LossRegression, balanced_intercept

# Laws of noise of more normal parts are not met by several views: sets of views are counted for each part.
MOST_PARTS = 2
# Times that a row is drawn, and their chances, where all rows are.
ONCE = ((1.0,), (1.0,))


@record
class SeenTask:
    """By levels of modes: `variances` (parts, levels) of what views see, one part for each pattern of single views, or what
    views have in common and their own, and their `gains`; of clean inputs the variances `clean` and the squared covariance
    with labels, `truth` (levels,); `multiplicity`; `signal` (), the labels' variance without noise.  `chance`, `label`
    (patterns,); the `rule` of several views, and a `coarse` one for the way,
    None of endless ones.
    """

    variances: Any
    gains: Any
    clean: Any
    truth: Any
    multiplicity: Any
    signal: Any
    chance: Any
    label: Any
    rule: ViewRule | None
    coarse: ViewRule | None


def seen_task(task: Task, augmentation: AbstractAugmentation | None) -> SeenTask:
    """What the theory needs of a linear `task` in the views of an `augmentation` at single strengths, None: of clean rows;
    refuses views that it does not know.
    """
    augmentation = GaussianNoise(0.0) if augmentation is None else augmentation
    if augmentation.mixes:
        raise ValueError(
            f"augmentation must change rows one by one for losses of the residual, got {augmentation!r}: rg.simulate "
            "measures it; or train by rg.Ridge on an rg.Task"
        )
    law, views = augmentation.mode_law(task.spectrum.rank), float(augmentation.views)
    nodes = mode_classes(task, law)
    power = np.ravel(nodes.power)
    gain, slope, level = (part @ nodes.membership for part in (law.gain, law.slope, law.level))
    private = slope * nodes.eigenvalues + level * nodes.shape
    single = len(law.probability) == 1
    if single and (views == 1.0 or not private.any()):
        views = 1.0
    if views > 1.0 and (not single or law.classes > 1 or law.label[0] != 1.0):
        raise ValueError(
            f"several views must change coordinates independently for losses of the residual (rg.GaussianNoise, Mask, "
            f"Dropout, SaltAndPepper), got {augmentation!r}: of views moved as a whole give views=1, or rg.simulate "
            "measures it"
        )
    common = gain**2 * nodes.eigenvalues
    variances = common + private if views == 1.0 else np.concatenate([common, private])
    gains = gain if views == 1.0 else np.concatenate([gain, 0.0 * gain])
    # of endless views coarse means save little, and lose the path at large thresholds
    few, many = 1.0 < views < np.inf, views > 1.0
    rules = view_rule(views) if many else None, view_rule(views, True) if few else None
    # levels of compressed modes may count and hold less than nothing
    return SeenTask(
        variances, gains, nodes.eigenvalues, nodes.eigenvalues * power, nodes.multiplicity, power.sum(), law.probability,
        law.label, *rules,
    )


@needs_double_precision
def viewed_regression(
    seen: SeenTask, noise: tuple[Any, Any, Any], moments: tuple[Any, Any], n: Any, force: tuple[Any, Any, Any] | None,
    ridge: Any = 0.0, features: Any = jnp.inf, intercept: bool = False, draws: tuple[Any, Any] | None = None,
    members: Any = None,
) -> LossRegression:
    """Minimise sum_i mean_k rho(y_i - f(view_ik)) + (ridge/2)|w|^2 on `n` rows; arguments as in `robust_regression`,
    `force` None for squares; the risk is that on clean inputs.  Of rows in single views `draws` = (times, chances)
    (draws,): each row counts so often with these chances; `members`: the mean of so many models with features, or draws, of
    their own.

    Exact as n, modes and features grow together.  Source: derived.

    >>> import jax, numpy as np, rfgen
    >>> seen = seen_task(rfgen.Task.isotropic(50), rfgen.GaussianNoise(1.0, views=np.inf))
    >>> normal = np.ones(1), np.zeros(1), np.ones(1)
    >>> with jax.enable_x64(True):  # noise is a ridge of 150 more
    ...     found = viewed_regression(seen, normal, (0.0, 1.0), 150.0, None, 1.0)
    >>> round(float(found.excess), 6)
    0.391654
    """
    seen, noise, n, features, ridge = jax.tree.map(
        lambda leaf: jnp.asarray(leaf, jnp.float64), (seen, noise, n, features, ridge)
    )
    loss = SquaredLoss() if force is None else ClippedLoss(*(jnp.asarray(part, jnp.float64) for part in force))
    mean, variance = (jnp.asarray(part, jnp.float64) for part in moments)
    drawn = tuple(jnp.asarray(part, jnp.float64) for part in (ONCE if draws is None else draws))
    given = seen, noise, n, features, drawn
    held, frozen = jax.lax.stop_gradient((ridge, given))
    reach = jnp.maximum(n * jnp.max(seen.variances), jnp.max(seen.variances @ seen.multiplicity))
    first = jax.lax.stop_gradient(NULL_RIDGE * jnp.maximum(reach, held))
    last = jnp.where(held > 0.0, held, first * NEAR_ZERO)
    lean = noise[0] @ noise[1] if force is None else _lean(frozen, force)
    unit = jax.lax.stop_gradient(jnp.sqrt(seen.signal + jnp.min(noise[2]) ** 2) + jnp.abs(lean))

    def residual(given: Any, coarse: bool = False) -> Any:
        return lambda x, log_ridge: _residual(x, given, loss, jnp.exp(log_ridge), unit, intercept, coarse)

    def guess(spread: Any) -> Array:
        gamma = seen.variances @ seen.multiplicity / first
        return jnp.concatenate([jnp.log(gamma), jnp.log(spread), jnp.zeros(1) + (lean / unit if intercept else 0.0)])

    spread = jnp.maximum(seen.signal, 1e-30) * jnp.ones(len(seen.variances))
    if seen.rule is not None:
        spread = spread.at[1].set(1e-3 * spread[1])
    several = seen.coarse is not None

    def nearer(_: Any, spread: Array) -> Array:
        _, answer, known, _ = _answer(guess(spread), frozen, loss, first, unit, several)
        return jnp.maximum(answer.spread[:-1] + known, 1e-200)

    start = jax.lax.stop_gradient(guess(jax.lax.fori_loop(0, 2, nearer, jax.lax.stop_gradient(spread))))
    x, left = follow(residual(frozen, several), start, jnp.log(first), jnp.log(last), TOLERANCE)
    if several:
        x, left = newton(lambda y: residual(frozen)(y, jnp.log(last)), x, TOLERANCE)
    scale = jnp.where(ridge > 0.0, ridge, last)
    x = implicit(lambda y: residual(given)(y, jnp.log(scale)), x)
    told, answer, *_ = _answer(x, given, loss, scale, unit, False)
    height = unit * x[-1]
    spread = answer.spread[-1] if members is None else _paired(x, given, loss, scale, unit, members)
    excess = spread - 2.0 * told + seen.signal
    return LossRegression(
        excess=excess, offset=variance + (mean - height) ** 2, norm=answer.norm, intercept=height, kappa=answer.nu,
        residual=left, converged=left < CONVERGED,
    )


def _lean(given: Any, force: Any) -> Array:
    """The intercept that noise alone would have."""
    return balanced_intercept((None, given[1], given[2], force), 0.0, jnp.zeros(()))


def _rows(x: Array, given: Any, loss: Any, unit: Any, coarse: bool) -> tuple[Array, ...]:
    """Sums over rows: slope and power of each part, pull along each direction; E F."""
    seen, (shares, means, deviations), n, _, (times, chances) = given
    parts = len(seen.variances)
    gamma, spread = jnp.exp(x[:parts]), jnp.exp(x[parts : 2 * parts])
    moved = means - unit * x[-1]
    if seen.rule is None:
        once, squared = chances * times, chances * times**2

        def of_pattern(g: Any, q: Any, label: Any) -> Array:
            center, deviation = label * means - unit * x[-1], jnp.sqrt(label**2 * deviations**2 + q)
            found = jax.vmap(lambda k: of_draw(k * g, center, deviation))(times)
            return jnp.stack([once, squared, once], axis=1) * found

        def of_draw(g: Any, center: Any, deviation: Any) -> Array:
            if isinstance(loss, SquaredLoss):
                slope = 1.0 / (1.0 + g)
                square = slope**2 * (center**2 + deviation**2)
                return jnp.stack([shares @ center * slope, shares @ square, slope * jnp.sum(shares)])
            of = clipped_moments(center, deviation, 1.0 / (loss.softness + g), loss.low, loss.high)
            return jnp.stack([shares @ one for one in of])

        found = jnp.sum(jax.vmap(of_pattern)(gamma, spread, seen.label), axis=1)
        mean, power, slope = seen.chance * found.T
        return n * slope, n * power, n * slope * seen.label, jnp.sum(mean)
    rule = seen.coarse if coarse else seen.rule


    def of_part(center: Any, deviation: Any) -> Array:
        at = [gamma[0], gamma[1], deviation**2 + spread[0], spread[1], -center, jnp.ones(())]
        return answered(lambda numbers: group_sums(loss, rule, numbers), at)

    mean, power, slope, private, own_slope = shares @ jax.vmap(of_part)(moved, deviations)
    sums = jnp.stack([slope, own_slope]), jnp.stack([power, private]), jnp.stack([slope, 0.0 * slope])
    return *(n * one for one in sums), mean


def _answer(
    x: Array, given: Any, loss: Any, ridge: Any, unit: Any, coarse: bool
) -> tuple[Array, WeightResponse, Array, Array]:
    """Covariance of labels and clean predictions; the weights' answer, clean inputs last; of each part, by how much the
    residual's variance without noise is more than the score's; E F.
    """
    seen, features = given[0], given[3]
    slope, power, pull, mean = _rows(x, given, loss, unit, coarse)
    none, gains = jnp.zeros(1), seen.gains
    answer = weight_response(
        jnp.concatenate([seen.variances, seen.clean[None]]), seen.multiplicity, gains[:, None] * gains * seen.truth,
        jnp.concatenate([slope, none]), jnp.concatenate([power, none]), pull, ridge, features,
    )
    learned = seen.truth * (pull @ gains) / (slope @ seen.variances + answer.nu)
    # what is private has nothing to do with labels
    label = seen.label if seen.rule is None else jnp.array([1.0, 0.0])
    return jnp.sum(learned), answer, label**2 * seen.signal - 2.0 * label * (gains @ learned), mean


def _paired(x: Array, given: Any, loss: Any, ridge: Any, unit: Any, members: Any) -> Array:
    """Variance of the mean prediction of `members` on clean inputs, of rows in single views."""
    seen, (shares, means, deviations), n, features, draws = given
    slope, power, pull, mean = _rows(x, given, loss, unit, False)
    _, answer, known, _ = _answer(x, given, loss, ridge, unit, False)
    gamma, spread = jnp.split(jnp.exp(x[:-1]), 2)
    weights = Weights(
        seen.variances, seen.multiplicity, seen.gains[:, None] * seen.gains * seen.truth, features, jnp.zeros(())
    )

    def shared_power(shared: Array) -> Array:
        def of_pattern(g: Any, q: Any, s: Any, label: Any) -> Array:
            noise = shares, label * means - unit * x[-1], jnp.abs(label) * deviations
            return paired_power(loss, g, q, s, noise, draws)

        return n * seen.chance * jax.vmap(of_pattern)(gamma, spread, shared * spread, seen.label)

    forces = Forces(pull, power, slope, mean, mean, mean)
    return paired_spread(weights, forces, answer, spread, shared_power, members, seen.clean[None], known)[0]


def _residual(
    x: Array, given: Any, loss: Any, ridge: Any, unit: Any, intercept: bool, coarse: bool
) -> Array:
    """The equations, each of order 1."""
    _, answer, known, mean = _answer(x, given, loss, ridge, unit, coarse)
    reach = unit if isinstance(loss, SquaredLoss) else loss.high - loss.low
    balance = mean / reach if intercept else x[-1]
    return jnp.concatenate([jnp.log(jnp.append(answer.gamma[:-1], answer.spread[:-1] + known)) - x[:-1], balance[None]])
