"""Risk of ridge regression on n of N given groups of rows, drawn and held out as wholes: `held_out_risk` in blocks.

With e = 1 - n/N every group b has an effective ridge of its own, a matrix ridge + U_b between its rows.  R is the inverse
of K + ridge + U, with an unpenalised intercept R - R11'R / 1'R1, and R_bb = L_b L_b':

    U_b = e R_bb^-1,      P_bc = L_b^-1 R_bc L_c^-T,      X_b = e sum_c P_bc X_c P_bc' + L_b^-1 (Ry)_b (Ry)_b' L_b^-T,
    V_b = (n/N) L_b^-T X_b L_b^-1,      test = tr V / rows,      train = (ridge N/n)^2 sum_b tr R_bb V_b R_bb / rows.

diag V is the expected squared error at each row when its group is held out, r_b = R_bb^-1 (Ry)_b the mean error.  n = N
leaves out each group exactly.  Newton's steps solve the same linear equation as X, positive definite near the solution, by
conjugate gradients; groups of one row give `held_out_risk`.
"""

__all__ = ["held_out_groups"]

import math
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import numpy as np

from rfgen.numerics.gram import Gram
from rfgen.numerics.triangular import inverse_of_factor
from rfgen.theory.estimation.held_out_risk import HeldOutRisk
from rfgen.theory.estimation.leave_out import leave_blocks_out
from rfgen.theory.estimation.risk_estimators import risk_estimators

# Newton's steps, their accuracy, what rounding leaves, doublings of a start, and the least ridge: as of `held_out_risk`.
STEPS, TOLERANCE, ROUNDED, DOUBLINGS, LEAST = 40, 1e-6, 1e-4, 12, 1e-6
# Of the conjugate gradients: their accuracy, and most steps.
ACCURACY, MOST = 1e-8, 500


def held_out_groups(
    kernel: np.ndarray, gram: Gram, labels: np.ndarray, blocks: Sequence[np.ndarray], n: Any, ridge: Any,
    start: np.ndarray | None = None,
) -> HeldOutRisk:
    """Held-out risk of training on `n` <= len(blocks) of the groups of rows `blocks`, each of any size.

    Parameters: `kernel` (rows, rows), its `gram` and `labels` (rows, outputs) as of `held_out_risk`; `ridge` >= 0, of rows;
    `start`: near the `effective_ridges` sought, the entries of all U_b (sum of squared sizes,).

    `test`, `train` and `bias` are means over rows.  Regime: independent groups; within them rows may be copies.
    Source: derived from `held_out_risk`; at n = len(blocks) exact, `leave_blocks_out`.

    >>> from rfgen.numerics.gram import gram_of_kernel
    >>> inputs = np.random.default_rng(0).normal(size=(30, 4)).repeat(2, axis=0)
    >>> kernel, blocks = inputs @ inputs.T + np.eye(60), list(np.arange(60).reshape(30, 2))
    >>> found = held_out_groups(kernel, gram_of_kernel(kernel), inputs[:, :1], blocks, 15, 0.1)
    >>> found.converged, found.per_example.shape
    (True, (60, 1))
    """
    rows, rank = gram.vectors.shape
    free = 1.0 - n / len(blocks)
    if free == 0.0:
        residual = leave_blocks_out(gram, labels, blocks, ridge).residuals
        squares = residual**2
        return HeldOutRisk(
            squares.mean(axis=0), risk_estimators(gram, labels, ridge).train, squares.mean(axis=0), squares, residual,
            np.empty(0), 0.0, bool(np.isfinite(squares).all()),
        )
    if rank + gram.centred < rows and rank:
        ridge = max(ridge, LEAST * float(gram.values[-1]))  # the limit from above
    order = np.concatenate(blocks)
    ends = np.cumsum([len(block) for block in blocks])
    parts = [slice(end - len(block), end) for end, block in zip(ends, blocks, strict=True)]
    resolvent = _resolvent(kernel[np.ix_(order, order)], gram, order, parts, ridge)
    diagonal = kernel[np.ix_(order, order)] + ridge * np.eye(rows)
    above = [free / (1.0 - free) * diagonal[part, part] for part in parts]  # R_bb^-1 is at most K_bb + ridge + U_b
    solved = None
    if start is not None:
        with suppress(np.linalg.LinAlgError, ValueError):
            solved = _newton(resolvent, parts, free, _blocks(start, parts))
    for power in range(DOUBLINGS if solved is None else 0):
        try:
            solved = _newton(resolvent, parts, free, [2.0**power * block for block in above])
            break
        except (np.linalg.LinAlgError, ValueError):
            continue
    if solved is None:
        unknown, each = np.full(labels.shape[1], math.nan), np.full(labels.shape, math.nan)
        return HeldOutRisk(unknown, unknown, unknown, each, each, np.empty(0), math.nan, False)
    return _measured(labels, order, parts, n / len(blocks), ridge, *solved)


