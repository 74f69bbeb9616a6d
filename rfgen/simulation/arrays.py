"""One code for two kinds of arrays: JAX's on accelerators, NumPy's on the CPU.

There XLA would compile every trial anew for each shape (1 s and 300 memory maps), for the same LAPACK and no faster
products; NumPy compiles nothing, and X X' costs it half the operations.
"""

__all__ = [
    "Array", "cholesky", "cholesky_solve", "cond", "eigh", "elementwise", "few_threads", "longest", "namespace",
    "normal_cdf", "on_host", "product", "shifted", "stacked", "symmetric", "weighted_gram", "while_loop",
]

import functools
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
from threadpoolctl import ThreadpoolController

from rfgen.problems.kernels.feature_maps import ACTIVATIONS
from rfgen.problems.own_functions import HostFunction
from rfgen.problems.settings import Noun

# A union would be refused by every function of either library, where code for both is checked statically.
if TYPE_CHECKING:
    Array = Any
else:
    Array = jax.Array | np.ndarray | np.generic
# Numbers to which a function of JAX arrays is applied at a time, on the host; of NumPy's, whose temporaries stay in cache.
TOGETHER, IN_CACHE = 1 << 16, 1 << 14
# What NumPy has itself: a call of a program costs as much as its 65,536 numbers.
NUMPYS: dict[Any, Callable[[np.ndarray], np.ndarray]] = {
    ACTIVATIONS["tanh"]: np.tanh, ACTIVATIONS["cos"]: np.cos, ACTIVATIONS["sign"]: np.sign,
    ACTIVATIONS["relu"]: lambda values: np.maximum(values, 0.0),
}
# Rows of a triangular solve, or of a symmetric matrix, at a time; below so many columns LAPACK's has one thread.
BLOCK, SOLVED_AT_ONCE = 64, 8
# Values of a distribution function that are found one by one sooner than SciPy's is called.
FEW = 8
# Columns of lower precision that are multiplied at a time.
COLUMNS = 4096
# Products below so many multiplications gain nothing from threads, which wait for each other by spinning: beside another
# busy process a trial of n=128 took 70 ms instead of 2.
THREADED = 1e8


def namespace(array: Any) -> Any:
    """The library of `array`, `numpy` or `jax.numpy`.

    >>> namespace(np.zeros(1)) is np, namespace(jnp.zeros(1)) is jnp
    (True, True)
    """
    return np if isinstance(array, np.ndarray | np.generic) else jnp


def on_host() -> bool:
    """Whether trials run in NumPy: there is no accelerator."""
    return jax.devices()[0].platform == "cpu"


# Whether linear algebra has one thread here: SciPy's LAPACK then does not spin against NumPy's.
_ONE_THREAD: ContextVar[bool] = ContextVar("_ONE_THREAD", default=False)


@contextmanager
def few_threads(multiplications: float) -> Iterator[None]:
    """One thread for the linear algebra of small trials, as many as there are for large ones."""
    if multiplications > THREADED:
        yield
        return
    before = _ONE_THREAD.set(True)
    try:
        with _pools().limit(limits=1, user_api="blas"):
            yield
    finally:
        _ONE_THREAD.reset(before)


@functools.cache
def _pools() -> ThreadpoolController:
    import scipy.linalg.lapack  # noqa: F401  its pool is one of them

    return ThreadpoolController()


def elementwise(function: Callable[[Any], Any], values: Array) -> Array:
    """`function` of every number; on the host one program serves all shapes if JAX can trace it.

    >>> elementwise(jnp.abs, np.array([[-1.0], [2.0]])).tolist()
    [[1.0], [2.0]]
    """
    if namespace(values) is jnp:
        return jnp.asarray(function(values), values.dtype)
    if isinstance(function, HostFunction):
        return np.array(np.broadcast_to(np.asarray(function(values), values.dtype), values.shape))
    if function in NUMPYS:
        return NUMPYS[function](values)
    flat, found = values.ravel(), np.empty(values.size, values.dtype)
    # the package's own kernels know NumPy, whose arc cosine takes a tenth of XLA's time
    in_numpy, own = isinstance(function, Noun), function
    size = IN_CACHE if in_numpy else TOGETHER
    for start in range(0, flat.size, size):
        piece = flat[start : start + size]
        whole = piece if in_numpy or piece.size == size else np.pad(piece, (0, size - piece.size), mode="edge")
        found[start : start + size] = np.asarray(own(piece) if in_numpy else _applied(own, whole))[: piece.size]
    return found.reshape(values.shape)


