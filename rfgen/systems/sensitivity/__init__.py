"""The sensitivity of random-feature regression to its inputs."""

__all__ = ["OddActivation", "Sensitivity", "SensitivityRuns", "odd_activation", "sensitivity", "simulate_sensitivity"]

from rfgen.systems.sensitivity.odd_activation import OddActivation, odd_activation
from rfgen.systems.sensitivity.simulation import SensitivityRuns
from rfgen.systems.sensitivity.simulation import sensitivity as simulate_sensitivity
from rfgen.systems.sensitivity.theory import Sensitivity, sensitivity
