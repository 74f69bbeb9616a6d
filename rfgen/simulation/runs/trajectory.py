"""Measured risk along training: draw rows, train, measure.  The Monte-Carlo twin of `rfgen.theory.trajectory`.

Trials, pairs and measures are those of `risk`; here all settings of a training share a basis of weights, so that risks are
quadratic forms in few coordinates: a further time costs rank^2, not the number of modes or of test points.
"""

__all__ = ["trajectory"]

from dataclasses import replace
from typing import Any

from jaxtyping import Float

from rfgen.simulation.arrays import Array, namespace
from rfgen.simulation.fits.spectral_filters import Filters
from rfgen.simulation.fits.spectral_fit import InitialWeights, SpectralFit, fit_spectrally
from rfgen.simulation.random_numbers import fold_in
from rfgen.simulation.runs.ensemble import ALONE, Members, distinct_sample, mean_spectral_fit, own_sample, with_root
from rfgen.simulation.runs.fit_errors import measured, paired
from rfgen.simulation.runs.pairs import PairMeasures, over_pairs
from rfgen.simulation.sampling.samplers import Sample

# Initial weights are drawn with a key of their own, so that the samples are those of a training without them.
INITIAL = 0x696E6974


def trajectory(
    source: Any, keys: Any, n: int, features: int | None, filters: Filters, initial: InitialWeights | None,
    noise: Float[Array, " outputs"], batched: bool, members: Members = ALONE,
) -> PairMeasures:
    """Train and measure two trials for each of `keys` (pairs, 2); `source` is a sampler, `features=None` the kernel."""
    return over_pairs(_trial, paired, source, keys, n, features, (filters, initial, noise, members), batched)


def _trial(
    sample: Sample, features_key: Any, n: int, features: int | None,
    settings: tuple[Filters, InitialWeights | None, Array, Members],
) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
    """Train on one sample, and measure."""
    filters, initial, noise, members = settings
    sample = with_root(sample, features, members)
    start_key, xp = fold_in(features_key, INITIAL), namespace(sample.rows)

    def one(key: Any, start: Any) -> SpectralFit:
        # features and values at the start are drawn for each row
        plain = features is None and initial is None
        own, of_all = distinct_sample(sample, key, n, members) if plain else (own_sample(sample, key, n, members), None)
        labels = xp.concatenate([own.targets, own.errors * xp.sqrt(noise)], axis=1)
        fit = fit_spectrally(key, own, labels, filters, n, features, start, initial, members.count > 1)
        return replace(fit, residuals=of_all(fit.residuals)) if of_all and members.count > 1 else fit

    fit = mean_spectral_fit(one, (features_key, start_key), members)
    return measured(fit, sample, noise, n)
