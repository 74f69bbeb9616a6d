"""Square loss on unequal classes: test and training loss of each class along plain, balanced and normalised descent.

Full-batch gradient descent from weights 0 on a `GaussianMixture`, with the mean gradient g_g = X_g'(y_g - X_g w) / n_g of
each class and a `rate` eta:

    plain        w += eta sum_g (n_g / n) g_g          the mean loss of all samples
    balanced     w += eta (1 / classes) sum_g g_g      the mean of the classes' mean losses
    normalised   w += eta sum_g g_g / |g_g|            each class at the same speed (per-class-normalised descent)

(with heavy-ball momentum: plus momentum times the step before).  In the limit these are `time_domain` with a_g = eta / n,
eta / (classes n_g) and eta / (n_g |g_g|), where |g_g| is its root mean square over draws: the steps

    w[t] = sum_s P[t, s] sum_g a_g[s] X_g'(y_g - X_g w[s]),    P[t, s] = (1 - m^(t-s)) / (1 - m) for s < t, else 0

(momentum m; P[t, s] = 1 without).  Means and covariances over draws are matrices over times.  With m_g and S_g the mean
and covariance of class g, n_g its samples, A_g = diag(a_g) and x between a matrix over features and one over times:

    V_g = (1 + tr(S_g G) A_g)^-1           what samples leave of the mean residual of their class
    V*_g = (1 + tr(M_g G) A_g)^-1          ... and of its fluctuations, M_g = S_g + m_g m_g'
    L_g = m_g m_g' x V_g + S_g x V*_g      minus the response of the mean gradient X_g'r_g / n_g to the weights
    G = (1 + P sum_g n_g A_g L_g)^-1 P     response of the weights to a force
    C = G (sum_g n_g A_g N_g A_g) G'       covariance of the weights, N_g / n_g that of the mean gradient at given weights

    r_g = y_g - m_g.w,    q_g = w'S_g w + tr(M_g C),    u_g = -V*_g S_g w,    c_g = V*_g q_g V*_g'
    test_g = diag(r_g r_g' + q_g),    train_g = diag(e_g),    e_g = V_g r_g (V_g r_g)' + c_g
    N_g[it, js] = S_ij e[t, s] + m_i m_j c[t, s] + m_i (V r)[s] u_j[t] + m_j (V r)[t] u_i[s] + u_i[s] u_j[t]

A step depends on the past alone: all of them are lower triangular (covariances aside, which are symmetric), and are found
row by row, for steps a_g that depend on what came before too.  (Derived.  Errors of relative order 1/n; those that class
means, which are not random, would add are taken care of by V and V*, which agree to leading order.)
Equations: theory (13.4) and (13.5).
"""

__all__ = ["ClassImbalance", "TimeDomain", "class_imbalance", "time_domain"]

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from rfgen.problems import validation
from rfgen.systems.class_imbalance.problem import GaussianMixture

# The normalised curve is trusted while no class's |g|^2 varies over draws by more than this share of its mean: the mean of
# 1/|g| then misses 1/|g| of the mean by 3/8 of its square, 0.8 %.
SPREAD = 0.15
# ... and while steps are at most half as long as those that diverge, in units of (1 + momentum): beyond, a step carries
# classes across their minimum, and the differences between draws grow.
SHARPNESS = 1.0


@dataclass(frozen=True)
class ClassImbalance:
    """Of each class after 0 ... steps steps, (classes, steps + 1): `test` loss, the mean squared residual of a new input,
    `train` loss, that of its samples, and `squared_gradient`, the squared length of its mean gradient.

    `valid` (steps + 1,): whether the limit is to be trusted; once False it stays so.  `valid_until`: the last step at which
    it is, -1 if none.  Later values are kept, as what the theory says where it fails; NaN where they are not finite.
    """

    test: np.ndarray
    train: np.ndarray
    squared_gradient: np.ndarray
    valid: np.ndarray

    @property
    def valid_until(self) -> int:
        """Last step at which the curves are valid, -1 if none."""
        return int(self.valid.sum()) - 1


