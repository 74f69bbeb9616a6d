"""An estimator's expression evaluated: its matrices are drawn, its inverses are systems that are solved."""

__all__ = ["compiled_runs", "trial_bytes"]

import zlib
from collections.abc import Mapping, Sequence

import numpy as np

from rfgen.algebra.estimator import Estimator
from rfgen.algebra.leaves import Diagonal, Gaussian, Transpose, Vector
from rfgen.algebra.macros import INPUTS, covariance, teacher
from rfgen.algebra.matrices import LINE, Identity, Inverse, Matrix, Product, Scaled, Space, Sum, nodes
from rfgen.problems.space_tasks import TEST, SpaceTasks
from rfgen.simulation.random_numbers import HostKey, fold_in, host_key, standard_normals

# Pivots of a Cholesky factor below this, times dimension and largest entry, are those of a singular matrix.
SINGULAR = 1e-14


def _expanded(domains: SpaceTasks) -> np.ndarray:
    """The level of each mode."""
    counts = domains.multiplicity
    if any(own.spectrum.infinite for own in domains.own.values()):
        raise ValueError("task must have finitely many modes to be simulated with an estimator of rg.algebra: give modes=")
    if (counts != np.round(counts)).any():
        raise ValueError("multiplicity must be whole numbers for a simulation, got fractional ones")
    return np.repeat(np.arange(counts.size), counts.astype(np.int64))


def trial_bytes(estimator: Estimator, domains: SpaceTasks, sizes: Mapping[str, int]) -> int:
    """What a trial holds: each drawn matrix, and the systems that it solves."""
    dims = {INPUTS.name: _expanded(domains).size, LINE.name: 1, **sizes}
    found = [node for node in nodes(estimator.weights) if isinstance(node, Gaussian | Inverse)]
    return 16 * sum(dims[node.rows.name] * dims[node.columns.name] for node in found)


def compiled_runs(
    estimator: Estimator, domains: SpaceTasks, diagonals: Mapping[str, np.ndarray], points: Sequence[Mapping[str, float]],
    sizes: Mapping[str, int], trials: range, seed: int,
) -> dict[str, np.ndarray]:
    """`test` and `norm` (trials, points) of the trials of these numbers; each depends on `seed` and its number alone.

    `points`: the scalars of the expression, for which a trial's matrices are drawn once.
    """
    levels = _expanded(domains)
    counts = domains.multiplicity[levels]
    values = {name: own[levels] for name, own in domains.eigenvalues.items()}
    targets = {name: own[:, levels] / np.sqrt(counts) for name, own in domains.coefficients.items()}
    weights = {
        name: (targets[name] / np.sqrt(np.where(values[name] > 0.0, values[name], 1.0))).T for name in values
    }
    own = domains.leaders
    given: dict[Matrix, np.ndarray] = {covariance(name): values[own[name]] for name in estimator.samples}
    given |= {teacher(name): weights[own[name]] for name in estimator.samples}
    dims = {INPUTS: levels.size, **{Space(name): size for name, size in sizes.items()}}
    for node in estimator.diagonals:
        own_values, dim = diagonals[node.name], dims[node.rows]
        where = levels if node.rows is INPUTS else np.arange(dim) * len(own_values) // dim
        given[node] = own_values[where] if own_values.ndim == 1 else own_values
    noise = {name: np.sqrt(domains.unseen(name)) for name in estimator.samples}
    tested, truth, left = values[own[TEST]], weights[own[TEST]], domains.unseen(TEST).sum()
    found: dict[str, list[list[float]]] = {"test": [], "norm": []}
    for number in trials:
        drawn = _Drawn(fold_in(host_key(seed), number), dims, given, noise)
        fitted = [_Evaluation(drawn, point).vector(estimator.weights) for point in points]
        found["test"].append([float(np.sum(tested[:, None] * (own - truth) ** 2) + left) for own in fitted])
        found["norm"].append([float(np.sum(own**2)) for own in fitted])
    return {name: np.array(rows) for name, rows in found.items()}


