"""Named populations: where rows come from, and where models are used."""

__all__: list[str] = []
