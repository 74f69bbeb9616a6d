"""`sensitivity`: how steep a fit by random features is, beside its target."""

__all__ = ["sensitivity"]

from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from rfgen._version import __version__
from rfgen.curves.arguments import Dataset, Numbers
from rfgen.curves.grid import Grid, blockwise
from rfgen.numerics.compilation.caller import warn_caller
from rfgen.numerics.compilation.precision import double_precision
from rfgen.numerics.compilation.program import program
from rfgen.problems import validation
from rfgen.systems.sensitivity.activation_energies import ActivationEnergies, activation_energies
from rfgen.systems.sensitivity.theory import Sensitivity
from rfgen.systems.sensitivity.theory import sensitivity as theory_sensitivity

# Beyond dim to this power the Gaussian law of the features is not verified: at dim = 30, n = dim^2 the squared gradient of
# simulations is 10 % above.
REACH = 1.5

LONG_NAMES = {
    "sensitivity": "sqrt(dim E|grad f|^2)",
    "target": "sensitivity of the target",
    "squared_gradient": "mean squared gradient",
    "linear": "squared linear part",
    "norm": "mean squared norm of the weights",
    "test": "test risk, label noise included",
    "residual": "relative residual of the equilibrium",
    "converged": "whether the equilibrium was solved",
    "n": "samples",
    "features": "random features",
    "ridge": "ridge (unnormalised)",
}


@program
def _points(activation: ActivationEnergies, dim: Any, signal: Any, noise: Any, n: Any, features: Any, ridge: Any) -> Any:
    def point(size: Any, count: Any, strength: Any) -> Sensitivity:
        return theory_sensitivity(activation, dim, size, count, strength, signal, noise)

    return jax.vmap(point)(n, features, ridge)


@double_precision
def sensitivity(
    dim: int, n: Numbers, features: Numbers | None = None, ridge: Numbers = 0.0, *,
    activation: str | Callable[[Any], Any] = "tanh", signal: float = 1.0, noise: float = 0.0,
) -> Dataset:
    """Sensitivity of random-feature regression to its inputs, sqrt(dim E|grad f(x)|^2), in units of the target.

    Parameters
    ----------
    dim
        Of the inputs x ~ N(0, I).
    n, features, ridge
        Samples > 0, random features > 0 (None: infinitely many), ridge >= 0 (0: minimum norm).
    activation
        "tanh", "relu", "cos" and other names, or any continuous function that JAX can differentiate, such as
        `jax.nn.softplus`: features are activation(w . x) / sqrt(features), w ~ N(0, I/dim).
    signal, noise
        Power of the target, which is linear, and variance of the label noise, >= 0.  signal = 0 shows what fitting noise
        alone costs.

    Returns
    -------
    xarray.Dataset
        Over n, features and ridge: `sensitivity`; `target` = sqrt(dim signal), that of the target, to be compared with;
        `squared_gradient` E|grad f|^2; `linear`, the squared length of the mean gradient; `norm` of the weights; `test`,
        `residual`, `converged`.  Infinite at ridge 0 and n = features; an unsolved point is NaN with a reason in
        `attrs["failures"]`.

    Raises
    ------
    ValueError
        That names the argument, also for activations that jump.

    Notes
    -----
    Exact as dim, n, features grow together; errors are of relative order 1/dim (`norm`: about 5/dim below simulations,
    whose inputs differ in length; gradients of z^2: 11/dim).  Quadratic and cubic modes are included, those of degree 4
    and more never learned: a UserWarning beyond min(n, features) = dim^1.5.  Some microseconds a point.  Monte-Carlo:
    `rfgen.systems.sensitivity.simulate_sensitivity`.

    References
    ----------
    Question of arXiv 2302.01629; derived.

    Examples
    --------
    >>> import rfgen as rg
    >>> at = rg.sensitivity(dim=100, n=300, features=[150, 300, 320, 900, 10_000], noise=0.25)
    >>> at.sensitivity.values.round(1), float(at.target)
    (array([13.6,  inf, 35.7, 12. , 10.3]), 10.0)
    """
    import xarray

    dim = validation.integer("dim", dim, 1)
    axes = {
        "n": validation.positive("n", n),
        "features": np.asarray(np.inf) if features is None else validation.positive("features", features),
        "ridge": validation.non_negative("ridge", ridge),
    }
    signal, noise = (float(validation.non_negative(*pair, 0)) for pair in (("signal", signal), ("noise", noise)))
    energies = activation_energies(activation)
    largest = float(min(axes["n"].max(), axes["features"].max()))
    if largest > dim**REACH and energies.rest + energies.cubic + energies.quadratic > 0.0:
        warn_caller(
            f"min(n, features) reaches {largest:g}, beyond dim^1.5 = {dim**REACH:.3g}: features are less and less as "
            "Gaussian there, and simulations are steeper (10 % in the squared gradient at dim = 30, n = 900)"
        )
    grid = Grid(axes)
    found = blockwise(lambda *at: _points(energies, float(dim), signal, noise, *at), list(grid.columns.values()))
    solved = found["converged"] & ~np.isnan(found["squared_gradient"])
    attributes = {
        "kind": "theory", "dtype": "float64", "rfgen_version": __version__, "source": "derived", "dim": dim,
        "activation": str(activation), "signal": signal, "noise": noise,
    }
    if not solved.all():
        attributes["failures"] = f"{int((~solved).sum())} equilibria not solved, residual {found['residual'].max():.2g}"
    variables = {
        name: (grid.dims, grid.pack(values if name == "residual" else np.where(solved, values, np.nan)))
        for name, values in found.items()
        if name not in ("converged", "target")
    }
    variables["converged"] = (grid.dims, grid.pack(solved))
    coords = {name: ((name,) if axis.ndim else (), axis) for name, axis in axes.items()}
    result = xarray.Dataset({"target": np.sqrt(dim * signal), **variables}, coords, attributes)
    for name, text in LONG_NAMES.items():
        result[name].attrs["long_name"] = text
    return result
