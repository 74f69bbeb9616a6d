"""An estimator: an expression for its weights, and what can be read off it."""

__all__ = ["Estimator"]

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from rfgen.algebra.coefficients import coefficients
from rfgen.algebra.equations import Equations, equations
from rfgen.algebra.flow import check_flow, resolved
from rfgen.algebra.interned import ExpressionError
from rfgen.algebra.leaves import Centring, Diagonal, Gaussian, Subset, Transpose, Vector
from rfgen.algebra.macros import INPUTS, covariance, teacher
from rfgen.algebra.matrices import LINE, Identity, Inverse, Matrix, Scaled, Sum, nodes, replaced
from rfgen.algebra.pencil import linearise
from rfgen.algebra.predictor import Population, Predictor
from rfgen.algebra.scalars import Scalar, scalar
from rfgen.algebra.structure import Structure, structure

# Arguments of `predict`, `simulate` and `check`, beside which names are given.
RESERVED = frozenset({
    "by_mode", "dtype", "engine", "finite_size", "form", "learner", "max_trials", "members", "memory", "progress", "seed",
    "start", "store", "task", "test", "test_rows", "threshold", "trials", "until", "variables", "weights",
})


@dataclass(frozen=True, repr=False)
class Estimator:
    """A linear predictor x.w by the expression of its weights w, a vector on inputs.

    It stands where a learner does: `rg.predict(task, estimator, n=..., k=..., ridge=...)`, with a number, or numbers, for
    each of its `names`.

    Parameters
    ----------
    weights
        A vector on inputs, or an `rg.algebra.Predictor`, which sees nonlinear features of them.
    inputs
        What test points are like: `data(...)`, with `u @ v.T` added for each single direction v, u of `ones` (a mean),
        `normal` (a spike) or `signs` (two classes, which are then what is predicted).  None: as the task's inputs.
    intercept
        A number that is added to x.w, as `rg.algebra.intercept` makes.

    >>> from rfgen.algebra import data, labels, ridge_fit
    >>> X = data("X")
    >>> Estimator(ridge_fit(X, labels(X), features="k"))
    Estimator(n, k, ridge)
    """

    weights: Any
    inputs: Matrix | None = None
    intercept: Matrix | None = None

    def __post_init__(self) -> None:
        """Refuse what is no vector of weights."""
        weights = self.predictor.weights
        if not isinstance(weights, Matrix) or weights.columns is not LINE or weights.rows is not INPUTS:
            shape = f"which maps {weights.columns} to {weights.rows}" if isinstance(weights, Matrix) else "which is none"
            raise ExpressionError(f"an Estimator takes a vector of weights on inputs, got {weights!r}, {shape}")
        if self.intercept is not None and (self.intercept.rows, self.intercept.columns) != (LINE, LINE):
            raise ExpressionError(f"the intercept of an Estimator must be a number, got {self.intercept!r}")
        if clash := [name for name in self.names if name in RESERVED]:
            raise ExpressionError(f"{clash[0]} is an argument of the verbs: give this number of the estimator another name")
        if not self.samples:
            raise ExpressionError(f"an Estimator learns from data(...), and {weights!r} has none")
        check_flow(self.nodes)

    @cached_property
    def predictor(self) -> Predictor:
        """The weights, with those on what features have beside inputs."""
        return self.weights if isinstance(self.weights, Predictor) else Predictor(self.weights)

    @cached_property
    def population(self) -> Population:
        """Test points."""
        return Population.of(self.inputs)

    @cached_property
    def roots(self) -> tuple[Matrix, ...]:
        """Its expressions."""
        own = () if self.intercept is None else (self.intercept,)
        return *self.predictor.parts, *self.population.vectors.values(), *own

    @cached_property
    def nodes(self) -> tuple[Matrix, ...]:
        """Every node of its expressions, once."""
        return tuple(dict.fromkeys(node for root in self.roots for node in nodes(root)))

    @cached_property
    def samples(self) -> tuple[str, ...]:
        """Its sample spaces, each of a task."""
        found = [node for node in self.nodes if isinstance(node, Vector) and node.kind == "teacher"]
        drawn = [node for node in self.nodes if isinstance(node, Gaussian) and node.columns is INPUTS]
        names = [node.of for node in found] + [
            node.rows.name for node in drawn if node.parts[4] is covariance(node.rows.name)
        ]
        return tuple(dict.fromkeys(names))

    @cached_property
    def sizes(self) -> tuple[str, ...]:
        """Spaces other than that of inputs, whose dimensions are numbers to be given, and sizes of subsets."""
        spaces = [space for node in self.nodes for space in (node.rows, node.columns)]
        names = [space.name for space in spaces if space not in (INPUTS, LINE)] + [own.size for own in self.subsets]
        return tuple(dict.fromkeys((*(("n",) if "n" in names else ()), *self.samples, *names)))

    @cached_property
    def names(self) -> tuple[str, ...]:
        """All that numbers are to be given for: sizes, then scalars."""
        scalars = [node.factor for node in self.nodes if isinstance(node, Scaled)]
        scalars += [node.variance for node in self.nodes if isinstance(node, Gaussian)]
        scalars += [part for node in self.nodes if isinstance(node, Vector | Inverse) for part in node.parts[1:]]
        scalars += [own.variance for own in self.predictor.beside]
        names = {name for one in scalars if isinstance(one, Scalar) for name in one.names}
        return tuple(dict.fromkeys((*self.sizes, *sorted(names))))

    @cached_property
    def never_negative(self) -> frozenset[str]:
        """Names that stand in inverses, or for variances, times and shares: numbers >= 0."""
        inside = [part for node in self.nodes if isinstance(node, Inverse) for part in nodes(node.matrix)]
        scalars = [node.factor for node in inside if isinstance(node, Scaled)]
        scalars += [node.variance for node in self.nodes if isinstance(node, Gaussian)]
        scalars += [part for node in self.nodes if isinstance(node, Vector | Inverse) for part in node.parts[1:]]
        return frozenset(name for one in scalars if isinstance(one, Scalar) for name in one.names)

    @cached_property
    def ridges(self) -> tuple[Scalar, ...]:
        """What each inverse adds to the identity, 0 for one that adds nothing."""
        found = []
        for node in self.nodes:
            if isinstance(node, Inverse) and node.time is None:
                terms, here = [node.matrix], [scalar(0.0)]
                while terms:
                    term = terms.pop()
                    if isinstance(term, Sum):
                        terms += term.parts
                    elif isinstance(term, Scaled | Identity):
                        factor, matrix = term.parts if isinstance(term, Scaled) else (scalar(1.0), term)
                        here += [factor] if isinstance(matrix, Identity) else []
                found.append(sum(here[1:], here[0]))
        return tuple(dict.fromkeys(found))

    @cached_property
    def isotropic(self) -> tuple[Gaussian, ...]:
        """Gaussian matrices of equal variance in all directions of the inputs: features, noise of views."""
        drawn = [node for node in self.nodes if isinstance(node, Gaussian)]
        sides = [((node.rows, node.parts[3]), (node.columns, node.parts[4])) for node in drawn]
        return tuple(node for node, own in zip(drawn, sides, strict=True) if (INPUTS, None) in own)

    @cached_property
    def diagonals(self) -> tuple[Diagonal, ...]:
        """Its deterministic matrices that are not covariances of inputs, whose values are given by name."""
        known = [covariance(name) for name in self.samples]
        return tuple(node for node in self.nodes if type(node) is Diagonal and node not in known)

    @cached_property
    def directions(self) -> tuple[Vector, ...]:
        """Vectors on inputs whose values are given by name."""
        return tuple(node for node in self.nodes if isinstance(node, Vector) and node.kind == "direction")

    @cached_property
    def single(self) -> bool:
        """Whether single vectors are among its matrices."""
        turned = [node.T for node in self.nodes if isinstance(node, Transpose)]
        return any(isinstance(node, Vector) for node in turned) or any(isinstance(node, Centring) for node in self.nodes)

    @cached_property
    def subsets(self) -> tuple[Subset, ...]:
        """Random subsets of samples."""
        return tuple(node for node in self.nodes if isinstance(node, Subset))

    @cached_property
    def flow(self) -> Inverse | None:
        """What is trained by gradient flow."""
        return next((node for node in self.nodes if isinstance(node, Inverse) and node.time is not None), None)

    @cached_property
    def labelled(self) -> tuple[tuple[Matrix, Matrix], ...]:
        """Labels with noise of their own, or classes, and the rows that they are of."""
        noisy = [node for node in self.nodes if isinstance(node, Sum) and getattr(node.right, "kind", "") == "noise"]
        rows = {own.name: own for own in self.nodes if isinstance(own, Gaussian)}
        found = [(node, rows[node.right.of]) for node in noisy if node.right.of in rows]
        return tuple((node, matrix) for node, matrix in found if node.rows is matrix.rows)

    def outputs(self, test: str) -> dict[str, Matrix]:
        """What is measured: `error` beside the target of the task of `test`, `weights`, `coefficients` on features, what
        test points see of weights along their single directions, the `intercept`, residuals.
        """
        weights, population = self.predictor.weights, self.population
        found = {"error": weights - teacher(test), "weights": weights}
        found |= {f"coefficients {number}": own for number, own in enumerate(coefficients(self.predictor))}
        found |= {f"beside {number}": own for number, own in enumerate(self.predictor.beside.values())}
        target = weights if population.classes else found["error"]
        found |= {f"along {number}": vector @ target for number, vector in enumerate(population.vectors.values())}
        if self.intercept is not None:
            found["intercept"] = self.intercept
        if self.inputs is None:
            for number, (label, rows) in enumerate(self.labelled):
                residual = label - rows @ self.predictor
                if self.intercept is not None:
                    residual = residual - Vector("ones", rows.rows.name, rows.rows) @ self.intercept
                found[f"residual {number}"] = residual
        return found

    def on(self, same: Mapping[str, str], outputs: Mapping[str, Matrix]) -> dict[str, Matrix]:
        """Outputs in which sample spaces take the tasks of others: `same` names for each the space that it follows."""
        by: dict[Matrix, Matrix] = {}
        for name, other in same.items():
            by |= {covariance(name): covariance(other), teacher(name): teacher(other)}
        return {name: replaced(own, by) for name, own in outputs.items()}

    def posed(self, same: Mapping[str, str], test: str) -> Structure:
        """What is to be solved for its `outputs` on the task of `test`; along gradient flow for pairs of ridges."""
        found = self.on(same, self.outputs(test))
        return _posed(tuple((found if self.flow is None else resolved(found)).items()))

    def structure(self) -> Structure:
        """Variables, cores, levels and unknowns, on one task: it prints its sizes."""
        first = self.samples[0]
        return self.posed(dict.fromkeys(self.samples, first), first)

    def equations(self) -> Equations:
        """The fixed point and the linear equations that its curve solves, on one task: it prints as text.

        `.latex`, `.all` (equations of sympy); `u` are traces of resolvents, `q` second moments, `t` numbers along single
        directions, `E_error` the risk without the noise of the test label (of classes `E_weights` the variance of scores),
        beta the target's weights on inputs.
        """
        first = self.samples[0]
        if self.flow is not None:
            raise ExpressionError("equations are of systems that are solved: write the estimator without its time")
        wanted = "error" if self.population.classes is None else "weights"
        kept = (wanted, "beside", "along")
        outputs = {name: own for name, own in self.outputs(first).items() if name.split()[0] in kept}
        found = _posed(tuple(self.on(dict.fromkeys(self.samples, first), outputs).items()))
        metrics = {name: (covariance(first).name,) if name == wanted else () for name in outputs}
        return equations(found, {name: own for name, own in metrics.items() if not name.startswith("along")})

    @property
    def program(self) -> str:
        """Its expressions line by line, each node once: the same for equal ones in every process."""
        lines = {node: number for number, node in enumerate(self.nodes)}
        return "\n".join([
            *(
                f"{type(node).__name__} {[lines[part] if isinstance(part, Matrix) else repr(part) for part in node.parts]}"
                for node in lines
            ),
            repr([lines[root] for root in self.roots]), repr(list(self.population.vectors)),
        ])

    def __repr__(self) -> str:
        return f"Estimator({', '.join(self.names)})"


@functools.lru_cache(maxsize=128)
def _posed(outputs: tuple[tuple[str, Matrix], ...]) -> Structure:
    return structure(linearise(dict(outputs)))
