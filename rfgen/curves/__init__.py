"""Grids of points, their cells and their datasets."""

__all__: list[str] = []
