"""Gradient descent on classes of unequal size."""

__all__ = [
    "ClassDescent", "ClassImbalance", "ClassImbalanceRuns", "GaussianMixture", "TimeDomain", "class_imbalance",
    "simulate_class_imbalance", "time_domain",
]

from rfgen.systems.class_imbalance.problem import ClassDescent, GaussianMixture
from rfgen.systems.class_imbalance.simulation import ClassImbalanceRuns
from rfgen.systems.class_imbalance.simulation import class_imbalance as simulate_class_imbalance
from rfgen.systems.class_imbalance.theory import ClassImbalance, TimeDomain, class_imbalance, time_domain
