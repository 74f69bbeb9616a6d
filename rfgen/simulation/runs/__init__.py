"""Runs of many trials."""

__all__: list[str] = []
