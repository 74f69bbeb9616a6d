"""What no algorithm beats: posterior means under a known law of the target."""

__all__: list[str] = []
