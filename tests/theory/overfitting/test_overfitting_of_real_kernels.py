"""The cost of overfitting of real kernels: the bundled digits, and measured image kernels where they are at hand."""

from pathlib import Path

import numpy as np
import pytest

import rfgen as rg

MEASURED = Path(__file__).resolve().parents[4] / "shared" / "data"
KERNELS = ("cifar10-relu-features", "cifar10-myrtle10-cntk", "svhn-myrtle10-cntk", "mnist-myrtle10-cntk")
# Measured risk of pure noise on image kernels over E0 from their eigenvalues at n from 300 to 3,000 (n not stated in the
# files); measured: within 8 % of the range.
REAL_NOISE = 0.1


def silent(spectrum, noise=1.0):
    """A task without target power: pure noise."""
    return rg.Task(spectrum, np.zeros(spectrum.eigenvalues.size), noise)


def test_digits():
    X, y = rg.datasets.digits()
    unit = X / np.linalg.norm(X, axis=1, keepdims=True)
    task = rg.Task.from_kernel(rg.NTK("relu", depth=2)(np.clip(unit @ unit.T, -1.0, 1.0)), y, sampling="with replacement")
    at = rg.overfitting_cost(task, n=[20, 40])
    assert (at.cost.values <= at.overfitting_coefficient.values).all()
    assert (at.overfitting_coefficient.values <= at.bound.values).all() and (at.cost.values >= 1.0).all()
    runs = rg.simulate(task.with_noise(50.0), rg.Learner(rg.Ridge(0.0)), n=40, trials=20)
    exact = rg.overfitting_cost(task.with_noise(50.0), n=40)
    assert abs(float(runs.test - exact.ridgeless_test)) < 4 * float(runs.test_se) + 0.05 * float(runs.test)


@pytest.mark.parametrize("name", KERNELS)
def test_measured_image_kernels(name):
    path = MEASURED / f"{name}-eigen.npz"
    if not path.is_file():
        pytest.skip(f"measured data not found at {path}")
    with np.load(path) as stored:
        eigenvalues, noise_risk = stored["eigenvalues"], float(stored["pure_noise_test_risk"])
    task = silent(rg.Spectrum(eigenvalues[eigenvalues > 1e-14 * eigenvalues[0]]))
    at = rg.overfitting_cost(task, n=[300, 1000, 3000])
    coefficient = at.overfitting_coefficient.values
    assert (coefficient <= at.bound.values).all() and at.attrs["verdict"] == "tempered"
    assert coefficient.min() * (1 - REAL_NOISE) < noise_risk < coefficient.max() * (1 + REAL_NOISE)


@pytest.mark.parametrize("name", KERNELS[1:])
def test_measured_costs_of_image_kernels_are_below_the_coefficient(name):
    sweep, eigen = MEASURED / f"{name}-ridge-sweep.npz", MEASURED / f"{name}-eigen.npz"
    if not sweep.is_file() or not eigen.is_file():
        pytest.skip(f"measured data not found at {sweep}")
    with np.load(sweep) as stored, np.load(eigen) as spectrum:
        test, ridge = stored["test_risk"].mean(axis=0), stored["ridge"]
        noise_risk = float(spectrum["pure_noise_test_risk"])
    cost = test[:, np.argmin(ridge)] / test.min(axis=1)
    assert (np.diff(cost) >= 0).all(), "more noise, higher cost"
    assert (cost >= 1.0).all() and cost[-1] < noise_risk
