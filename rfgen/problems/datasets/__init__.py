"""Real data that comes with the package."""

__all__ = ["digits"]

from rfgen.problems.datasets.digits import digits
