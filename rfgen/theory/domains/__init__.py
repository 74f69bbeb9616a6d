"""Several domains."""

__all__: list[str] = []
