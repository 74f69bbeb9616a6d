"""Dot-product kernels on the unit sphere of R^d: Gegenbauer polynomials, multiplicities, eigenvalues.

Inputs uniform on the sphere and K(x, z) = K(t), t = x.z: the eigenfunctions are the spherical harmonics, degree l has
N(d, l) of them and one eigenvalue lambda_l, and K(t) = sum_l N lambda_l P_l(t) with P_l(1) = 1 (Funk-Hecke). So
N lambda_l is the share of the trace K(1) that degree l carries, the number that matters and that is computed here.

Two routes, because each fails where the other works.

* Quadrature in the angle, where network kernels are smooth (in t they are singular at both ends). Its weakness is
  dimension: P_l is of size N^-1/2, so roundoff in N lambda_l is eps N^1/2 K(1), 1e-12 at d=8, l=40 but 1e-3 at d=50.
* A power series K = sum a_m t^m, for kernels that offer `power_series`. t^m spreads over the degrees like a walk of m
  steps, up with probability (l+d-2)/(2l+d-2), else down (that is the recursion of the P_l), and N lambda_l is the
  a_m-weighted chance to stand at l: only positive terms, so no digits are lost. Its weakness is low dimension, where
  the walk lingers and a series that decays slowly (ReLU) must be cut: the walk climbs stochastically, so the part cut
  is at most sum_{m>M} a_m times the chance to stand at or below l after M steps.

Each degree takes the route with the smaller bound. A degree that neither resolves has so many harmonics (N > 1e10)
that its eigenvalue is far below any ridge or tail: it gets eigenvalue 0 and stays in the tail trace, which a learner
feels as ridge either way.
"""

__all__ = ["gegenbauer", "sphere_eigenvalues", "sphere_multiplicity"]

import math
from collections.abc import Callable
from functools import lru_cache
from itertools import pairwise

import numpy as np

from rfgen.numerics.compilation.precision import double_precision
from rfgen.problems import validation
from rfgen.problems.kernels.network_layers import namespace
from rfgen.problems.own_functions import refusing

ROUNDOFF = 16 * np.finfo(np.float64).eps  # of a share computed by quadrature, per N^1/2 (worst seen: a third of it)
CONVERGED = 1e-12  # change of N lambda / K(1) between two quadratures
NEGATIVE = 1e-10  # share of the trace below minus this (and minus the roundoff) is no roundoff: not positive definite
CLIP = 1e-14  # share of the trace that quadrature cannot tell from zero at any degree
UNRESOLVED = 1e-9  # with more roundoff than this in its share a degree must show two digits, or is left to the tail
COMPLETE = 1e-13  # a series whose coefficients reach K(1) to this is taken as summed to the end
ORDER = 4096  # terms of a power series: the walk takes 50 ms
COSINE_ROUNDING = 1e-12
PANEL_NODES = 32
DYADIC_LEVELS = 24  # panels halve towards the poles down to an angle of 1e-7: kernels like |x - z|^a converge too
MAX_SPLITS = 32  # 51,200 nodes: resolves the equator up to dimension 1e5


def sphere_multiplicity(dim: int, degree: int) -> float:
    """N(d, l), the number of spherical harmonics of degree l on the unit sphere of R^d (1, d, ... for l = 0, 1, ...).

    C(l+d-1, d-1) - C(l+d-3, d-1), exact in integers, then rounded once. Errors: ValueError naming dim (at least 2),
    degree (at least 0), or both when N exceeds the float64 range.

    >>> [sphere_multiplicity(3, degree) for degree in range(4)]
    [1.0, 3.0, 5.0, 7.0]
    """
    dim, degree = validation.integer("dim", dim, 2), validation.integer("degree", degree, 0)
    count = math.comb(degree + dim - 1, dim - 1) - (math.comb(degree + dim - 3, dim - 1) if degree >= 2 else 0)
    try:
        return float(count)
    except OverflowError:
        raise ValueError(f"dim and degree must give a multiplicity below 1e308, got dim={dim}, degree={degree}") from None


