"""An estimator's expression evaluated: its matrices are drawn, its inverses are systems that are solved."""

__all__ = ["compiled_runs", "trial_bytes"]

import math
import zlib
from collections.abc import Mapping, Sequence

import numpy as np

from rfgen.algebra.coefficients import coefficients
from rfgen.algebra.estimator import Estimator
from rfgen.algebra.leaves import Centring, Diagonal, Gaussian, Subset, Transpose, Vector
from rfgen.algebra.macros import INPUTS, covariance, teacher
from rfgen.algebra.matrices import LINE, Identity, Inverse, Matrix, Product, Scaled, Space, Sum
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
    found = [node for node in estimator.nodes if isinstance(node, Gaussian | Inverse)]
    return 16 * sum(dims[node.rows.name] * dims[node.columns.name] for node in found)


def compiled_runs(
    estimator: Estimator, domains: SpaceTasks, diagonals: Mapping[str, np.ndarray], points: Sequence[Mapping[str, float]],
    sizes: Mapping[str, int], trials: range, seed: int,
) -> dict[str, np.ndarray]:
    """What is measured (trials, points) in the trials of these numbers; each depends on `seed` and its number alone.

    `points`: the scalars of the expression, for which a trial's matrices are drawn once.
    """
    levels = _expanded(domains)
    counts = domains.multiplicity[levels]
    values = {name: own[levels] for name, own in domains.eigenvalues.items()}
    targets = {name: own[:, levels] / np.sqrt(counts) for name, own in domains.coefficients.items()}
    weights = {name: (targets[name] / np.sqrt(np.where(values[name] > 0.0, values[name], 1.0))).T for name in values}
    own = domains.leaders
    given: dict[Matrix, np.ndarray] = {covariance(name): values[own[name]] for name in estimator.samples}
    given |= {teacher(name): weights[own[name]] for name in estimator.samples}
    given |= {node: (diagonals[node.of][levels] / np.sqrt(counts))[:, None] for node in estimator.directions}
    dims = {INPUTS: levels.size, LINE: 1, **{Space(name): size for name, size in sizes.items()}}
    for node in estimator.diagonals:
        own_values, dim = diagonals[node.name], dims[node.rows]
        where = levels if node.rows is INPUTS else np.arange(dim) * len(own_values) // dim
        given[node] = own_values[where] if own_values.ndim == 1 else own_values
    noise = {name: np.sqrt(domains.unseen(name)) for name in estimator.samples}
    tested = values[own[TEST]], weights[own[TEST]], float(domains.unseen(TEST).sum())
    found: dict[str, list[list[float]]] = {}
    for number in trials:
        drawn = _Drawn(fold_in(host_key(seed), number), dims, given, noise)
        rows = [_measured(estimator, _Evaluation(drawn, point), *tested) for point in points]
        for name in rows[0]:
            found.setdefault(name, []).append([row[name] for row in rows])
    return {name: np.array(rows) for name, rows in found.items()}


