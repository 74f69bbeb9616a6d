"""The scale study's table and picture, from `tests/benchmarks/results/scale-study.json`: `python docs/scale.py`."""

__all__ = ["PAGE", "RESULTS", "fitted", "table"]

import json
import pathlib
import re
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from scipy.optimize import curve_fit

DOCS = pathlib.Path(__file__).parent
PAGE, PICTURE = DOCS / "scale.md", DOCS / "scale.png"
RESULTS = DOCS.parent / "tests" / "benchmarks" / "results" / "scale-study.json"
# Standard errors from which an exponent is fitted.
RESOLVED = 3.0


def fitted(rows: list[dict[str, Any]]) -> dict[str, float]:
    """`ratio`: error over the curve's own figure, all sizes together, `ratio_se`; the law c / n^a where it is resolved."""
    n, error, spread, figure = (np.array([row[name] for row in rows]) for name in ("n", "error", "se", "figure"))
    information = np.sum((figure / spread) ** 2)
    found = {"ratio": float(np.sum(error * figure / spread**2) / information), "ratio_se": float(information**-0.5)}
    if abs(found["ratio"]) > RESOLVED * found["ratio_se"] and len(rows) > 2:
        start = (error[0] * n[0], 1.0)
        law, covariance = curve_fit(lambda n, c, a: c * n**-a, n, error, start, spread, absolute_sigma=True)
        found |= {"constant": float(law[0]), "exponent": float(law[1]), "exponent_se": float(covariance[1, 1] ** 0.5)}
    return found


def table(results: dict[str, list[dict[str, Any]]]) -> str:
    """A row for each method."""
    lines = ["| method | sizes | error · n at the first | error / figure | law |", "|---|---|---|---|---|"]
    for name, rows in results.items():
        fit, first = fitted(rows), rows[0]
        at_first = f"{first['error'] * first['n']:.2f} ± {first['se'] * first['n']:.2f}"
        law = "not told from 0"
        if "exponent" in fit:
            law = f"{fit['constant']:.2g} / n^{fit['exponent']:.2f} ± {fit['exponent_se']:.2f}"
        ratio = f"{fit['ratio']:.2f} ± {fit['ratio_se']:.2f}"
        lines.append(f"| {name} | {rows[0]['n']}–{rows[-1]['n']} | {at_first} | {ratio} | {law} |")
    return "\n".join(lines)


def _draw(results: dict[str, list[dict[str, Any]]]) -> None:
    columns, count = 4, len(results)
    figure, axes = plt.subplots(-(-count // columns), columns, figsize=(10, 2.1 * -(-count // columns)), sharex=True)
    for axis, (name, rows) in zip(np.ravel(axes), results.items(), strict=False):
        n, error, spread, said = (np.array([row[key] for row in rows]) for key in ("n", "error", "se", "figure"))
        axis.errorbar(n, np.abs(error), np.minimum(2.0 * spread, 0.999 * np.abs(error)), fmt="ko", ms=3, lw=0.8)
        axis.plot(n, np.abs(error) + 2.0 * spread, "kv", ms=2)
        axis.plot(n, said, "C0-")
        axis.loglog()
        axis.set_title(name, fontsize=7)
        axis.tick_params(labelsize=6)
    for axis in np.ravel(axes)[count:]:
        axis.set_axis_off()
    for axis in np.ravel(axes)[max(count - columns, 0) : count]:  # the last of each column
        axis.tick_params(labelbottom=True)
    figure.supxlabel("n", fontsize=8)
    figure.supylabel("relative error", fontsize=8)
    figure.tight_layout()
    figure.savefig(PICTURE, dpi=110)


def main() -> None:
    """Both."""
    results = json.loads(RESULTS.read_text())
    text = PAGE.read_text()
    PAGE.write_text(re.sub(r"\| method \|.*?\n\n", lambda _: table(results) + "\n\n", text, count=1, flags=re.DOTALL))
    _draw(results)


if __name__ == "__main__":
    main()