def _blocks(entries: np.ndarray, parts: list[slice]) -> list[np.ndarray]:
    """The matrices whose entries lie one after the other."""
    sides = [part.stop - part.start for part in parts]
    ends = np.cumsum(np.square(sides))
    return [entries[end - side**2 : end].reshape(side, side) for end, side in zip(ends, sides, strict=True)]


def _resolvent(
    kernel: np.ndarray, gram: Gram, order: np.ndarray, parts: list[slice], ridge: Any
) -> Callable[[list[np.ndarray]], np.ndarray]:
    """R for the matrices U_b; LinAlgError where K + ridge + U is not positive definite."""
    from scipy.linalg import get_lapack_funcs

    potrf, trtrs = get_lapack_funcs(("potrf", "trtrs"))
    rows, rank = gram.vectors.shape
    roots = gram.vectors[order] * np.sqrt(gram.values) if rank + gram.centred < rows else None
    # any multiple of 11' leaves R alone, and keeps the constant away from 0
    shifted = kernel + (np.trace(kernel) / rows if gram.centred else 0.0) + ridge * np.eye(rows)

    def factored(matrix: np.ndarray) -> np.ndarray:
        factor, failed = potrf(matrix, lower=1, overwrite_a=1)
        if failed:
            raise np.linalg.LinAlgError
        return factor

    def inverse(above: list[np.ndarray]) -> np.ndarray:
        if roots is None:
            matrix = shifted.copy(order="F")
            for part, block in zip(parts, above, strict=True):
                matrix[part, part] += block
            found = inverse_of_factor(factored(matrix))
        else:  # no digit is lost towards ridge 0
            own = [np.linalg.inv(block + ridge * np.eye(len(block))) for block in above]
            scaled = np.concatenate([block @ roots[part] for part, block in zip(parts, own, strict=True)])
            half, _ = trtrs(factored(np.asfortranarray(np.eye(rank) + roots.T @ scaled)), scaled.T, lower=1)
            found = -(half.T @ half)
            for part, block in zip(parts, own, strict=True):
                found[part, part] += block
        if gram.centred:
            sums = found.sum(axis=1)
            found -= np.outer(sums, sums) / sums.sum()
        return np.ascontiguousarray(found)

    return inverse


def _newton(resolvent: Callable, parts: list[slice], free: float, above: list[np.ndarray]) -> tuple | None:
    """U, R, all L_b^-1 and P, None where rounding is too large; LinAlgError from too low a start."""
    best = math.inf
    for _ in range(STEPS):
        matrix = resolvent(above)
        factors = [np.linalg.cholesky(matrix[part, part]) for part in parts]
        inverses = [np.linalg.inv(factor) for factor in factors]
        scaled = matrix.copy()
        for part, inverse in zip(parts, inverses, strict=True):
            scaled[part] = inverse @ scaled[part]
        for part, inverse in zip(parts, inverses, strict=True):
            scaled[:, part] = scaled[:, part] @ inverse.T
        missing = [
            free * np.eye(len(block)) - factor.T @ block @ factor for block, factor in zip(above, factors, strict=True)
        ]
        left = max(float(np.abs(block).max()) for block in missing) / free
        if not math.isfinite(left):
            return None
        if left < TOLERANCE or (left < ROUNDED and left > 0.9 * best):
            return above, matrix, inverses, scaled
        best = min(best, left)
        steps = _solve(scaled, parts, free, missing)
        above = [block + inverse.T @ step @ inverse for block, inverse, step in zip(above, inverses, steps, strict=True)]
        if min(float(np.linalg.eigvalsh(block)[0]) for block in above) <= 0.0:
            raise np.linalg.LinAlgError
    return None


