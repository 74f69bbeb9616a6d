"""Kernel classifiers of labels on the sphere."""

__all__ = [
    "KernelClassifier", "KernelClassifierRuns", "ZonalLabels", "kernel_classifier", "kernel_flow_classifier",
    "simulate_kernel_classifier", "simulate_kernel_flow_classifier",
]

from rfgen.systems.sphere_labels.problem import ZonalLabels
from rfgen.systems.sphere_labels.simulation import KernelClassifierRuns
from rfgen.systems.sphere_labels.simulation import kernel_classifier as simulate_kernel_classifier
from rfgen.systems.sphere_labels.simulation import kernel_flow_classifier as simulate_kernel_flow_classifier
from rfgen.systems.sphere_labels.theory import KernelClassifier, kernel_classifier, kernel_flow_classifier
