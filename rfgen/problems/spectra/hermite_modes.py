"""Modes of kernels on Gaussian inputs x ~ N(0, diag(variances)): products over the axes, numbered by multi-indices alpha.

* Gaussian kernel exp(-|x - x'|^2 / 2s), exactly (Mehler; Rasmussen and Williams 2006, section 4.3): an axis of
  xi = 2 variance / s, D = 1 + xi + sqrt(1 + 2 xi) gives the factor sqrt(2 / D) (xi / D)^degree, and its functions of
  z = x / sqrt(variance) are w^(1/4) exp(-(w - 1) z^2 / 4) he_degree(sqrt(w) z), w = sqrt(1 + 2 xi), he
  normalised Hermite polynomials.
* Other kernels of x.x' at |x|^2 = trace, to leading order in the share of one axis: eigenvalue
  l! b_l prod (variance_i / trace)^alpha_i of level l = |alpha|, b_l the coefficients of the kernel's power series in the
  cosine, functions he_alpha.  A level then holds l! h_l(shares) times its trace b_l, h_l the complete symmetric polynomial:
  `trace_defect` is what that is too much, of the whole trace; high levels that would hold a tenth more are left to the
  tail, which a learner feels as ridge.
"""

__all__ = ["LEVELS", "MOST_MODES", "KernelModes", "hermite_modes", "mehler_modes", "trace_defect"]

import heapq
import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

# Modes held one by one; what is left of the trace is one flat level.
MOST_MODES = 1 << 14
# Levels of a power series one by one, and of the products of factors.
LEVELS, FACTORS = 32, 100
# A level above the third that would hold more than its trace, and this times it, is left to the tail.
MOST_EXCESS = 0.1
# Levels that learning may reach: of those beyond, the trace counts.
LEARNED = 4


@dataclass(frozen=True)
class KernelModes:
    """`eigenvalues` (modes,), descending, `power` (modes,) of the target, `tail` and `null`: trace and power beyond."""

    eigenvalues: np.ndarray
    power: np.ndarray
    tail: float
    null: float


Target = Mapping[tuple[int, ...], float]


def mehler_modes(variances: np.ndarray, squared_bandwidth: float, target: Target) -> KernelModes:
    """Modes of the Gaussian kernel; the target is projected axis by axis.

    >>> modes = mehler_modes(np.array([1.0]), 1.0, {(1,): 1.0})
    >>> modes.eigenvalues[:3].round(6).tolist(), modes.power[:3].round(6).tolist(), round(modes.null, 12)
    ([0.618034, 0.236068, 0.09017], [0.0, 0.789341, 0.0], 0.0)
    """
    xi = 2.0 * variances / squared_bandwidth
    weight = np.sqrt(1.0 + 2.0 * xi)
    denominator = 1.0 + xi + weight
    first = float(np.sum(np.log(2.0 / denominator)) / 2.0)
    degrees, values = _leading(np.log(xi / denominator), np.zeros(FACTORS + 1))
    eigenvalues = np.exp(first + values)
    most = 1 + max((max(alpha, default=0) for alpha in target), default=0)
    tables = [_overlaps(float(w), most, int(degrees.max(initial=0)) + 1) for w in weight]
    power = _projected(degrees, tables, target) ** 2
    return _kept(eigenvalues, power, 1.0, target)


def hermite_modes(variances: np.ndarray, series: np.ndarray, diagonal: float, target: Target) -> KernelModes:
    """Modes to leading order, from the kernel's `series` at |x|^2 = sum of variances and its value at equal inputs."""
    shares = variances / variances.sum()
    held = _held(shares, series.size - 1)
    kept = (held - 1.0 <= MOST_EXCESS) | (np.arange(series.size) <= 3)
    resolved = np.where(kept, series, 0.0)
    with np.errstate(divide="ignore"):
        levels = np.log(resolved) + np.array([math.lgamma(level + 1.0) for level in range(series.size)])
    degrees, values = _leading(np.log(shares), levels)
    identity = np.eye(int(degrees.max(initial=0)) + 1 + max((max(alpha, default=0) for alpha in target), default=0))
    power = _projected(degrees, [identity] * variances.size, target) ** 2
    trace = diagonal + float(np.sum(np.where(kept, held - 1.0, 0.0) * series))
    return _kept(np.exp(values), power, trace, target)


def trace_defect(variances: np.ndarray, series: np.ndarray, diagonal: float) -> float:
    """By how much the first four levels of modes to leading order exceed theirs, of the whole trace; by twice at most.

    >>> round(trace_defect(np.full(100, 0.01), np.array([0.2, 0.5, 0.3]), 1.0), 6)  # 2 h_2 - 1 = 1 / 100
    0.003
    """
    excess = np.minimum(_held(variances / variances.sum(), LEARNED) - 1.0, 1.0)
    return float(excess[: series.size] @ series[: LEARNED + 1] / diagonal)