def gegenbauer(dim: int, degrees: int, t):
    """P_0 ... P_degrees at the cosines t, normalised to P_l(1) = 1: Chebyshev at dim 2, Legendre at dim 3.

    (l+d-2) P_{l+1} = (2l+d-2) t P_l - l P_{l-1}, stable upwards for |t| <= 1. t: shape (points,) or a scalar, within
    [-1, 1] but for rounding; returns shape (degrees + 1, points), in numpy, or in jax (traceable) for a jax t.
    Errors: ValueError naming dim, degrees or t (its values only in numpy: a traced t has none).

    >>> gegenbauer(3, 2, np.array([0.0, 1.0])).tolist()
    [[1.0, 1.0], [0.0, 1.0], [-0.5, 1.0]]
    """
    dim, degrees = validation.integer("dim", dim, 2), validation.integer("degrees", degrees, 0)
    xp = namespace(t)
    if xp is np:
        t = validation.array("t", t, (0, 1))
        if np.abs(t).max(initial=0.0) > 1 + COSINE_ROUNDING:
            raise ValueError(f"t must hold cosines within [-1, 1], got {t.flat[np.argmax(np.abs(t))]}")
    elif t.ndim > 1:
        raise ValueError(f"t must have 0 or 1 dimension(s), got shape {t.shape}")
    t = xp.atleast_1d(t)
    values = [xp.ones_like(t), t]
    for degree in range(1, degrees):
        step = (2 * degree + dim - 2) * t * values[degree] - degree * values[degree - 1]
        values.append(step / (degree + dim - 2))
    return xp.stack(values[: degrees + 1])


def sphere_eigenvalues(
    kernel: Callable, dim: int, degrees: int = 40, quadrature: int | None = None
) -> tuple[np.ndarray, np.ndarray, float]:
    """Eigenvalues of a dot-product kernel for inputs uniform on the unit sphere of R^dim.

    lambda_l = E[K(t) P_l(t)], t the cosine of two uniform points (Funk-Hecke).

    kernel: callable, float64 cosines (points,) -> float64 values (points,); any `power_series(order)` it offers is used
    where it is the more exact route. quadrature: None chooses the route and refines until N lambda moves by less than
    1e-12 K(1); an integer is that many Gauss-Legendre nodes in the angle and nothing else (expert use, a second route).

    Returns (eigenvalues, multiplicity, tail_trace): lambda_l and N(d, l) for l = 0 ... degrees, shapes (degrees + 1,),
    and K(1) - sum N lambda, the trace of all that is not resolved (it acts as ridge; never drop it). Roundoff becomes
    0 in both; a degree beyond float64 (more than 1e10 harmonics, kernel without power series) is 0 and in the tail.
    float64 throughout, not traceable. Errors: ValueError for bad arguments, a kernel that is not finite, not float64,
    of another shape, not positive definite on this sphere, or that the quadrature does not resolve.

    >>> eigenvalues, multiplicity, tail = sphere_eigenvalues(lambda t: (1 + t) ** 2, dim=3, degrees=4)
    >>> (multiplicity * eigenvalues).round(12).tolist(), tail  # (1 + t)^2 = 4/3 + 2 P_1 + 2/3 P_2
    ([1.333333333333, 2.0, 0.666666666667, 0.0, 0.0], 0.0)
    """
    if not callable(kernel):
        raise ValueError(f"kernel must be a callable K(t) of the cosine t, got {kernel!r}")
    dim, degrees = validation.integer("dim", dim, 2), validation.integer("degrees", degrees, 0)
    if quadrature is not None:
        quadrature = validation.integer("quadrature", quadrature, 2)
    multiplicity = np.array([sphere_multiplicity(dim, degree) for degree in range(degrees + 1)])
    trace = float(_evaluate(kernel, np.ones(1))[0])
    if trace <= 0:
        raise ValueError(f"kernel must have K(1) > 0, got {trace}")

    roundoff = ROUNDOFF * np.sqrt(multiplicity)
    if quadrature is not None:
        share = _shares(kernel, dim, multiplicity, _legendre(quadrature))[0] / trace
        exact = np.zeros(degrees + 1, bool)
    else:
        share, exact = np.zeros(degrees + 1), np.zeros(degrees + 1, bool)
        if hasattr(kernel, "power_series"):
            share, cut = _series_shares(kernel, dim, degrees, trace)
            exact = cut <= roundoff
        if not exact.all():
            share = np.where(exact, share, _refined_shares(kernel, dim, multiplicity, roundoff, trace))

    share = np.where(exact | _resolved(share, roundoff), share, 0.0)
    worst = np.argmin(share + roundoff)
    if share[worst] < -(NEGATIVE + roundoff[worst]):
        raise ValueError(
            f"kernel must be positive definite in dim={dim}, got the share {share[worst]:.3g} of K(1) in degree {worst}"
            + _hint(quadrature)
        )
    share = np.where(~exact & (share < np.maximum(roundoff, CLIP)), 0.0, share)
    tail, uncertain = 1.0 - float(share.sum()), COMPLETE + roundoff[~exact & (share > 0)].sum()
    if tail < -(NEGATIVE + uncertain):
        raise ValueError(
            f"kernel must be continuous at t=1 and positive definite, got degrees that sum to {1 - tail:.15g} of K(1)"
            + _hint(quadrature)
        )
    return trace * share / multiplicity, multiplicity, trace * tail if tail > uncertain else 0.0


