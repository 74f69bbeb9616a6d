"""`diagnose`: one's own rows, theory and real splits side by side."""

__all__ = ["diagnose"]

import math
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from rfgen.api.diagnosis.causes import causes
from rfgen.api.diagnosis.curve import of_curve
from rfgen.api.diagnosis.measured import OFF, UNITS, agreeing
from rfgen.api.diagnosis.point import SPLITS, Point, examined, nearby_rows, scatter_of_inputs
from rfgen.api.diagnosis.record import Diagnosis, Finding
from rfgen.api.methods.table import method_for
from rfgen.api.own_data.held_out_points import MOST_ROWS, Rows
from rfgen.api.own_data.learning_curve import SAME, read_rows
from rfgen.api.own_data.rows import read_data
from rfgen.api.predicting import predict
from rfgen.curves.arguments import Numbers
from rfgen.problems import validation
from rfgen.problems.learner import Learner
from rfgen.problems.own_functions import own_result
from rfgen.systems.xor.problem import TwoLayerReLU


def diagnose(
    data: Any, y: Any, n: Numbers | None = None, ridge: Numbers = 0.0, *, measured: Numbers | None = None,
    kind: str = "auto", kernel: Callable[[Any, Any], Any] | None = None, feature_map: Callable[[Any], Any] | None = None,
    intercept: bool = True, seed: int = 0,
) -> Diagnosis:
    """Why theory and a run on your rows disagree: what is known to separate them, with the size of the error it makes.

    Parameters
    ----------
    data, y, kind, kernel, feature_map, intercept, seed
        As in `learning_curve`.  Or a task and a learner, of which you have `measured` values.
    n
        Rows in training, below N; None: half of them.
    ridge
        >= 0, unnormalised.
    measured
        Held-out risks of your own runs, means over runs, in the shape of the curve (n, ridge, ...): which other convention,
        of the ridge, the features, the noise or the risk, would agree with them (two values or more, else none is told).

    Returns
    -------
    Diagnosis
        Prints as a few lines, most severe first; `.findings`, its truth (whether anything was found), and `.groups`, names
        that hold exact copies together.

    Raises
    ------
    ValueError
        That names the argument.

    Notes
    -----
    Both forms of the theory, one effective ridge for all rows and one each, beside 40 real splits of the rows with the
    latter as control variate.  Known causes (on 114 data sets): rows of unlike leverage (the form with one ridge is 4.7 %
    off at the 90th percentile where the two forms agree within 5 %, 26 % in the median where they differ by 10 %), exact
    copies, clusters, few input dimensions, rare categories, n at the rank, rounding, few rows.  An error counts beyond 5 %
    (of the form with one ridge) or 10 % and three standard errors of the splits.  Of more than 2,000 rows as many are
    drawn.

    Examples
    --------
    >>> import numpy as np
    >>> import rfgen as rg
    >>> X, y = rg.datasets.digits()
    >>> rg.diagnose(X[:200], y[:200], ridge=10.0)
    200 rows, theory beside 40 splits
    nothing found
    rank 53, input dimensions about 3, degrees of freedom 14 (df1), 8 (df2) at n=100
    >>> found = rg.diagnose(np.repeat(X[:100], 2, axis=0), np.repeat(y[:100], 2), ridge=1.0)
    >>> found.names, found["duplicates"].size < -0.3, found.groups[:4]
    (('duplicates',), True, array([0, 0, 1, 1]...))
    """
    if isinstance(y, Learner | TwoLayerReLU):
        return _of_task(data, y, n, measured)
    validation.aligned(data=data, y=y)
    if kernel is not None and feature_map is not None:
        raise ValueError("feature_map must be left out where kernel is given")
    given, name = data, "data"
    if kernel is not None:
        given, kind, name = own_result("kernel", kernel, data, data), "kernel", "kernel(data, data)"
    elif feature_map is not None:
        given, kind, name = own_result("feature_map", feature_map, data), "features", "feature_map(data)"
    matrix, kind, precision = read_data(given, kind, name)
    labels, total = np.asarray(y), len(matrix)
    seed = validation.integer("seed", seed, 0)
    drawn = np.sort(np.random.default_rng(seed).permutation(total)[:MOST_ROWS])
    if total > MOST_ROWS and labels.shape[:1] == (total,):
        matrix, labels = matrix[np.ix_(drawn, drawn)] if kind == "kernel" else matrix[drawn], labels[drawn]

    def read(intercept: Any) -> Rows:
        return read_rows(matrix, labels, ridge, kind, None, None, intercept, None, None, False, seed)[0]

    rows, ridges = read(intercept), np.atleast_1d(validation.non_negative("ridge", ridge))
    count = len(rows.labels)
    sizes = np.atleast_1d(validation.positive("n", max(count // 2, 2) if n is None else n))
    if ((sizes != np.round(sizes)) | (sizes < 2) | (sizes >= count)).any():
        raise ValueError(f"n must hold whole numbers from 2 to {count - 1}, as the rest is held out, got {sizes.tolist()}")
    groups = nearby_rows(rows.kernel, SAME) if rows.repeated else None
    inputs = np.asarray(data)[drawn] if kernel is not None else matrix
    near = inputs.reshape(count, -1) if kernel is not None and inputs.dtype.kind in "fiu" else None
    dimension = scatter_of_inputs(rows.kernel if near is None else near @ near.T)
    points, worst = [], dict[str, Finding]()
    for size in sizes:
        for own in ridges:
            at = examined(rows, int(size), rows.per_row(float(own)))
            points.append(at)
            where = f"n={size:g}, ridge={own:g}" if sizes.size * ridges.size > 1 else ""
            for found in causes(rows, groups, dimension, precision, at, where, rows.scale):
                if found.name not in worst or abs(found.size) > abs(worst[found.name].size):
                    worst[found.name] = found
    if measured is not None:
        told = np.ravel(validation.positive("measured", measured, (0, 1, 2)))
        if told.size != len(points):
            raise ValueError(f"measured must hold a risk for each n and ridge ({len(points)}), got {told.size}")
        other = read(not intercept)
        features = matrix.shape[1] if kind == "features" else 0
        worst |= {found.name: found for found in _units(rows, other, points, told, features)}
    facts = (
        f"rank {rows.gram.vectors.shape[1]}, "
        f"{f'input dimensions about {dimension:.0f}, ' if math.isfinite(dimension) else ''}"
        f"degrees of freedom {points[0].degrees[0]:.0f} (df1), {points[0].degrees[1]:.0f} (df2) at n={points[0].n}"
    )
    title = f"{count} rows{f' of {total}' if total > count else ''}, theory beside {SPLITS} splits"
    ordered = sorted(worst.values(), key=lambda found: -abs(found.size) if math.isfinite(found.size) else -math.inf)
    return Diagnosis(tuple(ordered), title, facts, groups)


def _of_task(task: Any, learner: Any, n: Any, measured: Any) -> Diagnosis:
    """A curve and the user's own runs."""
    if measured is None:
        raise ValueError("measured must hold the risks of your runs where data is a task and y a learner")
    method, _ = method_for("predict", task, learner)
    name = method.decided[0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theory = predict(task, learner, n)[name].values
    told = validation.positive("measured", measured, tuple(range(6)))
    if told.size != theory.size:
        raise ValueError(f"measured must have the shape of the curve, {theory.shape}, got {told.shape}")
    told = told.reshape(theory.shape)
    return of_curve(task, learner, n, {}, name, told, ~(np.abs(theory / told - 1.0) <= OFF))


def _units(rows: Rows, other: Rows, points: list[Point], told: np.ndarray, features: int) -> Iterator[Finding]:
    """What measured risks would agree with."""
    def risks(factor: Callable[[Point], float], own: Rows = rows) -> list[float]:
        return [examined(own, at.n, at.ridge * rows.scale / own.scale * factor(at)).found for at in points]

    now, count = [at.found for at in points], len(rows.labels)
    with np.errstate(divide="ignore"):  # of labels that are fitted to the last digit
        misses = told / np.array(now) - 1.0
    worst = int(np.argmax(np.abs(misses)))
    off = float(misses[worst])
    if abs(off) <= OFF:
        return
    meant = {
        "ridge * n": risks(lambda at: at.n), "ridge / n": risks(lambda at: 1.0 / at.n),
        "intercept": risks(lambda at: 1.0, other), "root": [risk**0.5 for risk in now],
        "half": [risk / 2.0 for risk in now], "training error": [at.training for at in points],
        "all rows": [(at.n * at.training + (count - at.n) * at.found) / count for at in points],
    }
    if features > 1:
        meant |= {"ridge * features": risks(lambda at: features), "ridge / features": risks(lambda at: 1.0 / features)}
    found, both = agreeing(told, now, meant), f"your runs measure {told[worst]:.4g} where splits give {now[worst]:.4g}"
    if not found and abs(off) > points[worst].scatter:  # which a single run would explain
        yield Finding("measured", off, "", f"{both}, and no other convention explains it", "compare one split row by row")
    if not found:
        return
    what, remedy = UNITS[found[0]]
    also = f" (or {' or '.join(UNITS[name][0] for name in found[1:])})" if found[1:] else ""
    yield Finding("units", off, "", f"{both}: that is {what}{also}", remedy)
