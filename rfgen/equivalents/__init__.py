"""The engine: deterministic equivalents of ridge regression."""

__all__ = ["Equilibrium", "ErrorKernel", "Group", "equilibrium", "error_kernel", "training_group"]

from rfgen.equivalents.equilibrium import Equilibrium, Group, equilibrium, training_group
from rfgen.equivalents.error_kernel import ErrorKernel, error_kernel
