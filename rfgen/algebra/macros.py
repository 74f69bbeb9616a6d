"""Expressions that estimators are made of: data and labels, ridge fits, features, sketches, ensembles, views."""

__all__ = [
    "INPUTS", "centring", "continue_from", "covariance", "data", "direction", "distil", "ensemble", "haar", "intercept",
    "labels", "normal", "ones", "random_features", "ridge_fit", "signs", "sketch", "space", "subsample", "teacher", "view",
]

from collections.abc import Sequence
from typing import Any

import numpy as np

from rfgen.algebra.interned import ExpressionError
from rfgen.algebra.leaves import Centring, Diagonal, Gaussian, Subset, Vector
from rfgen.algebra.matrices import LINE, Matrix, Product, Space, Sum
from rfgen.algebra.predictor import Features, Predictor, total
from rfgen.algebra.scalars import Scalar, scalar
from rfgen.problems.kernels.hermite import hermite_split

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


def direction(name: str) -> Vector:
    """A single vector of inputs, as a class mean or a spike: the verbs take its entries, in the order of eigenvalues."""
    return Vector("direction", _name("a direction", name), INPUTS)


def ones(samples: str) -> Vector:
    """The vector of ones on samples: `data("X") + ones("n") @ direction("mean").T` are rows with a mean."""
    return Vector("ones", _name("samples", samples), space(samples))


def signs(name: str, samples: str = "n", share: Any = 0.5) -> Vector:
    """Classes of samples, +1 for a share of them and else -1: `data("X") + y @ direction("mean").T` are two classes.

    >>> y = signs("y")
    >>> data("X") + y @ direction("mean").T
    X + signs[y] direction[mean].T
    """
    return Vector("signs", _name("signs", name), space(samples), scalar(share))


def normal(name: str, where: str = "n") -> Vector:
    """Standard normal entries, one a sample (or feature): `data("X") + normal("g") @ direction("v").T` has a spike."""
    return Vector("normal", _name("a normal vector", name), space(where))


def centring(samples: str) -> Centring:
    """The weight of rows that makes a fit one with a free intercept: it takes from vectors on samples their mean."""
    return Centring(space(samples))


def intercept(rows: Matrix, targets: Matrix, weights: Matrix) -> Matrix:
    """The mean residual, which is the intercept of weights fitted with `weight=centring(...)`."""
    return (ones(rows.rows.name).T @ (targets - rows @ weights)) / scalar(rows.rows.name)


def labels(rows: Matrix, weights: Any = None) -> Matrix:
    """Labels of data: their task's target, or what other `weights` say, and noise of their own.

    Rows with single directions, `data("X") + u @ v.T`, have those of the data in them.

    >>> labels(data("X"))
    X teacher[n] + noise[X]
    """
    drawn, terms = [], [rows]
    while terms:
        own = terms.pop()
        if isinstance(own, Sum):
            terms += own.parts
        elif isinstance(own, Gaussian) and own.columns is INPUTS:
            drawn.append(own)
        elif not (isinstance(own, Product) and isinstance(own.left, Vector)):
            drawn += [None]
    if len(drawn) != 1 or drawn[0] is None:
        raise ExpressionError(f"labels are of rows made by data(...), got {rows!r}")
    target = teacher(rows.rows.name) if weights is None else weights
    return rows @ target + Vector("noise", drawn[0].name, rows.rows)


def random_features(k: str, name: str = "W", activation: Any = None, variance: float = 1.0) -> Any:
    """Random features of inputs, `features` of `ridge_fit`.

    A Gaussian matrix from `k` features to inputs, of variance 1/k: X @ W are linear features of X.  With an `activation`
    (a name, or a function of arrays, as of `rg.Learner`; its mean is taken off), nonlinear ones of pre-activations of
    `variance`, which is the sum of the task's eigenvalues: by their Gaussian equivalent, theory (14.10).
    """
    if activation is None:
        return Gaussian(_name("features", name), INPUTS, space(k), None, None, 1.0 / scalar(k))
    split = hermite_split(activation, float(variance))
    linear, rest = scalar(split.linear / float(variance) ** 0.5), scalar(split.rest)
    return Features(_name("features", name), INPUTS, space(k), linear, rest)


