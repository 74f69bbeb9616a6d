"""Robust linear regression: convex losses of the residual under noise of any law."""

__all__ = [
    "Absolute", "AttackedRegression", "ContaminatedNoise", "Huber", "LaplaceNoise", "NoisyTask", "Quantile", "RobustFit",
    "RobustRegression", "StudentNoise", "attacked_regression", "attacked_squares", "best_robust", "clipped_moments",
    "noise_information", "robust_fit", "robust_regression",
]

from rfgen.systems.robust.attacked import AttackedRegression, attacked_regression
from rfgen.systems.robust.attacked_fit import attacked_squares
from rfgen.systems.robust.best import best_robust, noise_information
from rfgen.systems.robust.clipped_force import clipped_moments
from rfgen.systems.robust.fit import RobustFit, robust_fit
from rfgen.systems.robust.noise_laws import ContaminatedNoise, LaplaceNoise, StudentNoise
from rfgen.systems.robust.problem import Absolute, Huber, NoisyTask, Quantile
from rfgen.systems.robust.theory import RobustRegression, robust_regression
