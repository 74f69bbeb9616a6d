"""Random tasks over 300 decades, through the methods of the table, against what every curve keeps.

`python -m tests.fuzz 100000 0` looks at so many points from this seed on and prints every violation by kind; the full tier
runs fewer.  One call holds many points of one shape: each method compiles a program or a few.
"""

__all__ = ["KINDS", "look"]

import sys
import time
import warnings
from collections import Counter

import numpy as np

import rfgen as rg
from tests.fuzz_systems import KINDS as SYSTEMS

MODES = 6
PARTS = ("bias", "variance", "noise")
SHARES = ("error", "train_error", "uniform_error", "test_error", "test_accuracy", "train_accuracy")
NEVER_NEGATIVE = ("test", "train", "norm", "amplification", *SHARES, *PARTS)


def scales(rng, size, decades=150.0):
    """Positive numbers: all over the range, of one size, falling steeply, or equal."""
    kind = rng.integers(4)
    if kind == 0:
        return 10.0 ** rng.uniform(-decades, decades, size)
    if kind == 1:
        return 10.0 ** (rng.uniform(-decades, decades) + rng.uniform(-1, 1, size))
    if kind == 2:
        return 10.0 ** (rng.uniform(-decades / 2, decades / 2) - rng.uniform(0, 12) * np.arange(size))
    return np.ones(size)


def task_of(rng, decades=150.0):
    power = scales(rng, MODES, decades)
    if rng.random() < 0.3:
        power[rng.integers(MODES)] = 0.0
    noise = 0.0 if rng.random() < 0.3 else float(scales(rng, 1, decades)[0])
    return rg.Task(scales(rng, MODES, decades), power, noise=noise)


def sizes(rng):
    return np.append(rng.choice([1.0, 2.0, 3.0, 5.0, 6.0, 7.0, 40.0], 3, replace=False), 10 ** rng.uniform(2, 12))


def widths(rng):
    return np.append(rng.choice([1.0, 2.0, 4.0, 6.0, 7.0, 100.0], 2, replace=False), [10 ** rng.uniform(3, 12), np.inf])


def ridges(rng, task):
    near = np.max(task.eigenvalues) * 10.0 ** rng.uniform(-30, 10, 2)
    return np.concatenate([[0.0, 1e-300, 1e300], 10.0 ** rng.uniform(-250, 250, 3), near])


def ridge(rng):
    task = task_of(rng)
    return task, rg.Learner(rg.Ridge(ridges(rng, task)), features=widths(rng)), sizes(rng), {}


def ensemble(rng):
    task, learner, n, _ = ridge(rng)
    return task, learner, n, {"members": np.array([1.0, 3.0, np.inf])}


def augmented(rng):
    task = task_of(rng, 40.0)
    augmentation = rg.Mask(rng.uniform(0.05, 1.0), views=2)
    learner = rg.Learner(rg.Ridge(ridges(rng, task)[[0, 3, 6]]), features=widths(rng)[1:3], augmentation=augmentation)
    return task, learner, sizes(rng)[:2], {}


def _rate(rng, task, most):
    return float(rng.uniform(0.01, most) / np.max(task.eigenvalues))


def flow(rng):
    task = task_of(rng, 60.0)
    times = np.concatenate([[0.0, np.inf], 10.0 ** rng.uniform(-2, 12, 3) / np.max(task.eigenvalues)])
    learner = rg.Learner(rg.GradientFlow(times), features=float(rng.choice(widths(rng))))
    return task, learner, float(rng.choice(sizes(rng)[:3])), {}


def steps(rng):
    task = task_of(rng, 60.0)
    clock = np.array([0, 1, 30, 100])  # 300 steps of Nesterov's schedule cost nine times as much
    rate = _rate(rng, task, 0.3)
    training = [rg.GradientDescent(rate, clock), rg.HeavyBall(rate, 0.5, clock), rg.Nesterov(rate, clock)][rng.integers(3)]
    return task, rg.Learner(training, features=float(rng.choice(widths(rng)))), float(rng.choice(sizes(rng)[:3])), {}


def one_pass(rng):
    task = task_of(rng)
    rate = _rate(rng, task, 0.5)
    training = rg.AcceleratedSGD(0.9, 0.1, rate, 0.5 * rate, [0, 1, 30, 300])
    training = training if rng.random() < 0.5 else rg.OnePassSGD(rate, [0, 1, 30, 300], batch=2)
    return task, rg.Learner(training), None, {}


def many_passes(rng):
    task = task_of(rng, 60.0)
    training = rg.SGD(_rate(rng, task, 0.05), [0, 1, 30, 300], batch=5)
    return task, rg.Learner(training), float(rng.choice([5.0, 6.0, 40.0])), {}


def lasso(rng):
    size, noise = (float(scales(rng, 1, 20.0)[0]) for _ in range(2))
    task = rg.SparseRegression.equal(int(rng.choice([10, 1000])), 3, size, noise=noise)
    penalties = np.append([0.0, 1e-300], 10.0 ** rng.uniform(-30, 30, 4))
    return task, rg.Learner(rg.Lasso(penalties)), 10.0 ** rng.uniform(0, 6, 3), {}


KINDS = {
    "ridge": (ridge, 1.0), "ensemble": (ensemble, 0.2), "augmented": (augmented, 0.02), "flow": (flow, 0.02),
    "steps": (steps, 0.02), "one pass": (one_pass, 0.02), "many passes": (many_passes, 0.01), "lasso": (lasso, 0.01),
    **SYSTEMS,
}


