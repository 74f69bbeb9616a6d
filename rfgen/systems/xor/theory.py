"""Test and training accuracy of a wide two-layer ReLU network after one step of descent on XOR clusters.

Rows x_i with labels y_i (a share eta flipped), neurons w_j ~ init N(0, I), outputs a_j = +-1/sqrt(m), half each, logistic
loss.  While f0 is small each row pulls with slope 1/2:

    w_j -> w_j + (rate a_j / 2) h_j,    h_j = (1/n) sum_i y_i 1[w_j.x_i > 0] x_i.

At a fresh x both u = w_j.x, with sigma^2 = init^2 P, P = dim + separation^2 = E|x|^2, and the change +-d of it,
d = b h_j.x, b = rate / (2 sqrt(m)), are Gaussian over neurons; + and - are the two signs of a_j, and
f1 = (sqrt(m)/2) (E relu(u + d) - E relu(u - d)) + fluctuations.  With relu(t) = t/2 + |t|/2 this has three parts:

    odd    A v.x / 4, A = rate / (2n), v = sum y_i x_i: a linear classifier.  It errs on exactly half of the points, as the
           errors at +c and -c add to 1; its mean at a cluster varies over training sets by `cluster_spread` times its
           noise, as the four clusters are unequally filled.
    even   E|u + d| - E|u - d| = cov(u, d) 4 / sqrt(2 pi var(u + d)): rows of x's own clusters switch together with x.  This
           is the signal of XOR.  It is divided by sqrt(1 + q^2), q = sd(d) / sigma: updates beyond the initial weights
           erase the memory of which rows a neuron saw, and at init -> 0 the error is 1/2.
    f0     varies over initial weights, less by 1/(2 pi) than relu squared, as positive and negative outputs balance.

A training row pulls itself besides: where u > 0, d grows by y s, s = b P / n, and E 1[u > 0] (relu(u + s) - relu(u - s))
= s/2 + s Phi(-s/sigma) + sigma (phi(0) - phi(s/sigma)), from s at large to s/2 at vanishing initial weights.
Equations: theory (12.3) to (12.5).

Single neurons align with the directions of the clusters in the first two steps, from vanishing initial weights.  A step
moves neuron j by (rate a_j / 2) h_j, h_j = (1/n) sum_i y_i 1[w_j.x_i > 0] x_i, while the output is small.  With e_c
the direction of a pair of clusters of class c = +-1 and g = w_j.e_c / init its initial overlap with it:

First step: the gates of a pair's two clusters open with probabilities (1 +- s)/2, s = 2 Phi(separation g / sqrt(dim)) - 1.
Second step: the weights are now a_j h_j, so that a row that was seen opens the gate if its label has the sign of a_j (it is
part of h_j, and long), and a row that was not by its cluster, with probability Phi(+-t), t = separation sgn(a_j) h_j.e_c /
|h_j|.  Neurons thus grow along the pair of the class of their output weight, and along the other pair undo the first step.
What the first step deviates from its mean, by the rows that happened to be seen, comes back in the share of them whose
label has the sign of a_j: 1 - flip along the own pair, flip along the other.
"""

__all__ = [
    "FirstAlignment", "XORFirstStep", "first_alignment", "linear_cluster_errors", "second_alignment", "xor_first_step",
]

from typing import Any

import jax.numpy as jnp
from jax.scipy.stats import norm
from jaxtyping import Array, Float

from rfgen.numerics.compilation.precision import needs_double_precision
from rfgen.numerics.compilation.record import record


@record
class XORFirstStep:
    """After one step, means over training sets and initial weights; scalars, or batched.

    `test_accuracy` on fresh points against their true class, `train_accuracy` on training labels, flipped ones included.

    The parts of f1 at a point of class +1: `signal` s_e, mean even part; `linear_noise`, standard deviation of the odd part
    within a cluster; `cluster_spread`, standard deviation of the mean of the odd part at a cluster over training sets, in
    units of `linear_noise`; `initial_noise`, that of the rest over initial weights; `own_pull`, what a training row adds
    to its own output.  `update_ratio` q: how far the step carries preactivations, in units of their initial size.
    """

    test_accuracy: Float[Array, "*batch"]
    train_accuracy: Float[Array, "*batch"]
    signal: Float[Array, "*batch"]
    linear_noise: Float[Array, "*batch"]
    cluster_spread: Float[Array, "*batch"]
    initial_noise: Float[Array, "*batch"]
    own_pull: Float[Array, "*batch"]
    update_ratio: Float[Array, "*batch"]


