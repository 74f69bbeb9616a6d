"""An estimator: an expression for its weights, and what can be read off it."""

__all__ = ["Estimator"]

import functools
from dataclasses import dataclass
from functools import cached_property

from rfgen.algebra.equations import Equations, equations
from rfgen.algebra.interned import ExpressionError
from rfgen.algebra.leaves import Diagonal, Gaussian, Vector
from rfgen.algebra.macros import INPUTS, covariance, teacher
from rfgen.algebra.matrices import LINE, Identity, Inverse, Matrix, Scaled, Sum, nodes, replaced
from rfgen.algebra.pencil import linearise
from rfgen.algebra.scalars import Scalar, scalar
from rfgen.algebra.structure import Structure, structure

# Arguments of `predict`, `simulate` and `check`, beside which names are given.
RESERVED = frozenset({
    "by_mode", "dtype", "engine", "finite_size", "form", "learner", "max_trials", "members", "memory", "progress", "seed",
    "start", "store", "task", "test", "test_rows", "test_task", "threshold", "trials", "until", "variables", "weights",
})


@dataclass(frozen=True, repr=False)
class Estimator:
    """A linear predictor x.w by the expression of its weights w, a vector on inputs.

    It stands where a learner does: `rg.predict(task, estimator, n=..., k=..., ridge=...)`, with a number, or numbers, for
    each of its `names`.

    >>> from rfgen.algebra import data, labels, ridge_fit
    >>> X = data("X")
    >>> Estimator(ridge_fit(X, labels(X), features="k"))
    Estimator(n, k, ridge)
    """

    weights: Matrix

    def __post_init__(self) -> None:
        """Refuse what is no vector of weights."""
        weights = self.weights
        if not isinstance(weights, Matrix) or weights.columns is not LINE or weights.rows is not INPUTS:
            shape = f"which maps {weights.columns} to {weights.rows}" if isinstance(weights, Matrix) else "which is none"
            raise ExpressionError(f"an Estimator takes a vector of weights on inputs, got {weights!r}, {shape}")
        if clash := [name for name in self.names if name in RESERVED]:
            raise ExpressionError(f"{clash[0]} is an argument of the verbs: give this number of the estimator another name")
        if not self.samples:
            raise ExpressionError(f"an Estimator learns from labels(...) of data(...), and {weights!r} has none")

    @cached_property
    def samples(self) -> tuple[str, ...]:
        """Its sample spaces, each of a task."""
        found = [node for node in nodes(self.weights) if isinstance(node, Vector) and node.kind == "teacher"]
        drawn = [node for node in nodes(self.weights) if isinstance(node, Gaussian) and node.columns is INPUTS]
        names = [node.of for node in found] + [
            node.rows.name for node in drawn if node.parts[4] is covariance(node.rows.name)
        ]
        return tuple(dict.fromkeys(names))

    @cached_property
    def sizes(self) -> tuple[str, ...]:
        """Spaces other than that of inputs, whose dimensions are numbers to be given."""
        spaces = [space for node in nodes(self.weights) for space in (node.rows, node.columns)]
        names = [space.name for space in spaces if space not in (INPUTS, LINE)]
        return tuple(dict.fromkeys((*(("n",) if "n" in names else ()), *self.samples, *names)))

    @cached_property
    def names(self) -> tuple[str, ...]:
        """All that numbers are to be given for: sizes, then scalars."""
        scalars = [node.factor for node in nodes(self.weights) if isinstance(node, Scaled)]
        scalars += [node.variance for node in nodes(self.weights) if isinstance(node, Gaussian)]
        return tuple(dict.fromkeys((*self.sizes, *sorted({name for one in scalars for name in one.names}))))

    @cached_property
    def never_negative(self) -> frozenset[str]:
        """Names that stand in inverses, or for variances: numbers >= 0."""
        inside = [part for node in nodes(self.weights) if isinstance(node, Inverse) for part in nodes(node.matrix)]
        scalars = [node.factor for node in inside if isinstance(node, Scaled)]
        scalars += [node.variance for node in nodes(self.weights) if isinstance(node, Gaussian)]
        return frozenset(name for one in scalars for name in one.names)

    @cached_property
    def ridges(self) -> tuple[Scalar, ...]:
        """What each inverse adds to the identity, 0 for one that adds nothing."""
        found = []
        for node in nodes(self.weights):
            if isinstance(node, Inverse):
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
        drawn = [node for node in nodes(self.weights) if isinstance(node, Gaussian)]
        sides = [((node.rows, node.parts[3]), (node.columns, node.parts[4])) for node in drawn]
        return tuple(node for node, own in zip(drawn, sides, strict=True) if (INPUTS, None) in own)

    @cached_property
    def diagonals(self) -> tuple[Diagonal, ...]:
        """Its deterministic matrices that are not covariances of inputs."""
        known = [covariance(name) for name in self.samples]
        return tuple(node for node in nodes(self.weights) if isinstance(node, Diagonal) and node not in known)

    def on(self, same: dict[str, str]) -> Matrix:
        """The weights, in which sample spaces take the tasks of others: `same` names for each the space that it follows."""
        by: dict[Matrix, Matrix] = {}
        for name, other in same.items():
            by |= {covariance(name): covariance(other), teacher(name): teacher(other)}
        return replaced(self.weights, by)

    def posed(self, same: dict[str, str], test: str) -> Structure:
        """What is to be solved for its `error` beside the target of the task of `test`, and for its `weights`."""
        return _posed(self.on(same), test)

    def structure(self) -> Structure:
        """Variables, cores, levels and unknowns, on one task: it prints its sizes."""
        first = self.samples[0]
        return self.posed(dict.fromkeys(self.samples, first), first)

    def equations(self) -> Equations:
        """The fixed point and the linear equations that its curve solves, on one task: it prints as text.

        `.latex`, `.all` (equations of sympy); `u` are traces of resolvents, `q` second moments, `E_error` the risk without
        the noise of the test label, beta the target's weights on inputs.
        """
        first = self.samples[0]
        return equations(self.structure(), {"error": (covariance(first).name,)})

    @property
    def program(self) -> str:
        """Its expression line by line, each node once: the same for equal ones in every process."""
        lines = {node: number for number, node in enumerate(nodes(self.weights))}
        return "\n".join(
            f"{type(node).__name__} {[lines[part] if isinstance(part, Matrix) else repr(part) for part in node.parts]}"
            for node in lines
        )

    def __repr__(self) -> str:
        """What it needs."""
        return f"Estimator({', '.join(self.names)})"


@functools.lru_cache(maxsize=128)
def _posed(weights: Matrix, test: str) -> Structure:
    return structure(linearise({"error": weights - teacher(test), "weights": weights}))
