"""Ridge regression fitted to random parts of given rows and tested on the others: no theory."""

__all__ = ["Splits", "random_splits"]

from dataclasses import dataclass
from typing import Any

import numpy as np

# Eigenvalues below this share of the largest, times the size, are rounding; below the other last digits decide.
ROUNDING, LEVEL = 4 * np.finfo(np.float64).eps, 1e4 * np.finfo(np.float64).eps


@dataclass(frozen=True)
class Splits:
    """`test`, `train` (splits, outputs): mean squared errors of each split; `held_out` (splits, rows): what it tests on.

    `rounded` (splits,): whether last digits of the kernel decide its fit.
    """

    test: np.ndarray
    train: np.ndarray
    held_out: np.ndarray
    rounded: np.ndarray


def random_splits(
    kernel: np.ndarray, labels: np.ndarray, n: int, ridge: Any, splits: int, seed: int, intercept: bool,
    groups: np.ndarray | None = None, replace: bool = False,
) -> Splits:
    """Train on `n` rows drawn without replacement, or `n` of the `groups`, and test on the rest, `splits` times.

    Parameters: `kernel` (rows, rows); `labels` (rows, outputs); `ridge` >= 0, unnormalised (0: the interpolant of least
    norm, or least squares); `intercept`: fitted, not penalised; `groups` (rows,): whole groups are drawn; `replace`: rows
    are drawn with replacement, and `train` is the mean over draws.  The draws depend on `seed` and `n` alone, so that
    ridges are compared on the same splits.

    >>> rows = np.random.default_rng(0).normal(size=(30, 2))
    >>> found = random_splits(rows @ rows.T, rows[:, :1], 20, 0.0, splits=3, seed=0, intercept=False)
    >>> found.test.shape, bool(found.test.max() < 1e-20), found.held_out.sum(axis=1).tolist()
    ((3, 1), True, [10, 10, 10])
    """
    random = np.random.default_rng([seed, n])
    names = np.arange(len(labels)) if groups is None else np.unique(groups, return_inverse=True)[1]
    test, train, held_out, rounded, many = [], [], [], [], int(names.max()) + 1
    for _ in range(splits):
        if replace:
            inside = random.integers(len(labels), size=n)
        else:
            drawn = np.zeros(many, bool)
            drawn[random.permutation(many)[:n]] = True
            inside = np.flatnonzero(drawn[names])
        outside = np.ones(len(labels), bool)
        outside[inside] = False
        if not outside.any():  # nothing to test on
            continue
        rows = kernel[inside]
        dual, constant, decided = _fit(rows[:, inside], labels[inside], ridge, intercept)
        squares = (labels - rows.T @ dual - constant) ** 2
        test.append(squares[outside].sum(axis=0) / outside.sum())
        train.append(squares[inside].sum(axis=0) / len(inside))
        held_out.append(outside)
        rounded.append(decided)
    return Splits(np.array(test), np.array(train), np.array(held_out), np.array(rounded))


def _fit(kernel: np.ndarray, labels: np.ndarray, ridge: Any, intercept: bool) -> tuple[np.ndarray, np.ndarray, bool]:
    """Dual coefficients (n, outputs), intercepts (outputs,), and whether last digits of the kernel decide them."""
    from scipy.linalg import get_lapack_funcs

    size = len(labels)
    if ridge > max(size * ROUNDING, LEVEL) * np.trace(kernel):
        potrf, potrs = get_lapack_funcs(("potrf", "potrs"))
        shifted = kernel.T.copy("F")  # in the order of LAPACK
        shifted.ravel("K")[:: size + 1] += ridge
        factor, failed = potrf(shifted, lower=1, overwrite_a=1, clean=0)
        if not failed:
            solved = potrs(factor, np.hstack([labels, np.ones((size, 1))]), lower=1)[0]
            plain, ones = solved[:, :-1], solved[:, -1:]
            constant = plain.sum(axis=0) / ones.sum() if intercept else np.zeros(labels.shape[1])
            return plain - ones * constant, constant, False
    mean = kernel.mean(axis=0) if intercept else np.zeros(size)
    values, vectors = np.linalg.eigh(kernel - mean - mean[:, None] + (mean.mean() if intercept else 0.0))
    scale = np.abs(kernel).max()
    kept = values > size * ROUNDING * scale
    part = vectors[:, kept]
    dual = part @ (part.T @ labels / (values[kept] + ridge)[:, None])
    constant = np.mean(labels - kernel @ dual, axis=0) if intercept else np.zeros(labels.shape[1])
    return dual, constant, bool(kept.any() and values[kept][0] + ridge < LEVEL * max(values[-1], scale))
