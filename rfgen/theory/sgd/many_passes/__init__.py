"""Many passes over the same samples."""

__all__: list[str] = []
