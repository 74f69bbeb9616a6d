"""The moments of views."""

__all__: list[str] = []
