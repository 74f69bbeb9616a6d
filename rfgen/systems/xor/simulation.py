"""Two-layer ReLU networks trained on XOR clusters, and measured.  The Monte-Carlo twin of `rfgen.systems.xor.theory`
and `rfgen.systems.xor.theory`.

Two exact reductions make a trial cheap, whatever the dimension.

1. Only inner products of points and initial weights enter, and Gaussian weights look the same from every side.  So N points
   in dim > N dimensions are drawn as their triangular factor (Bartlett): outside the plane of the clusters row i has i
   normal coordinates and one of length chi with dim - 2 - i degrees of freedom.  Weights are needed in these N + 2
   coordinates only.
2. Training adds combinations of the training rows X to the weights, W = W0 + C'X, so that the preactivations of the rows
   are X W0' + (X X') C: one product of n x n by n x width a step, where weights of full size take two of n x dim x width.
   C is kept, not the sum, so that rounding does not pile up.  Test points are visited at recorded steps only.

Everything is in single precision: a relative error of 1e-6 (1e-3 where an accelerator multiplies in TF32) moves a
preactivation by far less than the draws differ.
"""

__all__ = ["NeuronPaths", "XORNetworkRuns", "neuron_paths", "trial_bytes", "xor_network_runs"]

from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from rfgen.numerics.compilation.at_points import in_batches
from rfgen.numerics.compilation.precision import double_precision
from rfgen.numerics.compilation.record import record
from rfgen.problems import validation
from rfgen.systems.xor.problem import TwoLayerReLU, XORClusters

# Fresh points of each trial, equally many of each cluster.
TEST_POINTS = 1000
# Bytes of the trials that an accelerator runs side by side, 2 GiB; a processor runs one after another.
HELD = 2**31


@dataclass(frozen=True)
class XORNetworkRuns:
    """Measures of every trial at the recorded steps, numpy arrays (trials, steps); `steps` (recorded,).

    `train_accuracy`: share of training rows on the side of their training label; `test_accuracy`: share of fresh points on
    the side of their true class; `flips_fitted`: share of the wrongly labelled rows on the side of their wrong label, NaN
    in trials that have none.
    """

    steps: np.ndarray
    train_accuracy: np.ndarray
    test_accuracy: np.ndarray
    flips_fitted: np.ndarray


@dataclass(frozen=True)
class NeuronPaths:
    """Neurons of one trial at the recorded steps: `steps` (recorded,), `sign` of the output weight (width,).

    `plane` (steps, width, 2): w_j.e1 and w_j.e2, e1 the direction of the clusters of class +1, e2 of class -1;
    `moved` (steps, width): squared distance of w_j from its initial value.
    """

    steps: np.ndarray
    sign: np.ndarray
    plane: np.ndarray
    moved: np.ndarray


