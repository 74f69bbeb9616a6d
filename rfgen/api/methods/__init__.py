"""How each kind of learner is predicted."""

__all__: list[str] = []
