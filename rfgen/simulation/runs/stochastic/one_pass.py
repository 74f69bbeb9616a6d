"""Measured risk along one pass: fresh samples at every step, many runs side by side.

Runs come in pairs as in `risk`.  The labels' signal and noise are trained by the same samples, to which the weights are
linear in the labels; all settings of a training but the batch size share them too.
"""

__all__ = [
    "OnePassMeasures", "OnePassSettings", "mode_errors", "one_pass", "one_pass_bytes", "one_pass_settings",
    "pairs_together",
]

import math
from collections.abc import Callable
from dataclasses import field
from functools import partial
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from rfgen.numerics.compilation.record import record
from rfgen.problems.trainings.stochastic import DANA, AcceleratedSGD, OnePassSGD
from rfgen.simulation.arrays import Array
from rfgen.simulation.devices import over_devices
from rfgen.simulation.fits.descent_steps import STEPS, require_few_steps
from rfgen.simulation.sampling.fresh_views import base_of, fresh_views, mixes_in_batch, partners_of, views_of
from rfgen.simulation.sampling.samplers import FiniteSampler, GaussianSampler
from rfgen.simulation.sampling.streams import Stream, stream, stream_directions, unresolved_modes
from rfgen.simulation.sampling.views import AugmentedSampler

# Numbers that a step of all runs in a batch of runs holds: within the second-level cache, far above the cost of a step.
NUMBERS = 200_000
# The first weights are drawn with a key of their own.
INITIAL = 0x77656967
Source: TypeAlias = GaussianSampler | FiniteSampler | AugmentedSampler


@record
class OnePassSettings:
    """Settings of a training on fresh samples, all but batch size and clock as one dimension.

    `values`: (settings, steps) each, or (settings, 1) for what does not change; `window` (settings,), where averages
    start, or None; `clock` (times,) in ascending order and `place` (times,), which leads back to the order given.  `shape`:
    how many settings vary before and after the batch size, in the order of the training's axes.  `batches` (sizes,);
    `rows`: those that a step draws, at least the largest batch, so that many sizes share a program.  `initial`:
    deviation of each weight at the start, None: 0.
    """

    values: dict[str, Any]
    window: Any
    clock: Any
    place: Any
    batches: Any
    rows: int = field(metadata={"static": True})
    shape: tuple[int, int] = field(metadata={"static": True})
    kind: str = field(metadata={"static": True})
    initial: Any = None

    @property
    def together(self) -> int:
        """Number of settings that share a run's samples."""
        return self.shape[0] * self.shape[1]

    @property
    def settings(self) -> int:
        """Number of settings."""
        return self.together * self.batches.size * self.clock.size


@record
class OnePassMeasures:
    """As `PairMeasures`, without the training error, as there is no training set."""

    test: Float[Array, "pairs 2 settings outputs"]
    signal: Float[Array, "pairs 2 settings outputs"]
    noise: Float[Array, "pairs 2 settings outputs"]
    norm: Float[Array, "pairs 2 settings outputs"]
    bias: Float[Array, "pairs settings outputs"]


def one_pass_settings(training: OnePassSGD | AcceleratedSGD | DANA, dtype: Any) -> OnePassSettings:
    """The settings of a training on the device as `dtype`."""
    axes = {name: np.atleast_1d(values) for name, values in training.axes.items()}
    require_few_steps(axes["steps"])
    steps, batches, window = axes.pop("steps"), axes.pop("batch"), axes.pop("average_from", None)
    if isinstance(training, OnePassSGD) and not callable(training.momentum):
        axes["momentum"] = np.atleast_1d(training.momentum)
    windows = np.zeros(1, np.int64) if window is None else window
    mesh = np.meshgrid(*axes.values(), windows, indexing="ij")
    values = {name: part.reshape(-1, 1) for name, part in zip(axes, mesh, strict=False)}
    values |= {name: part[None] for name, part in training.schedules(max(int(steps.max()), 1)).items()}
    order, start = np.argsort(steps, kind="stable"), None
    if training.initial_variance > 0.0:
        start = jnp.asarray(np.sqrt(training.initial_variance), dtype)
    return OnePassSettings(
        {name: jnp.asarray(part, dtype) for name, part in values.items()},
        None if window is None else jnp.asarray(mesh[-1].ravel(), jnp.int32), jnp.asarray(steps[order], jnp.int32),
        jnp.asarray(np.argsort(order), jnp.int32), jnp.asarray(batches, jnp.int32), _rows(int(batches.max())),
        (math.prod(axis.size for axis in axes.values()), windows.size), training.kind, start,
    )


def _rows(batch: int) -> int:
    """The next of 1, 2, 3, 4, 6, 8, 12, 16, ...: at most a third too many."""
    power = 1 << (batch - 1).bit_length()
    return 3 * power // 4 if power >= 4 and batch <= 3 * power // 4 else power


