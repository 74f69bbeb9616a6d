"""Linear classifiers of one training set."""

__all__: list[str] = []
