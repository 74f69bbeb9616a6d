"""Trainings as functions of the training second moment: their residual polynomials on contours.

A training from rest gives the weights  w_t = phi_t(H) X'y/n,  phi_t(h) = (1 - psi_t(h))/h,  H = X'X/n + ridge/n, and from
weights w_0 it adds psi_t(H) w_0.  The residual function psi_t:

    gradient flow          e^(-h t)
    gradient descent       (1 - x)^t,  x = rate h
    heavy ball             psi_t+1 = (1 + beta - x) psi_t - beta psi_t-1
    Nesterov               psi_t+1 = (1 - x) ((1 + beta_t) psi_t - beta_t psi_t-1),   psi_0 = psi_-1 = 1
    Chebyshev              psi_t = T_t(z) / T_t(1/rho): heavy ball's r, q of beta = e^(-2 arcosh(1/rho)), from another start
    self-distillation      phi_t(mu) = (1 - x)^t / mu,  x = ridge/n / (mu + ridge/n)

With constant momentum x is a function of the larger root r of the recursion, q being the other:
psi_t = (r^(t+1) (1 - q) - q^(t+1) (1 - r)) / (r - q), of Chebyshev (r^t + q^t) / (1 + beta^t).  The contours are drawn in r
(`rfgen.numerics.quadrature.contours`): circles for few steps, for many the parabola r = e^-s next to r = 1, and its mirror
image next to r = -1 at rates near the edge of stability.  (Derived: theory (6.1) to (6.3) and (6.8).)
"""

__all__ = ["Filter", "Window", "filter_of", "windows"]

import math
from dataclasses import dataclass

import numpy as np

from rfgen.numerics.quadrature.contours import AMPLITUDE, DECADE, Curve, circle, decaying, filter_weights, scalar_error

# Steps up to which circles serve, and the least clock of a parabola for whole steps: its end must stay left of r = 0.
FEW_STEPS, LEAST_CLOCK = 48, 200.0
# A decay below e^-37 is none.
FORGOTTEN = 37.0
# Nodes of a circle or of the scheduled contour that are worth their cost (pairs of nodes: 2 seconds).
MOST_NODES = 2304
# Steps shared by one circle differ by at most this factor: cost grows with the nodes squared.
SHARED = 4.0


