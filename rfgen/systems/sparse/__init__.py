"""Sparse linear regression."""

__all__ = [
    "BasisPursuit", "HyperbolicEntropy", "Lasso", "ReparametrizedFlow", "Shrinkage", "SoftThreshold", "SparseRegression",
    "StateEvolution", "state_evolution",
]

from rfgen.systems.sparse.problem import BasisPursuit, Lasso, ReparametrizedFlow, SparseRegression
from rfgen.systems.sparse.proximal_maps import HyperbolicEntropy, Shrinkage, SoftThreshold
from rfgen.systems.sparse.state_evolution import StateEvolution, state_evolution
