"""Ridgeless regression on fewer combinations of the rows: orthogonal and independent sketches, isotropic and not."""

__all__ = ["compute", "draw"]

import warnings
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

import rfgen as rg
from paper_figures.panels import flatten, select
from paper_figures.runs import check
from paper_figures.style import blank, graded, legend, look, plain_log

N, P, NOISE, SNR, EXPONENT = 400, 200, 5.0, (1.0, 2.0, 3.0), 1.0
SCALES: dict[str, dict[str, Any]] = {
    "smoke": {"grid": 40, "inputs": (100, 800), "sketches": (70, 280), "trials": 8},
    "paper": {
        "grid": 160, "inputs": (60, 150, 250, 800, 2000), "sketches": (40, 80, 120, 160, 260, 320, 380), "trials": 100,
    },
}
CAPTION = """
Sizes, signal and noise of arXiv 2302.01088: {n} rows, noise of deviation {noise:g}, coefficients of length SNR times
that. Risk without the noise of the test label. Left: least squares of smallest norm on all rows against inputs per row,
isotropic inputs; dashed: at the best size of an orthogonal sketch, which has no peak. Middle: against sketch size at {p}
inputs, solid orthogonal, dashed independent Gaussian sketches: one curve below {p} rows, above it independent ones pay
for the noise that they leave. Right: the same for inputs of variances i^-{exponent:g}, whose mean is 1 (ours). Theory
computed by rfgen; dots: {trials} simulations, bars: one standard error. Largest distance of a dot from theory:
{worst:.1f} standard errors.
"""
A = rg.algebra
ROWS = A.data("X")
LABELS = A.labels(ROWS)
PLAIN = A.Estimator(A.ridge_fit(ROWS, LABELS, 0.0))
SKETCHED = {
    name: A.Estimator(A.ridge_fit(ROWS, LABELS, 0.0, weight=made(ROWS, "m")))
    for name, made in (("orthogonal", A.haar), ("independent", A.sketch))
}


