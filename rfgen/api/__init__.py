"""The verbs: arrays in, xarray out.

Each opens a 64-bit scope of its own and leaves the process's flag alone; each takes plain numbers and arrays, broadcasts
them to named dimensions (the outer product), and refuses tracers: under jit, grad or vmap use `rfgen.theory`.
"""

__all__ = [
    "adversarial_error",
    "check",
    "estimate_risk",
    "fine_grained_variance",
    "optimal_augmentation",
    "optimal_ridge",
    "optimal_stopping",
    "overfitting_cost",
    "predict",
    "sensitivity",
    "simulate",
]

from rfgen.api.check.check import check
from rfgen.api.estimating import estimate_risk
from rfgen.api.methods.classification import adversarial_error
from rfgen.api.methods.ensembles import fine_grained_variance
from rfgen.api.optimising import optimal_augmentation, optimal_ridge
from rfgen.api.overfitting import overfitting_cost
from rfgen.api.predicting import predict
from rfgen.api.simulating import simulate
from rfgen.api.stopping import optimal_stopping
from rfgen.systems.sensitivity.verb import sensitivity
