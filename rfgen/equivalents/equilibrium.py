"""The equilibrium of one group, training rows that share a covariance, up to one monotone scalar equation.

Two coupled equations fix the effective ridges kappa (of the samples) and gamma (of samples and features):

    n = df1 + ridge / kappa,   features = df1 + features kappa / gamma,   df1 = sum_i lambda_i / (lambda_i + gamma).

Rows drawn without replacement from N examples have `n = df1 + (1 - df1/N) ridge / kappa` (derived: free compression; for
kernels the subsample-ridge equivalence of arXiv 2305.18496, 2408.15784).  Multiplied out,
`gamma (n - df1) (features - df1) = ridge features (1 - df1/N)`.  Solved for the smaller gap `g = m - df1`,
m = min(n, features), without cancellation it reads

    df1(gamma) + g(gamma) = m,    g = 2 r (1 - m/N) / (x + sqrt(x^2 + 4 r (1 - m/N) / features)),
    r = ridge / gamma,  x = |1 - n / features| - r / N,

where df1 is close to m wherever the spectrum has a gap at the m-th mode.  So the m leading modes (as far as whole panels of
them go) enter with what they have *not* learned, all others with what they have:

    sum_others lambda / (lambda + gamma) + g = (m - leading) + sum_leading gamma / (lambda + gamma),

two sums of positive terms, the left one decreasing in gamma and the right one increasing.  Every quantity of the error
kernel follows from the gaps and from `df1 - df2`, sums of positive terms too: nothing is lost at ridge 1e-300, one part in
1e16 from n = features, or in the gap of a spectrum that spans 300 decades.

Bracket.  At `gamma >= 2 trace / m` and `gamma >= 4 ridge / (m (m / features + 2 |1 - n / features|))` each term is at most
m/2 and df1 + g <= m: an upper bound.  `g(ridge / n) = m`, and `df1(gamma) >= rank smallest / (smallest + gamma)`: two lower
bounds.
With ridge 0 and rank <= m everything is learned: gamma = 0.  Equations: theory (2.1) to (2.6) and (2.8) to (2.13).
"""

__all__ = ["Equilibrium", "Group", "equilibrium", "training_group"]

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from rfgen.numerics.compilation.record import record
from rfgen.numerics.monotone_root import decreasing_root
from rfgen.problems.spectra.modes import Modes


@record
class Group:
    """`rows` () independent rows with the covariance and the target of `modes`, and label noise of variance `noise` ().

    Plain ridge regression is one group of n rows; the test population is that of the training rows.
    """

    modes: Modes
    rows: Float[Array, "*batch"]
    noise: Float[Array, "*batch"]


def training_group(modes: Modes, n: Any, noise: Any) -> Group:
    """The single group of ridge regression on `n` samples, its leaves as 64-bit arrays."""
    modes = jax.tree.map(lambda leaf: jnp.asarray(leaf, dtype=jnp.float64), modes)
    return Group(modes, jnp.asarray(n, dtype=jnp.float64), jnp.asarray(noise, dtype=jnp.float64))


# Residuals measured over the problem table: at most 2e-14.
RESIDUAL_TOLERANCE = 1e-10
# A ridge below this of the smallest eigenvalue counts as 0: its share is no double.
NONE = 1e-307
# Newton's step in log gamma whose successor, half its square, is lost in rounding: both sides of the equation are sums of
# terms whose second derivatives in log gamma are at most some first ones.
LAST_STEP = 1.5e-8
# Cells of the table that Newton's method starts from: one pass does then, from the upper bound five.
TABLE = 160
# log of the smallest positive double, and a number whose inverse is one
LOG_SMALLEST, SMALLEST = -745.0, 1e-300


@record
class Equilibrium:
    """Effective ridges and gaps of one group; every field is a scalar (), or batched by vmap.

    `kappa`: effective ridge of the samples, ridge (1 - df1/N) / (n - df1); `gamma`: effective ridge of samples and
    features (equal to kappa for the full kernel); `row_gap`: n - df1; `feature_gap`: 1 - df1 / features; `df1`, `df2`:
    degrees of freedom; `spread`: df1 - df2; `residual`: relative residual of the equation; `converged`: whether it is
    below 1e-10.
    """

    kappa: Float[Array, "*batch"]
    gamma: Float[Array, "*batch"]
    row_gap: Float[Array, "*batch"]
    feature_gap: Float[Array, "*batch"]
    df1: Float[Array, "*batch"]
    df2: Float[Array, "*batch"]
    spread: Float[Array, "*batch"]
    residual: Float[Array, "*batch"]
    converged: Bool[Array, "*batch"]


