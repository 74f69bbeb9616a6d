"""Benign, tempered or catastrophic: the limit of the overfitting coefficient E0, exact where known, else a trend.

    k/r_k at k = n -> 0: E0 -> 1, benign;  -> a constant: E0 stays finite, tempered;  -> inf: E0 -> inf, catastrophic

Source: arXiv 2306.13185 (the trichotomy), 2207.06569 (its names).  Exact limits: eigenvalues i^-alpha give alpha,
1/(i log^p(i+1)) with p > 1 gives 1, e^(-c i) gives inf.  Equations: theory (9.4).
"""

__all__ = ["Verdict", "overfitting_verdict"]

import math
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from rfgen.numerics.compilation.program import program
from rfgen.problems.spectra.spectral_tails import SpectralTails
from rfgen.problems.spectra.spectrum import Spectrum
from rfgen.theory.overfitting.effective_rank import effective_ranks

# Exponents of k/r_k in k that a trend must pass; ours.  Power laws have 0, exponentials 1; a log power law has -1/log k,
# hence -0.1 up to n = 2e4.
FALLING, RISING = -0.1, 0.5
# k/r_k below which a rising trend is no catastrophe yet: E0 is still close to 1.
SMALL = 0.2
# A rank above this stands for infinitely many modes (a lumped tail).  Near the rank k/r_k rises towards the interpolation
# peak whatever the decay: the trend ends at this share of it.  Measured image kernels have exponents 0.7 up to n = 20,000
# of 30,000 modes, -0.3 to 0.2 up to 3,000.
UNREACHED, SHARE = 1e15, 0.1
# The trend is taken over this factor below the largest n.
WINDOW, POINTS = 30.0, 48


@dataclass(frozen=True)
class Verdict:
    """`verdict`: "benign", "tempered", "catastrophic"; `limit` of E0 as n grows, NaN where the verdict rests on a trend at
    finite n; `evidence`: a sentence; `exponent` of k/r_k in k below the largest n, NaN where not taken.
    """

    verdict: str
    limit: float
    evidence: str
    exponent: float


@program
def _ratios(tails: SpectralTails, k: Any) -> Any:
    return k / jax.vmap(lambda one: effective_ranks(tails, one).first)(k)


def overfitting_verdict(spectrum: Spectrum, tails: SpectralTails, n: Any) -> Verdict:
    """The verdict on a spectrum for sample sizes `n` (sizes,); plain numbers, not traceable.  Opens its own 64-bit scope.

    Infinite named spectra: the exact limit.  Others have a rank, beyond which nothing is interpolated and E0 =
    n/(n - rank) tends to 1; below it the verdict is that of the exponent of k/r_k over a factor 30 up to the largest
    n <= rank/10: above 0.5 catastrophic (benign while k/r_k < 0.2), below -0.1 benign, else tempered; thresholds ours.

    >>> from rfgen.problems.spectra.spectral_tails import spectral_tails
    >>> spectrum = Spectrum.power_law(1.5)
    >>> overfitting_verdict(spectrum, spectral_tails(spectrum), [100.0]).limit
    1.5
    """
    sizes = np.ravel(np.asarray(n, np.float64))
    if spectrum.infinite:
        return _exact(spectrum)
    below = sizes[sizes < spectrum.rank]
    rank = f"the rank is {spectrum.rank:g}"
    if below.size == 0:
        return Verdict(
            "benign", 1.0, f"{rank} and no n is below it: nothing is interpolated, E0 = n/(n - rank) tends to 1", math.nan
        )
    largest = max(min(float(below.max()), SHARE * spectrum.rank), 1.0)
    k = np.unique(np.floor(np.geomspace(max(largest / WINDOW, 1.0), largest, POINTS)))
    with jax.enable_x64(True):
        ratio = np.asarray(_ratios(tails, np.append(k, np.full(POINTS - k.size, k[-1]))))[: k.size]
    k, ratio = k[np.isfinite(ratio)], ratio[np.isfinite(ratio)]
    exponent = float(np.polyfit(np.log(k), np.log(ratio), 1)[0]) if k.size > 1 else math.nan
    if k.size < 2:
        return Verdict("tempered", math.nan, f"undecided: n = {largest:g} is too small for a trend; {rank}", exponent)
    rising = exponent > RISING
    verdict = "catastrophic" if rising and ratio[-1] > SMALL else "benign" if rising or exponent < FALLING else "tempered"
    evidence = (
        f"trend at finite n: k/r_k goes from {ratio[0]:.3g} at k = {k[0]:g} to {ratio[-1]:.3g} at k = {k[-1]:g}, exponent "
        f"{exponent:.2f}"
    )
    if spectrum.rank < UNREACHED:
        evidence += f"; {rank}, where E0 diverges, and beyond which E0 = n/(n - rank) tends to 1"
    if below.max() > largest:
        evidence += f"; larger n up to {below.max():g} are too near that peak for a trend"
    return Verdict(verdict, math.nan, evidence, exponent)


def _exact(spectrum: Spectrum) -> Verdict:
    """The limit of a named infinite spectrum."""
    if spectrum.name == "power_law":
        alpha = spectrum.parameters["alpha"]
        return Verdict(
            "tempered", float(alpha), f"exact: eigenvalues i^-{alpha:g}, k/r_k tends to {alpha - 1:g}, E0 to {alpha:g}",
            math.nan,
        )
    if spectrum.name == "log_power_law":
        power = spectrum.parameters["power"]
        return Verdict(
            "benign", 1.0,
            f"exact: eigenvalues 1/(i log^{power:g}(i+1)), k/r_k falls as {power - 1:g}/log k, E0 tends to 1, slowly",
            math.nan,
        )
    rate = spectrum.parameters["rate"]
    return Verdict(
        "catastrophic", math.inf,
        f"exact: eigenvalues e^(-{rate:g} i), k/r_k grows as {-math.expm1(-rate):.3g} k, E0 as {rate:g} n", math.nan,
    )
