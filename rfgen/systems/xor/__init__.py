"""Two-layer networks on XOR clusters."""

__all__ = [
    "FirstAlignment",
    "NeuronPaths",
    "TwoLayerReLU",
    "XORClusters",
    "XORFirstStep",
    "XORNetworkRuns",
    "first_alignment",
    "linear_cluster_errors",
    "neuron_paths",
    "second_alignment",
    "xor_first_step",
    "xor_network_runs",
]

from rfgen.systems.xor.first_step import XORFirstStep, linear_cluster_errors, xor_first_step
from rfgen.systems.xor.neuron_alignment import FirstAlignment, first_alignment, second_alignment
from rfgen.systems.xor.simulation import NeuronPaths, XORNetworkRuns, neuron_paths, xor_network_runs
from rfgen.systems.xor.two_layer_relu import TwoLayerReLU
from rfgen.systems.xor.xor_clusters import XORClusters
