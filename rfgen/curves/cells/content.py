"""What an object is made of, for keys that outlive the process.

A function is its code, defaults, closure, and the globals that its code reads, of modules the attributes; a class of the
user's is its methods; any other object what pickle would write of it.  What stands in an installed library is its name, and
the source of our own rooms has a digest (`rfgen.curves.cells.source`).
"""

__all__ = ["Unknown", "content"]

import copyreg
import dataclasses
import dis
import functools
import importlib
import sys
import sysconfig
import types
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

PLAIN = (bool, int, float, complex, str, bytes, type(Ellipsis))
OURS = __name__.partition(".")[0]
# What a class holds that says nothing of what it does.
BOOKKEEPING = frozenset({"_abc_impl", "_is_protocol"})
READS = frozenset({"LOAD_GLOBAL", "LOAD_NAME"})
ATTRIBUTES = frozenset({"LOAD_ATTR", "LOAD_METHOD", "IMPORT_FROM"})


@dataclasses.dataclass(frozen=True)
class Unknown:
    """A part whose content cannot be told, in words."""

    what: str


def content(value: Any) -> tuple[Any, ...]:
    """Arrays and plain values that make up `value`, and `Unknown` for parts that cannot be told.

    >>> one, two = content(lambda x: x + 1), content(lambda x: x + 2)
    >>> one == content(lambda x: x + 1), one == two
    (True, False)
    >>> content(open)
    ('builtins.builtin_function_or_method', 'open')
    """
    return tuple(_parts(value, frozenset(), {}))


def _parts(value: Any, above: frozenset[int], known: dict[int, Any]) -> Iterator[Any]:
    """Parts of `value`, which lies within those of ids `above`; functions and classes `known` are named only."""
    if value is None or isinstance(value, (*PLAIN, Unknown)) or (isinstance(value, np.ndarray) and value.dtype != object):
        yield value
        return
    kind = type(value)
    yield f"{kind.__module__}.{kind.__qualname__}"
    if id(value) in above:  # a recursive function holds itself
        return
    if isinstance(value, (types.FunctionType, type)):
        if id(value) in known:
            yield value.__qualname__
            return
        known[id(value)] = value
    elif _is_users(kind.__module__):
        yield from _parts(kind, above, known)
    for part in _inside(value):
        yield from _parts(part, above | {id(value)}, known)


def _inside(value: Any) -> Iterable[Any]:
    if isinstance(value, np.ndarray):  # of objects
        return (value.shape, *value.ravel().tolist())
    if type(value) in (tuple, list):
        return (len(value), *value)
    if isinstance(value, (set, frozenset)):
        return tuple(sorted(repr(content(one)) for one in value))  # their order changes with the process
    if isinstance(value, types.ModuleType):
        return (value.__name__,)
    if isinstance(value, Mapping):
        return (len(value), *value.keys(), *value.values())
    if isinstance(value, type):
        return (f"{value.__module__}.{value.__qualname__}", *_of_class(value))
    if isinstance(value, types.CodeType):
        return (value.co_code, value.co_names, value.co_consts)
    if isinstance(value, types.CellType):
        return _of_cell(value)
    if isinstance(value, types.FunctionType):
        return _of_function(value)
    if isinstance(value, types.MethodType):
        return (value.__func__, value.__self__)
    if isinstance(value, (staticmethod, classmethod)):
        return (value.__func__,)
    if isinstance(value, property):
        return (value.fget,)
    if isinstance(value, functools.cached_property):
        return (value.func,)
    if isinstance(value, functools.partial):
        return (value.func, value.args, value.keywords)
    if isinstance(value, np.vectorize):  # which keeps programs it made
        return (value.pyfunc, value.otypes, value.excluded, value.signature)
    if hasattr(value, "__wrapped__") and not _is_users(type(value).__module__):  # jax.jit and other decorators
        return (value.__wrapped__,)
    if hasattr(value, "__array__"):
        try:
            return (np.asarray(value),)
        except TypeError:  # random keys
            return (repr(value),)
    if isinstance(value, types.BuiltinFunctionType) and not isinstance(value.__self__, types.ModuleType | None):
        return (value.__qualname__, value.__self__)
    if isinstance(value, (types.BuiltinFunctionType, types.MemberDescriptorType, types.MethodDescriptorType)):
        return (value.__qualname__,)
    if dataclasses.is_dataclass(value):
        return tuple(getattr(value, field.name) for field in dataclasses.fields(value) if field.init)
    return _pickled(value)


