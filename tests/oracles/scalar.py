"""Exact risk of ridge regression on (random features of) a Gaussian design, with proven digits.

The equation is gamma (n - z)(k - z) = ridge k on the branch z < min(n, k), z = sum m lambda / (lambda + gamma); every
factor on the left grows with gamma, so the root is unique. It is found by bisection in log gamma, polished, and then
*enclosed*: the sign of the equation is decided on both sides of the root in ball arithmetic (python-flint `arb`). The
observables are the textbook formulas, cancellation and all, evaluated on that enclosure; the working precision doubles
until every one of them is known to `digits` digits. No float enters: the result is a twin of the fast code, not a copy.

At ridge 0 the limit ridge -> 0+ is taken by hand. Writing r for the rank and e = r - z:
 - n or k below the rank: z = min(n, k), gamma > 0; at n = k the denominator of the risk vanishes, the risk is +inf;
 - n > r, k >= r: gamma = 0, the signal is learned, risk (null + noise) n / (n - r);
 - n = r < k: the denominator vanishes like 2e/r, the learnable signal's numerator like gamma^2: the risk is +inf, or 0
   without null power and noise;
 - n = r = k: the denominator is 3e/(2r), the learnable signal's numerator sum gamma v^2 / (2 lambda): the risk is +inf,
   or without null power and noise the *finite* value (r/3) sum(v^2/lambda) / sum(m/lambda), which is also the variance
   whenever there is no null power;
 - k = r <= n: the mean squared weight norm is +inf (a square Gaussian matrix is inverted), whatever the risk.
"""

import math

import flint
import mpmath
from flint import arb

__all__ = ["exact_risk"]

FIELDS = ("test", "train", "bias", "variance", "noise", "norm", "kappa", "gamma")
FIRST_PRECISION = 384
LAST_PRECISION = 50_000


class _Undecided(Exception):
    """The sign of the equation cannot be decided at the present precision."""


def exact_risk(eigenvalues, power, noise, n, k, ridge, multiplicity=None, null_power=0.0, digits=40):
    """Risk and its parts as mpmath numbers, each right to `digits` digits (or inf).

    `power` is the total target power of each eigenspace, `multiplicity` its dimension (default 1); the power of a zero
    eigenvalue joins `null_power`, which cannot be learned. `k` may be `math.inf`. `ridge` multiplies the squared norm
    next to the *sum* of squared errors. Floats are taken as the exact binary numbers they are. Eigenvalues, power and
    ridge may also be narrow flint `arb` balls. Raises ArithmeticError rather than return a digit it cannot prove.
    """
    size = len(eigenvalues)
    multiplicity = [1] * size if multiplicity is None else list(multiplicity)
    if not len(power) == len(multiplicity) == size:
        raise ValueError("eigenvalues, power and multiplicity must have one length")
    if n <= 0 or k <= 0 or ridge < 0:
        raise ValueError(f"need n > 0, k > 0, ridge >= 0; got n={n}, k={k}, ridge={ridge}")
    precision = FIRST_PRECISION
    while precision <= LAST_PRECISION:
        with flint.ctx.workprec(precision):
            modes = list(zip(eigenvalues, power, multiplicity, strict=True))
            learnable = [(_ball(x), _ball(v), _ball(m)) for x, v, m in modes if x != 0]
            null = sum((_ball(v) for x, v, m in modes if x == 0), _ball(null_power))
            rank = math.fsum(m for x, v, m in modes if x != 0)
            try:
                values = _observables(learnable, null, _ball(noise), n, k, ridge, rank)
            except _Undecided:
                values = None
            if values is not None and all(_known(value, digits) for value in values.values()):
                return {name: _mpf(values[name], digits) for name in FIELDS}
        precision *= 2
    raise ArithmeticError(f"not {digits} digits at {LAST_PRECISION} bits: inputs too wide, or an unexpected zero")


def _observables(modes, null, noise, n, k, ridge, rank):
    """All observables as balls (or the float inf) at the present precision."""
    if ridge == 0 and min(n, k) >= rank:
        return _fully_learned(modes, null, noise, n, k, rank)
    gamma = _root(modes, n, k, ridge)
    samples, target = arb(n), arb(ridge)
    fractions = [(x / (x + gamma), x, v, m) for x, v, m in modes]
    z = sum((m * fit for fit, x, v, m in fractions), arb(0)) if ridge else arb(min(n, k))
    q = sum((m * fit**2 for fit, x, v, m in fractions), arb(0))
    if math.isinf(k):
        kappa = gamma
        share = 1 - q / samples
        signal = sum(((gamma / (x + gamma) - kappa * x / (x + gamma) ** 2) * v for x, v, m in modes), null)
        feature_share = arb(1)
    else:
        width = arb(k)
        kappa = gamma * (1 - z / width)
        share = 1 - (q * (width - 2 * z) + z**2) / (samples * (width - q))
        ratio = kappa * width / (width - q)
        signal = sum(((gamma / (x + gamma) - ratio * x / (x + gamma) ** 2) * v for x, v, m in modes), null)
        feature_share = 1 - q / width
    if ridge == 0 and n == k:
        share = arb(0)
    bias = sum(((1 - fit) ** 2 * v for fit, x, v, m in fractions), null)
    signal_risk, noise_risk = _over(signal, share), _over(noise, share)
    test = _add(signal_risk, noise_risk)
    left = target / (samples * kappa) if ridge else 1 - z / samples
    train = arb(0) if ridge == 0 and n <= k else left**2 * test
    mean_norm = sum((fit**2 * v / x for fit, x, v, m in fractions), arb(0))
    spread = sum((m * x / (x + gamma) ** 2 for x, v, m in modes), arb(0))
    norm = math.inf if _infinite(test) else (mean_norm + test / samples * spread) / feature_share
    variance = math.inf if _infinite(signal_risk) else signal_risk - bias
    return dict(
        test=test, train=train, bias=bias, variance=variance, noise=noise_risk, norm=norm, kappa=kappa, gamma=gamma
    )