@dataclass(frozen=True)
class Filter:
    """A training at single settings; `kind` "flow", "descent", "heavy ball", "nesterov", "schedule", "chebyshev" or
    "distillation".

    `ridge` is the weight decay over n, added to the spectrum (of distillation: its ridge over n).
    """

    kind: str
    ridge: float
    rate: float = 1.0
    momentum: float = 0.0

    @property
    def ball(self) -> bool:
        """Whether the roots are those of heavy ball."""
        return self.kind in ("heavy ball", "chebyshev")

    @property
    def stable_below(self) -> float:
        """Rate times upper edge below which training converges."""
        beta = self.momentum
        nesterov = (2.0 + 2.0 * beta) / (1.0 + 2.0 * beta)
        if self.ball:
            return 2.0 + 2.0 * beta
        return {"descent": 2.0, "nesterov": nesterov, "schedule": 4.0 / 3.0}.get(self.kind, math.inf)

    @property
    def forgets_after(self) -> float:
        """Steps after which nothing is left of the modes of complex roots."""
        beta = self.momentum
        if beta == 0.0 or not (self.ball or self.kind == "nesterov"):
            return 0.0
        slowest = math.sqrt(beta) if self.ball else 2.0 * beta / (1.0 + beta)
        return FORGOTTEN / -math.log(slowest)

    def other_root(self, r: np.ndarray) -> np.ndarray:
        """q (nodes,)."""
        if self.kind == "nesterov":
            return self.momentum * r / ((1.0 + self.momentum) * r - self.momentum)
        return self.momentum / r if self.ball else np.zeros_like(r)

    def x(self, r: np.ndarray, short: np.ndarray) -> np.ndarray:
        """x at the root r = 1 - `short`, without cancellation."""
        beta = self.momentum
        if self.kind == "nesterov":
            return short * (r - beta) / ((1.0 + beta) * r - beta)
        return short * (1.0 - self.other_root(r))

    def slope(self, r: np.ndarray) -> np.ndarray:
        """dx/dr."""
        beta = self.momentum
        if self.kind == "nesterov":
            return -r * ((1.0 + beta) * r - 2.0 * beta) / ((1.0 + beta) * r - beta) ** 2
        return (beta if self.ball else 0.0) / r**2 - 1.0

    def residual(self, steps: np.ndarray, h: np.ndarray) -> np.ndarray:
        """psi_t(h) (steps, points) at real h >= 0 (for distillation h = mu, and psi = 1 - mu phi)."""
        t = steps[:, None]
        if self.kind == "flow":
            return np.exp(-h * t)
        if self.kind == "distillation":
            return 1.0 - np.exp(-t * np.log1p(self.ridge / h))
        if self.kind == "schedule":
            return _scheduled(steps, self.rate * h)
        if self.momentum == 0.0:
            x = self.rate * h
            power = np.exp(t * np.log(np.abs(1.0 - x), out=np.log1p(-np.minimum(x, 0.5)), where=x > 0.5))
            return np.where((x > 1.0) & (t % 2 == 1), -power, power)
        rest, root = self.roots(self.rate * h)
        short = self.rate * h / (rest + root)  # 1 - r: the product of both distances from 1 is x
        r, q = 1.0 - rest + root, 1.0 - rest - root
        # log r = log(1 - short): numpy's own complex log1p is log(1 + .), and loses short steps
        log = 0.5 * np.log1p(np.abs(short) ** 2 - 2.0 * np.real(short)) + 1j * np.angle(r)
        log = np.where(np.abs(short) < 0.5, log, np.log(r))
        if self.kind == "chebyshev":
            return np.real(np.exp(t * log) + q**t) / (1.0 + self.momentum**t)
        return np.real((np.exp((t + 1) * log) * (rest + root) - q ** (t + 1) * short) / (2.0 * root))

    def roots(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """1 minus the middle of the two roots at real x, and half their distance, complex; without cancellation."""
        beta = self.momentum
        rest = 0.5 * (1.0 - beta + (x if self.ball else x * (1.0 + beta)))
        return rest, np.sqrt((rest**2 - x).astype(complex))


@dataclass(frozen=True)
class Window:
    """Nodes that serve some of the clocks asked for.

    `index` (times,): which; `zeta` (nodes,): in the spectrum's plane, the ridge of the engine being `shift` - zeta;
    `weights` (nodes,): dzeta/(2 pi i); `filters`, `decay` (times, nodes): f and psi; `right`: how many of the last nodes
    lie beyond the upper edge, `error` (times,): of the scalar test on real numbers; `paths`: numbers of the nodes, if
    there is more than one window's.
    """

    index: np.ndarray
    zeta: np.ndarray
    weights: np.ndarray
    filters: np.ndarray
    decay: np.ndarray
    right: int
    error: np.ndarray
    paths: tuple[int, ...] = ()

    def ways(self, values: np.ndarray) -> list[np.ndarray]:
        """`values` (nodes,) of each way along which the nodes are reached."""
        left = self.zeta.size - self.right
        return [part for part in np.split(values, np.cumsum(self.paths)[:-1] if self.paths else [left]) if part.size]


def windows(training: Filter, clock: np.ndarray, edge: float, coarse: bool = False, squares: bool = False) -> list[Window]:
    """Contours for all `clock` (times,) > 0 and finite, on a spectrum from 0 to `edge` (weight decay included).

    `squares`: good for psi^2 as well, which decays as psi does at twice the clock.  Clocks that no contour of affordable
    size serves are left out.
    """
    made = []
    few = {"flow": 0.0, "schedule": math.inf}.get(training.kind, max(FEW_STEPS, training.forgets_after))
    twice = 2.0 if squares else 1.0
    remaining = np.argsort(-clock, kind="stable")
    while remaining.size:
        longest = clock[remaining[0]]
        slow = longest > few
        near = clock[remaining] >= longest / (DECADE / twice if slow else SHARED)
        take = remaining[near & ((clock[remaining] > few) | (not slow))]
        remaining = remaining[~np.isin(remaining, take)]
        place = _slow if slow else _few
        found = place(training, clock[take], twice * float(longest), edge, coarse)
        if found is not None:
            made.append(_window(training, take, clock[take], edge, *found))
    return made


def filter_of(kind: str, settings: dict[str, float], n: float) -> Filter:
    """The filter of a training's class name at single settings, for n samples."""
    names = {"GradientFlow": "flow", "GradientDescent": "descent", "HeavyBall": "heavy ball"}
    names["IteratedRidge"] = "distillation"
    if kind == "Chebyshev":
        low, high = math.sqrt(settings["lower_bound"]), math.sqrt(settings["upper_bound"])
        return Filter("chebyshev", settings["ridge"] / n, 4.0 / (low + high) ** 2, ((high - low) / (high + low)) ** 2)
    if kind == "Nesterov":
        names["Nesterov"] = "nesterov" if "momentum" in settings else "schedule"
    return Filter(names[kind], settings["ridge"] / n, settings.get("rate", 1.0), settings.get("momentum", 0.0))


def _window(
    training: Filter, index: np.ndarray, clock: np.ndarray, edge: float, zeta: np.ndarray, weights: np.ndarray,
    decay: np.ndarray, right: int,
) -> Window:
    if training.kind == "distillation":
        filters = -decay * weights / zeta
        at = np.concatenate([edge * np.geomspace(1e-9, 1.0, 20), training.ridge * np.geomspace(1e-3, 1e3, 7)])
    else:
        filters = filter_weights(decay, zeta, weights)
        at = np.concatenate([edge * np.geomspace(1e-9, 0.99999, 20), np.geomspace(0.1, 30.0, 7) * abs(zeta[0])])
    at = at[at <= edge]
    error = scalar_error(filters, zeta, 1.0 - training.residual(clock, at), at)
    return Window(index, zeta, weights, filters, decay, right, error)


Placed = tuple[np.ndarray, np.ndarray, np.ndarray, int]


def _slow(training: Filter, clock: np.ndarray, longest: float, edge: float, coarse: bool) -> Placed:
    """The parabola in s, and its mirror image where the upper edge is not forgotten."""
    t = clock[:, None]
    if training.kind == "flow":
        curve = decaying(longest, coarse)
        return curve.nodes, curve.weights, np.exp(-t * curve.nodes), 0
    curve = decaying(max(longest, LEAST_CLOCK), coarse)
    if training.forgets_after:
        keep = np.real(curve.nodes) < FORGOTTEN / training.forgets_after
        curve = Curve(curve.nodes[keep], curve.weights[keep])
    left = _from_root(training, t, np.exp(-curve.nodes), -np.expm1(-curve.nodes), -curve.nodes, curve.weights, 1.0)
    if training.kind == "distillation" or not _edge_remembered(training, clock, edge):
        return (*left, 0)
    right = _from_root(training, t, -np.exp(-curve.nodes), 1.0 + np.exp(-curve.nodes), -curve.nodes, curve.weights, -1.0)
    return (*(np.concatenate(pair, axis=-1) for pair in zip(left, right, strict=True)), curve.nodes.size)  # type: ignore[return-value]


def _edge_remembered(training: Filter, clock: np.ndarray, edge: float) -> bool:
    """Whether a root next to -1, at the upper edge, is left of."""
    rest, root = training.roots(np.array([training.rate * edge]))
    farthest = np.max(np.abs([1.0 - rest + root, 1.0 - rest - root]))
    return bool(rest[0] > 1.0 and farthest ** clock.min() > math.exp(-FORGOTTEN))


def _from_root(
    training: Filter, t: np.ndarray, r: np.ndarray, short: np.ndarray, log: np.ndarray, weights: np.ndarray, sign: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """zeta, dzeta/(2 pi i), psi at roots r = sign e^log, 1 - r = `short`; `weights` are dlog/(2 pi i) up to sign."""
    step = -r * weights  # dr
    power = np.where(t % 2 == 0, 1.0, sign) * np.exp(t * log)  # r^t: the angle of a product of many turns is kept
    if training.kind == "distillation":
        zeta = training.ridge * r / short
        return zeta, training.ridge / short**2 * step, power
    q = training.other_root(r)
    with np.errstate(divide="ignore"):
        other = np.exp((t + 1) * np.log(q)) if training.momentum else 0.0
    if training.kind == "chebyshev":
        decay = (power + other / q) / (1.0 + training.momentum**t)
        return training.x(r, short) / training.rate, training.slope(r) * step / training.rate, decay
    decay = (power * r * (1.0 - q) - other * short) / (r - q)
    return training.x(r, short) / training.rate, training.slope(r) * step / training.rate, decay


def _few(training: Filter, clock: np.ndarray, longest: float, edge: float, coarse: bool) -> Placed | None:
    """The circle in r."""
    if training.kind == "schedule":
        return _schedule_curve(training, clock, longest, edge, coarse)
    curve = circle(longest, coarse)
    if curve.nodes.size > MOST_NODES:
        return None
    r, log = curve.nodes, np.log(curve.nodes)
    return (*_from_root(training, clock[:, None], r, 1.0 - r, log, -curve.weights / r, 1.0), 0)


def _schedule_curve(training: Filter, clock: np.ndarray, longest: float, edge: float, coarse: bool) -> Placed | None:
    """Closed curve whose vertex lies at -c^2/t^2: momentum t/(t+3) makes e^(t sqrt|x|) of negative x."""
    count = int((1.4 if coarse else 1.8) * longest) + (60 if coarse else 80)
    if count > MOST_NODES:
        return None
    top = max(1.0, training.rate * edge)
    angle = np.pi * (np.arange(count) + 0.5) / count
    inner = min(2.0 * AMPLITUDE / (longest * math.sqrt(top)), 0.7)
    # on the right the curve must not go far beyond the edge of stability
    rightmost = math.acosh(max(2.0 * (training.stable_below + 1.0 / longest) / top - 1.0, 1.0))
    opening = min(0.3, max(0.0, 0.5 * (rightmost - inner))) * (longest > 5)
    turned = angle + 1j * (inner + opening * (1.0 - np.cos(angle)))
    zeta = 0.5 * top * (1.0 - np.cos(turned)) / training.rate
    slope = 0.5 * top * np.sin(turned) * (1.0 + 1j * opening * np.sin(angle)) / training.rate
    # upwards from the left is clockwise
    weights = -slope * (np.pi / count) / (2j * np.pi)
    return zeta, weights, _scheduled(clock, training.rate * zeta), 0


def _scheduled(steps: np.ndarray, x: np.ndarray) -> np.ndarray:
    """psi_t(x) (steps, points) with momentum t/(t+3), by its recursion."""
    before = now = np.ones_like(x)
    found = np.empty((steps.size, x.size), x.dtype)
    for t in range(int(steps.max()) + 1):
        found[steps == t] = now
        beta = t / (t + 3.0)
        before, now = now, (1.0 - x) * ((1.0 + beta) * now - beta * before)
    return found
