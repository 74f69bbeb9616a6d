"""Gradient descent on classes of unequal size."""

__all__: list[str] = []