def _fully_learned(modes, null, noise, n, k, rank):
    """The limit ridge -> 0 with at least as many samples and features as the rank: gamma = 0 (top of the file)."""
    inverse_norm = sum((v / x for x, v, m in modes), arb(0))
    inverse_trace = sum((m / x for x, v, m in modes), arb(0))
    share = 1 - arb(rank) / arb(n) if n > rank else arb(0)
    null_risk, noise_risk = _over(null, share), _over(noise, share)
    if n == k == rank and null == 0:
        null_risk = arb(rank) / 3 * inverse_norm / inverse_trace
    test = _add(null_risk, noise_risk)
    train = arb(0) if n == rank else (null + noise) * share
    if _infinite(test):
        norm = math.inf
    else:
        feature_share = arb(1) if math.isinf(k) else 1 - arb(rank) / arb(k) if k > rank else arb(0)
        norm = _over(inverse_norm + test / arb(n) * inverse_trace, feature_share)
    variance = math.inf if _infinite(null_risk) else null_risk - null
    parts = dict(test=test, train=train, bias=null, variance=variance, noise=noise_risk, norm=norm)
    return dict(**parts, kappa=arb(0), gamma=arb(0))


def _root(modes, n, k, ridge):
    """A ball that provably holds gamma: bisection in log gamma, a Newton polish, then the sign change around it."""
    pairs = [(x, m * x) for x, v, m in modes]
    samples, width, least = arb(n), None if math.isinf(k) else arb(k), arb(min(n, k))
    target = arb(ridge) if width is None else arb(ridge) * width

    def side(gamma):
        """+1 if gamma lies above the root, -1 if below."""
        z = sum((mx / (x + gamma) for x, mx in pairs), arb(0))
        if ridge == 0:
            excess = least - z
        elif z >= least:
            return -1
        elif z < least:
            excess = gamma * (samples - z) * (1 if width is None else width - z) - target
        else:
            raise _Undecided
        if excess > 0:
            return 1
        if excess < 0:
            return -1
        raise _Undecided

    def newton(gamma):
        """One Newton step; at n = k on the square root of the equation, which is regular there for every ridge."""
        terms = [(mx / (x + gamma), x) for x, mx in pairs]
        z = sum((term for term, x in terms), arb(0))
        slope = sum((term / (x + gamma) for term, x in terms), arb(0))
        if ridge == 0:
            return (gamma - (least - z) / slope).mid()
        first, second = samples - z, arb(1) if width is None else width - z
        value = gamma * first * second
        derivative = first * second + gamma * slope * (second + (0 if width is None else first))
        if n == k:
            root = value.sqrt()
            return (gamma - (root - target.sqrt()) * 2 * root / derivative).mid()
        return (gamma - (value - target) / derivative).mid()

    low, high = _bracket(side)
    precision = flint.ctx.prec
    tolerance = arb(2) ** -(precision // 2)
    for _ in range(precision // 32 + 4):
        for _ in range(48):
            middle = (low * high).sqrt().mid()
            if side(middle) > 0:
                high = middle
            else:
                low = middle
            if high / low - 1 < tolerance:
                return low.union(high)
        guess = (low * high).sqrt().mid()
        for _ in range(precision.bit_length() + 2):
            step = newton(guess)
            if not (low < step < high):
                break
            settled = abs(step - guess) < guess * tolerance / 2**20
            guess = step
            if settled:
                below, above = (guess * (1 - tolerance)).mid(), (guess * (1 + tolerance)).mid()
                if side(below) < 0 < side(above):
                    return below.union(above)
                break
    raise _Undecided


def _bracket(side):
    """Two points around the root, by growing steps in log gamma; from pi, lest the start be a round root exactly."""
    start = arb.pi().mid()
    direction = -side(start)
    near, step = start, 1
    while True:
        far = start * arb(2) ** (direction * step)
        if side(far) == direction:
            return (near, far) if direction > 0 else (far, near)
        near, step = far, 2 * step
        if step > 2**20:
            raise ArithmeticError("no root within 2^20 octaves of 1")


def _ball(x):
    return x if isinstance(x, arb) else arb(x) if isinstance(x, int) else arb(float(x))


def _infinite(x):
    return isinstance(x, float) and math.isinf(x)


def _over(numerator, denominator):
    """Quotient with 0/0 = 0 and x/0 = inf, where zero means the exact ball 0."""
    if denominator == 0:
        return arb(0) if numerator == 0 else math.inf
    return numerator / denominator


def _add(first, second):
    return math.inf if _infinite(first) or _infinite(second) else first + second


def _known(x, digits):
    return _infinite(x) or x == 0 or x.rel_accuracy_bits() > digits * 3.33 + 4


def _mpf(x, digits):
    if _infinite(x):
        return mpmath.inf
    mantissa, exponent = x.mid().man_exp()
    with mpmath.workdps(digits + 5):
        return mpmath.mpf((int(mantissa), int(exponent)))