def symmetric(function: Callable[[Any], Any], values: Array) -> Array:
    """`elementwise` of a symmetric matrix, of little more than half of its numbers on the host.

    >>> symmetric(jnp.abs, np.array([[1.0, -2.0], [-2.0, 3.0]])).tolist()
    [[1.0, 2.0], [2.0, 3.0]]
    """
    if namespace(values) is jnp:
        return elementwise(function, values)
    found = np.empty_like(values)
    for start in range(0, values.shape[0], BLOCK):
        here, rest = slice(start, start + BLOCK), slice(start, None)
        found[here, rest] = elementwise(function, values[here, rest])
        found[rest, here] = found[here, rest].T
    return found


@functools.partial(jax.jit, static_argnums=0)
def _applied(function: Callable[[Any], Any], values: jax.Array) -> jax.Array:
    return jnp.broadcast_to(jnp.asarray(function(values), values.dtype), values.shape)


def eigh(matrix: Array) -> tuple[Array, Array]:
    """Eigenvalues and eigenvectors; NaN where they do not exist."""
    if namespace(matrix) is jnp:
        values, vectors = jnp.linalg.eigh(matrix)
        return values, vectors
    try:
        values, vectors = np.linalg.eigh(matrix)
    except np.linalg.LinAlgError:
        values, vectors = np.full_like(matrix[0], np.nan), np.full_like(matrix, np.nan)
    return values, vectors


def cholesky(matrix: Array) -> Array:
    """The lower factor; NaN where there is none."""
    if namespace(matrix) is jnp:
        return jnp.linalg.cholesky(matrix)
    if _ONE_THREAD.get():  # NumPy's turns the matrix twice: 400 rows take it 2.1 ms instead of .9
        upper, failed = _lapack("potrf", matrix.dtype.char)(matrix.T, lower=0)
        return np.full_like(matrix, np.nan) if failed else upper.T
    try:
        return np.linalg.cholesky(matrix)
    except np.linalg.LinAlgError:
        return np.full_like(matrix, np.nan)


def cholesky_solve(factor: Array, columns: Array) -> Array:
    """(L L')^-1 `columns` for the lower `factor` L."""
    if namespace(factor) is jnp:
        return jax.scipy.linalg.cho_solve((factor, True), columns)
    if columns.ndim == 1 or columns.shape[1] < SOLVED_AT_ONCE:
        potrs = _lapack("potrs", factor.dtype.char)
        return np.ascontiguousarray(potrs(factor.T, columns, lower=0)[0])
    # SciPy's triangular solve has threads of its own, which spin against NumPy's (a trial took 117 ms instead of 75), but
    # not for corners
    solved, starts = np.array(columns), range(0, factor.shape[0], BLOCK)
    corners = [factor[start : start + BLOCK, start : start + BLOCK] for start in starts]
    for start, corner in zip(starts, corners, strict=True):
        here = slice(start, start + BLOCK)
        solved[here] = _triangular_solve(corner, solved[here] - factor[here, :start] @ solved[:start], 0)
    for start, corner in zip(reversed(starts), reversed(corners), strict=True):
        here, after = slice(start, start + BLOCK), slice(start + BLOCK, None)
        solved[here] = _triangular_solve(corner, solved[here] - factor[after, here].T @ solved[after], 1)
    return solved


def _triangular_solve(lower: Array, columns: Array, transposed: int) -> Array:
    found, failed = _lapack("trtrs", lower.dtype.char)(lower, columns, lower=1, trans=transposed)
    return np.full_like(columns, np.nan) if failed else found


@functools.cache
def _lapack(name: str, kind: str) -> Any:
    """LAPACK's routine for numbers of a kind, which is looked up for as long as a small solve takes."""
    from scipy.linalg import get_lapack_funcs

    return get_lapack_funcs(name, dtype=kind)


