"""Wide networks near their initial function."""

__all__ = ["LazyRuns", "deep_kernel_exponent", "linearised_network", "wide_network"]

from rfgen.systems.lazy.deep_kernel_exponent import deep_kernel_exponent
from rfgen.systems.lazy.lazy_network import LazyRuns, linearised_network, wide_network
