"""ReLU students of ReLU teachers."""

__all__: list[str] = []
