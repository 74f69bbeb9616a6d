"""Random rows over 200 decades through `learning_curve` and `estimate_risk`, against what every curve of rows keeps.

`python -m tests.fuzz_rows 1000 0` looks at so many curves from this seed on and prints every violation by kind.
"""

__all__ = ["hits_of", "look"]

import sys
import warnings
from collections import Counter

import numpy as np

import rfgen as rg

# Statuses without a value, or that real splits or rounding decide.
SILENT, DECIDED = ("unreachable", "not solved"), ("simulated", "rounding", "near peak")


def rows_of(rng):
    """Rows (N, p) of one kind: normal, of unlike lengths, few directions, categories, or with copies and zero rows."""
    count, p = int(rng.integers(4, 26)), int(rng.integers(1, 40))
    rows = rng.normal(size=(count, p))
    kind = rng.integers(6)
    if kind == 1:
        rows *= 10.0 ** rng.uniform(-3, 3, (count, 1))
    if kind == 2:
        rows *= 10.0 ** -rng.uniform(0, 2, p)
    if kind == 3:
        rows = np.eye(p + 1)[rng.integers(0, p + 1, count)] + 1e-3 * rows.mean(axis=1, keepdims=True)
    if kind == 4:
        rows[rng.integers(count)] = rows[0]
        rows[rng.integers(count)] = 0.0
    return rows if kind < 5 else rows.round()


def drawn(rng):
    """Data, labels and the settings of a call."""
    rows = rows_of(rng)
    count = len(rows)
    matrix = rows @ rows.T
    if rng.random() < 0.5:
        apart = np.sum((rows[:, None] - rows) ** 2, axis=2) / rows.shape[1]
        matrix = np.exp(-apart / rng.choice([0.1, 2.0, 40.0]))
    scale = float(np.trace(matrix)) / count
    labels = rng.normal(size=count) if rng.random() < 0.5 else np.sign(rng.normal(size=count))
    settings = {
        "n": np.unique(np.append(rng.integers(2, count + 1, 2), [count, count + int(rng.integers(1, 60))])),
        "ridge": scale * np.append(0.0, 10.0 ** rng.uniform(-18, 12, 3)), "intercept": bool(rng.integers(2)),
    }
    kind = rng.integers(6)
    if kind == 0:
        settings["replace"] = True
        settings["n"] = np.unique(np.minimum(settings["n"], count))
    if kind == 1 and count > 7:
        settings["groups"] = rng.permutation(np.arange(count) % int(rng.integers(3, count // 2)))
        settings["n"] = np.unique(np.minimum(settings["n"], settings["groups"].max() + 1))
    return matrix, labels, settings


def left_out(matrix, labels, ridge, intercept):
    """Mean squared residual of refits without each row."""
    count, missed = len(labels), []
    for row in range(count):
        rest = np.arange(count) != row
        system = np.block([[matrix[np.ix_(rest, rest)] / ridge + np.eye(count - 1), np.ones((count - 1, 1))],
                           [np.ones((1, count - 1)), np.zeros((1, 1))]])
        system = system if intercept else system[:-1, :-1]
        right = np.append(labels[rest], 0.0)[: len(system)]
        fit = np.linalg.solve(system, right)
        missed.append(labels[row] - matrix[row, rest] @ fit[: count - 1] / ridge - intercept * fit[-1])
    return np.mean(np.square(missed))


def broken(matrix, labels, settings, rng):
    """Names of what one curve does not keep."""
    curve = rg.learning_curve(matrix, labels, **settings)
    test, status = curve.test.values, curve.status.values
    found = []
    if np.isnan(test)[~np.isin(status, SILENT)].any():
        found.append("NaN without a reason")
    if (test < 0.0).any() or (curve.train.values < 0.0).any() or (curve.bias.values < 0.0).any():
        found.append("below 0")
    fine = ~np.isin(status, (*SILENT, *DECIDED)) & (settings["n"][:, None] < curve.sizes["example"])
    excess = (curve.bias.values > test * (1.0 + 1e-6)) & fine
    if excess.any():
        found.append("bias above the risk")
    each = curve.per_example.mean("example").values
    if "groups" not in settings and (np.abs(each - test) > 1e-9 * test)[fine & np.isfinite(each)].any():
        found.append("rows do not add up")
    # other units, another level of the labels, another order, and a point on its own
    unit, factor, order = 10.0 ** rng.uniform(-90, 90), 10.0 ** rng.uniform(-30, 30), rng.permutation(len(labels))
    level = factor * settings["intercept"]
    other = dict(settings, ridge=unit * settings["ridge"])
    if "groups" in settings:
        other["groups"] = settings["groups"][order]
    moved = rg.learning_curve(unit * matrix[np.ix_(order, order)], factor * labels[order] + level, **other)
    both = fine & ~np.isin(moved.status.values, (*SILENT, *DECIDED))
    # what rounding of the entries does near interpolation is told by its status; short of it little is lost
    if (np.abs(moved.test.values / factor**2 - test) > 1e-3 * test)[both].any():
        found.append("units, order or level count")
    at = tuple(int(rng.integers(size)) for size in test.shape)
    alone = rg.learning_curve(matrix, labels, **dict(settings, n=settings["n"][at[0]], ridge=settings["ridge"][at[1]]))
    if status[at] == str(alone.status.values) == "ok" and abs(float(alone.test) - test[at]) > 1e-4 * test[at]:
        found.append("a point alone is another")
    kept = settings["ridge"] > 1e-6 * np.trace(matrix)
    if len(labels) in settings["n"] and kept.any() and "groups" not in settings and "replace" not in settings:
        own = curve.test.values[list(settings["n"]).index(len(labels))][kept]
        left = [left_out(matrix, labels, ridge, settings["intercept"]) for ridge in settings["ridge"][kept]]
        if (np.abs(own - left) > 1e-6 * np.array(left)).any():
            found.append("not refits")
    groups = settings.get("groups")
    everything = len(labels) if groups is None else groups.max() + 1
    if everything in settings["n"] and not settings.get("replace"):
        last = curve.sel(n=everything)
        left = rg.estimate_risk(matrix, labels, settings["ridge"], intercept=settings["intercept"], groups=groups)
        if ((last.status == "ok") & (abs(last.test - left.loo) > 1e-6 * left.loo)).any():
            found.append("not leave-one-out at all rows")
    return found


def hits_of(seed, call):
    """Violations of one curve."""
    rng = np.random.default_rng([seed, call])
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        matrix, labels, settings = drawn(rng)
        try:
            return broken(matrix, labels, settings, rng)
        except Exception as error:  # noqa: BLE001  whatever it is, it is a finding
            return [f"{type(error).__name__}: {str(error)[:120]}"]


def look(calls, seed):
    """Counter of violations over so many curves, with the first example of each."""
    counts, examples = Counter(), {}
    for call in range(calls):
        for hit in hits_of(seed, call):
            counts[hit] += 1
            examples.setdefault(hit, [seed, call])
    return {hit: (count, examples[hit]) for hit, count in counts.items()}


if __name__ == "__main__":
    for hit, (count, example) in look(int(sys.argv[1]), int(sys.argv[2])).items():
        print(count, hit, "first at", example)
