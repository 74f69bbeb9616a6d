"""Exact risk of kernel ridge and random-feature regression on augmented data, in eigen-coordinates.

Equations: theory (5.4) and (5.6).
"""

__all__ = ["AugmentedProblem", "AugmentedRisk", "augmented_modes", "augmented_risk", "held_out_views", "resampled"]

from dataclasses import replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from rfgen.equivalents.augmented.block_equilibrium import block_equilibrium
from rfgen.equivalents.augmented.block_error_kernel import block_error_kernel
from rfgen.equivalents.augmented.blocks import Blocks
from rfgen.equivalents.augmented.held_out_blocks import HeldOutBlocks
from rfgen.equivalents.augmented.view_blocks import averaged_test_views, mixing_form, moment_form, pattern_form
from rfgen.equivalents.held_out_target import HeldOutTarget, at_clean_points
from rfgen.equivalents.operators import DiagonalOperators
from rfgen.equivalents.targets import ModeTarget
from rfgen.numerics.compilation.precision import needs_double_precision
from rfgen.numerics.compilation.program import program
from rfgen.numerics.compilation.record import record
from rfgen.problems.augmentations.base import AbstractAugmentation
from rfgen.problems.augmentations.mixing import Mixup
from rfgen.problems.augmentations.mode_law import ModeLaw
from rfgen.problems.populations.gaussian_inputs import GaussianInputs
from rfgen.problems.task import Task
from rfgen.problems.trainings.resampling import AbstractResampling
from rfgen.problems.views.mode_classes import mode_classes

# Sample weights of a mixing augmentation: eigenvalues of this many matrices of this size.
MIXING_REPLICATES, MIXING_SIZE = 4, 256
# At ridge 0 an amplification beyond this is a divergence: next to a peak, at a distance d, it is 1/d, and at it rounding.
DIVERGENT = 1e12


@record
class AugmentedProblem:
    """A task seen through an augmentation, as the engine takes it; a pytree, made by `augmented_modes`,
    `augmented_features`.

    `operators`: diagonal, dense or a pencil; `blocks` with weights times n; `target` of the same representation, its
    fields per output with a leading dimension outputs; `null_power` () or (outputs,): unlearnable, beside the target's
    bias.
    """

    operators: Any
    blocks: Any
    target: Any
    null_power: Any

    def of_output(self, number: int) -> "AugmentedProblem":
        """The problem of one of several outputs."""
        of = self.target.by_output
        fields = {name: leaf[number] if getattr(of, name) == 0 else leaf for name, leaf in vars(self.target).items()}
        return AugmentedProblem(self.operators, self.blocks, type(self.target)(**fields), self.null_power[number])


@record
class AugmentedRisk:
    """One point of a curve; every field is a scalar (), or batched by vmap.  Risks are in units of the target squared.

    `test = bias + variance + noise`; `variance = data_variance + features_variance` (linear in the error of the mean
    predictor, and in its norm); `train`: the minimised loss without the ridge penalty; `norm`: mean squared weights;
    `amplification`: factor on the label noise; `df1`: degrees of freedom; `residual` of the equilibrium, `converged`.
    """

    test: Float[Array, "*batch"]
    train: Float[Array, "*batch"]
    bias: Float[Array, "*batch"]
    variance: Float[Array, "*batch"]
    data_variance: Float[Array, "*batch"]
    features_variance: Float[Array, "*batch"]
    noise: Float[Array, "*batch"]
    norm: Float[Array, "*batch"]
    amplification: Float[Array, "*batch"]
    df1: Float[Array, "*batch"]
    residual: Float[Array, "*batch"]
    converged: Bool[Array, "*batch"]


