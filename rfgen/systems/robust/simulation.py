"""Robust regression on drawn rows, and measured: the Monte-Carlo twin of `rfgen.systems.robust.robust_regression`."""

__all__ = ["drawn_noise", "robust_runs"]

from dataclasses import field
from typing import Any

import jax
import numpy as np

from rfgen.numerics.compilation.precision import double_precision
from rfgen.numerics.compilation.record import record
from rfgen.problems.augmentations.base import AbstractAugmentation
from rfgen.problems.task import Task
from rfgen.problems.trainings.resampling import Bootstrap
from rfgen.simulation.arrays import Array, cond, few_threads, namespace, normal_cdf, on_host, stacked
from rfgen.simulation.devices import in_turn, keys_of
from rfgen.simulation.fits.margins.smoothed_fit import smoothed_clip, smoothed_fit
from rfgen.simulation.random_numbers import fold_in, host_key, normals, split, uniforms
from rfgen.simulation.runs.ensemble import ALONE, Members, bag, with_views
from rfgen.simulation.sampling.samplers import RowSampler, Sample
from rfgen.simulation.sampling.views import LimitSampler, augmented
from rfgen.systems.robust.attacked_fit import attacked_squares
from rfgen.systems.robust.fit import RobustFit, robust_fit
from rfgen.systems.robust.noise_laws import AbstractNoise, ContaminatedNoise, LaplaceNoise, StudentNoise
from rfgen.systems.robust.problem import force_of, kind_of

# Forces within this part of their reach of a bound are at it.
AT_BOUND = 1e-5


def drawn_noise(key: Any, law: AbstractNoise | None, n: int) -> Array:
    """`n` draws, not by the mixture that theory uses: Bailey's transform for Student's law, logarithms for Laplace's."""
    first, second = split(key)
    chosen = uniforms(first, n, float(np.finfo(np.float64).tiny))
    xp = namespace(chosen)
    if law is None:
        return xp.zeros_like(chosen)
    if isinstance(law, StudentNoise):
        radius = xp.sqrt(law.dof * xp.expm1(-2.0 / law.dof * xp.log(chosen)))
        return law.scale * radius * xp.cos(2.0 * np.pi * uniforms(second, n))
    if isinstance(law, LaplaceNoise):
        return -law.scale * xp.log(chosen) * xp.where(uniforms(second, n) < 0.5, -1.0, 1.0)
    assert isinstance(law, ContaminatedNoise)
    other = normals(second, (n,))
    return xp.where(chosen < law.share, law.shift + law.outliers * other, law.scale * other)


@double_precision
def robust_runs(
    task: Task, law: AbstractNoise | None, training: Any, n: int, features: int | None, trials: int, seed: int = 0,
    start: int = 0, augmentation: AbstractAugmentation | None = None, members: Members = ALONE,
) -> dict[str, np.ndarray]:
    """Fit `trials` training sets of `n` rows by `Huber`, `Absolute`, `Quantile`, `Ridge` or its `AdversarialTraining`, in
    the views of an `augmentation` at single strengths; `members`: the mean of so many models, each with features and
    resampled rows of its own.

    Arrays (trials, *settings): `excess` risk, exact for the fitted weights; `test` = that plus the intercept's distance
    from the noise; `norm`, `intercept`, and `clipped`, the share of rows with forces at a bound; `fitted`, of rows without
    residual, these but the intercept means over members; `robust_test`, under attack, NaN where there is none.
    """
    axes = training.axes
    mesh = np.meshgrid(*axes.values(), indexing="ij")
    settings = tuple(np.ravel(part).astype(np.float64) for part in mesh)
    learnable = task.spectrum.learnable
    count = task.spectrum.multiplicity[learnable]
    each = [np.repeat(values, count.astype(int)) for values in (task.eigenvalues[learnable],
            np.sqrt(task.power[0, learnable] / count / task.eigenvalues[learnable]))]
    normal = np.sqrt(task.noise[0] + task.null_power[0] + task.power[0, ~learnable].sum())
    offset = (0.0, normal**2) if law is None else (law.mean, normal**2 + law.variance)
    shares, means, deviations = (np.ones(1), np.zeros(1), np.zeros(1)) if law is None else law.mixture
    source: Any = NoisyRows(np.sqrt(each[0]), each[1], normal, law)
    if augmentation is not None:
        source = augmented(source, task, augmentation)
    given = (source, np.sqrt(each[0]), each[1], settings, (shares, means, np.hypot(deviations, normal)))
    stated = {"n": n, "features": features, "kind": kind_of(training), "offset": offset,
              "intercept": getattr(training, "intercept", False), "of": training, "members": members}
    if on_host() or isinstance(members.resampling, Bootstrap):  # of which each bag has its own number of rows
        key = fold_in(fold_in(host_key(seed), n), features or 0)
        with np.errstate(all="ignore"), few_threads(0.1 * n * source.rows(n) * min(n, each[0].size)):
            found = [_trial(fold_in(key, number), *given, **stated) for number in range(start, start + trials)]
    else:
        key = fold_in(fold_in(jax.random.key(seed, impl="threefry2x32"), n), features or 0)
        found = [jax.jit(lambda keys: in_turn(_trial, keys, *given, **stated))(keys_of(key, start, start + trials))]
    shape = (trials, *(axis.size for axis in axes.values() if axis.ndim))
    return {name: np.reshape([np.asarray(one[name]) for one in found], shape) for name in found[0]}


