"""Stand-alone curves, one folder each: problem, theory, simulation, method."""

__all__: list[str] = []
