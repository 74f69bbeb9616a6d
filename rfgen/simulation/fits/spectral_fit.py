"""Fits of one training set at many settings of a training, from one eigendecomposition.

Every training of `spectral_filters` is diagonal in the singular directions of the rows, and a thousand settings move in the
same few: a fit is a basis of weights, common to all settings, and coordinates in it.
"""

__all__ = ["InitialWeights", "SpectralFit", "both_parts", "fit_spectrally"]

from dataclasses import dataclass
from typing import Any

from jaxtyping import Float

from rfgen.numerics.compilation.record import record
from rfgen.simulation.arrays import Array, eigh, namespace
from rfgen.simulation.fits.ridge_fit import draw_features
from rfgen.simulation.fits.spectral_filters import Filters, respond
from rfgen.simulation.random_numbers import standard_normals
from rfgen.simulation.sampling.samplers import Sample


@record
class InitialWeights:
    """Standard deviation of the weights before training, () or (modes,), and what the unresolved modes' weights amount to.

    `tail` (): the variance that they give to a prediction; `tail_norm` (): the sum of their squares.
    """

    deviation: Any
    tail: Any
    tail_norm: Any


@record
class SpectralFit:
    """Weights `signal`, of the signal labels and the initial weights, and `noise`, as coordinates in `basis`.

    `train`: summed squared residual on the training rows; `norm`: squared weights, of signal plus those of noise.
    `tail` (): variance per squared trained weight of predictions on unresolved modes; `tail_start`: what is left there of
    the initial weights.  `growth`: the largest factor on any initial weight; settings beyond the floats hold 0 or NaN.
    `residuals` of signal, then of noise, on the training rows, empty where nobody asks.
    """

    basis: Float[Array, "modes rank"]
    signal: Float[Array, "settings outputs rank"]
    noise: Float[Array, "settings outputs rank"]
    train: Float[Array, "settings outputs"]
    norm: Float[Array, "settings outputs"]
    tail: Float[Array, ""]
    tail_start: Float[Array, " settings"]
    growth: Float[Array, " settings"]
    residuals: Float[Array, "settings columns n"]


@dataclass(frozen=True)
class _Directions:
    """Singular directions of `design` (n, p) from the eigenvectors of its smaller Gram matrix.

    Directions below rounding are taken as null: `inverse`, one over the singular value `root`, is 0 there.
    """

    design: Array
    vectors: Array
    root: Array
    inverse: Array

    @classmethod
    def of(cls, design: Array) -> "_Directions":
        (n, p), xp = design.shape, namespace(design)
        values, vectors = eigh(design @ design.T if n <= p else design.T @ design)
        kept = values > max(n, p) * xp.finfo(design.dtype).eps * values[-1]
        root = xp.sqrt(xp.where(kept, values, 0.0))
        return cls(design, vectors, root, xp.where(kept, 1.0 / xp.where(kept, root, 1.0), 0.0))

    @property
    def wide(self) -> bool:
        return self.design.shape[0] <= self.design.shape[1]

    def left(self, columns: Array) -> tuple[Array, Array]:
        """Coordinates of `columns` (c, n) in the left directions, and what these do not span."""
        if self.wide:
            return columns @ self.vectors, namespace(columns).zeros_like(columns)
        inside = ((columns @ self.design) @ self.vectors) * self.inverse
        return inside, columns - ((inside * self.inverse) @ self.vectors.T) @ self.design.T

    def from_left(self, inside: Array) -> Array:
        """Columns (..., n) with the coordinates `inside` in the left directions."""
        if self.wide:
            return inside @ self.vectors.T
        return ((inside * self.inverse) @ self.vectors.T) @ self.design.T

    def right(self, weights: Array) -> tuple[Array, Array | None]:
        """The same of `weights` (c, p) in the right directions, which span all where the design is not wide: None."""
        if not self.wide:
            return weights @ self.vectors, None
        inside = ((weights @ self.design.T) @ self.vectors) * self.inverse
        return inside, weights - ((inside * self.inverse) @ self.vectors.T) @ self.design

    def lift(self, mix: Array | None) -> Array:
        """Right directions (p, m) times `mix` (m, rank), None for themselves."""
        if not self.wide:
            return self.vectors if mix is None else self.vectors @ mix
        scaled = self.vectors * self.inverse
        return self.design.T @ (scaled if mix is None else scaled @ mix)


