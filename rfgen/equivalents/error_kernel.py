"""The error kernel of one group at equal ridges: risk, its parts, and the weight norm.

With L_i = lambda_i / (lambda_i + gamma), a = n - df1, b = 1 - df1/features, p = df1 - df2, p' = p/features:

    E = n (b + p') / (a b + p (a/features + b))                      amplification of every error source
    test = E [sum_i (1 - L_i)((1 - L_i) + L_i p'/(b + p')) v_i^2 + null power + noise]
    train = (a/n)^2 test = (a/n) / (1 + p b/(a (b + p'))) [...]
    norm = [sum_i L_i^2 v_i^2/lambda_i + (test/n) p/gamma] / (b + p')

Of rows drawn without replacement from N examples (derived; f = n/N, u = 1 - df1/N, r = b/(b + p')), on those left, with
E = n / (a u + (1 - f) p r), on noise times u - p r/N:

    test = E [sum_i (1 - L_i)((1 - L_i) + L_i p'/(b + p')) v_i^2 + null power] + E (u - p r/N) noise
    bias = [sum_i (1 - L_i)^2 v_i^2 + null power] / u^2,   train = (a/n)^2 test
    norm = [sum_i L_i^2 v_i^2/lambda_i + ((1 - f) test + f noise) p/(n gamma)] / (b + p')

This is the random-feature eigenframework of arXiv 2311.14646 (its eq. for test and train risk; the norm is derived here)
with every difference rewritten as a sum of positive terms, so that no digit is lost near interpolation; E is infinite
exactly where its denominator vanishes.  Equations: theory (3.11) to (3.14).
"""

__all__ = ["ErrorKernel", "error_kernel"]


import jax.numpy as jnp
from jaxtyping import Array, Float

from rfgen.equivalents.equilibrium import Equilibrium, Group
from rfgen.numerics.compilation.record import record


@record
class ErrorKernel:
    """Observables, each a scalar () or batched by vmap: `test = bias + variance + noise`, in units of the target squared.

    `train`: mean squared training residual; `bias`: squared error of the mean predictor; `variance`: spread from the draw
    of samples and features without label noise; `noise`: the part linear in the noise variance, the irreducible noise
    included; `norm`: mean squared weights; `amplification`: factor on every error source, n/(n - df2) for the full kernel
    (the overfitting coefficient at ridge 0).
    """

    test: Float[Array, "*batch"]
    train: Float[Array, "*batch"]
    bias: Float[Array, "*batch"]
    variance: Float[Array, "*batch"]
    noise: Float[Array, "*batch"]
    norm: Float[Array, "*batch"]
    amplification: Float[Array, "*batch"]


def _product(factor: Array, source: Array) -> Array:
    """`factor * source`, zero where there is no source even if the factor diverges."""
    return jnp.where(source == 0.0, 0.0, factor * jnp.where(source == 0.0, 1.0, source))


def _ratio(numerator: Array, denominator: Array) -> Array:
    """`numerator / denominator`: inf where only the denominator vanishes, 0 where both do."""
    safe = jnp.where(denominator == 0.0, 1.0, denominator)
    return jnp.where(denominator == 0.0, jnp.where(numerator == 0.0, 0.0, jnp.inf), numerator / safe)


def error_kernel(group: Group, at: Equilibrium, features: Array) -> ErrorKernel:
    """Observables at the equilibrium `at` of the same group, with the formulas of the module's text."""
    modes, n = group.modes, group.rows
    a, b, p = at.row_gap, at.feature_gap, at.spread
    p_per_feature = p / features
    room = b + p_per_feature
    inverse = 1.0 / (modes.eigenvalues + at.gamma)
    learned, missed = modes.eigenvalues * inverse, at.gamma * inverse
    share, held_out = n / modes.population, 1.0 - at.df1 / modes.population
    untouched = (missed * missed) @ modes.power + modes.null_power
    from_features = _ratio(p_per_feature, room) * ((learned * missed) @ modes.power)

    # features = rank and ridge 0: b and p vanish together, the ratios tend to their limits n/(n - rank), rank/(n - rank)
    vanishing = (b == 0.0) & (p == 0.0)
    lifted = a * held_out
    denominator = jnp.where(vanishing, lifted, lifted * b + p * (lifted / features + (1.0 - share) * b))
    amplification = _ratio(jnp.where(vanishing, n, n * room), denominator)
    # the mean prediction of a row left out has its residual divided by `held_out`
    among = at.df1 * at.df1 / modes.population
    spread = jnp.where(vanishing, at.df1 - among, at.df2 * b + at.df1 * p_per_feature - among * room)
    surplus = _ratio((1.0 - share) * jnp.maximum(spread, 0.0), denominator)
    bias = untouched / (held_out * held_out)
    noise_kept = held_out - jnp.where(vanishing, 0.0, _ratio(p * b, room)) / modes.population
    amplified_noise = amplification * noise_kept

    # n = features = rank, ridge to 0: amplification and feature error compensate, a, p and features b being equal
    weight = jnp.sum(modes.power / modes.eigenvalues) / jnp.sum(modes.multiplicity / modes.eigenvalues)
    square = vanishing & (a == 0.0)
    features_part = jnp.where(square, at.df1 * weight / 3.0, _product(amplification, from_features))
    variance = _product(surplus, bias) + features_part
    noise_part = _product(amplified_noise, group.noise)
    test = bias + variance + noise_part
    # (a/n)^2 amplification = (a/n) / (u + (1 - f) (p/a) b/room): no 0 of an infinite risk.  An interpolating point has
    # training error 0 even where its test risk diverges
    row_share = a / n
    interpolates = row_share == 0.0
    spent = p / jnp.where(interpolates, 1.0, a)
    left = row_share / (held_out + (1.0 - share) * _product(spent, _ratio(b, room)))
    labels = untouched + from_features + noise_kept * group.noise
    at_zero = row_share * row_share * jnp.where(jnp.isinf(test), 0.0, test)  # whose derivatives are right there
    train = jnp.where(interpolates, at_zero, left * labels)
    fitted = (learned * inverse) @ modes.power
    fluctuation = (learned * inverse) @ modes.multiplicity / n
    norm = _ratio(fitted + _product((1.0 - share) * test + share * group.noise, fluctuation), room)
    return ErrorKernel(
        test=test, train=train, bias=bias, variance=variance, noise=noise_part, norm=norm, amplification=amplified_noise
    )
