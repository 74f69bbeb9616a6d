"""Unpenalised logistic regression with `kappa` dimensions a row: what is wrong with it, in numbers.

Labels follow P(y = 1 | u) = sigmoid(signal u + bias), u = beta.x / sd(beta.x), of Gaussian inputs of any covariance.  The
left-out score of the maximum-likelihood fit is om = m u + sqrt(q - m^2) Z, to which the fitted intercept b is added, and

    E[y psi u] = 0,  E[y psi] = 0,  g E[d] = kappa,  g^2 E[psi^2] = kappa (q - m^2)

with psi, d of the logistic loss at the margin y (om + b) and gamma = g.  Coefficients are inflated by m/signal and
scatter by sqrt((q - m^2)/kappa); twice the log-likelihood ratio is (q - m^2)/g times a chi-squared variable.
Equations: theory (16.4) and (16.5).
"""

__all__ = ["LogisticLikelihood", "logistic_likelihood", "signal_of_scores"]

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from rfgen.equivalents.margin.margin_losses import LOSSES
from rfgen.numerics.compilation.precision import require_double_precision
from rfgen.numerics.compilation.program_maps import sparing_maps
from rfgen.numerics.compilation.record import record
from rfgen.numerics.continuation import follow
from rfgen.numerics.quadrature.normal_quadrature import normal_nodes

SOLVED, TOLERANCE = 1e-9, 1e-12
# Lengths of the way from a weak signal to the one looked for.
STRIDES = 12.0
# Classical statistics hold to a few per cent here, where the path begins.
FEW = 0.01
_NODES, _MEASURE = np.polynomial.hermite_e.hermegauss(80)
_MEASURE = _MEASURE / _MEASURE.sum()


@record
class LogisticLikelihood:
    """`inflation` alpha* of the coefficients, `scatter` sigma*, `stretch` lambda*: how far training on a row moves its own
    score, in units of its residual; `intercept` fitted; `ratio`, the factor on the likelihood-ratio statistic;
    `score_variance` eta^2 of left-out scores, and `correlation` of these with the labels +1 and -1; `signal` and `bias` of
    the labels; `residual`, `converged`.  Scalars.
    """

    inflation: Float[Array, "*batch"]
    scatter: Float[Array, "*batch"]
    stretch: Float[Array, "*batch"]
    intercept: Float[Array, "*batch"]
    ratio: Float[Array, "*batch"]
    score_variance: Float[Array, "*batch"]
    correlation: Float[Array, "*batch"]
    signal: Float[Array, "*batch"]
    bias: Float[Array, "*batch"]
    residual: Float[Array, "*batch"]
    converged: Bool[Array, "*batch"]


@sparing_maps
@partial(jax.jit, static_argnames="intercept")
def logistic_likelihood(kappa: Any, signal: Any, bias: Any = 0.0, intercept: bool = False) -> LogisticLikelihood:
    """The maximum-likelihood fit of labels of `signal` > 0 and `bias` at `kappa` > 0 dimensions a row.

    `signal` is the standard deviation of beta.x.  `intercept`: one is fitted; without, `bias` must be 0.  `converged` is
    False where the labels can be separated and there is no fit.  Exact as rows and dimensions grow together.  Source: arXiv
    1803.06964 (without bias), 2001.09351 (any covariance, with bias); derived.

    >>> import jax
    >>> with jax.enable_x64(True):
    ...     found = logistic_likelihood(0.2, 5**0.5)
    ...     [round(float(x), 8) for x in (found.inflation, found.scatter, found.stretch)]
    [1.49935012, 4.74355316, 3.02692616]
    """
    require_double_precision("rfgen.theory.logistic_likelihood")
    kappa, signal, bias = (jnp.asarray(value, jnp.float64) for value in (kappa, signal, bias))
    last = jnp.log(kappa)
    first = jnp.minimum(last, jnp.log(FEW))

    def residual(x: Array, log_kappa: Any) -> Array:
        return _equations(x, jnp.exp(log_kappa), signal, bias, intercept)

    start = _start(jnp.exp(first), signal, bias)
    x, left = follow(residual, start, first, last, TOLERANCE)
    return _found(x, kappa, signal, bias, left)