def augmented_modes(
    task: Task, augmentation: AbstractAugmentation | None, form: str | None = None, test_views: int | None = None
) -> tuple[AugmentedProblem, str, np.ndarray | None]:
    """The engine's view of `task` under `augmentation` (None: one clean view of each sample) at single strengths; the form
    used; replicates of sampled patterns.

    `form` "moment" or "pattern"; None takes the moment form where the augmentation declares that moments suffice.
    """
    if form not in (None, "moment", "pattern"):
        raise ValueError(f"form must be 'moment', 'pattern' or None, got {form!r}")
    own = None
    if augmentation is not None and isinstance(task.population, GaussianInputs):
        own = task.population.feature_law(augmentation)
    if augmentation is None:
        views, law, form = 1.0, ModeLaw.of(), "moment"
        made = moment_form(law, views)
    elif isinstance(augmentation, Mixup):
        views = float(augmentation.views)
        if form == "moment":
            raise ValueError(f"form='moment' is wrong for {type(augmentation).__name__}: mixed rows share training inputs")
        law, form = ModeLaw.of(), "pattern"
        replicates = 1 if np.isinf(views) else MIXING_REPLICATES
        size = 1 if np.isinf(views) else MIXING_SIZE
        made = mixing_form(np.stack([augmentation.sample_weights(seed, size) for seed in range(replicates)]))
    else:
        views = float(augmentation.views)
        law = own or augmentation.mode_law(task.spectrum.rank)
        form = form or ("moment" if augmentation.moments_suffice else "pattern")
        made = moment_form(law, views) if form == "moment" else pattern_form(law, views)
    nodes = mode_classes(task, law)
    basis = nodes.membership * nodes.eigenvalues
    if made.noisy:
        basis = np.concatenate([basis, nodes.membership * nodes.shape])
    signal = np.repeat([1.0, 0.0], [law.classes, basis.shape[0] - law.classes])
    test_gain, test_noise = signal, np.zeros_like(signal)
    if test_views is not None:
        test_gain, test_noise = averaged_test_views(law, float(test_views), made.noisy)
    by_group = np.tile(signal, (made.mass.size, 1))
    target = ModeTarget(nodes.power / nodes.eigenvalues, by_group, made.gain, made.label, signal, test_gain, test_noise)
    blocks, null = Blocks(made.mass, made.weight, made.covariance), nodes.null_power
    if np.isfinite(task.held_out_of):
        basis, blocks, target = held_out_views(basis, blocks, target, task.held_out_of, null, form)
        null = np.zeros_like(null)
    problem = AugmentedProblem(DiagonalOperators(basis, nodes.multiplicity), blocks, target, null)
    return jax.device_put(jax.tree.map(lambda leaf: np.asarray(leaf, np.float64), problem)), form, made.replicate


def resampled(problem: AugmentedProblem, resampling: AbstractResampling) -> AugmentedProblem:
    """The problem of one bag: each sample is drawn as often as `resampling` says.

    Derived: a sample drawn m times weighs m times as much.
    """
    return _resampled(problem, *resampling.draws())


@program
def _resampled(problem: AugmentedProblem, draws: Array, probabilities: Array) -> AugmentedProblem:
    blocks = problem.blocks.resampled(draws, probabilities)
    return replace(problem, blocks=blocks, target=problem.target.repeated(draws.size))