@double_precision
def xor_network_runs(
    xor: XORClusters, net: TwoLayerReLU, n: Any, trials: Any = 20, seed: Any = 0, start: Any = 0
) -> XORNetworkRuns:
    """Train on `trials` draws of `n` rows and initial weights, and measure at `net.recorded`.

    A trial depends on `seed`, `n` and its number alone, which begin at `start`.  Trials are shared out over all devices.

    >>> xor, net = XORClusters(dim=600, separation=9.0, flip=0.1), TwoLayerReLU(width=100, rate=0.02, steps=50, init=1e-3)
    >>> runs = xor_network_runs(xor, net, n=40, trials=2)
    >>> runs.steps.tolist(), runs.test_accuracy.shape
    ([0, 1, 2, 5, 10, 20, 50], (2, 7))
    >>> bool((runs.train_accuracy[:, -1] == 1.0).all() and (runs.flips_fitted[:, -1] == 1.0).all())
    True
    """
    n, trials, seed, start = _whole(n, trials, seed, start)
    devices = jax.devices()
    together = 1 if devices[0].platform == "cpu" else max(1, min(trials, HELD // trial_bytes(xor, net, n)))
    size = together * len(devices)
    blocks = []
    # blocks of one size, so that one compiled program serves any number of trials
    for first in range(start, start + trials, size):
        keys = _keys(seed, n, np.arange(first, first + size))
        blocks.append(_measured(keys, *_numbers(xor, net), xor.dim, n, net.width, len(devices), together))
    found = [np.concatenate([np.asarray(block[i], np.float64) for block in blocks])[:trials] for i in range(3)]
    return XORNetworkRuns(net.recorded, *found)


@double_precision
def neuron_paths(xor: XORClusters, net: TwoLayerReLU, n: Any, seed: Any = 0, trial: Any = 0) -> NeuronPaths:
    """Where the neurons of one of the trials of `xor_network_runs` are, at `net.recorded`.

    >>> xor, net = XORClusters(dim=600, separation=9.0, flip=0.1), TwoLayerReLU(width=100, rate=0.02, steps=50, init=1e-3)
    >>> paths = neuron_paths(xor, net, n=40)
    >>> paths.plane.shape, paths.moved.shape, paths.sign.sum()
    ((7, 100, 2), (7, 100), np.float64(0.0))
    """
    n, _, seed, trial = _whole(n, 1, seed, trial)
    key = _keys(seed, n, np.array([trial]))[0]
    plane, moved = _neurons(key, *_numbers(xor, net), xor.dim, n, net.width)
    return NeuronPaths(net.recorded, *(np.asarray(part, np.float64) for part in (_signs(net.width), plane, moved)))


def trial_bytes(xor: XORClusters, net: TwoLayerReLU, n: int) -> int:
    """Bytes of the largest arrays of one trial: points, initial weights, preactivations and their changes, Gram matrix."""
    points = n + TEST_POINTS
    directions = 2 + min(xor.dim - 2, points)
    return 4 * ((2 * points + net.width) * directions + 3 * points * net.width + 3 * n * net.width + points * n)


def _whole(n: Any, trials: Any, seed: Any, start: Any) -> tuple[int, int, int, int]:
    return (
        validation.integer("n", n, 1), validation.integer("trials", trials, 1), validation.integer("seed", seed, 0),
        validation.integer("start", start, 0),
    )


def _keys(seed: int, n: int, numbers: np.ndarray) -> Array:
    base = jax.random.fold_in(jax.random.key(seed, impl="threefry2x32"), n)
    return jax.vmap(lambda number: jax.random.fold_in(base, number))(jnp.asarray(numbers.astype(np.uint32)))


def _numbers(xor: XORClusters, net: TwoLayerReLU) -> tuple[Array, ...]:
    """What may change without compiling again: centres, flip, rate, init, steps between records."""
    between = jnp.asarray(np.diff(net.recorded, prepend=0).astype(np.int32))
    return (*(jnp.asarray(value, jnp.float32) for value in (xor.centres, xor.flip, net.rate, net.init)), between)


def _signs(width: int) -> Array:
    return jnp.asarray(np.repeat([1.0, -1.0], width // 2), jnp.float32)


def _noise(key: Array, points: int, dim: int) -> Float[Array, "points directions"]:
    """`points` rows of N(0, I_dim), turned into the fewest directions that hold them."""
    of_lengths, of_rows = jax.random.split(key)
    directions = min(points, dim)
    rows = jax.random.normal(of_rows, (points, directions), jnp.float32)
    if points >= dim:
        return rows
    freedom = (dim - jnp.arange(points)).astype(jnp.float32)
    lengths = jnp.sqrt(2.0 * jax.random.gamma(of_lengths, freedom / 2.0, dtype=jnp.float32))
    return jnp.tril(rows, -1) + jnp.diag(lengths)


@record
class _Training:
    """Drawn rows and what training needs of them; the state of training is C (n, width)."""

    rows: Array
    labels: Array
    flipped: Bool[Array, " n"]
    outputs: Array
    weights: Array
    initial: Array
    gram: Array | None
    rate: Array

    def preactivations(self, changes: Array) -> Array:
        """Of the training rows, (n, width)."""
        if self.gram is None:
            return self.initial + self.rows @ (self.rows.T @ changes)
        return self.initial + self.gram @ changes

    def descend(self, changes: Array, steps: Array) -> Array:
        """C after further `steps`."""
        push = self.rate / self.labels.size

        def step(_: Any, changes: Array) -> Array:
            z = self.preactivations(changes)
            slope = self.labels * jax.nn.sigmoid(-self.labels * (jnp.maximum(z, 0.0) @ self.outputs))
            return changes + jnp.where(z > 0.0, push * slope[:, None] * self.outputs, 0.0)

        return jax.lax.fori_loop(0, steps, step, changes)


def _drawn(
    key: Array, centres: Array, flip: Array, rate: Array, init: Array, dim: int, n: int, width: int, tests: int
) -> tuple[_Training, Array, Array]:
    """A training set with initial weights; `tests` fresh points and their classes."""
    keys = jax.random.split(key, 4)
    cluster = jnp.concatenate([jax.random.randint(keys[0], (n,), 0, 4), jnp.arange(tests) % 4])
    flipped = jax.random.uniform(keys[1], (n,), jnp.float32) < flip
    in_plane, outside = jax.random.split(keys[2])
    plane = centres[cluster] + jax.random.normal(in_plane, (n + tests, 2), jnp.float32)
    points = jnp.concatenate([plane, _noise(outside, n + tests, dim - 2)], axis=1)
    weights = init * jax.random.normal(keys[3], (width, points.shape[1]), jnp.float32)
    classes = jnp.where(cluster < 2, jnp.float32(1.0), jnp.float32(-1.0))
    labels = jnp.where(flipped, -classes[:n], classes[:n])
    rows = points[:n]
    # two thin products are cheaper where rows outnumber twice the dimensions
    gram = rows @ rows.T if n < 2 * dim else None
    outputs = _signs(width) / jnp.sqrt(jnp.float32(width))
    return _Training(rows, labels, flipped, outputs, weights, rows @ weights.T, gram, rate), points[n:], classes[n:]


@partial(jax.jit, static_argnames=("dim", "n", "width", "devices", "together"))
def _measured(
    keys: Array, centres: Array, flip: Array, rate: Array, init: Array, between: Array, dim: int, n: int, width: int,
    devices: int, together: int,
) -> tuple[Array, Array, Array]:
    """Train accuracy, test accuracy and share of fitted flips, each (trials, steps)."""

    def trial(key: Array) -> tuple[Array, Array, Array]:
        training, tests, classes = _drawn(key, centres, flip, rate, init, dim, n, width, TEST_POINTS)
        before, overlap = tests @ training.weights.T, tests @ training.rows.T
        flips = training.flipped.astype(jnp.float32)

        def record(changes: Array, steps: Array) -> tuple[Array, tuple[Array, Array, Array]]:
            changes = training.descend(changes, steps)
            train = jnp.maximum(training.preactivations(changes), 0.0) @ training.outputs
            test = jnp.maximum(before + overlap @ changes, 0.0) @ training.outputs
            # outputs beyond the floats are neither right nor wrong
            lost = jnp.where(jnp.all(jnp.isfinite(train)) & jnp.all(jnp.isfinite(test)), 0.0, jnp.float32(jnp.nan))
            fitted = (training.labels * train > 0.0).astype(jnp.float32) + lost
            right = (classes * test > 0.0).astype(jnp.float32) + lost
            return changes, (jnp.mean(fitted), jnp.mean(right), flips @ fitted / jnp.sum(flips))

        return jax.lax.scan(record, jnp.zeros_like(training.initial), between)[1]

    def share(keys: Array) -> tuple[Array, Array, Array]:
        return in_batches(trial, keys, together if together > 1 else None)

    if devices == 1:
        return share(keys)
    mesh, split = jax.sharding.Mesh(np.array(jax.devices()), ("trials",)), jax.P("trials")
    return jax.shard_map(share, mesh=mesh, in_specs=split, out_specs=split, check_vma=False)(keys)


@partial(jax.jit, static_argnames=("dim", "n", "width"))
def _neurons(
    key: Array, centres: Array, flip: Array, rate: Array, init: Array, between: Array, dim: int, n: int, width: int
) -> tuple[Array, Array]:
    """`plane` and `moved` of `NeuronPaths`."""
    training, _, _ = _drawn(key, centres, flip, rate, init, dim, n, width, TEST_POINTS)

    def record(changes: Array, steps: Array) -> tuple[Array, tuple[Array, Array]]:
        changes = training.descend(changes, steps)
        plane = training.weights[:, :2] + changes.T @ training.rows[:, :2]
        moved = jnp.sum(changes * (training.preactivations(changes) - training.initial), axis=0)
        return changes, (plane, moved)

    return jax.lax.scan(record, jnp.zeros_like(training.initial), between)[1]
