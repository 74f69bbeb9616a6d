"""Estimators of the risk."""

__all__: list[str] = []