def pairs_together(settings: OnePassSettings, source: Any, features: int | None, outputs: int) -> int:
    """Pairs of runs for which a step is worth its overhead and stays in cache, a power of two."""
    columns = settings.rows * views_of(source) + settings.batches.size * settings.together * outputs
    size = NUMBERS // (2 * columns * stream_directions(base_of(source), features, unresolved_modes(source)))
    return 1 << max(0, size.bit_length() - 1)


def one_pass_bytes(settings: OnePassSettings, source: Any, features: int | None, outputs: int, itemsize: int) -> int:
    """Largest arrays of one trial: two sequences, averages and gradients of weights, a batch, errors in modes, features."""
    directions = stream_directions(base_of(source), features, unresolved_modes(source))
    batch, columns = settings.rows * views_of(source), settings.batches.size * settings.together * 2 * outputs
    weights = columns * (8 * directions + 4 * source.modes + 2 * batch)
    found = 6 * settings.settings * outputs + 4 * batch * max(directions, source.modes)
    mixing = 0 if features is None else source.modes * (2 * features + directions) + 3 * directions**2
    return itemsize * (weights + found + mixing)


def one_pass(
    source: Any, keys: Array, features: int | None, settings: OnePassSettings, noise: Float[Array, " outputs"],
    members: int = 1,
) -> OnePassMeasures:
    """Run two trials for each of `keys` (pairs, 2) through fresh samples; `features=None` is kernel regression.

    `source` is a sampler in eigen-coordinates, Gaussian or of real examples; where it is augmented, every sample is seen
    in fresh views, whose gradients are averaged.  Members of an ensemble see the same samples in the same views, with
    features and first weights of their own.
    """
    found = _over_batches(_measures, source, keys, features, settings, noise, unresolved_modes(source), members)
    return OnePassMeasures(**found)


def mode_errors(
    source: Any, keys: Array, features: int | None, settings: OnePassSettings, noise: Float[Array, " outputs"]
) -> dict[str, Array]:
    """Squared errors of the same runs mode by mode, `signal` and `noise` (pairs, 2, settings, outputs, modes) each.

    Sums over modes are those of `one_pass` but for the source's `floor`, the label noise and unresolved modes.
    """
    return _over_batches(_by_mode, source, keys, features, settings, noise, unresolved_modes(source))


@partial(jax.jit, static_argnames=("read", "features", "unresolved", "members"))
def _over_batches(
    read: Callable[..., dict[str, Array]], source: Source, keys: Array, features: int | None,
    settings: OnePassSettings, noise: Array, unresolved: bool, members: int = 1,
) -> dict[str, Array]:
    """What `read` finds, in the order of the training's axes: (pairs, [2,] settings, outputs, ...)."""
    # rows of a stream in its own directions are no other model's
    mapped = features is not None and (isinstance(source, AugmentedSampler) or members > 1)

    def every(keys: Array, source: Any, settings: OnePassSettings, noise: Array) -> list[dict[str, Array]]:
        own = keys if members == 1 else jax.vmap(lambda key: jax.random.split(key, members))(keys.ravel())
        own = own.reshape(*keys.shape[:-1], -1)
        # one after another: features of many runs at once would not fit
        streams = jax.lax.map(lambda key: stream(key, base_of(source), features, unresolved, mapped), own.ravel())
        streams = jax.tree.map(lambda leaf: leaf.reshape(*own.shape, *leaf.shape[1:]), streams)
        shared = jnp.repeat(keys, members, axis=-1)
        return jax.vmap(lambda two, one, seen: _follow(read, source, two, one, seen, settings, noise))(shared, own, streams)

    found = over_devices(every, keys, source, settings, noise)

    def arranged(*by_batch: Array) -> Array:
        every = jnp.stack(by_batch, axis=1)[:, :, settings.place]
        pairs, batches, times, _, *rest = every.shape
        every = every.reshape(pairs, batches, times, *settings.shape, *rest)
        every = jnp.moveaxis(every, (3, 1, 4, 2), (1, 2, 3, 4)).reshape(pairs, settings.settings, *rest)
        return every if len(rest) == 1 else jnp.swapaxes(every, 1, 2)

    return jax.tree.map(arranged, *found)


