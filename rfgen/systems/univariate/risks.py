"""The risk of connecting noisy dots, and interpolation of pure noise, simulated.  Equations: theory (12.8)."""

__all__ = ["noise_risks", "spline_risk"]

import math
from typing import Any

import jax
import numpy as np

from rfgen._version import __version__
from rfgen.numerics.compilation.precision import double_precision
from rfgen.numerics.compilation.program_maps import spare_maps
from rfgen.problems import validation
from rfgen.systems.univariate.min_norm_interpolant import min_norm_interpolant
from rfgen.systems.univariate.piecewise_linear import distance, linear_spline

# On each half of [0, 1] the integrands are smooth; 32 nodes are exact to rounding for p up to 100.
MOST_POWER = 100
NODES, WEIGHTS = np.polynomial.legendre.leggauss(32)


def spline_risk(p: Any = 1.0, noise: Any = 1.0, fresh: bool = False) -> Any:
    """Mean of |spline - f*|^p at a random place, for many samples of a smooth f* with Gaussian noise of variance `noise`.

    E|N|^p noise^(p/2) int_0^1 (u^2 + (1 - u)^2)^(p/2) du: between neighbours the error is (1 - u) e_i + u e_{i+1}.
    `fresh`: against a new noisy label there instead of f*, with 1 + u^2 + (1 - u)^2.  `p` > 0, a number or (powers,); an
    array or float.  Independent of the law of the inputs, as long as gaps and noise are independent (derived).

    >>> spline_risk([1.0, 2.0]).round(4), round(spline_risk(1.0, fresh=True), 4)
    (array([0.6476, 0.6667]), 1.0291)
    """
    powers, noise = validation.positive("p", p), float(validation.non_negative("noise", noise, 0))
    if (powers > MOST_POWER).any():
        raise ValueError(f"p must be at most {MOST_POWER}, got {powers.max():g}")
    u = (NODES + 1.0) / 4.0  # both halves are equal
    square = float(fresh) + u * u + (1.0 - u) ** 2
    found = []
    for power in np.atleast_1d(powers):
        moment = 2.0 ** (power / 2.0) * math.gamma((power + 1.0) / 2.0) / math.sqrt(math.pi)
        found.append(moment * noise ** (power / 2.0) * float(WEIGHTS @ square ** (power / 2.0)) / 2.0)
    return np.array(found) if powers.ndim else float(found[0])


INTERPOLANTS = {"spline": linear_spline, "min_norm": min_norm_interpolant}


@double_precision
def noise_risks(
    n: Any, p: Any = 1.0, noise: Any = 1.0, trials: Any = 100, seed: Any = 0, quantiles: Any = (0.25, 0.5, 0.75)
) -> Any:
    """Quantiles over draws of int |f|^p over [x_1, x_n] for both interpolants f of pure Gaussian noise at uniform x.

    `n` >= 2: samples, `p` > 0: powers, each a number or an array; `noise`: a variance; x on [0, 1].  Returns a Dataset with
    `spline` and `min_norm` over n, p (where arrays) and `quantile`, and `largest_gap`, the largest certificate gap of the
    minimum.  A smooth target adds O(n^-2) and changes nothing as n grows.  A trial depends on `seed`, n and its number.

    Quantiles and not means: for p = 2 the mean of the min-norm risk is infinite, for p near 2 that of few draws is far off.
    As n grows the min-norm risk tends to 1.035(4) for p = 1 and unit noise (mean and median; measured); for p = 2 its
    median grows as (2/pi) log n - 0.95 (slope derived, constant measured).  That of the spline tends to `spline_risk`.

    >>> risks = noise_risks(n=[20, 200], p=[1.0, 2.0], trials=20)
    >>> risks.min_norm.dims, bool(risks.largest_gap < 1e-10)
    (('n', 'p', 'quantile'), True)
    """
    import xarray

    sizes, powers = validation.array("n", n, (0, 1)), validation.positive("p", p)
    if (sizes < 2).any() or (sizes % 1.0 != 0.0).any():
        raise ValueError(f"n must be whole numbers >= 2, got {n!r}")
    noise = float(validation.non_negative("noise", noise, 0))
    trials, seed = validation.integer("trials", trials, 1), validation.integer("seed", seed, 0)
    levels = validation.non_negative("quantiles", quantiles, 1)
    if (levels > 1.0).any():
        raise ValueError(f"quantiles must lie in [0, 1], got {levels.max()}")
    root = jax.random.key(seed, impl="threefry2x32")
    found: dict[str, list[Any]] = {name: [] for name in INTERPOLANTS}
    largest = 0.0
    for size in np.atleast_1d(sizes).astype(int):
        spare_maps()
        risks: dict[str, list[Any]] = {name: [] for name in INTERPOLANTS}
        for trial in range(trials):
            key = jax.random.fold_in(jax.random.fold_in(root, int(size)), trial)
            of_x, of_y = jax.random.split(key)
            x = np.asarray(jax.random.uniform(of_x, (int(size),), np.float64))
            y = noise**0.5 * np.asarray(jax.random.normal(of_y, (int(size),), np.float64))
            for name, interpolant in INTERPOLANTS.items():
                f = interpolant(x, y)
                risks[name].append(distance(f, None, np.atleast_1d(powers)))
                largest = max(largest, f.certificate_gap if name == "min_norm" else 0.0)
        for name, values in risks.items():
            found[name].append(np.quantile(values, levels, axis=0).T)
    axes = {"n": sizes, "p": powers}
    shape = (*(axis.size for axis in axes.values() if axis.ndim), levels.size)
    dims = [*(name for name, axis in axes.items() if axis.ndim), "quantile"]
    coords = {name: ((name,) if axis.ndim else (), axis) for name, axis in {**axes, "quantile": levels}.items()}
    variables = {name: (dims, np.reshape(values, shape)) for name, values in found.items()}
    attributes = {"rfgen_version": __version__, "kind": "simulation", "noise": noise, "trials": trials, "seed": seed}
    return xarray.Dataset({**variables, "largest_gap": largest}, coords, attributes)
