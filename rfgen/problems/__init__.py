"""What is learned, and by whom."""

__all__: list[str] = []
