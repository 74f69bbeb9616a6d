"""Runs of stochastic gradient descent."""

__all__: list[str] = []