def _resolved(share: np.ndarray, roundoff: np.ndarray) -> np.ndarray:
    return (roundoff <= UNRESOLVED) | (share >= 100 * roundoff)


def _hint(quadrature: int | None) -> str:
    return "" if quadrature is None else f"; or quadrature={quadrature} is too few nodes (None chooses)"


@double_precision
def _evaluate(kernel: Callable, t: np.ndarray) -> np.ndarray:
    with refusing("kernel must map arrays of cosines to arrays (jnp.where for if)"):
        values = np.asarray(kernel(t))
    if values.shape != t.shape:
        raise ValueError(f"kernel must return the shape of its cosines, {t.shape}, got {values.shape}")
    if values.dtype != np.float64:
        raise ValueError(f"kernel must return float64, got {values.dtype}")
    if not np.isfinite(values).all():
        bad = np.flatnonzero(~np.isfinite(values))[0]
        raise ValueError(f"kernel must be finite on [-1, 1], got K({t[bad]})={values[bad]}")
    return values


@lru_cache(maxsize=8)
def _legendre(nodes: int) -> tuple[np.ndarray, np.ndarray]:
    """The nodes in [0, pi/2] of the Gauss-Legendre rule of [0, pi]; their mirror images are the others."""
    x, w = np.polynomial.legendre.leggauss(nodes)
    w = np.where(x == 0, w / 2, w)[x <= 0]  # an odd rule has a node on the equator: its two images share the weight
    return np.pi / 2 * (1 + x[x <= 0]), np.pi / 2 * w


@lru_cache(maxsize=8)
def _panels(splits: int) -> tuple[np.ndarray, np.ndarray]:
    """Gauss-Legendre on panels of [0, pi/2] that halve towards the pole, each cut into `splits` equal parts."""
    x, w = np.polynomial.legendre.leggauss(PANEL_NODES)
    edges = np.pi / 2 * np.concatenate([[0.0], 0.5 ** np.arange(DYADIC_LEVELS, -1, -1.0)])
    cuts = np.concatenate([np.linspace(a, b, splits, endpoint=False) for a, b in pairwise(edges)])
    left, right = cuts[:, None], np.append(cuts[1:], np.pi / 2)[:, None]
    return ((left + right) / 2 + (right - left) / 2 * x).ravel(), ((right - left) / 2 * w).ravel()


