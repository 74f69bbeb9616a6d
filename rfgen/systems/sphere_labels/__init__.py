"""Kernel classifiers of labels on the sphere."""

__all__: list[str] = []
