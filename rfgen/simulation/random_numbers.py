"""Random numbers of trials, the same on both kinds of arrays: JAX's threefry, with keys on the device or on the host.

Threefry turns a key and a counter into bits, so that the numbers of a key do not depend on how many are drawn, and numbers
of any shape come from one compiled program.  Splits and folds are the generator itself: `split(key)[i]` is
`fold_in(key, i)`.
"""

__all__ = [
    "HostKey", "bits", "device_key", "drawn_numbers", "drawn_rows", "fold_in", "host_key", "host_keys", "integers",
    "logistics", "normal_rows", "normals", "permutation", "split", "standard_normals", "trial_words", "uniforms",
]

import functools
import math
import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from rfgen.numerics.compilation.program import program
from rfgen.simulation.arrays import Array

# Normals are drawn this many at a time: threefry over a whole matrix runs out of cache (9.6 ns a number instead of 3.5).
BLOCK = 1 << 16
# The compiled program draws so many at once, as often as needed: 1,000 take 0.16 ms (0.94 ms in chunks of 1 << 14), a whole
# block 1.1 ms either way.
CHUNK = 1 << 10
WORD = 0xFFFFFFFF


class HostKey(NamedTuple):
    """A threefry key on the host."""

    high: int
    low: int


def host_key(seed: int) -> HostKey:
    """The key `jax.random.key(seed)`."""
    return HostKey(seed >> 32, seed & WORD)


def _threefry(key: HostKey, low: Any, high: Any = 0) -> tuple[Any, Any]:
    """Both words of bits of a counter, an int, an array of 64 bits or JAX's of 32: 20 rounds of Salmon et al. (2011)."""
    word = np.uint32(WORD) if isinstance(low, jax.Array) else WORD
    keys = (*key, key.high ^ key.low ^ 0x1BD11BDA)
    one, two = (high + keys[0]) & word, (low + keys[1]) & word
    for step in range(1, 6):
        for turn in (13, 15, 26, 6) if step % 2 else (17, 29, 16, 24):
            one = (one + two) & word
            two = ((two << turn | two >> (32 - turn)) & word) ^ one
        one, two = (one + keys[step % 3]) & word, (two + keys[(step + 1) % 3] + step) & word
    return one, two


def fold_in(key: Any, number: Any) -> Any:
    """A key of its own for `number` below 2^32.

    >>> fold_in(HostKey(0, 7), 3) == HostKey(*jax.random.key_data(jax.random.fold_in(jax.random.key(7), 3)).tolist())
    True
    """
    return HostKey(*_threefry(key, number)) if isinstance(key, HostKey) else jax.random.fold_in(key, number)


def split(key: Any, count: int = 2) -> Any:
    """`count` keys."""
    return [fold_in(key, i) for i in range(count)] if isinstance(key, HostKey) else jax.random.split(key, count)


def trial_words(seed: int, n: int | None, features: int | None, start: int, stop: int) -> np.ndarray:
    """Keys (pairs, 2, 2 words) of seed, n, features and trial alone; an odd last trial gets a partner to drop."""
    base = fold_in(fold_in(host_key(seed), n or 0), features or 0)
    numbers = range(start, stop + (stop - start) % 2)
    return np.array([fold_in(base, trial) for trial in numbers], np.uint32).reshape(-1, 2, 2)


def host_keys(keys: Any) -> list[tuple[HostKey, HostKey]]:
    """Pairs of host keys from keys (pairs, 2) or their words."""
    words = keys if isinstance(keys, np.ndarray) else np.asarray(jax.random.key_data(keys))
    return [(HostKey(*one), HostKey(*two)) for one, two in words.tolist()]


def device_key(words: Any) -> Any:
    """JAX's keys (...) of words (..., 2)."""
    return jax.random.wrap_key_data(jnp.asarray(words, jnp.uint32), impl="threefry2x32")


