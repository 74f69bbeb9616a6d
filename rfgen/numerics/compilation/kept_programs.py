"""Programs kept whole on disk, which a later process neither traces nor lowers nor compiles.

JAX's own cache is asked with the lowered program, and spares a process XLA alone; what is left, tracing and lowering, is
most of a first call then.  Here the question is what a program is made of: the package's source, the name of the function,
its static arguments, the types of the others, and how JAX is set.
"""

__all__ = ["keep_programs_in", "kept"]

import contextlib
import functools
import hashlib
import inspect
import os
import pickle
import platform
import threading
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import jax
import jax.monitoring
import numpy as np
from jax.experimental import serialize_executable

from rfgen.numerics.compilation.program_maps import Programs

HIT = "/jax/compilation_cache/cache_hits"
PACKAGE = Path(__file__).resolve().parents[2]


class _Kept:
    """Where programs are kept, nowhere unless asked, and how many came from JAX's own cache."""

    folder: Path | None = None
    hits = 0


def keep_programs_in(folder: Path) -> None:
    """Keep programs in `folder` from now on, and take them from there."""
    if _Kept.folder is None:
        jax.monitoring.register_event_listener(_count_hits)
    _Kept.folder = folder


def _count_hits(event: str, **_: object) -> None:
    _Kept.hits += event == HIT


def kept(function: Callable[..., Any], compiled: Any, static_argnames: str | Sequence[str], options: dict[str, Any]) -> Any:
    """`compiled`, which is `jax.jit` of `function`, taken from the folder where it is there already.

    Not so where the name does not say what is computed: functions in functions and decorated ones; static arguments and
    nodes of a tree that hold more than plain values; and more devices than one.
    """
    stated = {static_argnames} if isinstance(static_argnames, str) else set(static_argnames)

    @functools.cache
    def parameters() -> list[str]:
        return list(inspect.signature(function).parameters)

    def apart(args: Any, kwargs: Any) -> tuple[Any, Any]:
        """Static arguments, and the others as they were given."""
        if not stated:
            return (), (args, kwargs)
        given = list(zip(parameters(), args, strict=False))
        fixed = tuple((name, value) for name, value in (*given, *kwargs.items()) if name in stated)
        rest = tuple(value for name, value in given if name not in stated)
        return fixed, (rest, {name: value for name, value in kwargs.items() if name not in stated})

    def call(*args: Any, **kwargs: Any) -> Any:
        if _Kept.folder is None:
            return compiled(*args, **kwargs)
        fixed, own = apart(args, kwargs)
        leaves, tree = jax.tree.flatten(own)
        key = (call, fixed, tree, tuple(map(_type, leaves)), getattr(jax.config, "jax_enable_x64", None))
        found = Programs.whole.get(key)
        if found is None:
            found = compiled
            if _is_named(function) and _is_plain(fixed) and _holds_plain_nodes(tree) and len(jax.devices()) == 1:
                question = (f"{function.__module__}.{function.__qualname__}", options, *map(str, key[1:]), _surroundings())
                path = _Kept.folder / f"whole-{hashlib.sha256(repr(question).encode()).hexdigest()}-cache"
                found = _read(path, tree) or _compile(path, compiled, args, kwargs)
                Programs.unseen += 1
            Programs.whole[key] = found
        return compiled(*args, **kwargs) if found is compiled else found(*own[0], **own[1])

    return call


def _type(leaf: Any) -> tuple[Any, Any, bool]:
    return getattr(leaf, "shape", ()), getattr(leaf, "dtype", type(leaf)), getattr(leaf, "weak_type", False)


def _is_named(function: Callable[..., Any]) -> bool:
    return "<locals>" not in function.__qualname__ and not hasattr(function, "__wrapped__")


def _is_plain(value: Any) -> bool:
    """Whether the text of a value says all of it, in any process.

    >>> _is_plain(("square", (True, 2))), _is_plain([print])
    (True, False)
    """
    if isinstance(value, tuple | list):
        return all(map(_is_plain, value))
    return value is None or type(value) in (bool, int, float, str)


def _holds_plain_nodes(tree: Any) -> bool:
    node = tree.node_data()
    return node is None or ((_is_plain(node[1]) or node[0] is dict) and all(map(_holds_plain_nodes, tree.children())))


@functools.cache
def _source() -> str:
    """The files of the package as Python's own compiled modules know them: by time and size."""
    files = sorted((str(path), path.stat().st_mtime_ns, path.stat().st_size) for path in PACKAGE.rglob("*.py"))
    return hashlib.sha256(repr(files).encode()).hexdigest()


def _surroundings() -> str:
    set_so = sorted(jax.config.values.items())
    return repr((_source(), _processor(), np.__version__, os.environ.get("XLA_FLAGS"), set_so))


@functools.cache
def _processor() -> str:
    """What it can do, where the system says so: machines of different kinds may share a folder."""
    with contextlib.suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next((line for line in lines if line.startswith(("flags", "Features"))), platform.machine())
    return platform.machine()


def _read(path: Path, tree: Any) -> Any:
    try:
        program, results = pickle.loads(zlib.decompress(path.read_bytes()))  # noqa: S301  of a folder of the user's own
    except (OSError, zlib.error):
        return None
    if b"lapack" in program:
        _find_lapack()
    return serialize_executable.deserialize_and_load(program, tree, results)


@functools.cache
def _find_lapack() -> None:
    """JAX looks for LAPACK when it first lowers a call of it; a program that is loaded before ends the process."""
    jax.jit(jax.lax.linalg.cholesky).lower(np.eye(1))


@contextlib.contextmanager
def _nothing_written_by_jax() -> Iterator[None]:
    """Its cache would hold the program a second time, and hand it to another that is lowered alike."""
    least = jax.config.values["jax_persistent_cache_min_compile_time_secs"]
    jax.config.update("jax_persistent_cache_min_compile_time_secs", float("inf"))
    try:
        yield
    finally:
        jax.config.update("jax_persistent_cache_min_compile_time_secs", least)


def _compile(path: Path, compiled: Any, args: Any, kwargs: Any) -> Any:
    lowered, hits = compiled.lower(*args, **kwargs), _Kept.hits
    with _nothing_written_by_jax():
        found = lowered.compile()
    if _Kept.hits > hits:  # what JAX's cache hands out is written down without its code
        return found
    with contextlib.suppress(OSError, NotImplementedError, ValueError):  # a full disk; what JAX cannot write down
        program, _, results = serialize_executable.serialize(found)
        partial = path.with_name(f"{os.getpid()}-{threading.get_ident()}-{path.name}")
        partial.write_bytes(zlib.compress(pickle.dumps((program, results)), level=1))
        partial.replace(path)
    return found
