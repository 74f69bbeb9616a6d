"""How functions are traced, compiled and kept, and in which precision."""

__all__: list[str] = []
