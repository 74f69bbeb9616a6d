"""Expressions that estimators are made of: data and labels, ridge fits, features, sketches, ensembles, views."""

__all__ = [
    "INPUTS", "continue_from", "covariance", "data", "distil", "ensemble", "haar", "labels", "random_features",
    "ridge_fit", "sketch", "space", "teacher", "view",
]

from collections.abc import Sequence
from typing import Any

from rfgen.algebra.interned import ExpressionError
from rfgen.algebra.leaves import Diagonal, Gaussian, Vector
from rfgen.algebra.matrices import LINE, Matrix, Space
from rfgen.algebra.scalars import Scalar, scalar

# The space of inputs, whose eigenbasis is the task's.
INPUTS = Space("inputs")


def space(name: str) -> Space:
    """The space of a name: its dimension is a size of that name.

    >>> space("k")
    k
    """
    return Space(_name("a space", name))


def covariance(samples: str) -> Diagonal:
    """The covariance of the inputs of a sample space."""
    return Diagonal(f"covariance[{_name('samples', samples)}]", INPUTS)


def teacher(samples: str) -> Vector:
    """The target of the task of a sample space, as weights on inputs."""
    return Vector("teacher", _name("samples", samples), INPUTS)


def data(name: str, samples: str = "n") -> Gaussian:
    """Rows of inputs of a task: a Gaussian matrix from inputs to the space `samples`, rows of the task's covariance.

    Data of other names are drawn independently.  `samples` names their number, and the task they come from where there are
    several.

    >>> data("X"), data("X").rows, data("X").columns
    (X, n, inputs)
    """
    return Gaussian(_name("data", name), space(samples), INPUTS, None, covariance(samples))


def labels(rows: Matrix, weights: Matrix | None = None) -> Matrix:
    """Labels of data: their task's target, or what other `weights` say, and noise of their own.

    >>> labels(data("X"))
    X teacher[n] + noise[X]
    """
    if not (isinstance(rows, Gaussian) and rows.columns is INPUTS):
        raise ExpressionError(f"labels are of rows made by data(...), got {rows!r}")
    target = teacher(rows.rows.name) if weights is None else weights
    return rows @ target + Vector("noise", rows.name, rows.rows)


def random_features(k: str, name: str = "W") -> Gaussian:
    """A Gaussian matrix from `k` features to inputs, of variance 1/k: X @ W are random features of X."""
    return Gaussian(_name("features", name), INPUTS, space(k), None, None, 1.0 / scalar(k))


def ridge_fit(
    rows: Matrix | Sequence[Matrix], targets: Matrix | Sequence[Matrix], ridge: Any = "ridge", features: Any = None,
    weight: Matrix | Sequence[Matrix] | None = None,
) -> Matrix:
    """Weights on inputs that minimise the sum of (y - X w)' weight (y - X w) over data sets, plus ridge |w|^2.

    Parameters
    ----------
    rows, targets
        Data and labels, or lists of them (domains that are stacked).
    ridge
        A name, a number, or a scalar.
    features
        The name of a number of random features, drawn for this data set, or a matrix W to inputs, as `random_features(...)`
        or a product of such: then w = W a, and |a|^2 is penalised.
    weight
        A positive matrix on the samples, as `sketch` and `haar` make.

    >>> X = data("X")
    >>> ridge_fit(X, labels(X), features="k")
    W[k,X] (W[k,X].T X.T X W[k,X] + ridge 1_k)^-1 W[k,X].T X.T (X teacher[n] + noise[X])
    """
    designs, wanted = _listed(rows), _listed(targets)
    weights = [None] * len(designs) if weight is None else _listed(weight)
    if not len(designs) == len(wanted) == len(weights):
        raise ExpressionError(f"ridge_fit takes one target (and weight) a data set, got {len(designs)} and {len(wanted)}")
    for one, two in zip(designs, wanted, strict=True):
        if two.columns is not LINE or one.rows is not two.rows:
            raise ExpressionError(f"spaces {one.rows} and {two.rows} do not match in ridge_fit of {one!r} to {two!r}")
    if isinstance(features, str):
        features = random_features(features, f"W[{features},{','.join(map(repr, designs))}]")
    inputs = designs if features is None else [one @ features for one in designs]
    seen = [one if own is None else own @ one for one, own in zip(inputs, weights, strict=True)]
    second = [one.T @ two for one, two in zip(inputs, seen, strict=True)]
    first = [two.T @ y for two, y in zip(seen, wanted, strict=True)]
    fitted = (_total(second) + scalar(ridge)).inverse @ _total(first)
    return fitted if features is None else features @ fitted


def distil(weights: Matrix, rows: Matrix, ridge: Any = "ridge", features: Any = None) -> Matrix:
    """A ridge fit to what other weights say of the rows."""
    return ridge_fit(rows, rows @ weights, ridge, features)


def continue_from(weights: Matrix, rows: Matrix, targets: Matrix, ridge: Any = "ridge") -> Matrix:
    """A ridge fit that is drawn to earlier weights in place of 0: minimises |y - X w|^2 + ridge |w - weights|^2."""
    return weights + ridge_fit(rows, targets - rows @ weights, ridge)


def ensemble(members: Sequence[Matrix], shares: Sequence[Any] | None = None) -> Matrix:
    """The mean of weights, or their sum with `shares`."""
    parts = [1.0 / len(members)] * len(members) if shares is None else list(shares)
    if len(parts) != len(members):
        raise ExpressionError(f"ensemble takes one share a member, got {len(parts)} for {len(members)}")
    return _total([scalar(part) * own for part, own in zip(parts, members, strict=True)])


def sketch(rows: Matrix, m: str, name: str = "S") -> Matrix:
    """The weight S.T @ S of m random combinations of the samples, S Gaussian of variance 1/m."""
    drawn = Gaussian(_name("a sketch", name), space(m), rows.rows, None, None, 1.0 / scalar(m))
    return drawn.T @ drawn


def haar(rows: Matrix, m: str, name: str = "Z") -> Matrix:
    """The orthogonal projection of the samples on m uniformly random directions, m below their number."""
    drawn = Gaussian(_name("a sketch", name), rows.rows, space(m))
    return drawn @ (drawn.T @ drawn).inverse @ drawn.T


def view(rows: Matrix, noise: Any, name: str) -> Matrix:
    """Rows seen with additive isotropic noise of this variance, drawn under this name."""
    return rows + Gaussian(_name("a view", name), rows.rows, rows.columns, None, None, scalar(noise))


def _total(terms: list[Any]) -> Any:
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    return total


def _listed(given: Any) -> list[Any]:
    return [given] if isinstance(given, Matrix | Scalar) else list(given)


def _name(what: str, name: Any) -> str:
    if not isinstance(name, str) or not name or name[0].isdigit():
        raise ExpressionError(f"{what} needs a name that starts with a letter, got {name!r}")
    return name
