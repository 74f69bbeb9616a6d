"""Tiny files with the keys of the measured data, where the truth is known."""

__all__ = ["effective_ridge", "write"]

from pathlib import Path

import numpy as np

from paper_figures import more_is_better_fitting_ratio, more_is_better_relu, more_is_better_spectra

MODES = 400


def effective_ridge(eigenvalues, n):
    """kappa of sum_i lambda_i / (lambda_i + kappa) = n, by bisection in log kappa with numpy alone."""
    low, high = np.log(eigenvalues.min()) - 40.0, np.log(eigenvalues.sum()) + 1.0
    for _ in range(200):
        middle = 0.5 * (low + high)
        if np.sum(eigenvalues / (eigenvalues + np.exp(middle))) > n:
            low = middle
        else:
            high = middle
    return float(np.exp(0.5 * (low + high)))


def write(folder: Path) -> Path:
    """Every file that the figures read with `--data`."""
    random = np.random.default_rng(0)
    eigenvalues = np.append(np.arange(1.0, MODES + 1.0) ** -1.3, [0.0, -1.6e-24])
    positive, sizes = eigenvalues[:MODES], np.array([1, 2, 5, 10, 20, 40, 80, 160, 399])
    traces = []
    for n in sizes:
        rows = random.standard_normal((n, MODES)) * np.sqrt(positive)
        traces.append(1.0 / np.trace(np.linalg.inv(rows @ rows.T)))
    for name in more_is_better_spectra.FILES.values():
        np.savez(
            folder / name, eigenvalues=eigenvalues, n=sizes, kappa_from_trace_of_inverse=np.array(traces),
            kappa_from_eigenvalues=np.array([effective_ridge(positive, n) for n in sizes]),
            ridgeless_test_risk=sizes**-0.2 * (1.0 + 0.05 * random.random((3, sizes.size))),
            ridgeless_train_risk=np.zeros((3, sizes.size)), pure_noise_test_risk=np.float32(1.3),
        )
    level, ridge = np.array([0, 1, 5, 50]), np.geomspace(1e-6, 1e3, 10)
    for name, (alpha, beta) in more_is_better_fitting_ratio.EXPONENTS.items():
        root = ridge / (ridge + 1e-2)
        test = more_is_better_fitting_ratio.power_law_shape(root * 0.999, alpha, beta, level[:, None])
        trials = test * (1.0 + 0.01 * random.random((5, 1, 1)))
        np.savez(
            folder / more_is_better_fitting_ratio.FILES[name], trial=np.arange(5), relative_noise=level, ridge=ridge,
            test_risk=trials, train_risk=trials * root**2, noiseless_ridgeless_test_risk=np.float32(1.0),
        )
    sizes, ridge = np.array([10, 40, 160, 400]), np.geomspace(1e-3, 100.0, 31)
    error = np.broadcast_to(0.9 + 0.1 * random.random((4, 1)), (4, 31))
    for name, file in more_is_better_relu.FILES.items():
        across = {"n": np.array([256]), "k": sizes} if name == "n256" else {"n": sizes, "k": np.array([256])}
        means = {"test_mean": error, "test_std": 0.1 * error, "train_mean": 0.8 * error}
        np.savez(folder / file, ridge=ridge, trials=45, **means, **across)
    return folder
