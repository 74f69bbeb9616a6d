"""Labelled Gaussian classes."""

__all__: list[str] = []
