"""The kernel the figures use when no measured data are given: a ReLU tangent kernel on the bundled digits."""

__all__ = ["DESCRIPTION", "digits_kernel", "spectrum_alone"]

import numpy as np

import rfgen as rg

DEPTH = 2
DESCRIPTION = "tangent kernel of a wide 2-hidden-layer ReLU network on the bundled 8x8 digits, rows of unit norm"


def digits_kernel(examples: int | None = None, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Kernel (N, N) and centred one-hot labels (N, 10) of N = `examples` digits drawn by `seed` (default: all)."""
    inputs, labels = rg.datasets.digits("classes")
    if examples is not None:
        chosen = np.random.default_rng(seed).permutation(len(inputs))[:examples]
        inputs, labels = inputs[chosen], labels[chosen]
    inputs = inputs / np.linalg.norm(inputs, axis=1, keepdims=True)
    cosines = np.clip(inputs @ inputs.T, -1.0, 1.0)
    np.fill_diagonal(cosines, 1.0)
    return np.asarray(rg.NTK("relu", depth=DEPTH)(cosines)), labels


def spectrum_alone(task: rg.Task) -> rg.Task:
    """The same eigenvalues and target without the examples: the same theory at any number of samples.

    With the examples, rfgen warns where the number of samples is no longer far below theirs; the figures show that.
    """
    return rg.Task(task.eigenvalues, task.power, task.noise, null_power=task.null_power)