def _coupled(scaled: np.ndarray, parts: list[slice], blocks: list[np.ndarray]) -> list[np.ndarray]:
    """sum_c P_bc X_c P_bc' of each b."""
    spread = np.empty_like(scaled)
    for part, block in zip(parts, blocks, strict=True):
        np.matmul(scaled[:, part], block, out=spread[:, part])
    return [spread[part] @ scaled[part].T for part in parts]


def _solve(scaled: np.ndarray, parts: list[slice], free: float, right: list[np.ndarray]) -> list[np.ndarray]:
    """X_b - e sum_c P_bc X_c P_bc' = `right`, by conjugate gradients."""
    found = [np.zeros_like(block) for block in right]
    left, way = right, right
    size = _dot(left, left)
    least = ACCURACY**2 * size
    for _ in range(MOST):
        if size <= least:
            return found
        image = [a - free * b for a, b in zip(way, _coupled(scaled, parts, way), strict=True)]
        curvature = _dot(way, image)
        if curvature <= 0.0:
            raise np.linalg.LinAlgError
        length = size / curvature
        found = [a + length * b for a, b in zip(found, way, strict=True)]
        left = [a - length * b for a, b in zip(left, image, strict=True)]
        size, before = _dot(left, left), size
        way = [a + size / before * b for a, b in zip(left, way, strict=True)]
    raise np.linalg.LinAlgError


def _dot(one: list[np.ndarray], other: list[np.ndarray]) -> float:
    return sum(float(np.vdot(a, b)) for a, b in zip(one, other, strict=True))


def _measured(
    labels: np.ndarray, order: np.ndarray, parts: list[slice], share: float, ridge: Any, above: list[np.ndarray],
    matrix: np.ndarray, inverses: list[np.ndarray], scaled: np.ndarray,
) -> HeldOutRisk:
    free = 1.0 - share
    residual, per_example, kept = np.empty_like(labels), np.empty_like(labels), np.empty_like(labels)
    projected = matrix @ labels[order]
    sides = np.array([part.stop - part.start for part in parts])
    starts = np.array([part.start for part in parts])
    powers = np.add.reduceat(np.add.reduceat(scaled**2, starts, axis=0), starts, axis=1) / np.sqrt(np.outer(sides, sides))
    others = np.repeat(np.sum(powers**2, axis=1) - np.diag(powers) ** 2, sides)
    for output in range(labels.shape[1]):
        seen = [inverse @ projected[part, output] for part, inverse in zip(parts, inverses, strict=True)]
        solved = _solve(scaled, parts, free, [np.outer(block, block) for block in seen])
        for part, inverse, block, own in zip(parts, inverses, solved, seen, strict=True):
            at = order[part]
            errors = share * inverse.T @ block @ inverse
            residual[at, output] = inverse.T @ own
            per_example[at, output] = np.diag(errors)
            trained = ridge / share * matrix[part, part]
            kept[at, output] = np.einsum("ij,jk,ik->i", trained, errors, trained)
    weight = per_example.sum(axis=1)[order]
    total = float(np.sum(weight))
    cavity = free / share * float(np.sum(others * weight)) / total if total > 0.0 else 0.0
    return HeldOutRisk(
        per_example.mean(axis=0), kept.mean(axis=0), np.mean(residual**2, axis=0), per_example, residual,
        np.concatenate([block.ravel() for block in above]), cavity, bool((per_example >= 0.0).all()),
        ridge + min(float(np.linalg.eigvalsh(block)[0]) for block in above),
    )