def ridge_fit(
    rows: Matrix | Sequence[Matrix], targets: Matrix | Sequence[Matrix], ridge: Any = "ridge", features: Any = None,
    weight: Matrix | Sequence[Matrix] | None = None, time: Any = None,
) -> Any:
    """Weights on inputs that minimise the sum of (y - X w)' weight (y - X w) over data sets, plus ridge |w|^2.

    Parameters
    ----------
    rows, targets
        Data and labels, or lists of them (domains that are stacked).
    ridge
        A name, a number, or a scalar.
    features
        The name of a number of random features, drawn for this data set, or a matrix W to inputs, as `random_features(...)`
        or a product of such: then w = W a, and |a|^2 is penalised.  Nonlinear ones make an `rg.algebra.Predictor`.
    weight
        A positive matrix on the samples, as `sketch`, `haar`, `subsample` and `centring` make.
    time
        A name, a number, or a scalar: gradient flow from 0 to this time, on half that sum over the number of rows, as
        `rg.GradientFlow`; None: its end.

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
    _check_features(features)
    nonlinear = isinstance(features, Features)
    inputs = designs if features is None else [features.seen(one) if nonlinear else one @ features for one in designs]
    seen = [one if own is None else own @ one for one, own in zip(inputs, weights, strict=True)]
    second = [one.T @ two for one, two in zip(inputs, seen, strict=True)]
    first = [two.T @ y for two, y in zip(seen, wanted, strict=True)]
    system = total(second) + scalar(ridge)
    size = total(scalar(name) for name in dict.fromkeys(one.rows.name for one in designs))
    fitted = (system.inverse if time is None else system.flow(scalar(time) / size)) @ total(first)
    if nonlinear:
        return Predictor(features.weights @ fitted, ((features, fitted),))
    return fitted if features is None else features @ fitted


def distil(weights: Any, rows: Matrix, ridge: Any = "ridge", features: Any = None) -> Any:
    """A ridge fit to what other weights say of the rows."""
    return ridge_fit(rows, rows @ weights, ridge, features)


def continue_from(weights: Any, rows: Matrix, targets: Matrix, ridge: Any = "ridge") -> Any:
    """A ridge fit that is drawn to earlier weights in place of 0: minimises |y - X w|^2 + ridge |w - weights|^2."""
    return weights + ridge_fit(rows, targets - rows @ weights, ridge)


def ensemble(members: Sequence[Any], shares: Sequence[Any] | None = None) -> Any:
    """The mean of weights, or their sum with `shares`."""
    parts = [1.0 / len(members)] * len(members) if shares is None else list(shares)
    if len(parts) != len(members):
        raise ExpressionError(f"ensemble takes one share a member, got {len(parts)} for {len(members)}")
    return total([scalar(part) * own for part, own in zip(parts, members, strict=True)])


def sketch(rows: Matrix, m: str, name: str = "S") -> Matrix:
    """The weight S.T @ S of m random combinations of the samples, S Gaussian of variance 1/m."""
    drawn = Gaussian(_name("a sketch", name), space(m), rows.rows, None, None, 1.0 / scalar(m))
    return drawn.T @ drawn


def subsample(rows: Matrix, m: str, name: str = "subset") -> Matrix:
    """The weight that leaves m of the samples, chosen at random; those of other names are chosen independently."""
    return Subset(_name("a subsample", name), rows.rows, _name("the size of a subsample", m))


def haar(rows: Matrix, m: str, name: str = "Z") -> Matrix:
    """The orthogonal projection of the samples on m uniformly random directions, m below their number."""
    drawn = Gaussian(_name("a sketch", name), rows.rows, space(m))
    return drawn @ (drawn.T @ drawn).inverse @ drawn.T


def view(rows: Matrix, noise: Any, name: str) -> Matrix:
    """Rows seen with additive isotropic noise of this variance, drawn under this name."""
    return rows + Gaussian(_name("a view", name), rows.rows, rows.columns, None, None, scalar(noise))


def _check_features(features: Any) -> None:
    if not isinstance(features, Matrix | Features | None):
        raise ExpressionError(
            f'features must be the name of their number, such as "k", which is given to the verb (k=100), or a matrix, got '
            f"{features!r}"
        )


def _listed(given: Any) -> list[Any]:
    listed = [given] if isinstance(given, Matrix | Scalar) or not np.iterable(given) else list(given)
    if other := [type(own).__name__ for own in listed if not isinstance(own, Matrix | Scalar | None)]:
        raise ExpressionError(
            f'rows, targets and weights are made by rg.algebra, as X = data("X") and labels(X), got {other[0]}: arrays '
            "stay outside, rows are those of the task"
        )
    return listed


def _name(what: str, name: Any) -> str:
    if not isinstance(name, str) or not name or name[0].isdigit():
        raise ExpressionError(f"{what} needs a name that starts with a letter, got {name!r}")
    return name
