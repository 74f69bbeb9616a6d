"""The same filters from fewer nodes, where each is dear.

Contours are made for the worst spectrum, and a window of clocks has its own.  On the real numbers from 0 to a given edge
all that is asked of the nodes of all windows is to span a few functions of h, those of the filters: a few of the nodes do,
chosen by pivoted QR, with weights by least squares.  In units of what is to be learned, h + |vertex|, to TOLERANCE.
(Derived.)  Up to 60 steps of Nesterov's schedule, 188 + 81 nodes become 48; four decades of a flow need them all.
Equations: theory (6.5) and (6.6).
"""

__all__ = ["fewer_nodes"]

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from rfgen.theory.dynamics.spectral_filters import Window

TOLERANCE = 2e-12
# Growth of the weights' sum that is allowed: rounding of the kernels grows with it.
GROWTH = 30.0
# Points at which filters are compared: next to both ends, and in each factor e.
ENDS, EACH = 300, 24


def fewer_nodes(windows: Sequence[Window], edge: float, numbers: Sequence[int]) -> list[Window]:
    """One window in place of `windows`, of one of `numbers` of nodes; or `windows`, if that does not save most of pairs.

    Good on a spectrum between 0 and `edge`.  `decay` and `weights` are left out: initial weights are not served.
    """
    from scipy.linalg import qr

    if not windows or any(one.right for one in windows):
        return list(windows)
    zeta = np.concatenate([one.zeta for one in windows])
    least = min(np.abs(one.zeta[0]) for one in windows)
    h = edge * 0.5 * (1.0 - np.cos(np.pi * (np.arange(ENDS) + 0.5) / ENDS))
    h = np.concatenate([h, np.geomspace(1e-3 * min(least, edge), edge, int(EACH * np.log(1e3 * max(edge / least, 1.0))))])
    size = np.concatenate([np.max(np.abs(one.filters), axis=0) for one in windows])
    columns = size * (h[:, None] + np.abs(zeta)) / (h[:, None] - zeta)
    factored: Any = qr(np.concatenate([columns, columns.conj()], axis=1), mode="r", pivoting=True)
    order = np.array(list(dict.fromkeys((factored[1] % zeta.size).tolist())))
    pairs = sum(one.zeta.size**2 for one in windows)
    for number in numbers:
        if 2 * number**2 > pairs:
            break
        chosen = np.sort(order[:number])
        filters = [_filters(one, zeta[chosen], h) for one in windows]
        if all(each is not None for each in filters):
            starts = np.cumsum([0, *(one.zeta.size for one in windows)])
            return [
                replace(
                    windows[0], index=np.concatenate([one.index for one in windows]), zeta=zeta[chosen],
                    filters=np.concatenate(filters), error=np.concatenate([one.error for one in windows]),  # type: ignore[attr-defined]
                    paths=tuple(int(count) for count in np.histogram(chosen, starts)[0] if count),
                )
            ]
    return list(windows)


def _filters(window: Window, zeta: np.ndarray, h: np.ndarray) -> np.ndarray | None:
    """f (times, nodes) of a window on other nodes `zeta`; None where they do not serve."""
    scale = h[:, None] + np.abs(window.zeta[0])
    target = (scale / (h[:, None] - window.zeta) @ window.filters.T).real
    columns = scale / (h[:, None] - zeta)
    sizes = np.linalg.norm(columns, axis=0)
    columns = columns / sizes
    matrix = np.concatenate([columns.real, -columns.imag], axis=1)
    found = np.linalg.lstsq(matrix, target, rcond=1e-15)[0]
    filters = ((found[: zeta.size] + 1j * found[zeta.size :]).T) / sizes
    good = np.max(np.abs(matrix @ found - target)) < TOLERANCE * max(np.max(np.abs(target)), 1.0)
    growth = np.abs(filters).sum(axis=1) / np.abs(window.filters).sum(axis=1)
    return filters if good and growth.max() < GROWTH else None
