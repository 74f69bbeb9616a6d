"""Two-layer ReLU networks on XOR clusters: their first step in theory, their training by simulation."""

__all__ = ["predict_network", "simulate_network"]

from typing import Any

import jax
import numpy as np

from rfgen.curves.cells.run import checked_sizes
from rfgen.curves.dataset import dataset
from rfgen.curves.grid import Grid
from rfgen.curves.measured import MonteCarlo, measured_curve
from rfgen.numerics.compilation.caller import warn_caller
from rfgen.numerics.compilation.program import program
from rfgen.systems.xor.problem import TwoLayerReLU, XORClusters
from rfgen.systems.xor.simulation import trial_bytes, xor_network_runs
from rfgen.systems.xor.theory import XORFirstStep, xor_first_step

# Trials of one stored cell: a killed run loses at most these.
CELL_TRIALS = 10
MEASURED = ("train_accuracy", "test_accuracy", "flips_fitted")
# Where the theory of the first step was not compared with simulations.
LEAST_WIDTH, LEAST_ROWS, MOST_OUTPUT, MOST_SQUARE, LEAST_DIM, MOST_UPDATE = 100, 50, 0.3, 0.25, 10.0, 0.5

_first_step = program(jax.vmap(xor_first_step, in_axes=(0, *[None] * 6)))


def predict_network(xor: XORClusters, net: TwoLayerReLU, n: Any) -> Any:
    """Exact accuracy of wide two-layer ReLU networks on XOR clusters after the first step of descent.

    Returns
    -------
    xarray.Dataset
        Over n and `steps` = [1], averaged over training sets and initial weights: `test_accuracy` and `test_error` against
        the true class, `train_accuracy` against the training labels.

    Notes
    -----
    For wide networks and many rows; a UserWarning where that regime was not tested.

    References
    ----------
    Derived: `rfgen.systems.xor.xor_first_step`.

    Examples
    --------
    >>> import rfgen as rg
    >>> xor = rg.XORClusters(dim=4000, separation=14.0, flip=0.1)
    >>> curve = rg.predict(xor, rg.TwoLayerReLU(width=1000, rate=0.01, steps=200, init=2e-4), n=[200, 400])
    >>> curve.test_accuracy.dims, curve.test_accuracy.values.round(3).tolist()
    (('n', 'steps'), [[0.574], [0.594]])
    """
    sizes = checked_sizes(n)
    first = _first_step(np.atleast_1d(sizes), xor.dim, xor.separation, xor.flip, net.width, net.rate, net.init)
    doubts = _doubts(xor, net, sizes, first)
    if doubts:
        warn_caller(f"outside the tested regime of the first step: {'; '.join(doubts)}; compare with simulate")
    variables = {
        "test_accuracy": first.test_accuracy, "test_error": 1.0 - first.test_accuracy,
        "train_accuracy": first.train_accuracy,
    }
    attributes = {"network": repr(net), "kind": "theory", "dtype": "float64", "source": "derived"}
    grid = Grid({"n": sizes, "steps": np.array([1])})
    return dataset(grid.axes, {name: grid.pack(values) for name, values in variables.items()}, xor, attributes)


def _doubts(xor: XORClusters, net: TwoLayerReLU, n: np.ndarray, first: XORFirstStep) -> list[str]:
    """What of the setting is outside the regime, in words."""
    doubts = []
    if net.width < LEAST_WIDTH:
        doubts.append(f"width {net.width} below {LEAST_WIDTH}, single neurons count")
    if n.min() < LEAST_ROWS:
        doubts.append(f"n = {n.min():g} below {LEAST_ROWS}, single rows count")
    if first.initial_noise.max() > MOST_OUTPUT:
        doubts.append(f"init {net.init:g} makes an initial output of {first.initial_noise.max():.2g}, above {MOST_OUTPUT}")
    if xor.separation**2 > MOST_SQUARE * xor.dim:
        doubts.append(f"separation^2 = {xor.separation**2:g} above {MOST_SQUARE} dim, gates open by cluster")
    if xor.dim < LEAST_DIM * n.max() and first.update_ratio.max() > MOST_UPDATE:
        doubts.append(
            f"train_accuracy is some points high where the step outgrows the initial weights (ratio "
            f"{first.update_ratio.max():.2g}) with dim below {LEAST_DIM:g} n"
        )
    return doubts


def simulate_network(xor: XORClusters, net: TwoLayerReLU, n: Any, runs: MonteCarlo) -> Any:
    """Measured accuracy of two-layer ReLU networks along training, in single precision.

    Returns
    -------
    xarray.Dataset
        Over n and `steps` 0, 1, 2, 5, 10, ... `net.steps`: `train_accuracy` on training labels, `test_accuracy` on fresh
        points against their true class, `flips_fitted`, the share of wrong labels that are fitted (NaN without any).

    Examples
    --------
    >>> import rfgen as rg
    >>> xor, net = rg.XORClusters(dim=600, separation=9.0, flip=0.1), rg.TwoLayerReLU(100, rate=0.02, steps=50, init=1e-3)
    >>> runs = rg.simulate(xor, net, n=40, trials=2)
    >>> runs.steps.values.tolist(), bool(runs.train_accuracy[-1] == 1.0)
    ([0, 1, 2, 5, 10, 20, 50], True)
    """

    def run(trials: int, seed: int, start: int, n: int) -> dict[str, np.ndarray]:
        found = xor_network_runs(xor, net, n, trials, seed, start)
        return {name: getattr(found, name) for name in MEASURED}

    return measured_curve(
        xor, net, {"n": checked_sizes(n), "steps": net.recorded}, run, lambda n: trial_bytes(xor, net, n), runs,
        knobs=("width", "dim"), at_once=CELL_TRIALS, dtype="float32", network=repr(net),
    )
