"""Small linear systems without LAPACK.

XLA shares batches of LAPACK's decompositions out to the threads that run the program, and two batches side by side hold all
of few threads, each waiting for parts that are queued behind it, for ever.  One or two unknowns are also faster without it,
and a process whose programs have no more need not load it.
"""

__all__ = ["solve", "solved"]

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Inexact


def solve(matrix: Inexact[Array, "size size"], right: Inexact[Array, "size *columns"]) -> Inexact[Array, "size *columns"]:
    """The x with matrix x = right: `jnp.linalg.solve` of three unknowns and more, Cramer's rule, as right, of two.

    >>> solve(jnp.array([[0.0, 2.0], [1.0, 1.0]]), jnp.array([2.0, 3.0])).tolist()
    [2.0, 1.0]
    """
    if matrix.shape[0] > 2:
        return jnp.linalg.solve(matrix, right)
    if matrix.shape[0] == 1:
        return right / matrix[0, 0]
    (a, b), (c, d) = matrix
    first, second = right
    return jnp.stack([d * first - b * second, a * second - c * first]) / (a * d - b * c)


def solved(matrix: Float[Array, "size size"], right: Float[Array, "size *columns"]) -> Float[Array, "size *columns"]:
    """The x with matrix x = right, by elimination with the largest entry of each column; in a batch, one by one.

    >>> solved(jnp.array([[0.0, 2.0], [1.0, 1.0]]), jnp.array([2.0, 3.0])).tolist()
    [2.0, 1.0]
    """
    size = right.shape[0]

    def eliminate(column: Array, system: Array) -> Array:
        entries = system[:, column]
        largest = jnp.argmax(jnp.where(jnp.arange(size, dtype=column.dtype) >= column, jnp.abs(entries), -1.0))
        row, other = system[largest] / entries[largest], system[column]
        system = system.at[largest].set(other)
        return (system - system[:, column, None] * row).at[column].set(row)

    system = jnp.concatenate([matrix, right.reshape(size, -1)], axis=1)
    return jax.lax.fori_loop(0, size, eliminate, system)[:, size:].reshape(right.shape)
