"""The verbs of the user's own rows: learning curves and risk estimates from one matrix, and features of a model."""

__all__: list[str] = []
