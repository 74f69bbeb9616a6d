"""Warnings that point at the caller's own line."""

__all__ = ["warn_caller"]

import sys
import warnings

# Of the package, and of a type checker that may be wrapped round it.
OURS = (__name__.partition(".")[0], "jaxtyping")


def warn_caller(message: str) -> None:
    """A UserWarning at the line that called into the package, however deep in it the doubt arises."""
    frame, level, outermost = sys._getframe(1), 2, 2
    while frame is not None:
        # jax may lie between: the last frame of our own is where the caller came in
        module = f"{frame.f_globals.get('__name__', '')}."
        if any(module.startswith(f"{own}.") for own in OURS):
            outermost = level + 1
        frame, level = frame.f_back, level + 1
    warnings.warn(message, stacklevel=outermost)
