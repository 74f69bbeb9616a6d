"""Estimators written as expressions: spaces, Gaussian and deterministic matrices, vectors, and what is made of them.

Nothing here holds numbers.  The theory reads an expression as a system of linear equations and averages it, the simulation
draws its matrices and evaluates it: the expression is all that they share.
"""

__all__ = [
    "INPUTS", "Diagonal", "Estimator", "ExpressionError", "Gaussian", "Matrix", "Scalar", "Space", "Vector",
    "continue_from", "covariance", "data", "distil", "ensemble", "haar", "labels", "random_features", "ridge_fit",
    "scalar", "sketch", "space", "teacher", "view",
]

from rfgen.algebra.estimator import Estimator
from rfgen.algebra.interned import ExpressionError
from rfgen.algebra.leaves import Diagonal, Gaussian, Vector
from rfgen.algebra.macros import (
    INPUTS,
    continue_from,
    covariance,
    data,
    distil,
    ensemble,
    haar,
    labels,
    random_features,
    ridge_fit,
    sketch,
    space,
    teacher,
    view,
)
from rfgen.algebra.matrices import Matrix, Space
from rfgen.algebra.scalars import Scalar, scalar
