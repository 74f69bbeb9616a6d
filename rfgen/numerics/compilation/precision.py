"""Double precision, decided in one place.

The theory needs 64-bit floats: `n - df1` loses all its digits in 32 bits near interpolation.  JAX has a process-wide
flag for them; switching it would change the dtype of the user's own code.  So the verbs open a *scope* (thread-local,
restored on exit), always as the outermost one: a scope opened inside a 32-bit transformation mixes dtypes.
"""

__all__ = ["PrecisionError", "double_precision", "needs_double_precision", "require_double_precision"]

import functools
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, TypeVar, cast

import jax
import jax.numpy as jnp

from rfgen.numerics.compilation.program_maps import spare_maps
from rfgen.numerics.compilation.tracing import under_trace

F = TypeVar("F", bound=Callable[..., Any])


class PrecisionError(RuntimeError):
    """A formula that needs 64-bit floats was called outside a 64-bit scope."""


def double_precision(function: F) -> F:
    """Run `function` inside a 64-bit scope; the global flag and the caller's own dtypes stay as they were."""

    @functools.wraps(function)
    def scoped(*args: Any, **kwargs: Any) -> Any:
        spare_maps()
        with jax.enable_x64(True), _evaluated_at_once(under_trace()):
            return function(*args, **kwargs)

    return cast("F", scoped)


def _evaluated_at_once(traced: bool) -> AbstractContextManager[None]:
    """Under an outer trace: the concrete arguments of a verb are computed at once, not put into the caller's program.

    Only there: inside that context each constant of a traced function is compiled as a program of its own (126 programs
    instead of 17 on a first `predict` with `rg.SGD`).
    """
    return jax.ensure_compile_time_eval() if traced else nullcontext()


def needs_double_precision(function: F) -> F:
    """Raise `PrecisionError` with the remedy where `function`, of the pure layer, is called without 64-bit floats.

    Memory maps are spared before each call: callers make eager ones in loops.

    >>> half = needs_double_precision(lambda x: x / 2)
    >>> with jax.enable_x64(True):
    ...     half(3.0)
    1.5
    """
    parts = function.__module__.split(".")
    where = ".".join((*parts[: 3 if "systems" in parts else 2], function.__name__))

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        require_double_precision(where)
        return function(*args, **kwargs)

    return cast("F", call)


def require_double_precision(where: str) -> None:
    """Raise `PrecisionError` with the remedy unless 64-bit floats are on, and spare memory maps.

    >>> with jax.enable_x64(True):
    ...     require_double_precision("rfgen.theory.risk")
    """
    if jnp.result_type(float) != jnp.float64:
        raise PrecisionError(
            f"{where} needs 64-bit floats, and they are off. Wrap the outermost call in `with jax.enable_x64(True):` "
            "(outside jit, grad and vmap), or use rfgen.predict, which opens that scope itself."
        )
    spare_maps()
