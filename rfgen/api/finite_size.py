"""The finite-size figure: by what share the theory of a curve is expected to be off at its n and features.

The theory is the limit of many samples, features and modes.  What was measured of its error (A the amplification of the
curve, s = 1 - 1/A the degrees of freedom df2 per sample; `python tests/benchmarks/finite_size.py`):

samples and features
    max(A/2, A - 1) i/(1 - A i), i = 1/n + 1/features.  Least squares on p Gaussian inputs is off by p/(n (n - p - 1)),
    which is (A - 1)/(n - A); ridgeless regression on eigenvalues 1/i by .41(9), .48(12), .51(16) of A/n at n = 45, 90, 180.
    Power laws .6(2)/n, Lasso 1.5(8)/n, logistic regression -.9(3)/n, SGD 1.2(4)/n; other variables than the risk twice
    that: A i/(1 - A i), and i for curves without an amplification.
inputs on the sphere of R^d, whose modes are not independent
    What fitted noise adds: min(1.5, 25/d^2) s^2, theory too high where the kernel is rough (Laplace 1.3 to 1.7 s^2 for
    d = 2 to 6), too low at the multiple-descent peaks of a smooth one (t + t^2, ridge .001: s^2, .33 s^2, .08 s^2 at d = 6,
    10, 20).  The risk without noise: theory too low, by min(3/d, 18/d^2) s^2 for targets of which what is left lies in
    modes not learned (sign: 1.5, 1 and .5 s^2 at d = 2, 3, 4), times 3 log10(target power / that risk) where it lies in
    learned ones (one degree: 16 and 29 s^2 at d = 2 with shares 4e-4 and 1e-6 left, 5 and 8 s^2 at d = 3 with 1e-2, 2e-4).
the sign of a fit on the sphere of R^d
    The kernel's fit at a point leans on the few rows near it, whose labels are +1 or -1: it is skewed, and the theory takes
    it for Gaussian.  Simulations miss more often by .1 to .7 s/d of the error (this: .7), whatever n is: d = 3 to 16,
    n = 100 to 1600, tangent, Laplace and Gaussian kernels, ridge and time, s = .04 to .55; its mean and variance are right.
features activation(w.x) of Gaussian inputs
    |x|^2/d scatters by 2/d (2 sum v^2 / (sum v)^2 for variances v), and with it all features of a row.  The nonlinear part
    nu(q) of the kernel, which acts as a ridge, then differs by row: theory too low by (A - 1)(dlog nu/dlog q)^2 / d.  At
    A = 3, times d: exp 19 (this: 25), t^2 7 to 10 (7), t^3 31 (20), cosh 25 (18), t + t^3/3 17 (21), tanh and ReLU below 4
    (2).  The training error is off by 5 to 9 times as much.
classifiers along a stream
    1/dim: one pass .1(1)/dim at dim = 12, momentum adapted to the dimension 3.1(9)/dim at 200, -3(3)/dim at 800.
training errors of classifiers, where they are rare
    A share P = Phi(-t) of rows beyond a threshold: threshold and scatter of margins differ by draw and by row by a relative
    s, s^2 about 2 i, and the mean of Phi(-t (1 + s)) is above by s^2 t^4/2: theory too low by i t^4.  Logistic regression,
    P = .0032 (t^4 = 55): 110(18), 80(15), 37(16), 26(9) % at n = 200, 400, 800, 1600 (this: 126, 63, 31, 16).
"""

__all__ = ["WARNED", "expected_error", "relative_errors", "warn_low_dimension", "with_finite_size"]

from typing import Any

import numpy as np

from rfgen.curves.dataset import DESCRIPTIONS
from rfgen.numerics.compilation.caller import warn_caller
from rfgen.problems.classes.class_groups import ClassGroups
from rfgen.problems.classes.mixture import Mixture
from rfgen.problems.data_task import DataTask
from rfgen.problems.populations.gaussian_inputs import GaussianInputs
from rfgen.problems.populations.population import SpherePopulation
from rfgen.problems.task import Task