@needs_double_precision
@partial(jax.jit, static_argnames="shared")
def augmented_risk(
    problem: AugmentedProblem, n: Any, features: Any = jnp.inf, ridge: Any = 0.0, noise: Any = 0.0, shared: str = "all"
) -> AugmentedRisk:
    """Risk of ridge regression on `n` augmented samples and `features` random features (inf: the full kernel).

    All four are scalars, traceable: jit, grad and vmap; `ridge` unnormalised, `noise` a variance.  Test risk on clean
    inputs (or averaged views, if `problem` was made with `test_views`).  Exact as n, features and modes grow together.
    At ridge 0 (or below 1e-100 of the kernel's trace) the limit from above, inf where it diverges.

    `shared` "samples" (or "features"): the mean product of the errors of two models that have these in common alone, as
    members of an ensemble; label noise belongs to the samples.  "population": of two that each draw samples of their own
    from one training set, for a `resampled` problem.

    Source: derived (the question is that of arXiv 2605.10290); see `rfgen.equivalents.augmented.blocks`,
    `block_equilibrium`, `block_error_kernel`.

    >>> import jax, rfgen
    >>> task = rfgen.Task.power_law(alpha=1.5, beta=1.5, noise=0.5, modes=2000)
    >>> with jax.enable_x64(True):
    ...     problem, form, _ = augmented_modes(task, rfgen.Mask(0.5, views=4))
    ...     point = augmented_risk(problem, n=256, features=1000, ridge=0.1, noise=0.5)
    >>> form, round(float(point.test), 6)
    ('moment', 1.253737)
    """
    n, features, ridge, noise = (jnp.asarray(value, dtype=jnp.float64) for value in (n, features, ridge, noise))
    blocks = problem.blocks.of_samples(n)
    at = block_equilibrium(problem.operators, blocks, features, ridge / n)
    mean = problem.target.mean_fit(problem.operators, blocks, at, at)
    unit = problem.target.label[:, :, None] * problem.target.label[:, None]
    traces = (problem.operators.pair(at.resolvent, at.resolvent), problem.operators.plain(at.resolvent, at.resolvent))
    kernel = block_error_kernel(*traces, blocks, at, at, features, mean.residuals, unit, mean.norm, shared)
    if isinstance(problem.target, HeldOutTarget):
        weights = problem.target.mean(problem.operators, blocks, at)
        missed, spread = at_clean_points(
            problem.operators, blocks, problem.target, at, at, (weights, weights), mean.residuals, kernel.spread, shared
        )
    else:
        missed, spread = mean.bias, kernel.spread @ problem.target.test
    amplification = 1.0 + spread[1]
    diverges = at.vanishing & ~((amplification < DIVERGENT) & (amplification >= 0.0))
    null = problem.null_power

    def limit(value: Array, source: Array) -> Array:
        # what the ridge that stands for 0 leaves of a source is none
        return jnp.where(diverges, jnp.where(source <= 1e-30 * (bias + noise), 0.0, jnp.inf), value)

    bias = missed + null
    data, from_features = spread[0] + null * spread[1], spread[2]
    noise_part = noise * amplification
    data, from_features, noise_part = limit(data, bias), limit(from_features, mean.norm), limit(noise_part, noise)
    variance = data + from_features
    sources = jnp.array([1.0, 0.0, 1.0]) + (null + noise) * jnp.array([0.0, 1.0, 0.0])
    train, norm = jnp.sum(kernel.train @ sources), kernel.norm @ sources
    test = bias + variance + noise_part
    # the ridge that stands for 0 leaves 1e-60 of it at an interpolating point
    train = jnp.where(at.vanishing & (diverges | (train < 1e-30 * test)), 0.0, train)
    return AugmentedRisk(
        test=test, train=train, bias=bias, variance=variance,
        data_variance=data, features_variance=from_features, noise=noise_part,
        norm=jnp.where(diverges, jnp.inf, norm), amplification=jnp.where(diverges, jnp.inf, amplification), df1=at.df1,
        residual=at.residual, converged=at.converged,
    )


def held_out_views(
    basis: np.ndarray, blocks: Blocks, target: ModeTarget, examples: Any, null: Any, form: str
) -> tuple[np.ndarray, HeldOutBlocks, ModeTarget]:
    """Basis, blocks and target of the moment form of one class of modes, for rows of `examples`; `null`: unlearnable power.

    A view is gain x + noise, the gain alike for all modes: rows are counted in units of gain x, so that training sees x and
    tests are made from x/gain.  What the noise has in proportion to the second moment of x is an operator of its own: it is
    drawn anew for each row, x is not.  Equations: see `rfgen.equivalents.augmented.held_out_blocks`.

    Raises: ValueError for another `form`, or more than one class, which the derivation does not cover.
    """
    covariance, gain = blocks.covariance, target.gain
    if form == "moment" and not gain.any():
        raise ValueError("augmentation must keep something of rows drawn without replacement, got views that are zero")
    if form != "moment" or np.sum(target.signal[0]) != 1.0 or not gain[0, 0, 0] > 0.0:
        raise ValueError(
            "augmentation must change all modes alike and independently for rows drawn without replacement: make the task "
            "with sampling='with replacement'"
        )
    scale = gain[0, 0, 0]
    noise = covariance[:, 0, 0] - np.array([[scale**2], [0.0]]) * target.signal[0]
    kept = noise.any(axis=0) | (target.test_noise > 0.0)
    basis = np.concatenate([scale**2 * basis[:1], basis[kept]])
    # own parts, their noise, fluctuations of the views
    rows = np.concatenate([np.zeros((1, kept.sum())), noise[:, kept]])
    own = np.array([1.0, 0.0, 0.0])
    made = HeldOutBlocks(
        blocks.mass[[0, 0, 1]], blocks.weight[[0, 0, 1]], np.concatenate([own[:, None], rows], axis=1)[:, None, None],
        examples=np.float64(examples),
    )
    first = np.eye(1, basis.shape[0])[0]
    return basis, made, ModeTarget(
        target.weights_squared / scale**2, np.tile(first, (3, 1)), (own[:, None] * first)[:, None],
        target.label[[0, 1, 1]] * own[:, None], first, first * (target.test_gain[0] / scale),
        np.concatenate([[0.0], target.test_noise[kept]]), null,
    )
