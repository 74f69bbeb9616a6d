"""Where samples are drawn from."""

__all__: list[str] = []
