"""The user's own rows: a kernel matrix or features, labels, and blocks of rows that belong together."""

__all__ = [
    "KERNEL", "ROUNDING", "at_rounding", "decomposed", "doubtful", "fits", "read_blocks", "read_data", "read_labels",
    "uneven",
]

from typing import Any

import numpy as np

from rfgen.numerics.gram import Gram
from rfgen.numerics.memory import planned
from rfgen.problems import validation
from rfgen.theory.estimation.risk_estimators import OUTSIDE

# A square matrix is symmetric up to this share of its largest entry (or 100 roundings of its own precision), and a mistake
# up to the second.
SYMMETRIC, ROUNDINGS, NEARLY = 1e-8, 100, 1e-2
# Features beyond this have squares that overflow, or vanish; labels' errors are squared twice, for their scatter.
LARGEST, LARGEST_LABEL = 1e150, 1e75
# Of the largest eigenvalue, in roundings of a kernel matrix: below it the last digits decide (leave-one-out of a Gaussian
# kernel 1 % off at 1e-12 of the largest, 24 % at 1e-13, 76 % at 1e-14); for features the same holds of singular values.
LEVEL = 1e4
# What is off the span of a kernel is known to this many times the sine by which rounding turns it.
TURNED = 1e3
# A row's own effective ridge is small below this share of that of all.
UNEVEN = 1e-3
ROUNDING = "the ridge, and the kernel's least eigenvalues, are at the rounding of its entries: its last digits decide"
# What a square matrix is taken for.
KERNEL = "data (a kernel, being symmetric, unless kind='features')"
# Matrices that a decomposition holds at once.
COPIES = 3


def read_data(data: Any, kind: str, name: str = "data") -> tuple[np.ndarray, str, float]:
    """The matrix, which kind it is, and the rounding it came with: JAX gives 32 bits unless told otherwise.

    `name`: of what gave it, for what is said of it.
    """
    if kind not in ("auto", "kernel", "features"):
        raise ValueError(f"kind must be 'auto', 'kernel' or 'features', got {kind!r}")
    shape = getattr(data, "shape", ())
    if kind != "features" and len(shape) == 2 and shape[0] == shape[1]:  # before it is looked at, which takes copies
        decomposed(shape[0], f"{name} of shape {tuple(shape)}")
    matrix = validation.array(name, data, 2)
    given = np.asarray(data).dtype
    precision = float(np.finfo(given if np.issubdtype(given, np.floating) else np.float64).eps)
    square = matrix.shape[0] == matrix.shape[1]
    if kind == "features" or (kind == "auto" and not square):
        return matrix, "features", precision
    if not square:
        raise ValueError(f"{name} must be a square matrix where kind='kernel', got shape {matrix.shape}")
    scale, asymmetry = np.abs(matrix).max(), np.abs(matrix - matrix.T).max()
    if asymmetry <= max(SYMMETRIC, ROUNDINGS * precision) * scale:
        return (matrix + matrix.T) / 2.0, "kernel", precision
    if kind == "kernel" or asymmetry <= NEARLY * scale:
        raise ValueError(
            f"{name} must be symmetric as a kernel matrix, got entries that differ by {asymmetry:g} from their transposes "
            f"(the largest is {scale:g}); kind='features' takes its rows as features"
        )
    return matrix, "features", precision


def fits(matrix: np.ndarray, kind: str, side: int) -> None:
    """Refuse features whose squares overflow, and matrices (side, side) that do not fit into memory."""
    if kind == "features" and not _squarable(np.abs(matrix).max(), LARGEST):
        raise ValueError(
            f"data must be between {1.0 / LARGEST:g} and {LARGEST:g} in size, as features are squared: scale them"
        )
    decomposed(side, f"data of shape {matrix.shape}")


def decomposed(side: int, what: str) -> None:
    """Refuse matrices (side, side) that do not fit into memory."""
    planned(8 * COPIES * side**2, f"the decomposition of {what}", "take fewer rows")


