"""The cost of overfitting."""

__all__: list[str] = []
