"""Views of rows drawn without replacement: the groups of the moment form, told apart into own parts and noise.

A view is gain x + noise, the gain alike for all modes: rows are counted in units of gain x, so that training sees x and
tests are made from x/gain.  What the noise has in proportion to the second moment of x is an operator of its own: it is
drawn anew for each row, x is not.  Equations: see `rfgen.equivalents.augmented.held_out_blocks`.
"""

__all__ = ["held_out_views"]

from typing import Any

import numpy as np

from rfgen.equivalents.augmented.blocks import Blocks
from rfgen.equivalents.augmented.held_out_blocks import HeldOutBlocks
from rfgen.equivalents.targets import ModeTarget


def held_out_views(
    basis: np.ndarray, blocks: Blocks, target: ModeTarget, examples: Any, null: Any, form: str
) -> tuple[np.ndarray, HeldOutBlocks, ModeTarget]:
    """Basis, blocks and target of the moment form of one class of modes, for rows of `examples`; `null`: unlearnable power.

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
