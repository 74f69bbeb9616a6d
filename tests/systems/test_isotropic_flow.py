"""The simulated linear networks: against explicit gradient descent, against the exact curves, and refusals."""

import jax
import numpy as np
import pytest

from rfgen.systems.linear_networks.isotropic_flow import isotropic_flow
from rfgen.systems.linear_networks.simulation import isotropic_flow as simulated


@pytest.mark.parametrize(("samples", "inr"), [(60, 0.0), (120, 8.0), (250, 8.0)])
def test_agrees_with_the_exact_curve(samples, inr):
    times = np.array([0.0, 0.5, 4.0, 60.0])
    runs = simulated(120, samples, 5.0, times, inr, trials=60, seed=1)
    with jax.enable_x64(True):
        exact = [isotropic_flow(samples / 120, 5.0, time, inr) for time in times]
        for name in ("test", "train", "norm"):
            measured = getattr(runs, name)
            theory = np.array([float(getattr(point, name)) for point in exact])
            error = measured.std(axis=0, ddof=1) / measured.shape[0] ** 0.5
            # relative finite-size error 1/N; measured worst beyond it: 2.4 standard errors
            assert (np.abs(measured.mean(axis=0) - theory) <= 4 * error + theory / 120 + 1e-12).all(), name


def test_trials_depend_on_seed_and_number_alone():
    few, many = (simulated(20, 10, 2.0, [1.0], trials=trials, seed=3) for trials in (2, 5))
    np.testing.assert_allclose(few.test, many.test[:2], rtol=1e-12)
    assert (simulated(20, 10, 2.0, [1.0], trials=2, seed=4).test != few.test).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"inputs": 0}, "inputs must be an integer >= 1, got 0"),
        ({"samples": 2.5}, "samples must be an integer >= 1, got 2.5"),
        ({"trials": 0}, "trials must be"),
        ({"seed": -1}, "seed must be an integer >= 0"),
        ({"snr": 0.0}, "snr must be > 0"),
        ({"times": [-1.0]}, "times must be >= 0"),
        ({"times": [np.nan]}, "times must be finite"),
        ({"initial_to_noise": -2.0}, "initial_to_noise must be >= 0"),
    ],
)
def test_bad_input(change, message):
    with pytest.raises(ValueError, match=message):
        simulated(**{"inputs": 20, "samples": 10, "snr": 2.0, "times": [1.0], **change})