def compute(scale: str, data: str | Path | None = None, seed: int = 0) -> tuple[dict[str, Any], dict[str, Any]]:
    """`inputs`: risk against inputs; `isotropic`, `correlated`: against sketch size, (sketch, SNR, size)."""
    del data
    plan, squares = SCALES[scale], np.square(SNR)[:, None]
    steps = np.geomspace(3.0, 0.4 * N, plan["grid"] // 4).round()
    inputs = np.unique([*(N - steps), *(N + steps), *np.geomspace(0.1 * N, 10 * N, plan["grid"] // 2).round()])
    inputs = inputs[inputs != N]
    parts = [[own[:, -1], own.T] for own in (_parts(np.ones(round(p)), PLAIN, n=_sizes(p)) for p in inputs)]
    ends, all_sizes = np.array([own[0] for own in parts]).T, [own[1] for own in parts]
    panels: dict[str, dict[str, Any]] = {"inputs": {
        "x": inputs / N, "risk": squares * ends[0] + ends[1],
        "best": [[np.min(snr**2 * own[:, 0] + own[:, 1]) for own in all_sizes] for snr in SNR],
        "dot_x": np.divide(plan["inputs"], N),
        **_dots([[_dot(np.ones(p), snr, PLAIN, plan, seed, n=N) for p in plan["inputs"]] for snr in SNR]),
    }}
    steps = np.geomspace(2.0, P - 10.0, plan["grid"] // 2).round()
    sizes = np.unique([*(P - steps), *(P + steps), *np.linspace(9.0, N - 9.0, plan["grid"])])
    sizes, variances = sizes[sizes != P], np.arange(1, P + 1) ** -EXPONENT
    for kind, values in {"isotropic": np.ones(P), "correlated": variances / variances.mean()}.items():
        found = [_parts(values, own, n=N, m=sizes) for own in SKETCHED.values()]
        dots = [
            [_dot(values, snr, own, plan, seed, n=N, m=plan["sketches"]) for snr in SNR] for own in SKETCHED.values()
        ]
        panels[kind] = {
            "x": sizes, "risk": [squares * own[0] + own[1] for own in found], "dot_x": plan["sketches"], **_dots(dots),
        }
    worst = max(float(np.max(np.abs(own["dot_z"]))) for own in panels.values())
    parameters = {
        "mark": "known in part", "scale": scale, "seed": seed, "rfgen_version": rg.__version__, "n": N, "p": P,
        "noise": NOISE, "snr": SNR, "exponent": EXPONENT, "trials": plan["trials"], "largest_z": worst,
    }
    return flatten(panels), {**parameters, "caption": " ".join(CAPTION.format(worst=worst, **parameters).split())}


def _sizes(p: float) -> np.ndarray:
    """Rows of an orthogonal sketch, all of them last: of Gaussian rows it is as good as so many fresh ones."""
    sizes = np.append(np.geomspace(0.1, N - 1.0, 40), N)
    return sizes[np.abs(sizes - p) > 1.0]


def _task(values: np.ndarray, snr: float) -> Any:
    return rg.Task(values, (snr * NOISE) ** 2 * values / values.size, NOISE**2)


def _parts(values: np.ndarray, own: Any, **numbers: Any) -> np.ndarray:
    """Risk (2, sizes) that the target makes at SNR 1, and that the noise of training labels makes."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="theory is expected")
        curve = rg.predict(_task(values, 1.0), own, **numbers)
    return np.array([curve.bias + curve.variance, curve.noise - NOISE**2])


def _dot(values: np.ndarray, snr: float, own: Any, plan: Any, seed: int, **numbers: Any) -> tuple[Any, ...]:
    """Measured risk, its standard error, and how many of these it is from theory."""
    task = _task(values, snr)
    found = check(task, own, trials=plan["trials"], seed=seed, variables="test", **numbers).dataset
    return found.test_simulation.values - NOISE**2, found.test_se.values, found.test_z.values


def _dots(found: Any) -> dict[str, Any]:
    return dict(zip(("dot", "dot_se", "dot_z"), np.moveaxis(np.array(found), 2, 0), strict=True))


def draw(arrays: dict[str, Any], parameters: dict[str, Any]) -> Figure:
    """Three panels."""
    with look():
        figure, axes = blank(1, 3, 13.5, 4.2)
        left, *others = axes[0]
        shades = graded(len(parameters["snr"]))
        at = select(arrays, "inputs")
        for risk, best, dot, error, colour in zip(at["risk"], at["best"], at["dot"], at["dot_se"], shades, strict=True):
            left.plot(at["x"], risk, color=colour)
            left.plot(at["x"], best, color=colour, ls="--")
            left.errorbar(at["dot_x"], dot, error, fmt="o", color=colour)
        left.set(xscale="log", yscale="log", xlabel="inputs per row", ylabel="risk", ylim=(2, 2000))
        for ax, name in zip(others, ("isotropic", "correlated"), strict=True):
            at = select(arrays, name)
            for sketch, style in enumerate(("-", "--")):
                for line, colour in enumerate(shades):
                    ax.plot(at["x"], at["risk"][sketch][line], color=colour, ls=style)
                    ax.errorbar(
                        at["dot_x"], at["dot"][sketch][line], at["dot_se"][sketch][line], fmt="os"[sketch], color=colour
                    )
            ax.set(yscale="log", xlabel="rows of the sketch", ylabel="risk", title=f"{name} inputs", ylim=(20, 2000))
        plain_log(left.xaxis, (1.0,))
        for ax in axes[0]:
            plain_log(ax.yaxis, (1.0, 3.0))
        legend(figure, {
            "signal to noise": [
                Line2D([], [], color=colour, label=f"{snr:g}")
                for snr, colour in zip(parameters["snr"], shades, strict=True)
            ],
            "sketch": [
                Line2D([], [], color="0.3", ls=style, marker=mark, label=name)
                for style, mark, name in (("-", "o", "orthogonal"), ("--", "s", "independent"))
            ],
        })
    return figure
