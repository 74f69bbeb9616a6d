"""Phases of overfitting by the limit of k/r_k: benign at 0, tempered at a constant, catastrophic at infinity.

For the question of arXiv 2306.13185.
"""

__all__ = ["compute", "draw"]

from pathlib import Path
from typing import Any

import jax
import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

import rfgen as rg
from paper_figures.interpolation import AGNOSTIC, coefficient
from paper_figures.panels import flatten, select
from paper_figures.style import COLOURS, blank, legend, look
from rfgen.problems import spectral_tails
from rfgen.theory import effective_ranks

PHASES = {"benign": COLOURS[2], "tempered": COLOURS[0], "catastrophic": COLOURS[4]}
# Label, phase, spectrum.  Stretched exponentials are cut where nothing is left for a double to hold.
SPECTRA: dict[str, tuple[str, Any]] = {
    "$i^{-1}\\log^{-4}$": ("benign", lambda: rg.Spectrum.log_power_law(4.0)),
    "$i^{-1}\\log^{-2}$": ("benign", lambda: rg.Spectrum.log_power_law(2.0)),
    "$i^{-1.1}$": ("tempered", lambda: rg.Spectrum.power_law(1.1)),
    "$i^{-1.5}$": ("tempered", lambda: rg.Spectrum.power_law(1.5)),
    "$i^{-3}$": ("tempered", lambda: rg.Spectrum.power_law(3.0)),
    "$e^{-\\sqrt{i}}$": ("catastrophic", lambda: rg.Spectrum(np.exp(-np.sqrt(np.arange(1.0, 2e5))))),
    "$e^{-i/20}$": ("catastrophic", lambda: rg.Spectrum.exponential(0.05)),
}
MOST = {"catastrophic": 5e3, "tempered": 1e7, "benign": 1e7}
# Modes and n of the map over eigenvalues i^-a log^-b(i + 1)
MODES, N = 20_000, 200.0
SCALES: dict[str, dict[str, Any]] = {"smoke": {"grid": 40, "map": 7}, "paper": {"grid": 160, "map": 41}}
CAPTION = """
{source} Left: k/r_k, r_k = Σ_(i>k) λ_i/λ_(k+1), against k: it falls to 0 (benign), tends to a constant (tempered; α - 1
for i^-α) or grows (catastrophic). Middle: the overfitting coefficient E₀ at n = k samples against it, from small k (dots)
to large: close to 1 + k/r_k (grey) for all spectra. Right: E₀ at n = {n:g} for eigenvalues i^-a log^-b(i+1), {modes:,}
modes; as n grows it tends to a for a > 1, to 1 on the line a = 1, b > 1 (white). Exact theory computed by rfgen.
"""


def compute(scale: str, data: str | Path | None = None, seed: int = 0) -> tuple[dict[str, Any], dict[str, Any]]:
    """Of each spectrum "0", "1", ...: `k`, `ratio` k/r_k, `coefficient` at n = k; "map": `a`, `b`, `coefficient` (a, b).

    `data` and `seed` play no part.
    """
    plan, panels = SCALES[scale], {}
    for number, (phase, build) in enumerate(SPECTRA.values()):
        spectrum = build()
        k = np.unique(np.round(np.geomspace(3.0, MOST[phase], plan["grid"])))
        with jax.enable_x64(True):
            tails = spectral_tails(spectrum)
            rank = np.asarray(jax.jit(jax.vmap(lambda one, tails=tails: effective_ranks(tails, one).first))(k))
        panels[f"{number}"] = {"k": k, "ratio": k / rank, "coefficient": coefficient(spectrum, k)}
    a, b = np.linspace(1.0, 2.5, plan["map"]), np.linspace(-2.0, 6.0, plan["map"])
    i = np.arange(1.0, MODES + 1.0)
    table = [[float(coefficient(rg.Spectrum(i**-x * np.log1p(i) ** -y), N)) for y in b] for x in a]
    panels["map"] = {"a": a, "b": b, "coefficient": np.array(table)}
    parameters = {
        "mark": "ours", "scale": scale, "seed": seed, "rfgen_version": rg.__version__, "modes": MODES, "n": N,
        "spectra": list(SPECTRA),
    }
    return flatten(panels), {**parameters, "caption": " ".join(CAPTION.format(source=AGNOSTIC, **parameters).split())}


def draw(arrays: dict[str, Any], parameters: dict[str, Any]) -> Figure:
    """Three panels."""
    with look():
        figure, axes = blank(1, 3, 14.0, 4.5)
        left, middle, right = axes[0]
        seen: dict[str, int] = {}
        groups: dict[str, list[Line2D]] = {}
        for number, (label, (phase, _)) in enumerate(SPECTRA.items()):
            at = select(arrays, f"{number}")
            style = ("-", "--", ":")[seen.setdefault(phase, 0)]
            seen[phase] += 1
            left.plot(at["k"], at["ratio"], style, color=PHASES[phase])
            shown = at["ratio"] < 40
            middle.plot(at["ratio"][shown], at["coefficient"][shown], style, color=PHASES[phase])
            middle.plot(at["ratio"][0], at["coefficient"][0], "o", color=PHASES[phase])
            groups.setdefault(phase, []).append(Line2D([], [], ls=style, color=PHASES[phase], label=label))
        x = np.geomspace(0.03, 40, 100)
        middle.plot(x, 1 + x, color="0.75", lw=1, zorder=0)
        left.set(xscale="log", yscale="log", xlabel="k", ylabel="$k/r_k$", ylim=(0.03, 300))
        middle.set(xscale="log", yscale="log", xlabel="$k/r_k$ at k = n", ylabel="overfitting coefficient $E_0$")
        middle.set_yticks([1, 2, 5, 10, 20], ["1", "2", "5", "10", "20"])
        middle.minorticks_off()
        at = select(arrays, "map")
        shown = right.pcolormesh(at["a"], at["b"], at["coefficient"].T, shading="gouraud", cmap="viridis")
        levels = (1.2, 1.4, 1.7, 2.0, 2.4)
        lines = right.contour(at["a"], at["b"], at["coefficient"].T, levels, colors="white", linewidths=0.9)
        right.clabel(lines, fmt=lambda level: f"{level:g}", fontsize="small")
        right.plot([1.006, 1.006], [1.0, 6.0], color="white", lw=4)
        figure.colorbar(shown, ax=right, label=f"$E_0$ at n = {parameters['n']:g}")
        right.set(xlabel="exponent a", ylabel="exponent b of the logarithm")
        legend(figure, groups)
    return figure