@dataclass(frozen=True)
class _Trained:
    """Trained weights in the directions of the design: coordinates (settings, outputs, directions), of signal and noise.

    `extra` (p, more) are directions that only the initial weights have, after the design's own; `at_rest` (settings,) is
    what training leaves of weights that no row sees; `growth` as in `SpectralFit`.
    """

    directions: _Directions
    extra: Array | None
    signal: Array
    noise: Array
    train: Array
    norm: Array
    at_rest: Array
    growth: Array
    residuals: Array

    def reduced(self, columns: int) -> tuple[Array, Array, Array]:
        """Orthonormal basis (p, rank) and coordinates in it; `columns` fits, if these are fewer, span it themselves."""
        (count, outputs, rank), xp = self.signal.shape, namespace(self.signal)
        own, mix = self.directions.root.size, None
        signal, noise = self.signal, self.noise
        if columns < rank:
            mix, every = xp.linalg.qr(xp.concatenate([signal, noise], axis=1).reshape(columns, rank).T)
            both = every.T.reshape(count, 2 * outputs, columns)
            signal, noise = both[:, :outputs], both[:, outputs:]
        if mix is None:
            basis = self.directions.lift(None)
            return (basis if self.extra is None else xp.concatenate([basis, self.extra], axis=1)), signal, noise
        basis = self.directions.lift(mix[:own])
        return (basis if self.extra is None else basis + self.extra @ mix[own:]), signal, noise


def _train(
    design: Array, labels: Array, filters: Filters, n: int, tail: Array, start: Array | None, unseen: Array | None,
    unseen_norm: Array, with_residuals: bool,
) -> _Trained:
    """Train from the weights `start` (outputs, p) on `design` (rows, p), beside weights that add `tail` to its kernel.

    `unseen` (outputs, rows) are the values at the rows that those weights start with, `unseen_norm` their squares; the
    residuals are left empty if not `with_residuals`.
    """
    directions, xp = _Directions.of(design), namespace(design)
    root, outputs = directions.root, labels.shape[1] // 2
    values = root * root + tail
    response = respond(filters, xp.concatenate([values, tail[None], xp.zeros_like(tail)[None]]), n)
    growth = xp.max(xp.abs(response.survival), axis=1)
    # beyond this squares overflow, and one infinite setting would spoil the basis for all
    tame = (growth < xp.finfo(root.dtype).max ** 0.4)[:, None]  # False for NaN
    gains, survival, residual = (
        xp.where(tame, part, 0.0) for part in (response.gains, response.survival, response.residual)
    )
    at_rest = survival[:, -1]
    # the last but one value is that of the rows' complement in the left directions
    gains, gain_apart = gains[:, None, :-2], gains[:, -2, None]
    survival, survival_apart = survival[:, None, :-2], survival[:, -2, None]
    residual, residual_apart = residual[:, None, :-2], residual[:, -2, None]
    inside, apart = directions.left(labels.T)
    trained, dual, misfit, extra = root * gains * inside, gains * inside, residual * inside, None
    train, tail_dual = (part**2 * xp.sum(apart * apart, axis=-1) for part in (residual_apart, gain_apart))
    left_out = residual_apart[..., None] * apart
    norm = xp.zeros((), root.dtype)
    if start is not None:
        own, alone = directions.right(start)
        there = start @ design.T if unseen is None else start @ design.T + unseen
        own, seen, seen_apart = (_beside_noise(part) for part in (own, *directions.left(there)))
        lost = (at_rest[:, None, None] - survival) * _inverse(values)
        trained = trained + at_rest[:, None, None] * own - root * lost * seen
        dual, misfit = dual - lost * seen, misfit - survival * seen
        lost_apart = (at_rest[:, None] - survival_apart) * _inverse(tail)
        square, cross = xp.sum(seen_apart * seen_apart, axis=-1), xp.sum(seen_apart * apart, axis=-1)
        left_out = left_out - survival_apart[..., None] * seen_apart
        train = train - 2 * residual_apart * survival_apart * cross + survival_apart**2 * square
        tail_dual = tail_dual - 2 * gain_apart * lost_apart * cross + lost_apart**2 * square
        if unseen is not None:
            unseen_inside, unseen_apart = (_beside_noise(part) for part in directions.left(unseen))
            overlap = xp.sum(dual * unseen_inside, axis=-1) + gain_apart * xp.sum(apart * unseen_apart, axis=-1)
            overlap = both_parts(overlap - lost_apart * xp.sum(seen_apart * unseen_apart, axis=-1))
            kept = at_rest[:, None]
            norm = xp.where(kept != 0, kept**2 * unseen_norm + 2 * kept * overlap, 0.0)  # infinite for infinitely many
        if alone is not None:
            extra, sizes = xp.linalg.qr(alone.T)
            trained = xp.concatenate([trained, at_rest[:, None, None] * _beside_noise(sizes.T)], axis=-1)
    train = both_parts(train + xp.sum(misfit * misfit, axis=-1))
    norm = norm + both_parts(xp.sum(trained * trained, axis=-1) + tail * (tail_dual + xp.sum(dual * dual, axis=-1)))
    residuals = xp.zeros((*trained.shape[:2], 0), train.dtype)
    if with_residuals:
        residuals = directions.from_left(misfit) + left_out
    signal, noise = trained[:, :outputs], trained[:, outputs:]
    return _Trained(directions, extra, signal, noise, train, norm, at_rest, growth, residuals)


