"""Training sets, views and their random numbers."""

__all__: list[str] = []
