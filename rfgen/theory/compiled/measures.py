"""What is known of an estimator once its mean products are: risk and its parts, errors of classes, training error."""

__all__ = ["measures", "metrics_of"]

from collections.abc import Mapping
from typing import Any

import numpy as np

from rfgen.algebra.estimator import Estimator
from rfgen.algebra.structure import Structure
from rfgen.problems.space_tasks import TEST, SpaceTasks
from rfgen.theory.compiled.moments import Metrics
from rfgen.theory.compiled.solver import Solved


def metrics_of(estimator: Estimator, posed: Structure, covariance: str) -> Metrics:
    """Mean products that are asked for; `covariance`: the name of that of test points."""
    mark = "" if estimator.flow is None else "'"
    seen: list[tuple[str, tuple[str, ...]]] = [("error", (covariance,))]
    seen += [("weights", (covariance,))] if estimator.population.classes else []
    names = [name for name in posed.pencil.outputs if not name.endswith("'")]
    seen += [(name, ()) for name in names if name.startswith(("beside", "coefficients", "residual"))]
    return tuple((name, name + mark, diagonals) for name, diagonals in seen)


def measures(
    estimator: Estimator, domains: SpaceTasks, metrics: Metrics, solved: Solved, point: Mapping[str, Any]
) -> dict[str, float]:
    """The variables of a curve at a point."""
    places = {(name, diagonals): number for number, (name, _, diagonals) in enumerate(metrics)}
    values, parts = solved.values, solved.parts
    population, unseen, noise = estimator.population, float(domains.unseen(TEST).sum()), float(domains.noise(TEST).sum())
    risk, split = values[0], parts[:, 0].copy()
    for number, features in enumerate(estimator.predictor.beside):
        share = features.variance.value(point)
        place = places[f"beside {number}", ()]
        risk, split = risk + share * values[place], split + share * parts[:, place]
    norm = sum(values[place] for (name, _), place in places.items() if name.startswith("coefficients"))
    found = {"test": risk + unseen, "norm": norm}
    if residuals := [place for (name, _), place in places.items() if name.startswith("residual")]:
        rows = sum(point[own.rows.name] for _, own in estimator.labelled)
        found["train"] = sum(values[place] for place in residuals) / rows
    along = [solved.line.get(f"along {number}", np.nan) for number in range(len(population.vectors))]
    constant = solved.line.get("intercept", np.nan) if estimator.intercept is not None else 0.0
    kinds = [own.kind for own in population.vectors]
    spiked = sum(own**2 for kind, own in zip(kinds, along, strict=True) if kind == "normal")
    mean = constant + sum(own for kind, own in zip(kinds, along, strict=True) if kind == "ones")
    if population.classes is not None:
        share, score = population.classes.parts[3].value(point), along[kinds.index("signs")]
        variance = risk - values[0] + values[places["weights", metrics[0][2]]] + spiked
        high, low = score + mean, score - mean
        with np.errstate(all="ignore"):
            errors = _below(np.array([high, low]) / np.sqrt(variance))
        found["error"] = share * errors[0] + (1.0 - share) * errors[1]
        found["test"] = variance + share * (high - 1.0) ** 2 + (1.0 - share) * (low - 1.0) ** 2
    elif estimator.inputs is None and estimator.intercept is None and not estimator.single:
        hidden = unseen - noise  # target that no weights reach
        found |= {"bias": split[0] + hidden, "variance": split[1], "noise": split[2] + noise}
    else:
        found["test"] = found["test"] + spiked + mean**2
    return found


def _below(margins: np.ndarray) -> np.ndarray:
    """Shares of normal scores of these margins that are below 0."""
    from scipy.special import ndtr

    return ndtr(-margins)
