"""What an estimator fits: coefficients on each of its features, or on inputs themselves."""

__all__ = ["coefficients"]

from typing import Any

from rfgen.algebra.leaves import Transpose
from rfgen.algebra.matrices import LINE, Matrix, Product, Scaled, Sum
from rfgen.algebra.predictor import Predictor
from rfgen.algebra.scalars import ONE


def coefficients(predictor: Predictor) -> tuple[Matrix, ...]:
    """Weights without the features in front of them, one vector for all terms behind the same features.

    >>> from rfgen.algebra import data, labels, ridge_fit
    >>> X = data("X")
    >>> coefficients(Predictor(ridge_fit(X, labels(X), features="k")))[0].rows
    k
    """
    found: dict[Any, Matrix] = dict(predictor.beside)
    nonlinear = {own.weights.matrix for own in found}
    terms = [predictor.weights]
    while terms:
        term = terms.pop(0)
        factor, own = term.parts if isinstance(term, Scaled) else (ONE, term)
        if isinstance(own, Sum):
            terms = [factor * own.left, factor * own.right, *terms]
            continue
        features = []
        while isinstance(own, Product) and _features(own.left):
            features.append(own.left)
            own = own.right
        if features and features[0] in nonlinear:
            continue
        key = tuple(features)
        found[key] = found[key] + factor * own if key in found else factor * own
    return tuple(found.values())


def _features(matrix: Matrix) -> bool:
    """Whether it is a map from another space, and none from rows as X.T is."""
    first = matrix
    while isinstance(first, Sum | Product | Scaled):
        first = first.matrix if isinstance(first, Scaled) else first.left
    return matrix.columns not in (matrix.rows, LINE) and not isinstance(first, Transpose)
