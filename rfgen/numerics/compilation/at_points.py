"""A function of scalars at many points, in one program."""

__all__ = ["at_points", "in_batches"]

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp


def at_points(function: Callable[..., Any], columns: tuple[Any, ...], together: int | None = None) -> Any:
    """`function(*scalars)` at each of the points of `columns` (points,), `together` of them at a time (None: one by one).

    A point alone is computed as it stands: the rules that batch its loops are more than half of the tracing (1.9 and 0.8
    seconds for the risk on moments of data).
    """
    if columns[0].shape[0] == 1:
        return jax.tree.map(lambda leaf: leaf[None], function(*(column[0] for column in columns)))
    return in_batches(lambda at: function(*at), columns, together)


def in_batches(function: Callable[..., Any], columns: Any, together: int | None) -> Any:
    """`jax.lax.map` with at most `together` at a time, in batches of one size: a smaller last one would be compiled apart.

    >>> in_batches(lambda x: 2.0 * x, jnp.arange(3.0), 2).tolist()
    [0.0, 2.0, 4.0]
    """
    count = jax.tree.leaves(columns)[0].shape[0]
    if together is None or count <= together:
        return jax.lax.map(function, columns, batch_size=together)
    size = -(-count // -(-count // together))
    padding = jnp.minimum(jnp.arange(count + -count % size), count - 1)
    found = jax.lax.map(function, jax.tree.map(lambda leaf: leaf[padding], columns), batch_size=size)
    return jax.tree.map(lambda leaf: leaf[:count], found)
