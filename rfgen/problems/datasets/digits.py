"""Handwritten digits, 8 x 8 pixels.

Source: E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI Machine Learning Repository (1998),
doi 10.24432/C50P49, licence CC BY 4.0; the 1,797 test images, as scikit-learn distributes them.
"""

__all__ = ["digits"]

from importlib.resources import files

import numpy as np


def digits(target: str = "parity") -> tuple[np.ndarray, np.ndarray]:
    """Inputs (1797, 64) scaled to [0, 1], and labels.

    `target`: "parity", -1 for even and +1 for odd digits, (1797,); "classes", one-hot columns minus 1/10, (1797, 10);
    "digit", the digit itself, (1797,).

    >>> X, y = digits()
    >>> X.shape, y[:4]
    ((1797, 64), array([-1.,  1., -1.,  1.]))
    """
    with np.load(str(files("rfgen.problems.datasets") / "digits.npz")) as stored:
        images, labels = stored["images"], stored["labels"].astype(np.int64)
    inputs = images.reshape(len(images), -1) / 16.0
    if target == "parity":
        return inputs, np.where(labels % 2 == 1, 1.0, -1.0)
    if target == "classes":
        return inputs, np.eye(10)[labels] - 0.1
    if target == "digit":
        return inputs, labels.astype(np.float64)
    raise ValueError(f"target must be 'parity', 'classes' or 'digit', got {target!r}")
