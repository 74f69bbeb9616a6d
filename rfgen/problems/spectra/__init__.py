"""Spectra: eigenvalues, their tails, their compressed modes."""

__all__: list[str] = []
