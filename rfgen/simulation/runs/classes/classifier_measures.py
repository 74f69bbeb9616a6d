"""What a given linear classifier is worth, by the normal distribution of its scores: no test points are drawn."""

__all__ = ["attacked_error", "calibration", "group_errors", "group_laws", "label_error", "label_law", "sign_error"]

from typing import Any

import numpy as np

from rfgen.simulation.arrays import Array, namespace, normal_cdf, while_loop

# The integrands are smooth; 64 nodes leave 1e-12 for an intercept of any size, 401 points 1e-12 where weights leave
# a hundredth of the score's variance unexplained.
ANGLES = np.polynomial.legendre.leggauss(64)
SCORES = np.linspace(-9.0, 9.0, 401)
# Points of a grid of scores; to the logarithm of a temperature Newton's steps, halvings after them, and the last step.
GRID, STEPS, HALVINGS, CLOSE = 1201, 12, 50, 1e-8


def group_errors(
    weights: Array, intercept: Any, means: Array, deviations: Array, classes: Array, shift: Any = 0.0
) -> Array:
    """Probabilities (groups,) that class * (w.x + b) <= shift for x ~ N(mean, deviations^2), of `weights` (dim,).

    `shift` 0: the error; radius * |w|, in the norm dual to the attack's: the error under attack within that radius; shifts
    (radii, 1) give (radii, groups).

    >>> import jax, jax.numpy as jnp
    >>> with jax.enable_x64(True):
    ...     one = jnp.ones((1, 1))
    ...     round(float(group_errors(one[0], 0.0, 2 * one, one, one[0])[0]), 6)  # Phi(-2)
    0.02275
    """
    xp = namespace(weights)
    spread = xp.sqrt((deviations * deviations) @ (weights * weights))
    behind = shift - classes * (means @ weights + intercept)
    # without spread the score is what it is; 0 is right half of the time
    sharp = xp.where(behind == 0.0, 0.0, xp.copysign(np.inf, behind))
    return normal_cdf(xp.where(spread > 0.0, behind / xp.where(spread > 0.0, spread, 1.0), sharp))


def sign_error(overlap: Array, variance: Array, intercept: Array, bias: Any = 0.0) -> Array:
    """Probability that sign(s + b) is not sign(u + c), c the `bias`, for (u, s) normal with variances 1 and `variance`,
    covariance `overlap`.

    Phi(h) + Phi(c) - 2 Phi(h) Phi(c) - 1/pi int_0^asin(r) exp(-(h^2 + c^2 - 2 h c sin a) / (2 cos^2 a)) da, r the
    correlation, h = b / sqrt(variance); without intercept and bias arccos(r) / pi.

    >>> import jax, jax.numpy as jnp
    >>> with jax.enable_x64(True):
    ...     [round(float(sign_error(jnp.array(0.5), jnp.array(1.0), jnp.array(b))), 6) for b in (0.0, 50.0)]
    [0.333333, 0.5]
    """
    xp = namespace(variance)
    deviation = xp.sqrt(variance)
    safe = xp.where(deviation > 0.0, deviation, 1.0)
    correlation = xp.where(deviation > 0.0, xp.clip(overlap / safe, -1.0, 1.0), 0.0)
    height = xp.where(deviation > 0.0, intercept / safe, np.inf)
    end = xp.arcsin(correlation)
    nodes, weights = (xp.asarray(each, end.dtype) for each in ANGLES)
    angle = 0.5 * end * (nodes + 1.0)
    height = xp.clip(height, -1e6, 1e6)
    inside = xp.exp(-0.5 * (height**2 + bias**2 - 2.0 * height * bias * xp.sin(angle)) / xp.cos(angle) ** 2)
    above, right = normal_cdf(height), normal_cdf(xp.asarray(bias + 0.0 * height))
    return above + right - 2.0 * above * right - 0.5 * end * (weights @ inside) / np.pi


def label_error(
    overlap: Array, variance: Array, intercept: Array, link: str, scale: Array, flip: Array, bias: Any = 0.0
) -> Array:
    """Probability that sign(s + b) is not a fresh label of the teacher with that `link`, `scale`, `flip` and `bias`."""
    xp = namespace(variance)
    if link == "sign":
        wrong = sign_error(overlap, variance, intercept, bias)
    elif link == "probit":
        # a label of u + noise, which has this deviation
        whole = xp.sqrt(1.0 + scale * scale)
        wrong = sign_error(overlap / whole, variance, intercept, bias / whole)
    else:
        u = xp.asarray(SCORES, overlap.dtype)
        density = xp.exp(-0.5 * u * u) * (SCORES[1] - SCORES[0]) / (2.0 * np.pi) ** 0.5
        rest = xp.sqrt(xp.maximum(variance - overlap * overlap, 1e-4 * variance))
        above = normal_cdf((overlap * u + intercept) / xp.where(rest > 0.0, rest, 1.0))
        says = 1.0 / (1.0 + xp.exp(-(u + bias) / scale))
        wrong = density @ (says * (1.0 - above) + (1.0 - says) * above)
    return flip + (1.0 - 2.0 * flip) * wrong


