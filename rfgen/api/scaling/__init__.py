"""Verbs on scaling laws: compute-optimal frontiers, fits of measured losses."""

__all__: list[str] = []
