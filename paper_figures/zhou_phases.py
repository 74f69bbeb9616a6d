"""Phases of overfitting by the limit of k/r_k: benign at 0, tempered at a constant, catastrophic at infinity.

For the question of arXiv 2306.13185.
"""

__all__ = ["compute", "draw"]

from pathlib import Path
from typing import Any

import jax
import numpy as np
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

import rfgen as rg
from paper_figures.interpolation import AGNOSTIC, coefficient
from paper_figures.panels import flatten, select
from paper_figures.style import COLOURS, blank, legend, look, plain_log
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
# The map: samples, powers q of the logarithm and strengths c of eigenvalues exp(-c log^q i)/i, whose k/r_k goes as
# c q log^(q-1) k; single modes, then levels of many, up to so large a log i
N, POWERS, STRENGTHS = 2000.0, (0.5, 1.5), (0.25, 2.0)
SINGLE, LEVELS, LAST = 4000, 400, 120.0
SCALES: dict[str, dict[str, Any]] = {"smoke": {"grid": 40, "map": 7}, "paper": {"grid": 160, "map": 41}}
CAPTION = """
{source} Left: k/r_k, r_k = Σ_(i>k) λ_i/λ_(k+1), against k: it falls to 0 (benign), tends to a constant (tempered; α - 1
for i^-α) or grows (catastrophic). Middle: the overfitting coefficient E₀ at n = k samples against it, from small k (dots)
to large: close to 1 + k/r_k (grey) for all spectra. Right: phases of the eigenvalues exp(-c log^q i)/i, whose k/r_k goes
as c q log^(q-1) k: benign for q < 1, where E₀ tends to 1; tempered on the line q = 1, where it tends to 1 + c;
catastrophic for q > 1, where it grows without bound. Colours: E₀ at n = {n:g}; no limit is reached there beside the line.
Exact theory computed by rfgen.
"""


def compute(scale: str, data: str | Path | None = None, seed: int = 0) -> tuple[dict[str, Any], dict[str, Any]]:
    """Of each spectrum "0", "1", ...: `k`, `ratio` k/r_k, `coefficient` at n = k; "map": `q`, `c`, `coefficient` (q, c).

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
    q, c = np.linspace(*POWERS, plan["map"]), np.linspace(*STRENGTHS, plan["map"])
    table = [[float(coefficient(_between(x, y), N)) for y in c] for x in q]
    panels["map"] = {"q": q, "c": c, "coefficient": np.array(table)}
    parameters = {
        "mark": "ours", "scale": scale, "seed": seed, "rfgen_version": rg.__version__, "n": N,
        "spectra": list(SPECTRA),
    }
    return flatten(panels), {**parameters, "caption": " ".join(CAPTION.format(source=AGNOSTIC, **parameters).split())}


def _between(q: float, c: float) -> rg.Spectrum:
    """Eigenvalues exp(-c log^q i)/i, of a double's range."""
    edges = np.exp(np.linspace(np.log(SINGLE + 0.5), LAST, LEVELS + 1))
    i = np.append(np.arange(1.0, SINGLE + 1.0), np.sqrt(edges[1:] * edges[:-1]))
    # what a double does not hold weighs nothing: all have one number of levels, and one program
    eigenvalues = np.maximum(np.exp(-np.log(i) - c * np.log(i) ** q), 1e-200)
    return rg.Spectrum(eigenvalues, np.append(np.ones(SINGLE), np.diff(edges)))


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
        norm = LogNorm(1.0, float(at["coefficient"].max()))
        shown = right.pcolormesh(at["q"], at["c"], at["coefficient"].T, shading="gouraud", cmap="viridis", norm=norm)
        right.axvline(1.0, color="white", lw=3)
        for place, text in ((0.75, "benign\n$E_0 \\to 1$"), (1.25, "catastrophic\n$E_0 \\to \\infty$")):
            right.text(place, float(at["c"].mean()), text, color="white", ha="center", va="center", fontsize="small")
        line = {"color": "white", "ha": "right", "va": "top", "fontsize": "small", "rotation": 90}
        right.text(0.99, at["c"][-1] * 0.97, "tempered, $E_0 \\to 1 + c$", **line)
        bar = figure.colorbar(shown, ax=right, label=f"$E_0$ at n = {parameters['n']:g}")
        plain_log(bar.ax.yaxis)
        right.set(xlabel="power q of the logarithm", ylabel="strength c")
        legend(figure, groups)
    return figure