def _follow(
    read: Callable[..., dict[str, Array]], source: Source, keys: Array, own_keys: Array, streams: Stream,
    settings: OnePassSettings, noise: Array,
) -> list[dict[str, Array]]:
    """Two runs, or those of the members of two, for each batch size, read at every time of the clock: weights are
    (settings, 2 outputs, directions).

    A batch is the first samples of those drawn, by `keys`; `own_keys` are each model's.
    """
    outputs, directions, dtype = noise.size, streams.directions, streams.scale.dtype
    base = base_of(source)
    window = None if settings.window is None else settings.window[:, None, None]

    in_batch, views = mixes_in_batch(source), views_of(source)

    def drawn(key: Array, run: Stream, t: Array) -> tuple[Array, Array]:
        rows, targets, errors = run.batch(key, t, base, settings.rows)
        return rows, jnp.concatenate([targets, errors * jnp.sqrt(noise)], axis=1)

    def seen_by(key: Array, run: Stream, t: Array) -> list[tuple[Array, Array]]:
        """Rows and labels for each batch size, of which the first belong to the batch."""
        samples, apart = drawn(key, run, t), partners_of(source, key)
        if in_batch:  # each with the next, the last with the first
            after = jnp.arange(1, settings.rows + 1, dtype=jnp.int32)
            every = [
                fresh_views(source, key, t, *samples, tuple(part[jnp.where(after < size, after, 0)] for part in samples))
                for size in settings.batches
            ]
        else:
            others = samples if apart is None else drawn(apart, run, t)
            every = [fresh_views(source, key, t, *samples, others)] * settings.batches.size
        return [(run.features(rows), labels) for rows, labels in every]

    def descend(key: Array, run: Stream, t: Array, states: list[Any]) -> list[Any]:
        every = seen_by(key, run, t)
        now = {
            name: jax.lax.dynamic_index_in_dim(part, jnp.minimum(t, part.shape[1] - 1), 1)[:, :, None]
            for name, part in settings.values.items()
        }

        def gradient(at: Array, number: int) -> Array:
            (rows, labels), count = every[number], settings.batches[number] * views
            inside = jnp.arange(rows.shape[0], dtype=count.dtype) < count
            inside = inside.astype(dtype) / count.astype(dtype)
            return (run.seen(at) @ run.seen(rows).T - labels.T) * inside @ rows

        return [
            STEPS[settings.kind](now, state[0], state[1], partial(gradient, number=number))
            for number, state in enumerate(states)
        ]

    def step(t: Array, states: list[Any]) -> list[Any]:
        moved = jax.vmap(descend, (0, 0, None, 0))(keys, streams, t, [both for both, _ in states])
        if window is None:
            return [(both, None) for both in moved]
        return [
            (both, total + jnp.where(t + 1 >= window, both[0], 0.0))
            for both, (_, total) in zip(moved, states, strict=True)
        ]

    def advance(carry: tuple[Any, ...], until: Array) -> tuple[tuple[Any, ...], list[dict[str, Array]]]:
        t, states = carry
        states, found = jax.lax.fori_loop(t, until, step, states), []
        for (weights, _), total in states:
            if window is not None:
                count = jnp.maximum(until - window + 1, 1).astype(dtype)
                weights = jnp.where(until >= window, total / count, weights)
            found.append(read(base, streams, weights[:, :, :outputs], weights[:, :, outputs:], noise))
        return (until, states), found

    zeros = jnp.zeros((keys.size, settings.together, 2 * outputs, directions), dtype)
    begin = zeros
    if settings.initial is not None:
        own = jax.vmap(lambda key: jax.random.normal(jax.random.fold_in(key, INITIAL), (outputs, directions)))(own_keys)
        begin = zeros.at[:, :, :outputs].set(settings.initial * own.astype(dtype)[:, None])
    # the window holds the first iterate too, if it opens at once
    total = None if window is None else zeros + jnp.where(window == 0, begin, 0.0)
    state = ((begin, begin), total)
    start = (jnp.zeros((), settings.clock.dtype), [state] * settings.batches.size)
    return jax.lax.scan(advance, start, settings.clock)[1]


def _measures(
    source: GaussianSampler | FiniteSampler, streams: Stream, signal: Array, spurious: Array, noise: Array
) -> dict[str, Array]:
    """All measures of two runs, (settings, 2, outputs) each, `bias` (settings, outputs): of the mean of their members."""

    def means(values: Array) -> Array:
        return jnp.mean(values.reshape(2, -1, *values.shape[1:]), axis=1)

    missed, wrong = (means(jax.vmap(Stream.predictions)(streams, part)) for part in (signal, spurious))
    missed = missed - source.coefficients
    white = means(streams.white)[:, None, None]

    squares = [means(jnp.sum(part * part, axis=-1)) for part in (signal, spurious)]
    # members have no unresolved modes
    signal_error, noise_error = (
        jnp.sum(part * part, axis=-1) + white * square for part, square in zip((missed, wrong), squares, strict=True)
    )
    signal_error, noise_error = signal_error + source.floor, noise_error + noise
    # what is linear in the label noise is left out: the mean over that noise and its opposite
    norm = squares[0] + squares[1]
    found = {"test": signal_error + noise_error, "signal": signal_error, "noise": noise_error, "norm": norm}
    found = {name: jnp.swapaxes(part, 0, 1) for name, part in found.items()}
    found["bias"] = jnp.sum(missed[0] * missed[1], axis=-1) + source.floor
    # runs that have outgrown the floats
    return {name: jnp.where(jnp.isfinite(part), part, jnp.inf) for name, part in found.items()}


def _by_mode(
    source: GaussianSampler | FiniteSampler, streams: Stream, signal: Array, spurious: Array, noise: Array
) -> dict[str, Array]:
    """Squared errors of two runs (settings, 2, outputs, modes)."""
    del noise
    missed, wrong = (jax.vmap(Stream.predictions)(streams, part) for part in (signal, spurious))
    missed = missed - source.coefficients
    return {name: jnp.swapaxes(part * part, 0, 1) for name, part in (("signal", missed), ("noise", wrong))}
