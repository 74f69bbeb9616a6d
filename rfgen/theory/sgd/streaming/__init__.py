"""One pass: every step on fresh samples."""

__all__: list[str] = []