def uniforms(key: Any, count: int, least: float = 0.0) -> Array:
    """Uniform numbers (count,) from `least` to 1 with 52 bits, as `jax.random.uniform` draws them."""
    if not isinstance(key, HostKey):
        return jax.random.uniform(key, (count,), jnp.float64, least)
    high, low = _threefry(key, np.arange(count, dtype=np.uint64))
    from_one_to_two = ((high << 32 | low) >> 12 | np.uint64(0x3FF << 52)).view(np.float64)
    return np.maximum(least, (from_one_to_two - 1.0) * (1.0 - least) + least)


def logistics(key: Any, count: int) -> Array:
    """Logistic numbers (count,), as `jax.random.logistic` draws them with 52 bits."""
    if not isinstance(key, HostKey):
        return jax.random.logistic(key, (count,), jnp.float64)
    uniform = uniforms(key, count, np.finfo(np.float64).tiny)
    return np.log(uniform) - np.log1p(-uniform)


def normals(key: Any, shape: tuple[int, ...]) -> Array:
    """Standard normals with 52 bits, as `jax.random.normal` draws them: twice the time of `standard_normals`."""
    if not isinstance(key, HostKey):
        return jax.random.normal(key, shape, jnp.float64)
    flat = np.empty(math.prod(shape))
    _fill(((key, first, flat[first : first + BLOCK], None) for first in range(0, flat.size, BLOCK)), double=True)
    return flat.reshape(shape)


def bits(key: HostKey, count: int) -> np.ndarray:
    """Words (count,) of 32 bits, as `jax.random.bits` draws them."""
    one, two = _threefry(key, np.arange(count, dtype=np.uint64))
    return np.asarray(one ^ two)


def integers(key: Any, count: int, below: int) -> Array:
    """Whole numbers (count,) from 0 to `below` - 1, as `jax.random.randint` draws them."""
    if not isinstance(key, HostKey):
        return jax.random.randint(key, (count,), 0, below, dtype=jnp.int32)
    higher, lower = (bits(each, count) for each in split(key))
    half = (1 << 16) % below
    factor = (half * half & WORD) % below
    return (((higher % below * factor & WORD) + lower % below & WORD) % below).astype(np.int32)


def permutation(key: Any, count: int) -> Array:
    """0 to `count` - 1 in random order, as `jax.random.permutation` has it."""
    if not isinstance(key, HostKey):
        return jax.random.permutation(key, jnp.arange(count, dtype=jnp.int32))
    order = np.arange(count, dtype=np.int32)
    for _ in range(math.ceil(3 * math.log(max(1, count)) / math.log(WORD))):
        key, own = split(key)
        order = order[np.argsort(bits(own, count), kind="stable")]
    return order