@sparing_maps
@partial(jax.jit, static_argnames="intercept")
def signal_of_scores(
    kappa: Any, correlation: Any, intercept_found: Any = 0.0, intercept: bool = False
) -> LogisticLikelihood:
    """The fit whose left-out scores have this `correlation` with the labels, and this intercept.

    Inverts `logistic_likelihood`: the correlation rises with the signal, which the variance of the scores need not do.

    >>> import jax
    >>> with jax.enable_x64(True):
    ...     there = logistic_likelihood(0.2, 2.0, 0.5, intercept=True)
    ...     back = signal_of_scores(0.2, there.correlation, there.intercept, intercept=True)
    ...     round(float(back.signal), 8), round(float(back.bias), 8)
    (2.0, 0.5)
    """
    require_double_precision("rfgen.theory.signal_of_scores")
    given = kappa, correlation, intercept_found
    kappa, correlation, level = (jnp.asarray(value, jnp.float64) for value in given)
    weak = jnp.asarray(0.1)  # a signal that is as good as none
    known = logistic_likelihood(kappa, weak, 0.0, intercept)
    wanted = jnp.maximum(correlation, 0.0)

    def residual(x: Array, t: Any) -> Array:
        signal, bias = jnp.exp(x[4]), x[5]
        equations = _equations(x[:4], kappa, signal, bias, intercept)
        here = _found(x[:4], kappa, signal, bias, known.residual)
        towards = known.correlation + t * (wanted - known.correlation)
        ends = here.correlation - towards, (x[3] - t * level if intercept else bias)
        return jnp.concatenate([equations, jnp.stack(ends)])

    start = jnp.stack([
        jnp.log(known.stretch), known.inflation * weak, jnp.log(kappa * known.scatter**2), known.intercept, jnp.log(weak),
        jnp.zeros(()),
    ])
    x, left = follow(lambda x, t: residual(x, t / STRIDES), start, 0.0, STRIDES, TOLERANCE)
    found = _found(x[:4], kappa, jnp.exp(x[4]), x[5], left)
    # no signal is seen: the limit of a weak one
    return jax.tree.map(lambda one, other: jnp.where(correlation > known.correlation, one, other), found, known)


def _start(kappa: Any, signal: Any, bias: Any) -> Array:
    u, measure = normal_nodes(0.0, 1.0, jnp.zeros(0))
    p = jax.nn.sigmoid(signal * u + bias)
    information = measure @ (p * (1.0 - p))
    return jnp.stack([jnp.log(kappa / information), signal, jnp.log(kappa / information), bias])


def _equations(x: Array, kappa: Any, signal: Any, bias: Any, intercept: bool) -> Array:
    g, m, rest, b = jnp.exp(x[0]), x[1], jnp.exp(x[2]), x[3]
    q, loss = m * m + rest, LOSSES["logistic"]()
    kinks = loss.kinks(g, 1.0)
    total = jnp.zeros(4)
    for label in (1.0, -1.0):
        score, measure = normal_nodes(0.0, jnp.sqrt(q), label * kinks - b)
        u = m * score[:, None] / q + jnp.sqrt(rest / q) * _NODES
        right = jax.nn.sigmoid(label * (signal * u + bias)) * _MEASURE
        share, along = jnp.sum(right, axis=1), jnp.sum(right * u, axis=1)
        force, bend = loss.force(label * (score + b), g, 1.0)
        means = label * along * force, label * share * force, share * bend, share * force**2
        total = total + jnp.stack([measure @ each for each in means])
    balance = total[1] if intercept else b
    return jnp.stack([total[0], balance, g * total[2] / kappa - 1.0, g**2 * total[3] / (kappa * rest) - 1.0])


def _found(x: Array, kappa: Any, signal: Any, bias: Any, left: Any) -> LogisticLikelihood:
    g, m, rest = jnp.exp(x[0]), x[1], jnp.exp(x[2])
    u, measure = normal_nodes(0.0, 1.0, jnp.zeros(0))
    mean = jnp.tanh(0.5 * (signal * u + bias))
    says = measure @ (mean * u) / jnp.sqrt(1.0 - (measure @ mean) ** 2)
    q = m * m + rest
    return LogisticLikelihood(
        m / signal, jnp.sqrt(rest / kappa), g, x[3], rest / g, q, m * says / jnp.sqrt(q), signal, bias, left, left < SOLVED
    )