def at_rounding(gram: Gram, ridge: float, kind: str) -> bool:
    """Whether the spectrum of the rows runs into the rounding of their entries with no `ridge` above it."""
    level = (LEVEL * gram.sine) ** (1 if kind == "kernel" else 2)
    return bool(gram.values.size and max(ridge, float(gram.values[-1])) < level * float(gram.values[-1]))


def doubtful(gram: Gram, ridge: float, blocks: list[np.ndarray] | None) -> bool:
    """Whether rounding decides, at this small ridge, if all of a row, or a block, lies in the span of the others.

    Only what is off it can then be fitted by the row alone.
    """
    count, rank = gram.vectors.shape
    level = TURNED * gram.sine
    if rank == 0 or rank + gram.centred == count or ridge > level * float(gram.values[-1]):
        return False
    if blocks is None:
        outside = 1.0 - gram.centred / count - np.sum(gram.vectors**2, axis=1)
    else:
        own = [gram.vectors[rows] for rows in blocks]
        outside = np.concatenate([
            np.linalg.eigvalsh(np.eye(len(each)) - each @ each.T - gram.centred / count) for each in own
        ])
    least = OUTSIDE * (1 if gram.sine**2 > count * OUTSIDE else count)  # whatever is there then is rounding
    return bool(((outside > least) & (outside < level**2)).any())


def uneven(gram: Gram, least: float, ridge: float, kind: str) -> bool:
    """Whether one row's effective ridge `least`, far below the `ridge` of all, is at the rounding of the kernel's entries.

    The others then know that row, or not, by their last digits alone: a row of zeros.
    """
    if not gram.values.size:
        return False
    bottom = float(gram.values[-1])
    level = LEVEL * gram.sine * bottom * (1.0 if kind == "kernel" else float(gram.values[0] / bottom) ** 0.5)
    full = len(gram.vectors) == gram.values.size + gram.centred
    return least < min(level, UNEVEN * ridge) and not (full and bottom > level)


def read_labels(y: Any, n: int, views: int) -> np.ndarray:
    """Labels (n,) or (n, outputs), those of samples repeated for each of their views."""
    labels = validation.array("y", y, (1, 2))
    if views > 1 and labels.shape[0] == n // views:
        labels = np.repeat(labels, views, axis=0)
    if labels.shape[0] != n:
        expected = f"({n})" if views == 1 else f"({n}) or one per sample ({n // views})"
        raise ValueError(f"y must have one row per row of data {expected}, got {labels.shape[0]}")
    if not all(_squarable(size, LARGEST_LABEL) for size in np.abs(np.reshape(labels, (n, -1))).max(axis=0)):
        raise ValueError(
            f"y must be between {1.0 / LARGEST_LABEL:g} and {LARGEST_LABEL:g} in size, as errors are squared: scale it"
        )
    return labels


def _squarable(size: float, largest: float) -> bool:
    """Whether squares of numbers up to this size neither overflow nor vanish; 0 may."""
    return size == 0.0 or 1.0 / largest <= size <= largest


def read_blocks(n: int, views: Any, groups: Any) -> list[np.ndarray] | None:
    """The rows of each block that is left out or drawn as a whole, or None for rows on their own."""
    if views is not None:
        views = validation.integer("views", views, 1)
        if n % views:
            raise ValueError(f"views must divide the rows of data ({n}), got {views}")
        return list(np.arange(n).reshape(-1, views))
    if groups is None:
        return None
    names = np.asarray(groups)
    if names.shape != (n,):
        raise ValueError(f"groups must hold one label per row of data ({n},), got shape {names.shape}")
    missing = [name for name in names.tolist() if not isinstance(name, str) and str(name) in ("None", "nan", "<NA>", "NaT")]
    if missing:
        raise ValueError(f"groups must name the block of every row, got {missing[0]!r} for {len(missing)} of {n}")
    blocks = [np.flatnonzero(names == name) for name in np.unique(names)]
    if len(blocks) == 1:
        raise ValueError(f"groups must name at least two blocks, as one is left out at a time, got {names.item(0)!r} alone")
    return blocks