def _pickled(value: Any) -> tuple[Any, ...]:
    """What pickle would write."""
    reduce = copyreg.dispatch_table.get(type(value))
    try:
        written = reduce(value) if reduce else value.__reduce_ex__(4)
    except Exception:  # noqa: BLE001  whatever an object says that is not to be copied
        return (Unknown(f"of type {type(value).__qualname__}"),)
    if isinstance(written, str):  # a name, such as that of a ufunc
        homes = (sys.modules.get(name) for name in (str(getattr(value, "__module__", None)), "numpy", "scipy.special"))
        if any(getattr(home, written, None) is value for home in homes):
            return (written,)
        return (Unknown(f"{written}, of type {type(value).__qualname__}"),)
    return tuple(list(part) if isinstance(part, Iterator) else part for part in written)


def _of_cell(cell: types.CellType) -> tuple[Any, ...]:
    try:
        return (cell.cell_contents,)
    except ValueError:  # not yet filled
        return ()


def _of_class(kind: type) -> Iterator[Any]:
    """Methods and values of a class of the user's and of those it inherits from."""
    for base in kind.__mro__:
        if _is_users(base.__module__):
            for name, held in sorted(vars(base).items()):
                told = isinstance(held, types.FunctionType) if name.startswith("__") else name not in BOOKKEEPING
                yield from (name, held) if told else ()


def _of_function(function: types.FunctionType) -> Iterator[Any]:
    name, module = function.__qualname__, sys.modules.get(function.__module__)
    if not _is_users(function.__module__) and getattr(module, name, None) is function:
        yield f"{function.__module__}.{name}"
        return
    yield from (function.__code__, function.__defaults__, function.__kwdefaults__, function.__closure__)
    if not _is_users(function.__module__):
        return
    instructions = list(_instructions(function.__code__))
    attributes = sorted({name for kind, name in instructions if kind in ATTRIBUTES})
    held = [cell.cell_contents for cell in function.__closure__ or () if _of_cell(cell)]
    for name in sorted({name for kind, name in instructions if kind in READS}):
        if name in function.__globals__:
            held.append(function.__globals__[name])
            yield from (name, held[-1])
    for name in sorted({name for kind, name in instructions if kind == "IMPORT_NAME"}):
        try:
            held.append(importlib.import_module(name))
        except Exception:  # noqa: BLE001  of a module of the user's
            yield Unknown(f"import {name}")
    for module in held:
        if isinstance(module, types.ModuleType):
            yield from _of_module(module, attributes, frozenset())


def _of_module(module: types.ModuleType, attributes: list[str], above: frozenset[str]) -> Iterator[Any]:
    """Those `attributes` that a module of the user's has."""
    if _is_users(module.__name__) and module.__name__ not in above:
        for name in attributes:
            if hasattr(module, name):
                held = getattr(module, name)
                yield from (name, held)
                if isinstance(held, types.ModuleType):
                    yield from _of_module(held, attributes, above | {module.__name__})


def _instructions(code: types.CodeType) -> Iterator[tuple[str, Any]]:
    for instruction in dis.get_instructions(code):
        yield instruction.opname, instruction.argval
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _instructions(constant)


@functools.cache
def _is_users(module: str | None) -> bool:
    """Whether a module is the user's: neither ours nor of an installed library."""
    if module is None or module.partition(".")[0] == OURS:
        return False
    found = sys.modules.get(module)
    if found is None or module == "__main__":
        return True
    path = getattr(found, "__file__", None)
    if path is None:  # built in, or a folder of the user's without a file
        return not (module in sys.builtin_module_names or getattr(found.__spec__, "origin", None) in ("built-in", "frozen"))
    return not any(Path(path).resolve().is_relative_to(folder) for folder in _libraries())


@functools.cache
def _libraries() -> tuple[Path, ...]:
    return tuple(Path(path).resolve() for kind, path in sysconfig.get_paths().items() if kind.endswith(("lib", "stdlib")))
