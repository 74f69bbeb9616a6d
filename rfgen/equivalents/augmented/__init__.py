"""Deterministic equivalents of augmented data: blocks of views, and their pencil."""

__all__: list[str] = []
