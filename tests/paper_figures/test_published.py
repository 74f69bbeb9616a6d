"""Figures whose lines were published: the values read off the papers, or another route to the same formula."""

import numpy as np
import pytest
from scipy.stats import norm

import rfgen as rg
from paper_figures import out_of_distribution, robust_regression, sensitivity


@pytest.mark.parametrize("n", sorted(sensitivity.PUBLISHED))
def test_sensitivity_is_what_the_authors_drew(n):
    """Read off the notebook of arXiv 2302.01629, two digits of a curve of single draws: 1 %; measured 1.1 % at most."""
    found = rg.sensitivity(
        sensitivity.PUBLISHED_DIM, n, np.array(sensitivity.PUBLISHED_FEATURES, float), activation="tanh", signal=0.0,
        noise=sensitivity.NOISE,
    ).sensitivity.values
    np.testing.assert_allclose(found, sensitivity.PUBLISHED[n], rtol=0.012)


@pytest.mark.parametrize("weight", [0.5, 0.8])
@pytest.mark.parametrize(("law", "shift"), [((100, 60, 5.0, 10.0), 1.4), ((4, 10, 1.0, 1.0), 0.5)], ids=["equal", "best"])
def test_the_error_is_that_of_a_normal_threshold(law, shift, weight):
    """The formula of arXiv 2208.10967 is the error at a threshold, averaged over its normal law by quadrature."""
    n, m, mu, sigma = law
    parts = np.array([weight * n, (1 - weight) * m])
    nodes, shares = np.polynomial.hermite_e.hermegauss(60)
    spread = sigma * np.sqrt(weight**2 * n + (1 - weight) ** 2 * m) / parts.sum()
    threshold = parts[1] / parts.sum() * shift + spread * nodes
    at = 0.5 * (norm.cdf((threshold - mu) / sigma) + norm.cdf((-threshold - mu) / sigma))
    found = out_of_distribution.error(n, m, shift, mu, sigma, weight)
    np.testing.assert_allclose(found, shares @ at / shares.sum(), rtol=1e-12)


def test_a_few_rows_from_elsewhere_help_and_the_best_weight_never_harms():
    m, law = np.arange(0.0, 201.0), (out_of_distribution.MU, out_of_distribution.SIGMA)
    alike = out_of_distribution.error(100, m, 1.4, *law)
    assert 0 < alike.argmin() < 60 and alike[-1] > alike[0]
    weight = out_of_distribution.best_weight(100, m, 1.4, *law)
    best = out_of_distribution.error(100, m, 1.4, *law, weight)
    assert (np.diff(best) <= 0).all() and (best <= alike).all()
    tried = out_of_distribution.error(100, m, 1.4, *law, np.linspace(0.01, 1.0, 500)[:, None])
    assert (best <= tried.min(axis=0) * (1 + 1e-12)).all()
    np.testing.assert_allclose(out_of_distribution.best_weight(100, m[1:], 0.0, *law), 0.5, atol=1e-3)


@pytest.mark.parametrize(("share", "ratio", "least"), [(0.05, 2, 3.377235781126), (0.2, 4, 4.186370699030)])
def test_least_of_the_worst_is_the_published_constant(share, ratio, least):
    np.testing.assert_allclose(robust_regression.least_of_the_worst(share, ratio), least, rtol=1e-12)
