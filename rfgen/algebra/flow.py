"""Estimators trained by gradient flow, as sums over complex ridges of those that are solved: theory (14.9)."""

__all__ = ["RIDGES", "check_flow", "resolved"]

from collections.abc import Mapping, Sequence

from rfgen.algebra.interned import ExpressionError
from rfgen.algebra.matrices import Inverse, Matrix, Product, nodes, replaced
from rfgen.algebra.scalars import scalar

# Names of the two ridges that stand for gradient flow in the two factors of a mean square.
RIDGES = ("_first_ridge", "_second_ridge")


def check_flow(found: Sequence[Matrix]) -> None:
    """Refuse what is not linear in one gradient flow; `found`: every node, parts before what is made of them."""
    flows = [node for node in found if isinstance(node, Inverse) and node.time is not None]
    if len(flows) > 1:
        raise ExpressionError(f"an Estimator has at most one gradient flow, got {flows[0]!r} and {flows[1]!r}")
    degrees: dict[Matrix, int] = {}
    for node in found:
        inside = [degrees[part] for part in node.parts if isinstance(part, Matrix)]
        degree = sum(inside) if isinstance(node, Product) else max(inside, default=0)
        if degree > 1 or (isinstance(node, Inverse) and degree):
            raise ExpressionError(f"an Estimator is linear in its gradient flow, and {node!r} is not: train one part by it")
        degrees[node] = degree + (node in flows)


def resolved(outputs: Mapping[str, Matrix]) -> dict[str, Matrix]:
    """Each output twice, the second marked by ', with an inverse at a ridge of its own in the place of the flow.

    >>> from rfgen.algebra import data, labels
    >>> X = data("X")
    >>> resolved({"weights": (X.T @ X).flow("t") @ X.T @ labels(X)})["weights'"]
    (X.T X + _second_ridge 1_inputs)^-1 X.T (X teacher[n] + noise[X])
    """
    found = {}
    for mark, name in zip(("", "'"), RIDGES, strict=True):
        for output, own in outputs.items():
            by: dict[Matrix, Matrix] = {
                node: (node.matrix + scalar(name)).inverse
                for node in nodes(own) if isinstance(node, Inverse) and node.time is not None
            }
            found[output + mark] = replaced(own, by)
    return found
