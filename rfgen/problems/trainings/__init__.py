"""How a learner is trained."""

__all__: list[str] = []
