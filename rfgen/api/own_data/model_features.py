"""Features of the user's own model: what a layer of it says of each input, and its tangents."""

__all__ = ["features_of", "tangent_features"]

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

from rfgen.numerics.compilation.program_maps import spare_maps
from rfgen.numerics.memory import planned
from rfgen.problems import validation
from rfgen.problems.own_functions import refusing

# A row's features in other company may differ by so much of their largest: rounding of single precision.
SAME = 1e-3
# Numbers in directions that are followed at once, and at most so many directions.
HELD, AT_ONCE = 2**22, 64


def features_of(apply: Callable[[Any], Any], inputs: Any, *, batch: int = 256) -> np.ndarray:
    """What a trained model makes of inputs, as features for `learning_curve`, `estimate_risk`, `diagnose` or `DataTask`.

    Parameters
    ----------
    apply
        Any callable that maps a batch of inputs (batch, ...) to one array (batch, ...) of NumPy, JAX, torch or SciPy
        (sparse): the last layer or any other, `model.transform` of a scikit-learn pipeline, `jax.vmap` of a model of one
        input.  In evaluation mode, its weights within.
    inputs : (N, ...)
        An array, tensor or pandas frame, whose batches reach `apply` as they are, in their own type.
    batch
        Rows in a call, always as many: the last batch is filled up, so that a jitted function compiles once.

    Returns
    -------
    numpy.ndarray
        Features (N, p) in double precision, the output of each row flattened.

    Raises
    ------
    ValueError
        Where rows do not match, values are not finite, or a row's features change from call to call.
    MemoryError
        Where the features do not fit.

    Notes
    -----
    A network has seen the labels that it was trained on: give rows that it has not, as any curve of its own training rows
    is far too hopeful.

    Examples
    --------
    >>> import numpy as np
    >>> import rfgen as rg
    >>> X, y = rg.datasets.digits()
    >>> weights = np.random.default_rng(0).normal(size=(64, 100)) / 8.0
    >>> features = rg.features_of(lambda rows: np.tanh(rows @ weights), X[:300])
    >>> features.shape, rg.learning_curve(features, y[:300], n=100, ridge=1.0).test.values.round(2)
    ((300, 100), np.float64(0.28))
    """
    if not callable(apply):
        raise ValueError(
            f"apply must be callable, got {type(apply).__name__}: for a scikit-learn model give its method, model.transform"
        )
    inputs, count = _rows(inputs)
    batch = min(validation.integer("batch", batch, 1), count)

    def of(rows: np.ndarray) -> np.ndarray:
        with refusing(f"apply must take a batch of inputs ({batch}, ...)"):
            given = apply(_taken(inputs, rows))
        return _flat("apply", given, batch)

    first = of(np.arange(batch))
    _fits(count, first.shape[1])
    # the first half again, with itself for company
    half = np.arange(batch) % max(1, batch // 2)
    with_itself = of(half)
    if with_itself.shape != first.shape or np.abs(with_itself - first[half]).max() > SAME * np.abs(first).max():
        raise ValueError(
            "apply must give the same features for a row in every call and any company: take the model to evaluation mode "
            "(no dropout, kept averages in batch normalisation), and draw random weights once, outside of it"
        )
    found = np.empty((count, first.shape[1]))
    found[:batch] = first
    for start in range(batch, count, batch):
        part = of(np.arange(start, start + batch) % count)
        if part.shape[1] != found.shape[1]:
            raise ValueError(f"apply must give as many features in every batch, got {found.shape[1]} and {part.shape[1]}")
        found[start : start + batch] = part[: count - start]
    return found


def tangent_features(
    apply: Callable[[Any, Any], Any], params: Any, inputs: Any, *, directions: int, seed: int = 0, batch: int = 256,
) -> np.ndarray:
    """Random projections of a network's gradients, whose kernel is its empirical tangent kernel.

    Parameters
    ----------
    apply
        A JAX function of the parameters and a batch of inputs (batch, ...) that gives outputs (batch, ...).
    params
        Any tree of arrays, those of floating point moved and all else kept: flax variables, an equinox model.
    inputs : (N, ...)
        An array.
    directions
        Random directions in the space of parameters.
    seed
        That they are drawn from.
    batch
        Rows in a call.

    Returns
    -------
    numpy.ndarray
        Features (N, directions * outputs) in double precision: the derivative of each output along each direction, divided
        by the root of their number.

    Raises
    ------
    ValueError
        That names the argument.
    MemoryError
        Where the features do not fit.

    Notes
    -----
    With directions of random signs s, E s s' = 1, features @ features.T is an unbiased estimate of the tangent kernel, the
    sum over parameters of products of derivatives, averaged over outputs, as kernel regression on each output has it.  Its
    error falls as 1/sqrt(directions): relative to the diagonal some 1/sqrt(directions * outputs).  A direction costs one
    forward derivative (`jax.linearize`), and neither gradients nor directions are kept.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> import numpy as np
    >>> import rfgen as rg
    >>> rows, params = np.eye(3), {"w": jnp.ones((3, 2)), "b": jnp.zeros(2)}  # linear: the kernel is x.x' + 1
    >>> features = rg.tangent_features(lambda p, x: x @ p["w"] + p["b"], params, rows, directions=2000)
    >>> features.shape, (features @ features.T).round(1)[0]
    ((3, 4000), array([2., 1., 1.]))
    """
    spare_maps()
    inputs, count = _rows(inputs)
    batch = min(validation.integer("batch", batch, 1), count)
    directions = validation.integer("directions", directions, 1)
    key = jax.random.key(validation.integer("seed", seed, 0))
    leaves, tree = jax.tree.flatten(params)
    places = [at for at, leaf in enumerate(leaves) if _is_floating(leaf)]
    if not places:
        raise ValueError("params must hold arrays of floating point, got none")
    moved, restore = ravel_pytree([jnp.asarray(leaves[at]) for at in places])

    def outputs(moved: Any, rows: Any) -> Any:
        given = dict(zip(places, restore(moved), strict=True))
        result = apply(jax.tree.unflatten(tree, [given.get(at, leaf) for at, leaf in enumerate(leaves)]), rows)
        if not hasattr(result, "shape") or result.shape[:1] != (batch,):
            raise ValueError(f"one row of outputs per input ({batch}), got {_told(result)}: jax.vmap a model of one input")
        return result.reshape(batch, -1)

    def along(moved: Any, rows: Any, key: Any, numbers: Any) -> Any:
        _, derivative = jax.linearize(lambda own: outputs(own, rows), moved)

        def one(number: Any) -> Any:
            return derivative(jax.random.rademacher(jax.random.fold_in(key, number), moved.shape, moved.dtype))

        return jax.vmap(one)(numbers)

    def taken(rows: np.ndarray) -> Any:
        return jnp.asarray(_taken(inputs, rows))

    with refusing("apply must be a JAX function of params and a batch of inputs"):
        width = jax.eval_shape(outputs, moved, taken(np.arange(batch))).shape[1]
    _fits(count, directions * width)
    program, found = jax.jit(along), np.empty((count, directions, width))
    step = max(1, min(directions, AT_ONCE, HELD // moved.size))
    for start in range(0, count, batch):
        rows = taken(np.arange(start, start + batch) % count)
        for first in range(0, directions, step):
            part = np.asarray(program(moved, rows, key, jnp.arange(first, first + step)), np.float64)
            kept = part[: directions - first, : count - start]
            found[start : start + batch, first : first + step] = np.moveaxis(kept, 0, 1)
    return validation.finite("derivatives of apply", found).reshape(count, -1) / (directions * width) ** 0.5


def _is_floating(leaf: Any) -> bool:
    return isinstance(leaf, np.ndarray | np.generic | jax.Array) and jnp.issubdtype(leaf.dtype, jnp.floating)


def _rows(inputs: Any) -> tuple[Any, int]:
    """The inputs, lists as an array, and how many they are."""
    inputs = inputs if hasattr(inputs, "shape") else np.asarray(inputs)
    if not inputs.shape or not inputs.shape[0]:
        raise ValueError(f"inputs must hold at least one row (N, ...), got shape {tuple(inputs.shape)}")
    return inputs, int(inputs.shape[0])


def _taken(inputs: Any, rows: np.ndarray) -> Any:
    """These rows, as a slice where they follow each other."""
    by_place = inputs.iloc if hasattr(inputs, "iloc") else inputs
    return by_place[int(rows[0]) : int(rows[-1]) + 1] if rows[-1] - rows[0] == rows.size - 1 else by_place[rows]


def _flat(name: str, given: Any, count: int) -> np.ndarray:
    """What a model gave for `count` rows: (count, p) in double precision."""
    if hasattr(given, "detach"):  # a tensor of torch, in training or on a device
        given = given.detach().cpu()
        given = given.double() if given.is_floating_point() else given
    given = given.toarray() if hasattr(given, "toarray") else given  # a sparse matrix
    if not hasattr(given, "shape") or tuple(given.shape[:1]) != (count,):
        raise ValueError(
            f"{name} must return one array with a row per input ({count}, ...), got {_told(given)}: choose one of several "
            "outputs, jax.vmap a model of one input"
        )
    array = validation.array(f"{name}(inputs)", given, tuple(range(1, 9)))
    return array.reshape(count, -1)


def _told(given: Any) -> str:
    return f"shape {tuple(given.shape)}" if hasattr(given, "shape") else type(given).__name__


def _fits(count: int, width: int) -> None:
    """Refuse features that do not fit into memory."""
    planned(2 * 8 * count * width, f"features of shape ({count}, {width})", "take fewer rows or features")
