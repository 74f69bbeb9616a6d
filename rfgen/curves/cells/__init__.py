"""Where and how work runs."""

__all__: list[str] = []
