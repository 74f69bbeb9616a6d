"""Monte-Carlo twins of the exact curves."""

__all__: list[str] = []
