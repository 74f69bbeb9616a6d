"""Stochastic gradient descent."""

__all__: list[str] = []