# Expected relative errors beyond this are said by `predict`.
WARNED = 0.05
# Spheres up to this dimension, and df2/n beyond which it shows there, whatever is asked: see `warn_low_dimension`.
LOW_DIMENSION, MOST_DF2_PER_SAMPLE = 3, 0.1
# Of the training error of steep activations, in units of the test risk's.
TRAIN_FACTOR = 6.0
# Of the error of a sign on the sphere of R^d, in units of (1 - 1/A)/d.
SKEWED = 0.7
# Beyond so many times that of a rough target, the error of a noise-free risk is only called large.
MOST_SMOOTH = 30.0


def _on_sphere(dim: int, share: Any) -> tuple[Any, Any]:
    """Relative error at df2/n = `share` of what fitted noise adds, and of the risk without noise of a rough target."""
    return min(1.5, 25.0 / dim**2) * share**2, min(3.0 / dim, 18.0 / dim**2) * share**2


def _rarity(share: Any) -> Any:
    """t^4 of a share Phi(-t) of rows below a half."""
    from scipy.special import ndtri

    return share.copy(data=ndtri(np.clip(share.values, 1e-300, 0.5)) ** 4)


def _population(task: Any) -> Any:
    return getattr(task.eigen if isinstance(task, DataTask) else task, "population", None)


