"""Mean traces of expressions, such as those of resolvents: theory (14.4)."""

__all__ = ["expected_trace"]

from typing import Any

from rfgen.algebra.interned import ExpressionError
from rfgen.algebra.leaves import Vector
from rfgen.algebra.matrices import Matrix
from rfgen.algebra.pencil import linearise
from rfgen.algebra.structure import structure
from rfgen.theory.compiled.moments import means
from rfgen.theory.compiled.solver import linear_solution, solve_cores
from rfgen.theory.compiled.system import Numbers, System


def expected_trace(matrix: Matrix, numbers: Numbers, diagonals: tuple[str, ...] = (), least: float = 0.0) -> float:
    """The mean of tr(diagonals matrix) in the limit of large sizes.

    Parameters
    ----------
    matrix
        A square expression of `rfgen.algebra`.
    numbers
        What its names stand for; moments are not needed.
    diagonals
        Names of diagonal matrices on its space; none: the plain trace.
    least
        The smallest number that stands for a ridge, 0 if there is an inverse without.

    Source: derived, theory (14.4).

    >>> import numpy as np
    >>> from rfgen import algebra as a
    >>> n, p = a.space("n"), a.space("p")
    >>> X = a.Gaussian("X", n, p)
    >>> sizes = {"n": np.array([300.0]), "p": np.array([100.0])}
    >>> round(expected_trace((X.T @ X).inverse, Numbers(sizes, {}, {}, {})), 12)  # p/(n - p)
    0.5
    """
    if matrix.rows is not matrix.columns:
        raise ExpressionError(f"only square matrices have a trace: {matrix!r} maps {matrix.columns} to {matrix.rows}")
    source = Vector("source", "trace", matrix.rows)
    whole = structure(linearise({"image": matrix @ source}))
    cores, _, shift = solve_cores(whole, numbers, least)
    unknowns: dict[int, Any] = means(whole, numbers, cores, shift, linear_solution)
    row, (column,) = whole.pencil.outputs["image"], whole.pencil.sources
    system = System(whole.pencil, whole.traces, whole.places, numbers)
    entry = system.inverse(unknowns, [(row, column)], shift)[row, column]
    space = matrix.rows.name
    return float((numbers.weights[space] * numbers.diagonal(space, diagonals) * entry).sum())