def equilibrium(group: Group, features: Array, ridge: Array) -> Equilibrium:
    """Solve for gamma; see the module's text for the equation and its bracket.

    Source: the random-feature eigenframework of arXiv 2311.14646; its reduction to this form is derived here.
    """
    modes, n = group.modes, group.rows
    ridge = jnp.where(ridge < NONE * modes.smallest, 0.0 * ridge, ridge)
    smaller = jnp.minimum(n, features)
    limited = jnp.isfinite(features)
    count = jnp.where(limited, features, 1.0)
    # exact where n and features are close, unlike 1 - n / features
    imbalance = jnp.where(limited, (count - n) / count, 1.0)
    # unlike jnp.abs, this has derivative 0 at 0, as n = features needs
    distance = jnp.maximum(imbalance, -imbalance)
    finite = jnp.isfinite(modes.population)
    of_examples = jnp.where(finite, 1.0 / jnp.where(finite, modes.population, 1.0), 0.0)
    left_out = 1.0 - smaller * of_examples
    exhausted = (ridge == 0.0) & (modes.rank <= smaller)
    # where everything is learned the root is not needed: solve a harmless equation instead
    target = jnp.where(exhausted, 0.5 * jnp.clip(modes.rank, 1.0, 1e300), smaller)
    leading = modes.through <= target
    spare = target - jnp.max(jnp.where(leading, modes.through, 0.0))
    log_ridge = jnp.where(ridge > 0.0, jnp.log(jnp.where(ridge > 0.0, ridge, 1.0)), -jnp.inf)

    def gap(log_gamma: Array) -> tuple[Array, Array]:
        """`g` and `-dg / dlog gamma`."""
        # ridge * exp(-log gamma) keeps the derivative at ridge 0, and overflows below exp(-600)
        near = jnp.where(log_gamma > -600.0, log_gamma, 0.0)
        far = jnp.where(log_gamma > -600.0, 0.0, log_gamma)
        ratio = jnp.where(log_gamma > -600.0, ridge * jnp.exp(-near), jnp.exp(jnp.minimum(log_ridge - far, 700.0)))
        four = 4.0 * ratio * left_out / features
        shift = ratio * of_examples
        # below ridge/N nothing solves it
        apart = jnp.where(limited, distance - shift, jnp.maximum(distance - shift, SMALLEST))
        # equal; the first has the right second derivative in n at n = features
        exact, direct = imbalance * imbalance + shift * (shift - 2.0 * distance), apart * apart
        squared = jnp.where(limited, exact, direct) + four
        root = jnp.where(squared > 0.0, jnp.sqrt(jnp.where(squared > 0.0, squared, 1.0)), 0.0)
        total = apart + root
        direct = 2.0 * ratio * left_out / jnp.where(total > 0.0, total, 1.0)
        # both forms are equal; this one has the right second derivative in n at n = features
        near_square = limited & ((apart < 0.0) | (apart * apart < four))
        value = jnp.where(near_square, 0.5 * count * (root - apart), direct)
        steepness = ratio * (left_out + value * of_examples)
        return value, jnp.where(root > 0.0, steepness / jnp.where(root > 0.0, root, 1.0), 0.0)

    def excess(log_gamma: Array, gamma: Array | None = None) -> tuple[Array, Array]:
        gamma = jnp.exp(log_gamma) if gamma is None else gamma
        inverse = 1.0 / (modes.eigenvalues + gamma)
        learned, missed = modes.eigenvalues * inverse, gamma * inverse
        spread = learned * missed
        g, minus_slope = gap(log_gamma)
        left = jnp.where(leading, 0.0, learned) @ modes.multiplicity + g
        right = jnp.where(leading, missed, 0.0) @ modes.multiplicity + spare
        slope_left = jnp.where(leading, 0.0, spread) @ modes.multiplicity + minus_slope
        slope_right = jnp.where(leading, spread, 0.0) @ modes.multiplicity
        return jnp.log(left) - jnp.log(right), -slope_left / left - slope_right / right

    trace = jnp.sum(modes.multiplicity * modes.eigenvalues)
    upper = jnp.maximum(
        jnp.log(2.0 * trace / target), log_ridge + jnp.log(4.0 / (target * (target / features + 2.0 * distance)))
    )
    # all modelled modes (the tail's included) are at least `smallest`; the factor covers the rounding of the count
    missing = jnp.sum(modes.multiplicity) * (1.0 - 1e-12) / target - 1.0
    from_rank = jnp.where(
        missing > 0.0, jnp.log(modes.smallest) + jnp.log(jnp.where(missing > 0.0, missing, 1.0)), -jnp.inf
    )
    lower = jnp.maximum(jnp.maximum(log_ridge - jnp.log(n), from_rank), LOG_SMALLEST)
    lower, upper = jax.lax.stop_gradient((lower - 1e-6, upper + 1e-6))
    log_gamma = decreasing_root(excess, lower, upper, _guess(modes, target, gap, (lower, upper)), LAST_STEP)

    learned_all = jnp.where(exhausted, modes.rank, 0.0)
    gamma_there, missed_there = _at_ridge_zero(modes, n, features, jnp.where(exhausted, ridge, 0.0), learned_all)
    gamma = jnp.where(exhausted, gamma_there, jnp.exp(log_gamma))
    g = jnp.where(exhausted, 0.0, gap(log_gamma)[0])
    inverse = 1.0 / (modes.eigenvalues + gamma)
    learnability = modes.eigenvalues * inverse
    spread = (learnability * (gamma * inverse)) @ modes.multiplicity
    squares = (learnability * learnability) @ modes.multiplicity
    df1 = jnp.where(exhausted, learned_all - missed_there, squares + spread)
    df2 = jnp.where(exhausted, df1 - spread, squares)
    found = jax.lax.stop_gradient((log_gamma, gamma))
    residual = jnp.where(exhausted, 0.0, jnp.abs(excess(*found)[0]))
    # the maxima, unlike a choice by n <= features, have the right derivative at n = features
    row_gap = jnp.where(exhausted, n - learned_all + missed_there, g + jnp.maximum(n - features, 0.0))
    feature_gap = jnp.where(
        exhausted, 1.0 - (learned_all - missed_there) / features, g / features + jnp.maximum(imbalance, 0.0)
    )
    return Equilibrium(
        kappa=gamma * feature_gap, gamma=gamma, row_gap=row_gap, feature_gap=feature_gap, df1=df1, df2=df2,
        spread=spread, residual=residual, converged=residual < RESIDUAL_TOLERANCE,
    )


