"""Control variates of kernel ridge regression: what each training row does to the risk, to first order.

With independent rows x of second moment diag(l), labels t, E x t = s c for s = sqrt(l), the population's ridge solution at
k is w = s c / (l + k); r = t - x.w is its residual on a row, and h = l (w - c / s) / (l + k) how the risk answers.  Then

    2 (mean (x.h) r - k h.w)    and    mean r^2 - E r^2

have mean 0 whatever k is.  It is taken where n = sum l / (l + k) + ridge / k, nearly: there the first is the risk's own
first-order change with the rows.
"""

__all__ = ["row_controls"]

from collections.abc import Callable
from typing import Any

from rfgen.simulation.arrays import Array, namespace
from rfgen.simulation.sampling.samplers import Sample

# Steps towards k, which does not have to be met.
STEPS = 8


def row_controls(sample: Sample, n: int, ridges: Array, mean: Callable[[Array], Array] | None = None) -> Array:
    """Controls (ridges, outputs, 2) of one training set measured mode by mode; `mean` over n rows, if not all are here."""
    xp = namespace(sample.rows)
    mean = mean or (lambda values: xp.mean(values, axis=-1))
    scale, truth = sample.probe, sample.truth
    values, total = scale * scale, (ridges + sample.tail)[:, None]
    k: Any = (total + xp.sum(values)) / n
    for _ in range(STEPS):
        k = (total + k * xp.sum(values / (values + k), axis=-1, keepdims=True)) / n
    k = k[:, None]
    kept = values / (values + k)
    weights = xp.where(scale > 0, scale * truth / (values + k), 0.0)
    answer = kept * (weights - xp.where(scale > 0, truth / scale, 0.0))
    count, outputs, modes = weights.shape
    both = xp.concatenate([weights, answer]).reshape(2 * count * outputs, modes)
    seen = (both @ sample.rows.T).reshape(2, count, outputs, -1)
    residual = sample.targets.T - seen[0]
    first = mean(seen[1] * residual) - k[..., 0] * xp.sum(answer * weights, axis=-1)
    missed = xp.sum(((1.0 - kept) * truth) ** 2, axis=-1) + sample.floor
    second = mean(residual * residual) - missed
    return xp.stack([2.0 * first, second], axis=-1)
