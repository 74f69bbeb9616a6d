"""The verbs: arrays in, xarray out.

Each opens a 64-bit scope of its own and leaves the process's flag alone; each takes plain numbers and arrays, broadcasts
them to named dimensions (the outer product), and refuses tracers: under jit, grad or vmap use `rfgen.theory`.
`check` and `methods` are rooms here, and functions of `rfgen`.
"""

__all__ = [
    "adversarial_error", "best_possible", "best_schedule", "compute_frontier", "corrected_logistic", "diagnose",
    "estimate_risk", "features_of", "fine_grained_variance", "fit_scaling_law", "learning_curve", "merge",
    "optimal_augmentation", "optimal_mixture", "optimal_ridge", "optimal_stopping", "overfitting_cost", "predict",
    "row_value", "sensitivity", "simulate", "tangent_features",
]

from rfgen.api.attacking import adversarial_error
from rfgen.api.decomposing import fine_grained_variance
from rfgen.api.diagnosis.verb import diagnose
from rfgen.api.inferring import corrected_logistic
from rfgen.api.merging import merge
from rfgen.api.optimal.optimising import optimal_augmentation, optimal_ridge
from rfgen.api.optimal.scheduling import best_schedule
from rfgen.api.optimal.stopping import optimal_stopping
from rfgen.api.optimal.valuing_rows import optimal_mixture, row_value
from rfgen.api.overfit.bounding import best_possible
from rfgen.api.overfit.overfitting import overfitting_cost
from rfgen.api.own_data.learning_curve import learning_curve
from rfgen.api.own_data.model_features import features_of, tangent_features
from rfgen.api.own_data.risk_estimates import estimate_risk
from rfgen.api.predicting import predict
from rfgen.api.scaling.frontier import compute_frontier
from rfgen.api.scaling.scaling_fit import fit_scaling_law
from rfgen.api.simulating import simulate
from rfgen.systems.sensitivity.verb import sensitivity
