"""Exact curves, one per file: pure JAX, written for scalars."""

__all__ = ["OptimalRidge", "Risk", "optimal_ridge", "risk"]

from rfgen.theory.ridge.optimal_ridge import OptimalRidge, optimal_ridge
from rfgen.theory.ridge.risk import Risk, risk
