"""Named comparisons of estimators that are written as expressions: known questions in a few lines each."""

__all__ = ["OWN", "own_estimator"]

from typing import Any

from rfgen import algebra as a
from rfgen.problems.task import Task

X, U = a.data("X"), a.data("U", samples="m")
Y, W = a.labels(X), a.ridge_fit(X, a.labels(X))
FIRST, SECOND = a.random_features("k", name="W"), a.random_features("j", name="V")


def _generations(count: int) -> tuple[list[Any], list[Any], list[Any]]:
    """Rows, labels and weights of models, each trained on fresh rows that the one before has labelled."""
    rows, told = [a.data(f"X{number}") for number in range(count)], []
    fitted: list[Any] = []
    for own in rows:
        told.append(a.labels(own, fitted[-1] if fitted else None))
        fitted.append(a.ridge_fit(own, told[-1]))
    return rows, told, fitted


def _refitted_on_all(count: int) -> Any:
    """The last of models that are each trained on all rows so far, the newest labelled by the one before."""
    rows, told, model = [a.data("X0")], [a.labels(a.data("X0"))], None
    for number in range(1, count + 1):
        model = a.ridge_fit(rows, told)
        if number < count:
            rows.append(a.data(f"X{number}"))
            told.append(a.labels(rows[-1], model))
    return model


def _tuned(rows: Any) -> Any:
    return a.continue_from(W, rows, a.labels(rows), "ridge2")


ROWS, TOLD, FITTED = _generations(3)
DEEP = FIRST @ a.Gaussian("V", a.space("k"), a.space("j"), variance=1.0 / a.scalar("j"))
DEEPER = DEEP @ a.Gaussian("V2", a.space("j"), a.space("i"), variance=1.0 / a.scalar("i"))
BEGUN = a.ridge_fit(X, Y, features=FIRST)
# Name: question, source, weights, numbers at smoke scale.
OWN: dict[str, tuple[str, str, Any, dict[str, Any]]] = {
    "gaussian-sketch": (
        "Ridgeless regression on fewer random combinations of the rows: the peak at as many as inputs, and beyond",
        "arXiv 2302.01088", a.ridge_fit(X, Y, 0.0, weight=a.sketch(X, "m")), {"m": [60, 120, 300], "n": 400},
    ),
    "orthogonal-sketch": (
        "The same on an orthogonal sketch: where there are more rows than inputs, fewer digits are lost",
        "arXiv 2302.01088", a.ridge_fit(X, Y, 0.0, weight=a.haar(X, "m")), {"m": [60, 120, 300], "n": 400},
    ),
    "collapse-replaced": (
        "The third of models trained on fresh rows that the one before has labelled, of fewer and more rows than inputs",
        "derived; question of arXiv 2402.07712", FITTED[-1], {"n": [80, 300], "ridge": [0.3, 3.0]},
    ),
    "collapse-accumulated": (
        "The same where each model is trained on the rows of all before as well",
        "derived; question of arXiv 2404.01413", _refitted_on_all(3), {"n": [80, 300], "ridge": [0.3, 3.0]},
    ),
    "collapse-mixed": (
        "A model trained on rows with true labels beside rows labelled by a model of a model",
        "derived; question of arXiv 2410.04840", a.ridge_fit([U, ROWS[2]], [a.labels(U), TOLD[2]]),
        {"m": [20, 200], "n": 120, "ridge": [0.3, 3.0]},
    ),
    "fine-tuned": (
        "Drawn to a first model: few and many rows of a second set, a weak and a strong pull",
        "derived; question of arXiv 2508.15494", _tuned(U), {"m": [40, 300], "n": 150, "ridge": 0.3, "ridge2": [0.3, 30.0]},
    ),
    "taught-by-weaker": (
        "A student of many random features on rows that a teacher of few has labelled",
        "derived; question of arXiv 2603.05691", a.distil(BEGUN, U, "ridge2", SECOND),
        {"m": [100, 400], "n": 150, "k": 60, "j": 200, "ridge": 0.3, "ridge2": [0.1, 3.0]},
    ),
    "boosted": (
        "Random features fitted to what others left of the same labels",
        "derived", BEGUN + a.ridge_fit(X, Y - X @ BEGUN, "ridge2", SECOND),
        {"k": [60, 200], "n": 150, "j": 80, "ridge": 1.0, "ridge2": [1.0, 10.0]},
    ),
    "soup": (
        "The mean of the weights of two models, tuned from one on rows of their own",
        "derived; question of arXiv 2203.05482", a.ensemble([_tuned(a.data(name, "m")) for name in "UV"]),
        {"m": [60, 250], "n": 150, "ridge": 0.3, "ridge2": [0.3, 10.0]},
    ),
    "two-layers": (
        "Ridge regression on two layers of random linear features, the narrower one first and last",
        "derived; question of arXiv 2402.13999", a.ridge_fit(X, Y, features=DEEP),
        {"k": [60, 200], "j": 100, "n": 150, "ridge": [0.1, 3.0]},
    ),
    "three-layers": (
        "The same on three layers",
        "derived; question of arXiv 2402.13999", a.ridge_fit(X, Y, features=DEEPER),
        {"k": [80, 200], "j": 100, "i": 150, "n": 150, "ridge": [0.1, 3.0]},
    ),
}


def own_estimator(name: str) -> tuple[Task, a.Estimator]:
    """Task and estimator of a comparison."""
    return Task.power_law(alpha=0.6, beta=1.5, noise=0.3, modes=200), a.Estimator(OWN[name][2])
