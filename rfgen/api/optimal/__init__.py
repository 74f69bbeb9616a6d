"""Verbs that look for a best value: ridges, times, schedules, mixtures of rows."""

__all__: list[str] = []
