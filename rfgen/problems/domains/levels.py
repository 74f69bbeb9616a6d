"""The population of a spectrum in levels, mode by mode."""

__all__ = ["domain_of_levels"]

import numpy as np

from rfgen.problems.domains.domain import Domain
from rfgen.problems.shown import short
from rfgen.problems.spectra.spectrum import Spectrum


def domain_of_levels(spectrum: Spectrum, power: np.ndarray, noise: float) -> Domain:
    """Modes in the order in which the levels were given; a level's `power` (outputs, levels) is spread evenly over its
    modes, and what no mode carries is noise.
    """
    counts, order = spectrum.multiplicity, np.argsort(spectrum.order)
    if (counts != np.round(counts)).any():
        raise ValueError(f"multiplicity must be whole numbers for domains, got {short(counts)}")
    each, divisor = np.repeat(order, counts[order].astype(np.int64)), spectrum.eigenvalues * counts
    squares = np.where(divisor > 0.0, power / np.where(divisor > 0.0, divisor, 1.0), 0.0)
    lost = float(power[:, divisor == 0.0].sum())
    return Domain(spectrum.eigenvalues[each], np.sqrt(squares)[:, each], noise + lost)
