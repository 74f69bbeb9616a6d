"""The 0-1 error of kernel ridge regression and gradient flow on labels +1 and -1, by the Gaussian approximation.

At a test input x the fit is f(x) ~ N(fbar(x), V(x)) over training sets.  With L_i = lambda_i/(lambda_i + kappa), target
f* = E[y|x] = sum_i v_i phi_i and the smoother G(x, x') = sum_i L_i phi_i(x) phi_i(x'),

    fbar = sum_i L_i v_i phi_i,    V(x) = (1/n) E_x' [G(x, x')^2 (1 - f*^2 + (f* - fbar)^2 + V)(x')],
    error = E_x [(1 + f*)/2 Phi(-fbar/sqrt V) + (1 - f*)/2 Phi(fbar/sqrt V)].

V is not constant: the noise 1 - f*^2 is small where f* is near 1 or -1, and what is fitted there is fitted well.

On the sphere with a target of x_1, G^2 is a dot-product kernel too: with g_m = E[G^2 P_m] the equation for V is diagonal in
the Gegenbauer degrees m, V_m = g_m h_m/(n - g_m), h the bracket without V.  Its mean is the variance of the squared risk.

The flow is a sum over complex ridges, f_t = sum_a w_a f(ridge_a) (see `rfgen.numerics.quadrature.contours`), and so are
its mean and, in pairs, its variance, V = sum_ab w_a w_b V_ab.  Each V_ab solves the equation of one ridge with G_a G_b
instead of G^2 and (f* - fbar_a)(f* - fbar_b) instead of the square.  Equations: theory (13.1) and (13.2).
"""

__all__ = ["KernelClassifier", "classifier_errors", "kernel_classifier", "kernel_flow_classifier"]

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from rfgen.equivalents.augmented.blocks import Blocks
from rfgen.equivalents.equilibrium import Equilibrium, equilibrium, training_group
from rfgen.equivalents.operators import DiagonalOperators
from rfgen.equivalents.path_equilibria import approach, path_equilibria
from rfgen.numerics.compilation.precision import needs_double_precision
from rfgen.numerics.compilation.record import record
from rfgen.numerics.quadrature.contours import decaying, filter_weights
from rfgen.problems.spectra.modes import Modes
from rfgen.systems.sphere_labels.problem import ZonalLabels


@record
class KernelClassifier:
    """Of sign f: `error`, the chance to miss a new label; `uniform_error`, the same with V replaced by its mean.

    `bayes`: the error of sign f*; `test`: squared risk E(y - f)^2; `amplification`: factor on the labels' noise in it,
    whose A = 1/(1 - s) tells the share s of a fit that is a row's own, df2/n; all scalars ().
    `mean`, `variance` (nodes,): fbar and V at the nodes of x_1 in `ZonalLabels`.
    """

    error: Float[Array, "*batch"]
    uniform_error: Float[Array, "*batch"]
    bayes: Float[Array, "*batch"]
    test: Float[Array, "*batch"]
    amplification: Float[Array, "*batch"]
    mean: Float[Array, "*batch nodes"]
    variance: Float[Array, "*batch nodes"]


@needs_double_precision
def kernel_classifier(labels: ZonalLabels, n: Any, ridge: Any = 0.0) -> KernelClassifier:
    """0-1 error of the sign of kernel ridge regression on `n` samples with `ridge` >= 0 (unnormalised), scalars, traceable.

    On the hopeful side, by up to .7 s/dim of it at any n: few rows are near x, and their labels leave the fit there skewed.
    Dim 8, neural tangent kernel of depth 2, target tanh(2.5 x_1): at n = 100 simulations
    are 0.9 % (ridge 0) and 0.7 % (ridge 2) above it, at n = 400 0.7 % and 0.1 %, with standard errors of 0.15 %.
    `uniform_error` is as good at ridge 0, and up to 1 % off at ridge 2.  `test` is the risk of `labels.task`.

    Source: derived.

    >>> import jax, rfgen
    >>> labels = ZonalLabels(8, rfgen.NTK("relu", depth=2), lambda t: np.tanh(2.5 * t))
    >>> with jax.enable_x64(True):
    ...     found = kernel_classifier(labels, 400, ridge=2.0)
    >>> round(float(found.error), 4), round(float(found.bayes), 4)
    (0.2533, 0.2304)
    """
    n, ridge = (jnp.asarray(value, dtype=jnp.float64) for value in (n, ridge))
    at = _equilibrium(labels.task.modes, n, labels.noise, ridge)
    count = labels.degrees + 1
    values, weights, target = labels.eigenvalues, labels.weights, labels.means
    live = values > 0.0
    learned = jnp.where(live, 1.0 / (1.0 + at.kappa / np.where(live, values, 1.0)), 0.0)
    # what little a large ridge learns cancels from fbar/sqrt V
    scale = jnp.max(learned)
    scale = jnp.where(scale > 0.0, scale, 1.0)
    share = learned / scale
    mean = (share * labels.coefficients) @ labels.polynomials[:count]
    smoother = (share * np.sqrt(labels.multiplicities[:count])) @ labels.polynomials[:count]
    squares = (labels.polynomials / np.sqrt(labels.multiplicities)[:, None]) @ (weights * smoother * smoother)
    source = 1.0 - target * target + (target - scale * mean) ** 2
    # n - g_m by n - df2, which is exact where it vanishes
    room = at.row_gap + at.spread + scale * scale * (squares[0] - squares)
    spread = squares / room * (labels.polynomials @ (weights * source))
    variance = spread @ labels.polynomials

    return classifier_errors(labels, mean, variance, n / (at.row_gap + at.spread), scale)


