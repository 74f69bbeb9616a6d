"""Nodes and weights: on contours, on panels, for normal averages."""

__all__: list[str] = []
