"""The second engine: equilibria of losses of the margin."""

__all__: list[str] = []