def risk_of(curve):
    """What is judged: the risk, or the share of errors."""
    return curve[next(name for name in ("test", "error", "test_error") if name in curve)]


def broken(curve, task):
    """Names of what the curve does not keep, each with a point (dims,)."""
    of_all = risk_of(curve)
    values = {name: curve[name].values for name in curve.data_vars if curve[name].dims == of_all.dims}
    test = of_all.values
    solved = ~np.isnan(test)
    found = {}
    if not solved.all() and "failures" not in curve.attrs:
        found["NaN without a reason"] = ~solved
    with np.errstate(all="ignore"):
        for name in {*NEVER_NEGATIVE, "bias", "variance"} & values.keys():
            found[f"NaN {name}"] = np.isnan(values[name]) & solved
            found[f"negative {name}"] = values[name] < 0
        for name in {*SHARES} & values.keys():
            found[f"{name} above 1"] = values[name] > 1 + 1e-9
        if {*PARTS} <= values.keys():
            total = sum(values[name] for name in PARTS)
            found["parts"] = solved & ~((np.abs(total - test) <= 1e-9 * test) | (total == test))
        if isinstance(task, rg.Task) and np.isinf(task.held_out_of):
            found["below the noise"] = test < float(np.sum(task.noise)) * (1 - 1e-9)
    return {name: tuple(np.argwhere(at)[0]) for name, at in found.items() if at.any()}


def further(rng, task, learner, n, options, curve):
    """The same by other calls: a scalar point, twice the noise, the best ridge, ridge 0 and ridge inf."""
    test, found = curve.test.values, []
    at = tuple(int(rng.integers(size)) for size in test.shape)
    picked = {name: float(curve[name][at[curve.test.dims.index(name)]]) for name in curve.test.dims}
    single = rg.Learner(rg.Ridge(picked["ridge"]), features=None if np.isinf(picked["features"]) else picked["features"])
    alone = float(rg.predict(task, single, picked["n"], **{name: picked[name] for name in options}).test)
    if not np.isclose(alone, test[at], rtol=1e-9, atol=0.0, equal_nan=True):
        found.append("scalars are not the array")
    twice = rg.predict(rg.Task(task.spectrum, task.power, noise=2 * task.noise), learner, n, **options).test.values
    if (twice < test * (1 - 1e-9)).any():
        found.append("not monotone in the noise")
    with np.errstate(all="ignore"):
        null = float(task.power.sum() + np.sum(task.noise))
        at_zero, tiny, huge = (test.take(number, axis=curve.test.dims.index("ridge")) for number in (0, 1, 2))
        regular = curve.amplification.values.take(0, axis=curve.test.dims.index("ridge")) < 1e6
        if (regular & (np.abs(tiny - at_zero) > 1e-6 * (at_zero + null)) & (np.min(task.eigenvalues) > 1e-240)).any():
            found.append("a jump at ridge 0")
        if (np.abs(huge - null) > 1e-6 * null).any() and np.max(task.eigenvalues) < 1e250:
            found.append("not the null risk at ridge inf")
    if not options:
        best = rg.optimal_ridge(task, rg.Learner(rg.Ridge(), features=learner.features), n).test.values
        least = np.min(np.where(np.isnan(test), np.inf, test), axis=curve.test.dims.index("ridge"))
        if not (best <= least * (1 + 1e-9)).all():
            found.append("the optimum is beaten")
    return found


def look(points, seed, kinds=tuple(KINDS)):
    """Number of points seen and NaN points among them, by kind, and Counter of violations with an example each."""
    seen, unknown, counts, examples = Counter(), Counter(), Counter(), {}
    shares = np.array([KINDS[kind][1] for kind in kinds])
    for number, kind in enumerate(kinds):
        wanted, call = points * shares[number] / shares.sum(), 0
        while seen[kind] < wanted:
            rng = np.random.default_rng([seed, number, call])
            call += 1
            with warnings.catch_warnings(), np.errstate(all="ignore"):
                warnings.simplefilter("ignore")
                task, learner, n, options = KINDS[kind][0](rng)
                try:
                    curve = rg.predict(task, learner, n, **options)
                    hits = [*broken(curve, task)]
                    if kind == "ridge" and call % 4 == 0:
                        hits += further(rng, task, learner, n, options, curve)
                except Exception as error:  # noqa: BLE001  whatever it is, it is a finding
                    hits = [f"{type(error).__name__}: {str(error)[:120]}"]
                    seen[kind] += 1
                else:
                    seen[kind] += risk_of(curve).size
                    unknown[kind] += int(np.isnan(risk_of(curve).values).sum())
            for hit in hits:
                counts[kind, hit] += 1
                examples.setdefault((kind, hit), [seed, number, call - 1])
    return seen, unknown, {key: (counts[key], examples[key]) for key in counts}


if __name__ == "__main__":
    start = time.process_time()
    seen, unknown, violations = look(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:] or tuple(KINDS))
    print(f"{sum(seen.values())} points, {time.process_time() - start:.0f} CPU s: {dict(seen)}")
    print(f"NaN with a reason: {dict(unknown)}")
    for key, (count, example) in sorted(violations.items(), key=lambda item: -item[1][0]):
        print(count, *key, "first at", example)
