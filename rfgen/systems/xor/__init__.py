"""Two-layer networks on XOR clusters."""

__all__ = [
    "FirstAlignment", "NeuronPaths", "TwoLayerReLU", "XORClusters", "XORFirstStep", "XORNetworkRuns", "first_alignment",
    "linear_cluster_errors", "neuron_paths", "second_alignment", "xor_first_step", "xor_network_runs",
]

from rfgen.systems.xor.problem import TwoLayerReLU, XORClusters
from rfgen.systems.xor.simulation import NeuronPaths, XORNetworkRuns, neuron_paths, xor_network_runs
from rfgen.systems.xor.theory import (
    FirstAlignment,
    XORFirstStep,
    first_alignment,
    linear_cluster_errors,
    second_alignment,
    xor_first_step,
)