def _held(shares: np.ndarray, order: int) -> np.ndarray:
    """l! h_l(shares) for l = 0 ... order."""
    powers = [float(np.sum(shares**k)) for k in range(1, order + 1)]
    complete = [1.0]
    for level in range(1, order + 1):
        complete.append(sum(powers[k] * complete[level - 1 - k] for k in range(level)) / level)
    return np.array([value * math.factorial(level) for level, value in enumerate(complete)])


def _leading(logs: np.ndarray, levels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Degrees (modes, axes) of the modes of largest `levels[|alpha|] + sum alpha_i logs_i`, and these sums.

    Modes are sequences of axes, sorted from the largest share on.  Lengthening one, or moving its last axis on, never
    raises the bound by which they are taken: the largest sum of any mode that goes on from it.
    """
    order = np.argsort(-logs, kind="stable")
    sorted_logs = logs[order].tolist()
    bound = levels.copy()
    for level in range(levels.size - 2, -1, -1):
        bound[level] = max(levels[level], bound[level + 1] + sorted_logs[0])
    ways = bound.tolist()
    heap: list[tuple[float, float, tuple[int, ...]]] = [(-ways[0], 0.0, ())]
    taken: list[tuple[tuple[int, ...], float]] = []
    while heap and len(taken) < MOST_MODES:
        _, total, axes = heapq.heappop(heap)
        taken.append((axes, float(levels[len(axes)]) + total))
        last, size = axes[-1] if axes else 0, len(axes)
        if size + 1 < levels.size and ways[size + 1] > -math.inf:
            further = total + sorted_logs[last]
            heapq.heappush(heap, (-ways[size + 1] - further, further, (*axes, last)))
        if axes and last + 1 < len(sorted_logs):
            further = total - sorted_logs[last] + sorted_logs[last + 1]
            heapq.heappush(heap, (-ways[size] - further, further, (*axes[:-1], last + 1)))
    taken = sorted((mode for mode in taken if mode[1] > -math.inf), key=lambda mode: -mode[1])
    degrees = np.zeros((len(taken), logs.size), np.int16)
    for number, (axes, _) in enumerate(taken):
        for axis in axes:
            degrees[number, order[axis]] += 1
    return degrees, np.array([value for _, value in taken])


def _overlaps(weight: float, degrees: int, modes: int) -> np.ndarray:
    """E[he_a(z) phi_b(z)] over standard normal z for a < degrees, b < modes: exact Gauss quadrature."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(degrees + modes)
    spread = math.sqrt(2.0 / (weight + 1.0))
    z, factor = spread * nodes, spread * weight**0.25 * weights / math.sqrt(2.0 * math.pi)
    return (_normalised(z, degrees) * factor) @ _normalised(math.sqrt(weight) * z, modes).T


def _normalised(z: np.ndarray, count: int) -> np.ndarray:
    """Normalised Hermite polynomials of degrees below `count`, (count, ...)."""
    values = [np.ones_like(z), z]
    for degree in range(1, count):
        values.append((z * values[degree] - math.sqrt(degree) * values[degree - 1]) / math.sqrt(degree + 1.0))
    return np.stack(values[:count])


def _projected(degrees: np.ndarray, tables: list[np.ndarray], target: Target) -> np.ndarray:
    """The target's coefficient on every mode (modes,): sums over its terms of products over the axes."""
    plain = [table[0][degrees[:, axis]] for axis, table in enumerate(tables)]
    zeros, product = np.zeros(len(degrees), np.int64), np.ones(len(degrees))
    for values in plain:  # without zeros, which are counted
        zeros += values == 0.0
        product *= np.where(values == 0.0, 1.0, values)
    found = np.zeros(len(degrees))
    for alpha, coefficient in target.items():
        term, left = product * coefficient, zeros.copy()
        for axis in np.flatnonzero(alpha):
            left -= plain[axis] == 0.0
            term = term / np.where(plain[axis] == 0.0, 1.0, plain[axis])
            term = term * tables[axis][alpha[axis]][degrees[:, axis]]
        found += np.where(left == 0, term, 0.0)
    return found


def _kept(eigenvalues: np.ndarray, power: np.ndarray, trace: float, target: Target) -> KernelModes:
    total = sum(float(coefficient) ** 2 for coefficient in target.values())
    tail, null = (whole - float(part.sum()) for whole, part in ((trace, eigenvalues), (total, power)))
    small = 1e-13 * max(eigenvalues.size, 1)
    return KernelModes(eigenvalues, power, tail if tail > small * trace else 0.0, null if null > small * total else 0.0)
