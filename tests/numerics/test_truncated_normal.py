"""Gauss rules of parts of the normal law: moments, ends, and eigenvalues that are never asked for in a batch."""

import jax
import jax.numpy as jnp
import numpy as np
from scipy.integrate import quad
from scipy.stats import norm

from rfgen.numerics.quadrature.truncated_normal import truncated_nodes

ENDS = [(0.0, np.inf), (-1.0, 0.5), (3.0, 4.0), (-np.inf, np.inf)]


def test_moments_of_every_part():
    with jax.enable_x64(True):
        nodes, weights = map(np.asarray, truncated_nodes(*jnp.array(ENDS).T, 4))
    for row, (low, high) in enumerate(ENDS):
        for power in range(8):
            exact = quad(lambda z, power=power: z**power * norm.pdf(z), max(low, -9), min(high, 9), epsabs=1e-15)[0]
            np.testing.assert_allclose(weights[row] @ nodes[row] ** power, exact, rtol=1e-11, atol=1e-13)


def test_eigenvalues_are_asked_for_one_by_one():
    """Two batches at once share out their parts to the threads that wait for them: a program with both stood still."""
    with jax.enable_x64(True):
        traced = jax.make_jaxpr(lambda low, high: truncated_nodes(low, high, 4))(*jnp.array(ENDS).T)
    assert "eigh" not in {each.primitive.name for each in traced.jaxpr.eqns}
    assert "eigh" in str(traced)
