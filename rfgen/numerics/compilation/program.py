"""Programs: whole computations that XLA compiles, and how thoroughly.

A first call waits for the compiler.  On the CPU most of that time buys nothing here: the MLIR emitters of fusions take
half of it for the same speed, and the optimisation of LLVM another quarter, for code whose run time lies in few points,
in LAPACK or in matrix products.  Measured on the curve of ridge regression, processor seconds to compile and microseconds
a point to run: 2.0 and 2.0 as XLA does by default, 0.8 and 2.1 without the emitters, 0.2 and 9 without either.
At LLVM's second level loops that draw random numbers compile in a quarter of the time (one pass of SGD 0.55 s against 2.2)
and run as fast, but a pass then is 2e-8 off one by hand of the same seed, where the third is within 1e-8.
Splitting a program into 32 parts to generate their code in parallel costs a quarter more processor time, and on two cores
no less of the clock's (eight programs: 3.5 and 2.8 seconds of either).
"""

__all__ = ["program"]

import functools
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.errors

from rfgen.numerics.compilation.kept_programs import kept
from rfgen.numerics.compilation.program_maps import sparing_maps
from rfgen.numerics.compilation.tracing import is_traced, under_trace

# Compiled thoroughly: as fast as by default, or faster.
THOROUGH: dict[str, Any] = {
    "xla_cpu_use_fusion_emitters": False, "xla_cpu_parallel_codegen_split_count": 1, "xla_backend_optimization_level": 3,
    "xla_llvm_disable_expensive_passes": False,  # whatever the process asks for the rest
}
# Compiled quickly: loops of element-wise operations run at a third of the speed.
QUICK: dict[str, Any] = {**THOROUGH, "xla_backend_optimization_level": 0}
_UNKNOWN = "No such compile option"


def program(function: Callable[..., Any] | None = None, *, static_argnames: str | Sequence[str] = ()) -> Any:
    """`jax.jit` for a computation that is called on its own, compiled quickly: a decorator, with or without arguments.

    The result has an attribute `thorough`, the same compiled for speed: for many points and long loops.  Inside a trace of
    the caller's both are `jax.jit`, as they are on accelerators and where XLA no longer knows the options.

    >>> import jax.numpy as jnp
    >>> double = program(lambda x: 2.0 * x)
    >>> float(double(jnp.ones(()))), float(double.thorough(jnp.ones(()))), float(jax.jit(double)(jnp.ones(())))
    (2.0, 2.0, 2.0)
    """
    if function is None:
        return functools.partial(program, static_argnames=static_argnames)
    call: Any = _with_options(function, static_argnames, QUICK)
    call.thorough = _with_options(function, static_argnames, THOROUGH)
    return call


def _with_options(function: Callable[..., Any], static_argnames: str | Sequence[str], options: dict[str, Any]) -> Any:
    plain = jax.jit(function, static_argnames=static_argnames)
    on_cpu = jax.jit(function, static_argnames=static_argnames, compiler_options=options)
    on_cpu = kept(function, on_cpu, static_argnames, options)

    @sparing_maps
    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        if _Known.options and jax.default_backend() == "cpu" and not (under_trace() or is_traced(args, kwargs)):
            try:
                return on_cpu(*args, **kwargs)
            except jax.errors.JaxRuntimeError as error:
                if _UNKNOWN not in str(error):
                    raise
                _Known.options = False
        return plain(*args, **kwargs)

    return call


class _Known:
    """Whether this version of XLA knows the options."""

    options = True
