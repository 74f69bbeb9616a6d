"""Estimators written as expressions: spaces, Gaussian and deterministic matrices, vectors, and what is made of them.

Nothing here holds numbers.  The theory reads an expression as a system of linear equations and averages it, the simulation
draws its matrices and evaluates it: the expression is all that they share.
"""

__all__ = [
    "INPUTS", "Diagonal", "Estimator", "ExpressionError", "Features", "Gaussian", "Matrix", "Predictor", "Scalar", "Space",
    "Vector", "centring", "continue_from", "covariance", "data", "direction", "distil", "ensemble", "haar", "intercept",
    "labels", "normal", "ones", "random_features", "ridge_fit", "scalar", "signs", "sketch", "space", "subsample",
    "teacher", "view",
]

from rfgen.algebra.estimator import Estimator
from rfgen.algebra.interned import ExpressionError
from rfgen.algebra.leaves import Diagonal, Gaussian, Vector
from rfgen.algebra.macros import (
    INPUTS,
    centring,
    continue_from,
    covariance,
    data,
    direction,
    distil,
    ensemble,
    haar,
    intercept,
    labels,
    normal,
    ones,
    random_features,
    ridge_fit,
    signs,
    sketch,
    space,
    subsample,
    teacher,
    view,
)
from rfgen.algebra.matrices import Matrix, Space
from rfgen.algebra.predictor import Features, Predictor
from rfgen.algebra.scalars import Scalar, scalar