def product(left: Array, right: Array) -> Array:
    """`left @ right`; a `right` (p, many) of lower precision on the host is never there in the other's as a whole.

    >>> product(np.ones((1, 2)), np.ones((2, 3), np.float32))
    array([[2., 2., 2.]])
    """
    if namespace(left) is jnp:
        return left @ right
    if left.dtype == right.dtype:  # as one product: NumPy makes one of each of a stack, and reads `right` as often
        return (left.reshape(-1, left.shape[-1]) @ right).reshape(*left.shape[:-1], right.shape[-1])
    found = np.empty((*left.shape[:-1], right.shape[1]), left.dtype)
    for start in range(0, right.shape[1], COLUMNS):
        here = slice(start, start + COLUMNS)
        found[..., here] = left @ right[:, here].astype(left.dtype)
    return found


def shifted(matrix: Array, diagonal: Any) -> Array:
    """`matrix` + diag(`diagonal`), of one number or (n,)."""
    size = matrix.shape[0]
    if namespace(matrix) is jnp:
        return matrix + diagonal * jnp.eye(size, dtype=matrix.dtype)
    found = matrix.copy()
    found.reshape(-1)[:: size + 1] += diagonal
    return found


def weighted_gram(rows: Array, weights: Array) -> Array:
    """`rows' diag(weights) rows` (p, p) of `rows` (n, p), for weights >= 0 (n,): half the operations of a product of two.

    >>> weighted_gram(np.array([[1.0, 2.0]]), np.array([4.0])).tolist()
    [[4.0, 8.0], [8.0, 16.0]]
    """
    scaled = namespace(rows).sqrt(weights)[:, None] * rows
    return scaled.T @ scaled


def longest(allowed: Callable[[Array], Array], reach: Array) -> Array:
    """The first of `reach` (m,) that is `allowed(reach)` (m,), 0 if none is; the first one alone is asked first.

    >>> float(longest(lambda reach: reach < 0.6, 0.5 ** np.arange(4.0)))
    0.5
    """
    xp = namespace(reach)

    def shorter() -> Array:
        found = allowed(reach[1:])
        return xp.where(xp.any(found), reach[1:][xp.argmax(found)], 0.0)

    return cond(allowed(reach[:1])[0], lambda: reach[0], shorter)


def normal_cdf(values: Array) -> Array:
    """The distribution function of standard normals; few numbers one at a time on the host.

    >>> normal_cdf(np.array([0.0, np.inf])).tolist()
    [0.5, 1.0]
    """
    if namespace(values) is jnp:
        return jax.scipy.special.ndtr(values)
    if values.size > FEW:
        from scipy.special import ndtr

        return ndtr(values)
    found = [0.5 * math.erfc(-value / math.sqrt(2.0)) for value in values.ravel().tolist()]
    return np.array(found, values.dtype).reshape(values.shape)


def while_loop(unfinished: Callable[[Any], Any], step: Callable[[Any], Any], state: Any) -> Any:
    """The first of `state`, `step(state)`, ... that is not `unfinished`; the state says which kind of arrays it holds.

    >>> while_loop(lambda x: x < 100, lambda x: 3 * x, np.int64(1))
    np.int64(243)
    """
    if any(isinstance(leaf, jax.Array) for leaf in jax.tree.leaves(state)):
        return jax.lax.while_loop(unfinished, step, state)
    while unfinished(state):
        state = step(state)
    return state


def cond(chosen: Any, first: Callable[[], Any], second: Callable[[], Any]) -> Any:
    """`first()` if `chosen`, else `second()`."""
    return jax.lax.cond(chosen, first, second) if isinstance(chosen, jax.Array) else first() if chosen else second()


def stacked(function: Callable[..., Any], *arrays: Array) -> Any:
    """`function` of the first entries of `arrays`, of the second ones, ..., stacked.

    >>> stacked(lambda x, y: {"sum": x + y}, np.arange(2), np.arange(2))["sum"].tolist()
    [0, 2]
    """
    if isinstance(arrays[0], jax.Array):
        return jax.lax.map(lambda at: function(*at), arrays)
    return jax.tree.map(lambda *found: np.stack(found), *(function(*at) for at in zip(*arrays, strict=True)))