def _shares(kernel: Callable, dim: int, multiplicity: np.ndarray, rule) -> tuple[np.ndarray, float]:
    """N lambda by a rule on the half circle of angles, mirrored, and the integral of sin^(d-2) it is divided by."""
    angle, weight = rule
    t = np.cos(angle)
    # log sin from the smaller of the two: sin rounds near the equator, where a power d-2 of it sits in high dimension
    log_sin = np.where(t * t < 0.5, 0.5 * np.log1p(-np.minimum(t * t, 0.5)), np.log(np.sin(angle)))
    weight = weight * np.exp((dim - 2) * log_sin)
    total = 2 * weight.sum()
    if total == 0:
        raise ValueError(f"dim must be low enough for the quadrature to have a node near the equator, got {dim}")
    near, far = _evaluate(kernel, t), _evaluate(kernel, -t)
    # P_l(-t) = (-1)^l P_l(t): the two halves cancel before the sum, so an absent parity is an exact zero
    even = np.arange(multiplicity.size) % 2 == 0
    polynomials = gegenbauer(dim, multiplicity.size - 1, t)
    sums = np.where(even, polynomials @ (weight * (near + far)), polynomials @ (weight * (near - far)))
    return multiplicity * (sums / total), total


def _refined_shares(kernel, dim, multiplicity, roundoff, trace) -> np.ndarray:
    """Shares of the trace by panels, split until two of them agree."""
    allowed = np.maximum(CONVERGED, roundoff)
    splits, (coarse, coarse_total) = 1, _shares(kernel, dim, multiplicity, _panels(1))
    while splits < MAX_SPLITS:
        splits *= 2
        fine, total = _shares(kernel, dim, multiplicity, _panels(splits))
        change = np.where(_resolved(fine / trace, roundoff), np.abs(fine - coarse) / trace, 0.0)
        if np.all(change <= allowed) and abs(total / coarse_total - 1) < CONVERGED:
            return fine / trace
        coarse, coarse_total = fine, total
    worst = int(np.argmax(change / allowed))
    raise ValueError(
        f"kernel must be smooth in the angle and dim below 1e5, got a share of degree {worst} in dim={dim} that still "
        f"moves by {change[worst]:.2g} of K(1) at {2 * _panels(splits)[0].size} nodes (quadrature=<nodes> skips this)"
    )


def _series_shares(kernel, dim: int, degrees: int, trace: float) -> tuple[np.ndarray, np.ndarray]:
    """Shares of the trace by the walk of powers, and a bound on what the cut of the series leaves out of each."""
    coefficients = np.asarray(kernel.power_series(ORDER), np.float64) / trace
    last = int(np.flatnonzero(coefficients)[-1]) if coefficients.any() else 0
    size = max(last, degrees) + 2
    level = np.arange(size)
    up, down = np.ones(size), np.zeros(size)  # at l = 0 always up (0/0 in dim 2)
    up[1:] = (level[1:] + dim - 2) / (2 * level[1:] + dim - 2)
    down[1:] = level[1:] / (2 * level[1:] + dim - 2)  # not 1 - up, which rounds in high dimension
    chance, at = np.zeros(size), np.zeros((last + 1, degrees + 1))
    chance[0] = 1.0
    for m in range(last + 1):
        at[m] = chance[: degrees + 1]
        stepped = np.zeros(size)
        stepped[1:] = chance[:-1] * up[:-1]
        stepped[:-1] += chance[1:] * down[1:]
        chance = stepped
    rest = 1.0 - coefficients.sum()
    # the last two steps: a walk alternates between even and odd degrees
    at_or_below = np.cumsum(at[-2:], axis=1).max(axis=0)
    # from the small end: the other way thousands of terms round off one by one, 4e-15 of the sum
    return coefficients[last::-1] @ at[::-1], at_or_below * (rest if abs(rest) > COMPLETE else 0.0)
