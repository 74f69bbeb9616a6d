"""Random ReLU features of real images: test and training error against features, and against samples.

After "More is Better" (arXiv 2311.14646).  With measured data: binarised CIFAR-10, measured by the authors.  Without: the
bundled digits in the same two groups of classes.
"""

__all__ = ["compute", "draw"]

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

import rfgen as rg
from paper_figures.measured import SOURCE, load
from paper_figures.panels import flatten, select
from paper_figures.style import blank, graded, legend, look, plain_log

FILES = {name: f"cifar10-relu-features-{name}.npz" for name in ("n256", "k256")}
KEYS = ("n", "k", "ridge", "train_mean", "test_mean", "test_std", "trials")
SPECTRUM = {"eigen": "cifar10-relu-features-eigen.npz"}
# Of the 31 ridges measured those shown, and the groups of modes whose target power is fitted; levels of the spectrum.
SHOWN, GROUPS, LEVELS = (0, 12, 18, 24, 30), 16, 300
FIXED, RIDGES = 256, (0.01, 0.1, 1.0)
# Digits of one sign, as the paper's classes of CIFAR-10.
POSITIVE = (0, 1, 7, 8, 9)
PANELS = {"features": "n256", "samples": "k256"}
SCALES: dict[str, dict[str, Any]] = {
    "smoke": {"grid": 21, "sizes": (40, 160), "trials": 6},
    "paper": {"grid": 81, "sizes": (10, 20, 40, 80, 160, 320, 640, 1500), "trials": 45},
}
KNOWN_CAPTION = """
After More is Better (arXiv 2311.14646); parameters known. Dots: measured by the paper's authors, not by us (source:
{source}): random ReLU features of one hidden layer on CIFAR-10, classes in two groups with labels ±1, mean over {trials}
trials; full: test, open: training error; n = 256 left, k = 256 right, ridges {ridges}. Lines: theory computed by rfgen
from the 30,000 published eigenvalues of the kernel. The one thing that the data lack, the target's power in the modes, is
fitted as {groups} groups of modes, not negative, to the test dots of the left panel; the training errors and all of the
right panel are then predicted. Largest distance of a test dot from its line: {left:.1%} left, {right:.1%} right.
"""
OWN_CAPTION = """
After More is Better (arXiv 2311.14646); the data set and its parameters are ours (with --data the figure shows the
paper's data). Random ReLU features max(w·x, 0)/√k of the bundled 8x8 digits (1,797 images, {positive} against the others,
labels ±1, inputs of unit norm), n = {fixed} left, k = {fixed} right. Lines: theory computed by rfgen from the eigenvalues
and target power of the kernel matrix, for Gaussian features of that kernel, nothing fitted; solid: test, dotted: training
error. Dots: simulations with real features, drawn anew {trials} times, on images drawn with replacement, test on all
images; full: test, open: training error; bars: one standard error. Real features of real images are not Gaussian: the
dots lie up to {apart:.1%} from the lines ({largest_z:.1f} standard errors).
"""


def compute(scale: str, data: str | Path | None = None, seed: int = 0) -> tuple[dict[str, Any], dict[str, Any]]:
    """Of each panel, "features" and "samples": `size`, `test`, `train` (ridges, points), and dots of both."""
    return _digits(SCALES[scale], scale, seed) if data is None else _measured(SCALES[scale], scale, data)


