"""Mathematics with no learning in it."""

__all__ = ["marchenko_pastur_density", "marchenko_pastur_edges"]

from rfgen.numerics.marchenko_pastur import marchenko_pastur_density, marchenko_pastur_edges
