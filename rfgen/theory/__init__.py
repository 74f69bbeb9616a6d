"""Exact curves, one per file: pure JAX, written for scalars."""

__all__ = ["Risk", "optimal_ridge", "risk"]

from rfgen.theory.optimal_ridge import optimal_ridge
from rfgen.theory.risk import Risk, risk