def _measured(plan: dict[str, Any], scale: str, folder: str | Path) -> tuple[dict[str, Any], dict[str, Any]]:
    from scipy.optimize import nnls

    files, shown = load(folder, FILES, KEYS), list(SHOWN)
    eigenvalues = load(folder, SPECTRUM, ("eigenvalues",))["eigen"]["eigenvalues"]
    spectrum, groups = _levels(eigenvalues[eigenvalues > 0])
    task = rg.Task(spectrum, groups, 0.0, keep_outputs=True)
    ridges = files["n256"]["ridge"][shown]
    panels: dict[str, dict[str, Any]] = {}
    power, apart = None, []
    for panel, name in PANELS.items():
        found = files[name]
        sizes = found["k" if panel == "features" else "n"].astype(float)
        dots = {"dot_test": found["test_mean"][:, shown].T, "dot_train": found["train_mean"][:, shown].T}
        test, _ = _parts(task, panel, sizes, ridges)
        if power is None:
            weight = 1.0 / dots["dot_test"].ravel()
            power, _ = nnls(test.reshape(-1, test.shape[-1]) * weight[:, None], dots["dot_test"].ravel() * weight)
        apart.append(float(np.abs(dots["dot_test"] / (test @ power) - 1.0).max()))
        size = np.union1d(np.geomspace(sizes[0], sizes[-1], plan["grid"]), FIXED)
        line = {key: part @ power for key, part in zip(("test", "train"), _parts(task, panel, size, ridges), strict=True)}
        panels[panel] = {"size": size, **line, "dot_size": sizes, **dots}
    trials = int(files["n256"]["trials"])
    said = ", ".join(f"{ridge:.3g}" for ridge in ridges)
    text = KNOWN_CAPTION.format(
        source=SOURCE, trials=trials, ridges=said, groups=GROUPS, left=apart[0], right=apart[1],
    )
    return flatten(panels), {
        "mark": "known", "scale": scale, "seed": None, "rfgen_version": rg.__version__, "ridge": ridges.tolist(),
        "trials": trials, "source": SOURCE, "largest_relative_distance": max(apart), "caption": " ".join(text.split()),
    }


def _levels(eigenvalues: np.ndarray) -> tuple[rg.Spectrum, np.ndarray]:
    """The spectrum as few levels of their mean, and a target for each group of them (groups, levels): power 1, spread."""
    edges = np.unique(np.round(np.geomspace(1.0, eigenvalues.size, LEVELS)).astype(int)) - 1
    edges = np.append(edges[:-1], eigenvalues.size)
    count = np.diff(edges)
    level = np.add.reduceat(eigenvalues, edges[:-1]) / count
    group = np.minimum((GROUPS * np.log(edges[:-1] + 1.0) / np.log(eigenvalues.size)).astype(int), GROUPS - 1)
    share = np.where(group == np.arange(GROUPS)[:, None], count * level, 0.0)
    filled = share.sum(axis=1) > 0
    return rg.Spectrum(level, count), share[filled] / share[filled].sum(axis=1, keepdims=True)


def _parts(task: rg.Task, panel: str, size: Any, ridges: Any) -> tuple[np.ndarray, np.ndarray]:
    """Test and training error (ridges, points, outputs)."""
    features, n = (size, FIXED) if panel == "features" else (FIXED, size)
    curve = rg.predict(task, rg.Learner(rg.Ridge(ridges), features=features), n=n)
    order = ("ridge", "features" if panel == "features" else "n", "output")
    return curve.test.transpose(*order).values, curve.train.transpose(*order).values


