"""The engine: deterministic equivalents of ridge regression."""

__all__ = ["Equilibrium", "ErrorKernel", "equilibrium", "error_kernel"]

from rfgen.equivalents.equilibrium import Equilibrium, equilibrium
from rfgen.equivalents.error_kernel import ErrorKernel, error_kernel