class _Drawn:
    """The matrices of one trial, of variance 1, and its vectors."""

    def __init__(
        self, key: HostKey, dims: Mapping[Space, int], given: Mapping[Matrix, np.ndarray], noise: Mapping[str, np.ndarray]
    ) -> None:
        self.key, self.dims, self.given, self.noise = key, dims, given, noise
        self.made: dict[Matrix, np.ndarray] = {}

    def __getitem__(self, node: Matrix) -> np.ndarray:
        """The array of a leaf, diagonal matrices as vectors."""
        if node in self.given:
            return self.given[node]
        if node not in self.made:
            self.made[node] = self._draw(node)
        return self.made[node]

    def _draw(self, node: Matrix) -> np.ndarray:
        assert isinstance(node, Gaussian | Vector), node
        name = node.name if isinstance(node, Gaussian) else f"{node.kind} of {node.of}"
        key = fold_in(self.key, zlib.crc32(name.encode()))
        if isinstance(node, Vector):
            deviation = self.noise[node.rows.name]
            (errors,) = standard_normals(key, np.float64, (self.dims[node.rows], deviation.size))
            return np.asarray(errors) * deviation
        (entries,) = standard_normals(key, np.float64, (self.dims[node.rows], self.dims[node.columns]))
        entries = np.asarray(entries)
        rows, columns = node.parts[3:5]
        entries = entries if rows is None else _times(_root(self[rows]), entries)
        return entries if columns is None else _times(_root(self[columns]), entries.T).T


def _times(diagonal: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """A deterministic matrix times columns."""
    return diagonal[:, None] * columns if diagonal.ndim == 1 else diagonal @ columns


def _root(diagonal: np.ndarray) -> np.ndarray:
    """The root of a positive deterministic matrix."""
    if diagonal.ndim == 1:
        return np.sqrt(diagonal)
    values, vectors = np.linalg.eigh(diagonal)
    return (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T


class _Evaluation:
    """An expression at one point of a trial."""

    def __init__(self, drawn: _Drawn, scalars: Mapping[str, float]) -> None:
        self.drawn, self.scalars = drawn, {**{space.name: float(size) for space, size in drawn.dims.items()}, **scalars}
        self.vectors: dict[Matrix, np.ndarray] = {}
        self.factors: dict[Matrix, tuple[np.ndarray, np.ndarray | None]] = {}

    def vector(self, node: Matrix) -> np.ndarray:
        """(dim, outputs)."""
        if node not in self.vectors:
            if isinstance(node, Vector):
                found = self.drawn[node]
            elif isinstance(node, Scaled):
                found = node.factor.value(self.scalars) * self.vector(node.matrix)
            elif isinstance(node, Sum):
                found = self.vector(node.left) + self.vector(node.right)
            else:
                assert isinstance(node, Product), node
                found = self.times(node.left, self.vector(node.right))
            self.vectors[node] = found
        return self.vectors[node]

    def times(self, node: Matrix, columns: np.ndarray) -> np.ndarray:
        """The matrix times columns."""
        if isinstance(node, Identity):
            return columns
        if isinstance(node, Diagonal):
            return _times(self.drawn[node], columns)
        if isinstance(node, Gaussian):
            return np.sqrt(node.variance.value(self.scalars)) * (self.drawn[node] @ columns)
        if isinstance(node, Transpose):
            return np.sqrt(node.parts[0].variance.value(self.scalars)) * (self.drawn[node.T].T @ columns)
        if isinstance(node, Scaled):
            return node.factor.value(self.scalars) * self.times(node.matrix, columns)
        if isinstance(node, Product):
            return self.times(node.left, self.times(node.right, columns))
        if isinstance(node, Sum):
            return self.times(node.left, columns) + self.times(node.right, columns)
        assert isinstance(node, Inverse), node
        return self.solved(node.matrix, columns)

    def dense(self, node: Matrix) -> np.ndarray:
        """The matrix itself."""
        if isinstance(node, Sum):
            return self.dense(node.left) + self.dense(node.right)
        if isinstance(node, Product):
            return self.times(node.left, self.dense(node.right))
        return self.times(node, np.eye(self.drawn.dims[node.columns]))

    def solved(self, node: Matrix, columns: np.ndarray) -> np.ndarray:
        """The inverse of a positive matrix times columns; of a singular one the smallest solution."""
        if node not in self.factors:
            self.factors[node] = _factored(self.dense(node))
        factor, inverse = self.factors[node]
        if inverse is not None:
            return factor @ (inverse[:, None] * (factor.T @ columns))
        return np.linalg.solve(factor, columns)


def _factored(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
    """The matrix if it is regular, else its eigenvectors and the inverse eigenvalues of those that are not 0."""
    try:
        pivots = np.diagonal(np.linalg.cholesky(matrix)) ** 2
    except np.linalg.LinAlgError:
        pivots = np.zeros(1)
    cut = SINGULAR * len(matrix) * np.max(np.abs(matrix))
    if pivots.min() > cut:
        return matrix, None
    values, vectors = np.linalg.eigh(matrix)
    return vectors, np.where(values > cut, 1.0 / np.where(values > cut, values, 1.0), 0.0)
