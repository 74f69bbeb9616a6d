"""Ensembles, bags and the fine-grained variance against Monte-Carlo."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import rfgen as rg
from rfgen.simulation.fits.ridge_fit import fit_kernel
from rfgen.simulation.fits.spectral_fit import SpectralFit
from rfgen.simulation.random_numbers import HostKey
from rfgen.simulation.runs.ensemble import Members, distinct_sample, mean_spectral_fit, own_sample
from rfgen.simulation.runs.fine_grained_variance import SHARED, fine_grained_variance
from rfgen.simulation.sampling.samplers import sampler

NOISE = 0.3
TASK = rg.Task.power_law(alpha=1.5, beta=1.5, noise=NOISE, modes=400)
JUDGED = ("test", "bias", "variance", "noise", "norm")
NOISY = rg.GaussianNoise(0.3, views=3)
# learner, variables judged: those of bags have no training error
CASES = {
    "ridge": (rg.Learner(rg.Ridge([0.01, 0.1]), features=[60, 150]), (*JUDGED, "train")),
    "flow": (rg.Learner(rg.GradientFlow([3.0, 30.0, 300.0]), features=60), (*JUDGED, "train")),
    "initial weights": (rg.Learner(rg.GradientFlow([3.0, 30.0], initial_variance=0.2)), (*JUDGED, "train")),
    "views": (rg.Learner(rg.Ridge(0.05), features=100, augmentation=NOISY), (*JUDGED, "train")),
    "bags": (rg.Learner(rg.Ridge([0.0, 0.05]), resampling=rg.Bootstrap()), JUDGED),
    "bags of features": (rg.Learner(rg.Ridge(0.05), features=60, resampling=rg.Subsample(0.5)), JUDGED),
    "bags along flow": (rg.Learner(rg.GradientFlow([3.0, 300.0]), features=60, resampling=rg.Bootstrap()), JUDGED),
    "bags of views": (
        rg.Learner(rg.Ridge(0.05), features=100, augmentation=NOISY, resampling=rg.Bootstrap()), JUDGED,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_ensembles(name):
    learner, judged = CASES[name]
    report = rg.check(TASK, learner, 80, members=[1, 4], trials=40, seed=1, variables=judged)
    assert report.agrees, report


def test_members_are_one_dimension_of_the_runs():
    learner = rg.Learner(rg.Ridge([0.1, 1.0]), features=20)
    runs = rg.simulate(TASK, learner, [10, 20], trials=4, members=[1, 3])
    assert runs.test.dims == ("n", "ridge", "members")
    one = rg.simulate(TASK, learner, [10, 20], trials=4)
    np.testing.assert_array_equal(runs.test[..., 0], one.test)


def test_stored_ensembles_are_told_apart(tmp_path):
    learner = rg.Learner(rg.Ridge(0.1), features=20)
    first = [rg.simulate(TASK, learner, 20, trials=4, members=count, store=tmp_path).test for count in (1, 2)]
    again = [rg.simulate(TASK, learner, 20, trials=4, members=count, store=tmp_path).test for count in (1, 2)]
    assert float(first[0]) != float(first[1])
    assert list(map(float, first)) == list(map(float, again))


@pytest.mark.parametrize(("n", "features", "ridge"), [(80, 60, 0.05), (60, 150, 0.05)])
def test_fine_grained_variance(n, features, ridge):
    with jax.enable_x64(True):
        drawn = fine_grained_variance(
            jax.random.key(0), *map(jnp.asarray, (TASK.eigenvalues, np.sqrt(TASK.power[0]))), n, features, ridge, NOISE, 150
        )
    drawn = dict(zip(SHARED, np.asarray(drawn).T, strict=True))
    parts = rg.fine_grained_variance(TASK, rg.Learner(rg.Ridge(ridge), features=features), n)
    nothing, of_features, data = drawn[""], drawn["features"], drawn["data"]
    measured = {
        "bias": nothing, "variance_features": of_features - nothing, "variance_data": data - nothing,
        "variance_data_features": drawn["data features"] - of_features - data + nothing,
        "variance_data_noise": drawn["data noise"] - data,
        "variance_data_features_noise": drawn["data features noise"] - drawn["data features"] - drawn["data noise"] + data,
    }
    for name, values in measured.items():
        z = (values.mean() - float(parts[name])) / (values.std(ddof=1) / np.sqrt(values.size))
        assert abs(z) < 4.0, (name, z)


def test_rows_drawn_again_are_weighed():
    """Bags whose samples are there once, times the root of how often, fit as those that repeat them, views and all."""
    task = rg.Task.power_law(1.5, 1.5, NOISE, modes=50)
    source = sampler(task, "float64", "population")
    members, key, ridges = Members(2, rg.Bootstrap()), HostKey(1, 2), np.array([0.0, 0.1, 1.0])
    for views, n in ((1, 30), (2, 10), (1, 90)):
        sample = source.draw(HostKey(3, 4), None, n * views)
        repeated, (once, of_all) = own_sample(sample, key, n, members), distinct_sample(sample, key, n, members)
        assert len(once.rows) < len(repeated.rows) == n * views
        one, other = (fit_kernel(each, each.targets, ridges) for each in (repeated, once))
        np.testing.assert_allclose(other.weights, one.weights, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(of_all(other.residuals), one.residuals, rtol=1e-9, atol=1e-12)
    zero, one = np.zeros(1), np.ones((1, 1))
    fits = [SpectralFit(np.ones((4, r)), *2 * [np.ones((1, 1, r))], one, one, zero[0], zero, zero, np.zeros((1, 2, 3)))
            for r in (2, 3)]
    mean = mean_spectral_fit(lambda *_: fits.pop(), (key, key), members)  # bases of unequal rank
    assert mean.basis.shape == (4, 5) and mean.signal.tolist() == mean.noise.tolist() == [[5 * [0.5]]]
