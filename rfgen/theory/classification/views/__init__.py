"""Linear classifiers trained on views of rows: changed independently, moved as a whole, or mixed."""

__all__: list[str] = []