def both_parts(squares: Array) -> Array:
    """Squares of the signal (settings, outputs) plus those of the noise, from (settings, 2 outputs): what is linear in the
    noise has mean 0 and is left out.
    """
    outputs = squares.shape[1] // 2
    return squares[:, :outputs] + squares[:, outputs:]


def _beside_noise(signal: Array) -> Array:
    """Of the first weights, which the noise (columns after those of the signal) has none of."""
    xp = namespace(signal)
    return xp.concatenate([signal, xp.zeros_like(signal)])


def _inverse(values: Array) -> Array:
    """One over `values`, 0 where they are 0."""
    xp = namespace(values)
    return xp.where(values > 0, 1.0 / xp.where(values > 0, values, 1.0), 0.0)


def fit_spectrally(
    key: Any, sample: Sample, labels: Array, filters: Filters, n: int, features: int | None, start_key: Any,
    initial: InitialWeights | None, with_residuals: bool = False,
) -> SpectralFit:
    """Train on `labels` (rows, 2 outputs), signal before noise, by kernel regression or on random features.

    In the kernel the unresolved tail acts by its trace on the diagonal, in law up to its squared eigenvalues.  Residuals
    are left empty unless asked for: they cost a product for each setting.
    """
    xp, dtype, outputs = namespace(sample.rows), sample.rows.dtype, labels.shape[1] // 2
    (count, modes), columns = sample.rows.shape, filters.settings * labels.shape[1]
    zero, start, unseen = xp.zeros((), dtype), None, None
    if features is None:
        if initial is not None:
            weights, unresolved = standard_normals(start_key, dtype, (outputs, modes), (outputs, count))
            start, unseen = weights * initial.deviation, unresolved * xp.sqrt(initial.tail)
        unseen_norm = zero if initial is None else initial.tail_norm
        fit = _train(sample.rows, labels, filters, n, sample.tail, start, unseen, unseen_norm, with_residuals)
        basis, signal, noise = fit.reduced(columns)
        tail_start = xp.zeros_like(fit.at_rest) if initial is None else fit.at_rest**2 * initial.tail
        return SpectralFit(basis, signal, noise, fit.train, fit.norm, zero, tail_start, fit.growth, fit.residuals)
    if initial is not None:
        (weights,) = standard_normals(start_key, dtype, (outputs, features))
        start = weights * initial.deviation
    rank = min(count, features)
    if start is not None and count <= features:  # initial weights leave the span of the rows
        rank += min(outputs, features)
    design, lift = draw_features(key, sample, features, min(columns, rank))
    fit = _train(design, labels, filters, n, zero, start, None, zero, with_residuals)
    basis, signal, noise = fit.reduced(columns)
    return SpectralFit(
        lift(basis), signal, noise, fit.train, fit.norm, xp.asarray(sample.tail / features), xp.zeros_like(fit.at_rest),
        fit.growth, fit.residuals,
    )
