"""Linear networks along gradient flow."""

__all__ = [
    "BalancedFlow", "DeepLinear", "DeepLinearFlow", "FlowRuns", "IsotropicFlow", "OptimalRidge", "balanced_flow",
    "deep_linear", "isotropic_flow", "mode_strength", "optimal_ridge", "optimal_time", "overtraining",
    "simulate_isotropic_flow",
]

from rfgen.systems.linear_networks.balanced_flow import BalancedFlow, balanced_flow
from rfgen.systems.linear_networks.deep_linear import DeepLinear, deep_linear, mode_strength
from rfgen.systems.linear_networks.isotropic_flow import (
    IsotropicFlow,
    OptimalRidge,
    isotropic_flow,
    optimal_ridge,
    optimal_time,
    overtraining,
)
from rfgen.systems.linear_networks.simulation import FlowRuns
from rfgen.systems.linear_networks.simulation import isotropic_flow as simulate_isotropic_flow
from rfgen.systems.linear_networks.training import DeepLinearFlow
