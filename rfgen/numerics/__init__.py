"""Mathematics with no learning in it."""

__all__: list[str] = []