@needs_double_precision
def xor_first_step(n: Any, dim: Any, separation: Any, flip: Any, width: Any, rate: Any, init: Any) -> XORFirstStep:
    """One step from `n` rows in `dim` dimensions; scalars named as in `XORClusters` and `TwoLayerReLU`.

    Error of the test: Phi(-signal / sqrt(initial_noise^2 + linear_noise^2 (1 + cluster_spread^2))).  Regime: wide networks
    (hundreds of neurons), n in the hundreds, separation^2 below dim / 4, f0 small (initial_noise below 0.3); any init.
    `train_accuracy` at updates of the size of the initial weights or larger (update_ratio > 0.5) also needs dim above
    10 n: at dim = 5 n it is up to 3 points high.  Derived.

    >>> import jax
    >>> with jax.enable_x64(True):
    ...     first = xor_first_step(200, 4000, 14.0, 0.1, 1000, 0.01, 2e-4)
    ...     print(round(float(first.test_accuracy), 4), round(float(first.train_accuracy), 4))
    0.5739 0.9996
    """
    n, dim, mu, flip, width, rate, init = (
        jnp.asarray(value, jnp.float64) for value in (n, dim, separation, flip, width, rate, init)
    )
    square = dim + mu * mu
    pull, reach = rate / (2.0 * n), rate / (2.0 * jnp.sqrt(width))
    kept = 1.0 - 2.0 * flip
    spread = mu * jnp.sqrt((1.0 + 0.5 * mu * mu) / square)
    # over neurons, h.x varies by which rows each saw, and by what all rows of the cluster do together
    alone = square * (1.0 + spread * spread) / (4.0 * n)
    together = (kept * mu * mu / 4.0) ** 2 * (2.0 / jnp.pi) * jnp.arcsin(mu * mu / square)
    sigma = init * jnp.sqrt(square)
    ratio = reach * jnp.sqrt(alone + together) / sigma
    growth = jnp.sqrt(1.0 + ratio * ratio)
    signal = pull * kept * n * mu**4 / (4.0 * jnp.pi * square) / growth
    linear = pull * jnp.sqrt(n * square) / 4.0
    initial = sigma * growth * jnp.sqrt(0.5 - 0.5 / jnp.pi)
    own = reach * square / n
    step = own / sigma
    pulled = 0.5 * own + own * norm.cdf(-step) + sigma * (norm.pdf(0.0) - norm.pdf(step))
    pulled = 0.5 * jnp.sqrt(width) * pulled
    total = jnp.sqrt(initial**2 + linear**2 * (1.0 + spread**2))
    return XORFirstStep(
        test_accuracy=norm.cdf(signal / total),
        train_accuracy=(1.0 - flip) * norm.cdf((pulled + signal) / total) + flip * norm.cdf((pulled - signal) / total),
        signal=signal, linear_noise=linear, cluster_spread=spread, initial_noise=initial, own_pull=pulled,
        update_ratio=ratio,
    )


@needs_double_precision
def linear_cluster_errors(separation: Any, first: Any, second: Any) -> Float[Array, "4"]:
    """Error of the classifier sign(v.x) at the centres +e1, -e1, +e2, -e2 times `separation`; their mean is 1/2.

    `first`, `second`: cosines of v with e1 (class +1) and e2 (class -1).  Exact.

    >>> import jax
    >>> with jax.enable_x64(True):
    ...     errors = linear_cluster_errors(3.0, 0.5, -0.2)
    ...     print(errors.round(3).tolist(), float(errors.mean()))
    [0.067, 0.933, 0.274, 0.726] 0.5
    """
    mu, first, second = (jnp.asarray(value, jnp.float64) for value in (separation, first, second))
    return norm.cdf(mu * jnp.stack([-first, first, second, -second]))


@record
class FirstAlignment:
    """Law of h_j.e_c in the first step given the initial overlap g, and of |h_j|; in units of the inputs.

    `mean` of c h_j.e_c; around it `common_variance`, of a part that all neurons of a training set share, and
    `own_variance`, of a part of each neuron.  `squared_length`: E|h_j|^2, to leading order in dim / n.
    """

    mean: Float[Array, "*batch"]
    common_variance: Float[Array, ""]
    own_variance: Float[Array, ""]
    squared_length: Float[Array, ""]


@needs_double_precision
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
    g, n, dim, mu, flip = (jnp.asarray(value, jnp.float64) for value in (overlap, n, dim, separation, flip))
    variance = (1.0 + 0.5 * mu * mu) / (4.0 * n)
    seen = 2.0 * norm.cdf(mu * g / jnp.sqrt(dim)) - 1.0
    return FirstAlignment((1.0 - 2.0 * flip) * mu * seen / 4.0, variance, variance, (dim + mu * mu) / (2.0 * n))


@needs_double_precision
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
    g, moved, same, n, dim, mu, flip = (
        jnp.asarray(value, jnp.float64) for value in (overlap, moved, same, n, dim, separation, flip)
    )
    seen = 2.0 * norm.cdf(mu * g / jnp.sqrt(dim)) - 1.0
    first = first_alignment(g, n, dim, mu, flip)
    switched = norm.cdf(mu * moved / jnp.sqrt(first.squared_length)) - 0.5
    again = jnp.where(same > 0.0, 1.0 - flip, flip) * (moved - same * first.mean)
    return mu / 4.0 * (0.5 * seen + same * (1.0 - 2.0 * flip) * switched) + again
