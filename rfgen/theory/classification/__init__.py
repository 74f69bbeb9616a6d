"""Linear classifiers."""

__all__: list[str] = []
