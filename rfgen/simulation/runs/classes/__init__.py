"""Runs of classifiers."""

__all__: list[str] = []
