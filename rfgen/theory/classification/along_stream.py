"""Linear classifiers along one pass: every step sees fresh rows of labelled Gaussian groups, under the square loss.

The state u of the iteration (`second_moments`) has a mean and, coordinate by coordinate, a covariance C; the gradient is
taken at y = h.u.  With p_g the share of a group's rows, m_g = mean_g . y and residuals r = label - m_g - noise,

    L_g = (y_g - m_g)^2 + y' S_g y + tr(S_g h C h)                                   squared residual of a fresh row,
    u'  = M u - g sum_g p_g a_g [S_g y - (y_g - m_g) mean_g],
    C'  = A C A' + (1/B) [sum_g p_g a_g^2 E(r^2 x_i^2) - E (E r x_i)^2] g g',        A = M - sum_g p_g a_g S_g g h',

E(r^2 x_i^2) = L_g (S_gi + mean_gi^2) + 2 S_gi^2 E y_i^2 - 4 (y_g - m_g) mean_gi S_gi y_i.  Equations: theory (13.12).
"""

__all__ = ["streamed_classifier"]

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from rfgen.numerics.compilation.precision import require_double_precision
from rfgen.numerics.compilation.program import program
from rfgen.problems.classes.class_groups import ClassGroups
from rfgen.theory.classification.along_training import ClassTraining, judged_classifier, scored
from rfgen.theory.sgd.streaming.second_moments import Iteration

# Steps are padded to a power of 2 of at least so many, so that few programs are compiled; all of them are kept.
LEAST_STEPS, MOST_STEPS = 64, 10**6
# Growth of weights beyond which their squares overflow.
OUTGROWN = 1e140


def streamed_classifier(groups: ClassGroups, iteration: Iteration, clock: Any) -> ClassTraining:
    """At step numbers `clock` (times,): as `moving_classifier`, without what is known of training rows only.

    Exact as the dimension grows, at any batch and rate; of one group without a mean exact at any dimension.  Weights beyond
    the floats are not converged.  Not traceable.

    Source: derived: theory (13.12).

    >>> import jax, rfgen
    >>> from rfgen.theory.sgd.streaming.one_pass import iteration_of
    >>> mixture = rfgen.Mixture(mean=[1.5] + [0.0] * 99, covariance=[1.0] * 100, flip=0.1)
    >>> training = rfgen.OnePassSGD(rate=0.005, steps=400)
    >>> with jax.enable_x64(True):
    ...     iteration = iteration_of(training, {"rate": 0.005, "batch": 1.0})
    ...     found = streamed_classifier(mixture.groups(2), iteration, [0, 40, 400])
    >>> found.error[:, 0].round(4).tolist()
    [0.5, 0.2017, 0.1641]
    """
    require_double_precision("rfgen.theory.streamed_classifier")
    clock = np.asarray(clock, np.int64)
    last = int(clock.max())
    if last > MOST_STEPS:
        raise ValueError(
            f"steps must be at most {MOST_STEPS} on a stream of classes, got {last}: take fewer, or a larger rate"
        )
    steps = max(LEAST_STEPS, 2 ** int(np.ceil(np.log2(max(last, 1)))))
    shares = groups.counts / groups.counts.sum()
    laws = shares, groups.labels, groups.weights, groups.means, groups.variances
    found = _streamed(tuple(np.asarray(part, np.float64) for part in laws), iteration, np.zeros(steps))
    overlap, spread, norm = (np.concatenate([np.zeros_like(part[:1]), part])[clock] for part in map(np.asarray, found))
    known = np.isfinite(norm) & (norm < OUTGROWN)
    parts = {"overlap": overlap, "spread": spread, "train_overlap": overlap, "train_spread": spread, "norm": norm}
    parts = {name: np.where(known.reshape(-1, *[1] * (part.ndim - 1)), part, 0.0) for name, part in parts.items()}
    values = {name: np.where(known.reshape(-1, *[1] * (part.ndim - 1)), part, np.nan)
              for name, part in scored(parts, groups).items()}
    zeros = np.zeros(clock.size)
    return judged_classifier(values, clock > 0, zeros, zeros, known, True)


@program
def _streamed(laws: tuple[Any, ...], iteration: Iteration, steps: Any) -> tuple[Any, Any, Any]:
    """Overlap and spread (steps, groups), and norm (steps,), after every step."""
    shares, labels, weights, means, variances = laws
    pull, power = shares * weights, shares * weights**2
    curvature, size, dim = pull @ variances, iteration.size, means.shape[1]

    def step(state: tuple[Any, Any], t: Any) -> tuple[tuple[Any, Any], tuple[Any, Any, Any]]:
        mean, cov = state  # (size, dim), (size, size, dim)
        moves, at, gain = (jnp.asarray(part) for part in iteration.step(t))
        y, scatter = at @ mean, jnp.einsum("a,abi,b->i", at, cov, at)
        left = labels - means @ y
        loss = left**2 + variances @ (y * y + scatter)
        drift = pull @ (variances * y - left[:, None] * means)
        squares = loss[:, None] * (variances + means**2) + 2.0 * variances**2 * (y * y + scatter)
        noise = power @ (squares - 4.0 * left[:, None] * means * variances * y) - drift**2 - curvature**2 * scatter
        through = moves[..., None] - jnp.einsum("a,b,i->abi", gain, at, curvature)
        cov = jnp.einsum("abi,bci,dci->adi", through, cov, through)
        cov = cov + jnp.einsum("a,b,i->abi", gain, gain, noise / iteration.batch)
        mean = moves @ mean - gain[:, None] * drift
        seen = mean[0] ** 2 + cov[0, 0]
        return (mean, cov), (means @ mean[0], variances @ seen, jnp.sum(seen))

    start = jnp.zeros((size, dim)), jnp.zeros((size, size, dim))
    return jax.lax.scan(step, start, jnp.arange(steps.size))[1]
