"""`diagnose`: why theory and a run disagree, each cause with the size of the error that it makes."""

__all__: list[str] = []
