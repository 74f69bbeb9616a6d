"""Alignment of single neurons with the directions of XOR clusters in the first two steps, from vanishing initial weights.

A step moves neuron j by (rate a_j / 2) h_j, h_j = (1/n) sum_i y_i 1[w_j.x_i > 0] x_i, while the output is small.  With e_c
the direction of a pair of clusters of class c = +-1 and g = w_j.e_c / init its initial overlap with it:

First step: the gates of a pair's two clusters open with probabilities (1 +- s)/2, s = 2 Phi(separation g / sqrt(dim)) - 1.
Second step: the weights are now a_j h_j, so that a row that was seen opens the gate if its label has the sign of a_j (it is
part of h_j, and long), and a row that was not by its cluster, with probability Phi(+-t), t = separation sgn(a_j) h_j.e_c /
|h_j|.  Neurons thus grow along the pair of the class of their output weight, and along the other pair undo the first step.
What the first step deviates from its mean, by the rows that happened to be seen, comes back in the share of them whose
label has the sign of a_j: 1 - flip along the own pair, flip along the other.
"""

__all__ = ["FirstAlignment", "first_alignment", "second_alignment"]

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from jax.scipy.stats import norm
from jaxtyping import Array, Float

from rfgen.numerics.precision import require_double_precision


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class FirstAlignment:
    """Law of h_j.e_c in the first step given the initial overlap g, and of |h_j|; in units of the inputs.

    `mean` of c h_j.e_c; around it `common_variance`, of a part that all neurons of a training set share, and
    `own_variance`, of a part of each neuron.  `squared_length`: E|h_j|^2, to leading order in dim / n.
    """

    mean: Float[Array, "*batch"]
    common_variance: Float[Array, ""]
    own_variance: Float[Array, ""]
    squared_length: Float[Array, ""]


def first_alignment(overlap: Any, n: Any, dim: Any, separation: Any, flip: Any) -> FirstAlignment:
    """First step, given `overlap` g = w_j.e_c / init () or (batch,); other arguments scalars, named as in `XORClusters`.

    Regime: n in the hundreds, dim above n.  The length leaves out the means, squared: 4 % at n = 200, dim = 4000,
    separation 14.  Derived.

    >>> import jax
    >>> with jax.enable_x64(True):
    ...     first = first_alignment(1.0, n=200, dim=4000, separation=14.0, flip=0.1)
    ...     print(round(float(first.mean), 4), round(float(first.own_variance), 4), round(float(first.squared_length), 2))
    0.4905 0.1237 10.49
    """
    require_double_precision("rfgen.theory.first_alignment")
    g, n, dim, mu, flip = (jnp.asarray(value, jnp.float64) for value in (overlap, n, dim, separation, flip))
    variance = (1.0 + 0.5 * mu * mu) / (4.0 * n)
    seen = 2.0 * norm.cdf(mu * g / jnp.sqrt(dim)) - 1.0
    return FirstAlignment((1.0 - 2.0 * flip) * mu * seen / 4.0, variance, variance, (dim + mu * mu) / (2.0 * n))


def second_alignment(
    overlap: Any, moved: Any, same: Any, n: Any, dim: Any, separation: Any, flip: Any
) -> Float[Array, "*batch"]:
    """Mean of sgn(a_j) h_j.e_c in the second step, given what the first step did.

    `overlap` g = w_j.e_c / init before the first step, `moved` = sgn(a_j) h_j.e_c of the first step, `same` = +1 where the
    class of e_c is the sign of a_j, else -1: () or (batch,); other arguments scalars, named as in `XORClusters`.

    Regime: as `first_alignment`, dim above 10 n, initial weights far below the first step.  Regression of simulated neurons
    on it: slopes 0.98 to 1.02, correlations 0.94 to 0.99.  Derived.

    >>> import jax
    >>> with jax.enable_x64(True):
    ...     print([round(float(second_alignment(1.0, 0.5, same, 200, 4000, 14.0, 0.1)), 3) for same in (1.0, -1.0)])
    [1.672, -0.951]
    """
    require_double_precision("rfgen.theory.second_alignment")
    g, moved, same, n, dim, mu, flip = (
        jnp.asarray(value, jnp.float64) for value in (overlap, moved, same, n, dim, separation, flip)
    )
    seen = 2.0 * norm.cdf(mu * g / jnp.sqrt(dim)) - 1.0
    first = first_alignment(g, n, dim, mu, flip)
    switched = norm.cdf(mu * moved / jnp.sqrt(first.squared_length)) - 0.5
    again = jnp.where(same > 0.0, 1.0 - flip, flip) * (moved - same * first.mean)
    return mu / 4.0 * (0.5 * seen + same * (1.0 - 2.0 * flip) * switched) + again
