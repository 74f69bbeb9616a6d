"""Wide networks near their initial function."""

__all__: list[str] = []
