"""Ridge regression and its random features."""

__all__: list[str] = []