@record
class NoisyRows(RowSampler):
    """Normal rows of deviations `scale` (modes,), and labels by `truth` (modes,) with noise of deviation `normal` and by a
    `law`.
    """

    scale: Any
    truth: Any
    normal: Any
    law: AbstractNoise | None = field(metadata={"static": True})

    def draw(self, key: Any, shared: Any, n: int) -> Sample:
        """One training set of `n` rows; `errors` are all of the noise."""
        del shared
        of_rows, of_noise, of_law, _ = split(key, 4)
        rows = normals(of_rows, (n, self.scale.size)) * self.scale
        xp = namespace(rows)
        none, truth = xp.zeros((), rows.dtype), xp.asarray(self.truth)
        errors = self.normal * normals(of_noise, (n,)) + drawn_noise(of_law, self.law, n)
        return Sample(
            rows=rows, targets=(rows @ truth)[:, None], errors=errors[:, None], tail=none, probe=self.scale,
            truth=truth[None], mask=self.scale, floor=none[None],
        )


def _trial(
    key: Any, source: Any, deviations: Array, truth: Array, settings: tuple[Array, ...],
    parts: tuple[Array, Array, Array], n: int, features: int | None, kind: Any, offset: tuple[float, float],
    intercept: bool, of: Any, members: Members,
) -> dict[str, Array]:
    """All measures of one training set, (settings,)."""
    *_, of_features = split(key, 4)
    endless = isinstance(source, LimitSampler)
    views = getattr(source, "views", 1)
    sample = (source.base if endless else source).draw(key, key, n)
    xp = namespace(sample.rows)
    truth, deviations = xp.asarray(truth), xp.asarray(deviations)
    ridges, *shapes = settings
    shape = xp.asarray(shapes[0]) if shapes else xp.ones_like(ridges)

    def member(number: Any) -> dict[str, Array]:
        """One model: its weights on inputs, and what is measured of itself."""
        own_key = of_features
        if members.count > 1:
            own_key = fold_in(of_features, int(number) if isinstance(number, np.integer) else number)
        own, times = _drawn(sample, own_key, n, views, members)
        # views come divided by the root of their number, which losses other than squares would feel
        rows, targets = own.rows * views**0.5, (own.targets + own.errors)[:, 0] * views**0.5
        private: Any = None
        if endless:
            private, rows = (source.slope * rows * rows, xp.asarray(source.level)), source.gain[0] * rows
        mixing = None if features is None else normals(own_key, (deviations.size, features)) / features**0.5
        design = rows if mixing is None else rows @ mixing

        def setting(ridge: Array, shape: Array) -> dict[str, Array]:
            force = force_of(of, shape) if kind == "clipped" else (1.0, -np.inf, np.inf)
            if endless:
                loss = smoothed_clip(*force) if kind == "clipped" else "square"
                held = targets if kind == "clipped" else targets - 1.0  # squares are of 1 - t
                ones = xp.ones_like(targets)
                smooth = smoothed_fit(design, ones, ones * times, private, mixing, loss, ridge, intercept, shift=held)
                fit = RobustFit(smooth.weights, smooth.intercept, 0.0 * targets, 0.0, smooth.converged)
            elif kind == "attacked":
                fit = cond(
                    shape > 0.0, lambda: attacked_squares(design, targets, ridge, shape, intercept),
                    lambda: _least_squares(design, targets, times, ridge, intercept),
                )
            elif kind == "ridge":
                fit = _least_squares(design, targets, times, views * ridge, intercept)
            else:  # the mean over views, as often as the row is drawn
                softness, low, high = force
                each = softness * views / times, low * times / views, high * times / views
                fit = robust_fit(design, targets, each, ridge, intercept)
            _, low, high = force
            room, pulls = AT_BOUND * (high - low), fit.forces / times
            clipped = (pulls > high - room) | (pulls < low + room)
            return {
                "weights": fit.weights if mixing is None else mixing @ fit.weights, "intercept": fit.intercept,
                "norm": xp.sum(fit.weights**2), "clipped": xp.mean(clipped.astype(rows.dtype)),
                "fitted": xp.where(shape > 0.0, xp.mean((fit.forces == 0.0).astype(rows.dtype)), 0.0),
                "converged": fit.converged,
            }

        return stacked(setting, ridges, shape)

    each = stacked(member, xp.arange(members.count))
    found = {name: xp.mean(values, axis=0) for name, values in each.items() if name != "converged"}
    excess = xp.sum((deviations * (found.pop("weights") - truth)) ** 2, axis=1)
    found |= {"test": excess + offset[1] + (found["intercept"] - offset[0]) ** 2, "excess": excess}
    length = shape * xp.sqrt(found["norm"]) if kind == "attacked" else xp.zeros_like(excess)
    size = _mean_size(parts, excess[:, None], found["intercept"][:, None])
    found["robust_test"] = found["test"] + length**2 + 2.0 * length * size
    return {name: xp.where(xp.all(each["converged"], axis=0), value, xp.nan) for name, value in found.items()}


