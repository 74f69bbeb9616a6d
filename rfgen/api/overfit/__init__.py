"""Verbs on what overfitting costs, and what bounds it."""

__all__: list[str] = []
