"""Sparse linear regression."""

__all__: list[str] = []