def standard_normals(key: Any, dtype: Any, *shapes: tuple[int, ...]) -> list[Array]:
    """Independent standard normal arrays of all `shapes` from one draw: each draw of its own compiles for 0.26 s.

    Drawn with 24-bit resolution and cast; the rounding is below 1e-7 of each draw and unseen in any moment.
    """
    sizes = [math.prod(shape) for shape in shapes]
    total = sum(sizes)
    if isinstance(key, HostKey):
        flat: Any = np.empty(total, dtype)
        _fill((fold_in(key, i), 0, flat[i * BLOCK : (i + 1) * BLOCK], None) for i in range(-(-total // BLOCK)))
    else:
        block = min(BLOCK, total)
        keys = jax.random.split(key, -(-total // block))
        flat = jax.lax.map(lambda one: jax.random.normal(one, (block,), dtype=jnp.float32).astype(dtype), keys).ravel()
    ends = np.cumsum(sizes).tolist()
    return [flat[end - size : end].reshape(shape) for end, size, shape in zip(ends, sizes, shapes, strict=True)]


def normal_rows(key: Any, n: int, scale: Array) -> Array:
    """Rows (n, modes) of independent normals with standard deviations `scale` (modes,); more rows have the same first."""
    dtype, modes = scale.dtype, scale.size
    together = max(1, min(n, BLOCK // modes))
    if isinstance(key, HostKey):
        rows = np.empty((n, modes), dtype)
        _fill(_row_jobs(key, rows, together, np.asarray(scale)))
        return rows

    def block(one: Array) -> Array:
        return jax.random.normal(one, (together, modes), dtype=jnp.float32).astype(dtype) * scale

    return jax.lax.map(block, jax.random.split(key, -(-n // together))).reshape(-1, modes)[:n]


def drawn_rows(key: Any, first: Array, count: int, n: int, scale: Array) -> Array:
    """Of the `normal_rows` of a device's key `count` from number `first` on; numbers of those beyond `n` mean nothing."""
    together = max(1, min(n, BLOCK // scale.size))
    numbers = first // together + jnp.arange(-(-count // together) + 1, dtype=jnp.int32)
    keys = jax.random.split(key, -(-n // together))

    def block(number: Array) -> Array:
        own = keys[jnp.minimum(number, keys.size - 1)]
        return jax.random.normal(own, (together, scale.size), dtype=jnp.float32).astype(scale.dtype) * scale

    found = jax.lax.map(block, numbers).reshape(-1, scale.size)
    return jax.lax.dynamic_slice_in_dim(found, first % together, count)


def drawn_numbers(key: Any, start: Any, count: int, total: int) -> Array:
    """Of the `total` `standard_normals` of a device's key `count` from number `start` on; those beyond mean nothing."""
    block = min(BLOCK, total)
    numbers, keys = start // block + jnp.arange(-(-count // block) + 1), jax.random.split(key, -(-total // block))

    def draw(number: Array) -> Array:
        return jax.random.normal(keys[jnp.minimum(number, keys.size - 1)], (block,), dtype=jnp.float32)

    return jax.lax.dynamic_slice_in_dim(jax.lax.map(draw, numbers).ravel(), start % block, count)


Job = tuple[HostKey, int, np.ndarray, np.ndarray | None]


def _row_jobs(key: HostKey, rows: np.ndarray, together: int, scale: np.ndarray) -> Iterator[Job]:
    n, modes = rows.shape
    for number, start in enumerate(range(0, n, together)):
        own = fold_in(key, number)
        for first in range(0, modes, BLOCK):  # a row beyond a block comes in pieces
            columns = slice(first, first + BLOCK)
            yield own, first, rows[start : start + together, columns], scale[columns]


def _fill(jobs: Iterable[Job], double: bool = False) -> None:
    """Fill each job's array from its key and first counter, times its factor; `double` with 52 bits."""

    def one(job: Job) -> None:
        key, first, there, factor = job
        with jax.enable_x64(double):  # one program for all threads, whatever the caller's precision
            words = np.array(key, np.uint32)
            drawn = np.asarray(_normals.thorough(words, np.uint32(first), np.int32(there.size), double))
        np.multiply(drawn[: there.size].reshape(there.shape), there.dtype.type(1) if factor is None else factor, out=there)

    work = list(jobs)
    if len(work) < 4:
        for job in work:
            one(job)
    else:
        list(_threads().map(one, work))


@functools.cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(os.cpu_count())


@program(static_argnames="double")
def _normals(words: Array, first: Array, count: Array, double: bool) -> Array:
    """At least `count` normals, of BLOCK at most, of the key `words`: `jax.random.normal` bit by bit."""
    dtype, whole, unused, one, chunk = np.float32, np.uint32, 9, 0x3F8 << 20, CHUNK
    if double:
        dtype, whole, unused, one, chunk = np.float64, np.uint64, 12, 0x3FF << 52, CHUNK // 4

    def fill(i: Array, there: Array) -> Array:
        index = first + i.astype(jnp.uint32) * np.uint32(chunk) + jax.lax.iota(jnp.uint32, chunk)
        high, low = (each.astype(whole) for each in _threefry(HostKey(words[0], words[1]), index))
        bits = high << whole(32) | low if double else high ^ low
        from_one_to_two = jax.lax.bitcast_convert_type(bits >> whole(unused) | whole(one), dtype)
        least = np.nextafter(dtype(-1), dtype(0))
        uniform = jnp.maximum(least, (from_one_to_two - dtype(1)) * (dtype(1) - least) + least)
        found = dtype(math.sqrt(2.0)) * jax.lax.erf_inv(uniform)
        return jax.lax.dynamic_update_slice(there, found, (i * np.int32(chunk),))

    return jax.lax.fori_loop(np.int32(0), -(-count // np.int32(chunk)), fill, jnp.zeros(BLOCK, dtype))
