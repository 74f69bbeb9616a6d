"""Mixtures of two inputs and labels of the training set; changes of the label alone.  Equations: theory (5.12), (5.13)."""

__all__ = ["CutMix", "LabelSmoothing", "Mixup"]

import math
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from rfgen.problems.augmentations.base import AbstractAugmentation, View
from rfgen.problems.augmentations.image import as_image, box
from rfgen.problems.augmentations.mode_law import ModeLaw
from rfgen.problems.rules import numbers, one_of, view_counts
from rfgen.problems.settings import setting
from rfgen.problems.validation import positive

# Nodes of the law of mixing weights: exact for polynomials up to degree 47.
WEIGHTS = 24


class Mixup(AbstractAugmentation):
    """`x -> w x + (1 - w) x_partner`, labels alike: `Mixup(concentration, views=1, partner="set")`.

    The weight w is drawn from Beta(concentration, concentration).  The partner is drawn uniformly from the training set;
    along one pass, which has none, it is the next sample of the batch, or with `partner="fresh"` one that nobody sees else.

    >>> Mixup(1.0, views=np.inf).sample_weights(0, 3).round(3).tolist()
    [0.667, 0.667, 0.667]
    """

    concentration: Any = setting(positive, axis=True)
    views: Any = setting(view_counts, default=1, axis=True)
    partner: str = setting(one_of("set", "fresh"), default="set")

    mixes: ClassVar[bool] = True

    def view(self, key: jax.Array, x: jax.Array, partner: jax.Array) -> View:
        """One mixture."""
        shape = jnp.asarray(self.concentration, x.dtype)
        weight = jax.random.beta(key, shape, shape, dtype=x.dtype)
        return View(weight * x + (1 - weight) * partner, own=weight, partner=1 - weight)

    def sample_weights(self, key_seed: int, size: int) -> np.ndarray:
        """Eigenvalues (size,) of B = A'A / views, where the rows of A hold the weights of the mixtures.

        Inputs and labels are mixed alike, so the objective on centred inputs is |A (Y - X w)|^2 / (views size) =
        (Y - X w)' B (Y - X w) / size.  Where rotations across the sample leave the law of (X, Y) as it is, only the
        spectrum of B counts: mixup weighs `size` rows by these eigenvalues (derived).  At views=inf, B is
        (a + 1) / (2 a + 1) times the identity, but for the direction of all ones: one in `size`.
        """
        a, views = float(self.concentration), float(self.views)
        if math.isinf(views):
            return np.full(size, (a + 1) / (2 * a + 1))
        from scipy import sparse
        from scipy.special import betaincinv

        rng = np.random.default_rng(key_seed)
        rows, own = np.arange(int(views) * size), np.tile(np.arange(size), int(views))
        # quantiles: the same draws at all concentrations, where those by rejection jump, and the best one with them
        weight, partner = betaincinv(a, a, rng.uniform(size=rows.size)), rng.integers(size, size=rows.size)
        entries = np.concatenate([weight, 1 - weight]), (np.tile(rows, 2), np.concatenate([own, partner]))
        mixtures = sparse.csr_array(entries, shape=(rows.size, size))  # adds up where a row is its own partner
        gram = (mixtures.T @ mixtures).toarray() / views
        return np.maximum(np.linalg.eigvalsh(gram), 0.0)

    def law_of_one(self) -> ModeLaw:
        """The law of one mixture of two samples that nobody sees else: both, and their labels, times one factor.

        Given w a mixture is Gaussian with the samples' covariance times w^2 + (1 - w)^2, whose root is the factor; w by
        Gauss-Jacobi quadrature.
        """
        from scipy.special import roots_jacobi

        power = float(self.concentration) - 1.0
        nodes, weights = roots_jacobi(WEIGHTS, power, power)
        factor = np.sqrt((1.0 + nodes**2) / 2.0)
        none = np.zeros((WEIGHTS, 1))
        return ModeLaw(weights / weights.sum(), factor[:, None], none, none, factor)

    @property
    def weight_moments(self) -> tuple[float, float]:
        """E w^2 and E w (1 - w)."""
        a = float(self.concentration)
        return (a + 1.0) / (2.0 * (2.0 * a + 1.0)), a / (2.0 * (2.0 * a + 1.0))

    def mode_law(self, modes: float) -> ModeLaw:
        """None: views of different samples depend on each other; `sample_weights` takes its place."""
        raise ValueError("Mixup cannot be part of a composition on eigen-coordinates: use it alone, or with rg.DataTask")


class CutMix(AbstractAugmentation):
    """A box of another image pasted in, at a uniform position on the torus: `CutMix(concentration, views=1)`.

    Its area is a fraction 1 - l of the image, l from Beta(concentration, concentration), rounded to pixels; labels are
    weighed by the pixels.

    >>> CutMix(1.0).mixes
    True
    """

    concentration: Any = setting(positive, axis=True)
    views: Any = setting(view_counts, default=1, axis=True)

    mixes: ClassVar[bool] = True

    def view(self, key: jax.Array, x: jax.Array, partner: jax.Array) -> View:
        """One mixture."""
        image, shape = as_image(self, x), jnp.asarray(self.concentration, x.dtype)
        drawn, placed = jax.random.split(key)
        side = jnp.sqrt(1 - jax.random.beta(drawn, shape, shape, dtype=x.dtype))
        height, width = (jnp.round(side * length).astype(jnp.int32) for length in image.shape[:2])
        pasted = box(placed, image.shape, height, width)
        share = jnp.mean(pasted.astype(x.dtype))
        return View(jnp.where(pasted, as_image(self, partner), image).reshape(x.shape), own=1 - share, partner=share)


class LabelSmoothing(AbstractAugmentation):
    """`y -> (1 - amount) y + amount center`, inputs unchanged: `LabelSmoothing(amount, views=1, center=0.0)`.

    >>> LabelSmoothing(0.1).mode_law(10).label.tolist()
    [0.9]
    """

    amount: Any = setting(numbers("[0, 1]"), axis=True)
    views: Any = setting(view_counts, default=1, axis=True)
    center: Any = setting(numbers(ndim=0), default=0.0)

    moments_suffice = True

    def view(self, key: jax.Array, x: jax.Array, partner: jax.Array) -> View:
        """The input with a smoothed label."""
        del key, partner
        return View(x, own=jnp.asarray(1.0 - self.amount, x.dtype), offset=jnp.asarray(self.amount * self.center, x.dtype))

    def mode_law(self, modes: float) -> ModeLaw:
        """A factor on the label."""
        del modes
        if self.center != 0 and self.amount > 0:
            raise ValueError(f"center must be 0 with a Task, whose labels are centred, got {self.center:g}")
        return ModeLaw.of(label=1.0 - self.amount)