@jax.jit
def _equilibrium(modes: Modes, n: Array, noise: Any, ridge: Array) -> Equilibrium:
    return equilibrium(training_group(modes, n, noise), jnp.asarray(jnp.inf), ridge)


def classifier_errors(
    labels: ZonalLabels, mean: Any, variance: Any, amplification: Any, scale: Any = 1.0
) -> KernelClassifier:
    """The errors of a fit that is Gaussian with mean `scale mean` and variance `scale^2 variance` at the nodes (nodes,)."""
    weights, target = labels.weights, labels.means

    def error(variance: Any) -> Any:
        odds = jax.scipy.special.ndtr(mean / jnp.sqrt(variance))
        return weights @ (0.5 * (1.0 + target) * (1.0 - odds) + 0.5 * (1.0 - target) * odds)

    squares = 1.0 - target * target + (target - scale * mean) ** 2 + scale * scale * variance
    return KernelClassifier(
        error=error(variance), uniform_error=error(weights @ variance), test=weights @ squares,
        bayes=jnp.asarray(weights @ (0.5 - 0.5 * np.abs(target))), amplification=amplification, mean=scale * mean,
        variance=scale * scale * variance,
    )


@needs_double_precision
def kernel_flow_classifier(labels: ZonalLabels, n: Any, time: Any) -> KernelClassifier:
    """0-1 error of the sign of kernel gradient flow on `n` samples, stopped at `time` > 0, scalars, traceable.

    The clock is that of the objective divided by 2n; `time` up to 1e8 over the trace of the kernel (beyond, the flow has
    ended: ridge 0).  On the hopeful side, as `kernel_classifier`: in the problem there at n = 100, simulations are 0.1 %,
    0.5 % and 0.9 % above it at times 5, 30 and 1000, with standard errors of 0.2 %.

    Source: derived.

    >>> import jax, rfgen
    >>> labels = ZonalLabels(8, rfgen.NTK("relu", depth=2), lambda t: np.tanh(2.5 * t))
    >>> with jax.enable_x64(True):
    ...     [round(float(kernel_flow_classifier(labels, 400, time).error), 4) for time in (10.0, 1e7)]
    [0.24, 0.2794]
    """
    n, time = (jnp.asarray(value, dtype=jnp.float64) for value in (n, time))
    mean, variance, amplification = _moments(
        labels.task.modes, labels.eigenvalues, labels.coefficients, labels.multiplicities, labels.polynomials,
        labels.weights, labels.means, n, time,
    )
    return classifier_errors(labels, mean, variance, amplification)


@jax.jit
def _moments(
    modes: Modes, eigenvalues: Any, coefficients: Any, multiplicities: Any, polynomials: Any, measure: Any, target: Any,
    n: Array, time: Array,
) -> tuple[Array, Array, Array]:
    """Mean and variance of the fit at the nodes, (nodes,), and the factor () on the labels' noise."""
    curve = decaying(1.0)
    # in the plane of zeta the curve of clock 1 shrinks by the time, and the weights of the filter stay
    weights = jnp.asarray(filter_weights(np.exp(-curve.nodes), curve.nodes, curve.weights))
    operators = DiagonalOperators(jnp.asarray(modes.eigenvalues)[None], jnp.asarray(modes.multiplicity))
    blocks = Blocks(jnp.ones(1), 1.0 / n[None], jnp.ones((1, 1, 1, 1)))
    ridges = -curve.nodes / time.astype(jnp.complex128)
    path = approach(operators, blocks, ridges[0])
    at = path_equilibria(operators, blocks, jnp.asarray(jnp.inf), path, jnp.asarray(ridges))
    kappa = at.nu / at.strength[:, 0]

    real = polynomials
    values, coefficients, multiplicities, polynomials, measure, target = (
        jnp.asarray(each, jnp.complex128)
        for each in (eigenvalues, coefficients, multiplicities, polynomials, measure, target)
    )
    count = coefficients.size
    learned = values / (values + kappa[:, None])
    means = (learned * coefficients) @ polynomials[:count]
    smoothers = (learned * jnp.sqrt(multiplicities[:count])) @ polynomials[:count]
    project = (polynomials * measure).T
    noise = 1.0 - target * target
    misses = target - means
    per_root = 1.0 / jnp.sqrt(multiplicities)

    def row(one: tuple[Array, Array]) -> Array:
        """sum_b w_b V_ab in the degrees, and of noise 1 its mean, (2 degrees + 2,)."""
        smoother, miss = one
        total = jnp.zeros(polynomials.shape[0] + 1, jnp.complex128)
        for others, missed, weight in ((smoothers, misses, weights), (smoothers.conj(), misses.conj(), weights.conj())):
            squares = ((smoother * others) @ project) * per_root
            sources = (noise + miss * missed) @ project
            gains = squares / (n.astype(jnp.complex128) - squares)
            total += weight @ jnp.concatenate([gains * sources, gains[:, :1]], axis=1)
        return total

    rows = 2.0 * (weights @ jax.lax.map(row, (smoothers, misses))).real
    return 2.0 * (weights @ means).real, rows[:-1] @ real, 1.0 + rows[-1]