def _measured(
    estimator: Estimator, evaluation: "_Evaluation", tested: np.ndarray, truth: np.ndarray, unseen: float
) -> dict[str, float]:
    """The errors of one fit on the population of test points."""
    weights, scalars = evaluation.vector(estimator.predictor.weights), evaluation.scalars
    error = weights - truth
    beside = sum(
        features.variance.value(scalars) * float(np.sum(evaluation.vector(own) ** 2))
        for features, own in estimator.predictor.pairs
    )
    intercept = 0.0 if estimator.intercept is None else evaluation.vector(estimator.intercept).item()
    classes = estimator.population.classes
    along = {
        vector: evaluation.times(row, error if classes is None else weights).ravel()
        for vector, row in estimator.population.vectors.items()
    }
    offset = intercept + sum(np.sum(own) for vector, own in along.items() if vector.kind == "ones")
    spiked = sum(float(np.sum(own**2)) for vector, own in along.items() if vector.kind == "normal")
    found = {"norm": sum(float(np.sum(evaluation.vector(own) ** 2)) for own in coefficients(estimator.predictor))}
    if classes is not None:
        variance = float(np.sum(tested[:, None] * weights**2)) + spiked + beside
        scores, share = along[classes].item(), classes.parts[3].value(scalars)
        both = ((share, scores + offset), (1.0 - share, scores - offset))
        found["test"] = variance + sum(part * (score - 1.0) ** 2 for part, score in both)
        found["error"] = sum(part * 0.5 * math.erfc(score / math.sqrt(2.0 * variance)) for part, score in both)
        return found
    found["test"] = float(np.sum(tested[:, None] * error**2)) + unseen + beside + spiked + float(offset) ** 2
    if estimator.inputs is None and estimator.labelled:
        residuals = [evaluation.vector(label - rows @ estimator.predictor) for label, rows in estimator.labelled]
        squares = sum(float(np.sum((own - intercept) ** 2)) for own in residuals)
        found["train"] = squares / sum(len(own) for own in residuals)
    return found


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
        assert isinstance(node, Gaussian | Vector | Subset), node
        name = node.name if isinstance(node, Gaussian | Subset) else f"{node.kind} of {node.of}"
        key = fold_in(self.key, zlib.crc32(name.encode()))
        if isinstance(node, Vector):
            deviation = self.noise[node.rows.name] if node.kind == "noise" else np.ones(1)
            (errors,) = standard_normals(key, np.float64, (self.dims[node.rows], deviation.size))
            return np.asarray(errors) * deviation
        if isinstance(node, Subset):
            (order,) = standard_normals(key, np.float64, (self.dims[node.rows],))
            return (np.argsort(np.argsort(order)) < self.dims[Space(node.size)]).astype(float)
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
        self.modes: dict[Matrix, tuple[np.ndarray, np.ndarray]] = {}
        self.factors: dict[Matrix, tuple[np.ndarray, np.ndarray | None]] = {}

    def vector(self, node: Matrix) -> np.ndarray:
        """(dim, outputs)."""
        if node not in self.vectors:
            if isinstance(node, Vector):
                found = self.leaf(node)
            elif isinstance(node, Scaled):
                found = node.factor.value(self.scalars) * self.vector(node.matrix)
            elif isinstance(node, Sum):
                found = self.vector(node.left) + self.vector(node.right)
            elif isinstance(node, Product):
                found = self.times(node.left, self.vector(node.right))
            else:
                found = self.times(node, np.ones((1, 1)))
            self.vectors[node] = found
        return self.vectors[node]

    def leaf(self, node: Vector) -> np.ndarray:
        """A vector (dim, outputs): those of signs and ones hold no random number but the order of the signs."""
        if node.kind == "ones":
            return np.ones((self.drawn.dims[node.rows], 1))
        found = self.drawn[node]
        if node.kind != "signs":
            return found
        size = round(node.parts[3].value(self.scalars) * len(found))
        return np.where(np.argsort(np.argsort(found[:, 0])) < size, 1.0, -1.0)[:, None]

    def times(self, node: Matrix, columns: np.ndarray) -> np.ndarray:
        """The matrix times columns."""
        if isinstance(node, Identity):
            return columns
        if isinstance(node, Diagonal):
            return _times(self.drawn[node], columns)
        if isinstance(node, Vector):
            return self.leaf(node) @ columns
        if isinstance(node, Transpose) and isinstance(node.T, Vector):
            return self.leaf(node.T).T @ columns
        if isinstance(node, Centring):
            return columns - np.mean(columns, axis=0)
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
        return self.solved(node.matrix, columns) if node.time is None else self.flowed(node, columns)

    def dense(self, node: Matrix) -> np.ndarray:
        """The matrix itself."""
        if isinstance(node, Sum):
            return self.dense(node.left) + self.dense(node.right)
        if isinstance(node, Product):
            return self.times(node.left, self.dense(node.right))
        return self.times(node, np.eye(self.drawn.dims[node.columns]))

    def flowed(self, node: Inverse, columns: np.ndarray) -> np.ndarray:
        """What gradient flow has in the place of the inverse."""
        if node.matrix not in self.modes:
            self.modes[node.matrix] = np.linalg.eigh(self.dense(node.matrix))
        values, vectors = self.modes[node.matrix]
        time = node.time.value(self.scalars)
        decayed = -np.expm1(-time * np.maximum(values, 0.0))
        filters = np.where(values > 0.0, decayed / np.where(values > 0.0, values, 1.0), time)
        return vectors @ (filters[:, None] * (vectors.T @ columns))

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
