"""Exact curves of estimators that are written as expressions."""

__all__: list[str] = []