def _digits(plan: dict[str, Any], scale: str, seed: int) -> tuple[dict[str, Any], dict[str, Any]]:
    inputs, digit = rg.datasets.digits("digit")
    inputs, labels = inputs / np.linalg.norm(inputs, axis=1, keepdims=True), np.where(np.isin(digit, POSITIVE), 1.0, -1.0)
    cosine = np.clip(inputs @ inputs.T, -1.0, 1.0)
    angle = np.arccos(cosine)
    kernel = (np.sin(angle) + (np.pi - angle) * cosine) / (2.0 * np.pi)  # E max(w·x, 0) max(w·z, 0), w ~ N(0, I)
    real = rg.Task.from_kernel(kernel, labels, sampling="with replacement", keep_outputs=True)
    task = rg.Task(real.eigenvalues, real.power, real.noise, null_power=real.null_power, keep_outputs=True)
    ridges, random, panels = np.array(RIDGES), np.random.default_rng(seed), {}
    for panel in PANELS:
        size, dots = np.union1d(np.geomspace(10.0, 1500.0, plan["grid"]), FIXED), np.array(plan["sizes"])
        line, exact = (_parts(task, panel, at, ridges) for at in (size, dots.astype(float)))
        drawn = np.array([
            [_trial(random, inputs, labels, *((FIXED, one) if panel == "features" else (one, FIXED))) for one in dots]
            for _ in range(plan["trials"])
        ])  # (trials, points, 2, ridges)
        mean, error = drawn.mean(axis=0), drawn.std(axis=0, ddof=1) / plan["trials"] ** 0.5
        panels[panel] = {"size": size, "test": line[0][..., 0], "train": line[1][..., 0], "dot_size": dots}
        for place, name in enumerate(("test", "train")):
            truth, own, spread = exact[place][..., 0], mean[:, place].T, error[:, place].T
            panels[panel] |= {f"dot_{name}": own, f"dot_{name}_se": spread, f"dot_{name}_z": (own - truth) / spread}
            panels[panel][f"dot_{name}_apart"] = own / truth - 1.0
    apart, z = (
        max(float(np.abs(panel[f"dot_test_{key}"]).max()) for panel in panels.values()) for key in ("apart", "z")
    )
    text = OWN_CAPTION.format(
        positive=", ".join(map(str, POSITIVE)), fixed=FIXED, trials=plan["trials"], apart=apart, largest_z=z
    )
    return flatten(panels), {
        "mark": "ours", "scale": scale, "seed": seed, "rfgen_version": rg.__version__, "ridge": list(RIDGES),
        "trials": plan["trials"], "largest_relative_distance": apart, "largest_z": z, "caption": " ".join(text.split()),
    }


def _trial(random: np.random.Generator, inputs: np.ndarray, labels: np.ndarray, n: int, k: int) -> np.ndarray:
    """Test and training error (2, ridges) of one draw of images and features."""
    features = np.maximum(inputs @ random.standard_normal((inputs.shape[1], k)), 0.0) / k**0.5
    rows = random.integers(len(inputs), size=n)
    left, values, right = np.linalg.svd(features[rows], full_matrices=False)
    shrunk = (values / (values**2 + np.array(RIDGES)[:, None])) * (left.T @ labels[rows])
    predicted = (features @ right.T) @ shrunk.T
    squares = (labels[:, None] - predicted) ** 2
    return np.array([squares.mean(axis=0), squares[rows].mean(axis=0)])


def draw(arrays: dict[str, Any], parameters: dict[str, Any]) -> Figure:
    """Left against features, right against samples."""
    with look():
        figure, axes = blank(1, 2, 11.0, 4.6)
        colours = graded(len(parameters["ridge"]))
        for ax, panel in zip(axes[0], PANELS, strict=True):
            at = select(arrays, panel)
            for i, colour in enumerate(colours):
                ax.plot(at["size"], at["test"][i], color=colour)
                ax.plot(at["size"], at["train"][i], ":", color=colour, lw=1.4)
                for name, face in (("test", colour), ("train", "white")):
                    error = at[f"dot_{name}_se"][i] if f"dot_{name}_se" in at else None
                    ax.errorbar(at["dot_size"], at[f"dot_{name}"][i], error, fmt="o", color=colour, mfc=face, ms=3.5, lw=1)
            ax.axvline(FIXED, color="0.85", lw=1, zorder=0)
            ax.set(xscale="log", yscale="log", ylim=(0.03, 1.3 * at["dot_test"].max()))
            ax.set_xlabel("random features k" if panel == "features" else "samples n")
            ax.set_title(f"{'n' if panel == 'features' else 'k'} = {FIXED}")
            plain_log(ax.yaxis)
        axes[0, 0].set_ylabel("mean squared error")
        lines = [
            Line2D([], [], color=colour, label=f"{ridge:.3g}")
            for colour, ridge in zip(colours, parameters["ridge"], strict=True)
        ]
        kinds = [
            Line2D([], [], color="k", marker="o", label="test"),
            Line2D([], [], color="k", ls=":", marker="o", mfc="white", label="train"),
        ]
        legend(figure, {"ridge δ": lines, "error": kinds})
    return figure