def class_imbalance(
    mixture: GaussianMixture, rate: Any, steps: Any, weighting: str = "plain", momentum: Any = 0.0
) -> ClassImbalance:
    """Losses of each class along `steps` steps of descent with `rate` > 0 and 0 <= `momentum` < 1, as the module says.

    `weighting`: "plain", "balanced" or "normalised".  Exact as counts and features grow together, class means of fixed
    length; at 160 + 40 samples in 121 features the error is below 1 %, save where a gradient all but vanishes.

    A normalised step has the length `rate` however small the gradient: near the minimum of a class, at |g| of about rate
    times curvature, steps chatter across it and |g| differs from draw to draw, so that its mean square no longer stands for
    it.  `valid` ends before, at the first step where sd(|g|^2) > 0.15 |g|^2 for a class, or where the largest eigenvalue of
    sum_g rate/|g_g| X_g'X_g/n_g exceeds 1 + momentum.  In the example's mixture, at rates from 0.008 to 0.03, the means of
    250 draws lie within 2.8 standard errors of the theory up to there; soon after, |g|^2 is off by 20 to 50 % (up to 18
    standard errors of 400 draws) and, at rate 0.03, losses by 2 to 5 %.  Plain and balanced curves are valid while finite.

    Source: derived.

    >>> mixture = GaussianMixture([160, 40], [1.0, -1.0], [[4 / 120], [6.76 / 120]], [[1.5], [-1.5]], [120], bias=True)
    >>> class_imbalance(mixture, 0.5, 30).test[:, [0, 1, 30]].round(4).tolist()
    [[1.0, 0.1997, 0.0154], [1.0, 0.0627, 0.0306]]
    >>> class_imbalance(mixture, 0.03, 30, "normalised").valid_until
    11
    """
    rate = float(validation.positive("rate", rate, 0))
    steps = validation.integer("steps", steps, 0)
    momentum = float(validation.non_negative("momentum", momentum, 0))
    if momentum >= 1.0:
        raise ValueError(f"momentum must be < 1, got {momentum}")
    counts = mixture.counts.astype(float)
    rules = {
        "plain": lambda squares: np.full_like(counts, rate / counts.sum()),
        "balanced": lambda squares: rate / (counts.size * counts),
        "normalised": lambda squares: rate / (counts * np.sqrt(squares)),
    }
    if weighting not in rules:
        raise ValueError(f"weighting must be one of {', '.join(rules)}, got {weighting!r}")
    found = time_domain(mixture, steps, rules[weighting], momentum)
    curves = np.stack([found.test, found.train, found.gradient])
    sound = np.isfinite(curves).all(axis=(0, 1))
    if weighting == "normalised":
        sound &= (found.spread <= SPREAD * found.gradient).all(axis=0) & (found.sharpness <= SHARPNESS * (1.0 + momentum))
    return ClassImbalance(*np.where(np.isfinite(curves), curves, np.nan), valid=np.logical_and.accumulate(sound))


@dataclass(frozen=True)
class TimeDomain:
    """Along the steps 0 ... T, each (classes, T + 1): mean squared `test` and `train` residual of each class; `gradient`,
    the squared length of X_g'r_g/n_g, and its standard deviation over draws, `spread`; `force`: the a_g taken.

    `sharpness` (T + 1,): about the largest eigenvalue of sum_g a_g X_g'X_g; steps that keep one above 2 (1 + m) diverge.
    """

    test: np.ndarray
    train: np.ndarray
    gradient: np.ndarray
    spread: np.ndarray
    force: np.ndarray
    sharpness: np.ndarray


def time_domain(
    mixture: GaussianMixture, steps: int, rule: Callable[[np.ndarray], np.ndarray], momentum: Any = 0.0
) -> TimeDomain:
    """Follow `steps` steps; `rule` makes a_g (classes,) of the squared lengths of X_g'r_g/n_g (classes,).

    Costs of order steps^3 for each level of the mixture: 0.1 s for 100 steps and one level, or 60 steps and 100 levels.

    >>> mixture = GaussianMixture([160, 40], [1.0, -1.0], [[0.1], [0.2]], [[1.5], [-1.5]], [30])
    >>> found = time_domain(mixture, 2, lambda squares: 0.1 / mixture.counts)
    >>> found.test.round(4).tolist()
    [[1.0, 0.3118, 0.1233], [1.0, 0.321, 0.1442]]
    """
    rows = _Rows(mixture, steps + 1, momentum)
    # a rule that divides by what vanishes runs into infinities, which are the caller's to mark
    with np.errstate(all="ignore"):
        for t in range(steps + 1):
            rows.respond(t)
            rows.fluctuate(t)
            rows.leave(t)
            rows.push(t, rule)
    return TimeDomain(rows.test, rows.train, rows.gradient, rows.spread, rows.force, rows.sharpness)