def relative_errors(task: Any, curve: Any) -> dict[str, Any]:
    """Expected relative errors of the variables of a curve, with dimensions; "other" is that of those not named."""
    # xarray.Variable: coordinates, the same for all, are not aligned at each operation (10 of 13 milliseconds)
    at = {name: curve[name].variable for name in curve.variables}
    amplification, population = at.get("amplification"), _population(task)
    sizes = curve.attrs.get("sizes", ("n", "rows", "features"))
    inverse = sum(1.0 / at[size].astype(float) for size in sizes if size in curve.coords)
    if type(task) in (Mixture, ClassGroups) and "n" not in curve.coords:
        inverse = inverse + 1.0 / task.dim  # of a stream
    if amplification is None:
        rare = {"train_error": inverse * (1.0 + _rarity(at["train_error"]))} if "train_error" in at else {}
        return {"test": inverse, "other": inverse, **rare}
    room = 1.0 - amplification * inverse  # (n - p - 1)/(n - p) of least squares; without any the moments are infinite
    room = room.where(room > 0.0, 0.0) if hasattr(room, "dims") else room
    with np.errstate(divide="ignore", invalid="ignore"):
        growth = np.maximum(0.5 * amplification, amplification - 1.0)
        base, other = growth * inverse / room, amplification * inverse / room
    if isinstance(population, GaussianInputs):
        scatter = population.norm_scatter * (amplification - 1.0)
        return {"test": base + scatter, "train": other + TRAIN_FACTOR * scatter, "other": other + scatter}
    if not isinstance(population, SpherePopulation):
        return {"test": base, "other": other}
    share = 1.0 - 1.0 / amplification
    of_noise, of_rough = _on_sphere(population.dim, share)
    signs = "error" in at  # of labels of two classes
    noise = task.noise * amplification if signs else at["noise"]
    clean = np.maximum(at["test"] - noise if signs else at["bias"] + at["variance"], 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        decades = (3.0 * np.log10((task.power.sum() / clean).where(clean > 0.0, 1.0))).clip(1.0, MOST_SMOOTH)
        of_bias = of_rough * (1.0 + (decades - 1.0) * (0.0 if signs else _smoothness(task, curve)))
        off = ((of_bias * clean + of_noise * share * noise) / at["test"]).where(at["test"] != 0.0, 0.0)
    if signs:
        skewed = inverse + SKEWED * share / population.dim
        return {"test": base + off, "error": skewed, "other": skewed}
    return {
        "test": base + off, "bias": other + of_bias, "variance": other + of_bias, "noise": other + of_noise * share,
        "other": other + of_noise + of_rough,
    }


def expected_error(task: Any, curve: Any, name: str) -> np.ndarray:
    """The expected relative error of one variable, of its shape."""
    relative = relative_errors(task, curve)
    expected = relative.get(name, relative["other"])
    like = curve[name]
    if hasattr(expected, "dims"):
        # what is not of a test population is off as the worst of these
        expected = expected.max([dim for dim in expected.dims if dim not in like.dims])
        expected = expected.set_dims(like.sizes).values
    return np.broadcast_to(expected, like.shape)


def _smoothness(task: Task, curve: Any) -> Any:
    """Whether what is left of the target lies in modes that are nearly learned, 1, or in the others, 0."""
    if "gamma" not in curve:
        return 1.0
    modes = task.modes
    missed = curve.gamma.values[..., None] / (modes.eigenvalues + curve.gamma.values[..., None])
    left = missed**2 * modes.power
    total = left.sum(axis=-1)
    with np.errstate(invalid="ignore"):
        learned = np.where(total > 0.0, (left * (1.0 - missed)).sum(axis=-1) / total, 1.0)
    return curve.gamma.variable.copy(data=np.clip(2.0 * learned - 1.0, 0.0, 1.0))


def with_finite_size(task: Any, curve: Any, decided: str) -> Any:
    """The curve with `finite_size`, on spheres also of its two parts; a warning where it is beyond 5 % of `decided`."""
    errors = relative_errors(task, curve)
    of_all = decided if decided in errors else "test"
    names = {"finite_size": of_all, "finite_size_bias": "bias", "finite_size_noise": "noise"}
    found = {name: errors[part] for name, part in names.items() if part in errors}
    curve = curve.assign({name: value if hasattr(value, "dims") else ((), value) for name, value in found.items()})
    for name in found:
        curve[name].attrs = {"long_name": DESCRIPTIONS[name]}
    expected = curve.finite_size.variable.where(np.isfinite(curve[decided].variable))
    beyond = int((expected > WARNED).sum())
    population = _population(task)
    low = isinstance(task, Task) and isinstance(population, SpherePopulation) and population.dim <= LOW_DIMENSION
    if beyond and not low:  # what is low is told with both sides
        place = np.unravel_index(int(np.nanargmax(expected.values)), expected.shape)
        worst, there = float(expected.values[place]), dict(zip(expected.dims, place, strict=True))
        sizes = {name: curve[name].variable for name in ("n", "rows", "features") if name in curve.coords}
        asked = {name: float(size[tuple(there[dim] for dim in size.dims)]) for name, size in sizes.items()}
        at = ", ".join(f"{name}={size:g}" for name, size in asked.items() if np.isfinite(size))
        size = "without bound" if np.isinf(worst) else f"by {100.0 * worst:.2g} %"
        warn_caller(
            f"theory is expected to be off {size}{f' at {at}' if at else ''}, and by more than {100.0 * WARNED:g} % at "
            f"{beyond} of {expected.size} point(s): {_reason(task)}; see `finite_size` of the curve, and compare with "
            "rg.simulate"
        )
    return curve


def _reason(task: Any) -> str:
    population = _population(task)
    few = "few samples or features for what is fitted"
    if isinstance(population, SpherePopulation):
        return f"{few}, or modes of inputs in {population.dim} dimensions, which are not independent"
    if isinstance(population, GaussianInputs):
        return f"{few}, or an activation too steep for {population.variances.size} inputs, whose norm scatters"
    return few


def warn_low_dimension(task: Task, amplification: np.ndarray) -> None:
    """Say so where the modes of low-dimensional inputs are far from independent: on the circle and the sphere of R^3.

    With little ridge the fit to noise is local there, and smoother than that of independent modes.  On the circle with
    eigenvalues k^-2 the interpolant is a piecewise linear spline, which adds 2/3 of the noise variance; the theory, all of
    it.  What is not noise is missed in the largest gaps between samples: the other way round.  `amplification` is
    1 / (1 - df2/n) for the full kernel.
    """
    population = _population(task)
    if not isinstance(population, SpherePopulation) or population.dim > LOW_DIMENSION:
        return
    share = float(np.max(1.0 - 1.0 / amplification, where=~np.isnan(amplification), initial=0.0))
    if share > MOST_DF2_PER_SAMPLE:
        of_noise, of_rough = _on_sphere(population.dim, share)
        warn_caller(
            f"inputs on the sphere of dim={population.dim} are too low-dimensional for independent modes, and df2/n "
            f"reaches {share:.2g}: of what fitted noise adds to the risk theory is too high, by about {of_noise:.2g} of it "
            "(too low at a multiple-descent peak), and the risk without noise is too low, by about "
            f"{of_rough:.2g} of it for a rough target and several times that for a smooth one; see `finite_size` of "
            "`predict`, use a larger ridge, more samples at that ridge, or simulate"
        )
