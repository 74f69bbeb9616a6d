"""`check`: where theory and simulation meet."""

__all__: list[str] = []
