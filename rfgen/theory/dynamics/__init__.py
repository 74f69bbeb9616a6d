"""Risk along gradient training."""

__all__: list[str] = []
