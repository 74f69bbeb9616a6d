"""Linear networks along gradient flow."""

__all__: list[str] = []