def _guess(modes: Modes, target: Array, gap: Callable[[Array], tuple[Array, Array]], bracket: tuple[Array, Array]) -> Array:
    """log gamma to some ten digits where the spectrum is smooth, something in the `bracket` elsewhere.

    All settings share the log of the degrees of freedom and its first two derivatives at the ends of the cells of a table:
    between two of them a polynomial of the fifth degree takes their place in the equation.
    """
    modes, target = jax.lax.stop_gradient((modes, target))
    start, width = jnp.log(modes.smallest) - 2.0, jnp.log(jnp.sum(modes.multiplicity * modes.eigenvalues)) + 2.0
    width = (width - start) / TABLE
    learned = modes.eigenvalues / (modes.eigenvalues + jnp.exp(start + width * jnp.arange(TABLE + 1.0))[:, None])
    spread = learned * (1.0 - learned)
    sums = [each @ modes.multiplicity for each in (learned, -spread, spread * (1.0 - 2.0 * learned))]
    slope = width * sums[1] / sums[0]
    logs = jnp.log(sums[0]), slope, width * width * sums[2] / sums[0] - slope * slope
    (p, dp, ddp), (q, dq, ddq) = ([each[:-1] for each in logs], [each[1:] for each in logs])
    rise = q - p
    polynomial = jnp.stack([
        p, dp, 0.5 * ddp, 10.0 * rise - 6.0 * dp - 4.0 * dq - 1.5 * ddp + 0.5 * ddq,
        -15.0 * rise + 8.0 * dp + 7.0 * dq + 1.5 * ddp - ddq, 6.0 * rise - 3.0 * (dp + dq) - 0.5 * (ddp - ddq),
    ], axis=1)

    def excess(log_gamma: Array) -> tuple[Array, Array]:
        at = jnp.clip((log_gamma - start) / width, 0.0, TABLE)
        cell = jnp.minimum(jnp.floor(at), TABLE - 1.0)
        share, (*lower, top) = at - cell, polynomial[cell.astype(int)]
        log_df1, slope = top, jnp.zeros_like(top)
        for coefficient in lower[::-1]:
            log_df1, slope = coefficient + share * log_df1, log_df1 + share * slope
        df1, (value, minus_slope) = jnp.exp(log_df1), gap(log_gamma)
        left = df1 + value
        return jnp.log(left / target), (df1 * slope / width - minus_slope) / left

    return decreasing_root(excess, *bracket, bracket[1], 1e-5)


def _at_ridge_zero(modes: Modes, n: Array, features: Array, ridge: Array, rank: Array) -> tuple[Array, Array]:
    """gamma and rank - df1 where everything is learned: both 0, with their derivatives of the first three orders.

    From `gamma (n - df1)(1 - df1/features) = ridge`, each pass of this iteration adding an order in the ridge.
    """
    # the sum of gamma / (lambda + gamma) to third order: its coefficients are no point's own
    shares = [jnp.sum(modes.multiplicity * (modes.smallest / modes.eigenvalues) ** order) for order in (1, 2, 3)]
    gamma = missed = jnp.zeros_like(ridge)
    for _ in range(3):
        room = (n - rank + missed) * (1.0 - (rank - missed) / features) / (1.0 - (rank - missed) / modes.population)
        gamma = jnp.where(room > 0.0, ridge / jnp.where(room > 0.0, room, 1.0), 0.0)
        part = gamma / jnp.where(modes.smallest > 0.0, modes.smallest, 1.0)
        missed = part * (shares[0] - part * (shares[1] - part * shares[2]))
    return gamma, missed
