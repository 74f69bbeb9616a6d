"""Runs on rows of several populations, at once or stage by stage."""

__all__: list[str] = []
