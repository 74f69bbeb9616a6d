"""Gauss rules of parts of the normal law: moments, ends, and eigenvalues that are never asked for in a batch."""

import jax
import jax.numpy as jnp
import numpy as np
from scipy.stats import norm

from rfgen.numerics.quadrature.truncated_normal import truncated_nodes

ENDS = [(0.0, np.inf), (-1.0, 0.5), (3.0, 4.0), (-np.inf, np.inf)]


def test_moments_of_every_part():
    with jax.enable_x64(True):
        nodes, weights = map(np.asarray, truncated_nodes(*jnp.array(ENDS).T, 4))
    panel, shares = np.polynomial.legendre.leggauss(200)
    for row, ends in enumerate(np.clip(ENDS, -9.0, 9.0)):
        z, half = ends.mean() + np.ptp(ends) / 2 * panel, np.ptp(ends) / 2
        for power in range(8):
            exact = half * shares @ (z**power * norm.pdf(z))
            np.testing.assert_allclose(weights[row] @ nodes[row] ** power, exact, rtol=1e-11, atol=1e-13)


def test_eigenvalues_are_asked_for_one_by_one():
    """Two batches at once share out their parts to the threads that wait for them: a program with both stood still."""
    with jax.enable_x64(True):
        traced = jax.make_jaxpr(lambda low, high: truncated_nodes(low, high, 4))(*jnp.array(ENDS).T)
    assert "eigh" not in {each.primitive.name for each in traced.jaxpr.eqns}
    assert "eigh" in str(traced)
