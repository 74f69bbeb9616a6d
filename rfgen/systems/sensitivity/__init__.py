"""The sensitivity of random-feature regression to its inputs."""

__all__ = [
    "ActivationEnergies", "Sensitivity", "SensitivityRuns", "activation_energies", "sensitivity", "simulate_sensitivity",
]

from rfgen.systems.sensitivity.activation_energies import ActivationEnergies, activation_energies
from rfgen.systems.sensitivity.simulation import SensitivityRuns
from rfgen.systems.sensitivity.simulation import sensitivity as simulate_sensitivity
from rfgen.systems.sensitivity.theory import Sensitivity, sensitivity