def _drawn(sample: Sample, key: Any, n: int, views: int, members: Members) -> tuple[Sample, Any]:
    """All views of the samples that one model draws, and how often each is drawn."""
    if members.resampling is None:
        return sample, 1.0
    numbers, times = bag(key, n, members.resampling), 1.0
    if isinstance(members.resampling, Bootstrap):  # rows that are there again and again, but once
        numbers, times = np.unique(numbers, return_counts=True)
        times = np.repeat(times, views).astype(sample.rows.dtype)
    return sample.at(with_views(numbers, views)), times


def _mean_size(parts: tuple[Array, Array, Array], excess: Array, bias: Array) -> Array:
    """The mean size of residuals of fresh labels, of the noise of `parts`."""
    xp = namespace(excess)
    shares, means, spread = (xp.asarray(part) for part in parts)
    spread, means = xp.sqrt(spread**2 + excess), means - bias
    place = means / spread
    density = xp.exp(-0.5 * place**2) / (2.0 * np.pi) ** 0.5
    return (2.0 * spread * density + means * (2.0 * normal_cdf(place) - 1.0)) @ shares


def _least_squares(rows: Array, targets: Array, times: Any, ridge: Array, intercept: bool) -> RobustFit:
    xp = namespace(rows)
    n, width = rows.shape
    times = xp.ones_like(targets) * times
    share = times / xp.sum(times)
    middle, mean = (share @ rows, share @ targets) if intercept else (xp.zeros(width), xp.zeros(()))
    root = xp.sqrt(times)
    design = xp.concatenate([root[:, None] * (rows - middle), xp.sqrt(ridge) * xp.eye(width, dtype=rows.dtype)])
    weights = xp.linalg.lstsq(design, xp.concatenate([root * (targets - mean), xp.zeros(width, rows.dtype)]))[0]
    bias = mean - middle @ weights
    return RobustFit(weights, bias, xp.zeros(n, rows.dtype), xp.zeros((), rows.dtype), xp.all(xp.isfinite(weights)))
