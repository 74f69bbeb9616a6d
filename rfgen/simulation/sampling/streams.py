"""Fresh samples without end: what a learner sees of them at each step of one pass."""

__all__ = ["Stream", "stream", "stream_directions", "unresolved_modes"]

from dataclasses import field
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from rfgen.numerics.compilation.record import record
from rfgen.simulation.sampling.samplers import FiniteSampler, GaussianSampler, standard_normals


@record
class Stream:
    """The samples of one trial, as the learner sees them up to a rotation: their second moment is diagonal.

    `scale` (directions,): root second moments; `slope` (outputs, directions): weights of the best predictor; `outside`
    (outputs,): variance of what it misses.  `lift` (modes, columns) takes weights to the coefficients of their
    predictions in the modes; None: they are `scale` times the weights.  `white` (): variance per squared weight of
    predictions on unresolved modes.  `hidden`: the last so many directions have a part in gradients and norm alone.
    `mapped`: rows are modes, so that they can be seen in views, which `features` takes to the directions of weights.
    """

    scale: Float[Array, "*runs directions"]
    slope: Float[Array, "*runs outputs directions"]
    outside: Float[Array, "*runs outputs"]
    lift: Float[Array, "*runs modes columns"] | None
    white: Float[Array, "*runs"]
    hidden: int = field(metadata={"static": True})
    mapped: bool = field(default=False, metadata={"static": True})

    @property
    def directions(self) -> int:
        """Number of directions of the weights."""
        return self.lift.shape[-1] if self.mapped and self.lift is not None else self.scale.shape[-1]

    def features(self, rows: Array) -> Array:
        """What weights see of rows (rows, modes)."""
        return rows @ self.lift if self.mapped and self.lift is not None else rows

    def batch(self, key: Array, t: Array, source: GaussianSampler | FiniteSampler, size: int) -> tuple[Array, Array, Array]:
        """Step t's rows (size, directions), targets and standard normals for the label noise (size, outputs) each.

        `key` is the trial's; the first samples are the same whatever the size.
        """
        key = jax.random.fold_in(key, t + 1)  # 0 is the features'
        (outputs, directions), dtype = self.slope.shape, self.scale.dtype
        if isinstance(source, FiniteSampler):
            which, key = jax.random.split(key)
            drawn = jax.random.randint(which, (size,), 0, source.labels.shape[0], dtype=jnp.int32)
            rows = source.coordinates[drawn].astype(source.scale.dtype)
            rows = rows if self.lift is None or self.mapped else (rows / source.scale) @ self.lift
            return rows, source.labels[drawn], _normals(key, dtype, size, outputs)
        normals = _normals(key, dtype, size, directions + 2 * outputs)
        rows = normals[:, :directions] * self.scale
        missed, errors = normals[:, directions : directions + outputs], normals[:, directions + outputs :]
        return rows, rows @ self.slope.T + missed * jnp.sqrt(self.outside), errors

    def seen(self, values: Array) -> Array:
        """Those directions that predictions see, of (..., directions)."""
        return values if self.mapped else values[..., : self.scale.size - self.hidden]

    def predictions(self, weights: Array) -> Array:
        """Coefficients (..., modes) of the predictions of weights (..., directions)."""
        if self.lift is None:
            return self.seen(weights * self.scale)
        return weights @ self.lift.T * (self.scale if self.mapped else 1.0)


def _normals(key: Array, dtype: Any, rows: int, columns: int) -> Array:
    # single draws cast, as all normals of the samplers
    return jax.random.normal(key, (rows, columns), dtype=jnp.float32).astype(dtype)


def unresolved_modes(source: Any) -> bool:
    """Whether a source has modes beyond those it draws."""
    return isinstance(source, GaussianSampler) and float(source.tail) > 0


def stream_directions(source: GaussianSampler | FiniteSampler, features: int | None, unresolved: bool) -> int:
    """Number of directions of a stream; `unresolved` as of `unresolved_modes`."""
    if features is None:
        return source.modes + unresolved
    return features if unresolved else min(features, source.modes)


def stream(
    key: Array, source: GaussianSampler | FiniteSampler, features: int | None, unresolved: bool, mapped: bool = False
) -> Stream:
    """The samples themselves, or Gaussian random features of them, `z = x F / sqrt(features)`; `key` is the trial's.

    Given F, features z of Gaussian x and the target are jointly Gaussian: drawn as such, in the eigenvectors of the second
    moment of z.  Unresolved modes add white noise to the features.  In the kernel they are orthogonal from sample to
    sample, so that predictions never see their weights: one direction has as many squared weights in the mean.
    """
    source = jax.tree.map(jnp.asarray, source)
    scale, truth, dtype = source.scale, source.coefficients, source.scale.dtype
    tail = source.tail if isinstance(source, GaussianSampler) else jnp.zeros((), dtype)
    if features is None:
        slope, hidden = truth / scale, int(unresolved)
        scale = jnp.concatenate([scale, jnp.sqrt(tail)[None]]) if hidden else scale
        slope = jnp.pad(slope, ((0, 0), (0, hidden)))
        return Stream(scale, slope, source.floor, None, jnp.zeros((), dtype), hidden)
    (mixing,) = standard_normals(jax.random.fold_in(key, 0), dtype, (scale.size, features))
    if mapped:
        lift, none = mixing / jnp.sqrt(jnp.asarray(features, dtype)), jnp.zeros((), dtype)
        return Stream(scale, truth / scale, source.floor, lift, none, 0, mapped=True)
    mixing, white = mixing * scale[:, None] / jnp.sqrt(jnp.asarray(features, dtype)), tail / features
    if features <= scale.size or unresolved:
        values, vectors = jnp.linalg.eigh(mixing.T @ mixing)
        lift, values = mixing @ vectors, jnp.maximum(values, 0.0) + white
    else:  # the directions that no mode reaches are never seen
        values, vectors = jnp.linalg.eigh(mixing @ mixing.T)
        values = jnp.maximum(values, 0.0)
        lift = vectors * jnp.sqrt(values)
    kept = values > max(mixing.shape) * jnp.finfo(dtype).eps * values[-1]
    values, lift = jnp.where(kept, values, 0.0), jnp.where(kept, lift, 0.0)
    slope = (truth @ lift) / jnp.where(kept, values, 1.0)
    missed = jnp.sum(truth * truth, axis=-1) - jnp.sum(slope * slope * values, axis=-1)
    return Stream(jnp.sqrt(values), slope, source.floor + jnp.maximum(missed, 0.0), lift, white, 0)