class _Rows:
    """The matrices over times, filled row by row.  Features along which a class mean lies, and the bias, are one dense
    block (indices i, j, k, l); the bulk, all others, is known by level.  Times are t, s, u, v; classes g.
    """

    def __init__(self, mixture: GaussianMixture, times: int, momentum: Any) -> None:
        placed = (mixture.means != 0.0).any(axis=0)
        left = mixture.multiplicities - placed
        self.n, self.labels = mixture.counts.astype(float), mixture.labels
        self.multiplicities, self.bulk = left[left > 0].astype(float), mixture.variances[:, left > 0]
        constant = np.ones((self.n.size, int(mixture.bias)))
        self.means = np.hstack([mixture.means[:, placed], constant])
        within = np.hstack([mixture.variances[:, placed], 0.0 * constant])
        classes, size = self.means.shape
        self.within = within[:, :, None] * np.eye(size)
        self.outer = self.means[:, :, None] * self.means[:, None, :]
        self.trace = within.sum(axis=1) + self.bulk @ self.multiplicities
        lag = np.maximum(np.subtract.outer(np.arange(times), np.arange(times)), 0)
        self.eye, self.pace = np.eye(times), (1.0 - momentum**lag) / (1.0 - momentum)
        square = (times, times)
        self.g, self.answer = np.zeros((2, size, size, *square))  # G = P answer
        self.covariance, self.noise = np.zeros((2, size, size, *square))  # C, sum_g n_g A_g N_g A_g
        self.bulk_g, self.bulk_answer, self.bulk_covariance = np.zeros((3, self.multiplicities.size, *square))
        self.own, self.own_star = np.zeros((2, classes, *square))  # V, V*
        self.missed, self.carried, self.left, self.kicks = np.zeros((4, classes, *square))  # q, c, e, n A e A
        self.weight, self.pushed = np.zeros((2, size, times))
        self.residual, self.mean_left = np.zeros((2, classes, times))  # r, V r
        self.pull = np.zeros((classes, size, times))  # u
        self.test, self.train, self.gradient, self.spread, self.force = np.zeros((5, classes, times))
        self.sharpness = np.zeros(times)

    def respond(self, t: int) -> None:
        """G, V and V*."""
        past = slice(t)
        self.g[..., t, past] = self.pace[t, past] @ self.answer[..., past, past]
        self.bulk_g[:, t, past] = self.pace[t, past] @ self.bulk_answer[:, past, past]
        bulk = (self.bulk * self.multiplicities) @ self.bulk_g[:, t]
        for own, second in ((self.own, self.within), (self.own_star, self.within + self.outer)):
            delay = bulk + np.einsum("gij,jis->gs", second, self.g[:, :, t])
            own[:, t] = self.eye[t] - np.einsum("gs,gsu->gu", (delay * self.force)[:, past], own[:, past])

    def fluctuate(self, t: int) -> None:
        """The mean weights and C."""
        now, past = slice(t + 1), slice(t)
        self.weight[:, t] = self.pushed[:, past] @ self.pace[t, past]
        half = np.einsum("ikt,kltv->ilv", self.g[:, :, t, past], self.noise[:, :, past, past], optimize=True)
        row = np.einsum("ilv,jlsv->ijs", half, self.g[:, :, now, past], optimize=True)
        self.covariance[:, :, t, now], self.covariance[:, :, now, t] = row, row.swapaxes(0, 1)
        half = np.einsum("glv,gl->lv", self.bulk_g[:, t, past] @ self.kicks[:, past, past], self.bulk)
        row = (self.bulk_g[:, now, past] @ half[:, :, None])[..., 0]
        self.bulk_covariance[:, t, now] = self.bulk_covariance[:, now, t] = row

    def leave(self, t: int) -> None:
        """Residuals of test and training samples."""
        now = slice(t + 1)
        weight, own, star = self.weight[:, now], self.own[:, t, now], self.own_star[:, t, now]
        missed = np.einsum("i,gij,js->gs", weight[:, t], self.within, weight)
        missed += np.einsum("gij,jis->gs", self.within + self.outer, self.covariance[:, :, t, now])
        missed += (self.bulk * self.multiplicities) @ self.bulk_covariance[:, t, now]
        self.missed[:, t, now] = self.missed[:, now, t] = missed
        self.residual[:, t] = self.labels - self.means @ weight[:, t]
        self.mean_left[:, t] = (own * self.residual[:, now]).sum(axis=1)
        self.pull[:, :, t] = -np.einsum("gs,gij,js->gi", star, self.within, weight)
        half = np.einsum("gu,guv->gv", star, self.missed[:, now, now])
        carried = np.einsum("gv,gsv->gs", half, self.own_star[:, now, now])
        self.carried[:, t, now] = self.carried[:, now, t] = carried
        left = carried + self.mean_left[:, t, None] * self.mean_left[:, now]
        self.left[:, t, now] = self.left[:, now, t] = left
        self.test[:, t], self.train[:, t] = missed[:, t] + self.residual[:, t] ** 2, left[:, t]

    def push(self, t: int, rule: Callable[[np.ndarray], np.ndarray]) -> None:
        """The mean gradients, the steps a, and what follows from them."""
        now, n = slice(t + 1), self.n
        left, force, bulk = self.left[:, t, now], self.force[:, now], self.bulk
        noise = self._noise(t)
        mean = self.means * self.mean_left[:, t, None] + self.pull[:, :, t]
        gain = np.einsum("gij,gs->gijs", self.outer, self.own[:, t, now])
        gain += np.einsum("gij,gs->gijs", self.within, self.own_star[:, t, now])
        felt = np.einsum("giku,kjus->gijs", gain, self.g[:, :, now, now], optimize=True)
        star = self.own_star[:, t, now]
        bulk_felt = star @ self.bulk_g[:, now, now]
        # covariance of the mean gradient: of its own samples, of the weights, and of both
        both = np.einsum("giks,gs,gjks->gij", noise, force, felt)
        spread = noise[..., t] / n[:, None, None] - both - both.swapaxes(1, 2)
        spread += np.einsum("giku,kluv,gjlv->gij", gain, self.covariance[:, :, now, now], gain, optimize=True)
        moved = np.einsum("lgv,gv->gl", star @ self.bulk_covariance[:, now, now], star)
        both = np.einsum("gs,gs,lgs->gl", left, force, bulk_felt)
        bulk_spread = bulk * left[:, t, None] / n[:, None] + bulk**2 * (moved - 2.0 * both)
        self.gradient[:, t] = (mean**2).sum(axis=1) + np.einsum("gii->g", spread) + bulk_spread @ self.multiplicities
        variance = 4.0 * np.einsum("gi,gij,gj->g", mean, spread, mean) + 2.0 * (spread**2).sum(axis=(1, 2))
        self.spread[:, t] = np.sqrt(variance + 2.0 * bulk_spread**2 @ self.multiplicities)
        self.force[:, t] = rule(self.gradient[:, t])
        taken = n * self.force[:, t]
        self.pushed[:, t] = taken @ mean
        whole = np.eye(self.pushed.shape[0])[:, :, None] * self.eye[t, now]
        self.answer[:, :, t, now] = whole - np.einsum("g,gijs->ijs", taken, felt)
        self.bulk_answer[:, t, now] = self.eye[t, now] - np.einsum("g,gl,lgs->ls", taken, bulk, bulk_felt)
        row = np.einsum("g,gs,gijs->ijs", taken, force, noise)
        self.noise[:, :, t, now], self.noise[:, :, now, t] = row, row.swapaxes(0, 1)
        self.kicks[:, t, now] = self.kicks[:, now, t] = taken[:, None] * force * left
        self.sharpness[t] = self._sharpness(taken)

    def _noise(self, t: int) -> np.ndarray:
        """Row t of N, (classes, block, block, times so far)."""
        now, m = slice(t + 1), self.means
        pull, here = self.pull[..., now], self.pull[:, :, t]
        noise = np.einsum("gij,gs->gijs", self.within, self.left[:, t, now])
        noise += np.einsum("gij,gs->gijs", self.outer, self.carried[:, t, now])
        noise += np.einsum("gi,gj,gs->gijs", m, here, self.mean_left[:, now])
        return noise + np.einsum("gj,gis->gijs", m * self.mean_left[:, t, None] + here, pull)

    def _sharpness(self, taken: np.ndarray) -> Any:
        """An eigenvalue of sum_g a_g X_g'X_g is at most about that of its mean, widened by a sample's share in it."""
        if not np.isfinite(taken).all():
            return np.nan
        block = np.linalg.eigvalsh(np.einsum("g,gij->ij", taken, self.within + self.outer))
        largest = max([0.0, *block, *(taken @ self.bulk)])
        return (largest**0.5 + (taken * self.trace / self.n).max() ** 0.5) ** 2