def attacked_error(
    overlap: Array, variance: Array, intercept: Array, shift: Array, link: str, scale: Array, flip: Array, bias: Any = 0.0
) -> Array:
    """Probability that y (s + b) <= shift for a fresh label y: `shift` 0 gives `label_error`."""
    xp = namespace(variance)
    deviation = xp.sqrt(variance)
    lower, upper = (normal_cdf((end - intercept) / deviation) for end in (shift, -shift))  # of s + b
    if link == "logistic":
        u = xp.asarray(SCORES, overlap.dtype)
        density = xp.exp(-0.5 * u * u) * (SCORES[1] - SCORES[0]) / (2.0 * np.pi) ** 0.5
        rest = xp.sqrt(xp.maximum(variance - overlap * overlap, 1e-4 * variance))
        low, high = (normal_cdf((end - intercept - overlap * u) / rest) for end in (shift, -shift))
        says = 1.0 / (1.0 + xp.exp(-(u + bias) / scale))
        wrong = density @ (says * low + (1.0 - says) * (1.0 - high))
    else:
        whole = xp.sqrt(1.0 + (scale * scale if link == "probit" else 0.0 * scale))
        told = overlap / whole, variance
        right = normal_cdf(xp.asarray(bias / whole + 0.0 * variance))
        # P(label +1, s + b <= shift) and P(label -1, s + b > -shift), by probabilities of unlike signs
        missed = 0.5 * (sign_error(*told, intercept - shift, bias / whole) - (1.0 - lower) + right)
        wrong = missed + 0.5 * (sign_error(*told, intercept + shift, bias / whole) + (1.0 - upper) - right)
    return (1.0 - flip) * wrong + flip * (lower + 1.0 - upper - wrong)


def group_laws(means: Array, deviations: Array, classes: Array, shares: Array) -> tuple[Array, Array, Array]:
    """Scores on a grid, and the densities there of rows of class +1 and of class -1, for scores of normal groups."""
    xp = namespace(means)
    known = shares > 0.0
    low, high = (xp.where(known, means + side * 9.0 * deviations, means[0]) for side in (-1.0, 1.0))
    grid = xp.linspace(0.0, 1.0, GRID)
    scores = xp.min(low) + (xp.max(high) - xp.min(low)) * grid
    depth = xp.exp(-0.5 * ((scores[:, None] - means) / deviations) ** 2) / (deviations * (2.0 * np.pi) ** 0.5)
    return scores, depth @ xp.where(classes > 0.0, shares, 0.0), depth @ xp.where(classes > 0.0, 0.0, shares)


def label_law(
    overlap: Array, variance: Array, intercept: Array, link: str, scale: Array, flip: Array, bias: Any = 0.0
) -> tuple[Array, Array, Array]:
    """The same for scores s + b and labels of a teacher."""
    xp = namespace(variance)
    s = xp.sqrt(variance) * xp.linspace(-9.0, 9.0, GRID)
    density = xp.exp(-0.5 * s * s / variance) / xp.sqrt(2.0 * np.pi * variance)
    rest = xp.sqrt(xp.maximum(1.0 - overlap * overlap / variance, 1e-12))
    if link == "logistic":
        u = (overlap / variance * s)[:, None] + rest * xp.asarray(SCORES, overlap.dtype)
        weight = np.exp(-0.5 * SCORES**2) * (SCORES[1] - SCORES[0]) / (2.0 * np.pi) ** 0.5
        says = (1.0 / (1.0 + xp.exp(-(u + bias) / scale))) @ xp.asarray(weight, overlap.dtype)
    else:
        blur = xp.sqrt(rest * rest + (scale * scale if link == "probit" else 0.0))
        says = normal_cdf((overlap / variance * s + bias) / blur)
    says = flip + (1.0 - 2.0 * flip) * says
    return s + intercept, density * says, density * (1.0 - says)


def calibration(scores: Array, above: Array, below: Array) -> dict[str, Array]:
    """Calibration error, temperature, log loss and Brier score of sigmoid(score), by the trapezoid rule."""
    xp, step = namespace(scores), scores[1] - scores[0]
    said = 1.0 / (1.0 + xp.exp(-scores))
    loss = above * xp.logaddexp(-scores, 0.0) + below * xp.logaddexp(scores, 0.0)

    rise = (above + below) * scores * scores

    def closer(state: tuple[Array, ...]) -> tuple[Array, ...]:
        """Newton's step in the factor on the scores, of which the loss is convex, or half of the way."""
        low, high, size, _, number = state
        factor = xp.exp(size)
        probability = 1.0 / (1.0 + xp.exp(-factor * scores))
        slope = scores @ (below * probability - above * (1.0 - probability))
        low, high = xp.where(slope > 0.0, low, size), xp.where(slope > 0.0, size, high)
        move = xp.log1p(-slope / (factor * (rise @ (probability * (1.0 - probability)))))
        inside = (number < STEPS) & ((low < size + move) & (size + move < high) | (xp.abs(move) < CLOSE))
        found = xp.where(inside, size + move, 0.5 * (low + high))
        return low, high, found, xp.where(inside, xp.abs(move), np.inf), number + 1

    size = -0.5 * xp.log(step * xp.sum(rise))
    start = (size - 12.0, size + 12.0, size, xp.full_like(size, np.inf), xp.asarray(0))
    size = while_loop(lambda state: (state[4] < STEPS + HALVINGS) & (state[3] > CLOSE), closer, start)[2]
    return {
        "calibration_error": step * xp.sum(xp.abs(said * (above + below) - above)),
        "temperature": xp.exp(-size), "log_loss": step * xp.sum(loss),
        "brier": step * xp.sum(above * (1.0 - said) ** 2 + below * said**2),
    }
