"""A spectrum and the power on it as few modes, padded to few shapes."""

__all__ = ["compressed_modes"]

import numpy as np

from rfgen.numerics.compression import compress
from rfgen.problems.spectra.modes import Modes
from rfgen.problems.spectra.spectrum import Spectrum

# Modes are padded with empty ones to at least this many, then to multiples of the second: nearly all finite spectra up to
# 10^7 modes compile once and cost the same a point.
LEAST_NODES, PADDING = 192, 32


def compressed_modes(spectrum: Spectrum, power: np.ndarray, null: np.ndarray, examples: float, keep_outputs: bool) -> Modes:
    """Modes of `power` (outputs, levels), beyond them `null` (outputs,); of the first output alone unless all are kept."""
    learned = spectrum.learnable
    rows = np.concatenate([spectrum.multiplicity[None], power])
    nodes, weights, through = compress(spectrum.eigenvalues[learned], rows[:, learned])
    # padding weighs nothing; all of it if no eigenvalue is positive
    pad = max(LEAST_NODES, nodes.size + -nodes.size % PADDING) - nodes.size
    ends = spectrum.eigenvalues[learned][[0, -1]] if nodes.size else np.ones(2)
    nodes = np.concatenate([nodes, np.full(pad, ends[0])])
    weights = np.concatenate([weights, np.zeros((weights.shape[0], pad))], axis=1)
    through = np.cumsum(spectrum.multiplicity[learned])[through - 1] if through.size else np.zeros(0)
    through = np.concatenate([through, np.full(pad, np.inf)])
    null = null + power[:, ~learned].sum(axis=1)
    kept = slice(None) if keep_outputs else 0
    return Modes(
        eigenvalues=nodes, multiplicity=weights[0], power=weights[1:][kept], null_power=null[kept],
        rank=np.float64(spectrum.rank), smallest=ends[1], through=through,
        examples=None if np.isinf(examples) else np.float64(examples),
    )
