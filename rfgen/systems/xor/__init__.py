"""Two-layer networks on XOR clusters."""

__all__: list[str] = []
