"""Systems with curves of their own, outside the eigenframework: for each noun what its verbs are."""

__all__ = ["SYSTEMS", "System", "refuse"]

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rfgen.api.methods.classification import predict_classifier, simulate_classifier
from rfgen.problems.classes.mixture import Mixture
from rfgen.systems.sparse.method import predict_sparse, simulate_sparse
from rfgen.systems.sparse.sparse_regression import SparseRegression
from rfgen.systems.xor.method import predict_network, simulate_network
from rfgen.systems.xor.xor_clusters import XORClusters


@dataclass(frozen=True)
class System:
    """`predict(task, learner, n)` and `simulate(task, learner, n, trials, seed, progress, store)` give Datasets.

    `measured`: variables that `check` compares, each with its `_se` in the simulation; `decided`: those that decide.
    """

    predict: Callable[..., Any]
    simulate: Callable[..., Any]
    measured: tuple[str, ...]
    decided: tuple[str, ...]


def refuse(task: Any, **given: Any) -> None:
    """Refuse what a system does not take, arguments that are not None."""
    for name, value in given.items():
        if value is not None:
            raise ValueError(f"{name} is not covered on {task!r}, got {value!r}")


SYSTEMS: dict[type, System] = {
    Mixture: System(
        predict_classifier, simulate_classifier, ("error", "train_error", "norm"), ("error", "train_error")
    ),
    SparseRegression: System(predict_sparse, simulate_sparse, ("test", "excess", "train", "norm"), ("test", "train")),
    XORClusters: System(
        predict_network, simulate_network, ("test_accuracy", "train_accuracy"), ("test_accuracy",)
    ),
}
