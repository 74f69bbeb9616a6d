"""The verbs: arrays in, xarray out.

Each opens a 64-bit scope of its own and leaves the process's flag alone; each takes plain numbers and arrays, broadcasts
them to named dimensions (the outer product), and refuses tracers: under jit, grad or vmap use `rfgen.theory`.
`check` and `methods` are rooms here, and functions of `rfgen`.
"""

__all__ = [
    "adversarial_error",
    "best_schedule",
    "diagnose",
    "estimate_risk",
    "features_of",
    "fine_grained_variance",
    "learning_curve",
    "optimal_augmentation",
    "optimal_ridge",
    "optimal_stopping",
    "overfitting_cost",
    "predict",
    "sensitivity",
    "simulate",
    "tangent_features",
]

from rfgen.api.attacking import adversarial_error
from rfgen.api.decomposing import fine_grained_variance
from rfgen.api.diagnosis.verb import diagnose
from rfgen.api.estimating import estimate_risk
from rfgen.api.model_features import features_of, tangent_features
from rfgen.api.optimising import optimal_augmentation, optimal_ridge
from rfgen.api.overfitting import overfitting_cost
from rfgen.api.own_data import learning_curve
from rfgen.api.predicting import predict
from rfgen.api.scheduling import best_schedule
from rfgen.api.simulating import simulate
from rfgen.api.stopping import optimal_stopping
from rfgen.systems.sensitivity.verb import sensitivity
