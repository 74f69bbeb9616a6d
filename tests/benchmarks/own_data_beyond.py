"""What `learning_curve` says of more rows than it has, against their populations: coverage of intervals, and regret.

`OPENBLAS_NUM_THREADS=1 python -m tests.benchmarks.own_data_beyond [--out FILE]`

150 rows of eight populations (two spectra by four laws of rows), 20 samples each, at 1, 2, 4 and 8 times the rows.  Truths
are means over training sets of their size.  An interval is test exp(+-2.5 test_se/test), called 95 %; the regret of a
recommended ridge is its true risk over the least on the grid, less 1, and that of the leave-one-out ridge of the sample
stands beside it.
"""

__all__ = ["POPULATIONS", "measure", "truth"]

import warnings

import numpy as np

import rfgen as rg
from tests.benchmarks.report import keep, output

ROWS, MODES = 150, 300
# Standard errors of an interval that is called 95 %.
WIDE = 2.5
MULTIPLES = (1, 2, 4, 8)
RIDGES = np.geomspace(1e-2, 1e3, 11)
SPECTRA = {"steep": (1.6, 1.5, 0.1), "flat": (1.1, 1.3, 0.5)}
LAWS = ("benign", "elliptic", "t noise", "outliers")
POPULATIONS = [(spectrum, law) for spectrum in SPECTRA for law in LAWS]


def draw(population, rows, random):
    """Features (rows, MODES) and labels, with their noise."""
    spectrum, law = population
    decay, source, noise = SPECTRA[spectrum]
    modes = np.arange(1, MODES + 1.0)
    features = random.normal(size=(rows, MODES))
    if law == "elliptic":
        features *= np.exp(0.5 * random.normal(size=(rows, 1)) - 0.25)
    elif law == "outliers":  # 2 % of rows five times as long
        features *= np.where(random.uniform(size=(rows, 1)) < 0.02, 5.0, 1.0)
    error = random.standard_t(3.0, size=rows) / 3.0**0.5 if law == "t noise" else random.normal(size=rows)
    labels = features @ modes ** (-source * decay / 2.0) + noise**0.5 * error
    return features * modes ** (-decay / 2.0), labels


def truth(population, rows, sets, seed):
    """Mean risk (RIDGES,) of `sets` training sets of so many rows, on fresh rows."""
    random = np.random.default_rng(seed)
    total = np.zeros(len(RIDGES))
    for _ in range(sets):
        features, labels = draw(population, rows, random)
        fresh, known = draw(population, 4000, random)
        center, level = features.mean(axis=0), labels.mean()
        values, vectors = np.linalg.eigh((features - center).T @ (features - center))
        along = vectors.T @ ((features - center).T @ (labels - level))
        weights = vectors @ (along[:, None] / (np.maximum(values, 0.0)[:, None] + RIDGES))
        total += np.mean((known[:, None] - level - (fresh - center) @ weights) ** 2, axis=0)
    return total / sets


def measure(population, samples, sets, seed=0, multiples=MULTIPLES):
    """Of each of `multiples` of the rows: shares covered, and regrets of both ridges (samples,)."""
    random = np.random.default_rng([seed, POPULATIONS.index(population)])
    truths = [truth(population, ROWS * multiple, sets, [seed, multiple]) for multiple in multiples]
    found = {multiple: {"covered": [], "curve": [], "leave-one-out": [], "log error": []} for multiple in multiples}
    for _ in range(samples):
        features, labels = draw(population, ROWS, random)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            curve = rg.learning_curve(features, labels, [ROWS * multiple for multiple in multiples], RIDGES)
        own = int(np.argmin(curve.test.values[0]))
        for row, (multiple, right) in enumerate(zip(multiples, truths, strict=True)):
            at = curve.isel(n=row)
            kept = np.isin(at.status, ["ok", "edge"]) & np.isfinite(at.test_se)
            miss = np.log(at.test.values / right)[kept]
            each = found[multiple]
            each["covered"] += (np.abs(miss) < WIDE * (at.test_se / at.test).values[kept]).tolist()
            each["log error"] += miss.tolist()
            chosen = int(np.argmin(np.abs(np.log(RIDGES / float(at.best_ridge))))) if at.best_ridge > 0 else own
            each["curve"].append(right[chosen] / right.min() - 1.0)
            each["leave-one-out"].append(right[own] / right.min() - 1.0)
    return found


def main():
    """Measure and print; `--out` keeps the numbers."""
    out, found = output(__doc__), {}
    every = {"covered": [], "curve": [], "leave-one-out": []}
    for population in POPULATIONS:
        name = ", ".join(population)
        for multiple, each in measure(population, 20, 10).items():
            found[f"{name}, {multiple} N"] = {
                "points": len(each["covered"]), "covered": round(float(np.mean(each["covered"])), 3),
                "median log error": round(float(np.median(each["log error"])), 3),
                "regret": round(float(np.mean(each["curve"])), 4),
                "regret of leave-one-out": round(float(np.mean(each["leave-one-out"])), 4),
            }
            print(name, multiple, found[f"{name}, {multiple} N"], flush=True)
            for key, values in every.items():
                values.append((population[1], each[key]))
    for law in LAWS:
        found[f"all, {law}"] = {
            key: round(float(np.mean(np.concatenate([part for own, part in values if own == law and part]))), 4)
            for key, values in every.items()
        }
    found["all"] = {
        key: round(float(np.mean(np.concatenate([part for _, part in values if part]))), 4) for key, values in every.items()
    }
    keep(found, out)


if __name__ == "__main__":
    main()
